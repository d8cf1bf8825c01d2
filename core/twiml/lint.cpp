#include "twiml/lint.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "twiml/lint_rules.hpp"

#include <algorithm>
#include <cassert>

namespace callchain::twiml {
namespace {

constexpr auto kNpos = std::string_view::npos;
constexpr auto kError = Severity::error;
constexpr auto kWarning = Severity::warning;
constexpr auto kInfo = Severity::info;

constexpr LintRule kRules[] = {
    {"twiml_action_relative", kWarning, 11100},
    {"twiml_answer_on_bridge_late", kWarning},
    {"twiml_attribute_codec", kWarning, 12200},
    {"twiml_attribute_letter_case", kWarning, 12200},
    {"twiml_attribute_misplaced", kWarning, 12200},
    {"twiml_attribute_unknown", kWarning, 12200},
    {"twiml_boolean_invalid", kWarning},
    {"twiml_caller_id_bsuid", kWarning},
    {"twiml_caller_id_empty", kError, 13214},
    {"twiml_caller_id_inherited", kWarning, 37008},
    {"twiml_caller_id_invalid", kError, 13247},
    {"twiml_caller_id_missing", kError, 13214},
    {"twiml_caller_id_not_e164", kWarning},
    {"twiml_caller_id_not_whatsapp", kError, 37008},
    {"twiml_caller_id_whatsapp", kError, 13224},
    {"twiml_dial_empty", kError, 13223},
    {"twiml_dial_without_action", kInfo},
    {"twiml_doctype", kError, 12100},
    {"twiml_element_misplaced", kError, 12200},
    {"twiml_letter_case", kError, 12200},
    {"twiml_method_invalid", kWarning},
    {"twiml_not_well_formed", kError, 12100},
    {"twiml_noun_unknown", kError, 12200},
    {"twiml_nouns_too_many", kError, 13250},
    {"twiml_number_out_of_range", kWarning},
    {"twiml_phone_number_invalid", kError, 13223},
    {"twiml_pstn_on_whatsapp", kError},
    {"twiml_reject_not_first", kWarning},
    {"twiml_root_not_response", kError, 12200},
    {"twiml_say_empty", kWarning, 13520},
    {"twiml_say_too_long", kError, 13520},
    {"twiml_second_response", kError, 12100},
    {"twiml_sip_credentials_partial", kWarning, 13249},
    {"twiml_sip_edge_unknown", kWarning, 32114},
    {"twiml_sip_header_malformed", kWarning, 32110},
    {"twiml_sip_header_not_allowed", kWarning, 13252},
    {"twiml_sip_headers_too_long", kError, 13253},
    {"twiml_sip_host_misspelt", kError, 13254},
    {"twiml_sip_host_openai", kError},
    {"twiml_sip_host_private", kError, 13254},
    {"twiml_sip_host_twilio", kWarning, 13255},
    {"twiml_sip_parameter_repeated", kWarning},
    {"twiml_sip_parameter_unknown", kWarning},
    {"twiml_sip_port_openai", kError, 32011},
    {"twiml_sip_project_missing", kError},
    {"twiml_sip_region_and_edge", kWarning},
    {"twiml_sip_region_unknown", kWarning, 32114},
    {"twiml_sip_secure_invalid", kWarning, 32114},
    {"twiml_sip_transport_not_tls", kError},
    {"twiml_sip_transport_repeated", kError},
    {"twiml_sip_transport_unknown", kWarning, 32114},
    {"twiml_sip_uri_as_text", kError, 13223},
    {"twiml_sip_uri_blanks", kWarning},
    {"twiml_sip_uri_malformed", kError, 13243},
    {"twiml_sip_uri_phone", kInfo},
    {"twiml_sip_uri_sips", kWarning},
    {"twiml_sip_uri_too_long", kError, 13243},
    {"twiml_sip_user_missing", kError, 13243},
    {"twiml_speech_unknown", kWarning},
    {"twiml_status_event_alone", kWarning},
    {"twiml_status_event_unknown", kWarning},
    {"twiml_text_unexpected", kWarning, 12200},
    {"twiml_time_limit_long", kWarning},
    {"twiml_timeout_short", kWarning},
    {"twiml_too_deep", kError},
    {"twiml_too_large", kError, 11750},
    {"twiml_url_escaped_twice", kWarning},
    {"twiml_url_http", kWarning},
    {"twiml_url_malformed", kError, 11100},
    {"twiml_url_missing", kError},
    {"twiml_url_private", kError, 11205},
    {"twiml_url_relative", kWarning, 11100},
    {"twiml_url_underscore", kWarning},
    {"twiml_value_unknown", kWarning},
    {"twiml_verb_unknown", kError, 12200},
    {"twiml_verb_unreachable", kWarning},
    {"twiml_xml_version", kError, 12101},
};

const LintRule& rule_of(std::string_view code) {
    const auto* found =
        std::lower_bound(std::begin(kRules), std::end(kRules), code,
                         [](const LintRule& rule, std::string_view wanted) { return rule.code < wanted; });
    assert(found != std::end(kRules) && found->code == code);
    return *found;
}

/// Places at which the text of the same length has a NUL tell UTF-16 with most letters of the Latin script.
bool looks_like_utf16(std::string_view bytes) {
    if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return true;
    return bytes.size() >= 2 &&
           ((bytes[0] == '<' && bytes[1] == '\0') || (bytes[0] == '\0' && bytes[1] == '<'));
}

}  // namespace

std::span<const LintRule> lint_rules() { return kRules; }

void Findings::add(std::string_view code, const Place& place, std::string detail, std::string_view element,
                   std::string_view attribute, int twilio_code) {
    const auto& rule = rule_of(code);
    report_.codes.insert(rule.code);
    ++(rule.severity == kError     ? report_.errors
       : rule.severity == kWarning ? report_.warnings
                                   : report_.infos);
    if (!wants_more()) {
        ++report_.left_off;
        return;
    }
    report_.findings.push_back({rule.code, rule.severity, twilio_code == 0 ? rule.twilio_code : twilio_code,
                                place, std::move(detail), safe_excerpt(element, 40),
                                safe_excerpt(attribute, 40)});
}

void Findings::set_fix(std::string fix) {
    if (report_.left_off == 0 && !report_.findings.empty()) report_.findings.back().fix = std::move(fix);
}

void Findings::add(std::string_view code, const Element& element, std::string detail) {
    add(code, element.place, std::move(detail), element.name);
}

void Findings::add_at_text(std::string_view code, const Element& element, std::string detail) {
    add(code, element.text_place, std::move(detail), element.name);
}

void Findings::add(std::string_view code, const Element& element, const Attribute& attribute,
                   std::string detail, int twilio_code) {
    add(code, attribute.place, std::move(detail), element.name, attribute.name, twilio_code);
}

LintReport Findings::take() {
    std::stable_sort(report_.findings.begin(), report_.findings.end(),
                     [](const auto& a, const auto& b) { return a.place.offset < b.place.offset; });
    return std::move(report_);
}

std::string tag(std::string_view name) { return "<" + safe_excerpt(name, 40) + ">"; }

bool is_unset_word(std::string_view text) {
    for (const std::string_view word : {"undefined", "null", "None", "nil", "NaN", "[object Object]"})
        if (text == word) return true;
    return false;
}

bool has_template_mark(std::string_view text) {
    for (const std::string_view mark : {"${", "{{", "<%", "#{", "%s"})
        if (text.find(mark) != kNpos) return true;
    return false;
}

std::size_t count_characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

Result<void> check_is_text(std::string_view bytes) {
    if (bytes.size() > kMostTextBytes)
        return fail(ErrorCode::limit, "the text has " + count_of(bytes.size(), "byte") + ", more than 1 MiB",
                    "Twilio takes at most 64 kB of TwiML (error 11750): this may be another file");
    if (trim(bytes).empty())
        return fail(ErrorCode::bad_input,
                    bytes.empty() ? "there is nothing in it: 0 bytes" : "there is nothing but blanks in it",
                    "an empty answer is no TwiML; the least is <Response/>");
    if (looks_like_utf16(bytes))
        return fail(ErrorCode::bad_input, "this is UTF-16, as Windows tools write it",
                    "write it as UTF-8: iconv -f UTF-16 -t UTF-8");
    if (bytes.starts_with("\x1F\x8B"))
        return fail(ErrorCode::bad_input, "this is compressed with gzip", "unpack it first: gzip -dc");
    if (const auto nul = bytes.find('\0'); nul != kNpos)
        return fail_at(nul, ErrorCode::bad_input, "this is binary: byte " + with_thousands(nul) + " is NUL",
                       "look at the first bytes: xxd FILE | head");
    return {};
}

LintReport lint_twiml(std::string_view text, Chain chain) {
    // Twilio's error 11750.
    constexpr std::size_t kTwilioLimit = std::size_t{64} << 10U;
    text = text.substr(0, kMostTextBytes);
    Findings findings;
    if (text.size() > kTwilioLimit)
        findings.add(
            "twiml_too_large", Place{},
            "The document has " + count_of(text.size(), "byte") + ", and Twilio takes at most 64 kB.");
    const auto [document, fault] = read_document(text);
    if (fault) {
        check_fault(text, *fault, findings);
        return findings.take();
    }
    const auto judged = check_names(document, text, chain, findings);
    check_values(judged, findings);
    check_dials(judged, findings);
    check_order(judged, findings);
    check_speech(judged, findings);
    return findings.take();
}

}  // namespace callchain::twiml
