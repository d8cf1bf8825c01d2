#include "twiml/voice_response.hpp"

#include "base/characters.hpp"
#include "base/endpoint.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "twiml/caller_id.hpp"
#include "twiml/lint.hpp"
#include "twiml/xml_writer.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace callchain::twiml {
namespace {

using Words = std::span<const std::string_view>;

constexpr std::size_t kUriLimit = 255;       // the URI in front of '?' is shorter; Source: "<Sip>"
constexpr std::size_t kHeadersLimit = 1024;  // and so is the part from '?' on
constexpr std::chrono::seconds kShortestTimeout{5}, kLongestTimeout{600};
constexpr std::chrono::seconds kLongestCall{86'400}, kUsualLongestCall{14'400};
constexpr std::size_t kShown = 80;
constexpr std::string_view kMalformed = "twiml_url_malformed";

constexpr std::array<std::string_view, 5> kRecordModes{"do-not-record", "record-from-answer",
                                                       "record-from-ringing", "record-from-answer-dual",
                                                       "record-from-ringing-dual"};
constexpr std::array<std::string_view, 4> kCallEvents{"initiated", "ringing", "answered", "completed"};
constexpr std::array<std::string_view, 3> kRecordingEvents{"in-progress", "completed", "absent"};
constexpr std::array<std::string_view, 2> kMethods{"GET", "POST"};

bool is_one_of(std::string_view text, Words words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

std::string list_of(Words words) { return join({words.begin(), words.end()}, ", "); }

std::string quoted(std::string_view text) { return "\"" + shown_value(text, kShown) + "\""; }

// Collects remarks; each check_ member judges one thing.
class Check {
  public:
    explicit Check(const VoiceResponse& response) : response_(response) {}

    VoiceRemarks run() {
        check_project_id();
        check_host();
        check_place();
        for (const auto& header : response_.headers) check_header(header);
        check_repeated_headers();
        check_caller_id();
        check_times();
        check_recording();
        check_callbacks();
        if (remarks_.problems.empty()) check_lengths();
        return std::move(remarks_);
    }

  private:
    void problem(std::string option, std::string message, std::string hint = {}) {
        remarks_.problems.push_back({std::move(option), std::move(message), std::move(hint)});
    }
    /// `code` is the rule of lint_twiml() that says the same of the document.
    void warning(std::string option, std::string message, std::string hint = {}, std::string_view code = {}) {
        remarks_.warnings.push_back({std::move(option), std::move(message), std::move(hint), code});
    }

    void check_project_id();
    void check_host();
    void check_place();
    void check_header(const SipUriHeader& header);
    void check_repeated_headers();
    void check_caller_id();
    void check_times();
    void check_recording();
    void check_callbacks();
    void check_url(const std::string& option, std::string_view url);
    void check_url_host(const std::string& option, std::string_view url);
    void check_method(const std::string& option, std::string_view method, std::string_view url,
                      const std::string& url_option);
    void check_events(const std::string& option, const std::vector<std::string>& events, Words known,
                      std::string_view url, const std::string& url_option);
    void check_lengths();

    const VoiceResponse& response_;
    VoiceRemarks remarks_;
};

constexpr std::string_view kProjectPrefix = "proj_";

bool is_project_id(std::string_view text) {
    return text.starts_with(kProjectPrefix) && text.size() > kProjectPrefix.size() &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_ascii_letter_or_digit(c) || c == '_' || c == '-'; });
}

// A project id that stands in `text` among what belongs elsewhere, or nothing.
std::string_view project_id_within(std::string_view text) {
    const auto begin = text.find(kProjectPrefix);
    if (begin == std::string_view::npos) return {};
    text = text.substr(begin);
    const auto end = std::find_if_not(
        text.begin(), text.end(), [](char c) { return is_ascii_letter_or_digit(c) || c == '_' || c == '-'; });
    text = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    return is_project_id(text) ? text : std::string_view{};
}

void Check::check_project_id() {
    const std::string option = "--project-id";
    const std::string_view id = response_.project_id;
    if (id.empty())
        return problem(option, "no project id is given, and OPENAI_PROJECT_ID is not set",
                       "copy it from OpenAI's settings of the project: it begins with proj_");
    if (is_project_id(id)) return;
    const auto meant = project_id_within(id);
    const std::string hint =
        meant.empty() ? "copy it from OpenAI's settings of the project: proj_, then letters, digits, _ and -"
                      : "give the id alone: " + safe_excerpt(meant, kShown);
    if (starts_with_ignoring_case(id, "sip:") || starts_with_ignoring_case(id, "sips:") ||
        id.find('@') != std::string_view::npos)
        return problem(option, "a whole SIP address is given: " + quoted(id), hint);
    problem(option, "not a project id: " + quoted(id), hint);
}

// Host and port of the URI, or why they are none. Only these two may be there.
Result<SipUri> parse_host(const std::string& host) {
    auto uri = parse_sip_uri("sip:" + host);
    if (!uri) return uri;
    if (uri->user.empty() && uri->parameters.empty() && uri->headers.empty()) return uri;
    return fail(ErrorCode::usage, "more than a host");
}

void Check::check_host() {
    const std::string option = "--host";
    const auto uri = parse_host(response_.host);
    if (!uri)
        return problem(option, "not a host name, or a host and a port: " + quoted(response_.host),
                       "OpenAI's is sip.api.openai.com, for EU residency sip-eu.api.openai.com");
    const auto host = ascii_lower(uri->host);
    const auto kind = kind_of_host(host);
    if (kind == SipHost::openai || kind == SipHost::azure) return;
    const auto meant = meant_openai_host(host);
    warning(option,
            quoted(response_.host) + " is no SIP host of OpenAI's that is known here: " +
                list_of(openai_sip_hosts()) + ", or one that ends in .sip.ai.azure.com",
            kind == SipHost::openai_misspelt ? "did you mean " + meant + "?" : "",
            kind == SipHost::openai_unknown ? "twiml_sip_host_openai" : "twiml_sip_host_misspelt");
}

bool is_place_name(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || c == '-'; });
}

void Check::check_place() {
    const auto check = [this](const std::string& option, std::string_view value, Words known, Words others,
                              const std::string& other_option) {
        if (value.empty() || is_one_of(value, known)) return;
        if (!is_place_name(value)) {
            const auto lower = ascii_lower(trim(value));
            return problem(option, "takes small letters, digits and hyphens: " + quoted(value),
                           is_one_of(lower, known) ? "write " + lower : "one of " + list_of(known));
        }
        warning(option, quoted(value) + " is none of those known here: " + list_of(known),
                is_one_of(value, others) ? "that is a name for " + other_option : "",
                option == "--region" ? "twiml_sip_region_unknown" : "twiml_sip_edge_unknown");
    };
    check("--region", response_.region, twilio_regions(), twilio_edges(), "--edge");
    check("--edge", response_.edge, twilio_edges(), twilio_regions(), "--region");
    // Which of the two wins is written nowhere.
    if (!response_.region.empty() && !response_.edge.empty())
        problem("--region", "a region and an edge are given; Twilio takes one of them",
                "keep the edge; region is its older form");
}

bool is_token(std::string_view text) {
    constexpr std::string_view kAlso = "-.!%*_+`'~";  // Source: RFC 3261 section 25.1, token
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_ascii_letter_or_digit(c) || kAlso.find(c) != std::string_view::npos;
    });
}

void Check::check_header(const SipUriHeader& header) {
    const std::string option = "--header";
    const auto name = std::string_view(header.name);
    if (!is_token(name)) {
        problem(option, "not a header name: " + quoted(name), "write it as 'X-Name: value'");
    } else if (is_header_of_twilio(name)) {
        problem(option, "Twilio keeps names that begin with X-Twilio for itself: " + quoted(name),
                "choose another name, for example X-Trace-Id");
    } else if (!is_header_passed_on(name)) {
        problem(option, "Twilio does not pass on a header of this name: " + quoted(name),
                "it passes on X-… and " + list_of(other_headers_passed_on()));
    }
    if (has_control_character(header.value))
        problem(option, quoted(name) + " has a control character in its value",
                "a line end would begin a header of its own");
    else if (!is_utf8(header.value))
        problem(option, quoted(name) + " has bytes in its value that are not UTF-8");
}

void Check::check_repeated_headers() {
    const auto& headers = response_.headers;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        const auto same = [&](const SipUriHeader& other) {
            return equal_ignoring_case(other.name, headers[i].name);
        };
        const auto here = headers.begin() + static_cast<std::ptrdiff_t>(i);
        if (std::none_of(headers.begin(), here, same) && std::any_of(here + 1, headers.end(), same))
            warning("--header", quoted(headers[i].name) + " is given more than once");
    }
}

void Check::check_caller_id() {
    if (is_e164(response_.caller_id)) return;
    problem(
        "--caller-id",
        response_.caller_id.empty()
            ? std::string("no caller id is given, and TWILIO_SIP_CALLER_ID is not set")
            : "not a phone number in E.164 form: \"" + show_number(response_.caller_id) + "\"",
        "give --caller-id, or set TWILIO_SIP_CALLER_ID, to the number of your WhatsApp sender, for example "
        "+5561…");
}

void Check::check_times() {
    if (response_.timeout && (*response_.timeout < kShortestTimeout || *response_.timeout > kLongestTimeout))
        problem("--timeout", "takes 5 to 600 seconds, not " + std::to_string(response_.timeout->count()));
    if (!response_.time_limit) return;
    const auto limit = *response_.time_limit;
    if (limit.count() < 1 || limit > kLongestCall)
        problem("--time-limit", "takes 1 to 86400 seconds, not " + std::to_string(limit.count()));
    else if (limit > kUsualLongestCall)
        warning(
            "--time-limit",
            "Twilio ends calls after 14400 seconds (4 hours) unless the account is enabled for longer ones",
            {}, "twiml_time_limit_long");
}

void Check::check_recording() {
    if (!response_.record.empty() && !is_one_of(response_.record, kRecordModes))
        problem("--record", "no such mode: " + quoted(response_.record), "one of " + list_of(kRecordModes));
    if (!response_.recording_status_callback.empty() &&
        (response_.record.empty() || response_.record == "do-not-record"))
        warning("--recording-status-callback", "nothing is recorded, so it is never called",
                "add --record record-from-answer-dual, or leave it out");
}

void Check::check_callbacks() {
    check_url("--action", response_.action);
    check_method("--method", response_.method, response_.action, "--action");
    check_url("--status-callback", response_.status_callback);
    check_method("--status-callback-method", response_.status_callback_method, response_.status_callback,
                 "--status-callback");
    check_events("--status-callback-event", response_.status_callback_events, kCallEvents,
                 response_.status_callback, "--status-callback");
    check_url("--recording-status-callback", response_.recording_status_callback);
    check_method("--recording-status-callback-method", response_.recording_status_callback_method,
                 response_.recording_status_callback, "--recording-status-callback");
    check_events("--recording-status-callback-event", response_.recording_status_callback_events,
                 kRecordingEvents, response_.recording_status_callback, "--recording-status-callback");
    check_url("--refer-url", response_.refer_url);
    check_method("--refer-method", response_.refer_method, response_.refer_url, "--refer-url");
}

bool has_url_scheme(std::string_view url) {
    const auto colon = url.find(':');
    return colon != std::string_view::npos && colon > 0 && !is_ascii_digit(url.front()) &&
           std::all_of(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(colon),
                       is_ascii_letter_or_digit);
}

bool is_of_this_machine(std::string_view host) {
    return equal_ignoring_case(host, "localhost") || is_loopback(without_brackets(host));
}

// Between "//" and what comes behind the host, without user and port.
std::string_view host_of(std::string_view url) {
    auto rest = url.substr(url.find("//") + 2);
    rest = rest.substr(0, rest.find_first_of("/?#"));
    rest = rest.substr(rest.find('@') == std::string_view::npos ? 0 : rest.rfind('@') + 1);
    if (rest.starts_with('[')) return rest.substr(0, rest.find(']') + 1);
    return rest.substr(0, rest.find(':'));
}

void Check::check_url_host(const std::string& option, std::string_view url) {
    const auto host = host_of(url);
    if (host.empty()) return warning(option, "not a URL: there is no host in " + quoted(url), {}, kMalformed);
    if (is_of_this_machine(host))
        warning(option, "Twilio cannot reach " + quoted(host) + " from outside", {}, "twiml_url_private");
    // Only for these hosts does Twilio say so.
    if (option == "--status-callback" && host.find('_') != std::string_view::npos)
        warning(option, "Twilio takes no host with an underscore here: " + quoted(host),
                "give the service a name without one", "twiml_url_underscore");
}

// The text goes out unchanged whatever is found, so that what Twilio would say can be tried.
void Check::check_url(const std::string& option, std::string_view url) {
    if (url.empty()) return;
    if (has_control_character(url))
        return problem(option, "there is a control character in it: " + quoted(url), "take it out");
    if (find_no_xml_character(url) != std::string_view::npos)
        return problem(option, "XML cannot carry it: " + quoted(url),
                       "write it in UTF-8, or percent-encoded");
    const bool plain = starts_with_ignoring_case(url, "http://");
    if (url.find_first_of(" \"<>\\^`{|}") != std::string_view::npos) {
        warning(option, "not a URL: it holds a character that none may have: " + quoted(url),
                "percent-encode it: a blank is %20", kMalformed);
    } else if (std::any_of(url.begin(), url.end(),
                           [](char c) { return static_cast<unsigned char>(c) > 0x7F; })) {
        warning(option, "it holds characters outside ASCII: " + quoted(url), "percent-encode them");
    }
    if (plain || starts_with_ignoring_case(url, "https://")) {
        if (plain)
            warning(option, "plain http: whoever is on the way can read and change it", "use https",
                    "twiml_url_http");
        return check_url_host(option, url);
    }
    if (has_url_scheme(url))
        return warning(option, "neither http nor https: " + quoted(url), "Twilio takes an http or https URL",
                       kMalformed);
    const bool host_like = !url.starts_with('.') && url.find('.') < url.find('/');
    warning(option, "not absolute; Twilio resolves it against the URL of this document: " + quoted(url),
            host_like ? "write https:// in front if a host is meant" : "",
            host_like              ? kMalformed
            : option == "--action" ? "twiml_action_relative"
                                   : "twiml_url_relative");
}

void Check::check_method(const std::string& option, std::string_view method, std::string_view url,
                         const std::string& url_option) {
    if (method.empty()) return;
    if (!is_one_of(method, kMethods))
        problem(option, "neither GET nor POST: " + quoted(method), "Twilio takes these two, in capitals");
    else if (url.empty())
        warning(option, "without effect: there is no " + url_option);
}

void Check::check_events(const std::string& option, const std::vector<std::string>& events, Words known,
                         std::string_view url, const std::string& url_option) {
    for (const auto& event : events) {
        if (!is_one_of(event, known))
            problem(option, "no such event: " + quoted(event), "one of " + list_of(known));
    }
    if (!events.empty() && url.empty())
        warning(option, "without effect: there is no " + url_option, {}, "twiml_status_event_alone");
}

// For a response without problems.
SipUri uri_of(const VoiceResponse& response) {
    SipUri uri;
    if (auto host = parse_host(response.host)) uri = *std::move(host);
    uri.user = response.project_id;
    // Twilio would go by UDP; "sips:" it does not take ("Sending SIP", "TLS").
    uri.parameters = {{"transport", "tls"}};
    if (!response.region.empty()) uri.parameters.push_back({"region", response.region});
    if (!response.edge.empty()) uri.parameters.push_back({"edge", response.edge});
    if (response.secure) uri.parameters.push_back({"secure", "true"});
    uri.headers = response.headers;
    return uri;
}

void Check::check_lengths() {
    const auto text = write_sip_uri(uri_of(response_));
    if (!text) return problem("--header", text.error().message, text.error().hint);
    const auto front = std::min(text->find('?'), text->size());
    if (front >= kUriLimit)
        problem("--project-id",
                "the SIP URI has " + std::to_string(front) + " characters; Twilio takes less than " +
                    std::to_string(kUriLimit),
                "shorten the project id or the host");
    if (text->size() - front >= kHeadersLimit)
        problem("--header",
                "the headers make " + with_thousands(text->size() - front) +
                    " characters, percent-encoded; Twilio takes less than " + with_thousands(kHeadersLimit),
                "shorten or drop some");
}

std::vector<std::string> without_repeats(const std::vector<std::string>& words) {
    std::vector<std::string> out;
    for (const auto& word : words)
        if (std::find(out.begin(), out.end(), word) == out.end()) out.push_back(word);
    return out;
}

XmlElement sip_of(const VoiceResponse& response, std::string uri) {
    XmlElement sip{"Sip", {}, std::move(uri)};
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) sip.attributes.push_back({name, value});
    };
    add("statusCallback", response.status_callback);
    add("statusCallbackEvent", join(without_repeats(response.status_callback_events), " "));
    add("statusCallbackMethod", response.status_callback_method);
    return sip;
}

XmlElement dial_of(const VoiceResponse& response, XmlElement sip) {
    XmlElement dial{"Dial"};
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) dial.attributes.push_back({name, value});
    };
    add("callerId", response.caller_id);
    add("action", response.action);
    add("method", response.method);
    add("answerOnBridge", response.answer_on_bridge ? "true" : "");
    add("timeout", response.timeout ? std::to_string(response.timeout->count()) : "");
    add("timeLimit", response.time_limit ? std::to_string(response.time_limit->count()) : "");
    add("record", response.record);
    add("recordingStatusCallback", response.recording_status_callback);
    add("recordingStatusCallbackEvent",
        join(without_repeats(response.recording_status_callback_events), " "));
    add("recordingStatusCallbackMethod", response.recording_status_callback_method);
    add("referUrl", response.refer_url);
    add("referMethod", response.refer_method);
    dial.children = {std::move(sip)};
    return dial;
}

/// The option that what was found comes from; empty where several may be meant.
std::string option_of(const LintFinding& finding) {
    constexpr std::pair<std::string_view, std::string_view> kAttributes[] = {
        {"action", "--action"},
        {"callerId", "--caller-id"},
        {"method", "--method"},
        {"recordingStatusCallback", "--recording-status-callback"},
        {"recordingStatusCallbackEvent", "--recording-status-callback-event"},
        {"referUrl", "--refer-url"},
        {"statusCallback", "--status-callback"},
        {"statusCallbackEvent", "--status-callback-event"},
        {"timeLimit", "--time-limit"},
        {"timeout", "--timeout"},
    };
    for (const auto& [attribute, option] : kAttributes)
        if (finding.attribute == attribute) return std::string(option);
    constexpr std::pair<std::string_view, std::string_view> kParts[] = {
        {"twiml_sip_host", "--host"},          {"twiml_sip_port", "--host"}, {"twiml_pstn", "--host"},
        {"twiml_sip_region", "--region"},      {"twiml_sip_edge", "--edge"}, {"twiml_sip_header", "--header"},
        {"twiml_sip_project", "--project-id"},
    };
    for (const auto& [front, option] : kParts)
        if (finding.code.starts_with(front)) return std::string(option);
    return {};
}

}  // namespace

std::vector<VoiceRemark> judge_document(std::string_view document, const std::vector<VoiceRemark>& known) {
    std::vector<VoiceRemark> remarks;
    for (const auto& finding : lint_twiml(document).findings) {
        if (finding.severity == Severity::info) continue;
        VoiceRemark remark{option_of(finding), finding.detail,
                           std::string("callchain explain ").append(finding.code), finding.code};
        if (remark.message.ends_with('.')) remark.message.pop_back();
        const bool said = std::any_of(known.begin(), known.end(), [&](const VoiceRemark& other) {
            return other.code == remark.code && (remark.option.empty() || other.option == remark.option);
        });
        if (!said) remarks.push_back(std::move(remark));
    }
    return remarks;
}

VoiceRemarks check_voice_response(const VoiceResponse& response) { return Check(response).run(); }

Error error_of(const std::vector<VoiceRemark>& problems) {
    if (problems.size() == 1)
        return {ErrorCode::usage, text_of({problems.front().option, problems.front().message}), std::nullopt,
                problems.front().hint};
    Error error{ErrorCode::usage, {}, std::nullopt, "callchain help twiml"};
    for (const auto& problem : problems)
        error.message += (error.message.empty() ? "" : "; ") + text_of(problem);
    return error;
}

std::string text_of(const VoiceRemark& remark) {
    return (remark.option.empty() ? "" : remark.option + ": ") + remark.message +
           (remark.hint.empty() ? "" : " (" + remark.hint + ")");
}

Result<std::string> write_voice_uri(const VoiceResponse& response) {
    if (const auto remarks = check_voice_response(response); !remarks.problems.empty())
        return tl::unexpected(error_of(remarks.problems));
    return write_sip_uri(uri_of(response));
}

Result<std::string> write_voice_response(const VoiceResponse& response) {
    auto uri = CALLCHAIN_TRY(write_voice_uri(response));
    return write_xml_document({"Response", {}, {}, {dial_of(response, sip_of(response, std::move(uri)))}});
}

}  // namespace callchain::twiml
