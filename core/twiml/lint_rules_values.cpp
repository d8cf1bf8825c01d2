/// Values of attributes: URLs, methods, numbers and words; and what is said.
#include "base/endpoint.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "twiml/lint_rules.hpp"

#include <algorithm>
#include <limits>

namespace callchain::twiml {
namespace {

constexpr auto kNpos = std::string_view::npos;

/// What is wrong with a URL, if anything.
struct UrlFault {
    std::string_view code;
    std::string what;  ///< goes on behind "action "
};

/// The letters, digits, '+', '-' and '.' in front of the first ':'; empty where there is no scheme.
std::string_view scheme_of(std::string_view url) {
    const auto colon = url.find(':');
    if (colon == kNpos || colon == 0) return {};
    const auto scheme = url.substr(0, colon);
    const bool fits = std::all_of(scheme.begin(), scheme.end(), [](char c) {
        return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
               c == '-' || c == '.';
    });
    return fits && !is_ascii_digit(scheme.front()) ? scheme : std::string_view{};
}

struct Authority {
    std::string_view host;
    std::string_view port;  ///< with its ':'; empty where there is none
};

Authority authority_of(std::string_view behind_scheme) {
    auto rest = behind_scheme.substr(0, behind_scheme.find_first_of("/?#"));
    if (const auto at = rest.rfind('@'); at != kNpos) rest.remove_prefix(at + 1);
    const auto bracket = rest.rfind(']');
    const auto colon = rest.find(':', bracket == kNpos ? 0 : bracket);
    return colon == kNpos ? Authority{rest, {}} : Authority{rest.substr(0, colon), rest.substr(colon)};
}

bool is_port(std::string_view port) {
    if (port.empty()) return true;
    const auto number = parse_decimal(port.substr(1));
    return number && *number >= 1 && *number <= 65'535;
}

std::optional<UrlFault> fault_of_relative(std::string_view url, std::string_view attribute) {
    const bool action = attribute == "action";
    const auto code = action ? "twiml_action_relative" : "twiml_url_relative";
    if (url.empty())
        return UrlFault{code,
                        "is empty, so Twilio asks the URL of this document again. The variable behind it "
                        "may not be set."};
    const auto segment = url.substr(0, url.find('/'));
    const auto first = segment.substr(0, segment.find_first_of("?#"));
    if (is_unset_word(first))
        return UrlFault{"twiml_url_malformed", "begins with " + quoted(first) + ": a variable is not set"};
    const bool host_like = first.starts_with("www.") ||
                           (first.size() < url.size() && !first.empty() && first.find('.') != kNpos &&
                            !first.starts_with('.') && url[first.size()] == '/');
    if (host_like)
        return UrlFault{
            "twiml_url_malformed",
            quoted(url) + " has a host and no https:// in front of it, so it is taken for a path"};
    return UrlFault{code, quoted(url) +
                              " is relative: Twilio resolves it against the URL that this document was "
                              "fetched from, and fails where there is none, as with TwiML in a REST "
                              "request"};
}

std::optional<UrlFault> fault_of_absolute(std::string_view url, std::string_view scheme, bool websocket,
                                          bool callback) {
    const auto behind = url.substr(scheme.size() + 1);
    const bool known = websocket
                           ? equal_ignoring_case(scheme, "wss") || equal_ignoring_case(scheme, "ws")
                           : equal_ignoring_case(scheme, "https") || equal_ignoring_case(scheme, "http");
    if (!known)
        return UrlFault{"twiml_url_malformed",
                        quoted(url) + " must begin with " + (websocket ? "wss://" : "https://")};
    if (!behind.starts_with("//"))
        return UrlFault{"twiml_url_malformed", quoted(url) + " lacks the // behind its scheme"};
    const auto rest = behind.substr(2);
    const auto [host, port] = authority_of(rest);
    const auto inner = scheme_of(rest);
    if ((inner == "http" || inner == "https") && rest.substr(inner.size()).starts_with(":/"))
        return UrlFault{"twiml_url_malformed", quoted(url) + " has its scheme twice"};
    if (host.empty()) return UrlFault{"twiml_url_malformed", quoted(url) + " has no host"};
    if (is_unset_word(host))
        return UrlFault{"twiml_url_malformed", quoted(url) + " has an unset variable for its host"};
    if (!is_port(port))
        return UrlFault{"twiml_url_malformed", quoted(url) + " has a port that is no number from 1 to 65535"};
    if (is_private_host(host))
        return UrlFault{"twiml_url_private",
                        quoted(url) + " points to a host that only your own network reaches"};
    const auto path = split(rest.substr(0, rest.find_first_of("?#")), '/');
    if (const auto unset = std::find_if(path.begin() + 1, path.end(), is_unset_word); unset != path.end())
        return UrlFault{"twiml_url_malformed",
                        quoted(url) + " has " + quoted(*unset) + " in its path: a variable is not set"};
    if (url.find("&amp;") != kNpos)
        return UrlFault{"twiml_url_escaped_twice",
                        quoted(url) + " has &amp; for each &: it was escaped twice"};
    if (callback && host.find('_') != kNpos)
        return UrlFault{"twiml_url_underscore", quoted(url) +
                                                    " has an underscore in its host, which Twilio does "
                                                    "not take for status callbacks"};
    if (equal_ignoring_case(scheme, "http") || equal_ignoring_case(scheme, "ws"))
        return UrlFault{"twiml_url_http", quoted(url) +
                                              " is not encrypted: the caller's number and the "
                                              "signature travel in clear"};
    return std::nullopt;
}

std::optional<UrlFault> fault_of_url(std::string_view url, std::string_view attribute, bool websocket) {
    if (trim(url) != url && !trim(url).empty())
        return UrlFault{"twiml_url_malformed", quoted(url) + " has blanks around it"};
    url = trim(url);
    if (has_template_mark(url))
        return UrlFault{"twiml_url_malformed", quoted(url) + " holds a variable that was not replaced"};
    const auto wrong = std::find_if(url.begin(), url.end(), [](char c) {
        return is_ascii_blank(c) || c == '<' || c == '>' || c == '"' || c == '\\' || c == '^' || c == '`' ||
               c == '{' || c == '|' || c == '}';
    });
    if (wrong != url.end())
        return UrlFault{"twiml_url_malformed", quoted(url) + " holds " + quoted({&*wrong, 1}) +
                                                   ", which must be percent-encoded in a URL"};
    // "localhost:3000/x" has a scheme by the letter.
    const auto scheme = scheme_of(url);
    if (scheme.empty() || scheme.find('.') != kNpos) return fault_of_relative(url, attribute);
    return fault_of_absolute(url, scheme, websocket, attribute.ends_with("tatusCallback"));
}

void check_number(const Element& element, const Attribute& attribute, const AttributeSpec& spec,
                  Findings& findings) {
    const auto value = parse_decimal(attribute.value);
    constexpr std::int64_t kUsualLongestCall = 14'400;
    if (value && *value >= spec.least && *value <= spec.most) {
        if (spec.name == "timeLimit" && *value > kUsualLongestCall)
            findings.add("twiml_time_limit_long", element, attribute,
                         "timeLimit is " + quoted(attribute.value) +
                             ", and Twilio ends calls after 14400 seconds (4 hours) unless the account is "
                             "enabled for longer ones.");
        return;
    }
    const bool open = spec.most == std::numeric_limits<std::int64_t>::max();
    findings.add("twiml_number_out_of_range", element, attribute,
                 std::string(spec.name) + " is " + quoted(attribute.value) + " and must be a whole number " +
                     (open ? "of at least " + std::to_string(spec.least)
                           : "from " + std::to_string(spec.least) + " to " + std::to_string(spec.most)) +
                     ".",
                 spec.twilio_code);
}

std::string known_words(std::string_view words, std::string_view given) {
    if (const auto near = nearest_word(given, words); !near.empty())
        return " Did you mean " + std::string(near) + "?";
    if (words.size() > 120) return {};
    return " Twilio knows: " + replace_all(words, " ", ", ") + ".";
}

void check_words(const Element& element, const Attribute& attribute, const AttributeSpec& spec,
                 Findings& findings) {
    const bool event = spec.name.ends_with("allbackEvent");
    const auto* code = event ? "twiml_status_event_unknown" : "twiml_value_unknown";
    // Tabs and line ends in a value arrive as blanks; only references bring others.
    for (const auto word : split(attribute.value, ' ')) {
        if (word.empty() || has_word(spec.words, word)) continue;
        const bool comma = word.find(',') != kNpos;
        return findings.add(code, element, attribute,
                            std::string(spec.name) + " holds " + quoted(word) +
                                (comma ? ": words are separated by blanks, not commas."
                                       : ", which Twilio does not know." + known_words(spec.words, word)));
    }
}

void check_value(const Element& element, const Attribute& attribute, const AttributeSpec& spec,
                 Findings& findings) {
    const std::string name(spec.name);
    const std::string_view value = attribute.value;
    switch (spec.kind) {
        case ValueKind::text:
        case ValueKind::secret:
            return;
        case ValueKind::url:
        case ValueKind::websocket:
            if (const auto fault = fault_of_url(value, spec.name, spec.kind == ValueKind::websocket))
                findings.add(fault->code, element, attribute,
                             name + " " + fault->what + (fault->what.ends_with('.') ? "" : "."));
            return;
        case ValueKind::method:
            if (value != "GET" && value != "POST")
                findings.add("twiml_method_invalid", element, attribute,
                             name + " is " + quoted(value) + " and must be GET or POST, in capitals.",
                             spec.twilio_code);
            return;
        case ValueKind::boolean:
            if (value != "true" && value != "false")
                findings.add("twiml_boolean_invalid", element, attribute,
                             name + " is " + quoted(value) + " and must be true or false, in small letters.",
                             spec.twilio_code);
            return;
        case ValueKind::integer:
            return check_number(element, attribute, spec, findings);
        case ValueKind::word:
            if (!has_word(spec.words, value))
                findings.add("twiml_value_unknown", element, attribute,
                             name + " is " + quoted(value) + ", which Twilio does not know." +
                                 known_words(spec.words, value),
                             spec.twilio_code);
            return;
        case ValueKind::words:
            return check_words(element, attribute, spec, findings);
    }
}

/// An event list without a URL to send the events to.
void check_event_alone(const Element& element, const ElementSpec& spec, Findings& findings) {
    for (const std::string_view url : {"statusCallback", "recordingStatusCallback"}) {
        const auto* events = element.find(std::string(url) + "Event");
        if (events == nullptr || element.find(url) != nullptr || spec.find(events->name) == nullptr) continue;
        findings.add("twiml_status_event_alone", element, *events,
                     events->name + " stands without " + std::string(url) + ": no event is sent anywhere.");
    }
}

void check_url_missing(const Element& element, const ElementSpec& spec, std::string_view parent,
                       Findings& findings) {
    const bool needed = (spec.name == "Stream" && parent != "Stop") || spec.name == "ConversationRelay";
    if (!needed || element.find("url") != nullptr || element.find("connectorName") != nullptr) return;
    findings.add("twiml_url_missing", element,
                 tag(spec.name) + " has no url: nobody takes what is said in this call.");
}

/// The text of an element and of all within it, e.g. of speech mark-up.
std::size_t count_spoken(const Document& document, std::size_t i) {
    std::size_t count = count_characters(trim(document.elements[i].text));
    for (auto j = i + 1;
         j < document.elements.size() && document.elements[j].depth > document.elements[i].depth; ++j)
        count += count_characters(trim(document.elements[j].text));
    return count;
}

}  // namespace

void check_values(const Judged& judged, Findings& findings) {
    for (std::size_t i = 0; i < judged.specs.size(); ++i) {
        const auto* spec = judged.specs[i];
        if (spec == nullptr) continue;
        const auto& element = judged.element(i);
        for (const auto& attribute : element.attributes)
            if (const auto* known = spec->find(attribute.name))
                check_value(element, attribute, *known, findings);
        check_event_alone(element, *spec, findings);
        if (i > 0) check_url_missing(element, *spec, judged.element(element.parent).name, findings);
        const bool digits = spec->name == "Play" && element.find("digits") != nullptr;
        if (spec->text != TextKind::url || digits) continue;
        if (spec->name == "Play" && trim(element.text).empty())
            findings.add("twiml_url_relative", element, "This <Play> names nothing to play.");
        else if (const auto fault = fault_of_url(trim(element.text), "", false))
            findings.add_at_text(fault->code, element,
                                 "The URL of " + tag(spec->name) + " " + fault->what +
                                     (fault->what.ends_with('.') ? "" : "."));
    }
}

void check_speech(const Judged& judged, Findings& findings) {
    // Twilio, "TwiML Voice: <Say>": at most 4,096 characters.
    constexpr std::size_t kMostSpoken = 4'096;
    for (std::size_t i = 0; i < judged.specs.size(); ++i) {
        if (!judged.is(i, "Say")) continue;
        const auto count = count_spoken(judged.document, i);
        if (count == 0)
            findings.add("twiml_say_empty", judged.element(i), "There is nothing to say in this <Say>.");
        if (count > kMostSpoken)
            findings.add("twiml_say_too_long", judged.element(i),
                         "This <Say> has " + with_thousands(count) + " characters, and Twilio says at most " +
                             with_thousands(kMostSpoken) + ".");
    }
}

}  // namespace callchain::twiml
