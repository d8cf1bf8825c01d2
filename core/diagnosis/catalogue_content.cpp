/// Rows of the catalogue: what was signed, in which order, and the two headers that go into it.
#include "diagnosis/catalogue_tables.hpp"

namespace callchain::diagnosis {
namespace {

constexpr CatalogueEntry kEntries[] = {
    {"content_body_only", "Only the body was signed, without id and timestamp",
     "Sign webhook-id + '.' + webhook-timestamp + '.' + body, with the header texts as they came. An SDK "
     "does it for you: client.webhooks.unwrap(body, headers).",
     "GitHub, Shopify and many others sign the body alone, and code written for them does the same here. "
     "With --computed this is how your code made its value; with a received signature it is how a test "
     "script or relay signed, since OpenAI signs all three parts. Verifiers see a plain mismatch. "
     "Without id and timestamp in the signature an old delivery can be sent again at any time. Proved "
     "when the body alone reproduces the signature."},
    {"content_empty_id", "The signed text has an empty id in front of its first dot",
     "Read the header under its own name, webhook-id (in Python WSGI: HTTP_WEBHOOK_ID), and refuse the "
     "request if it is missing or empty.",
     "The signature was made over '.', the timestamp, '.' and the body. A look-up that returns an empty "
     "text for a missing header does this, and so do the Python, Ruby and Java SDKs when webhook-id is "
     "there but empty; Go refuses that case, and Node leaves the dot out as well. The rest is right, so "
     "nothing but a mismatch is reported. Proved when the form with the empty id reproduces the "
     "signature."},
    {"content_no_id", "The webhook-id is missing from the signed text",
     "Put the webhook-id and a dot in front: id + '.' + timestamp + '.' + body.",
     "Timestamp, dot and body is the form that Stripe signs, and verifiers modelled on Stripe's use it "
     "here. The Node SDK falls back to it when webhook-id is present but empty. With --computed this is "
     "your code; with a received signature it is whatever signed the request, since OpenAI always "
     "includes the id. The SDKs report a plain mismatch. Proved when this form reproduces the signature."},
    {"content_no_timestamp", "The timestamp is missing from the signed text",
     "Put the text of the webhook-timestamp header between id and body: id + '.' + timestamp + '.' + "
     "body.",
     "The signature was made over id, dot and body. It is a slip of home-made signers and verifiers, so "
     "expect to see it with --computed or from a test script; OpenAI always includes the timestamp. "
     "Without it a recorded delivery would stay valid for ever. Proved when this form reproduces the "
     "signature."},
    {"content_separator", "The parts of the signed text are not joined by dots",
     "Join with single dots and nothing else: id + '.' + timestamp + '.' + body.",
     "The three parts are right and in the right order, but joined by nothing, a colon, a pipe, a blank "
     "or a line feed, say; the evidence names it. Slack joins with colons, for one, and code written for "
     "it carries the habit along. The SDKs on the other side see a plain mismatch. Proved when the parts "
     "with that separator reproduce the signature."},
    {"content_timestamp_first", "The timestamp stands before the id in the signed text",
     "Swap the two: id first, then timestamp, then body, joined by dots.",
     "The signature was made over timestamp, id and body. Two variables in the wrong order do it, in a "
     "home-made signer or verifier. If the two header values themselves are exchanged, which signs the "
     "same text, the code is id_timestamp_swapped. Proved when this order reproduces the signature."},
    {"content_trailing_byte", "There is a byte more behind the signed text",
     "End the signed text with the last byte of the body: no dot and no line feed behind it.",
     "A join that adds its separator after the last part as well, or a print that adds a line end, "
     "leaves a dot or a line feed behind the body. The body itself is intact, so comparing bodies shows "
     "nothing. If the body as recorded has the extra byte, see body_trailing_newline_added instead. "
     "Proved when the text with that byte reproduces the signature."},
    {"id_case_changed", "The letters of the webhook-id changed their case",
     "Use the header's value as it came; lower-case the names of headers only, never their values.",
     "A proxy, a logger or a helper that normalises headers folded the value along with the name. The id "
     "is part of the signed text, so every letter counts, and the SDKs report a plain mismatch. Proved "
     "when the id in the other case reproduces the signature."},
    {"id_is_call_id", "The call id stands where the webhook-id belongs",
     "Sign with the webhook-id header (wh_...); keep data.call_id (rtc_...) for the calls endpoints.",
     "A call event carries three ids: webhook-id in the header names the delivery, id in the body the "
     "event, data.call_id the call. A verifier that was given the call id computes a value that fits "
     "nothing, and only a mismatch is reported. Proved when the signature fits with the call id in that "
     "place, most often with --computed; a hint when the given id merely equals the body's call id."},
    {"id_is_event_id", "The event's id from the body stands where the webhook-id belongs",
     "Sign with the header webhook-id (wh_...), not with the member id of the body (evt_...).",
     "The header names the delivery, the member in the body names the event, and the two differ in every "
     "delivery seen so far. Mixing them up is easy in a log, where both are called id. A verifier that "
     "was given the event's id reports only a mismatch. Proved when the signature fits with the event's "
     "id in that place, most often with --computed; a hint when the given id merely equals the body's."},
    {"id_of_other_delivery", "The id belongs to another delivery than the body and signature",
     "Take id, timestamp, signature and body from one and the same request. Log them in one line, so "
     "that they cannot be mixed up.",
     "In a log with several deliveries the lines of two requests stand between each other, and a "
     "hand-made capture takes the id of one and the body of another. Variables shared between threads or "
     "requests do the same in a server, and then it comes and goes with the load. Proved when the id of "
     "another of the given deliveries reproduces the signature."},
    {"id_quoted", "There are quotes around the webhook-id",
     "Take the quotes off; they come from a log or a printed structure, not from the header.",
     "The value was copied from JSON or from a printed Python or Ruby object, or code passes the header "
     "through a JSON encoder before signing. The quotes become part of the signed text, and only a "
     "mismatch is reported. Proved when the id without them reproduces the signature."},
    {"id_timestamp_swapped", "The values of webhook-id and webhook-timestamp are exchanged",
     "Give the wh_... value as the id and the ten digits as the timestamp.",
     "The id holds a number of seconds and the timestamp holds an id. On a command line or in a function "
     "call two arguments changed places; in a server two header look-ups did. Most SDKs say 'Invalid "
     "webhook timestamp format' in that case and never get to the signature. Proved when the values in "
     "their right places reproduce the signature."},
    {"id_whitespace", "There are blanks around or inside the webhook-id",
     "Trim the value once, where the header is read, and use that same value for signing.",
     "HTTP takes the blanks around a header's value off, so a server never sees them. They come from "
     "captures that were edited by hand, from logs, or from a value that was wrapped over two lines. The "
     "blank becomes part of the signed text, and only a mismatch is reported. Proved when the id without "
     "it reproduces the signature."},
    {"timestamp_float", "The timestamp has a fraction on one side and not on the other",
     "Keep the header's text and sign that; convert a copy to a number only to judge its age.",
     "The header has whole seconds, such as 1750861210. Parsing it as a floating-point number and "
     "printing it again gives 1750861210.0, which is another text. Of the readers, Python, Go and Java "
     "refuse a fraction as 'Invalid webhook timestamp format' or the like, while Node accepts it and "
     "goes on to the signature. Proved when the other way of writing it reproduces the signature."},
    {"timestamp_is_created_at", "The event's created_at stands where the webhook-timestamp belongs",
     "Sign with the header webhook-timestamp; created_at in the body says when the event happened, not "
     "when it was sent.",
     "On the first attempt the two are often the same second, so code that uses created_at works until "
     "the first slow delivery or retry, and then fails with a plain mismatch. The header is made anew "
     "for every attempt. Proved when the signature fits with created_at in that place."},
    {"timestamp_iso8601", "The timestamp is a date and time on one side, a number on the other",
     "Sign the header's text, a number of seconds since 1970; do not sign a parsed or formatted date.",
     "The header was turned into a date and printed as 2025-06-25T14:20:10Z or the like before it was "
     "signed, or the log from which it was copied shows it so. The SDKs refuse a date in the header with "
     "'Invalid webhook timestamp format'. With --computed it is your code that formats the date. Proved "
     "when the other way of writing it reproduces the signature."},
    {"timestamp_malformed", "The timestamp is not a whole number of seconds",
     "Give the digits of the webhook-timestamp header and nothing else. If a recorder cut or changed the "
     "header, take the value from where it was received.",
     "The header is a decimal number of seconds since 1970. Python, Node and Java answer with 'Invalid "
     "webhook timestamp format', Go in words of its own, and Ruby reads garbage as 0 and says that it is "
     "too old. Node lets a number with something behind it pass and then checks the signature over the "
     "whole text. Age cannot be judged without the number. This states what was read; nothing is "
     "recomputed for it."},
    {"timestamp_microseconds", "The timestamp is in microseconds on one side, in seconds on the other",
     "Sign the header's text as it came, in seconds; if you make the timestamp yourself, use "
     "int(time.time()).",
     "Sixteen digits instead of ten: a clock that counts microseconds was used to sign or to fill the "
     "header. If the header has them, the SDKs say 'Webhook timestamp is too new', because they read the "
     "number as seconds. With --computed it is your code that converts. Proved when the other unit "
     "reproduces the signature."},
    {"timestamp_milliseconds", "The timestamp is in milliseconds on one side, in seconds on the other",
     "Sign the header's text as it came, in seconds; if you make the timestamp yourself in JavaScript, "
     "use Math.floor(Date.now() / 1000).",
     "Thirteen digits instead of ten: JavaScript's Date.now() and Java's currentTimeMillis() count "
     "milliseconds. If the header has them, the SDKs say 'Webhook timestamp is too new', because they "
     "read the number as seconds. With --computed it is your code that converts before signing. Proved "
     "when the other unit reproduces the signature."},
    {"timestamp_rerendered", "The timestamp was read as a number and written anew before signing",
     "Sign the header's text, byte by byte; parse a copy of it to judge its age.",
     "01750861210, +1750861210 and 1750861210 are one number and three texts. The OpenAI SDKs sign the "
     "header's text; the standard-webhooks and Svix libraries print the parsed number again, so a header "
     "with a leading zero or plus passes in one and fails in the other. Senders write plain digits, so "
     "look for whoever changed the header on the way. Proved when the number in its other form "
     "reproduces the signature."},
    {"timestamp_too_new", "The timestamp lies too far in the future",
     "Compare the clock of this host with another one (date -u; the Date header of any HTTPS answer) and "
     "set it by NTP. Leave the tolerance as it is.",
     "The SDKs allow 300 seconds either way and look at the time before the signature: 'Webhook "
     "timestamp is too new' means that the clock here is slow, or that the header is not in seconds. "
     "Exactly 300 seconds still pass. callchain judges the signature apart from the time, so if it says "
     "that the MAC matches, secret and body are right and only the clock is left."},
    {"timestamp_too_old", "The timestamp is older than the tolerance",
     "For a capture, judge the signature at its own time with --now, or sign it afresh with callchain "
     "sign-webhook. If it happens live, compare this host's clock with another one and look at how long "
     "requests wait in queues.",
     "The SDKs allow 300 seconds either way and look at the time before the signature, so 'Webhook "
     "timestamp is too old' says nothing about the secret. A replayed capture is always too old. A retry "
     "is not, because every attempt has a new timestamp and signature. Live, the clock here is fast, or "
     "something holds requests back. callchain judges the signature apart from the time: if the MAC "
     "matches, secret and body are right."},
};

}  // namespace

std::span<const CatalogueEntry> content_entries() { return kEntries; }

}  // namespace callchain::diagnosis
