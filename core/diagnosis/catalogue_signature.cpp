/// Rows of the catalogue: the signature, its algorithm and the headers that carry it.
#include "diagnosis/catalogue_tables.hpp"

namespace callchain::diagnosis {
namespace {

constexpr CatalogueEntry kEntries[] = {
    {"algorithm_sha1", "The signature was made with HMAC-SHA1",
     "Use HMAC-SHA256: hmac.new(key, signed, hashlib.sha256) in Python, crypto.createHmac('sha256', key) "
     "in Node.",
     "Twilio and older webhooks use SHA-1, and code written for them brings it along. The value has 28 "
     "characters in base64 instead of 44, which gives it away at a glance. With --computed it is your "
     "code; with a received signature it is whatever signed the request, since OpenAI uses SHA-256. "
     "Proved when HMAC-SHA1 with the right key and text gives the signature."},
    {"algorithm_sha512", "The signature was made with HMAC-SHA512",
     "Use HMAC-SHA256: hmac.new(key, signed, hashlib.sha256) in Python, crypto.createHmac('sha256', key) "
     "in Node.",
     "A stronger-looking hash was chosen, or another vendor's recipe was followed. The value has 88 "
     "characters in base64 instead of 44, which gives it away at a glance. With --computed it is your "
     "code; with a received signature it is whatever signed the request, since OpenAI uses SHA-256. "
     "Proved when HMAC-SHA512 with the right key and text gives the signature."},
    {"algorithm_unkeyed_sha256", "The signature is a plain SHA-256, not an HMAC",
     "Use a real HMAC: hmac.new(key, signed, hashlib.sha256) in Python, crypto.createHmac('sha256', key) "
     "in Node, hmac.New(sha256.New, key) in Go.",
     "The code hashes key and text one behind the other, or the text alone; the evidence says which. The "
     "value looks right, 44 characters in base64, and never matches. It is weaker too: without a key in "
     "it anybody can make one, and with the key in front whoever sees one can make others for longer "
     "texts. It comes from home-made code, so expect to see it with --computed. Proved when the plain "
     "hash gives the signature."},
    {"header_duplicated", "A webhook header is there more than once",
     "Find out which hop adds the second: compare the headers at the edge with those at the program. "
     "Only the values that the sender wrote may reach the check.",
     "A relay that signs again, a proxy that copies headers, or a replay that sets what is there already "
     "leaves two values under one name. The SDKs do not agree on which one counts: Java takes the first, "
     "Ruby refuses two that differ, others take what their framework gives them, often both joined by a "
     "comma. The evidence names the header. The page for joined values is header_joined."},
    {"header_is_twilio", "The request is Twilio's: it carries X-Twilio-Signature",
     "Send Twilio to its own route, and check it there with TWILIO_AUTH_TOKEN: callchain verify-sig "
     "--scheme twilio --url URL --auth-token-env TWILIO_AUTH_TOKEN.",
     "Twilio signs the URL and the form parameters with HMAC-SHA1 and the account's auth token; OpenAI "
     "signs id, timestamp and body with HMAC-SHA256 and the endpoint's secret. Neither passes the "
     "other's check. A Voice URL set to the OpenAI route, or one handler for both, brings this about; an "
     "OpenAI SDK then reports a missing header, not a mismatch. Seen from the headers, so it is a hint."},
    {"header_joined", "Two values of a webhook header were joined by a comma",
     "Read the values one by one, e.g. req.headersDistinct['webhook-id'] in Node or r.Header.Values in "
     "Go, and find out who sends two.",
     "HTTP allows a list of values to be joined by a comma, and many frameworks do it when a name occurs "
     "twice. For webhook-id and webhook-timestamp that makes a text which nobody signed: a mismatch in "
     "the first case, 'Invalid webhook timestamp format' in the second. For webhook-signature see "
     "signature_joined_by_comma. Proved when one of the values reproduces the signature."},
    {"header_missing", "A header needed for the check is not there",
     "Let the proxy or gateway in front pass webhook-id, webhook-timestamp and webhook-signature on, or "
     "X-Twilio-Signature. If the request has none of them, it is neither OpenAI's nor Twilio's: answer "
     "400 or 401 and look at who sends it.",
     "A list of allowed headers in a proxy, gateway or CORS layer drops unknown names; health checks, "
     "scanners and a browser never have them. The SDKs say so in words of their own, 'Could not find "
     "webhook-signature header' in Python and 'Missing required header: webhook-signature' in Node, so "
     "this never shows as a mismatch. The evidence names what is missing. Frameworks may also rename "
     "headers; then the finding is header_renamed."},
    {"header_not_openai", "The request does not look like one by OpenAI",
     "Find out who sends it: compare User-Agent and the path with the list of deliveries in the OpenAI "
     "dashboard. Leave the check as it is; refusing this request may be right.",
     "Deliveries by OpenAI come with a User-Agent that begins with OpenAI/1.0 and with application/json. "
     "A health check, a scanner, your own test script or a relay has another one. A relay may also sign "
     "afresh, with its own secret. The header can be forged and may change, so this is a hint and never "
     "a reason to accept or to refuse anything."},
    {"header_renamed", "A webhook header arrives under another name",
     "Look it up as the framework spells it: request.META['HTTP_WEBHOOK_ID'] in Django and other "
     "CGI-style servers, or request.headers['webhook-id'], which ignores case. Keep hyphens, since nginx "
     "drops names with underscores.",
     "CGI, WSGI and Rack write webhook-id as HTTP_WEBHOOK_ID; other layers change hyphens to underscores "
     "or capitals to small letters. HTTP ignores the case of names, plain dictionaries do not: the PHP "
     "and Ruby libraries of standard-webhooks want lower case, the OpenAI SDK for Ruby takes Rack's "
     "names as they are. Where the look-up fails, the SDKs report a missing header, not a mismatch. The "
     "values are usually unharmed, so the signature can be checked all the same."},
    {"header_svix", "The headers are named svix-id, svix-timestamp and svix-signature",
     "Check with the secret of the service that sends them, not with OpenAI's. If the relay is not "
     "wanted, enter this server's URL at OpenAI directly.",
     "These are the names that Svix uses for the same scheme. OpenAI sends webhook-...; so a relay or "
     "another product is the sender, and it signs with its own secret. OpenAI's SDKs look for "
     "webhook-... only and report a missing header; Svix's libraries read both. callchain reads both "
     "too, and the signature tells whose secret it was: give the relay's with --secret-env relay=NAME."},
    {"signature_base64url", "The signature has '-' and '_' where base64 has '+' and '/'",
     "Encode with the standard alphabet: base64.b64encode in Python, digest('base64') in Node, "
     "base64.StdEncoding in Go.",
     "The URL-safe alphabet was used for making the signature, or a layer changed the header to it. "
     "About three signatures in four have one of these characters, so one in four passes by luck. The "
     "Node SDK compares bytes and accepts either alphabet; the others compare the text and report a "
     "mismatch. Proved when the same bytes in standard base64 are the right signature."},
    {"signature_case_folded", "The letters of the signature changed their case",
     "Leave the value of the header as it came; lower-case the names of headers only.",
     "A proxy, a logger or a helper that normalises headers folded the value along with the name. Base64 "
     "tells A from a, so the signature is destroyed and the SDKs report a mismatch. It is noticed when "
     "all letters have one case, and confirmed when the right signature differs in case alone. That is "
     "not equality byte for byte and therefore a hint, though chance cannot explain it."},
    {"signature_ed25519_only", "The header has only v1a signatures, which are ed25519",
     "Have the sender sign with v1 (a whsec_ secret), or check v1a with the sender's public key "
     "(whpk_...) in a library that knows it.",
     "Standard Webhooks knows two kinds of signature: v1 is HMAC-SHA256 with a shared secret, v1a is "
     "ed25519 with a key pair. No secret of the whsec_ kind can confirm a v1a value, whatever the body. "
     "No OpenAI delivery has been seen to use it, so look at who sends this. The OpenAI SDKs report a "
     "mismatch; the standard-webhooks libraries skip such parts and find none that fits. callchain names "
     "the kind and does not verify it."},
    {"signature_hex", "The signature is in hex instead of base64",
     "Encode the digest in base64: base64.b64encode(mac.digest()) in Python, digest('base64') in Node, "
     "base64.StdEncoding.EncodeToString(mac.Sum(nil)) in Go.",
     "hexdigest() and digest('hex') are what most examples for other vendors show. The value has 64 "
     "digits from 0 to f instead of 44 characters; the bytes are the same. With --computed it is your "
     "code; with a received signature it is whatever signed the request. The SDKs report a mismatch. "
     "Proved when the digits are the right signature's bytes."},
    {"signature_joined_by_comma", "Several signatures were joined by commas instead of blanks",
     "Let the header pass unchanged. If two header lines have to be joined, join them by a blank.",
     "During a rotation the header has two signatures with a blank between them. A proxy or framework "
     "that sees two header lines joins them by a comma, although the comma belongs to v1 and its value. "
     "Most SDKs then read the first value with a comma at its end, or both as one, and refuse a delivery "
     "that is right. Proved when one of the parts, split at the comma, is the right signature."},
    {"signature_malformed", "The signature has a form that no sender writes",
     "Give the header's value whole and unchanged: v1, and 44 characters that end in '=' for OpenAI, 28 "
     "such characters for Twilio. If your code made it, encode the digest in base64.",
     "OpenAI's v1 signatures are 32 bytes, which is 44 characters of base64; Twilio's are 20 bytes and "
     "28 characters. A value of another length or with other characters cannot match any secret: it was "
     "cut, decoded, masked, or made by another algorithm. The SDKs do not tell this apart from a wrong "
     "signature and report a mismatch. It is seen from the form alone; other findings say what may have "
     "happened."},
    {"signature_mismatch", "The signature does not match",
     "Make sure that the secret of the endpoint that sent this delivery is among the given ones, and "
     "record the raw body with its headers at the socket. Then run callchain verify-sig --request on the "
     "next delivery.",
     "This is the bare fact and states no cause; it is what every SDK says and where all of them stop. "
     "When verify-sig has nothing else to say, it has tried each given secret with each alteration of "
     "the catalogue, within the limits and in the number that it reports. What is left is mostly a "
     "secret that was not given: that of another endpoint or project, or one that was rotated. Otherwise "
     "the body has lost something that cannot be computed back. If the secret is in doubt, rotate it at "
     "this endpoint with the 24-hour overlap, set it here, deploy, and send a test event."},
    {"signature_padding_lost", "The '=' at the end of the signature is missing",
     "Keep the whole value; split the header at blanks and at the first comma, and not at '='.",
     "A parser for name=value pairs, a log or a narrow column dropped the '='. The Node SDK compares "
     "bytes and accepts the value without it; the others compare the text and report a mismatch. Proved "
     "when the value with '=' is the right signature."},
    {"signature_percent_encoded", "The signature is percent-encoded (%2B, %2F, %3D)",
     "Decode it before the check, or send it in a header instead of a URL.",
     "The header's value travelled through a query string, a form or a log of URLs. '+', '/' and '=' "
     "became %2B, %2F and %3D, and the comma after v1 perhaps %2C. The SDKs report a mismatch. Proved "
     "when the decoded value is the right signature."},
    {"signature_plus_lost", "A '+' of the signature became a blank",
     "Encode '+' as %2B where the value has to travel in a form or URL; in headers leave it as it is.",
     "In web forms and query strings a bare '+' means a blank. In this header blanks separate "
     "signatures, so one signature falls into two pieces, neither of which fits, and the SDKs report a "
     "mismatch. Every second signature has a '+', so it comes and goes. Proved when the pieces joined by "
     "'+' are the right signature."},
    {"signature_quoted", "There are quotes around the signature",
     "Take them off; they come from a log or a printed structure, not from the header.",
     "The value was copied from JSON or from a printed object, or code passes the header through a JSON "
     "encoder. With a quote in front, the part does not begin with v1, any more, and the text comparison "
     "of the SDKs fails with a mismatch. Proved when the value without the quotes is the right signature."},
    {"signature_scheme_name", "The signature is introduced by v1= or sha256= instead of v1,",
     "Write v1, and the base64 text in webhook-signature; when you read it, split each part at its first "
     "comma.",
     "Stripe writes v1=, GitHub sha256=, and code made for one of them does the same here. Standard "
     "Webhooks has a comma after the version. The OpenAI SDKs take a part without v1, as a bare "
     "signature, name and all, and report a mismatch; the standard-webhooks libraries skip it or refuse "
     "the header. Proved when the value behind the name is the right signature."},
    {"signature_too_many_parts", "The signature header has more than 32 parts",
     "Look at who sends it: a real header has one signature, or two during a rotation.",
     "Each part has to be compared, so a header of thousands is a way to keep a server busy. callchain "
     "looks at the first 32 parts and leaves the rest; a match among those still counts. Recent versions "
     "of the Node SDK bound the work above 32 as well; the others have no limit. Nothing is recomputed "
     "for this remark."},
    {"signature_truncated", "The signature is cut",
     "Take the whole value from the request, or log all of its 44 characters; a signature is no secret.",
     "Logs and dashboards shorten long values, sometimes with an ellipsis. What is left is compared with "
     "the beginning of the right signature. 20 equal characters are 120 bits, which do not agree by "
     "chance: proved means that every character that is left was reproduced, so secret and body are "
     "right and the copy of the header is not. With less left over it is a hint that says nothing. The "
     "SDKs report a mismatch for a cut value."},
    {"signature_version_missing", "The version v1, in front of the signature is missing",
     "Write v1, in front of the base64 text when you sign. When you read the header, keep each part "
     "whole.",
     "Code that splits at the comma and keeps the second half, or a signer that forgets the version, "
     "leaves a bare value. The OpenAI SDKs accept it as it is; the standard-webhooks and Svix libraries "
     "skip a part without v1, and find no matching signature. So it passes in one and fails in the "
     "other. The signature itself can be checked, and where it is right this is a remark and no fault."},
};

}  // namespace

std::span<const CatalogueEntry> signature_entries() { return kEntries; }

}  // namespace callchain::diagnosis
