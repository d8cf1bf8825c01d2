/// Rows of the catalogue: how a receiver of webhooks answers deliveries that are good and bad.
#include "diagnosis/catalogue_tables.hpp"

namespace callchain::diagnosis {
namespace {

constexpr CatalogueEntry kEntries[] = {
    {"receiver_accepts_altered_body", "The receiver accepts a body whose bytes are not those signed",
     "Check the signature over the raw bytes of the request, before anything decodes, parses or trims them.",
     "A body was altered after signing in a way that the catalogue knows, named under cause, and the "
     "receiver "
     "answered 2xx. Either nothing is checked, or what is checked is a text that was made from the body: "
     "decoded, "
     "trimmed, parsed and written again. The second kind works until a body comes that does not survive the "
     "detour, and then it refuses a genuine delivery. If many causes are accepted it is the first kind."},
    {"receiver_accepts_bad_timestamp", "The receiver accepts a timestamp that is no number",
     "Refuse with 400 or 401 unless webhook-timestamp consists of digits alone, before it is compared with "
     "the "
     "clock.",
     "The delivery was rightly signed over a timestamp that is a word. In JavaScript such a text becomes "
     "NaN, which "
     "is neither smaller nor greater than any limit, so a check of the age that is written as two "
     "comparisons lets "
     "it pass; other languages read 0. No stranger can make use of it alone, since the timestamp is signed, "
     "but it "
     "shows that the age is not really checked. The libraries of OpenAI and of Standard Webhooks refuse it."},
    {"receiver_accepts_cut_signature", "The receiver accepts the beginning of a signature",
     "Compare the whole signature, in constant time, and refuse one of another length: "
     "crypto.timingSafeEqual, "
     "hmac.compare_digest, hash_equals or the SDK's own function.",
     "Only the first 20 characters of the right signature were sent, and the receiver answered 2xx. A "
     "comparison "
     "that goes as far as the shorter text, or a test with startsWith, does so. With it a stranger needs to "
     "guess "
     "one character only, and then may send any event. If the receiver accepts every other bad delivery as "
     "well, "
     "it compares nothing at all."},
    {"receiver_accepts_everything", "The receiver answers 2xx to whatever is sent to it",
     "Answer 401 as soon as the check of the signature fails, and return from the handler there. Then run "
     "the "
     "matrix again: a good delivery must get 2xx, a bad one 4xx.",
     "Every bad delivery got a 2xx, even one that was signed with a secret that nobody has. There are two "
     "ways to "
     "that. Either nothing is checked, often since a variable that switches the check off was never removed. "
     "Or "
     "the check is there, logs that the signature does not match, and the handler answers 200 all the same: "
     "this "
     "is how the older service of this project failed. The sender takes 200 as delivered, so its log looks "
     "green, "
     "it never tries again, and the event is lost without a trace at its side. In both cases what the "
     "receiver "
     "answers says nothing about the secret that it holds."},
    {"receiver_accepts_future", "The receiver accepts a timestamp far ahead of its clock",
     "Refuse a webhook-timestamp that is more than 300 seconds ahead of the clock as well as one that is too "
     "old. "
     "If the check is there, set the clock (NTP).",
     "The delivery was rightly signed, with a timestamp that lies further ahead than any clock of a sender "
     "should "
     "be off. A check on one side only does this, and so does a clock that runs ahead. What is dated ahead "
     "stays "
     "good for that much longer. OpenAI's SDKs accept 300 seconds on either side."},
    {"receiver_accepts_missing_header", "The receiver accepts a delivery without a header of the signature",
     "Refuse with 400 or 401 where webhook-id, webhook-timestamp or webhook-signature is missing or empty.",
     "A header that the check needs was left out or empty, and the receiver answered 2xx. As a rule the "
     "check "
     "stands in an if that asks whether the header is there, or an exception for the missing one is caught "
     "too "
     "widely. Then a stranger leaves the header out and needs no secret. The case tells which header it "
     "was."},
    {"receiver_accepts_other_version", "The receiver accepts a signature marked as another version's",
     "Take only what stands behind v1, in webhook-signature, and pass over parts of other versions.",
     "The header had the right value, marked v1a instead of v1, and the receiver answered 2xx. It takes what "
     "stands "
     "behind the last comma, or cuts off a fixed number of characters. v1a stands for a scheme with public "
     "keys, "
     "whose values mean something else. Nobody gets in by that alone, since the value is right; it becomes a "
     "hole "
     "when a version comes that is weaker."},
    {"receiver_accepts_reserialized_body", "The receiver accepts a body that was parsed and written again",
     "Take the raw body: express.raw, request.get_data(), await request.body(), php://input. Check the "
     "signature "
     "over these bytes and parse behind it.",
     "The body was signed as it is and sent as another program would write the same document, and the "
     "receiver "
     "answered 2xx. Either it checks nothing, or it parses the body and signs a text that it wrote itself, "
     "which "
     "here happens to equal the original. That breaks with the first body that its own writer writes "
     "otherwise: "
     "other blanks, an escape, a number such as 1.0. Then a genuine delivery is refused, and the cause is "
     "hard to "
     "see."},
    {"receiver_accepts_stale", "The receiver accepts a delivery that is too old",
     "Refuse a webhook-timestamp that is more than 300 seconds away from the clock, after the signature was "
     "checked, and remember the webhook-ids of that time.",
     "The delivery was rightly signed, with a timestamp of the past beyond every usual tolerance, and the "
     "receiver "
     "answered 2xx. Whoever gets hold of one delivery, from a log for instance, can send it again at any "
     "time. "
     "OpenAI signs every retry anew, so no genuine delivery is that old. If the tolerance of the receiver is "
     "larger on purpose, run the matrix with an age beyond it."},
    {"receiver_accepts_tampered_body", "The receiver accepts a body that was changed after signing",
     "Check the signature over the raw bytes of the body, and answer 401 where it does not match. Look for a "
     "handler that logs the failure and answers 200.",
     "One character of the body was changed after signing, everything else was right, and the receiver "
     "answered "
     "2xx. It does not check the signature, does not check it over the body, or checks it and answers 200 "
     "whatever "
     "came out: the last is how the older service of this project failed. The sender takes 200 as delivered, "
     "so "
     "its log looks green and it never tries again. And anybody who can change a delivery on its way, or "
     "finds the "
     "address, decides what the receiver acts upon."},
    {"receiver_accepts_wrong_id", "The receiver accepts a webhook-id that was changed after signing",
     "Sign id, timestamp and body, joined by full stops, with the id as it stands in the header.",
     "Another webhook-id was put in after signing, and the receiver answered 2xx. The id is not part of what "
     "it "
     "signs, or it takes another value for it, such as the id of the event in the body. The webhook-id is "
     "what "
     "duplicates are known by: a recorded delivery can then be sent again under a new one and acts twice."},
    {"receiver_accepts_wrong_secret", "The receiver accepts what was signed with a secret that nobody has",
     "Check the signature with the secret of the endpoint, and answer 401 where it does not match. Look for "
     "a "
     "handler that logs the failure and answers 200, and for a switch that turns the check off.",
     "The delivery was signed with a key that was made up for this one test, and the receiver answered 2xx. "
     "So it "
     "does not check, or it checks and answers 200 all the same, or its own secret is empty and it then "
     "takes "
     "anything. The sender takes 200 as delivered: its log looks green, it never tries again, and a wrong "
     "secret "
     "goes unnoticed. Anybody who finds the address can send it events, such as calls that are not calls."},
    {"receiver_accepts_wrong_timestamp", "The receiver accepts a timestamp that was changed after signing",
     "Sign id, timestamp and body, joined by full stops, with the timestamp as it stands in the header.",
     "webhook-timestamp was moved by one second after signing, and the receiver answered 2xx. The timestamp "
     "is not "
     "part of what it signs, or it takes another one, such as created_at of the body. Then the age that it "
     "checks "
     "is whatever the sender of the moment writes: a recorded delivery with a fresh timestamp is accepted "
     "for "
     "ever."},
    {"receiver_fails", "The receiver breaks: it answers 5xx",
     "Look into the receiver's log at that time. A delivery that cannot be checked or read is to be refused "
     "with "
     "400 or 401; what comes after the check should not decide the answer.",
     "An answer of 500 and above says neither yes nor no. Bad deliveries lead to it where the check throws "
     "and "
     "nobody catches: a missing header, a timestamp that is no number, a signature of another length (Node's "
     "timingSafeEqual throws). Good ones lead to it where the handler does its work before it answers, such "
     "as "
     "accepting a call that, here, does not exist. OpenAI tries again for up to 72 hours, and a call is gone "
     "long "
     "before. 502, 503 and 504 come from a proxy as a rule, whose receiver does not run or took too long."},
    {"receiver_garbled", "The receiver answers with a status that is none",
     "Look at what listens at this address: it may be no web server, or a proxy that passes on something "
     "broken.",
     "The status was below 200 or above 599. A status of the 100s is no final answer, and above 599 HTTP has "
     "none. "
     "The sender takes both as a failure and tries again. It says nothing about the signature or the "
     "secret."},
    {"receiver_rate_limited", "The receiver answers 429: it limits the rate of requests",
     "Run the matrix again with more time between the deliveries, or let the limit of the receiver pass "
     "requests of "
     "this test.",
     "429 says that too many requests came, and nothing about this delivery: whether it would have been "
     "accepted "
     "stays open. A limit that counts by address is met by a test that sends some dozen deliveries in a row. "
     "If "
     "OpenAI gets this answer it tries again later, which for a call is too late, so a limit for webhooks "
     "should "
     "be generous or stand behind the check of the signature."},
    {"receiver_redirects", "The receiver redirects, which OpenAI does not follow",
     "Register the address that answers by itself: https instead of http, with or without www, with or "
     "without the "
     "slash at the end.",
     "The receiver answered 3xx with another place. Browsers and curl -L follow, so it works when tried by "
     "hand, but "
     "a sender of webhooks takes it as a failure: no delivery arrives. The usual causes are a redirect from "
     "http to "
     "https, a custom domain, a framework that adds or takes the slash at the end, and a login page in "
     "front."},
    {"receiver_refuses_compact_body", "The receiver refuses a body that is written without blanks",
     "Check the signature over the raw bytes of the body, before any JSON parser or character set sees them.",
     "The body was that of the good delivery as JSON.stringify writes it, without blanks and with characters "
     "beyond "
     "ASCII as they are, rightly signed. OpenAI writes its deliveries with blanks today, and promises "
     "nothing. A "
     "receiver that writes the JSON anew in that manner before it checks, as Python's json.dumps does, works "
     "until "
     "one name comes whose characters it escapes otherwise."},
    {"receiver_refuses_duplicate", "The receiver refuses a delivery that it has had before",
     "Answer a known webhook-id with 200, or with the answer that the first one got, and do nothing else.",
     "The very same delivery was sent twice; the first was accepted, the second was not. OpenAI delivers at "
     "least "
     "once: where an answer got lost on the way, it delivers again under the same webhook-id. A receiver "
     "that "
     "refuses the second one makes the sender try on for up to 72 hours, and its log fills with failures of "
     "a "
     "delivery that was handled long ago. If the first one was refused as well, the cause is another."},
    {"receiver_refuses_everything", "The receiver refuses whatever is sent to it",
     "Find out first why it refuses a good delivery: path, secret, clock, body, in this order. Then run the "
     "matrix "
     "again.",
     "Good and bad deliveries got a 4xx alike, so that it refuses the bad ones proves nothing: it may refuse "
     "for a "
     "reason that has nothing to do with them. 404 and 405 mean that the path is wrong. 401 and 403 with "
     "every "
     "delivery mean that it holds another secret than was given here, that its clock is more than 300 "
     "seconds off, "
     "that something in front of it alters the body, or that a login or firewall answers in its place. Which "
     "of "
     "these it is stays a hint: callchain verify-sig tells it for a delivery that the receiver recorded."},
    {"receiver_refuses_header_case", "The receiver refuses header names in capitals",
     "Look headers up through the framework's request object, or without regard to case.",
     "The three headers were named in capitals, and the receiver refused. Names of headers are equal without "
     "regard "
     "to case; HTTP/2 writes them small, some proxies and servers write them otherwise. A receiver that "
     "copies the "
     "headers into an ordinary map and asks for webhook-id in small letters works until something in front "
     "of it "
     "changes. Libraries of Standard Webhooks for PHP and Ruby ask like that."},
    {"receiver_refuses_large_body", "The receiver refuses a large body, and not for its size",
     "Let the limit for bodies be 1 MiB, or answer 413 to what is above it, before anything else is said of "
     "it.",
     "A rightly signed body of 1,048,576 bytes was refused with another status than 413. OpenAI's events are "
     "below "
     "20 kB, so a smaller limit does no harm as long as the answer names it. Where the answer is 400 or 401, "
     "the "
     "body was cut at the limit and what is left was checked: that looks like a wrong secret in the log. It "
     "may "
     "also be that members which are not known are refused, which will hurt when OpenAI adds one."},
    {"receiver_refuses_rotation", "The receiver refuses a delivery that has two signatures",
     "Split webhook-signature at blanks and accept the delivery if any part that begins with v1, matches.",
     "When a secret is rotated, and the old one is to stay good for a day, every delivery is signed with "
     "both, the "
     "two in one header with a blank between. The receiver looks at the first or the last one only, or takes "
     "the "
     "header as a whole. It works until somebody rotates the secret, and then every delivery is refused. If "
     "it "
     "refuses a delivery with one signature as well, the cause is another."},
    {"receiver_refuses_unknown_type", "The receiver refuses an event of a type that it does not know",
     "Answer 200 to every delivery whose signature is right, and ignore types that are not yours.",
     "The event was rightly signed, with a type that nobody knows. OpenAI adds types, and an endpoint can be "
     "subscribed to more than its receiver handles. A refusal makes the sender try again for up to 72 hours "
     "with "
     "something that will never succeed. A strict model or a switch without a default does this."},
    {"receiver_refuses_utf8_body", "The receiver refuses a body with characters beyond ASCII",
     "Check the signature over the raw bytes of the body, before they become a text, and ignore members that "
     "are "
     "not known.",
     "The body had a member note with accents, Japanese and an emoji in UTF-8, rightly signed. A receiver "
     "that "
     "decodes the body in another character set, or writes it again with escapes, signs other bytes. Names "
     "of "
     "callers bring such characters along, so it fails with some callers and not with others. It may also be "
     "that "
     "it refuses members which it does not know; then unknown members of OpenAI's will break it, too."},
    {"receiver_refuses_valid", "The receiver refuses a delivery that is rightly signed",
     "Go through path, secret, clock and body in this order. Record the delivery at the receiver and let "
     "callchain "
     "verify-sig tell why its signature does not match.",
     "A delivery as OpenAI sends it was answered with 4xx. 404 and 405 mean that the path of the URL is "
     "wrong. "
     "Otherwise the receiver holds another secret than was given here (every endpoint has one of its own), "
     "its "
     "clock is more than 300 seconds off, something in front of it alters the body, or it checks something "
     "else "
     "than the bytes that it received. Which it is stays a hint: the answer does not tell. As long as it "
     "refuses a "
     "good delivery, its refusals of bad ones say little."},
    {"receiver_reserializes_body", "The receiver checks a body that it has written anew",
     "Check the signature over the raw bytes, before any JSON parser sees them: express.raw() on the route, "
     "request.get_data() in Flask, await request.text() in route handlers.",
     "The receiver refused a delivery as OpenAI writes it, and accepted the same event without blanks behind "
     "commas and colons. So it parses the body into an object, writes that as JSON again, and computes the "
     "signature over what came out. OpenAI's deliveries have those blanks, so each of them fails with a "
     "signature that does not match, while a test that signs JSON.stringify's output passes. The commonest "
     "form "
     "is express.json() in front of a handler that hands JSON.stringify(req.body) to the check."},
    {"receiver_secrets_differ", "The two receivers hold different secrets",
     "Look up which endpoint each receiver belongs to, and give it the secret of that endpoint. Deploy again "
     "afterwards: a running process keeps what it started with.",
     "Deliveries that differ in nothing but the secret that signed them were sent to both, and each receiver "
     "accepts another one. Since both accept something, their clocks and bodies are in order. At OpenAI a "
     "secret "
     "belongs to an endpoint and not to a project: two endpoints, local and deployed, have two, and a "
     "delivery is "
     "signed with that of the endpoint it goes to. Copying the secret of one receiver to the other is "
     "therefore "
     "what breaks it. During a rotation one of them may hold the old secret and the other the new one."},
    {"receiver_silent", "The receiver gives no answer",
     "See that it runs, listens at this address and port, and can be reached from here. If it took the "
     "request and "
     "did not answer, answer first and work afterwards.",
     "No connection came about, or no answer within the time. The evidence names which: a refused connection "
     "means "
     "that nothing listens there, a failed TLS handshake that certificate or name do not fit, a timeout that "
     "a "
     "firewall swallows or that the receiver works for too long before it answers. OpenAI takes it as a "
     "failure and "
     "tries again; how long it waits is not documented, 5 seconds are a good bound."},
};

}  // namespace

std::span<const CatalogueEntry> receiver_entries() { return kEntries; }

}  // namespace callchain::diagnosis
