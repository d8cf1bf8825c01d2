/// Rows of the catalogue: what is configured here, against what the sender uses.
#include "diagnosis/catalogue_tables.hpp"

namespace callchain::diagnosis {
namespace {

constexpr CatalogueEntry kEntries[] = {
    {"secret_base64url", "The secret has '-' and '_' where base64 has '+' and '/'",
     "Copy the secret again from where it was issued, with its '+' and '/'. Then look for the step that "
     "makes values safe for URLs on their way into the variable.",
     "Some tools rewrite base64 in its URL-safe alphabet when they store a value or pass it on. The "
     "OpenAI SDKs disagree about such a secret: Node reads the right key, Go, Ruby and Java refuse it, "
     "and Python drops the two characters, which usually ends in 'Incorrect padding' and now and then in "
     "a wrong key and a plain mismatch. So the same value can work in one service and fail in the next. "
     "Proved when the same text in the standard alphabet gives a key that reproduces the signature."},
    {"secret_bearer_prefix", "The word Bearer stands in front of the secret",
     "Remove the word and the blank after it: the value must begin with whsec_.",
     "The value was copied from an Authorization header or put into a template that was made for API "
     "keys. It no longer begins with whsec_, so every OpenAI SDK takes the whole text as the key, "
     "decodes nothing and says only that the signature does not match. Proved when the text without the "
     "word reproduces the signature."},
    {"secret_bom", "A byte-order mark stands in front of the secret",
     "Save the secret or .env file as UTF-8 without BOM. In Python, open(path, encoding='utf-8-sig') "
     "reads it either way.",
     "Some editors and shells on Windows begin a UTF-8 file with the bytes EF BB BF, which nothing "
     "displays. The text then does not begin with whsec_ any more: every OpenAI SDK takes all of it as "
     "the key and says only that the signature does not match. To see the mark in a file, run head -c 3 "
     "FILE | xxd. Proved when the text without the mark reproduces the signature."},
    {"secret_case_folded", "The letters of the secret are all of one case",
     "Set the value again by copy and paste. Then look for the step that changes letters to upper or "
     "lower case.",
     "Base64 tells A from a, so a secret whose case was folded is another key of the same length. Every "
     "SDK decodes it without complaint and says only that the signature does not match. The lost case "
     "cannot be computed back, so this is a hint: a secret that was issued with letters of one case "
     "alone is too rare to expect. Only a Twilio auth token, which is hex in lower case, can be "
     "restored, and there it is proved."},
    {"secret_character_lost", "One character of the secret is missing",
     "Copy the whole secret again, from whsec_ to the final '='. If it is no longer at hand, rotate it "
     "at this endpoint in the OpenAI dashboard and set the new one here.",
     "The first or last character was left behind by a mouse selection, or a narrow table cut it off. "
     "Python stops with 'Incorrect padding', Go, Ruby and Java refuse the secret as well, but Node "
     "decodes what is left to a shorter key and says only that the signature does not match. The secrets "
     "that OpenAI is known to issue have 44 characters after whsec_, so counting is the quickest check. "
     "Proved when one added character makes the signature match; the evidence says where it belongs, and "
     "the character is not printed."},
    {"secret_character_wrong", "One character of the secret is not the right one",
     "Copy and paste the secret again instead of typing or editing it.",
     "A slip of the keyboard changed one character. Length, alphabet and padding are still right, so no "
     "SDK and no check by eye minds it: the signature does not match, and that is all anyone says. "
     "Proved when another character at one place makes the signature match; the evidence says at which "
     "place, and no character is printed."},
    {"secret_comment_tail", "A comment behind the secret was read as part of it",
     "Put the comment on a line of its own: OPENAI_WEBHOOK_SECRET=whsec_... and nothing behind it.",
     "Readers of .env files disagree on whether ' # production' behind a value is a comment; docker run "
     "--env-file, for one, keeps it. The Python and Node SDKs stop at the '=' that ends the base64 and "
     "never notice, while Go, Ruby and Java refuse the secret. If that '=' is missing too, the letters "
     "of the comment become part of the key. Proved when the text without the tail reproduces the "
     "signature."},
    {"secret_confusable_character", "A look-alike character stands in the secret (O and 0, or l, 1 and I)",
     "Copy and paste the secret instead of reading it off a screen, a screenshot or a printout.",
     "Someone typed the secret from sight, or text recognition read it from a picture. The result is "
     "still well-formed base64 of the right length, so every SDK decodes it and says only that the "
     "signature does not match. Proved when one or two look-alikes put back make the signature match; "
     "the evidence says at which place, and no character is printed."},
    {"secret_decoded_twice", "The key was decoded from base64 twice",
     "Decode the part after whsec_ exactly once: base64.b64decode(secret[6:]) in Python, "
     "Buffer.from(secret.slice(6), 'base64') in Node. Give an SDK the text as it was issued, undecoded.",
     "The key that fits is what remains when the result of decoding is decoded again. With a received "
     "signature, the value stored here was encoded once more than the sender's, for example by hand for "
     "a Kubernetes secret that is encoded anyway. With --computed, your code decodes the secret and then "
     "hands it to something that decodes again; lenient decoders skip the bytes that do not fit and "
     "return a short key without a word. Every SDK shows this as a plain mismatch. Proved when that key "
     "reproduces the signature."},
    {"secret_empty", "The secret is empty",
     "Set the variable for this service and this environment, deploy, and let the program refuse to "
     "start without it. On Railway, look under Variables of the service itself and apply the staged "
     "change.",
     "The variable, OPENAI_WEBHOOK_SECRET or for Twilio TWILIO_AUTH_TOKEN, is missing here, holds only "
     "blanks, or refers to another variable that has no value. Code that prints such a variable into a "
     "text makes the key 'undefined', 'null' or 'None' of it. The Python SDK (3.3.1) computes with an "
     "empty key and reports a mismatch; Node, Go and Ruby refuse an empty secret, and Java ends in "
     "'Empty key'. A verifier that runs with an empty key can be satisfied by anyone, so treat this as "
     "more than a failed delivery. Proved when one of these keys reproduces the signature, most often "
     "with --computed."},
    {"secret_encoded_twice", "The secret was encoded in base64 once more than it should be",
     "Use the secret as it was issued, beginning with whsec_. In Kubernetes put it under stringData as "
     "it is, or encode it exactly once under data.",
     "Either the value here is the base64 of the whole secret, because a secret store wants base64 and a "
     "script had encoded it already, or code encoded the secret before it used it as the key, calling "
     "b64encode for b64decode. In the first case the SDKs see a text without whsec_, take it as the key "
     "and report a plain mismatch. Proved when undoing the one or doing the other gives a key that "
     "reproduces the signature."},
    {"secret_env_assignment", "The name of the variable stands in front of the secret",
     "Enter name and value in their own fields: the value begins with whsec_ and holds no name and no "
     "'export'.",
     "The whole line OPENAI_WEBHOOK_SECRET=whsec_... was pasted into the value field of a form, or a "
     "file with the line is read as if it held the bare secret. Since the text does not begin with "
     "whsec_, every OpenAI SDK takes all of it as the key and says only that the signature does not "
     "match. Proved when the part behind the equals sign reproduces the signature."},
    {"secret_escaped_newline", "The secret has a backslash and an n in it, as two characters",
     "Remove the two characters. Write the file with printf '%s' \"$SECRET\", and check the quoting of "
     "the JSON or YAML that carries the value.",
     "A line end was written as \\n and never turned back into one: by a JSON file, a double-quoted .env "
     "line or a script that quotes twice. The Python and Node SDKs stop at the '=' before it and read "
     "the right key; Go, Ruby and Java refuse the secret. If the secret has lost its '=', the letter n "
     "becomes part of the key and Python and Node fail too. Proved when the text without the two "
     "characters reproduces the signature."},
    {"secret_hex_of_key", "The key is the hex text of the secret's bytes, not the bytes",
     "Give the decoded bytes to the HMAC: remove .hex(), .toString('hex') or hex.EncodeToString between "
     "decoding and signing.",
     "The secret was decoded correctly and then turned into hex digits, and these digits were used as "
     "the key. No SDK does this; home-made verifiers do, so expect to see it with --computed. It always "
     "ends in a mismatch, whatever the body is. Proved when the 64 hex digits as key reproduce the "
     "signature."},
    {"secret_hex_text", "The secret is written in hex instead of base64",
     "Set the secret in the form in which it was issued: whsec_ and base64. If only the hex is left, "
     "rotate the secret at this endpoint and set the new one here.",
     "The key that fits is what the text gives when its characters are read as hex digits. Hex digits "
     "are valid base64 too, so the OpenAI SDKs decode 64 of them behind whsec_ to a wrong key of 48 "
     "bytes without complaint; without the prefix they use the digits themselves. Either way they report "
     "a plain mismatch. Proved when the bytes read from hex reproduce the signature."},
    {"secret_inner_whitespace", "There is a blank or a line break inside the secret",
     "Join the secret to one line without blanks. Copy it from its own field, not from a terminal, a "
     "mail or a PDF that wraps lines.",
     "Terminals, mail programs and YAML's folded blocks break long values into lines. The Python and "
     "Node SDKs skip what is not base64 and read the right key, while Go, Ruby and Java refuse the "
     "secret, so it may work in one service and not in another. A blank within the prefix is worse: then "
     "every SDK takes the whole text as the key. If the blank stands where a '+' was, the code is "
     "secret_plus_lost. Proved when the text without the blanks reproduces the signature."},
    {"secret_invisible_character", "The secret holds a character that cannot be seen",
     "Paste the secret again through a plain-text editor. To check without showing it: printf '%s' "
     "\"$OPENAI_WEBHOOK_SECRET\" | LC_ALL=C tr -d '[:print:]' | xxd prints only the bytes that do not "
     "belong.",
     "No-break spaces, zero-width spaces and joiners, and soft hyphens come along when text is copied "
     "from web pages, chats and word processors. The evidence names the character and where it stands. "
     "In front of whsec_ it makes every OpenAI SDK take the whole text as the key, and nothing but a "
     "mismatch is reported. Behind the prefix, Python stops with 'string argument should contain only "
     "ASCII characters', Node skips it, and Go, Ruby and Java refuse the secret. Proved when the text "
     "without it reproduces the signature."},
    {"secret_is_api_key", "The secret is an OpenAI API key by its looks",
     "Put the endpoint's signing secret (whsec_...) here and keep the API key (sk-...) in "
     "OPENAI_API_KEY. If the key was logged or shown in this place, revoke it.",
     "An API key authorises the requests that you send; the signing secret checks the ones that you "
     "receive. OpenAI signs nothing with an API key, but the SDKs accept any text without whsec_ as a "
     "key, so they report only a mismatch. This is judged by the prefix sk- alone and is therefore a "
     "hint, though one without an innocent reading."},
    {"secret_is_twilio_token", "The secret is a Twilio auth token by its looks",
     "Put the endpoint's signing secret from the OpenAI dashboard (whsec_...) here and the token in "
     "TWILIO_AUTH_TOKEN.",
     "A Twilio auth token is 32 lower-case hex digits; a secret of an OpenAI endpoint begins with "
     "whsec_. Two variables were mixed up, or the request is Twilio's and is checked by the wrong "
     "scheme; then header_is_twilio appears as well. The OpenAI SDKs take the digits as the key and "
     "report only a mismatch. Judged by its form, so this is a hint."},
    {"secret_json_quoted", "The secret is a JSON string, with its quotes and escapes",
     "Read the value out of the JSON before you set it: jq -r '.secret' prints it raw, jq without -r "
     "keeps the quotes.",
     "The value came out of a JSON document without being parsed, so it has quotes around it and may "
     "have \\/ for '/' or \\u002b for '+' inside. It does not begin with whsec_, therefore every OpenAI "
     "SDK takes all of it as the key and says only that the signature does not match. Proved when the "
     "parsed string reproduces the signature."},
    {"secret_leading_whitespace", "There is a blank or a line break in front of the secret",
     "Remove it from the variable or file, and strip the value where it is read, e.g. "
     "os.environ['OPENAI_WEBHOOK_SECRET'].strip().",
     "A pasted value brought a blank along, or the .env line has one behind the equals sign. A blank in "
     "front is worse than one at the end: the text does not begin with whsec_, so every OpenAI SDK takes "
     "the whole text as the key and says only that the signature does not match. The standard-webhooks "
     "libraries mostly report bad base64 instead. Proved when the text without the blank reproduces the "
     "signature."},
    {"secret_list_unsplit", "A list of secrets was used as if it were one",
     "Split the value at commas or line ends, check the delivery with each secret, and accept it if one "
     "of them fits.",
     "The SDKs take one secret per call. Given 'whsec_A,whsec_B', Python and Node decode up to the first "
     "'=' and so know only the first secret, while Go, Ruby and Java refuse the text. Deliveries signed "
     "with the second secret then fail and the others pass, which looks like a fault that comes and "
     "goes. Proved when one item of the list reproduces the signature."},
    {"secret_not_canonical", "The secret's last base64 character is not one that an encoder writes",
     "Copy the secret again from where it was issued; its last characters were changed.",
     "In 32 bytes of base64 the last character before '=' has two bits left over, which an encoder sets "
     "to zero. Here they are set, so nobody's encoder wrote this text. Python, Node and Java read the "
     "same key nevertheless; Go and Ruby refuse the secret. The key itself is not changed, so this alone "
     "explains no mismatch in the first three: it is a hint that the text was edited."},
    {"secret_other_label", "Another secret than the one in use here signed this delivery",
     "In the OpenAI dashboard (Settings, Project, Webhooks) find the endpoint whose URL is this server "
     "and set that endpoint's own secret here; if it is not known any more, rotate it there with the "
     "24-hour overlap. Never give a server the secret of another endpoint.",
     "Every endpoint has its own secret, shown once. When two endpoints subscribe to the same event, say "
     "a tunnel to a laptop and a deployment, OpenAI delivers to both and signs each delivery with that "
     "endpoint's secret. A server that holds the wrong one refuses everything with a plain mismatch, and "
     "calls seem to work only while the other server is up. Proved: the secret under the label named "
     "here reproduces the signature with nothing altered. It also tells which endpoint this delivery "
     "came from, so compare the endpoint's URL with the address of this server."},
    {"secret_padding_extra", "The secret ends in more '=' than belong there",
     "Remove the surplus: 44 characters after whsec_, of which the last alone is '='.",
     "A script that repairs lost padding added some although none was lost. Python and Node stop at the "
     "'=' that completes the base64 and read the right key; Go, Ruby and Java refuse the secret. Proved "
     "when the text without the surplus reproduces the signature."},
    {"secret_padding_lost", "The '=' at the end of the secret is missing",
     "Set the whole value again with its final '='. Look for code that splits KEY=value at every '='; "
     "only the first one separates.",
     "A double click does not select the '=', some readers of .env files cut there, and some consoles do "
     "not show it, so two values look equal and are not. Python stops with 'Incorrect padding', Go and "
     "Ruby refuse the secret, Node and Java read the right key: the same value works in one service and "
     "fails in the next. callchain reads it as Node does and reports a hint, because on its own it "
     "changes no key. Proved when the signature fits a key that has lost its last bytes, as with "
     "decoders that drop an incomplete group."},
    {"secret_percent_encoded", "The secret is percent-encoded (%2B, %2F, %3D)",
     "Set the decoded value: %2B is '+', %2F is '/', %3D is '='.",
     "The value was taken from a URL, a form or a connection string and not decoded. In Node the digits "
     "become part of the key, and only a mismatch is reported; Python drops the percent signs and mostly "
     "stops with 'Incorrect padding' or a wrong number of characters; Go, Ruby and Java refuse the "
     "secret. Proved when the decoded text reproduces the signature."},
    {"secret_plus_lost", "A '+' of the secret became a blank",
     "Set the value again. Where it travels through a form or a query string, encode '+' as %2B, e.g. "
     "curl --data-urlencode.",
     "In web forms and query strings a bare '+' means a blank, so a secret that is sent through one "
     "unencoded arrives with a hole. Node skips the blank and makes a key of 31 bytes, with nothing "
     "reported but a mismatch; Python stops with 'Incorrect padding', Go, Ruby and Java refuse the "
     "secret. If blanks at the end were trimmed as well, a character is missing there instead. Proved "
     "when '+' in place of the blank reproduces the signature."},
    {"secret_prefix_case", "The prefix whsec_ is not in lower case",
     "Write the prefix as whsec_ in lower case, and check that the rest was not changed with it.",
     "The SDKs look for the exact text whsec_. With WHSEC_ or Whsec_ they take the whole value as the "
     "key, decode nothing and say only that the signature does not match. If the rest has letters of one "
     "case only, see secret_case_folded. Proved when the text with the right prefix reproduces the "
     "signature."},
    {"secret_prefix_decoded", "The prefix whsec_ was decoded as if it were base64",
     "Take the six characters off before you decode: secret[6:] in Python, secret.slice(6) in Node, "
     "strings.TrimPrefix(secret, \"whsec_\") in Go.",
     "Lenient decoders take the prefix for data: Node reads '_' as a URL-safe character, Python drops "
     "it, and both return a key of 36 bytes instead of 32 without a word. The OpenAI SDKs remove the "
     "prefix themselves; home-made verifiers forget it, so expect to see this with --computed. Proved "
     "when that key reproduces the signature."},
    {"secret_prefix_doubled", "The prefix whsec_ stands there twice",
     "Remove one whsec_; the SDKs want exactly one.",
     "A script or a template adds whsec_ to a value that has it already. The SDKs remove the first and "
     "decode the second along with the rest: Python and Node get 36 bytes instead of 32 and report only "
     "a mismatch, while Go, Ruby and Java refuse the '_'. Proved when the text with one prefix "
     "reproduces the signature."},
    {"secret_prefix_missing", "The secret does not begin with whsec_",
     "Set the secret with its prefix, as the dashboard shows it: whsec_ and 44 characters.",
     "Without the prefix the OpenAI SDKs do not decode anything: the text itself, byte by byte, is their "
     "key, and they say only that the signature does not match. The standard-webhooks and Svix libraries "
     "treat the prefix as optional and decode the same text to the right key, so a test with one of them "
     "passes and production does not. callchain reads the text as OpenAI's SDKs do. Proved when the "
     "decoded text reproduces the signature; a hint otherwise."},
    {"secret_quoted", "There are quotes around the secret",
     "Remove the quotes in the platform's variable form: enter whsec_... and nothing around it. In a "
     ".env file they are fine only where the reader removes them, which docker run --env-file does not.",
     "Shells and most .env readers remove quotes; variable forms of hosting platforms and Docker's "
     "--env-file keep them. With a quote in front, the text does not begin with whsec_, so every OpenAI "
     "SDK takes the whole text as the key and says only that the signature does not match. It typically "
     "works on the laptop and fails when deployed. Proved when the text without the quotes reproduces "
     "the signature."},
    {"secret_raw_text", "The key is the secret's whole text, with whsec_ and undecoded",
     "Take off whsec_ and decode the rest: base64.b64decode(secret[6:]) in Python, "
     "Buffer.from(secret.slice(6), 'base64') in Node. Or leave it to the SDK: "
     "client.webhooks.unwrap(body, headers).",
     "Stripe's secrets begin with whsec_ as well, but there the whole text is the key, and many "
     "hand-written verifiers are modelled on Stripe's. For Standard Webhooks, which OpenAI uses, the "
     "rest after the prefix has to be decoded. With --computed this is your code. With a received "
     "signature it is whatever signed the request, a test script or a relay, since OpenAI does not sign "
     "like that. Proved when the whole text as key reproduces the signature."},
    {"secret_short", "The secret has fewer than 24 bytes",
     "Copy the whole secret; if it really is that short, rotate it at its endpoint and use the new one.",
     "Standard Webhooks asks for 24 to 64 bytes of key, and the secrets that OpenAI is known to issue "
     "have 32. Go refuses a shorter one; the other SDKs compute with it, so a secret that was cut shows "
     "as a mismatch. The length is counted after decoding. This is a hint: a short secret that both "
     "sides share still gives the right signature."},
    {"secret_trailing_newline", "There is a line end behind the secret",
     "Write secret files without one: printf '%s' \"$SECRET\" > file, not echo. Strip the value where a "
     "file is read, e.g. open(path).read().strip().",
     "echo, editors and Kubernetes or Docker secret files end the value with a line feed. The Python and "
     "Node SDKs ignore it behind the final '=', Go, Ruby and Java refuse the secret. Code that takes the "
     "text itself as the key, because whsec_ is missing, gets another key and reports a plain mismatch. "
     "Proved when the text without the line end reproduces the signature."},
    {"secret_trailing_punctuation", "A comma, semicolon or backslash stands behind the secret",
     "Remove it; the value ends in '='.",
     "The value was copied out of JSON, code or a shell command and brought the next character along. "
     "The Python and Node SDKs ignore it behind the final '=', Go, Ruby and Java refuse the secret. "
     "Where the text itself is the key, because whsec_ is missing, it becomes part of the key and "
     "nothing but a mismatch is reported. Proved when the text without it reproduces the signature."},
    {"secret_trailing_whitespace", "There is a blank behind the secret",
     "Remove it from the variable or file, and strip the value where it is read, e.g. "
     "process.env.OPENAI_WEBHOOK_SECRET.trim().",
     "A pasted value or a line with a comment taken off leaves a blank at the end, which no form shows. "
     "The Python and Node SDKs ignore it behind the final '=', Go, Ruby and Java refuse the secret. "
     "Where the text itself is the key, because whsec_ is missing, it becomes part of the key and "
     "nothing but a mismatch is reported. Proved when the text without the blank reproduces the "
     "signature."},
    {"secret_undecoded_base64", "The key is the text after whsec_, not decoded from base64",
     "Decode it: base64.b64decode(secret[6:]) in Python, Buffer.from(secret.slice(6), 'base64') in Node, "
     "base64.StdEncoding.DecodeString in Go.",
     "The prefix was removed and the 44 characters behind it were used as they stand, instead of the 32 "
     "bytes that they encode. It happens in home-made verifiers, and in OpenAI's SDKs when somebody "
     "stored the secret without whsec_, since they then take the text as the key. The result is a plain "
     "mismatch. Proved when the undecoded text as key reproduces the signature."},
    {"secret_unexpected_length", "The secret is not 44 characters and 32 bytes long",
     "Compare the length with the value in the place where it was issued; copy the whole of it again, or "
     "rotate it at its endpoint.",
     "The secrets that OpenAI is known to issue have 44 characters after whsec_ and decode to 32 bytes. "
     "That is an observation, not a promise; other senders of Standard Webhooks use 24 to 64 bytes. A "
     "value that was cut, pasted twice or belongs to another product shows here first, while the SDKs "
     "report a mismatch or bad base64. Nothing is recomputed for this, so it is a hint."},
    {"secret_unreadable", "The text after whsec_ is not base64",
     "Copy the secret again. If the message gives an offset, look there for a character that base64 does "
     "not have.",
     "Base64 has letters, digits, '+', '/' and '=' at the end, in groups of four. Go, Ruby and Java "
     "refuse anything else with an error of their own, Python skips foreign characters and then often "
     "stops with 'Incorrect padding'. Node never complains: it makes some key of what is left and "
     "reports a mismatch, so there it looks like a wrong secret. This states the form of the text; the "
     "other findings say what may have happened to it."},
    {"secret_version_prefix", "The version prefix v1, stands in front of the secret",
     "Remove v1, so that the value begins with whsec_.",
     "Some products, Supabase among them, show webhook secrets as v1,whsec_... and want them pasted like "
     "that. The libraries do not: to OpenAI's SDKs the text does not begin with whsec_, so all of it "
     "becomes the key and only a mismatch is reported, while the standard-webhooks libraries answer with "
     "'No matching signature found' or bad base64. Proved when the text without v1, reproduces the "
     "signature."},
};

}  // namespace

std::span<const CatalogueEntry> secret_entries() { return kEntries; }

}  // namespace callchain::diagnosis
