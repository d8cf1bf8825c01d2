#include "simulator/twiml_player.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "twiml/document.hpp"
#include "twiml/sip_uri.hpp"
#include "twiml/verbs.hpp"

#include <algorithm>
#include <utility>

namespace callchain::simulator {
namespace {

using twiml::Document;
using twiml::Element;

constexpr std::size_t kMostBytes = std::size_t{64} << 10U;
constexpr std::size_t kMostNouns = 10;
constexpr std::size_t kMostUriBytes = 255;
constexpr std::size_t kMostHeaderBytes = 1'024;
constexpr std::string_view kStatusEvents = "initiated ringing answered completed";

std::string shown(std::string_view text) { return "\"" + safe_excerpt(text, 60) + "\""; }

/// Walks over one document; each member function reads one kind of element.
class Reader {
  public:
    explicit Reader(const Document& document) : document_(document) {}

    [[nodiscard]] Script read() {
        const auto& root = document_.elements.front();
        if (root.name != twiml::kRoot) {
            warn(12200, "The document's element is <" + safe_excerpt(root.name, 40) + ">, not <Response>.");
            return std::move(script_);
        }
        check_attributes(root);
        for (const auto child : root.children) read_verb(document_.elements[child]);
        return std::move(script_);
    }

  private:
    void warn(int code, std::string why) { script_.warnings.push_back({code, std::move(why)}); }

    [[nodiscard]] std::string parent_of(const Element& element) const {
        return element.parent == twiml::kNoElement ? "" : document_.elements[element.parent].name;
    }

    void check_attributes(const Element& element) {
        const auto* spec = twiml::find_spec(element.name, parent_of(element));
        for (const auto& attribute : element.attributes) {
            if (spec == nullptr || spec->find(attribute.name) != nullptr) continue;
            warn(12200, "<" + element.name + "> has no attribute " + shown(attribute.name) +
                            ", which is passed over.");
        }
    }

    static std::string value_of(const Element& element, std::string_view attribute) {
        const auto* found = element.find(attribute);
        return found == nullptr ? std::string{} : found->value;
    }

    std::string method_of(const Element& element, std::string_view attribute, int code) {
        const auto value = value_of(element, attribute);
        if (value.empty() || equal_ignoring_case(value, "POST")) return "POST";
        if (equal_ignoring_case(value, "GET")) return "GET";
        warn(code, "The method is neither GET nor POST: " + shown(value) + ".");
        return "POST";
    }

    std::optional<std::chrono::seconds> seconds_of(const Element& element, std::string_view attribute,
                                                   std::int64_t least, std::int64_t most, int code) {
        const auto value = value_of(element, attribute);
        if (value.empty()) return std::nullopt;
        const auto number = parse_decimal(trim(value));
        if (number && *number >= least && *number <= most) return std::chrono::seconds(*number);
        warn(code, "<" + element.name + ">: " + std::string(attribute) + " is not " + std::to_string(least) +
                       " to " + std::to_string(most) + ": " + shown(value) + ".");
        return std::nullopt;
    }

    void read_verb(const Element& element) {
        const auto& name = element.name;
        const auto* spec = twiml::find_spec(name, twiml::kRoot);
        if (spec == nullptr)
            return warn(12200, "There is no verb <" + safe_excerpt(name, 40) + ">; it is passed over.");
        check_attributes(element);
        if (name == "Dial") return read_dial(element);
        if (name == "Say") return script_.steps.push_back(SayStep{std::string(trim(element.text))});
        if (name == "Reject")
            return script_.steps.push_back(RejectStep{value_of(element, "reason") == "busy" ? 486 : 404});
        if (name == "Hangup") return script_.steps.push_back(HangUpStep{});
        if (name == "Pause")
            return script_.steps.push_back(
                PauseStep{seconds_of(element, "length", 0, 3'600, 12200).value_or(std::chrono::seconds(1))});
        if (name == "Redirect")
            return script_.steps.push_back(
                RedirectStep{std::string(trim(element.text)), method_of(element, "method", 13710)});
        warn(12200, "This stand-in for Twilio does not run <" + name + ">; it is passed over.");
    }

    void read_dial(const Element& element) {
        DialStep dial;
        dial.caller_id = value_of(element, "callerId");
        dial.action = value_of(element, "action");
        dial.method = method_of(element, "method", 13210);
        const auto answer = ascii_lower(value_of(element, "answerOnBridge"));
        if (!answer.empty() && answer != "true" && answer != "false")
            warn(13219, "answerOnBridge is neither true nor false: " + shown(answer) + ".");
        dial.answer_on_bridge = answer == "true" && script_.steps.empty();
        dial.timeout = seconds_of(element, "timeout", 5, 600, 13212).value_or(dial.timeout);
        dial.time_limit = seconds_of(element, "timeLimit", 1, 86'400, 13216);
        read_nouns(element, dial);
        script_.steps.push_back(std::move(dial));
    }

    void read_nouns(const Element& element, DialStep& dial) {
        if (element.children.size() > kMostNouns)
            dial.fault = {13250, "<Dial> has more than 10 nouns."};
        else if (element.children.empty())
            dial.fault = {13223, trim(element.text).empty()
                                     ? "<Dial> has nobody to dial."
                                     : "<Dial> dials a text that is no phone number that may be called: " +
                                           show_number(trim(element.text)) + "."};
        for (const auto child : element.children) {
            if (dial.fault) break;
            read_noun(document_.elements[child], dial);
        }
        if (dial.fault)
            dial.sips.clear();
        else if (dial.sips.empty())
            dial.fault = {13223, "<Dial> has no <Sip>: nobody that this stand-in could dial."};
    }

    void read_noun(const Element& element, DialStep& dial) {
        if (element.name != "Sip") {
            const bool known = twiml::find_spec(element.name, "Dial") != nullptr;
            return warn(12200, (known ? "This stand-in for Twilio does not dial <" : "<Dial> has no noun <") +
                                   safe_excerpt(element.name, 40) + ">; it is passed over.");
        }
        check_attributes(element);
        SipNoun noun;
        noun.username = value_of(element, "username");
        noun.password = value_of(element, "password");
        noun.status_callback = value_of(element, "statusCallback");
        noun.status_callback_method = method_of(element, "statusCallbackMethod", 12200);
        read_events(element, noun);
        dial.fault = read_uri(std::string(trim(element.text)), noun);
        if (!dial.fault) dial.sips.push_back(std::move(noun));
    }

    void read_events(const Element& element, SipNoun& noun) {
        const auto words = value_of(element, "statusCallbackEvent");
        for (const auto word : split(words, ' ')) {
            if (trim(word).empty()) continue;
            if (twiml::has_word(kStatusEvents, trim(word)))
                noun.status_callback_events.emplace_back(trim(word));
            else
                warn(12200, "<Sip>: there is no status event " + shown(word) + ".");
        }
        if (noun.status_callback_events.empty() && !noun.status_callback.empty())
            noun.status_callback_events = {"completed"};
    }

    [[nodiscard]] std::optional<TwilioProblem> read_uri(const std::string& text, SipNoun& noun) {
        const auto mark = text.find('?');
        const auto address = text.substr(0, mark);
        if (address.size() >= kMostUriBytes)
            return TwilioProblem{13243, "The SIP URI has " + std::to_string(address.size()) +
                                            " characters; "
                                            "Twilio takes fewer than 255."};
        if (mark != std::string::npos && text.size() - mark - 1 >= kMostHeaderBytes)
            return TwilioProblem{13253, "The headers of the SIP URI have " +
                                            std::to_string(text.size() - mark - 1) +
                                            " characters; Twilio takes fewer than 1,024."};
        auto read = twiml::parse_sip_uri(text);
        if (!read && mark != std::string::npos) {
            // Only what is malformed is left out; the call goes on.
            read = twiml::parse_sip_uri(address);
            if (read) warn(32110, "The headers of the SIP URI are malformed and left out.");
        }
        if (!read) return TwilioProblem{13243, "The SIP URI is not valid: " + shown(address) + "."};
        auto uri = sip::parse_uri(address);
        if (!uri) return TwilioProblem{13243, "The SIP URI is not valid: " + shown(address) + "."};
        noun.uri = *std::move(uri);
        if (noun.uri.scheme == "sips") {
            noun.uri.scheme = "sip";
            noun.uri.parameters.set("transport", "tls");
        }
        take_parameters(noun);
        take_headers(*read, noun);
        return std::nullopt;
    }

    void take_parameters(SipNoun& noun) {
        if (const auto secure = noun.uri.parameters.find("secure")) {
            noun.secure = equal_ignoring_case(*secure, "true");
            if (!noun.secure && !equal_ignoring_case(*secure, "false"))
                warn(32114, "secure= of the SIP URI is neither true nor false.");
        }
        // Where the call leaves Twilio, and how: none of the callee's business.
        for (const auto* name : {"secure", "region", "edge"}) noun.uri.parameters.remove(name);
        if (noun.secure) noun.uri.parameters.set("transport", "tls");
    }

    void take_headers(const twiml::SipUri& uri, SipNoun& noun) {
        for (const auto& [name, value] : uri.headers) {
            if (twiml::is_header_of_twilio(name))
                warn(32113, "The header " + shown(name) + " is Twilio's own and left out.");
            else if (!twiml::is_header_passed_on(name))
                warn(13252, "The header " + shown(name) + " is none that Twilio passes on.");
            else
                noun.headers.push_back({name, value});
        }
    }

    const Document& document_;
    Script script_;
};

bool may_stand_in_caller_id(char c) {
    return is_ascii_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("+-_.").find(c) != std::string_view::npos;
}

std::string summary_of(const Step& step) {
    if (const auto* dial = std::get_if<DialStep>(&step)) {
        std::string text = "<Dial";
        if (!dial->caller_id.empty()) text += " callerId=" + show_number(dial->caller_id);
        if (dial->answer_on_bridge) text += " answerOnBridge";
        text += ">";
        for (std::size_t i = 0; i < dial->sips.size(); ++i) text += "<Sip>";
        return text;
    }
    if (const auto* reject = std::get_if<RejectStep>(&step))
        return reject->status == 486 ? "<Reject reason=busy>" : "<Reject>";
    if (std::holds_alternative<SayStep>(step)) return "<Say>";
    if (std::holds_alternative<HangUpStep>(step)) return "<Hangup>";
    if (std::holds_alternative<PauseStep>(step)) return "<Pause>";
    return "<Redirect>";
}

}  // namespace

Script read_script(std::string_view document) {
    Script script;
    if (document.size() > kMostBytes) {
        script.failure = {
            11750, "The document has " + count_of(document.size(), "byte") + "; Twilio takes at most 64 kB."};
        return script;
    }
    const auto [tree, fault] = twiml::read_document(document);
    if (fault || tree.elements.empty()) {
        script.failure = {12100, fault ? "The answer cannot be parsed as XML: line " +
                                             std::to_string(fault->place.line) + ", column " +
                                             std::to_string(fault->place.column) + "."
                                       : "The answer holds no XML element."};
        return script;
    }
    return Reader(tree).read();
}

std::string shown_caller_id(const DialStep& dial, std::string_view caller) {
    return dial.caller_id.empty() ? std::string(caller) : dial.caller_id;
}

std::optional<TwilioProblem> check_caller_id(const DialStep& dial, std::string_view caller) {
    const auto id = shown_caller_id(dial, caller);
    const bool inherited = dial.caller_id.empty();
    if (inherited && (starts_with_ignoring_case(id, "sip:") || id.empty()))
        return TwilioProblem{13214,
                             "A valid callerId must be provided for Client and SIP calls when using <Dial>."};
    for (const std::string_view prefix : {"whatsapp:", "client:"}) {
        if (!starts_with_ignoring_case(id, prefix)) continue;
        return TwilioProblem{13224, "The caller id " +
                                        std::string(inherited ? "inherited from the caller" : "") +
                                        (inherited ? " " : "") + "is " + show_number(id) +
                                        ", which no SIP endpoint can be shown."};
    }
    if (std::all_of(id.begin(), id.end(), may_stand_in_caller_id)) return std::nullopt;
    return TwilioProblem{
        13247, "The caller id " + show_number(id) + " has characters that a SIP endpoint cannot be shown."};
}

std::string summary_of(const Script& script) {
    if (script.failure) return "not TwiML";
    if (script.steps.empty()) return "<Response/>";
    std::string text;
    for (const auto& step : script.steps) text += summary_of(step);
    return text;
}

}  // namespace callchain::simulator
