/// Judges a voice TwiML document before Twilio does: is it XML, does Twilio know what stands in it, and does
/// it do what a WhatsApp call towards a SIP endpoint needs.
#pragma once

#include "base/result.hpp"
#include "twiml/document.hpp"

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::twiml {

enum class Severity {
    error,    ///< the call fails, or Twilio leaves out a step
    warning,  ///< Twilio ignores or mends something, or it works in some calls only
    info,     ///< works, and there is something better
};

/// Which calls the document is for.
enum class Chain {
    whatsapp,  ///< the caller or the called party is a WhatsApp user, directly or through a SIP gateway
    phone,     ///< calls of the telephone network: they may be bridged to it, and bring a caller id that is
               ///< E.164
};

struct LintRule {
    std::string_view code;  ///< a row of the catalogue of findings
    Severity severity = Severity::error;
    int twilio_code = 0;  ///< what Twilio would report; 0: nothing, or not known
};

/// Every rule, in ascending order of codes.
[[nodiscard]] std::span<const LintRule> lint_rules();

struct LintFinding {
    std::string_view code;  ///< of a rule
    Severity severity = Severity::error;
    int twilio_code = 0;
    Place place;
    std::string detail;     ///< one or two sentences; nothing unprintable, no secret
    std::string element;    ///< the name as it may be shown; empty where it is about the text as a whole
    std::string attribute;  ///< as `element`; empty where it is about the element
    std::string fix = {};   ///< what to do, where the page of the code is too general; else empty
};

/// How many findings are told one by one.
inline constexpr std::size_t kMostFindings = 100;

struct LintReport {
    std::vector<LintFinding> findings;  ///< by place
    std::size_t errors = 0;             ///< counts hold those that are left off, too
    std::size_t warnings = 0;
    std::size_t infos = 0;
    std::size_t left_off = 0;          ///< findings beyond kMostFindings
    std::set<std::string_view> codes;  ///< of all findings

    [[nodiscard]] bool ok() const { return errors == 0; }
};

/// Whether there is text at all for lint_twiml().
/// Errors: bad_input for nothing, blanks only, UTF-16, NUL and other binary bytes; limit above
/// kMostTextBytes. Each says what was seen and what to do.
[[nodiscard]] Result<void> check_is_text(std::string_view bytes);

/// Every finding about a text for which check_is_text() has no error; a longer one is cut. The same text
/// gives the same report. Source: Twilio, "TwiML for Programmable Voice" and its error dictionary; OpenAI,
/// "Realtime API with SIP";
///         Meta, "Integration patterns" of WhatsApp calling.
[[nodiscard]] LintReport lint_twiml(std::string_view text, Chain chain = Chain::whatsapp);

/// A line of the text made safe to print, with the place of interest in it.
struct SourceLine {
    std::string text;
    std::size_t caret = 0;  ///< characters in front of the place
};

/// A value from outside, at most `most` characters of it, as a line of the text is shown: without user
/// information of URLs, secrets, and all but the last four digits of phone numbers.
[[nodiscard]] std::string shown_value(std::string_view value, std::size_t most);

/// The line in which `place` stands, cut to a window of about `most` characters around it. User names and
/// passwords in attributes and URIs, tokens and secrets are replaced; of phone numbers the last four digits
/// are left.
[[nodiscard]] SourceLine source_line(std::string_view text, const Place& place, std::size_t most);

/// Many of them from one text, which is searched once for what must not be shown. Borrows the text.
class SourceLines {
  public:
    explicit SourceLines(std::string_view text);
    SourceLines(const SourceLines&) = delete;
    SourceLines& operator=(const SourceLines&) = delete;
    [[nodiscard]] SourceLine at(const Place& place, std::size_t most) const;
    /// From `begin` to `end`; line ends stay.
    [[nodiscard]] std::string shown(std::size_t begin, std::size_t end) const;

  private:
    struct Range {
        std::size_t begin = 0;
        std::size_t end = 0;
        std::string shown = {};  ///< in its place
    };
    void resolve_references();
    [[nodiscard]] std::size_t offset_of(std::size_t at) const;
    void withhold(std::size_t begin, std::size_t end);
    void withhold_user_information(std::size_t first_colon, std::size_t last);
    void find_bearers();
    void find_numbers();
    void find_attributes();
    void find_user_information();
    void find_clear_secrets();

    std::string_view source_;
    std::string_view text_;             // with references to characters resolved
    std::string resolved_;              // what text_ borrows where there are some,
    std::vector<std::size_t> offsets_;  // and where each of its bytes comes from
    std::vector<Range> withheld_;
};

}  // namespace callchain::twiml
