/// The HTTP requests that Twilio makes of a service, and what it makes of their answers. Pure.
#pragma once

#include "encoding/text_codings.hpp"
#include "http/client.hpp"
#include "simulator/twiml_player.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::simulator {

/// Who asks, and where.
struct WebhookAccount {
    std::string account_sid;
    std::string auth_token = {};  ///< empty: no signature
    std::string voice_url;        ///< where the first request is sent
    std::string public_url = {};  ///< in its place where a proxy stands between; may be an origin alone
    std::chrono::milliseconds time{15'000};
};
/// The voice URL as Twilio knows it, which is what it signs.
[[nodiscard]] std::string known_voice_url(const WebhookAccount& account);

/// What `reference` means in a document that came from `base`: absolute as it is, else by its path. A
/// fragment is left off: it holds settings for Twilio. nullopt: no http or https URL, which is 11100.
[[nodiscard]] std::optional<std::string> callback_url(std::string_view base, std::string_view reference);
/// Where a request to that URL goes: behind the proxy, where it is one of the service's own.
[[nodiscard]] std::string sent_url(const WebhookAccount& account, const std::string& url);

/// The call as its requests tell of it. Source: Twilio, "TwiML Voice: request parameters", "Receiving SIP".
struct WebhookCall {
    std::string call_sid;
    std::string from;  ///< "whatsapp:+…", or "sip:user@host"
    std::string to;
    std::string status = "ringing";
    // Of a leg that came by SIP; empty otherwise.
    std::string sip_call_id = {};
    std::string sip_domain = {};
    std::string sip_source = {};    ///< numeric address
    std::string sip_username = {};  ///< of the credentials
    std::vector<sip::HeaderField> sip_headers = {};
};
/// Of a request's headers, those that go into SipHeader_… and DialSipHeader_….
[[nodiscard]] std::vector<sip::HeaderField> passed_headers(const sip::Message& message);
[[nodiscard]] encoding::FormFields voice_fields(const WebhookAccount& account, const WebhookCall& call);

/// The leg that <Dial> made, or did not.
struct DialedLeg {
    std::string call_sid = {};  ///< empty: none was made
    std::string from = {};
    std::string to = {};
    std::string status = {};   ///< DialCallStatus, or CallStatus of a status callback
    int sip_status = 0;        ///< 0: none
    std::string call_id = {};  ///< of SIP
    std::optional<std::chrono::seconds> duration = std::nullopt;
    bool bridged = false;
    std::vector<sip::HeaderField> sip_headers = {};       ///< of its end
    std::optional<TwilioProblem> problem = std::nullopt;  ///< told as ErrorCode and ErrorMessage
};
/// What Twilio says of a problem, which is not always what it was.
[[nodiscard]] std::string message_of(const TwilioProblem& problem);
/// For the `action` of <Dial>. Source: Twilio, "TwiML Voice: <Dial>"; ErrorCode and ErrorMessage as seen.
[[nodiscard]] encoding::FormFields action_fields(const WebhookAccount& account, const WebhookCall& call,
                                                 const DialedLeg& leg);
/// For the statusCallback of <Sip>; CallSid is that of the leg. Source: Twilio, "TwiML Voice: <Sip>".
[[nodiscard]] encoding::FormFields status_fields(const WebhookAccount& account, const WebhookCall& call,
                                                 const DialedLeg& leg, int sequence,
                                                 std::chrono::sys_seconds now);

/// The whole request with its signature; the URL in it is sent_url(). Of GET the fields are in the query.
/// `token` has 16 random bytes and becomes I-Twilio-Idempotency-Token.
[[nodiscard]] http::ClientRequest make_webhook(const WebhookAccount& account, const std::string& method,
                                               const std::string& url, const encoding::FormFields& fields,
                                               std::string_view token);

/// What came of it, where a document was asked for.
struct WebhookReply {
    int status = 0;  ///< 0: no answer
    std::optional<TwilioProblem> problem = std::nullopt;
    std::string document = {};
};
/// 11100, 11202, 11205, 11210, 11220, 11235 to 11237, 11200 where there is no answer or none of 200 to 299,
/// 12300 where it is no XML by its Content-Type. Source: Twilio, error and warning dictionary.
[[nodiscard]] WebhookReply judge_webhook(const http::ClientResult& result);

}  // namespace callchain::simulator
