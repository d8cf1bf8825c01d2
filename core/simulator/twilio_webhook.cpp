#include "simulator/twilio_webhook.hpp"

#include "base/internet_time.hpp"
#include "base/text.hpp"
#include "signature/twilio.hpp"
#include "signature/twilio_url.hpp"

#include <algorithm>
#include <utility>

namespace callchain::simulator {
namespace {

using encoding::FormFields;
using Kind = http::ClientFailure::Kind;

constexpr std::string_view kSipDomainSid = "SD00000000000000000000000000000001";
// Of 13224 whatever the reason was, although it is the title of 13223.
constexpr const char* kInvalidNumber = "Dial: Invalid phone number format";
// Twilio tries to connect twice, five seconds each.
constexpr std::chrono::milliseconds kConnectTime{10'000};

std::string origin_of(const signature::UrlParts& url) {
    return url.scheme + "://" + url.userinfo + url.host + url.port;
}
std::string path_of(const signature::UrlParts& url) { return url.path.empty() ? "/" : url.path; }

std::string boolean(bool value) { return value ? "true" : "false"; }

std::string uuid_of(std::string_view token) {
    const auto hex = encoding::to_hex(token);
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-4" + hex.substr(13, 3) + "-a" + hex.substr(17, 3) +
           "-" + hex.substr(20, 12);
}

int code_of(const http::ClientFailure& failure) {
    switch (failure.kind) {
        case Kind::url:
            return 11100;
        case Kind::resolve:
            return 11210;
        case Kind::connect:
            // libcurl has one code for both, and tells them apart in words.
            return failure.message.find("imed out") != std::string::npos ||
                           failure.message.find("Timeout was reached") != std::string::npos
                       ? 11205
                       : 11202;
        case Kind::timeout:
            return 11205;
        case Kind::tls:
            break;
        case Kind::broken:
        case Kind::closed:
            return 11200;
    }
    switch (failure.tls_cause) {
        case http::TlsCause::host_name:
            return 11235;
        case http::TlsCause::expired:
        case http::TlsCause::not_yet_valid:
            return 11236;
        case http::TlsCause::self_signed:
        case http::TlsCause::unknown_issuer:
            return 11237;
        case http::TlsCause::none:
        case http::TlsCause::not_tls:
        case http::TlsCause::other:
            break;
    }
    return 11220;
}

bool is_xml(std::string_view content_type) {
    const auto type = trim(content_type.substr(0, content_type.find(';')));
    for (const std::string_view taken : {"text/xml", "application/xml", "text/html"})
        if (equal_ignoring_case(type, taken)) return true;
    return false;
}

// Of the parties of a leg, in the new names and the old ones.
void add_parties(FormFields& fields, const std::string& from, const std::string& to) {
    for (const auto* name : {"From", "Caller"}) fields.emplace_back(name, from);
    for (const auto* name : {"To", "Called"}) fields.emplace_back(name, to);
}

void add_header_fields(FormFields& fields, const std::string& prefix,
                       const std::vector<sip::HeaderField>& headers) {
    for (const auto& header : headers) fields.emplace_back(prefix + header.name, header.value);
}

}  // namespace

std::string known_voice_url(const WebhookAccount& account) {
    if (account.public_url.empty()) return account.voice_url;
    const auto known = signature::split_url(account.public_url);
    const auto sent = signature::split_url(account.voice_url);
    if (!known || !sent || !known->path.empty()) return account.public_url;
    return origin_of(*known) + path_of(*sent) + sent->query;
}

std::optional<std::string> callback_url(std::string_view base, std::string_view reference) {
    auto text = std::string(trim(reference));
    text.resize(std::min(text.size(), text.find('#')));
    if (text.find("://") == std::string::npos) {
        const auto from = signature::split_url(base);
        if (!from) return std::nullopt;
        const auto folder = path_of(*from).substr(0, path_of(*from).rfind('/') + 1);
        if (text.empty())
            text = path_of(*from) + from->query;
        else if (text.front() == '?')
            text = path_of(*from) + text;
        else if (text.front() != '/')
            text = folder + text;
        text = origin_of(*from) + text;
    }
    if (!signature::split_url(text)) return std::nullopt;
    return text;
}

std::string sent_url(const WebhookAccount& account, const std::string& url) {
    if (account.public_url.empty()) return url;
    const auto known = signature::split_url(known_voice_url(account));
    const auto sent = signature::split_url(account.voice_url);
    const auto asked = signature::split_url(url);
    if (!known || !sent || !asked || origin_of(*known) != origin_of(*asked)) return url;
    // A proxy may take a prefix off every path.
    std::string prefix;
    if (known->path.ends_with(sent->path))
        prefix = known->path.substr(0, known->path.size() - sent->path.size());
    auto path = path_of(*asked);
    if (path.starts_with(prefix)) path.erase(0, prefix.size());
    return origin_of(*sent) + path + asked->query;
}

std::vector<sip::HeaderField> passed_headers(const sip::Message& message) {
    std::vector<sip::HeaderField> passed;
    for (const auto& header : message.headers)
        if (starts_with_ignoring_case(header.name, "X-") || equal_ignoring_case(header.name, "User-to-User"))
            passed.push_back(header);
    return passed;
}

FormFields voice_fields(const WebhookAccount& account, const WebhookCall& call) {
    FormFields fields{{"AccountSid", account.account_sid},
                      {"ApiVersion", "2010-04-01"},
                      {"CallSid", call.call_sid},
                      {"CallStatus", call.status},
                      {"Direction", "inbound"}};
    add_parties(fields, call.from, call.to);
    if (call.sip_call_id.empty()) return fields;
    fields.emplace_back("SipCallId", call.sip_call_id);
    fields.emplace_back("SipDomain", call.sip_domain);
    fields.emplace_back("SipDomainSid", kSipDomainSid);
    fields.emplace_back("SipSourceIp", call.sip_source);
    if (!call.sip_username.empty()) fields.emplace_back("SipUsername", call.sip_username);
    add_header_fields(fields, "SipHeader_", call.sip_headers);
    return fields;
}

std::string message_of(const TwilioProblem& problem) {
    return problem.code == 13224 ? std::string(kInvalidNumber) : problem.why;
}

FormFields action_fields(const WebhookAccount& account, const WebhookCall& call, const DialedLeg& leg) {
    auto fields = voice_fields(account, call);
    fields.emplace_back("DialCallStatus", leg.status);
    fields.emplace_back("DialBridged", boolean(leg.bridged));
    if (!leg.call_sid.empty()) fields.emplace_back("DialCallSid", leg.call_sid);
    if (leg.duration) fields.emplace_back("DialCallDuration", std::to_string(leg.duration->count()));
    if (!leg.call_id.empty()) fields.emplace_back("DialSipCallId", leg.call_id);
    if (leg.sip_status != 0) fields.emplace_back("DialSipResponseCode", std::to_string(leg.sip_status));
    add_header_fields(fields, "DialSipHeader_", leg.sip_headers);
    if (leg.problem) {
        fields.emplace_back("ErrorCode", std::to_string(leg.problem->code));
        fields.emplace_back("ErrorMessage", message_of(*leg.problem));
    }
    return fields;
}

FormFields status_fields(const WebhookAccount& account, const WebhookCall& call, const DialedLeg& leg,
                         int sequence, std::chrono::sys_seconds now) {
    FormFields fields{{"AccountSid", account.account_sid},
                      {"ApiVersion", "2010-04-01"},
                      {"CallSid", leg.call_sid},
                      {"ParentCallSid", call.call_sid},
                      {"CallStatus", leg.status},
                      {"Direction", "outbound-dial"},
                      {"CallbackSource", "call-progress-events"},
                      {"SequenceNumber", std::to_string(sequence)},
                      {"Timestamp", write_rfc2822(now)},
                      {"SipCallId", leg.call_id}};
    add_parties(fields, leg.from, leg.to);
    if (leg.duration) fields.emplace_back("CallDuration", std::to_string(leg.duration->count()));
    if (leg.sip_status != 0) fields.emplace_back("SipResponseCode", std::to_string(leg.sip_status));
    return fields;
}

http::ClientRequest make_webhook(const WebhookAccount& account, const std::string& method,
                                 const std::string& url, const FormFields& fields, std::string_view token) {
    http::ClientRequest request;
    request.method = method;
    auto signed_url = url;
    const auto form = encoding::write_form(fields);
    const bool in_query = method == "GET";
    if (in_query) signed_url += (url.find('?') == std::string::npos ? "?" : "&") + form;
    request.url = sent_url(account, signed_url);
    request.headers = {{"Accept", "*/*"},
                       {"User-Agent", "TwilioProxy/1.1"},
                       {"I-Twilio-Idempotency-Token", uuid_of(token)},
                       {"X-Home-Region", "us1"}};
    if (!in_query) {
        request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"});
        request.body = form;
    }
    if (!account.auth_token.empty())
        request.headers.push_back(
            {"X-Twilio-Signature",
             signature::sign_twilio(account.auth_token, signed_url, in_query ? FormFields{} : fields)});
    request.total_time = account.time;
    request.connect_time = std::min(account.time, kConnectTime);
    return request;
}

WebhookReply judge_webhook(const http::ClientResult& result) {
    if (const auto* failure = std::get_if<http::ClientFailure>(&result))
        return {0, TwilioProblem{code_of(*failure), failure->message + "."}, {}};
    const auto& response = std::get<http::ClientResponse>(result);
    WebhookReply reply{response.status, std::nullopt, response.body};
    if (response.status < 200 || response.status > 299) {
        reply.problem = {11200, "The webhook answered " + std::to_string(response.status) + "."};
    } else if (!is_xml(response.headers.find("Content-Type").value_or(""))) {
        const auto type = response.headers.find("Content-Type").value_or("");
        reply.problem = {12300, type.empty() ? std::string("The webhook's answer has no Content-Type.")
                                             : "The webhook's answer is of the type " +
                                                   visible_excerpt(type, 60) + ", which is no XML."};
    }
    return reply;
}

}  // namespace callchain::simulator
