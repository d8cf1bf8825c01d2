#include "service/twilio_handler.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "config/network.hpp"
#include "diagnosis/delivery.hpp"
#include "service/request_header.hpp"
#include "signature/public_url.hpp"
#include "signature/twilio.hpp"
#include "signature/twilio_url.hpp"
#include "twilio/error_codes.hpp"
#include "twiml/caller_id.hpp"
#include "twiml/dial_action.hpp"
#include "twiml/dial_parameters.hpp"
#include "twiml/dial_privacy.hpp"
#include "twiml/voice_response.hpp"

#include <algorithm>
#include <utility>

namespace callchain::service {
namespace {

constexpr std::string_view kDialAction = "/twilio/dial-action";
constexpr std::string_view kDialStatus = "/twilio/dial-status";
constexpr std::size_t kMostShown = 200;

http::Response xml(std::string document) { return {200, "text/xml; charset=utf-8", std::move(document), {}}; }

std::string_view field(const encoding::FormFields& fields, std::string_view name) {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const auto& pair) { return pair.first == name; });
    return found == fields.end() ? std::string_view{} : std::string_view(found->second);
}

encoding::FormFields fields_of(const http::Request& request) {
    if (request.method != "POST") return encoding::parse_form(request.query());
    return encoding::parse_form(request.body);
}

void add(std::vector<std::string>& urls, std::string url) {
    if (signature::split_url(url) && std::find(urls.begin(), urls.end(), url) == urls.end())
        urls.push_back(std::move(url));
}

void add_forwarded(std::vector<std::string>& urls, const http::Request& request) {
    using signature::first_of_list;
    const auto proto = first_of_list(header(request, "X-Forwarded-Proto"));
    const auto host = first_of_list(header(request, "X-Forwarded-Host"));
    const auto port = first_of_list(header(request, "X-Forwarded-Port"));
    auto prefix = std::string(first_of_list(header(request, "X-Forwarded-Prefix")));
    while (prefix.ends_with('/')) prefix.pop_back();
    const std::string scheme = proto.empty() ? (request.encrypted ? "https" : "http") : ascii_lower(proto);
    const auto authority = std::string(host.empty() ? header(request, "Host") : host);
    const bool has_port = authority.rfind(':') != std::string::npos && !authority.ends_with(']');
    for (const auto& front : {prefix, std::string{}}) {
        add(urls, scheme + "://" + authority + front + request.target);
        if (!port.empty() && !has_port)
            add(urls, scheme + "://" + authority + ":" + std::string(port) + front + request.target);
    }
}

/// `url` without the path of ours at its end and what follows it.
std::string base_of(std::string_view url, std::string_view path) {
    const auto at = url.find(path, url.find("://") + 3);
    return at == std::string_view::npos ? std::string{} : std::string(url.substr(0, at));
}

observe::Level level_of(twiml::DialSeverity severity) {
    return severity == twiml::DialSeverity::ok ? observe::Level::info : observe::Level::warn;
}

}  // namespace

std::vector<std::string> accepted_urls(const ServeConfig& config, const http::Request& request) {
    std::vector<std::string> urls;
    for (const auto& base : config.public_urls) add(urls, base + request.target);
    if (config::contains(config.trusted_proxies, request.peer))
        add_forwarded(urls, request);
    else if (config.public_urls.empty())
        add(urls, std::string(request.encrypted ? "https" : "http") + "://" +
                      std::string(header(request, "Host")) + request.target);
    return urls;
}

TwilioHandler::TwilioHandler(TwilioContext context) : context_(std::move(context)) {
    for (const auto& token : context_.config.twilio_tokens)
        keys_.push_back(signature::twilio_key(token.text));
    // It was written once when the configuration was read.
    fallback_document_ = twiml::write_fallback(context_.config.fallback).value_or("");
}

std::optional<TwilioHandler::Passed> TwilioHandler::admit(http::Request& request,
                                                          http::Responder& responder) const {
    const auto& config = context_.config;
    const auto path = std::string(request.path());
    if (keys_.empty())
        return Passed{fields_of(request),
                      config.public_urls.empty() ? std::string{} : config.public_urls.front()};
    const auto urls = accepted_urls(config, request);
    const signature::TwilioRequest signed_request{request.method, header(request, "Content-Type"),
                                                  request.body, header(request, "X-Twilio-Signature")};
    const auto check = signature::check_twilio(keys_, urls, signed_request);
    if (check && check->valid() && request.headers.values("X-Twilio-Signature").size() == 1)
        return Passed{fields_of(request), base_of(urls[check->url_index.value_or(0)], path)};
    refuse(std::move(request), responder, urls);
    return std::nullopt;
}

void TwilioHandler::refuse(http::Request request, http::Responder& responder,
                           const std::vector<std::string>& urls) const {
    context_.metrics.twilio.add("signature_refused");
    responder.send(
        {403, "text/plain; charset=utf-8", "the signature of this request is not valid here\n", {}});
    const auto signature = std::string(header(request, "X-Twilio-Signature"));
    std::vector<std::string> shown;
    for (const auto& url : urls) shown.push_back(signature::show_url(url));
    context_.refusals.capture(request);
    if (!context_.refusals.may_log(request.received_at)) return;
    context_.log.warn("request of Twilio refused",
                      {{"code", signature.empty() ? "header_missing" : "signature_mismatch"},
                       {"path", std::string(request.path())},
                       {"peer", request.peer},
                       {"expected_urls", shown.empty() ? "none: set CALLCHAIN_PUBLIC_URL" : join(shown, " ")},
                       {"user_agent", visible_excerpt(header(request, "User-Agent"), 80)}});
    if (signature.empty()) return;
    RefusedTwilio refused;
    refused.signature = signature;
    // Only what would have let it pass: that the request's own headers name another URL is then a cause, not
    // one more URL to try.
    const auto headers = diagnosis::pairs_of(request.headers);
    for (const auto& url : urls) refused.urls.push_back({url, "configuration"});
    if (refused.urls.empty()) refused.urls = signature::rebuild_urls(request.target, headers);
    refused.method = request.method;
    refused.content_type = std::string(header(request, "Content-Type"));
    refused.target = request.target;
    refused.headers = headers;
    refused.body = std::move(request.body);
    context_.diagnosis.offer(std::move(refused));
}

observe::LogFields TwilioHandler::ids_of(const encoding::FormFields& fields,
                                         std::string_view sid_name) const {
    const auto call_sid = std::string(field(fields, sid_name));
    const auto links = is_call_sid(call_sid) ? context_.journal.find_call_sid(call_sid) : CallLinks{};
    observe::LogFields ids;
    const auto add_id = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) ids.push_back({name, visible_excerpt(value, 80)});
    };
    add_id("callchain_id", links.callchain_id);
    add_id("call_sid", call_sid);
    add_id("call_id", links.call_id);
    return ids;
}

void TwilioHandler::voice(http::Request request, http::Responder responder) const {
    auto passed = admit(request, responder);
    if (!passed) return;
    const auto& fields = passed->fields;
    const auto& config = context_.config;
    const auto call_sid = std::string(field(fields, "CallSid"));
    auto id = make_callchain_id(context_.random());
    if (is_call_sid(call_sid)) id = context_.journal.id_of_call_sid(call_sid, id);

    observe::LogFields log{{"callchain_id", id}, {"call_sid", visible_excerpt(call_sid, 80)}};
    for (const auto* name : {"From", "To"})
        log.push_back({name[0] == 'F' ? "from" : "to", show_number(field(fields, name))});
    if (const auto sip_call_id = field(fields, "SipCallId"); !sip_call_id.empty())
        log.push_back({"sip_call_id", visible_excerpt(sip_call_id, 120)});
    if (const auto planted = field(fields, "SipHeader_X-Callchain-Id"); is_callchain_id(planted))
        log.push_back({"gateway_id", std::string(planted)});

    auto document = config.voice;
    const auto caller = twiml::business_number({.configured = config.caller_id,
                                                .to = std::string(field(fields, "To")),
                                                .called = std::string(field(fields, "Called"))});
    if (!caller) {
        log.push_back({"error", caller.error().message});
        log.push_back({"hint", caller.error().hint});
        context_.log.error("call refused: no caller id that Twilio and OpenAI would take (13224)", log);
        context_.metrics.twilio.add("voice_refused");
        return responder.send(xml(*twiml::write_fallback({.verb = twiml::Fallback::Verb::reject})));
    }
    document.caller_id = caller->number;
    document.headers.push_back({std::string(kCallchainIdHeader), id});
    document.action = passed->base + std::string(kDialAction);
    document.method = "POST";
    document.status_callback = passed->base + std::string(kDialStatus);
    document.status_callback_events = {"initiated", "ringing", "answered", "completed"};
    auto written = twiml::write_voice_response(document);
    if (!written) {
        log.push_back({"error", written.error().message});
        context_.log.error("call refused: no document can be written", log);
        context_.metrics.twilio.add("voice_refused");
        return responder.send(xml(*twiml::write_fallback({.verb = twiml::Fallback::Verb::reject})));
    }
    context_.log.info("call from Twilio: dialling OpenAI", log);
    context_.metrics.twilio.add("voice_dialled");
    responder.send(xml(*std::move(written)));
}

void TwilioHandler::dial_action(http::Request request, http::Responder responder) const {
    auto passed = admit(request, responder);
    if (!passed) return;
    const auto result = twiml::dial_result_of(passed->fields);
    const auto reading = twiml::read_dial(result);
    auto log = ids_of(passed->fields, "CallSid");
    const auto add_text = [&](std::string_view name, const std::optional<std::string>& value) {
        if (value) log.push_back({name, twiml::show_text(*value, kMostShown)});
    };
    add_text("dial_call_sid", result.dial_call_sid);
    add_text("dial_sip_call_id", result.dial_sip_call_id);
    add_text("dial_call_status", result.status);
    if (result.bridged) log.push_back({"dial_bridged", *result.bridged});
    if (result.sip_response_code)
        log.push_back({"sip_response_code", std::int64_t{*result.sip_response_code}});
    if (result.call_duration)
        log.push_back({"duration_s", static_cast<std::int64_t>(result.call_duration->count())});
    if (result.error_code) log.push_back({"error_code", std::int64_t{*result.error_code}});
    add_text("error_message", result.error_message);
    log.push_back({"reading", std::string(reading.name)});
    log.push_back({"happened", reading.happened});
    if (reading.severity != twiml::DialSeverity::ok) {
        log.push_back({"next", reading.next});
        if (reading.related_code)
            log.push_back({"explain", "callchain explain " + std::to_string(*reading.related_code)});
        // Twilio never shows these again.
        for (const auto& [name, value] : result.others) {
            if (name.starts_with("DialSipHeader_") || name.starts_with("Error"))
                log.push_back({"parameter", name + "=" + twiml::show_parameter(name, value, kMostShown)});
        }
    }
    context_.log.write(level_of(reading.severity), "dial ended", log);
    context_.metrics.twilio.add("dial_action");
    context_.metrics.dials.add(reading.name);
    const bool fall_back = reading.answer == twiml::DialAnswer::fallback;
    responder.send(xml(fall_back ? fallback_document_ : *twiml::write_fallback({})));
}

void TwilioHandler::dial_status(http::Request request, http::Responder responder) const {
    auto passed = admit(request, responder);
    if (!passed) return;
    const auto& fields = passed->fields;
    auto log = ids_of(fields, "ParentCallSid");
    for (const auto& [name, parameter] : {std::pair{"leg_call_sid", "CallSid"},
                                          {"leg_status", "CallStatus"},
                                          {"sip_response_code", "SipResponseCode"},
                                          {"sequence", "SequenceNumber"},
                                          {"duration_s", "CallDuration"}}) {
        if (const auto value = field(fields, parameter); !value.empty())
            log.push_back({name, twiml::show_text(value, kMostShown)});
    }
    context_.log.info("leg to OpenAI", log);
    context_.metrics.twilio.add("dial_status");
    responder.send({204, {}, {}, {}});
}

}  // namespace callchain::service
