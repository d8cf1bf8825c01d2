/// Codes of reading our TwiML, above all <Dial> and <Sip>.
#include "twilio/error_tables.hpp"

namespace callchain::twilio {
namespace {

using enum Level;

constexpr ErrorPage kPagesOfTable[] = {
    {12100, error, "The document cannot be parsed as XML",
     "An & in a SIP URI or an action URL that was not written as &amp;, something in front of <?xml, or an "
     "HTML or JSON error page in place of TwiML.",
     "Build TwiML with a writer that escapes. Check the document with: callchain twiml lint.", kList},
    {12101, error, "The XML version of the document is not supported",
     "The first line names another version than 1.0.",
     "Begin the document with <?xml version=\"1.0\" encoding=\"UTF-8\"?>.", kList},
    {12200, warning, "The document does not fit the TwiML schema; what does not fit is ignored",
     "An element or attribute that does not exist or is written in the wrong case: <dial>, codecPolicy, "
     "secure or codecs on <Dial>, an attribute on the wrong noun. The call goes on without it, which then "
     "looks like another fault.",
     "Check the document with: callchain twiml lint. Codecs cannot be chosen in TwiML.", kList},
    {12300, error, "The Content-Type of the answer is not one that Twilio reads",
     "The handler returned JSON or plain text, or an error page came as text/html.",
     "Answer with Content-Type: text/xml.", kList},
    {13201, error, "<Dial> stands in a document for a leg that was itself dialled",
     "The url attribute of <Sip> or <Number> names a document that dials. It may only speak to the party "
     "that was called.",
     "Remove <Dial> from the document at url, or remove url.", kList},
    {13210, warning, "<Dial>: the method attribute is not valid",
     "Something other than GET or POST, or lower case.", "Write method=\"POST\" or leave it out.", kList},
    {13212, warning, "<Dial>: the timeout attribute is not valid",
     "Not a whole number of seconds from 5 to 600, often a variable that was not replaced. Twilio then uses "
     "30.",
     "Write the seconds as a plain number.", kList},
    {13214, warning, "<Dial>: the callerId is not one that may be used on this call",
     "callerId is missing on a leg where Twilio demands one (WhatsApp, SIP, Client), or a variable that "
     "should hold it was empty. It must be the calling or called number, a number of the account or a "
     "verified one.",
     "Always write callerId with a number in E.164, for example callerId=\"+5561999990000\".", kList,
     "The INVITE never leaves then. The action URL is called all the same, with DialCallStatus=failed, no "
     "DialSipResponseCode and an ErrorMessage that says so. OpenAI sees nothing and no webhook comes: do not "
     "look for the fault there."},
    {13215, warning, "<Dial>: an element within it is not allowed there",
     "A verb such as <Say> or <Pause> was put into <Dial>, which takes nouns only.",
     "Put verbs in front of or behind <Dial>. Check with: callchain twiml lint.", kList},
    {13216, warning, "<Dial>: the timeLimit attribute is not valid",
     "Not a whole number of seconds, or above what the account may use. The default is 4 hours.",
     "Write the seconds as a plain number, 14400 at most.", kList},
    {13218, warning, "<Dial>: the sequential attribute is not valid", "Something other than true or false.",
     "Write sequential=\"true\" or leave it out.", kList},
    {13219, warning, "<Dial>: the answerOnBridge attribute is not valid",
     "Something other than true or false. Without it the caller's leg is answered before OpenAI is.",
     "Write answerOnBridge=\"true\".", kList},
    {13223, warning, "<Dial>: what is dialled does not have the format of a phone number",
     "A SIP URI stands as bare text in <Dial> or in <Number>, there is no noun at all, or the number is not "
     "E.164.",
     "Put SIP URIs into <Sip>, numbers as + and digits into <Number>.", kPage,
     "Its text, invalid phone number format, is often quoted together with code 13224. Go by the number of "
     "the code, not by the text."},
    {13224, error, "<Dial>: the number is not valid, or Twilio cannot call it",
     "Twilio reports this one code for different faults of the SIP leg: OpenAI refused or nobody accepted "
     "the call (SIP 400), the caller id is whatsapp:+... inherited from the WhatsApp leg, or what was "
     "dialled is really no number.",
     "Look at DialSipResponseCode in the dial action first. 400: find the call's webhook in the log of the "
     "service, and check it with: callchain verify-sig. Absent: look at callerId and ErrorMessage. Then: "
     "callchain twiml dial-action FILE, with the logged parameters.",
     "2026, warning in the list of 2023-05-15",
     "Why the text misleads: in this chain the number is mostly right. Twilio dials the SIP URI, the leg "
     "fails, and the code stays the same whatever the reason was; ErrorMessage then says invalid phone "
     "number format, which is the title of 13223.\n(1) Nobody accepted the call. Twilio's INVITE reached "
     "OpenAI, OpenAI sent realtime.call.incoming, and "
     "no accept came in time: the webhook's signature was refused (wrong or drifted secret, body changed on "
     "the way), the service was down, answered too late, or another endpoint took the event. OpenAI then "
     "answers 400. Signs: DialCallStatus=failed, DialBridged=false, DialSipResponseCode=400, and a webhook "
     "in the log without a successful accept behind it. OpenAI has also answered 400 with no webhook at all "
     "when its own dispatch was slow.\n(2) The caller id is not a number. On a WhatsApp call From is "
     "whatsapp:+55..., and a <Dial> without "
     "callerId passes it on; the colon is not allowed there, OpenAI answers 400 or the INVITE never leaves. "
     "The same holds for a WhatsApp user who hides the number: From may be an id such as BR.1502.... Signs: "
     "no callerId in the TwiML; From in the call's log begins with whatsapp:.\n(3) The number itself. A "
     "prefix was left in it, a digit is missing, or a WhatsApp leg dials <Number>, "
     "which Twilio refuses. Signs: DialSipResponseCode is absent, and <Dial> holds a number and no <Sip>."},
    {13225, warning, "<Dial>: the call was stopped by Twilio's block list",
     "A fallback dials a number range that Twilio holds for fraud or by regulation. The SIP leg to OpenAI "
     "cannot get it.",
     "Dial another destination, or ask Twilio's support about the range.", kList},
    {13226, warning, "<Dial>: the number has no valid country code",
     "A digit or the + was lost when the number was put together.",
     "Write the number in E.164: +, country code, number.", kList},
    {13227, warning, "<Dial>: the account's geographic permissions do not allow this call",
     "A fallback dials a country that is not enabled for voice.",
     "Enable the country in the console under Voice, Geo permissions. WhatsApp legs cannot dial phone "
     "numbers at all.",
     kList},
    {13243, warning, "<Dial>, <Sip>: the SIP URI is not valid",
     "A blank within the URI, no sip: in front, no user part, or a project id variable that was empty.",
     "Write sip:PROJECT_ID@sip.api.openai.com;transport=tls, without blanks in it. Check with: callchain "
     "twiml "
     "lint.",
     kList},
    {13244, warning, "<Dial>: the SIP side asked for credentials and there are none",
     "The far end answered 401 or 407 and <Sip> has no username and password. OpenAI does not ask; a SIP "
     "Domain or the gateway does.",
     "Add username and password to <Sip>, or correct the host in the URI.", kList},
    {13246, warning, "<Dial>: SIP dialling is not enabled for this account", "A trial or very new account.",
     "Upgrade the account, or ask Twilio's support to enable SIP.", kList},
    {13247, error, "<Dial>: the From number, the caller id, is not valid",
     "callerId is not acceptable on this leg: whatsapp:+... was passed on, or the number is on a "
     "do-not-originate list.",
     "Write callerId with a number of the account in E.164.", kList},
    {13248, warning, "<Dial>: the callerId is too long",
     "Something other than a number was put into callerId: a SIP URI, a display name, an id. Twilio does not "
     "publish the limit.",
     "Write callerId with a number in E.164.", kList},
    {13249, warning, "<Dial>: the username or password attribute is not valid",
     "An empty value, or one with blanks, on <Sip>. OpenAI needs neither.",
     "Correct both attributes, or remove them for OpenAI.", kList},
    {13250, warning, "<Dial>: too many URIs", "More than 10 nouns in one <Dial>.", "Dial at most 10.", kList},
    {13251, warning, "<Dial>: too many SIP headers on the URI",
     "The header list behind ? of the SIP URI was built from data of the user.",
     "Pass only the few headers that you read again, for example one id of the call.", kList},
    {13252, warning, "<Dial>: a SIP header name on the URI is not allowed",
     "Only names that begin with X-, and User-to-User, Remote-Party-ID, P-Preferred-Identity and "
     "P-Called-Party-ID, may be passed.",
     "Begin the name with X-, but not with X-Twilio.", kPage},
    {13253, warning, "<Dial>: a SIP header on the URI is too long",
     "A header value, or all of them together, is beyond 1024 characters.",
     "Pass an id in place of the data.", kList},
    {13254, warning,
     "<Dial>, <Sip>: the host of the SIP URI does not resolve, or resolves to a private address",
     "A spelling mistake in sip.api.openai.com, or the name of a gateway that only your own DNS knows.",
     "Resolve the name from outside, and correct the URI.", kList},
    {13255, warning, "Dialling addresses of .sip.twilio.com is not allowed here",
     "<Sip> points at a Twilio SIP Domain, so Twilio would call itself.",
     "Dial OpenAI's host, or the gateway's own name.", kList},
    {13520, warning, "<Say>: the text is not valid",
     "The text is empty, beyond 4,096 characters, or holds only mark-up.", "Write a short plain text.",
     kList},
    {13710, warning, "<Redirect>: the method attribute is not valid", "Something other than GET or POST.",
     "Write method=\"POST\" or leave it out.", kList},
};

}  // namespace

std::span<const ErrorPage> twiml_errors() { return kPagesOfTable; }

}  // namespace callchain::twilio
