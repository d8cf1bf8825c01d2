/// The parts of lint_twiml(). Internal: everybody else includes lint.hpp.
#pragma once

#include "twiml/document.hpp"
#include "twiml/lint.hpp"
#include "twiml/verbs.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace callchain::twiml {

/// Gathers what the rules find.
class Findings {
  public:
    /// About the text as a whole, or about an element. `twilio_code` stands in for the rule's where it is not
    /// 0.
    void add(std::string_view code, const Place& place, std::string detail, std::string_view element = {},
             std::string_view attribute = {}, int twilio_code = 0);
    void add(std::string_view code, const Element& element, std::string detail);
    /// At the text within the element.
    void add_at_text(std::string_view code, const Element& element, std::string detail);
    void add(std::string_view code, const Element& element, const Attribute& attribute, std::string detail,
             int twilio_code = 0);
    /// Says what to do about the finding added last, in place of what the page of its code says.
    void set_fix(std::string fix);
    /// Whether another finding will still be told: if not, its detail need not be good.
    [[nodiscard]] bool wants_more() const { return report_.findings.size() < kMostFindings; }
    [[nodiscard]] LintReport take();

  private:
    LintReport report_;
};

/// A document with what Twilio knows of each element: nullptr where it ignores the element, and then of all
/// within it, too.
struct Judged {
    const Document& document;
    std::vector<const ElementSpec*> specs;
    Chain chain = Chain::whatsapp;
    std::string_view source = {};  ///< the text of the document

    [[nodiscard]] const Element& element(std::size_t i) const { return document.elements[i]; }
    /// The children that Twilio does not ignore.
    [[nodiscard]] std::vector<std::size_t> known_children(std::size_t i) const;
    /// Whether element `i` is known and has that name, however it is written.
    [[nodiscard]] bool is(std::size_t i, std::string_view name) const {
        return specs[i] != nullptr && specs[i]->name == name;
    }
};

void check_fault(std::string_view text, const XmlFault& fault, Findings& findings);
/// Names of elements and attributes, and text where none belongs. Returns the document with its specs.
[[nodiscard]] Judged check_names(const Document& document, std::string_view source, Chain chain,
                                 Findings& findings);
void check_values(const Judged& judged, Findings& findings);
void check_order(const Judged& judged, Findings& findings);
void check_dials(const Judged& judged, Findings& findings);
void check_speech(const Judged& judged, Findings& findings);

/// What is to be known of a dialled URI by the rules about the <Dial> around it.
struct SipTarget {
    bool openai = false;  ///< a SIP host of OpenAI
};
/// `i` is a <Sip> of <Dial>, or a <Uri> within it.
SipTarget check_sip_uri(const Judged& judged, std::size_t i, Findings& findings);

/// A name or value from the document, in quotes, fit to print: secrets withheld, passwords in URIs replaced.
[[nodiscard]] std::string quoted(std::string_view value);
/// As quoted(), a part of a text that is to be searched as a whole for what must not be shown.
[[nodiscard]] std::string excerpt_of(std::string_view text, std::size_t begin, std::size_t end,
                                     std::size_t most);
/// "<Dial>".
[[nodiscard]] std::string tag(std::string_view name);
/// What a variable that was not set leaves behind: "undefined", "null", "None", "nil", "NaN".
[[nodiscard]] bool is_unset_word(std::string_view text);
/// Whether a template's variable was left as it is: "${…}", "{{…}}", "<%…%>", "#{…}".
[[nodiscard]] bool has_template_mark(std::string_view text);
/// Characters, not bytes.
[[nodiscard]] std::size_t count_characters(std::string_view text);

}  // namespace callchain::twiml
