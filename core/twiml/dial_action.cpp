#include "twiml/dial_action.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace callchain::twiml {
namespace {

using enum DialSeverity;

struct Row {
    std::string_view name;
    DialSeverity severity;
    DialConfidence confidence;
    DialAnswer answer;
    const char* happened;
    const char* next;
    int related = 0;  ///< the Twilio code that goes with it where none was sent
};

constexpr auto kDocumented = DialConfidence::documented;
constexpr auto kInferred = DialConfidence::inferred;
constexpr auto kHangUp = DialAnswer::hang_up;
constexpr auto kFallback = DialAnswer::fallback;

// Connected.
constexpr Row kBridged{"bridged",
                       ok,
                       kDocumented,
                       kHangUp,
                       "The far end answered, the caller was connected, and the call ended.",
                       "Nothing. If it ended too early, look at DialCallDuration and OpenAI's events: Twilio "
                       "does not say who hung up."};
constexpr Row kBridgedShort{
    "bridged_short",
    ok,
    kInferred,
    kHangUp,
    "The caller was connected for less than 10 seconds.",
    "Look for OpenAI's events of the call. A session that dies within seconds mostly had a bad accept body: "
    "answered 200, and the WebSocket then says call_id_not_found."};
constexpr Row kBridgedRetried{
    "bridged_after_failed_attempt",
    ok,
    kInferred,
    kHangUp,
    "The caller was connected, and an attempt before it failed: 32011 is reported once for each attempt.",
    "Read the notification of the failed attempt in the console; the call itself was fine.",
    32011};
constexpr Row kCompleted{"completed",
                         ok,
                         kDocumented,
                         kHangUp,
                         "The far end answered and the call ended. DialBridged is missing, which would "
                         "confirm that the caller was connected.",
                         "Log all parameters of the action URL; DialBridged is among them."};
constexpr Row kConference{"conference", ok, kDocumented, kHangUp, "The caller was connected to a conference.",
                          "Nothing."};

// Did not come about, and the INVITE did not leave.
constexpr Row kNeverLeft{
    "invite_never_left",
    failed,
    kInferred,
    kFallback,
    "The dial failed without a SIP status: Twilio's INVITE never left. OpenAI knows nothing of this call.",
    "Look at ErrorMessage and at the call's notifications in the console. Check the TwiML with: callchain "
    "twiml lint. Usual causes are callerId (13214, 13224), the SIP URI (13243) and its host (13254)."};
constexpr Row kCallerId{
    "caller_id_refused",
    failed,
    kInferred,
    kFallback,
    "Twilio refused the caller id, so its INVITE never left. OpenAI knows nothing of this call.",
    "Write callerId on <Dial> with a number in E.164. On a WhatsApp call an inherited one is whatsapp:+..., "
    "which SIP legs do not take.",
    13214};
constexpr Row kNumber{"number_refused",
                      failed,
                      kInferred,
                      kFallback,
                      "Twilio refused a number before any INVITE left: there is no SIP status. OpenAI knows "
                      "nothing of this call.",
                      "Look at callerId first: it must be E.164, and an inherited one is whatsapp:+.... Then "
                      "at what is dialled: a WhatsApp leg cannot dial <Number>.",
                      13224};
constexpr Row kUri{"sip_uri_refused",
                   failed,
                   kInferred,
                   kFallback,
                   "Twilio could not use the SIP URI or its headers, so its INVITE never left.",
                   "Check the document with: callchain twiml lint. The URI is "
                   "sip:PROJECT_ID@sip.api.openai.com;transport=tls, without blanks.",
                   13243};
constexpr Row kHost{
    "sip_host_not_found",
    failed,
    kInferred,
    kFallback,
    "The host of the SIP URI does not resolve to a public address, so Twilio's INVITE never left.",
    "Resolve the host from outside; for OpenAI it is sip.api.openai.com.",
    13254};

// Did not come about, with a SIP status.
constexpr Row kNotAccepted{
    "not_accepted",
    failed,
    kInferred,
    kFallback,
    "OpenAI answered 400: nobody accepted the call in time. The number is mostly right, whatever the error "
    "text says.",
    "Look at the second of the call in the log of the service. No webhook: check OpenAI's webhook settings "
    "of the project. A webhook with a refused signature: callchain verify-sig. "
    "Accepted, but late or with an error: make it faster, or correct its body. Check too that callerId is "
    "E.164.",
    13224};
constexpr Row kForbidden{
    "forbidden",
    failed,
    kInferred,
    kFallback,
    "The far end answered 403: it does not take the call from this sender, or not for this project.",
    "Check project id and region, and the Contact and From that leave; a doubled ;transport=tls has caused "
    "it."};
constexpr Row kNotFound{"not_found",
                        failed,
                        kInferred,
                        kFallback,
                        "The far end answered 404: a wrong project id, a project without a webhook, or the "
                        "service itself rejected with 404.",
                        "Compare the user part of the SIP URI with the project id, and look in that project "
                        "for a webhook on realtime.call.incoming."};
constexpr Row kNobodyThere{
    "not_found",
    failed,
    kInferred,
    kFallback,
    "The far end knows nobody at this address, or nobody any more: a wrong or deleted project id, or the "
    "service itself rejected with this status.",
    "Compare the user part of the SIP URI with the project id, and look in the log of the service for reject "
    "and its status_code."};
constexpr Row kCredentials{
    "credentials_demanded",
    failed,
    kInferred,
    kFallback,
    "The far end asks for credentials, and <Sip> has none that it takes. OpenAI does not ask.",
    "Check the host of the SIP URI; for a side that asks, add username and password to <Sip>.",
    13244};
constexpr Row kUnreachable{
    "endpoint_unreachable",
    failed,
    kInferred,
    kFallback,
    "Twilio reached nobody: no answer in time, or no connection. TLS, TCP, DNS or overload of the far end.",
    "Check host, port 5061 and TLS 1.2 from outside, and the status page of the far end. Retry once; if it "
    "stays, read the call's notifications in the console.",
    32011};
constexpr Row kOverloaded{"far_end_fault",
                          failed,
                          kInferred,
                          kFallback,
                          "The SIP status is 503, an answer: the far end is overloaded, or not able to take "
                          "the call now. Only where "
                          "32011 is reported with it did Twilio reach nobody.",
                          "Retry once, and look at the status page of the far end. Read the call's "
                          "notifications in the console for "
                          "32011."};
constexpr Row kMedia{"media_refused",
                     failed,
                     kInferred,
                     kFallback,
                     "The far end does not take the media that Twilio offers: codec, or encryption.",
                     "Check ;secure= on the SIP URI, and what the far end takes: Twilio offers G.711, and "
                     "SRTP only with secure=true."};
constexpr Row kRejected{
    "rejected",
    failed,
    kInferred,
    kFallback,
    "The call was rejected: the service called reject (486 is usual, 603 its default), or somebody declined.",
    "Look in the log of the service for reject and its reason. If nobody meant to reject, see who else is "
    "subscribed to the webhook."};
constexpr Row kBusyOtherwise{
    "rejected",
    failed,
    kInferred,
    kFallback,
    "Twilio calls it busy, and the far end answered with a status that is none of those for busy (486, 600, "
    "603). The SIP status tells more.",
    "Read what the SIP status means, and look in the log of the service for reject: it may have sent this "
    "status_code."};
constexpr Row kNotInTime{"not_accepted_in_time",
                         failed,
                         kInferred,
                         kFallback,
                         "It rang until the timeout of <Dial> ran out, and nobody accepted the call.",
                         "Look in the log of the service for the webhook and for accept. Accept faster, or "
                         "raise timeout of <Dial>."};
constexpr Row kNoAnswerOtherwise{
    "not_accepted_in_time",
    failed,
    kInferred,
    kFallback,
    "Twilio calls it no answer, and the far end did answer, with a status that refuses. The SIP status tells "
    "more.",
    "Read what the SIP status means, and look in the log of the service for the webhook, accept and reject."};
constexpr Row kUnavailable{"far_end_unavailable",
                           failed,
                           kInferred,
                           kFallback,
                           "The far end answered 480: not available now.",
                           "Retry once, and look in the log of the service: reject may have sent it."};
constexpr Row kRedirected{"redirected",
                          failed,
                          kInferred,
                          kFallback,
                          "The far end answered 3xx and sent Twilio elsewhere, which it did not follow.",
                          "Dial the final address.",
                          32219};
constexpr Row kRefused{"refused",
                       failed,
                       kInferred,
                       kFallback,
                       "The far end refused the INVITE.",
                       "Read what the SIP status means, and the call's notifications in the console."};
constexpr Row kFault{"far_end_fault",
                     failed,
                     kInferred,
                     kFallback,
                     "The far end failed with the INVITE: a fault of its own, or overload.",
                     "Retry once, and look at the status page of the far end."};
constexpr Row kAnsweredThenFailed{
    "answered_then_failed",
    failed,
    kInferred,
    kFallback,
    "The far end answered 200, and the dial failed all the same: the two legs were never joined.",
    "Look at the SDP of the 200 and at the call's notifications in the console: media that does not fit, or "
    "an ACK that was lost."};
constexpr Row kUnread{"sip_status_unreadable",
                      failed,
                      kInferred,
                      kFallback,
                      "The dial failed, and its SIP status cannot be read.",
                      "Take DialSipResponseCode from the request itself, or from the call in the console."};
constexpr Row kCanceled{
    "canceled",
    failed,
    kDocumented,
    kHangUp,
    "The dial was cancelled before it was answered. Twilio documents one cause, a REST request. Another, "
    "which "
    "we infer, is that the caller hung up.",
    "Nothing, where that was wanted. If no caller hung up, look for what ends calls through REST."};

// Cannot tell.
constexpr Row kTooFew{"too_few_parameters",
                      unknown,
                      kInferred,
                      kHangUp,
                      "The parameters are too few to say how the dial ended.",
                      "Log all parameters of the action URL. DialCallStatus, DialBridged and "
                      "DialSipResponseCode are the ones that tell."};
constexpr Row kUnknownStatus{"unknown_status",
                             unknown,
                             kInferred,
                             kHangUp,
                             "DialCallStatus has a value that Twilio does not document.",
                             "Check that the line was copied whole; else look at the call in the console."};
constexpr Row kNotFinal{
    "status_not_final",
    unknown,
    kInferred,
    kHangUp,
    "This is the status of a call that still runs; the action URL is only called when the dial has ended.",
    "Take the request to the action URL, not a status callback."};
constexpr Row kNotBridged{
    "completed_not_bridged",
    unknown,
    kInferred,
    kFallback,
    "DialCallStatus says completed, and DialBridged says that the caller was never connected.",
    "Look at the legs in the console: the far end answered and was gone before it was joined, or a document "
    "at url of <Sip> ended it."};
constexpr Row kContradiction{
    "contradiction",
    unknown,
    kInferred,
    kHangUp,
    "The parameters contradict each other: part of them say the call was connected, part that it failed.",
    "Check that they are of one request; else look at both legs in the console."};

bool has(const DialResult& result, std::initializer_list<int> statuses) {
    return result.sip_response_code &&
           std::find(statuses.begin(), statuses.end(), *result.sip_response_code) != statuses.end();
}

bool sip_class_is(const DialResult& result, int hundred) {
    return result.sip_response_code && *result.sip_response_code / 100 == hundred;
}

// <Dial> itself failed; 15003 and its like are about other things that happened in the call.
bool is_dial_error(int code) { return (code >= 13200 && code < 13300) || (code >= 32000 && code < 32300); }

const Row& read_completed(const DialResult& result) {
    if (result.sip_response_code && *result.sip_response_code >= 300) return kContradiction;
    if (result.bridged == false) return kNotBridged;
    if (result.error_code == 32011) return kBridgedRetried;
    if (result.error_code && is_dial_error(*result.error_code)) return kContradiction;
    if (!result.bridged) return kCompleted;
    return result.call_duration && *result.call_duration < kShortCall ? kBridgedShort : kBridged;
}

const Row& read_without_sip_status(const DialResult& result) {
    const int code = result.error_code.value_or(0);
    if (code == 13214 || code == 13247 || code == 13248 || code == 32204 || code == 32206) return kCallerId;
    if (code == 13224) return kNumber;
    if (code == 13254) return kHost;
    if (code == 13223 || code == 13243 || (code >= 13250 && code <= 13255) ||
        (code >= 32110 && code <= 32114) || code == 32214 || code == 32223)
        return kUri;
    if (code == 32011) return kUnreachable;
    if (result.error_message && ascii_lower(*result.error_message).find("callerid") != std::string::npos)
        return kCallerId;
    return kNeverLeft;
}

bool has_unread_sip_status(const DialResult& result) {
    return std::ranges::any_of(result.others, [](const auto& other) {
        return other.first == "DialSipResponseCode" && !trim(other.second).empty();
    });
}

const Row& read_failed(const DialResult& result) {
    if (!result.sip_response_code)
        return has_unread_sip_status(result) ? kUnread : read_without_sip_status(result);
    if (has(result, {400})) return kNotAccepted;
    if (has(result, {401, 407})) return kCredentials;
    if (has(result, {403})) return kForbidden;
    if (has(result, {404})) return kNotFound;
    if (has(result, {410, 604})) return kNobodyThere;
    if (has(result, {408, 504})) return kUnreachable;
    if (has(result, {503})) return result.error_code == 32011 ? kUnreachable : kOverloaded;
    if (has(result, {480})) return kUnavailable;
    if (has(result, {487})) return kNotInTime;
    if (has(result, {415, 488, 606})) return kMedia;
    if (has(result, {486}) || sip_class_is(result, 6)) return kRejected;
    if (sip_class_is(result, 2)) return kAnsweredThenFailed;
    if (sip_class_is(result, 3)) return kRedirected;
    if (sip_class_is(result, 4)) return kRefused;
    if (sip_class_is(result, 5)) return result.error_code == 32011 ? kUnreachable : kFault;
    return kNeverLeft;  // 1xx: the INVITE got no final answer
}

// Copies of a log often lack DialCallStatus; what is there may still tell.
std::string implied_status(const DialResult& result) {
    if (has(result, {486, 600, 603})) return "busy";
    if (has(result, {487})) return "no-answer";
    if (result.sip_response_code && *result.sip_response_code >= 300) return "failed";
    if (result.bridged == true) return "completed";
    // Without any of the two, DialBridged=false may be a failure or a line that was cut.
    return result.bridged == false && (result.error_code || result.error_message) ? "failed" : "";
}

const Row& read_status(const std::string& status, const DialResult& result) {
    if (status == "completed") return read_completed(result);
    const bool connected = result.bridged == true;
    if (status == "answered") return result.bridged == false ? kContradiction : kConference;
    if (status == "in-progress" || status == "ringing" || status == "queued" || status == "initiated")
        return kNotFinal;
    if (status != "failed" && status != "busy" && status != "no-answer" && status != "canceled")
        return kUnknownStatus;
    if (connected) return kContradiction;
    if (status == "failed") return read_failed(result);
    if (sip_class_is(result, 2)) return kContradiction;
    const bool refused = result.sip_response_code && *result.sip_response_code >= 300;
    if (status == "busy") return refused && !has(result, {486, 600, 603}) ? kBusyOtherwise : kRejected;
    if (status == "no-answer")
        return refused && !has(result, {408, 480, 487, 504}) ? kNoAnswerOtherwise : kNotInTime;
    return kCanceled;
}

DialReading reading_of(const Row& row) {
    DialReading reading{row.name, row.severity, row.confidence, row.answer, row.happened, row.next, {}};
    if (row.related != 0) reading.related_code = row.related;
    return reading;
}

}  // namespace

DialReading read_dial(const DialResult& result) {
    const bool given = result.status && !trim(*result.status).empty();
    const auto status = given ? ascii_lower(trim(*result.status)) : implied_status(result);
    const Row& row = status.empty() ? kTooFew : read_status(status, result);
    auto reading = reading_of(row);
    if (!given && !status.empty()) {
        reading.confidence = kInferred;
        reading.happened =
            "DialCallStatus is missing; the other parameters read like " + status + ". " + reading.happened;
    }
    if (result.error_code) reading.related_code = result.error_code;
    return reading;
}

const std::vector<DialReading>& dial_readings() {
    static const std::vector<DialReading> readings = [] {
        std::vector<DialReading> all;
        for (const Row* row : {&kBridged,    &kBridgedShort, &kBridgedRetried,     &kCompleted,
                               &kConference, &kNeverLeft,    &kCallerId,           &kNumber,
                               &kUri,        &kHost,         &kNotAccepted,        &kForbidden,
                               &kNotFound,   &kCredentials,  &kUnreachable,        &kMedia,
                               &kRejected,   &kNotInTime,    &kUnavailable,        &kRedirected,
                               &kRefused,    &kFault,        &kAnsweredThenFailed, &kUnread,
                               &kCanceled,   &kTooFew,       &kUnknownStatus,      &kNotFinal,
                               &kNotBridged, &kContradiction})
            all.push_back(reading_of(*row));
        return all;
    }();
    return readings;
}

std::string_view severity_name(DialSeverity severity) {
    switch (severity) {
        case ok:
            return "ok";
        case failed:
            return "failed";
        case unknown:
            break;
    }
    return "unknown";
}

std::string_view confidence_name(DialConfidence confidence) {
    return confidence == DialConfidence::documented ? "documented" : "inferred";
}

const std::vector<std::string>& dial_statuses() {
    static const std::vector<std::string> statuses{"completed", "answered", "busy",
                                                   "no-answer", "failed",   "canceled"};
    return statuses;
}

}  // namespace callchain::twiml
