#include "sip/status.hpp"

#include <algorithm>

namespace callchain::sip {
namespace {

constexpr std::string_view kMappedTo503 =
    "To Meta it becomes 503: a fault between the gateway and Twilio is none of the caller's.";
constexpr std::string_view kAsItIs = "Passed on to Meta as it is.";

constexpr StatusPage kPages[] = {
    {100, "Trying", "RFC 3261, section 21.1.1",
     "The next hop has the request and works on it; nothing is decided.", "",
     "The first answer to an INVITE; credentials may still be asked for.",
     "The INVITE arrived. Not passed on by Twilio.",
     "Sent to Meta at once. No 1xx from Twilio within 10 seconds: the next address is tried.", ""},
    {180, "Ringing", "RFC 3261, section 21.1.2", "The called side is being alerted.",
     "The user's phone rings.",
     "Sent while Twilio fetches the voice URL and until the TwiML answers the call.",
     "The call waits for accept.", "Passed on to Meta.", ""},
    {181, "Call Is Being Forwarded", "RFC 3261, section 21.1.3", "The call goes to another destination.", "",
     "", "", "Passed on to Meta.", ""},
    {182, "Queued", "RFC 3261, section 21.1.4", "The called side is busy and has queued the call.", "", "",
     "", "Passed on to Meta.", ""},
    {183, "Session Progress", "RFC 3261, section 21.1.5",
     "Something happens that no other 1xx fits; its SDP may carry early audio.", "",
     "Early audio, for example a ring tone of Twilio's.", "",
     "Passed on to Meta, its SDP filtered as an answer. If the SDP of the 200 differs, that of the 200 "
     "counts.",
     ""},
    {200, "OK", "RFC 3261, section 21.2.1", "The request succeeded; for an INVITE the call is answered.",
     "The user picked up.",
     "The first verb that makes sound answered the call, or, with answerOnBridge, the far end did.",
     "The call was accepted. It does not prove that a session runs: a bad accept body has been answered 200 "
     "and the call died seconds later.",
     "Judged against the offer, acknowledged at once, and passed on; a bad answer is ended and Meta gets "
     "488.",
     "Where the call was short all the same, look at DialCallDuration and OpenAI's events: Twilio does not "
     "say who hung up."},
    {202, "Accepted", "RFC 6665, section 8.3.1",
     "The request was taken, and its outcome is told later; for REFER by NOTIFY (RFC 3515).", "",
     "Answer to a REFER.", "Answer to a REFER; it does not prove that the transfer works.", "", ""},
    {301, "Moved Permanently", "RFC 3261, section 21.3.2", "The user is at the address in Contact, for good.",
     "", "", "Only what reject sent, if at all; Twilio reports 32219 where it cannot follow.", kMappedTo503,
     "Call the final address."},
    {302, "Moved Temporarily", "RFC 3261, section 21.3.3", "The user is at the address in Contact, for now.",
     "", "", "Only what reject sent, if at all; Twilio reports 32219 where it cannot follow.", kMappedTo503,
     "Call the final address."},
    {400, "Bad Request", "RFC 3261, section 21.4.1", "The request is malformed.",
     "The From number is not known to Meta, or a header is malformed; the reason phrase says which.",
     "A malformed header of the gateway. Read X-Twilio-Error.",
     "Despite its name mostly: nobody accepted the call in time. The webhook was refused or lost, the "
     "service was late, OpenAI's dispatch was slow, From was whatsapp:+..., or the accept body was bad. "
     "Twilio then reports 13224.",
     "",
     "Find the call's webhook in the log of the service: no webhook, a refused signature, or a late accept "
     "are three different faults. Then: callchain explain dial failed:400."},
    {401, "Unauthorized", "RFC 3261, section 21.4.2", "The server asks for credentials, in WWW-Authenticate.",
     "Its challenge; answered once. A second one means a wrong password or user.",
     "Twilio challenges with 407; a 401 is possible behind other registrars.", "Not seen.",
     "Answered with credentials; a second refusal becomes 503 to Meta.",
     "Compare user and password with the other side's list. Meta's user is the business number's digits, not "
     "the phone number id."},
    {403, "Forbidden", "RFC 3261, section 21.4.4",
     "Understood and refused; the same request again will not help.",
     "Many causes under one number: no call permission, the host in From is not the configured one, bad "
     "digest, daily limit, payment, a duplicate call, an SDP that fails. The reason phrase and Warning 399 "
     "carry the text.",
     "The source address is not in the access list (X-Twilio-Error 32201), the From is not verified (32204, "
     "a trunk), or TLS went to an address in place of the name: that 403 never shows in the account.",
     "A malformed Contact or From (a doubled ;transport=tls has been seen), or the project or region is "
     "blocked.",
     "To Meta it becomes 503. The gateway sends 403 itself to callers that are not allowed.",
     "Read X-Twilio-Error, the reason phrase and Warning first: they name the cause, the status does not."},
    {404, "Not Found", "RFC 3261, section 21.4.5",
     "The server knows for certain that the user does not exist there.",
     "An address stands in the Request-URI in place of wa.meta.vc, sips: was used, or the number is not "
     "known.",
     "The TwiML of the voice URL answered <Reject>, which is 404 on the wire, or no such SIP Domain or user.",
     "By inference: a wrong project id in the URI, or no webhook set up in that project. Also whatever "
     "reject sent. No report of OpenAI's own 404 was found.",
     kAsItIs,
     "Check the user part of the SIP URI against the project id, and that the project has a webhook for "
     "realtime.call.incoming."},
    {405, "Method Not Allowed", "RFC 3261, section 21.4.6",
     "The method is known and not allowed at that address; Allow lists those that are.", "", "", "",
     "Sent for methods that a call through the gateway does not use.",
     "Stop the device from sending that method."},
    {406, "Not Acceptable", "RFC 3261, section 21.4.7",
     "No body could be sent that the Accept header of the request takes.", "", "", "", "",
     "Send no Accept header, or one with application/sdp."},
    {407, "Proxy Authentication Required", "RFC 3261, section 21.4.8",
     "The server asks for credentials, in Proxy-Authenticate.",
     "Its challenge to a call of the business; one is normal.",
     "Its challenge, realm sip.twilio.com, MD5 with qop=auth; one is normal. A second without stale=true "
     "means a wrong password (32202).",
     "Not seen.",
     "Twilio's is answered and never reaches Meta; if the credentials are refused, Meta gets 503. The "
     "gateway challenges Meta with it.",
     "More than one in a row: set user and password anew, as in Twilio's credential list."},
    {408, "Request Timeout", "RFC 3261, section 21.4.9",
     "No answer could be had in time; also what a caller assumes when nothing comes at all.",
     "No audio came from the business.", "Twilio could not reach what it dials, or nothing answered.",
     "Mostly not OpenAI's own: Twilio had no answer. DNS, port 5061, TLS 1.2, or overload; often with 32011.",
     "To Meta it becomes 504.",
     "Check DNS and TLS to the host in the URI from outside. With <Dial timeout> short, make it longer than "
     "accept takes."},
    {410, "Gone", "RFC 3261, section 21.4.10", "The user is no longer there and no new address is known.", "",
     "", "", "", "Correct the address."},
    {413, "Request Entity Too Large", "RFC 3261, section 21.4.11",
     "The body is longer than the server takes.", "", "", "", "", "Send a shorter SDP."},
    {414, "Request-URI Too Long", "RFC 3261, section 21.4.12",
     "The Request-URI is longer than the server takes.", "", "", "", "",
     "Pass fewer headers and parameters in the URI: below 255 characters for Twilio."},
    {415, "Unsupported Media Type", "RFC 3261, section 21.4.13",
     "The body has a type that the server does not read.", "", "", "", "Sent to an INFO with a body.",
     "Send application/sdp in INVITE, and send DTMF as telephone-event in RTP, not in INFO."},
    {416, "Unsupported URI Scheme", "RFC 3261, section 21.4.14",
     "The server does not know the scheme of the Request-URI.", "", "", "",
     "Sent to a Request-URI that is neither sip: nor sips:.",
     "Write sip: and ;transport=tls; sips: is not supported by Twilio."},
    {420, "Bad Extension", "RFC 3261, section 21.4.15",
     "Require names an extension that the server does not have; Unsupported lists it.", "",
     "Seen at most when the gateway's own probe asks for it.", "",
     "Sent to a Require that the gateway does not know.", "Remove the option from Require."},
    {421, "Extension Required", "RFC 3261, section 21.4.16",
     "The server demands an extension that Supported does not name.", "", "", "", "",
     "Read Require in the answer, and enable that extension or its cause on the other side."},
    {422, "Session Interval Too Small", "RFC 4028, section 6",
     "Session-Expires is below what the server takes; Min-SE names its least.", "", "", "",
     "The gateway offers no session timers.", "Turn session timers off, or use the Min-SE of the answer."},
    {423, "Interval Too Brief", "RFC 3261, section 21.4.17",
     "The expiry of a registration is below what the server takes; Min-Expires names its least.", "",
     "Its least expiry of a registration is 600 seconds.", "", "",
     "Register with the Min-Expires of the answer. The gateway needs no registration."},
    {480, "Temporarily Unavailable", "RFC 3261, section 21.4.18",
     "The user exists and cannot be reached now.", "The WhatsApp user is not reachable or did not answer.",
     "", "Only what reject sent; no other report was found.",
     "Passed on to Meta as it is. Sent itself when there is ringing but no answer within "
     "CALLCHAIN_RING_SECONDS (60).",
     "Try later. If it comes after a fixed time each time, a ring timeout ran out: find out why nobody "
     "accepts."},
    {481, "Call/Transaction Does Not Exist", "RFC 3261, section 21.4.19",
     "The request belongs to no call or transaction that the server knows.", "The call is over for Meta.",
     "The call is over for Twilio.", "", "An in-dialog check that gets it ends the call on both sides.",
     "Harmless after a hang-up. In mid-call: one side restarted, or a request reached another instance than "
     "the one that has the call."},
    {482, "Loop Detected", "RFC 3261, section 21.4.20", "The request came back to the server.", "", "", "",
     "Sent to an INVITE that carries an X-Callchain-Id of the gateway's own: Twilio's TwiML dials the "
     "gateway again.",
     "Look at what the voice URL of the SIP Domain dials."},
    {483, "Too Many Hops", "RFC 3261, section 21.4.21", "Max-Forwards reached zero: a loop, mostly.", "",
     "Reported as 32006 too.", "", "Sent to a request whose Max-Forwards is 0.",
     "Look for the loop between gateway, Twilio and what the TwiML dials."},
    {484, "Address Incomplete", "RFC 3261, section 21.4.22", "The number is not complete.", "", "", "", "",
     "Write the number in E.164, with + and country code."},
    {486, "Busy Here", "RFC 3261, section 21.4.24", "The user was reached and does not take the call here.",
     "The WhatsApp user declined or is on a call.",
     "The TwiML of the voice URL answered <Reject reason=\"busy\">.",
     "The service called reject with status_code 486, the usual example. DialCallStatus is busy.", kAsItIs,
     "Where nobody meant to reject: look in the log of the service for reject and its reason."},
    {487, "Request Terminated", "RFC 3261, section 21.4.25",
     "The INVITE was ended by CANCEL before it was answered.", "The caller hung up while it rang.",
     "The gateway cancelled.",
     "Twilio cancelled: the timeout of <Dial> ran out before accept, or the caller hung up. DialCallStatus "
     "is no-answer or canceled.",
     "Passed on to Meta as it is. Sent itself at once when Meta cancels.",
     "If the caller did not hang up: accept faster, or raise timeout of <Dial>."},
    {488, "Not Acceptable Here", "RFC 3261, section 21.4.26",
     "The session that was offered does not fit here; Warning may say why.",
     "The answer had no codec, no SRTP or no DTLS that fits.",
     "Codec or media security do not fit. With X-Twilio-Error 32209: TLS is demanded; 32207 and 32208: SRTP "
     "does not fit the Secure Media switch.",
     "To be expected where codec or SRTP do not fit; no report was found.",
     "Passed on to Meta as it is. Sent itself, with Warning, when an offer has no codec that is kept, or "
     "cannot be used.",
     "Check the offer with: callchain sdp-filter --explain. Then compare Secure Media and transport on both "
     "sides."},
    {489, "Bad Event", "RFC 6665, section 8.3.2",
     "The server does not know the Event of a SUBSCRIBE or NOTIFY.", "", "", "", "",
     "Turn the subscription off in the device that sends it."},
    {491, "Request Pending", "RFC 3261, section 21.4.27",
     "Both sides changed the session at one time; each waits and tries again.", "", "", "",
     "Sent to a re-INVITE of Twilio's while one of the gateway's is open.",
     "Harmless once; if it repeats, find out who keeps sending re-INVITE."},
    {500, "Server Internal Error", "RFC 3261, section 21.5.1", "The server failed.",
     "Its answer to a re-INVITE or UPDATE within a call (hold, session timer): Meta takes none.",
     "A fault at Twilio, or of the voice URL. Read X-Twilio-Error.", "A fault at OpenAI.",
     "To Meta it becomes 503. Sent itself, with Retry-After, to a re-INVITE while one of Twilio's is open.",
     "Turn hold and session timers off towards Meta. Else try again, and look at the other side's status "
     "page."},
    {501, "Not Implemented", "RFC 3261, section 21.5.2", "The server does not know the method.", "", "", "",
     kMappedTo503, "Stop the device from sending that method."},
    {502, "Bad Gateway", "RFC 3261, section 21.5.3",
     "The server got an invalid answer from the one behind it.", "", "", "A fault at OpenAI.", kMappedTo503,
     "Try again, and look at the other side's status page."},
    {503, "Service Unavailable", "RFC 3261, section 21.5.4",
     "Overload or maintenance; Retry-After may say when to try again.", "A fault at Meta.",
     "Overload or maintenance at Twilio, or Twilio could not reach what it dials.",
     "Overload at OpenAI, or Twilio could not connect; often with 32011.",
     "Passed on to Meta as 503. It also stands for Twilio's 401, 403, 407 and 3xx: the gateway's log has the "
     "true one.",
     "Look at the gateway's log for the true status. From OpenAI: try again, and check DNS and TLS."},
    {504, "Server Time-out", "RFC 3261, section 21.5.5", "The server behind this one did not answer in time.",
     "", "", "A 400 whose text says error code: 504 has been seen after a bad accept body.",
     "From Twilio it becomes 503. Sent to Meta for Twilio's 408 and where the connection to Twilio fails.",
     "Check DNS, port 5061 and TLS 1.2 from the gateway to Twilio's SIP Domain."},
    {505, "Version Not Supported", "RFC 3261, section 21.5.6",
     "The request names another SIP version than 2.0.", "", "", "",
     "From Twilio it becomes 503. Sent to a request that is not SIP/2.0.",
     "Look at what is sent to the SIP port: it may be a scanner."},
    {513, "Message Too Large", "RFC 3261, section 21.5.7", "The message is longer than the server takes.", "",
     "", "", kMappedTo503, "Pass fewer headers, and use TLS or TCP, never UDP, for large messages."},
    {600, "Busy Everywhere", "RFC 3261, section 21.6.1", "The user was reached and takes the call nowhere.",
     "", "", "Only what reject sent. DialCallStatus is busy.", "",
     "Where nobody meant to reject: look in the log of the service for reject and its reason."},
    {603, "Decline", "RFC 3261, section 21.6.2", "The user was reached and does not want the call.", "", "",
     "The service called reject without a status_code: 603 is its default. DialCallStatus is busy.",
     "Passed on to Meta as it is. Sent itself to a REFER.",
     "Where nobody meant to reject: look in the log of the service for reject and its reason."},
    {604, "Does Not Exist Anywhere", "RFC 3261, section 21.6.3", "The user exists nowhere.", "", "",
     "Only what reject sent.", "", "Correct the address."},
    {606, "Not Acceptable", "RFC 3261, section 21.6.4",
     "The user was reached, and the session that was offered fits nowhere.", "", "", "Only what reject sent.",
     "", "Check the offer with: callchain sdp-filter --explain."},
    {607, "Unwanted", "RFC 8197, section 3", "The called user marked the call as unwanted.", "", "",
     "Only what reject sent.", "", "Do not call again without consent."},
};

constexpr StatusClass kClasses[] = {
    {100, "provisional",
     "The request is being worked on; a final answer follows. An endpoint that does not know the status "
     "treats it as 183."},
    {200, "success", "The request succeeded. An endpoint that does not know the status treats it as 200."},
    {300, "redirection",
     "The request is to be sent elsewhere. An endpoint that does not know the status treats it as 300."},
    {400, "client failure",
     "The request fails as it is, at this server; changed, it may succeed. An endpoint that does not know "
     "the status treats it as 400."},
    {500, "server failure",
     "The server failed with a request that seems right; another server may succeed. An endpoint that does "
     "not know the status treats it as 500."},
    {600, "global failure",
     "No server can fulfil the request. An endpoint that does not know the status treats it as 600."},
};

}  // namespace

std::span<const StatusPage> status_pages() { return kPages; }

const StatusPage* find_status(int code) {
    const auto* const found = std::ranges::lower_bound(kPages, code, {}, &StatusPage::code);
    return found != std::end(kPages) && found->code == code ? found : nullptr;
}

std::optional<StatusClass> status_class(int code) {
    if (code < 100 || code > 699) return std::nullopt;
    return kClasses[code / 100 - 1];
}

}  // namespace callchain::sip
