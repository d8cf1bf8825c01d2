/// Codes of SIP: Twilio's SIP Domains, trunks, and what they say of the gateway and of OpenAI's side.
#include "twilio/error_tables.hpp"

namespace callchain::twilio {
namespace {

using enum Level;

constexpr ErrorPage kPagesOfTable[] = {
    {32001, error, "More calls a second than the trunk may have",
     "A burst of INVITEs from the gateway to an Elastic SIP Trunk.",
     "Pace new calls in the gateway, or ask Twilio for more calls per second.", kList},
    {32002, warning, "No SIP Domain of that name",
     "The host of the gateway's Request-URI is misspelt, is an address instead of the domain's name, or the "
     "domain was made in another region than the one that now takes the calls.",
     "Compare TWILIO_SIP_DOMAIN with the console, in each region that is in use.", kPages},
    {32006, warning, "Too many hops",
     "A loop: the gateway sends the call to Twilio and Twilio's TwiML dials the gateway again.",
     "Look at what the voice URL of the SIP Domain dials.", kList},
    {32007, warning, "Too many registrations for one address",
     "Several gateways or old ones register the same user at the SIP Domain.",
     "The gateway needs no registration: turn it off, or let old ones run out.", kList},
    {32008, warning, "Too many registrations a second",
     "A device registers in a loop, often after each failure.",
     "Register again no sooner than the expiry that the 200 names.", kList},
    {32009, warning, "The user that was dialled is not registered at that SIP Domain",
     "<Sip> points at a domain of your own in which nobody has registered. For OpenAI the host is "
     "sip.api.openai.com.",
     "Correct the host in <Sip>, or register the device.", kPages},
    {32010, error, "The trunk has no valid origination URI",
     "A trunk or BYOC set-up without an address for calls to you. SIP Domains do not need one.",
     "Add the gateway's URI to the trunk's origination list.", kPages},
    {32011, warning, "Twilio could not talk to your SIP endpoint: no answer, an error answer, or no TLS 1.2",
     "For Twilio, OpenAI is your endpoint. A 4xx or 5xx of OpenAI, a timeout, a DNS or TLS fault shows like "
     "this, once for each attempt.",
     "Read the text of the notification: it holds the SIP status and the URI. Then: callchain explain sip "
     "STATUS.",
     kPages,
     "Together with DialSipResponseCode 400, 403 or 404 the far end did answer and the network is in order: "
     "go by the status. With 408, 503 or no status at all look at DNS, port 5061, TLS 1.2 and the state of "
     "OpenAI's service. On calls from the gateway the endpoint is the gateway: then Twilio could not reach "
     "it for a request within the call."},
    {32012, warning, "More calls a second than the trunks of the parent account may have together",
     "A burst of INVITEs, or another subaccount that uses the shared limit up.",
     "Pace new calls in the gateway, or ask Twilio for more calls per second.", kPages},
    {32013, error, "More calls a second to SIP Domains than the parent account may have together",
     "A burst of INVITEs from the gateway. Twilio does not publish the limit.",
     "Pace new calls in the gateway, or ask Twilio for more calls per second.", kPages},
    {32014, warning, "The call was ended because no audio came in",
     "Audio goes one way only: a wrong c= line in the SDP, NAT in front of the sender, or a firewall that "
     "drops Twilio's media (168.86.128.0/18, UDP 10000 to 60000).",
     "Compare the c= and m= lines of both sides with where audio really comes from. Check the SDP with: "
     "callchain sdp-filter --explain.",
     kPages},
    {32015, warning, "The call was ended because it had reached its longest duration",
     "4 hours by default, or the timeLimit of <Dial>. A call that nobody ended.",
     "Let the service end calls that are silent, and set timeLimit to what you want to pay for.", kPages},
    {32018, error, "The Twiml parameter of the request is longer than 4000 characters",
     "TwiML was put into a REST request that places or changes a call.",
     "Put the document at a URL and send Url.", kPages},
    {32019, warning, "Both Twiml and a URL were given; the URL is used",
     "A helper sets Url by default and the caller adds Twiml.", "Send one of the two.", kPages},
    {32022, error, "Twilio's 200 to the INVITE was never acknowledged, for 32 seconds",
     "The gateway's ACK went to a wrong address: the Contact or the Record-Route of the 200 was ignored, or "
     "NAT changed it. Twilio then ends the call with BYE.",
     "Compare the gateway's ACK with the 200: Request-URI from its Contact, Route from its Record-Route in "
     "reverse.",
     kPages},
    {32100, warning, "A trial account can only call verified numbers", "The account was never upgraded.",
     "Upgrade the account, or verify the number.", kList},
    {32101, warning, "The called number is not valid",
     "The user part of the Request-URI is no E.164 number. It matters where the call goes on to the phone "
     "network.",
     "Write + and digits.", kList},
    {32102, warning, "The SDP is not valid",
     "A filter broke the SDP: bare line feeds, an rtpmap without its format on the m= line, a dynamic format "
     "on the m= line without its rtpmap, or a Content-Length that no longer fits.",
     "Check what the gateway sends with: callchain sdp-filter --explain. Compute Content-Length from the "
     "bytes that leave.",
     kList},
    {32103, warning, "The INVITE has no body",
     "The INVITE came without an offer, or Content-Length is 0 where a body follows.",
     "Send the offer in the INVITE.", kList},
    {32105, warning, "The Contact header is not valid",
     "The gateway writes a Contact that cannot be read, has no host, or names a parameter twice.",
     "Write one Contact with the advertised name, for example <sip:gateway.example.com:5061;transport=tls>.",
     kList},
    {32106, error, "The digest user differs from the name in From",
     "Twilio wants the user of the credentials in From, and the gateway writes the caller there.",
     "Set CALLCHAIN_TWILIO_FROM=username for the gateway.", kList},
    {32110, warning, "The SIP URI is malformed; what is bad in it is ignored",
     "A blank, a missing host, or parameters behind the headers. The call may go on without them.",
     "Check the document with: callchain twiml lint.", kList},
    {32111, warning, "The name of a SIP header is not valid; the header is dropped",
     "An underscore, blank or other character that SIP does not allow in names.",
     "Use letters, digits and hyphens, beginning with X-.", kList},
    {32112, warning, "The value of a SIP header is not valid; the header is dropped",
     "A reserved or non-ASCII character stands unescaped in the value.", "Percent-encode the value.", kList},
    {32113, warning, "The SIP header is not one that may be set",
     "A name that begins with X-Twilio, or a standard header outside the few that may be passed.",
     "Choose a name of your own that begins with X-.", kList},
    {32114, warning, "A parameter of the SIP URI has a value that is not supported",
     "secure= with something other than true or false (secure=srtp is a form of other vendors), or an "
     "unknown edge or region.",
     "Correct the parameter. Check the document with: callchain twiml lint.", kList},
    {32115, warning, "The header X-Branded-CallReason has a value that is not valid",
     "A trunk feature; this chain does not set the header.", "Remove the header where it is set.", kList},
    {32200, error, "Insufficient permissions",
     "The account may not use this SIP feature, or the trunk is not its own.",
     "Check in which account the SIP Domain lives, and what is enabled there.", kList},
    {32201, error, "The source address is not in the access list",
     "The gateway's outgoing address changed: a new machine, NAT, or a platform without fixed addresses. On "
     "the wire it is a 403 with X-Twilio-Error: 32201.",
     "Add the address to the list, or use a credential list in its place where addresses change.", kList},
    {32202, error, "The credentials are wrong",
     "User, password or realm differ from the SIP Domain's credential list, or a stale nonce was answered "
     "again and again.",
     "Compare the gateway's user with the credential list and set the password anew. The realm is "
     "sip.twilio.com.",
     kList},
    {32203, error, "The call was blocked by Twilio",
     "The number range is held for fraud or by regulation, on a trunk.",
     "Ask Twilio's support about the range.", kList},
    {32204, error, "The From number is not verified",
     "A trunk is used where a SIP Domain was meant: trunks demand a caller id of the account. On the wire it "
     "is a 403 with X-Twilio-Error: 32204.",
     "Send the call to the SIP Domain, or use a number of the account in From.", kList},
    {32205, error, "The account's geographic permissions do not allow this call, on a trunk",
     "The country is not enabled for the trunk.",
     "Enable the country in the console under Voice, Geo permissions.", kList},
    {32206, error, "The From number, the caller id, is not valid, on a trunk",
     "From holds no number: whatsapp:+... or an id was passed on.",
     "Write a number of the account in E.164 into From.", kList},
    {32207, error, "This side does not take secure media",
     "Secure Media is off at the SIP Domain, and the offer is SRTP (RTP/SAVP or a=crypto), as Meta's is.",
     "Turn Secure Media on at the SIP Domain and leave CALLCHAIN_TWILIO_SECURE_MEDIA=on.", kList},
    {32208, error, "This side demands secure media",
     "Secure Media is on at the SIP Domain, and the offer is plain RTP/AVP.",
     "Offer SRTP with SDES (RTP/SAVP and a=crypto), or turn Secure Media off for a lab.", kList},
    {32209, error, "This side demands secure transport",
     "Secure Media is on, and the INVITE came over UDP or TCP. On the wire it is a 488, Secure SIP transport "
     "required, with X-Twilio-Error: 32209.",
     "Set CALLCHAIN_TWILIO_TRANSPORT=tls, port 5061.", kList},
    {32210, error, "REGISTER is not enabled here",
     "A PBX registers at a SIP Domain without registration, or at a trunk.",
     "Turn registration off in the device; the gateway does not need it.", kList},
    {32212, warning, "The authentication of a registration failed",
     "The device has another user or password than the credential list for registration.",
     "Correct the device, or turn its registration off.", kList},
    {32214, warning, "<Sip> dials a Twilio SIP Domain that it may not dial",
     "The domain belongs to another account, or the URI lacks its user part.",
     "For OpenAI write sip:PROJECT_ID@sip.api.openai.com;transport=tls.", kPages},
    {32215, warning, "A SIP Domain was called without naming a region",
     "<Sip> points at a registered device in another region.",
     "Add the region of the registration to the URI.", kPages},
    {32216, error, "The address is on a list of blocked ones",
     "Twilio blocked the gateway's address, often after floods of wrong credentials.",
     "Stop the flood, then ask Twilio's support to remove the address.", kPages},
    {32218, error, "A transfer is not allowed here",
     "A REFER reached a trunk whose call transfer is off, for example from the refer of OpenAI's API.",
     "Enable call transfer (SIP REFER) on the trunk, or set referUrl on <Dial>.", kPages},
    {32219, error, "A redirect failed", "The far end answered 3xx and Twilio could not follow it.",
     "Give Twilio the final address.", kPages},
    {32220, error, "An edge may not be named when a registered device is dialled",
     "edge= stands on a URI of a SIP Domain with registrations.",
     "Remove edge= from that URI. For OpenAI it may stay.", kPages},
    {32221, error, "No device is registered at the edge that was named",
     "The device registered at another edge.", "Use the edge of the registration.", kPages},
    {32222, error, "The TLS version is too low",
     "The gateway or its library offers TLS 1.0 or 1.1 only. Twilio wants 1.2.",
     "Use OpenSSL 1.1.1 or later and allow TLS 1.2. Allow it beside 1.3: Twilio documents no 1.3 for SIP.",
     kPages},
    {32223, error, "The SIP URI has no user part, and a registered device was to be called",
     "<Sip> holds sip:HOST without a user, often because a variable was empty.",
     "Write the user part; for OpenAI it is the project id.", kPages},
};

}  // namespace

std::span<const ErrorPage> sip_errors() { return kPagesOfTable; }

}  // namespace callchain::twilio
