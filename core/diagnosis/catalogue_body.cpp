/// Rows of the catalogue: what happened to the body between the sender and here.
#include "diagnosis/catalogue_tables.hpp"

namespace callchain::diagnosis {
namespace {

constexpr CatalogueEntry kEntries[] = {
    {"body_ansi_codes", "Terminal colour codes were mixed into the body",
     "Take the body from a file or a log without colours: set NO_COLOR=1 for the program that prints it, "
     "or use the platform's JSON output.",
     "A logger or a JSON pretty-printer coloured the text, and the copy kept its escape sequences (ESC, "
     "bracket, digits, m). They are usually invisible on the screen and are bytes of the body all the "
     "same. This happens to copies, hardly ever to a request on the wire. Proved when the body without "
     "them reproduces the signature; a hint when they are merely seen."},
    {"body_backslash_layer", "The body has one more layer of backslashes than was sent",
     "Take the body from before it was put into a JSON log or a shell string, or log it in base64, which "
     "no layer changes.",
     "Each layer that carries the body as a quoted text turns a quote into backslash quote and a "
     "backslash into two. One layer was not undone: railway logs --json leaves one in the attributes of "
     "a line, and shells and YAML have their own. The JSON then fails to parse or has texts full of "
     "backslashes. Proved when the body with one layer taken off reproduces the signature."},
    {"body_base64_decoded", "The body was sent in base64 and has been decoded here",
     "Check the signature over the body as it came in, then decode.",
     "The sender signed the base64 text, and something on the way decoded it before the check. OpenAI "
     "sends plain JSON, so expect this with relays and queues that sign what they carry. Nothing but a "
     "mismatch is reported. Proved when the body encoded in base64 again reproduces the signature."},
    {"body_base64_encoded", "The body is in base64 here and was not when it was sent",
     "Decode it before the check. On AWS: const body = event.isBase64Encoded ? Buffer.from(event.body, "
     "'base64').toString('utf8') : event.body.",
     "AWS API Gateway and load balancers hand the body to a Lambda function in base64 when its type "
     "counts as binary, and say so in isBase64Encoded. Queues and log collectors do the same. The code "
     "then signs the base64 text, and the SDK reports only a mismatch. Proved when the decoded body "
     "reproduces the signature."},
    {"body_bom_added", "A byte-order mark was added in front of the body",
     "Take the bytes EF BB BF off, and save captures as UTF-8 without BOM. Look for a tool on the way "
     "that writes 'UTF-8 with signature'.",
     "Some editors and file writers on Windows begin UTF-8 with these three bytes, which nothing "
     "displays. On the wire JSON has none. The Python SDK keeps the mark as part of the text and so "
     "computes another signature, with no more than a mismatch reported; JSON parsers mostly refuse the "
     "first character. Proved when the body without the mark reproduces the signature."},
    {"body_bom_removed", "The body was sent with a byte-order mark and has none here",
     "Check the signature over the bytes as received, before anything decodes them to text.",
     "Decoders such as JavaScript's TextDecoder and Python's utf-8-sig silently drop the bytes EF BB BF "
     "at the start. The sender signed them. OpenAI sends no such mark, so this points to another sender "
     "or a relay. Proved when the body with the mark in front reproduces the signature."},
    {"body_brotli_encoded", "The body is still compressed with Brotli",
     "Check the signature over the decompressed body: undo Content-Encoding first, or stop the proxy in "
     "front from compressing requests.",
     "The sender signed the plain JSON and something on the way compressed the request, or a recorder "
     "stored it compressed. Brotli has no mark at its beginning, so the Content-Encoding header is the "
     "only outward sign. Python stops with a UnicodeDecodeError or reports a mismatch, the other SDKs "
     "report a mismatch. Decompressing is limited to 8 MiB and two layers. Proved when the decompressed "
     "body reproduces the signature."},
    {"body_chunk_framing", "The sizes of HTTP chunks were left in the body",
     "Read the body through the HTTP library and not from the socket; for a capture, take it behind the "
     "point where chunks are joined.",
     "With Transfer-Encoding: chunked the body travels in pieces, each behind a line with its size in "
     "hex, and ends with 0. A raw socket reader or a packet capture shows these lines among the JSON. "
     "They belong to the transport and are not signed. Proved when the joined pieces reproduce the "
     "signature."},
    {"body_cr_to_lf", "Carriage returns of the body became line feeds",
     "Keep the body as bytes; open files in binary mode, e.g. open(path, 'rb') in Python.",
     "Text modes that know 'universal newlines' turn a lone CR into LF, and old file transfers do it "
     "too. It shows only where the body has line ends at all, which compact JSON has not. Proved when "
     "the body with CR in their place reproduces the signature."},
    {"body_crlf_to_lf", "The line ends of the body were CRLF and are LF here",
     "Keep the body as bytes: open files in binary mode, and mark captures as binary for git (*.http "
     "-text in .gitattributes).",
     "Text modes, git and editors on Unix turn CRLF into LF. The text looks the same, and comparing it "
     "as text shows no difference. The SDKs report a plain mismatch. Proved when the body with CRLF "
     "reproduces the signature."},
    {"body_data_only", "Only the member data of the event is here",
     "Check the signature over the whole request body, and take data out of it afterwards. Log or queue "
     "the raw body if it has to be checked later.",
     "A handler, a queue or a log kept event.data and threw the envelope away. The envelope was signed "
     "as well and cannot be made up from data alone, so for a received signature this is a hint. Proved "
     "only where the whole body is at hand: with --computed, when the value was made over data, or with "
     "callchain diff-webhook between the two captures."},
    {"body_deflate_encoded", "The body is still compressed with deflate",
     "Check the signature over the decompressed body: undo Content-Encoding first, or stop the proxy in "
     "front from compressing requests.",
     "The sender signed the plain JSON and something on the way compressed it, with zlib's header or "
     "raw; both go by the name deflate. As text it is unreadable: Python mostly stops with a "
     "UnicodeDecodeError, the other SDKs report a mismatch. Decompressing is limited to 8 MiB and two "
     "layers. Proved when the decompressed body reproduces the signature."},
    {"body_empty", "The body is empty",
     "Read the raw body once, before anything parses it, and keep it: request.get_data() in Flask, await "
     "request.body() in FastAPI, request.raw_post in Rails, io.ReadAll(r.Body) in Go. If the request "
     "arrives empty, look for a redirect in front.",
     "A request body is a stream: whoever reads it first, a JSON or form parser, a logger, may leave "
     "nothing for the next. A redirect from http to https makes many clients repeat a POST as a GET "
     "without a body. The SDKs compute over the empty text and report a plain mismatch. With --computed "
     "it is proved when the empty body gives your value; for a received signature it is a fact about the "
     "input and the cause of the loss stays open."},
    {"body_envelope", "The body is wrapped in an envelope that was not sent",
     "Check the signature over the inner body exactly as its text stands in the envelope, e.g. "
     "event.body in AWS Lambda, and not over the event object.",
     "Serverless platforms, queues and log collectors put the request into a JSON object of their own, "
     "with the body as a text under body, data or message. If it is there as text, nothing is lost. If "
     "it is there as an object, it was parsed and has to be written again, which is "
     "body_json_reserialized on top. Proved when the inner body reproduces the signature."},
    {"body_escapes_interpreted", "Escapes in the JSON's strings were turned into characters",
     "Take the body as the server received it, not from a shell or a log that interprets backslashes: "
     "printf '%s' instead of echo, and base64 where a body goes through a log.",
     "Some shells' echo, printf with the body as its format, and loggers read \\n, \\r and \\t as a line "
     "end or a tab. The strings of the document then hold raw control characters, which JSON does not "
     "allow, so a parser refuses the body as well. Proved when writing the escapes again reproduces the "
     "signature."},
    {"body_form_encoded", "The body was made into a web form",
     "Let the body pass as application/json, untouched. Look for a relay or a client library that sends "
     "forms by default.",
     "The JSON, or its members one by one, was written as name=value pairs with %XX and '+'. HTTP "
     "clients do it when they are given an object and no content type, as curl -d does with its default "
     "type. The SDKs report a plain mismatch. Proved when the text decoded from the form reproduces the "
     "signature."},
    {"body_form_field", "The body is the value of a form field, e.g. payload=",
     "Take the field's decoded value as the body, or have the sender post application/json.",
     "Some relays post the JSON as one field of a web form, percent-encoded, as Slack's interactive "
     "messages and, if so configured, GitHub's webhooks do. The signature was made over the JSON itself. "
     "The SDKs report a plain mismatch. Proved when the decoded field reproduces the signature."},
    {"body_gzip_decoded", "The body was signed compressed and is decompressed here",
     "Check the signature over the bytes as received, before Content-Encoding is undone. In Express: "
     "express.raw({type: 'application/json', inflate: false}).",
     "The sender compressed first and signed then, and a server or proxy here decompressed the request. "
     "OpenAI signs plain JSON, so expect another sender or a relay. Proved when one of the gzip streams "
     "that common senders write of this body reproduces the signature. A stream made in another way is "
     "not found, so record the bytes before they are decompressed."},
    {"body_gzip_encoded", "The body is still compressed with gzip",
     "Check the signature over the decompressed body: undo Content-Encoding first, or stop the proxy in "
     "front from compressing requests.",
     "The sender signed the plain JSON and something on the way compressed it, or a recorder stored it "
     "compressed. Such a body begins with the bytes 1F 8B. Python stops with 'can't decode byte 0x8b in "
     "position 1' when it is given the bytes; the other SDKs report a mismatch. Decompressing is limited "
     "to 8 MiB and two layers. Proved when the decompressed body reproduces the signature."},
    {"body_html_escaped", "Characters of the body became HTML entities (&quot; &amp; &lt;)",
     "Take the body from before it is shown on a page, and switch off input filters that escape request "
     "bodies.",
     "A web console shows &quot; for a quote and a copy of the page source keeps it, or a filter against "
     "script injection rewrites all input. JSON parsers refuse the result; the SDKs report a plain "
     "mismatch. Proved when the body with the entities undone reproduces the signature."},
    {"body_in_array", "The body stands in a JSON array of one",
     "Take the only element as the body, or switch off batching in the relay in front.",
     "Relays, log collectors and workflow tools hand over events in batches, and a batch of one is still "
     "an array. The element was mostly parsed and written again, so another finding about JSON may stand "
     "beside this one. The SDKs report a plain mismatch. Proved when the element alone reproduces the "
     "signature."},
    {"body_json_duplicate_dropped", "The JSON was parsed and lost a member that stood there twice",
     "Check the signature over the raw body, before parsing: await request.body() in FastAPI, "
     "express.raw({type: 'application/json'}) in Express.",
     "JSON may name a member twice; parsers keep one, mostly the last, and whoever writes the object "
     "again writes one. The other value is lost here, so for a received signature this is at most a "
     "hint. Proved where the original body is at hand: with --computed, when the body without the first "
     "of the two gives your value, or with callchain diff-webhook."},
    {"body_json_hex_case", "The hex digits of \\uXXXX escapes changed their case",
     "Check the signature over the raw body, before parsing; the copy here was written again by another "
     "JSON library.",
     "\\u00e9 and \\u00E9 are the same character, and JSON libraries differ in how they write it: Python "
     "uses lower case, some Java and .NET writers upper case. It shows only in bodies with escaped "
     "characters, for instance names with accents in SIP headers, so it comes and goes with the caller. "
     "The SDKs report a plain mismatch. Proved when the body with the other case reproduces the "
     "signature."},
    {"body_json_html_escaped", "The JSON was written again with <, > and & as \\u003c, \\u003e, \\u0026",
     "Check the signature over the raw body: io.ReadAll(r.Body) in Go, before json.Unmarshal. If you "
     "have to write JSON in Go without these escapes, use SetEscapeHTML(false).",
     "Go's encoder and the JSON helpers of Rails and other web frameworks escape these characters to "
     "make JSON safe inside HTML. SIP headers are full of angle brackets, so call events are always hit. "
     "The meaning is the same and the bytes are not; the SDKs report a plain mismatch. Proved when the "
     "body without these escapes reproduces the signature."},
    {"body_json_html_unescaped", "The JSON was written again with \\u003c, \\u003e and \\u0026 as <, > and &",
     "Check the signature over the raw body, before any JSON parser sees it.",
     "The sender wrote these characters as escapes, as Go's encoder does by default, and something here "
     "parsed the JSON and wrote it without them. The meaning is the same and the bytes are not; the SDKs "
     "report a plain mismatch. Proved when the body with the escapes reproduces the signature."},
    {"body_json_keys_reordered", "The members of the JSON stand in another order than they were sent",
     "Check the signature over the raw body, before parsing. Where a log is the source, log the body as "
     "text or in base64, not as an object.",
     "Parsing to a hash map and writing it again shuffles the members; so do log pipelines that turn a "
     "logged object into attributes. The sender's order is known from deliveries seen so far (id, "
     "object, created_at, type, data), so it can be restored for the usual events. The SDKs report a "
     "plain mismatch. Proved when the body in the sender's order reproduces the signature."},
    {"body_json_keys_sorted", "The members of the JSON were sorted by name",
     "Check the signature over the raw body: io.ReadAll(r.Body) in Go, @RequestBody byte[] in Spring. "
     "Leave out jq -S and sort_keys=True.",
     "Go writes maps sorted, jq does with -S, Python with sort_keys=True, and so do TreeMaps in Java. "
     "The content is the same, which is why a comparison as JSON shows no difference. The SDKs report a "
     "plain mismatch. For a received signature it is proved when the members in the sender's usual order "
     "reproduce the signature; with --computed when sorting them gives your value."},
    {"body_json_null_added", "The JSON was written again with null members that were not sent",
     "Check the signature over the raw body, before a model class touches it: await request.body() in "
     "FastAPI instead of a typed parameter, @RequestBody byte[] in Spring.",
     "A typed model has a field for every member that may come. When it is written out again, the fields "
     "that were not sent appear as null, together with any defaults. Pydantic, Jackson and most "
     "generated clients do so unless told not to. The SDKs report a plain mismatch. Proved when the body "
     "without its nulls reproduces the signature; other defaults that were added cannot be told from "
     "real members."},
    {"body_json_null_dropped", "The JSON was written again without its null members",
     "Check the signature over the raw body, before a model class touches it: await request.body() in "
     "FastAPI instead of a typed parameter.",
     "Pydantic's exclude_none, Go's omitempty and Jackson's NON_NULL leave out members whose value is "
     "null. Which members were null cannot be seen any more; only a few that OpenAI is known to use are "
     "put back and tried. Proved when one of them, as null, reproduces the signature, or with --computed "
     "when the body without its nulls gives your value. Where both bodies are at hand, callchain "
     "diff-webhook shows it at once."},
    {"body_json_number_changed", "A number in the JSON is written in another way than it was sent",
     "Check the signature over the raw body, before parsing; numbers do not survive a parser unchanged.",
     "1.0 becomes 1, 1e3 becomes 1000, 5 becomes 5.0, and a whole number above 9007199254740991 is "
     "rounded in JavaScript and by every parser that uses floating point. The SDKs report a plain "
     "mismatch. Proved when another way of writing the number reproduces the signature. Rounded digits "
     "are lost and cannot be proved from the rounded body."},
    {"body_json_reserialized", "The JSON was parsed and written again",
     "Check the signature over the raw body, before parsing: express.raw({type: 'application/json'}), "
     "rawBody: true in NestJS, await req.text() in a Next.js route handler, await request.body() in "
     "FastAPI, request.get_data() in Flask, request.body in Django.",
     "The most common cause of all. A framework parsed the body, the code wrote the object again to have "
     "something to sign, and the blanks, the order or the escapes came out differently: in the "
     "deliveries seen so far OpenAI puts a blank after every colon and comma, and JSON.stringify puts "
     "none. The content is the same and looks the same; the SDKs report a plain mismatch. The evidence "
     "names the style that is here. Proved when the JSON in the sender's style reproduces the signature; "
     "to see the first byte that differs, run callchain diff-webhook on two captures."},
    {"body_json_slash_escaped", "The JSON was written again with '/' as \\/",
     "Check the signature over the raw body: file_get_contents('php://input') in PHP, "
     "$request->getContent() in Laravel and Symfony. JSON_UNESCAPED_SLASHES in json_encode does not "
     "bring the rest back.",
     "PHP's json_encode escapes slashes unless it is told not to, and few others do. It shows in URLs "
     "and in values such as 1.0/2. The content is the same and the bytes are not; the SDKs report a "
     "plain mismatch. Proved when the body with plain slashes reproduces the signature."},
    {"body_json_slash_unescaped", "The body was sent with \\/ for '/' and has plain slashes here",
     "Check the signature over the raw body, before parsing.",
     "The sender escaped slashes, as PHP does, and a parser here took the backslashes out before the "
     "body was written again. OpenAI has not been seen to escape them, so expect another sender or a "
     "relay written in PHP. The SDKs report a plain mismatch. Proved when the body with escaped slashes "
     "reproduces the signature."},
    {"body_json_string", "The body is a JSON string that holds the JSON",
     "Hand over the raw text: take away the extra JSON.stringify or json.dumps, or parse the string once "
     "to get the body back.",
     "A text that was JSON already went through a JSON encoder again, so it is now one string with "
     "quotes around it and a backslash before every quote inside. It happens in queues, in logs, and "
     "where a client library encodes whatever it is given. The SDKs report a plain mismatch. Proved when "
     "the content of the string, unwrapped once or twice, reproduces the signature."},
    {"body_json_unicode_escaped", "Characters outside ASCII became \\uXXXX escapes",
     "Check the signature over the raw body, before parsing. If you must write JSON in Python, "
     "ensure_ascii=False keeps the characters.",
     "Python's json.dumps and PHP's json_encode escape everything outside ASCII by default. The body had "
     "these characters as they are. It shows only in bodies that have any, for instance a caller's name "
     "with an accent, so it comes and goes with the caller. The SDKs report a plain mismatch. Proved "
     "when the body with the characters themselves reproduces the signature."},
    {"body_json_unicode_unescaped", "\\uXXXX escapes of the body became the characters themselves",
     "Check the signature over the raw body, before parsing.",
     "The body had escapes for characters outside ASCII; a parser turned them into characters and the "
     "writer, JSON.stringify for one, left them as they are. It shows only in bodies that have any, for "
     "instance a caller's name with an accent, so it comes and goes with the caller. The SDKs report a "
     "plain mismatch. Proved when the body with the escapes reproduces the signature."},
    {"body_latin1", "The body was converted from UTF-8 to Latin-1 or Windows-1252",
     "Keep the body as bytes. Where a text is unavoidable, decode and encode it as UTF-8, e.g. new "
     "InputStreamReader(in, StandardCharsets.UTF_8) in Java.",
     "Something decoded the body and wrote it again in a character set of one byte per character. It "
     "shows only in bodies with characters outside ASCII. Python stops with a UnicodeDecodeError when it "
     "is given the bytes, Java replaces them silently, and the rest report a mismatch. Proved when the "
     "body converted back to UTF-8 reproduces the signature."},
    {"body_leading_whitespace_added", "A blank or a line end was added in front of the body",
     "For a capture, leave exactly one empty line between headers and body. In code, hand over the raw "
     "body without formatting it into another text.",
     "A hand-made capture has an empty line too many, or the body was printed into a template or a "
     "here-document. JSON allows blanks there, so parsers do not mind, but they are signed like every "
     "other byte. Proved when the body without them reproduces the signature."},
    {"body_leading_whitespace_removed", "The body was sent with a blank or a line end in front",
     "Do not trim the body before the check: no strip(), no trim().",
     "The sender's body begins with a blank or a line end, and something here trimmed it. JSON allows "
     "blanks there, so nobody notices until the signature is checked. OpenAI's bodies begin with a "
     "brace, so expect another sender. Proved when the body with the blank in front reproduces the "
     "signature."},
    {"body_length_differs", "The body has another length than it had elsewhere",
     "Compare both copies with callchain diff-webhook A B. If only one is left, record the body at both "
     "places with its length and SHA-256, and look at the next delivery.",
     "The length was compared with --expect-length or with the one in a log. A difference shows that the "
     "bytes are not the same, and its size says something about the cause: one byte is a line feed, two "
     "a CRLF, three a byte-order mark, a round number a limit. It says nothing about the secret. No "
     "signature is recomputed for this, so it is certain as a fact and a hint as to the cause."},
    {"body_lf_to_crlf", "The line ends of the body were LF and are CRLF here",
     "Keep the body as bytes: open files in binary mode, transfer them as binary, and mark captures as "
     "binary for git (*.http -text in .gitattributes).",
     "Editors, git and the clipboard on Windows turn LF into CRLF. The text looks the same, and "
     "comparing it as text shows no difference. The SDKs report a plain mismatch. Proved when the body "
     "with LF reproduces the signature."},
    {"body_line_prefix", "Every line of the body has a log prefix in front",
     "Take the body from the log without its time stamps: railway logs --json, or cut the prefix off. "
     "Better still, log the body in one line, in base64.",
     "A logger put a time stamp, a level or a service name in front of each line, and the body was "
     "copied with it. It does not happen to a request on the wire. Proved when the lines without the "
     "prefix reproduce the signature; a hint when the prefixes are merely seen."},
    {"body_mojibake", "The body's UTF-8 was read as Latin-1 and encoded once more",
     "Decode the body as UTF-8 or, better, keep it as bytes. In Node, do not use toString('latin1') or "
     "'binary'; in Java, name StandardCharsets.UTF_8.",
     "Every character outside ASCII turned into two or three: an e with an acute accent becomes A with a "
     "tilde and a copyright sign. It shows only in bodies that have such characters, for instance a "
     "caller's name, so it comes and goes with the caller. The result is valid UTF-8, therefore no SDK "
     "minds, and only a mismatch is reported. Proved when the body repaired by one such layer reproduces "
     "the signature."},
    {"body_multipart", "The body was wrapped in a multipart form",
     "Take the content of the part as the body, or have the relay pass application/json through.",
     "A relay or a mail gateway packed the JSON into multipart/form-data: boundary lines that begin with "
     "two dashes, headers of the part, then the body. The signature was made over the JSON alone. The "
     "SDKs report a plain mismatch. Proved when the part's content reproduces the signature."},
    {"body_nbsp", "Blanks of the body became no-break spaces",
     "Take the body from a file or a raw view, not from a page, a chat or a word processor.",
     "Rich-text fields and web consoles put U+00A0 where a plain blank was. Both look alike, and JSON "
     "parsers refuse the one between members. It happens to copies, not to a request on the wire. Proved "
     "when the body with plain blanks reproduces the signature."},
    {"body_nfc", "The body's characters were composed (Unicode NFC)",
     "Keep the body as bytes, and leave out normalize('NFC') before the check.",
     "An accented letter can be one code point or a letter with a combining mark. Something turned the "
     "second form into the first; databases, input filters and some clients do. Both look the same on "
     "the screen, and only a mismatch is reported. Proved when the body in decomposed form reproduces "
     "the signature."},
    {"body_nfd", "The body's characters were decomposed (Unicode NFD)",
     "Keep the body as bytes, and leave out normalize('NFD') before the check.",
     "An accented letter can be one code point or a letter with a combining mark. Something turned the "
     "first form into the second: search indexes and filters that strip accents begin that way. Both "
     "look the same on the screen, and only a mismatch is reported. Proved when the body in composed "
     "form reproduces the signature."},
    {"body_nfkc", "The body's characters were replaced by plain ones (Unicode NFKC)",
     "Keep the body as bytes, and leave out normalize('NFKC') before the check.",
     "NFKC turns ligatures, full-width letters, no-break spaces and superscripts into ordinary "
     "characters. What was replaced cannot be told afterwards, so for a received signature this is at "
     "most a hint. Proved where the original body is at hand: with --computed, when the normalised body "
     "gives your value, or with callchain diff-webhook."},
    {"body_nul_appended", "NUL bytes were added behind the body",
     "Pass the length on with the buffer, and sign exactly that many bytes.",
     "Code that reads into a buffer of fixed size and signs the whole buffer, or a C text with its final "
     "zero, adds bytes of value 0. They are invisible in most viewers. The SDKs report a plain mismatch. "
     "Proved when the body without them reproduces the signature."},
    {"body_object_placeholder", "The body is a printed object, such as [object Object], not its content",
     "Hand over the raw text: in Express, express.raw({type: 'application/json'}) on the route and "
     "req.body.toString('utf8'); in a Next.js route handler, await req.text().",
     "JavaScript prints any object as [object Object] and a missing value as undefined; null, None and "
     "{} turn up in the same way. The Node SDK builds the signed text from whatever it is given: handed "
     "a parsed body, it signs these fifteen characters and reports a plain mismatch, on every delivery. "
     "The content is gone here, so for a received signature it is a hint. Proved with --computed, when "
     "the placeholder as the body gives your value."},
    {"body_percent_decoded", "The body was percent-decoded on its way",
     "Check the signature over the raw body, and do not run it through a URL decoder.",
     "A form parser or a helper turned %40 into '@' and, mostly, '+' into a blank. SIP URIs and phone "
     "numbers have both characters, so call events are hit. What was encoded before cannot always be "
     "told afterwards. Proved when the body encoded again, in one of the usual ways, reproduces the "
     "signature, or with --computed."},
    {"body_python_bytes", "The body is printed as Python bytes: b'...'",
     "Decode before you format or log: body.decode('utf-8'). Give client.webhooks.unwrap() the bytes "
     "themselves.",
     "str(body) and f'{body}' print bytes with a b, quotes and escapes around them, and the signature is "
     "then made over that. It happens in hand-written verifiers, which join id, timestamp and body in an "
     "f-string, and in logs. The SDKs report a plain mismatch. Proved when the bytes that the text "
     "stands for reproduce the signature."},
    {"body_python_dict", "The body is printed as a Python dict, with single quotes",
     "Sign and log the raw body: request.get_data() in Flask, await request.body() in FastAPI, "
     "request.body in Django, not str(request.json).",
     "str() of a parsed body gives single quotes, True, False and None. It looks like JSON at a glance "
     "and is not. It comes from print(), from a logger, or from a verifier that signs str(data). Proved "
     "when the same content written as JSON in the sender's style reproduces the signature."},
    {"body_redacted", "Values of the body were masked",
     "Record the body unmasked where only you can read it, or log its length and SHA-256 at the socket. "
     "Then take the next delivery.",
     "A log or a tracing tool put ***, [REDACTED] or [Filtered] in place of phone numbers, tokens or "
     "names; callchain's own logs and bundles have [withheld], and …4321 for a number. The original "
     "values are gone, and no amount of computing brings them back. The mask is seen in the body, so this "
     "is a hint and can practically never be proved: it says that this copy cannot decide anything about "
     "the signature. Length and SHA-256 of the original, if they were logged, still show whether another "
     "copy is the right one."},
    {"body_replacement_characters", "Bytes of the body were replaced by the character U+FFFD",
     "Keep the body as bytes up to the check. In Python leave out errors='replace'; in Java use byte[] "
     "instead of String; in Node collect Buffers and join them before toString().",
     "A decoder met bytes that are no UTF-8 and put U+FFFD, the bytes EF BF BD, in their place. A "
     "frequent reason is decoding a stream piece by piece, which cuts a character at the seam. The Java "
     "SDK does it silently when the body is not UTF-8. What stood there is lost, so this is always a "
     "hint and never proved. Record the raw bytes of another delivery to go on."},
    {"body_ruby_inspect", "The body is printed as a Ruby hash, with =>",
     "Sign and log request.raw_post in Rails, request.body.read in Rack, not params.to_s or inspect.",
     "inspect of a parsed body writes 'name'=>value and nil in place of JSON. It comes from puts, from "
     "the Rails log, or from a verifier that signs params.to_s. Rails adds members of its own, such as "
     "controller and action, which makes the way back uncertain. Proved when the same content written as "
     "JSON in the sender's style reproduces the signature."},
    {"body_sha256_differs", "The body has another SHA-256 than it had elsewhere",
     "Compare both copies with callchain diff-webhook A B. If only one is left, record the body at both "
     "places and look at the next delivery.",
     "The hash was compared with --expect-sha256 or with the one in a log. One changed byte is enough to "
     "differ, so it shows that the two bodies are not the same, and nothing about what changed. If the "
     "length is the same, look for characters that were replaced one for one. No signature is recomputed "
     "for this, so it is certain as a fact and a hint as to the cause."},
    {"body_smart_quotes", "Straight quotes of the body became typographic ones",
     "Take the body from a file or a raw view, not from a chat, a mail or a word processor.",
     "Word processors, chats and phone keyboards replace straight quotes and apostrophes as you paste or "
     "type. JSON parsers refuse the result at the first character of the first name. It happens to "
     "copies, not to a request on the wire. Proved when the body with straight quotes reproduces the "
     "signature."},
    {"body_tabs_to_spaces", "Tabs of the body became blanks",
     "Take the body from a file, not from a terminal or an editor that expands tabs.",
     "Terminals show a tab as blanks, and what is selected on the screen is blanks. Editors do the same "
     "on saving. It shows only in bodies that are indented with tabs. Proved when the body with tabs in "
     "their place reproduces the signature."},
    {"body_trailing_newline_added", "A line end was added behind the body",
     "Save the body without one: printf '%s' instead of echo, curl --data-binary @file, and an editor "
     "set not to add a final newline. In code, hand over the raw body as it was read.",
     "Editors and echo end a file with a line feed, the clipboard on Windows with CRLF, and Go's "
     "json.Encoder writes one after every value. JSON parsers do not mind, but it is a byte more than "
     "was signed: the SDKs report a plain mismatch. If the body came over the wire, its Content-Length "
     "tells who added it. Proved when the body without the line end reproduces the signature."},
    {"body_trailing_newline_removed", "The body was sent with a line end behind it and has none here",
     "Do not trim the body before the check: no strip(), trim() or chomp. In a shell, body=$(cat file) "
     "drops it; use the file itself.",
     "The sender's body ends with a line feed, as Go's json.Encoder writes it, and something here cut it "
     "off. Text fields, shells and line-based loggers do. OpenAI's bodies have not been seen to end so; "
     "expect another sender or a relay. Proved when the body with the line end reproduces the signature."},
    {"body_trailing_whitespace_added", "Blanks were added behind the body",
     "Save or copy the body without them; in code, hand over exactly the bytes that were read.",
     "A copy from a terminal or a table brings blanks to the end of the line, and buffers of fixed width "
     "are padded with them. JSON parsers do not mind, but every one of them is a byte more than was "
     "signed. Proved when the body without them reproduces the signature."},
    {"body_trailing_whitespace_removed", "The body was sent with blanks behind it and has none here",
     "Do not trim the body before the check: no strip(), no trim().",
     "The sender's body ends with a blank, and a middleware, a form field or an editor trimmed it. JSON "
     "parsers do not mind either way, so nobody notices until the signature is checked. Proved when the "
     "body with the blank behind it reproduces the signature."},
    {"body_truncated", "The body was cut",
     "Find the limit that cut it, mostly that of a log line or of a buffer, and record the whole body to "
     "a file, with its length. Then take the next delivery.",
     "The JSON stops in the middle, or the length is below the one that was declared or expected. Log "
     "lines are cut at 256 bytes, at 4, 8 or 16 KiB, or with an ellipsis; body parsers and proxies have "
     "limits too, but mostly answer 413 instead of cutting. The rest is lost, so for a received "
     "signature this is a hint and can hardly ever be proved: only where nothing but the closing quotes "
     "and brackets is missing. With --computed it is proved when the whole body, cut at one of the usual "
     "lengths, gives your value."},
    {"body_utf16", "The body was converted from UTF-8 to UTF-16",
     "Keep the body as bytes, or write it with an encoding named: Set-Content -Encoding utf8NoBOM in "
     "PowerShell, Encoding.UTF8 in .NET.",
     "Files written by older PowerShell and some programs on Windows are UTF-16: every ASCII character "
     "is followed or preceded by a zero byte. With a byte-order mark, the Python SDK stops with a "
     "UnicodeDecodeError; without one it computes over the text with its zeros and reports a mismatch. "
     "Proved when the body converted back to UTF-8 reproduces the signature."},
    {"body_zero_width", "Zero-width characters were put into the body",
     "Take the body from a file or a raw view, not from a page, a chat or a word processor.",
     "Chats, wikis and web consoles put U+200B and its like into long words so that they can wrap. They "
     "cannot be seen; a JSON parser refuses them between members and keeps them inside texts. It happens "
     "to copies, not to a request on the wire. Proved when the body without them reproduces the "
     "signature."},
    {"body_zstd_encoded", "The body is still compressed with Zstandard",
     "Check the signature over the decompressed body: undo Content-Encoding first, or stop the proxy in "
     "front from compressing requests.",
     "The sender signed the plain JSON and something on the way compressed it, or a recorder stored it "
     "compressed. Such a body begins with the bytes 28 B5 2F FD. Python stops with a UnicodeDecodeError "
     "when it is given the bytes; the other SDKs report a mismatch. Decompressing is limited to 8 MiB "
     "and two layers. Proved when the decompressed body reproduces the signature."},
};

}  // namespace

std::span<const CatalogueEntry> body_entries() { return kEntries; }

}  // namespace callchain::diagnosis
