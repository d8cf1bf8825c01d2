/// <Dial> and the order of verbs: who is called, with which caller id, and what never runs.
#include "base/characters.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "twiml/caller_id.hpp"
#include "twiml/lint_rules.hpp"

#include <algorithm>

namespace callchain::twiml {
namespace {

/// One <Dial> with what is dialled.
struct Dial {
    const Element& element;
    std::vector<std::size_t> nouns;  ///< known ones
    std::string_view text;           ///< trimmed
    std::size_t first_sip = kNoElement;
    std::size_t first_client = kNoElement;
    std::size_t first_whatsapp = kNoElement;
    std::size_t first_number = kNoElement;
    bool openai = false;
};

bool looks_like_sip_uri(std::string_view text) {
    return starts_with_ignoring_case(text, "sip:") || starts_with_ignoring_case(text, "sips:");
}

/// "+55 (61) 3686-3636", "415-123-4567": what Twilio may still take for a number.
bool is_phone_number(std::string_view text) {
    if (is_e164(text)) return true;
    const auto digits = std::count_if(text.begin(), text.end(), is_ascii_digit);
    return digits >= 3 && digits <= 15 && std::all_of(text.begin(), text.end(), [](char c) {
               return is_ascii_digit(c) || c == '+' || c == '-' || c == '(' || c == ')' || c == ' ' ||
                      c == '.';
           });
}

/// A business-scoped user id, which stands in From where a WhatsApp user hides the number: two letters, '.',
/// and digits or letters. Source: Meta, "Business-scoped user IDs".
bool is_bsuid(std::string_view text) {
    if (text.size() < 8 || !is_ascii_letter(text[0]) || !is_ascii_letter(text[1]) || text[2] != '.')
        return false;
    const auto rest = text.substr(3);
    return std::all_of(rest.begin(), rest.end(), is_ascii_letter_or_digit) &&
           std::any_of(rest.begin(), rest.end(), is_ascii_digit);
}

/// What <Dial> with bare text, or a <Number>, calls.
void check_number_text(const Judged& judged, const Element& element, std::string_view number,
                       Findings& findings) {
    if (looks_like_sip_uri(number))
        return findings.add_at_text(
            "twiml_sip_uri_as_text", element,
            "A SIP URI stands as text within " + tag(element.name) +
                ", where Twilio takes it for a phone number. It belongs within <Sip>.");
    if (!is_phone_number(number)) {
        const std::string hint = number.starts_with("client:") ? " A client belongs within <Client>."
                                 : number.starts_with("whatsapp:")
                                     ? " A WhatsApp user belongs within <WhatsApp>."
                                     : "";
        return findings.add_at_text(
            "twiml_phone_number_invalid", element,
            tag(element.name) + " calls " + quoted(number) + ", which is no phone number." + hint);
    }
    if (judged.chain == Chain::whatsapp)
        findings.add_at_text(
            "twiml_pstn_on_whatsapp", element,
            tag(element.name) +
                " calls a number of the telephone network. On a WhatsApp call Twilio refuses "
                "the bridge, and Meta's terms forbid it on any leg.");
}

void check_whatsapp_text(const Element& element, Findings& findings) {
    const auto number = trim(element.text);
    if (is_e164(number)) return;
    findings.add_at_text("twiml_phone_number_invalid", element,
                         "<WhatsApp> calls " + quoted(number) +
                             (number.starts_with("whatsapp:")
                                  ? ": the number stands without the prefix here; only callerId has it."
                                  : ", which is no number in E.164, e.g. +5561999998888."));
}

Dial read_dial(const Judged& judged, std::size_t i, Findings& findings) {
    Dial dial{judged.element(i), judged.known_children(i), trim(judged.element(i).text)};
    const auto first = [](std::size_t& place, std::size_t noun) { place = std::min(place, noun); };
    for (const auto noun : dial.nouns) {
        const auto& element = judged.element(noun);
        if (judged.is(noun, "Sip")) {
            first(dial.first_sip, noun);
            dial.openai |= check_sip_uri(judged, noun, findings).openai;
        } else if (judged.is(noun, "Client")) {
            first(dial.first_client, noun);
        } else if (judged.is(noun, "WhatsApp")) {
            first(dial.first_whatsapp, noun);
            check_whatsapp_text(element, findings);
        } else if (judged.is(noun, "Number")) {
            first(dial.first_number, noun);
            check_number_text(judged, element, trim(element.text), findings);
        }
    }
    if (dial.nouns.empty() && !dial.text.empty())
        check_number_text(judged, dial.element, dial.text, findings);
    return dial;
}

void check_caller_id_missing(const Judged& judged, const Dial& dial, Findings& findings) {
    const auto noun = std::min(dial.first_sip, dial.first_client);
    if (noun != kNoElement && judged.chain == Chain::whatsapp)
        findings.add(
            "twiml_caller_id_missing", dial.element,
            "This <Dial> calls a " + tag(judged.specs[noun]->name) +
                " and has no callerId: on a WhatsApp call it inherits whatsapp:+…, and a colon may not "
                "stand in one.");
    if (dial.first_whatsapp != kNoElement)
        findings.add(
            "twiml_caller_id_inherited", dial.element,
            "This <Dial> calls a WhatsApp user and has no callerId: it inherits the caller's own, which "
            "must be a WhatsApp sender of the account.");
}

/// Twilio takes it, and the called side may not know whose number it is.
void check_caller_id_of_sip(const Dial& dial, const Attribute& attribute, Findings& findings) {
    constexpr std::size_t kLongestNumber = 16;  // '+' and 15 digits
    const std::string_view id = attribute.value;
    const auto digits = id.substr(id.starts_with('+') ? 1 : 0);
    const bool number = std::all_of(digits.begin(), digits.end(), is_ascii_digit);
    std::string why;
    if (number && !id.starts_with('+'))
        why = " is made of digits and has no + in front";
    else if (number && !is_e164(id))
        why = " is no number in E.164: + and 7 to 15 digits, the first of them not 0";
    else if (id.size() > 2 * kLongestNumber)
        why = " has " + std::to_string(id.size()) + " characters, and no number has more than 16";
    if (!why.empty())
        findings.add("twiml_caller_id_not_e164", dial.element, attribute,
                     "callerId " + quoted(id) + why + ".");
}

/// For <Sip> any letters, digits and + - _ . will do; <Client> also takes client:name; a phone wants E.164.
void check_caller_id_characters(const Dial& dial, const Attribute& attribute, Findings& findings) {
    const std::string_view id = attribute.value;
    const bool sip_only =
        dial.first_sip != kNoElement && dial.first_client == kNoElement && dial.first_number == kNoElement;
    if (dial.first_client != kNoElement && dial.first_sip == kNoElement && id.starts_with("client:")) return;
    if (is_bsuid(id))
        return findings.add("twiml_caller_id_bsuid", dial.element, attribute,
                            "callerId " + quoted(id) +
                                " looks like a WhatsApp user id that stands in From in place of a number.");
    const auto wrong = std::find_if_not(id.begin(), id.end(), [](char c) {
        return is_ascii_letter_or_digit(c) || c == '+' || c == '-' || c == '_' || c == '.';
    });
    if (wrong != id.end()) {
        const std::size_t length = std::max<std::size_t>(
            utf8_sequence_length(id.substr(static_cast<std::size_t>(wrong - id.begin()))), 1);
        return findings.add("twiml_caller_id_invalid", dial.element, attribute,
                            "callerId " + quoted(id) + " holds " +
                                quoted(id.substr(static_cast<std::size_t>(wrong - id.begin()), length)) +
                                ": letters, digits and + - _ . are all that Twilio takes.");
    }
    if (sip_only) return check_caller_id_of_sip(dial, attribute, findings);
    if (!is_e164(id))
        findings.add("twiml_caller_id_invalid", dial.element, attribute,
                     "callerId " + quoted(id) + " is no number in E.164, e.g. +5561999998888.");
}

void check_caller_id(const Judged& judged, const Dial& dial, Findings& findings) {
    const auto* attribute = dial.element.find("callerId");
    if (attribute == nullptr) return check_caller_id_missing(judged, dial, findings);
    const std::string_view id = attribute->value;
    constexpr std::string_view kPrefix = "whatsapp:";
    const bool prefixed = starts_with_ignoring_case(trim(id), kPrefix);
    auto bare = trim(id);
    if (prefixed) bare.remove_prefix(kPrefix.size());
    if (bare.starts_with('+')) bare.remove_prefix(1);
    if (trim(id).empty() || is_unset_word(bare) || (prefixed && bare.empty()) || has_template_mark(id))
        return findings.add("twiml_caller_id_empty", dial.element, *attribute,
                            "callerId is " + quoted(id) + ": the variable behind it is not set.");
    if (dial.first_whatsapp != kNoElement &&
        (!id.starts_with(kPrefix) || !is_e164(id.substr(kPrefix.size()))))
        findings.add("twiml_caller_id_not_whatsapp", dial.element, *attribute,
                     "callerId is " + quoted(id) +
                         ", and a call to a <WhatsApp> user must come from whatsapp: and a sender's number.");
    const bool others = dial.first_sip != kNoElement || dial.first_client != kNoElement ||
                        dial.first_number != kNoElement || (dial.nouns.empty() && !dial.text.empty());
    if (!others) return;
    if (prefixed)
        return findings.add("twiml_caller_id_whatsapp", dial.element, *attribute,
                            "callerId is " + quoted(id) +
                                ": the prefix whatsapp: is no part of a number, and Twilio refuses the ':'.");
    check_caller_id_characters(dial, *attribute, findings);
}

void check_towards_openai(const Dial& dial, Findings& findings) {
    // The webhook, our decision and the accept must all fit in; Twilio itself gives a webhook 15 seconds.
    constexpr std::int64_t kShortestTimeout = 15;
    if (const auto* timeout = dial.element.find("timeout")) {
        const auto seconds = parse_decimal(timeout->value);
        if (seconds && *seconds >= 5 && *seconds < kShortestTimeout)
            findings.add(
                "twiml_timeout_short", dial.element, *timeout,
                "After " + duration_of(std::chrono::seconds(*seconds)) +
                    " Twilio gives up, and OpenAI answers only when its webhook was handled and the call "
                    "accepted.");
    }
    if (dial.element.find("action") == nullptr)
        findings.add(
            "twiml_dial_without_action", dial.element,
            "This <Dial> has no action: nobody is told DialCallStatus and DialSipResponseCode when the "
            "call to OpenAI fails.");
}

/// The verb that a run never gets past, or nullptr.
const char* end_of_run(const Judged& judged, std::size_t verb) {
    if (judged.is(verb, "Hangup")) return "<Hangup> ends the call";
    if (judged.is(verb, "Redirect")) return "<Redirect> hands the call to another document";
    if (judged.is(verb, "Reject")) return "<Reject> ends the call";
    if (judged.is(verb, "Dial") && judged.element(verb).find("action") != nullptr)
        return "the answer of its action goes on in place of this document";
    return nullptr;
}

/// Verbs that come before <Reject> without a call being answered.
bool leaves_call_unanswered(const Judged& judged, std::size_t verb) { return judged.is(verb, "Pause"); }

}  // namespace

void check_dials(const Judged& judged, Findings& findings) {
    constexpr std::size_t kMostNouns = 10;
    for (std::size_t i = 0; i < judged.specs.size(); ++i) {
        if (!judged.is(i, "Dial")) continue;
        const auto dial = read_dial(judged, i, findings);
        if (dial.nouns.size() > kMostNouns)
            findings.add("twiml_nouns_too_many", judged.element(dial.nouns[kMostNouns]),
                         "This <Dial> has " + std::to_string(dial.nouns.size()) +
                             " nouns, and Twilio calls at most " + std::to_string(kMostNouns) + " at once.");
        if (dial.nouns.empty() && dial.text.empty())
            findings.add("twiml_dial_empty", dial.element, "This <Dial> says nobody to call.");
        check_caller_id(judged, dial, findings);
        if (dial.openai) check_towards_openai(dial, findings);
    }
}

void check_order(const Judged& judged, Findings& findings) {
    if (judged.specs.empty() || judged.specs[0] == nullptr) return;
    const auto verbs = judged.known_children(0);
    const char* ended = nullptr;
    std::size_t ended_line = 0;
    std::size_t answering = kNoElement;
    for (std::size_t i = 0; i < verbs.size(); ++i) {
        const auto& verb = judged.element(verbs[i]);
        if (ended != nullptr) {
            const auto left = verbs.size() - i;
            findings.add("twiml_verb_unreachable", verb,
                         tag(verb.name) +
                             (left > 1 ? " and " + count_of(left - 1, "verb") + " behind it" : "") +
                             (left > 1 ? " never run: " : " never runs: ") + ended + " (line " +
                             std::to_string(ended_line) + ").");
            return;
        }
        const auto* bridge = judged.is(verbs[i], "Dial") ? verb.find("answerOnBridge") : nullptr;
        if (i > 0 && bridge != nullptr && bridge->value == "true")
            findings.add("twiml_answer_on_bridge_late", verb, *bridge,
                         "answerOnBridge works on the first verb only, and " +
                             tag(judged.element(verbs[0]).name) + " comes first.");
        if (answering == kNoElement && !leaves_call_unanswered(judged, verbs[i])) answering = verbs[i];
        if (judged.is(verbs[i], "Reject") && answering != verbs[i])
            findings.add("twiml_reject_not_first", verb,
                         "<Reject> stands behind " + tag(judged.element(answering).name) +
                             ": the call is answered and billed by then.");
        ended = end_of_run(judged, verbs[i]);
        ended_line = verb.place.line;
    }
}

}  // namespace callchain::twiml
