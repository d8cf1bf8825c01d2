#include "gateway/redact_message.hpp"

#include "b2bua/crossing.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace callchain::gateway {
namespace {

constexpr std::string_view kWithheld = "[withheld]";
constexpr std::array<std::string_view, 5> kDigestHeaders{
    "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "authentication-info"};
constexpr std::array<std::string_view, 4> kSecretHeaders{"cookie", "set-cookie", "x-api-key", "identity"};
constexpr std::array<std::string_view, 6> kSecretParameters{"response",  "nonce",   "cnonce",
                                                            "nextnonce", "rspauth", "opaque"};
constexpr std::array<std::string_view, 3> kSecretLines{"a=ice-pwd:", "k=", "a=key-mgmt:"};
// In front of a number, in lower case. Behind the first ones separators may stand in it: behind "sip:" an
// address would look like a number.
constexpr std::array<std::string_view, 4> kLooseSigns{"+", "%2b", "tel:", "tel%3a"};
constexpr std::array<std::string_view, 7> kNumberSigns{"sip:",        "sips:", "whatsapp:", "sip%3a",
                                                       "whatsapp%3a", "\"",    "username="};
constexpr std::size_t kShortestNumber = 7;
constexpr std::size_t kShownDigits = 4;

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view one) { return equal_ignoring_case(one, name); });
}

template <std::size_t N>
bool ends_with_one_of(std::string_view text, const std::array<std::string_view, N>& ends) {
    return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) {
        return text.size() >= end.size() && equal_ignoring_case(text.substr(text.size() - end.size()), end);
    });
}

// Telephone numbers --------------------------------------------------------------------------------------

bool is_separator(char c) { return c == '-' || c == '.' || c == '(' || c == ')' || c == ' '; }

struct Number {
    std::size_t length = 0;  // of the text, up to its last digit
    std::size_t digits = 0;
};

Number number_at(std::string_view text, bool with_separators) {
    Number number;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (is_ascii_digit(text[at])) {
            ++number.digits;
            number.length = at + 1;
        } else if (!with_separators || !is_separator(text[at]) || at > number.length + 1) {
            break;  // three separators in a row end it, too
        }
    }
    return number;
}

std::string last_digits(std::string_view text) {
    std::string digits;
    for (auto at = text.size(); at-- > 0 && digits.size() < kShownDigits;) {
        if (is_ascii_digit(text[at])) digits.insert(digits.begin(), text[at]);
    }
    return digits;
}

void append_without_numbers(std::string& out, std::string_view line) {
    for (std::size_t at = 0; at < line.size();) {
        if (!is_ascii_digit(line[at]) && line[at] != '(') {
            out += line[at++];
            continue;
        }
        const auto before = line.substr(0, at);
        const bool loose = ends_with_one_of(before, kLooseSigns);
        const auto number = number_at(line.substr(at), loose);
        const bool is_number =
            number.digits >= kShortestNumber && (loose || ends_with_one_of(before, kNumberSigns));
        if (is_number) {
            out += "…";
            out += last_digits(line.substr(at, number.length));
        }
        // The digits of a run that is no number go over together, so that no part of it is taken for one.
        const auto step = std::max<std::size_t>(number.length, 1);
        if (!is_number) out += line.substr(at, step);
        at += step;
    }
}

// Lines --------------------------------------------------------------------------------------------------

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_ascii_digit(c) || c == '-' || c == '_';
}

/// Up to the end of a parameter's value, which may be quoted.
std::size_t value_length(std::string_view text) {
    if (!text.starts_with('"')) return std::min(text.find_first_of(", \t"), text.size());
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (text[at] == '\\')
            ++at;
        else if (text[at] == '"')
            return at + 1;
    }
    return text.size();
}

/// Withholds the secret ones among `name=value`; `text` may begin anywhere between two of them.
std::string redact_parameters(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto start = at;
        while (at < text.size() && is_name_character(text[at])) ++at;
        const auto name = text.substr(start, at - start);
        out += name;
        while (at < text.size() && is_ascii_blank(text[at])) out += text[at++];
        if (name.empty() || at >= text.size() || text[at] != '=') {
            if (at < text.size() && at == start) out += text[at++];
            continue;
        }
        out += text[at++];
        while (at < text.size() && is_ascii_blank(text[at])) out += text[at++];
        const auto length = value_length(text.substr(at));
        if (is_one_of(kSecretParameters, name))
            out += kWithheld;
        else
            out += text.substr(at, length);
        at += length;
    }
    return out;
}

enum class Header { plain, digest, other_scheme, number, secret };

/// Head first, then the body; a folded line belongs to the header before it.
class Redactor {
  public:
    std::string redact(std::string_view message) {
        while (!message.empty()) {
            const auto end = message.find('\n');
            const auto size = end == std::string_view::npos ? message.size() : end + 1;
            const auto whole = message.substr(0, size);
            const auto line = trim_line_end(whole);
            if (in_body_)
                redact_body_line(line);
            else
                redact_head_line(line);
            out_ += whole.substr(line.size());
            message.remove_prefix(size);
        }
        return withhold_secrets(out_);
    }

  private:
    static std::string_view trim_line_end(std::string_view line) {
        if (line.ends_with('\n')) line.remove_suffix(1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }

    void redact_head_line(std::string_view line) {
        if (line.empty()) {
            in_body_ = true;
            return;
        }
        if (!is_ascii_blank(line.front())) return begin_header(line);
        append_value(line);
    }

    void begin_header(std::string_view line) {
        const auto colon = line.find(':');
        const auto name = trim(line.substr(0, colon));
        header_ = Header::plain;
        // A line of SDP where no body has begun: of a message that was cut, or is none.
        if (line.size() > 1 && line[1] == '=') return redact_body_line(line);
        if (colon == std::string_view::npos) return append_without_numbers(out_, line);
        if (is_one_of(kSecretHeaders, name)) header_ = Header::secret;
        if (equal_ignoring_case(name, b2bua::kCallerHeader)) header_ = Header::number;
        auto value = line.substr(colon + 1);
        out_ += line.substr(0, colon + 1);
        if (is_one_of(kDigestHeaders, name)) {
            const auto word = trim_left(value);
            const auto scheme = word.substr(0, word.find_first_of(" \t"));
            const bool has_scheme = !equal_ignoring_case(name, "authentication-info");
            header_ =
                !has_scheme || equal_ignoring_case(scheme, "digest") ? Header::digest : Header::other_scheme;
            if (has_scheme) {
                out_ += value.substr(0, value.size() - word.size() + scheme.size());
                value = word.substr(scheme.size());
            }
        }
        append_value(value);
    }

    void append_value(std::string_view value) {
        switch (header_) {
            case Header::plain:
                return append_without_numbers(out_, value);
            case Header::digest:
                return append_without_numbers(out_, redact_parameters(value));
            case Header::number: {  // with its sign or without
                std::string shown;
                append_without_numbers(shown, "+" + std::string(trim_left(value)));
                out_ += " " + shown.substr(1);
                return;
            }
            case Header::other_scheme:
            case Header::secret:
                out_ += " ";
                out_ += kWithheld;
        }
    }

    void redact_body_line(std::string_view line) {
        for (const auto begin : kSecretLines) {
            if (!starts_with_ignoring_case(line, begin)) continue;
            out_ += line.substr(0, begin.size());
            out_ += kWithheld;
            return;
        }
        static constexpr std::string_view kInline = "inline:";
        if (starts_with_ignoring_case(line, "a=crypto:")) {
            const auto at = ascii_lower(line).find(kInline);
            // Of a suite without that word there is nothing that is known to be harmless.
            out_ += line.substr(0, at == std::string_view::npos ? 9 : at + kInline.size());
            out_ += kWithheld;
            return;
        }
        append_without_numbers(out_, line);
    }

    std::string out_;
    Header header_ = Header::plain;
    bool in_body_ = false;
};

}  // namespace

std::string redact_message(std::string_view message) { return Redactor().redact(message); }

}  // namespace callchain::gateway
