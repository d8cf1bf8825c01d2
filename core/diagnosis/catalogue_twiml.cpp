/// Rows of the catalogue: TwiML documents, as callchain twiml lint judges them.
#include "diagnosis/catalogue_tables.hpp"

namespace callchain::diagnosis {
namespace {

constexpr CatalogueEntry kEntries[] = {
    {"twiml_action_relative", "The action of a verb is a relative URL",
     "Write the whole URL: https://, host and path. If it is empty, set the variable that it is made "
     "of.",
     "Twilio resolves a relative action against the URL that the document was fetched from. That works "
     "for a webhook and fails with error 11100 where there is no such URL, as with TwiML given in a "
     "REST request. A <Redirect> to another host changes the base as well. An empty action asks the "
     "same document again, which dials again."},
    {"twiml_answer_on_bridge_late", "answerOnBridge stands on a <Dial> that is not the first verb",
     "Put the <Dial> first, or leave answerOnBridge out.",
     "answerOnBridge keeps the caller ringing until the called side answers. Twilio heeds it on the "
     "first verb only: behind <Say>, <Play>, <Gather> or <Record> the call is answered already, and behind "
     "others it is not kept ringing either. The caller then hears silence, or Twilio's ringing tone, "
     "while OpenAI's side is set up."},
    {"twiml_attribute_codec", "An attribute is to choose codec, transport or encryption, and does not exist",
     "Remove it. Transport and encryption are parameters of the SIP URI: ;transport=tls and "
     ";secure=true. The codecs of a SIP leg are PCMU and PCMA and cannot be chosen.",
     "Examples in circulation have codecs, codecPolicy or secure on <Dial> or <Sip>. Twilio knows none "
     "of them: it reports error 12200 as a warning and calls as if they were not there. Who relied on "
     "them finds out by a call without encryption, or with another codec than expected."},
    {"twiml_attribute_letter_case", "An attribute is written in another letter case",
     "Write the attribute as Twilio does: callerId, answerOnBridge, statusCallback.",
     "TwiML tells letter case apart. callerid or statuscallback are unknown to Twilio, which ignores "
     "them and reports error 12200 as a warning only. The call goes on without what they say, and a "
     "missing caller id or callback shows up elsewhere."},
    {"twiml_attribute_misplaced", "An attribute stands on the wrong element",
     "Move it: statusCallback, statusCallbackEvent and statusCallbackMethod belong on <Sip>; callerId, "
     "timeout and action on <Dial>.",
     "Attributes of <Dial> are about the whole attempt, those of a noun about one called side. Twilio "
     "ignores an attribute that stands on the other and reports error 12200 as a warning. The usual "
     "case is statusCallback on <Dial>: the document looks right, and no status ever arrives."},
    {"twiml_attribute_unknown", "Twilio does not know an attribute",
     "Remove the attribute, or correct its spelling.",
     "Twilio ignores attributes that it does not know and reports error 12200 as a warning. If the "
     "attribute is new, this program may be older than it: compare with the page of the verb in "
     "Twilio's documentation."},
    {"twiml_boolean_invalid", "A switch is neither true nor false", "Write true or false, in small letters.",
     "Twilio reads true and false. Other spellings (True from Python, 1, yes) are reported as "
     "warnings, as 13218 for sequential and 13219 for answerOnBridge, and the default holds, which is "
     "mostly false."},
    {"twiml_caller_id_bsuid", "The caller id looks like a WhatsApp user id and not like a number",
     "Give your own number in E.164 as callerId. Take a number from From only if it is + and 7 to 15 "
     "digits.",
     "WhatsApp users may hide their number behind a user name. Meta then names them by an id of two "
     "letters, a dot and digits, and such an id may stand in From. Code that strips whatsapp: from "
     "From and passes on the rest makes a caller id of it. For <Sip> its letters are allowed, so the "
     "call goes out and nobody knows whose it is; for a phone number it is refused."},
    {"twiml_caller_id_empty", "The caller id is empty, or what an unset variable leaves behind",
     "Set the variable that the number comes from and check it at start, not during the call. Give a "
     "number in E.164, e.g. +5561999998888.",
     "An empty callerId, or the words undefined, null and None, come from a variable that is not set "
     "where the service runs. Twilio reports error 13214, and the call to the SIP side fails. With "
     "letters in it the value may even be accepted for <Sip> and show up as the caller's name."},
    {"twiml_caller_id_inherited", "A call to a WhatsApp user has no caller id",
     "Write callerId=\"whatsapp:+...\" with the number of a WhatsApp sender that has calling switched "
     "on.",
     "Without callerId the called WhatsApp user would be called from the id of the caller. That is "
     "right only where the caller's side is a WhatsApp sender of the same account. Otherwise Twilio "
     "reports error 37008."},
    {"twiml_caller_id_invalid", "The caller id has a form that Twilio does not take",
     "Give a number in E.164: +, country code, number, without blanks and brackets.",
     "For <Sip> Twilio takes letters, digits and + - _ . as caller id; for phone numbers and clients "
     "it wants E.164, and for a client also client: and a name. Anything else is reported as error "
     "13247 or 13214, and the call is not made. Blanks and brackets from a form field are the usual "
     "cause."},
    {"twiml_caller_id_missing", "A <Dial> to a SIP endpoint or client has no caller id",
     "Write callerId on <Dial>, with a number of yours in E.164, e.g. callerId=\"+5561999998888\".",
     "Without callerId Twilio passes on that of the calling side. On a WhatsApp call that is whatsapp: "
     "and a number, whose colon no SIP caller id may have; on a SIP leg or a client's it must be given "
     "anyway. Twilio reports 13214 or 13224, the latter with a misleading text about the called "
     "number, or the SIP side answers 400. The action of the <Dial> is still called, with "
     "DialCallStatus=failed."},
    {"twiml_caller_id_not_e164", "A caller id made for a SIP call is no phone number in E.164",
     "Write + and the country code in front: +5561999998888 has 7 to 15 digits behind the +.",
     "For <Sip> Twilio takes digits and words as they are, so nothing is reported. The called side shows "
     "what it "
     "gets: a number without + or with digits too many belongs to nobody, or to somebody in another country. "
     "A lost + comes from a form that was decoded twice, and a long value from two joined together."},
    {"twiml_caller_id_not_whatsapp",
     "A call to a WhatsApp user comes from something that is no WhatsApp sender",
     "Write callerId=\"whatsapp:+...\" with the number of your sender; the number within <WhatsApp> has "
     "no prefix.",
     "<WhatsApp> is called from a WhatsApp sender of the same account, which is written with the "
     "prefix whatsapp: in callerId. Only there: the noun's own text is the bare number. Twilio reports "
     "error 37008 where the prefix is missing or the number is no sender."},
    {"twiml_caller_id_whatsapp", "The caller id of a SIP, client or phone call has the prefix whatsapp:",
     "Strip whatsapp: and check that what is left is + and 7 to 15 digits, or give a fixed number of "
     "yours.",
     "In a WhatsApp call From and To are whatsapp: and a number. Passed on as callerId, the colon is "
     "not in the set that Twilio takes for <Sip>. It reports 13224, 13214 or 13247, depending on the "
     "way; the text of 13224 speaks of the called number and leads astray. The same happens where "
     "callerId is left out, since it is inherited."},
    {"twiml_dial_empty", "A <Dial> does not say whom to call",
     "Put a noun within it, as <Sip>sip:...</Sip>; if it is empty, set the variable that the URI comes "
     "from.",
     "A <Dial> needs a noun or a number. Without either Twilio reports error 13223 and goes on with "
     "the next verb, or ends the call where there is none."},
    {"twiml_dial_without_action", "A <Dial> to OpenAI has no action, so its outcome is told nobody",
     "Give an action URL, keep what Twilio sends there, and answer with <Say> or <Hangup/>.",
     "Twilio tells how a call to a SIP side ended in one request only, the one to the action URL: "
     "DialCallStatus, DialBridged and DialSipResponseCode, and an ErrorMessage where the call never "
     "left. Without action the caller is hung up on, and afterwards nobody can say why. With an action "
     "its answer decides what the caller gets."},
    {"twiml_doctype", "The document has a document type declaration",
     "Remove <!DOCTYPE ...>. If this is an HTML page, look at the route that answered and at its "
     "status.",
     "TwiML has no document type. A declaration in front of it comes from an HTML error page, or from "
     "a template, and may define entities that make a reader open files or grow without bound; this "
     "program stops reading at it. Twilio reports error 12100."},
    {"twiml_element_misplaced", "An element stands where Twilio does not look for it",
     "Move it: nouns as <Sip> and <Number> stand within <Dial>, <Stream> within <Connect> or <Start>, "
     "verbs within <Response>.",
     "Each noun belongs to certain verbs, and verbs stand directly within <Response>; of the verbs "
     "only <Say>, <Play> and <Pause> may stand within <Gather>. Twilio leaves out what stands "
     "elsewhere and reports error 12200, within <Dial> 13215, as warnings. The call goes on without "
     "that step."},
    {"twiml_letter_case", "An element is written in another letter case",
     "Write elements as Twilio does: <Response>, <Dial>, <Sip>, <WhatsApp>.",
     "TwiML tells letter case apart. <dial> or <SIP> is unknown to Twilio, which leaves it out and "
     "reports error 12200 as a warning. With nothing left to do the call ends at once."},
    {"twiml_method_invalid", "A method is neither GET nor POST", "Write POST or GET, in capitals.",
     "Twilio's callbacks are GET or POST. It reports another method as a warning (13210 on <Dial>, "
     "13710 on <Redirect>) and takes the default, POST."},
    {"twiml_not_well_formed", "The document is not well-formed XML",
     "Correct the place that is named. Let a library build the XML instead of joining text; in a URL "
     "write &amp; for &.",
     "Twilio reads strict XML and reports error 12100 for the smallest fault; the caller hears of an "
     "application error and the call ends. The usual cause is a bare & between two parameters of a URL "
     "or two headers of a SIP URI. Others: a line in front of <?xml, an HTML error page, a JSON body, "
     "a text that was cut, bytes of Latin-1 in a text that has to be UTF-8."},
    {"twiml_noun_unknown", "Twilio does not know an element within a verb",
     "Correct its spelling, or remove it.",
     "Twilio leaves out elements that it does not know and reports error 12200 as a warning. A <Dial> "
     "whose only noun is left out calls nobody. If the element is new, this program may be older than "
     "it: compare with the page of the verb in Twilio's documentation."},
    {"twiml_nouns_too_many", "A <Dial> has more than ten nouns",
     "Leave at most ten nouns in a <Dial>; call the others from the document that its action answers "
     "with.",
     "Twilio calls up to ten nouns of one <Dial>, all at once or, with sequential, one after the "
     "other. For more it reports error 13250."},
    {"twiml_number_out_of_range", "A number is none, or is out of its range",
     "Write a whole number within the range that is named, without a unit.",
     "Twilio reads whole numbers: seconds for timeout (5 to 600) and timeLimit, milliseconds for the "
     "thresholds of answering machine detection. It reports others as warnings, as 13212 for timeout "
     "and 13216 for timeLimit, and takes the default, 30 seconds for timeout."},
    {"twiml_phone_number_invalid", "What is called as a number is none",
     "Write the number in E.164, e.g. +5561999998888; put other things into their own noun: <Sip>, "
     "<Client>, <WhatsApp>.",
     "Text within <Dial>, <Number> and <WhatsApp> is a phone number. Prefixes as whatsapp: or client:, "
     "and words, are none; Twilio reports error 13223 or 13224. Within <WhatsApp> the number stands "
     "without prefix, while the callerId of the <Dial> has it."},
    {"twiml_pstn_on_whatsapp", "A WhatsApp call is to be bridged to the telephone network",
     "Call <Sip> or <Client> instead, say something with <Say>, or send a message. For a document of "
     "phone calls only, use --chain phone.",
     "WhatsApp calls cannot be bridged to phone numbers in either direction: Twilio refuses the "
     "bridge, and Meta's terms forbid the telephone network on any leg of a WhatsApp call, also behind "
     "a SIP gateway. So a <Number>, or a number as text of <Dial>, cannot be the fallback for a failed "
     "call to OpenAI. Allowed are <Sip>, <Client>, <Connect>, menus and recordings."},
    {"twiml_reject_not_first", "<Reject> is not the first verb",
     "Answer with <Reject/> alone, or use <Hangup/> where the call is answered.",
     "<Reject> refuses a call without answering or billing it. That works only as the first verb: "
     "others answer the call, and then it is ended and billed. On a SIP leg the reason busy becomes "
     "486 and rejected becomes 404, which looks like a missing user."},
    {"twiml_root_not_response", "The root of the document is not <Response>",
     "Put the verbs into <Response>; if this is another kind of document, look at the route that "
     "answered.",
     "A TwiML document is one <Response> with verbs in it. Twilio reports error 12200 or 12100 for "
     "another root and does nothing, so the call ends. The usual causes are an HTML page of a "
     "framework or proxy and a verb without the <Response> around it."},
    {"twiml_say_empty", "A <Say> has nothing to say",
     "Set the variable that the text comes from, or remove the verb.",
     "Twilio reports error 13520 as a warning for a <Say> without text, and goes on. The caller hears "
     "silence where an explanation was meant, most often because a text was not found in the caller's "
     "language."},
    {"twiml_say_too_long", "A <Say> is longer than Twilio takes",
     "Split the text over several <Say> verbs, each of at most 4,096 characters.",
     "Twilio says at most 4,096 characters per <Say> and reports error 13520 for more. A text of that "
     "length is hardly meant for a caller: look whether a log or an error page was read out."},
    {"twiml_second_response", "There is more than one <Response>",
     "Answer with one document: one <Response> with all verbs in it.",
     "Two documents behind each other, or one within another, come from two handlers that both wrote "
     "an answer, or from joining two finished documents. Twilio reports error 12100 for the former and "
     "ignores the inner one of the latter."},
    {"twiml_sip_credentials_partial", "Of user name and password for a SIP call only one is given",
     "Give both username and password on <Sip>, or none.",
     "Twilio answers a challenge of the called side only if it has both. With one of them it reports "
     "13249 or 13244, and the call fails with 401 or 407. The call to OpenAI needs neither: it finds "
     "the project by the user part of the URI."},
    {"twiml_sip_edge_unknown", "The edge in a SIP URI is none of Twilio's",
     "Write one of ashburn, umatilla, san-jose, dublin, frankfurt, singapore, tokyo, sao-paulo, sydney, or "
     "leave "
     "it out.",
     "edge chooses where Twilio sends the call from. For a name that it does not know it reports a "
     "warning, 32114, and sends from its default, Ashburn, which costs a call between two places in "
     "Brazil a detour over North America."},
    {"twiml_sip_header_malformed", "A header in a SIP URI cannot be read",
     "Write ?X-Name=value&amp;X-Other=value, and percent-encode ; = , @ and blanks in values.",
     "Behind the ? of the URI stand headers, divided by &. One without =, an empty one, and a reserved "
     "character in a name or a value are dropped, and the call goes out without them: Twilio reports 32110 "
     "for "
     "the form, 32111 for a name and 32112 for a value, as warnings. What the header was to carry never "
     "arrives at OpenAI."},
    {"twiml_sip_header_not_allowed", "A header in a SIP URI is none that Twilio sends",
     "Name your own headers X-..., but not X-Twilio-...; Twilio adds X-Twilio-CallSid by itself.",
     "Behind the ? of the URI may stand headers for the called side. Twilio sends those that begin "
     "with X- and User-to-User, Remote-Party-ID, P-Preferred-Identity and P-Called-Party-ID. It drops "
     "the others and reports 13252 or 32113, so what they were to carry never arrives. OpenAI hands "
     "the headers on in realtime.call.incoming."},
    {"twiml_sip_headers_too_long", "The headers in a SIP URI are too long",
     "Send an id in a header and keep the rest on your side; fewer than 1,024 characters may stand "
     "from the ? on.",
     "Twilio takes fewer than 1,024 characters of headers in a SIP URI and reports 13253 for more. "
     "Percent-encoded text grows to three times its length. User data in headers is the usual cause."},
    {"twiml_sip_host_misspelt", "The SIP host looks like a misspelt one of OpenAI's",
     "Write sip.api.openai.com, or sip-eu.api.openai.com for European residency.",
     "The host is one or two letters away from one that takes SIP calls. Where it does not exist Twilio "
     "reports "
     "13254; where somebody else has it, the call with its caller id and headers goes to a stranger."},
    {"twiml_sip_host_openai", "The SIP host is one of OpenAI's that takes no SIP calls",
     "Write sip:proj_...@sip.api.openai.com;transport=tls.",
     "OpenAI takes SIP calls at sip.api.openai.com, and for European residency at "
     "sip-eu.api.openai.com. The host of the REST API, or the name without api, does not answer SIP: "
     "Twilio reports 32011 or 13254 after a timeout."},
    {"twiml_sip_host_private", "The host of a SIP URI is not reachable from the internet",
     "Write a host that public DNS resolves to a public address.",
     "Twilio calls from its own network. Names as localhost, and addresses of private networks, mean "
     "nothing there: it reports 13254 and the call fails. They come from a development setting that "
     "was not replaced."},
    {"twiml_sip_host_twilio", "The SIP URI points to a SIP domain of Twilio itself",
     "To reach OpenAI write sip.api.openai.com as host. To reach a phone registered with Twilio, check "
     "that the domain is your own and the user is registered.",
     "A host below sip.twilio.com is a SIP domain: calls come in there. A <Dial> to it reaches only "
     "users registered on it, in the same account; otherwise Twilio reports 13255, 32009, 32214 or "
     "32223. In this chain it is mostly the gateway's target copied into the wrong setting, which "
     "makes a loop."},
    {"twiml_sip_parameter_repeated", "A parameter stands more than once in a SIP URI",
     "Write each parameter once.",
     "A name may stand once among the parameters of a SIP URI. Which of two values Twilio takes is not "
     "documented. Twice comes from a setting that has the parameter already and code that appends it."},
    {"twiml_sip_parameter_unknown", "A parameter in a SIP URI is known neither to Twilio nor to SIP",
     "Remove it, or correct its spelling: transport, region, edge, secure. Headers stand behind a ?.",
     "Twilio reads transport, region, edge and secure, and SIP knows user, method, ttl, maddr and lr "
     "besides. "
     "Others are passed on at best, and a misspelt transport leaves the call on UDP. What is meant for the "
     "called side belongs in a header."},
    {"twiml_sip_port_openai", "The port of OpenAI's SIP host is not 5061",
     "Leave the port out: with ;transport=tls it is 5061.",
     "OpenAI takes SIP calls over TLS at port 5061. At another, 5060 or 443 as a rule, nobody answers SIP, "
     "and "
     "Twilio reports 32011 after a timeout."},
    {"twiml_sip_project_missing", "The user part of OpenAI's SIP URI is no project id",
     "Write the id of the project, proj_ and what follows, in front of the @. It stands in the "
     "settings of the project.",
     "OpenAI finds the project, and with it the webhook that is told of the call, by the user part of "
     "the URI. Without a right one it answers 404, and no webhook arrives. A placeholder, an "
     "organisation's id and an API key in its place are the usual causes."},
    {"twiml_sip_region_and_edge", "A SIP URI has both region and edge",
     "Keep edge, e.g. edge=sao-paulo, or region, e.g. region=br1, and remove the other.",
     "Both choose where Twilio sends the call from; region is the older of the two. Which one wins is "
     "not documented, so the call may leave from another place than expected."},
    {"twiml_sip_region_unknown", "The region in a SIP URI is none of Twilio's",
     "Write one of us1, us2, ie1, de1, sg1, jp1, br1, au1, or leave it out.",
     "region chooses where Twilio sends the call from. For a name that it does not know it reports a "
     "warning, 32114, and sends from its default, us1. Cloud vendors' region names as sa-east-1 are "
     "not Twilio's."},
    {"twiml_sip_secure_invalid", "secure in a SIP URI is neither true nor false",
     "Write secure=true or secure=false, or leave it out.",
     "secure=true asks for encrypted media. Twilio takes any other value as false and reports 32114 as "
     "a warning, so the media travel in clear. OpenAI's published URI does without it."},
    {"twiml_sip_transport_not_tls", "The call to OpenAI does not go over TLS",
     "Write ;transport=tls behind the host: sip:proj_...@sip.api.openai.com;transport=tls.",
     "Without a transport Twilio sends UDP. OpenAI takes SIP over TLS at port 5061; a call over UDP or "
     "TCP gets no answer, and Twilio reports 32011 after a timeout. The caller hears ringing until "
     "then, and no webhook arrives."},
    {"twiml_sip_transport_repeated", "The transport stands more than once in a SIP URI",
     "Write ;transport=tls once. If the host in your settings has it already, do not append it again.",
     "The transport may stand once in a URI. Twice comes from a setting that holds it and code that "
     "appends it. OpenAI was seen to answer 403 to a Contact that had it twice, with no webhook; what "
     "Twilio makes of two different ones is not documented."},
    {"twiml_sip_transport_unknown", "The transport in a SIP URI is none that Twilio knows",
     "Write transport=tls, tcp or udp.",
     "Twilio knows udp, tcp and tls. Others (ws, sctp, TLSv1.2) are reported as 32114, a warning, and "
     "Twilio sends UDP, its default."},
    {"twiml_sip_uri_as_text", "A SIP URI stands where Twilio reads a phone number",
     "Put the URI into <Sip>: <Dial><Sip>sip:...</Sip></Dial>.",
     "Text within <Dial> and <Number> is taken for a phone number. A SIP URI there is reported as "
     "13223, invalid phone number format, and nobody is called."},
    {"twiml_sip_uri_blanks", "Blanks or line ends stand around a SIP URI",
     "Write the URI close to the tags: <Sip>sip:...</Sip>.",
     "Pretty-printed documents have line ends and blanks around the URI. Twilio's own samples do, so "
     "they are tolerated; that they always will be is promised nowhere, and at the end of a URI with "
     "headers they become part of the last value."},
    {"twiml_sip_uri_malformed", "The SIP URI cannot be read",
     "Write sip:, user, @, host and parameters without blanks; percent-encode ; = , @ and blanks in "
     "values of headers.",
     "A SIP URI is sip:user@host;parameter=value?Header=value. Blanks within, a missing sip:, a bare % "
     "and reserved characters in a header's value break it. Twilio reports 13243 and does not call, or "
     "32110 and calls without the broken part."},
    {"twiml_sip_uri_phone", "A SIP URI names a phone number as its user",
     "Make sure that the called side ends the call itself and sends it nowhere else.",
     "A user part in E.164, or ;user=phone, is what gateways towards the telephone network are called with. "
     "Meta's terms forbid the telephone network on any leg of a WhatsApp call, behind a gateway too. A PBX "
     "that "
     "names its extensions so is no problem."},
    {"twiml_sip_uri_sips", "The scheme of a SIP URI is sips:", "Write sip: and ;transport=tls.",
     "Twilio does not support sips:. It makes it sip: with transport=tls, so the call goes out; Meta's "
     "side answers 404 to such URIs. Write what is meant."},
    {"twiml_sip_uri_too_long", "The SIP URI is too long",
     "Keep the part in front of the ? below 255 characters; move data into headers or keep it on your "
     "side.",
     "Twilio takes SIP URIs of fewer than 255 characters, the headers behind the ? not counted, and "
     "refuses longer ones as invalid, 13243. OpenAI's URI with a transport and a region has about 80."},
    {"twiml_sip_user_missing", "The SIP URI has no user part",
     "Write whom to call in front of the host: sip:user@host.",
     "A URI without a user names a host and nobody there. Twilio reports 13243 or, for its own "
     "domains, 32223. An unset variable in front of the @ is the usual cause."},
    {"twiml_speech_unknown", "Speech mark-up in a <Say> is not known here",
     "Check its spelling and letter case, and whether the voice takes it.",
     "Within <Say> may stand speech mark-up (SSML): break, emphasis, lang, p, phoneme, prosody, s, say-as, "
     "sub, "
     "w. Vendors of voices have more, and not every voice takes each; one that a voice does not know makes "
     "it "
     "read the text without it, or fail with error 13520 or 13511."},
    {"twiml_status_event_alone", "Events are chosen, and there is no URL to send them to",
     "Add statusCallback or recordingStatusCallback on the same element, or remove the list of events.",
     "A list of events has an effect only where a callback's URL stands on the same element. A URL on "
     "<Dial> does not count for <Sip>. Nothing is reported; the events never come."},
    {"twiml_status_event_unknown", "An event of a status callback is none that Twilio knows",
     "Separate the words by blanks: initiated ringing answered completed.",
     "Twilio takes the words of the list one by one and ignores those that it does not know. Commas "
     "make one unknown word of all. Words from the REST API, as in-progress or no-answer, are statuses "
     "and no events."},
    {"twiml_text_unexpected", "There is text where Twilio reads elements only",
     "Put the text into <Say>, or remove it.",
     "Text directly within <Response>, <Gather> or <Connect> is ignored, and so may be text beside the "
     "nouns of a <Dial>. It comes from a forgotten <Say>, or from a template that left a line. Twilio "
     "reports error 12200 as a warning at most."},
    {"twiml_time_limit_long", "The time limit of a call is above four hours",
     "Write a timeLimit of at most 14400, or have longer calls enabled for the account.",
     "Twilio ends calls after 14,400 seconds, four hours, unless the account is enabled for up to 24. A "
     "larger "
     "timeLimit is then without effect. OpenAI ends sessions long before."},
    {"twiml_timeout_short", "The timeout towards OpenAI is too short",
     "Leave timeout out (30 seconds), or set at least 15; rather make the handler of the webhook "
     "faster.",
     "OpenAI answers a call only after its webhook was delivered, the signature checked and the accept "
     "sent and taken. Where timeout runs out before that, Twilio cancels the call: "
     "DialCallStatus=no-answer with 487 or 408, and the accept then fails with call_id_not_found. "
     "Under load the webhook alone was seen to take seconds."},
    {"twiml_too_deep", "Elements stand too deep within each other",
     "Close each element before the next begins; look for a loop in the code that builds the document.",
     "TwiML needs a handful of levels, and this program reads 256. More come from a loop that nests "
     "where it should append, or from somebody who wants to exhaust a reader."},
    {"twiml_too_large", "The document is larger than Twilio takes",
     "Send less than 64 kB; put long texts into several documents with <Redirect>.",
     "Twilio takes at most 64 kB of TwiML and reports error 11750 for more. TwiML in a REST request "
     "may have 4,000 characters only. The usual cause is an HTML page or a file sent in place of the "
     "document."},
    {"twiml_url_escaped_twice", "A URL has &amp; where & is meant",
     "Escape once: in XML &amp;, and give a library that builds XML the bare &.",
     "In the document stands &amp;amp;, so the URL that Twilio calls has &amp; in it, and the parameter "
     "behind it "
     "is called amp;name. The service finds it missing, and the signature is made over the URL with &amp;, "
     "which a proxy or framework may not reproduce. Text that was escaped and then handed to a library is "
     "the "
     "usual cause."},
    {"twiml_url_http", "A URL is not encrypted", "Write https:// (for streams wss://).",
     "Over http everybody on the way reads the caller's number and all parameters, and can answer in "
     "your place. The signature of Twilio does not help: it is made over the URL that Twilio called, "
     "so a proxy that turns http into https makes it fail as well."},
    {"twiml_url_malformed", "A URL is malformed",
     "Write https://, host and path. If a part is missing or says undefined, set the variable that it "
     "is made of.",
     "Twilio reports error 11100 for a URL that it cannot read, mostly without telling which. Causes "
     "seen: a host without https:// in front, the scheme twice, an unset variable (undefined, an empty "
     "host), a template's mark that was not replaced, blanks."},
    {"twiml_url_missing", "A <Stream> or <ConversationRelay> has no url",
     "Write url=\"wss://...\" with the address of the service.",
     "Both send the sound or the words of a call to a WebSocket of yours, and url says where it is. Without "
     "it "
     "nobody takes them, and the call goes on with the next verb or ends. An unset variable or url in "
     "another "
     "letter case is the usual cause."},
    {"twiml_url_private", "A URL points to a host that Twilio cannot reach",
     "Write the public host of the service; on a development machine use a tunnel.",
     "Twilio calls from the internet. localhost, addresses of private networks and names as .local or "
     ".internal are reached by your own machines only; the request fails with 11205 or 11210 and the "
     "call takes the fallback. On Railway the private name of a service ends with .internal."},
    {"twiml_url_relative", "A URL is relative", "Write the whole URL: https://, host and path.",
     "Twilio resolves a relative URL against that of the document, and reports error 11100 where there "
     "is none, as with TwiML in a REST request. An empty URL means this document again: a <Redirect> "
     "to it is a loop."},
    {"twiml_url_underscore", "The host of a status callback has an underscore",
     "Use a host name of letters, digits and hyphens.",
     "Host names may not have underscores, though many resolvers allow them. Twilio documents that it "
     "does not call status callbacks at such hosts. Tunnels and preview deployments make them out of "
     "branch names."},
    {"twiml_value_unknown", "A value is none of those that Twilio knows",
     "Write one of the values that are named.",
     "Some attributes take a fixed set of words: record, trim, reason, track. Twilio ignores others, "
     "reports a warning at most, and the default holds."},
    {"twiml_verb_unknown", "Twilio does not know a verb", "Correct its spelling, or remove it.",
     "Twilio leaves out verbs that it does not know and reports error 12200 as a warning: the call "
     "goes on with the next verb, or ends where there is none. <Message> is TwiML for messages and "
     "unknown to calls. If the verb is new, this program may be older than it."},
    {"twiml_verb_unreachable", "Verbs stand behind one that never comes back",
     "Move them into the document that the action answers with, or in front; or remove them.",
     "<Hangup>, <Reject> and <Redirect> never come back, and a <Dial> with an action goes on with what "
     "the action answers. So a <Say> behind it, meant for the caller whose call failed, is never "
     "heard. Without an action the verbs behind <Dial> do run."},
    {"twiml_xml_version", "The document declares another version of XML than 1.0",
     "Write <?xml version=\"1.0\" encoding=\"UTF-8\"?>, or leave the declaration out.",
     "Twilio reads XML 1.0 only and reports error 12101 for another version. Hardly any reader knows 1.1. "
     "The "
     "declaration may be left out."},
};

}  // namespace

std::span<const CatalogueEntry> twiml_entries() { return kEntries; }

}  // namespace callchain::diagnosis
