#!/usr/bin/env python3
"""Writes alterations.json: signed deliveries, each altered in one or two known ways.

The alterations are made by other people's code (Python's json, gzip, html, urllib and unicodedata, Node's JSON and
zlib, the zstd program), so that the diagnosis is not judged by its own mirror image. Run it again after adding a
row; the output is committed because not every machine that runs the tests has these tools.
"""
import base64
import gzip
import hashlib
import hmac
import html
import json
import subprocess
import unicodedata
import urllib.parse
import zlib
from pathlib import Path

KEY = bytes(range(32))
PAYLOAD = base64.b64encode(KEY).decode()
SECRET = "whsec_" + PAYLOAD
# A key whose base64 has '+' and '/', for the rows that are about these characters.
KEY_PLUS = bytes.fromhex("fbefbe" * 10 + "fbff")
SECRET_PLUS = "whsec_" + base64.b64encode(KEY_PLUS).decode()
ID = "wh_00000000000000000000000000000002"
TS = "1750287078"
EVENT = {
    "id": "evt_test_0001", "object": "event", "created_at": 1750287018, "type": "realtime.call.incoming",
    "data": {"call_id": "rtc_u1_test0001", "sip_headers": [
        {"name": "From", "value": "\"José & Co\" <sip:+15550100@sip.example.com>"},
        {"name": "To", "value": "sip:proj_test@sip.api.openai.com;transport=tls"},
        {"name": "X-Ratio", "value": "1.0/2"}]}}
BODY = json.dumps(EVENT).encode()                            # as OpenAI sends it: 354 bytes, ASCII
BODY_UTF8 = json.dumps(EVENT, ensure_ascii=False).encode()   # a sender that does not escape
BODY_INDENT = json.dumps(EVENT, indent=1).replace("\n ", "\n\t").encode()

cases = []


def sign(body, key=KEY, wid=ID, ts=TS, content=None, digest="sha256"):
    message = content if content is not None else f"{wid}.{ts}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, message, digest).digest()).decode()


def add(name, codes, body=BODY, signed=BODY, secret=SECRET, key=KEY, wid=ID, ts=TS, signature=None, headers=None, evidence=None, others=None):
    """`body`, `wid` and `ts` are what arrives; `signed` is what the sender signed."""
    cases.append({
        "name": name, "codes": codes if isinstance(codes, list) else [codes],
        "secret": base64.b64encode(secret.encode() if isinstance(secret, str) else secret).decode(),
        "id": wid, "timestamp": ts, "signature": signature if signature is not None else sign(signed, key),
        "body": base64.b64encode(body).decode(), "evidence": evidence or {}, "others": others or []})


def node(script, data):
    return subprocess.run(["node", "-e", script], input=data, capture_output=True, check=True).stdout


def stringify(data, *args):
    extra = "".join("," + json.dumps(a) for a in args)
    return node(f"process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0,'utf8')){extra}))", data)


# ---- secrets ----
Q = {"secret": "x"}
add("quoted", "secret_quoted", secret=f'"{SECRET}"', evidence={"serve_would_accept": True})
add("single-quoted", "secret_quoted", secret=f"'{SECRET}'", evidence={"serve_would_accept": True})
add("typographic quotes", "secret_quoted", secret=f"“{SECRET}”", evidence={"serve_would_accept": True})
add("backticks", "secret_quoted", secret=f"`{SECRET}`", evidence={"serve_would_accept": True})
add("escaped quotes", "secret_json_quoted", secret=f'\\"{SECRET}\\"')
add("JSON escapes", "secret_json_quoted", secret=json.dumps(SECRET_PLUS).replace("+", "\\u002b").replace("/", "\\/"), key=KEY_PLUS)
add("leading blank", "secret_leading_whitespace", secret=" " + SECRET, evidence={"serve_would_accept": True})
add("trailing blank", "secret_trailing_whitespace", secret=SECRET + " ", evidence={"serve_would_accept": True})
add("trailing LF", "secret_trailing_newline", secret=SECRET + "\n", evidence={"serve_would_accept": True})
add("trailing CRLF", "secret_trailing_newline", secret=SECRET + "\r\n", evidence={"serve_would_accept": True})
add("inner blank", "secret_inner_whitespace", secret=SECRET[:20] + " " + SECRET[20:])
add("inner line end", "secret_inner_whitespace", secret=SECRET[:20] + "\n" + SECRET[20:])
add("no-break space", "secret_invisible_character", secret="\u00a0" + SECRET)
add("zero width space", "secret_invisible_character", secret=SECRET[:12] + "\u200b" + SECRET[12:])
add("soft hyphen", "secret_invisible_character", secret=SECRET[:30] + "\u00ad" + SECRET[30:])
add("BOM", "secret_bom", secret="\ufeff" + SECRET, evidence={"serve_would_accept": True})
add("comma behind", "secret_trailing_punctuation", secret=SECRET + ",")
add("semicolon behind", "secret_trailing_punctuation", secret=SECRET + ";")
add("comment behind", "secret_comment_tail", secret=SECRET + " # the Railway one")
add("backslash n behind", "secret_escaped_newline", secret=SECRET + "\\n")
add("percent-encoded", "secret_percent_encoded", secret=urllib.parse.quote(SECRET_PLUS, safe=""), key=KEY_PLUS)
add("plus lost", "secret_plus_lost", secret=SECRET_PLUS.replace("+", " "), key=KEY_PLUS)
add("URL-safe alphabet", "secret_base64url", secret=SECRET_PLUS.replace("+", "-").replace("/", "_"), key=KEY_PLUS)
add("NAME=value", "secret_env_assignment", secret="OPENAI_WEBHOOK_SECRET=" + SECRET)
add("export NAME=value", "secret_env_assignment", secret="export OPENAI_WEBHOOK_SECRET=" + SECRET)
add("Bearer", "secret_bearer_prefix", secret="Bearer " + SECRET)
add("v1, in front", "secret_version_prefix", secret="v1," + SECRET)
add("prefix in capitals", "secret_prefix_case", secret="WHSEC_" + PAYLOAD)
add("prefix twice", "secret_prefix_doubled", secret="whsec_" + SECRET)
add("prefix missing", "secret_prefix_missing", secret=PAYLOAD)
add("padding too much", "secret_padding_extra", secret=SECRET + "=")
add("signed with the raw text", "secret_raw_text", key=SECRET.encode())
add("signed with the base64 text", "secret_undecoded_base64", key=PAYLOAD.encode())
add("signed with the prefix decoded too", "secret_prefix_decoded",
    key=node("process.stdout.write(Buffer.from(require('fs').readFileSync(0,'utf8'),'base64'))", SECRET.encode()))
add("signed with hex text", "secret_hex_of_key", key=KEY.hex().encode())
add("secret in hex", "secret_hex_text", secret="whsec_" + KEY.hex())
add("secret encoded twice inside", "secret_decoded_twice", secret="whsec_" + base64.b64encode(PAYLOAD.encode()).decode())
add("secret encoded as a whole", "secret_encoded_twice", secret=base64.b64encode(SECRET.encode()).decode())
add("last character lost", "secret_character_lost", secret=SECRET[:-2] + "=")
add("first character lost", "secret_character_lost", secret="whsec_" + PAYLOAD[1:])
add("a character in the middle lost", "secret_character_lost", secret=SECRET[:25] + SECRET[26:])
add("look-alike", "secret_confusable_character", secret=SECRET.replace("I", "l", 1))
add("a wrong character", "secret_character_wrong", secret=SECRET[:24] + ("x" if SECRET[24] != "x" else "y") + SECRET[25:])
add("empty key", "secret_empty", key=b"")

# ---- content ----
add("no id", "content_no_id", signature=sign(b"", content=f"{TS}.".encode() + BODY))
add("body only", "content_body_only", signature=sign(b"", content=BODY))
add("no timestamp", "content_no_timestamp", signature=sign(b"", content=f"{ID}.".encode() + BODY))
add("timestamp first", "content_timestamp_first", signature=sign(b"", content=f"{TS}.{ID}.".encode() + BODY))
add("empty id", "content_empty_id", signature=sign(b"", content=f".{TS}.".encode() + BODY))
for sep, sep_name in (("", "none"), (":", "colon"), ("|", "pipe"), ("\n", "newline")):
    add("separator " + sep_name, "content_separator", signature=sign(b"", content=f"{ID}{sep}{TS}{sep}".encode() + BODY), evidence={"separator": sep_name})
add("newline behind", "content_trailing_byte", signature=sign(b"", content=f"{ID}.{TS}.".encode() + BODY + b"."))
add("event id", "id_is_event_id", signature=sign(BODY, wid="evt_test_0001"))
add("call id", "id_is_call_id", signature=sign(BODY, wid="rtc_u1_test0001"))
add("id with blank", "id_whitespace", wid=ID + " ")
add("id with quotes", "id_quoted", wid=f'"{ID}"')
add("id in capitals", "id_case_changed", wid="WH_0A", signature=sign(BODY, wid="wh_0a"))
add("id twice", "header_joined", wid=f"{ID}, {ID}")
add("swapped", "id_timestamp_swapped", wid=TS, ts=ID, signature=sign(BODY))
add("other delivery", "id_of_other_delivery", wid="wh_other", ts="1750287099", signature=sign(BODY), others=[[ID, TS]])
add("created_at", "timestamp_is_created_at", signature=sign(BODY, ts="1750287018"))
add("milliseconds in the header", "timestamp_milliseconds", ts=TS + "000", signature=sign(BODY))
add("microseconds in the header", "timestamp_microseconds", ts=TS + "000000", signature=sign(BODY))
add("ISO 8601 in the header", "timestamp_iso8601", ts="2025-06-18T22:51:18Z", signature=sign(BODY))
add("float in the header", "timestamp_float", ts=TS + ".0", signature=sign(BODY))
add("leading zero", "timestamp_rerendered", ts="0" + TS, signature=sign(BODY))
add("plus sign", "timestamp_rerendered", ts="+" + TS, signature=sign(BODY))
add("signed in milliseconds", "timestamp_milliseconds", signature=sign(BODY, ts=TS + "000"))

# ---- bodies: JSON ----
def js(name, code, body, signed=BODY, style=None, **kw):
    add(name, code, body=body, signed=signed, evidence={"style": style} if style else {}, **kw)

js("JSON.stringify", "body_json_reserialized", stringify(BODY), style="compact")
js("JSON.stringify, indent 2", "body_json_reserialized", stringify(BODY, None, 2), style="indent-2")
js("JSON.stringify, tab", "body_json_reserialized", stringify(BODY, None, "\t"), style="indent-tab")
js("json.dumps indent 4", "body_json_reserialized", json.dumps(EVENT, indent=4).encode(), style="indent-4-ascii")
js("json.dumps compact", "body_json_reserialized", json.dumps(EVENT, separators=(",", ":")).encode(), style="compact-ascii")
js("PHP", "body_json_reserialized", json.dumps(EVENT, separators=(",", ":")).replace("/", "\\/").encode(), style="php")
go = json.dumps(EVENT, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
js("Go", "body_json_reserialized", go.encode(), style="go")
js("Go Encoder", "body_json_reserialized", go.encode() + b"\n", style="go")
js("Go of a map", "body_json_reserialized", json.dumps(EVENT, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode())
js("sort_keys", "body_json_keys_sorted", json.dumps(EVENT, sort_keys=True).encode())
shuffled = {k: EVENT[k] for k in ("type", "id", "data", "object", "created_at")}
js("members in another order", "body_json_keys_reordered", json.dumps(shuffled).encode())
js("escapes written out", "body_json_unicode_unescaped", BODY_UTF8)
js("escaped", "body_json_unicode_escaped", BODY, signed=BODY_UTF8)
js("slash escaped", "body_json_slash_escaped", BODY.replace(b"/", b"\\/"))
js("slash unescaped", "body_json_slash_unescaped", BODY, signed=BODY.replace(b"/", b"\\/"))
html_escaped = BODY.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
js("HTML escaped", "body_json_html_escaped", html_escaped)
js("HTML unescaped", "body_json_html_unescaped", BODY, signed=html_escaped)
js("hex in capitals", "body_json_hex_case", BODY.replace(b"\\u00e9", b"\\u00E9"))
js("number as float", "body_json_number_changed", BODY.replace(b"1750287018", b"1750287018.0"))
js("number as string", "body_json_number_changed", BODY.replace(b"1750287018", b'"1750287018"'))
with_null = json.loads(BODY)
with_null["data"]["sip_media_security"] = None
js("null dropped", "body_json_null_dropped", BODY, signed=json.dumps(with_null).encode())
js("null added", "body_json_null_added", json.dumps(with_null).encode())
js("JSON string", "body_json_string", json.dumps(BODY.decode()).encode())
js("JSON string twice", "body_json_string", json.dumps(json.dumps(BODY.decode())).encode())
js("backslash layer", "body_backslash_layer", json.dumps(BODY.decode())[1:-1].encode())
js("in an array", "body_in_array", b"[" + BODY + b"]")
js("envelope", "body_envelope", json.dumps({"body": BODY.decode(), "isBase64Encoded": False}).encode())
js("envelope with base64", "body_envelope", json.dumps({"body": base64.b64encode(BODY).decode(), "isBase64Encoded": True}).encode())
js("envelope with the object", "body_envelope", json.dumps({"event": EVENT, "source": "queue"}).encode())
js("Python bytes", "body_python_bytes", repr(BODY).encode())
js("Python dict", "body_python_dict", repr(EVENT).encode())
ruby = "{" + ", ".join(f'"{k}"=>' + (json.dumps(v, ensure_ascii=False) if not isinstance(v, dict) else "{}") for k, v in EVENT.items()) + "}"
ruby_event = dict(EVENT, data={})
js("Ruby inspect", "body_ruby_inspect", ruby.encode(), signed=json.dumps(ruby_event).encode())

# ---- bodies: text ----
add("LF behind", "body_trailing_newline_added", body=BODY + b"\n")
add("CRLF behind", "body_trailing_newline_added", body=BODY + b"\r\n")
add("LF lost", "body_trailing_newline_removed", body=BODY, signed=BODY + b"\n")
add("blank behind", "body_trailing_whitespace_added", body=BODY + b" ")
add("blank lost", "body_trailing_whitespace_removed", body=BODY, signed=BODY + b" ")
add("blank in front", "body_leading_whitespace_added", body=b" " + BODY)
add("LF in front lost", "body_leading_whitespace_removed", body=BODY, signed=b"\n" + BODY)
add("NUL behind", "body_nul_appended", body=BODY + b"\0")
NEWLINE = json.dumps(dict(EVENT, type="line one\nline two")).encode()
add("escapes interpreted by a shell", "body_escapes_interpreted", body=NEWLINE.replace(b"\\n", b"\n"), signed=NEWLINE)
add("BOM added", "body_bom_added", body=b"\xef\xbb\xbf" + BODY)
add("BOM lost", "body_bom_removed", body=BODY, signed=b"\xef\xbb\xbf" + BODY)
add("LF to CRLF", "body_lf_to_crlf", body=BODY_INDENT.replace(b"\n", b"\r\n"), signed=BODY_INDENT)
add("CRLF to LF", "body_crlf_to_lf", body=BODY_INDENT, signed=BODY_INDENT.replace(b"\n", b"\r\n"))
add("CR to LF", "body_cr_to_lf", body=BODY_INDENT, signed=BODY_INDENT.replace(b"\n", b"\r"))
add("mojibake", "body_mojibake", body=BODY_UTF8.decode("cp1252").encode(), signed=BODY_UTF8)
add("Latin-1", "body_latin1", body=BODY_UTF8.decode().encode("latin-1"), signed=BODY_UTF8)
add("UTF-16LE", "body_utf16", body=BODY.decode().encode("utf-16-le"))
add("UTF-16 with BOM", "body_utf16", body=BODY.decode().encode("utf-16"))
NFD = unicodedata.normalize("NFD", BODY_UTF8.decode()).encode()
add("NFC", "body_nfc", body=BODY_UTF8, signed=NFD)
add("NFD", "body_nfd", body=NFD, signed=BODY_UTF8)
curly = []
for i, piece in enumerate(BODY.decode().split('"')):
    curly += [piece, "“" if i % 2 == 0 else "”"]
add("smart quotes", "body_smart_quotes", body="".join(curly[:-1]).encode())
add("no-break spaces", "body_nbsp", body=BODY.replace(b" ", "\u00a0".encode()))
add("zero width", "body_zero_width", body="\u200b".encode() + BODY)
add("ANSI colours", "body_ansi_codes", body=b"\x1b[32m" + BODY + b"\x1b[0m")
add("line prefix", "body_line_prefix", body=b"2026-01-25T14:03:11.123Z [inf]  " + BODY)
add("tabs to spaces", "body_tabs_to_spaces", body=BODY_INDENT.replace(b"\t", b"    "), signed=BODY_INDENT)
add("closing brackets cut", "body_truncated", body=BODY[:-2])

# ---- bodies: codings ----
add("gzip", "body_gzip_encoded", body=gzip.compress(BODY, mtime=0))
add("gunzipped", "body_gzip_decoded", body=BODY, signed=gzip.compress(BODY, mtime=0))
add("zlib", "body_deflate_encoded", body=zlib.compress(BODY))
add("raw deflate", "body_deflate_encoded", body=zlib.compress(BODY, wbits=-15))
add("brotli", "body_brotli_encoded", body=node("process.stdout.write(require('zlib').brotliCompressSync(require('fs').readFileSync(0)))", BODY))
add("zstd", "body_zstd_encoded", body=subprocess.run(["zstd", "-c", "-q"], input=BODY, capture_output=True, check=True).stdout)
add("base64", "body_base64_encoded", body=base64.b64encode(BODY))
add("base64 in lines", "body_base64_encoded", body=base64.encodebytes(BODY))
add("base64 decoded", "body_base64_decoded", body=BODY, signed=base64.b64encode(BODY))
add("chunked", "body_chunk_framing", body=b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n")
add("multipart", "body_multipart", body=b'--xyz\r\nContent-Disposition: form-data; name="payload"\r\n\r\n' + BODY + b"\r\n--xyz--\r\n")
add("form field", "body_form_field", body=urllib.parse.urlencode({"payload": BODY.decode()}).encode())
add("form-encoded", "body_form_encoded", body=urllib.parse.quote_plus(BODY.decode()).encode())
add("percent-decoded", "body_percent_decoded", body=BODY, signed=BODY.replace(b"+", b"%2B"))
add("plus decoded", "body_percent_decoded", body=BODY.replace(b"+1555", b" 1555"))
add("HTML entities", "body_html_escaped", body=html.escape(BODY.decode()).encode())

# ---- signature text ----
GOOD = sign(BODY)
PLUS_TS = next(str(t) for t in range(1750287078, 1750290000) if "+" in sign(BODY, ts=str(t)) and "/" in sign(BODY, ts=str(t)))
SIG_PLUS = sign(BODY, ts=PLUS_TS)
add("scheme name", "signature_scheme_name", signature=GOOD.replace("v1,", "v1="))
add("sha256=", "signature_scheme_name", signature="sha256=" + GOOD[3:])
add("joined by comma", "signature_joined_by_comma", signature=sign(b"other") + "," + GOOD)
add("URL-safe", "signature_base64url", ts=PLUS_TS, signature=SIG_PLUS.replace("+", "-").replace("/", "_"))
add("padding lost", "signature_padding_lost", signature=GOOD.rstrip("="))
add("hex", "signature_hex", signature="v1," + base64.b64decode(GOOD[3:]).hex())
add("plus lost", "signature_plus_lost", ts=PLUS_TS, signature=SIG_PLUS.replace("+", " "))
add("percent", "signature_percent_encoded", ts=PLUS_TS, signature=urllib.parse.quote(SIG_PLUS, safe=""))
add("quoted", "signature_quoted", signature=f'"{GOOD}"')
add("case folded", "signature_case_folded", signature="v1," + GOOD[3:].lower())
add("truncated", "signature_truncated", signature=GOOD[:3 + 24] + "…")
add("SHA-1", "algorithm_sha1", signature=sign(BODY, digest="sha1"))
add("SHA-512", "algorithm_sha512", signature=sign(BODY, digest="sha512"))
add("unkeyed", "algorithm_unkeyed_sha256", signature="v1," + base64.b64encode(hashlib.sha256(KEY + f"{ID}.{TS}.".encode() + BODY).digest()).decode())

# ---- pairs ----
add("pair: quoted secret, compact body", ["secret_quoted", "body_json_reserialized"], secret=f'"{SECRET}"', body=stringify(BODY))
add("pair: LF on the secret, LF on the body", ["secret_trailing_newline", "body_trailing_newline_added"], secret=SECRET + "\n", body=BODY + b"\n")
add("pair: raw key, no id", ["secret_raw_text", "content_no_id"], signature=sign(b"", key=SECRET.encode(), content=f"{TS}.".encode() + BODY))
add("pair: event id, compact body", ["id_is_event_id", "body_json_reserialized"], signature=sign(BODY, wid="evt_test_0001"), body=stringify(BODY))
add("pair: compact body, hex signature", ["body_json_reserialized", "signature_hex"], body=stringify(BODY), signature="v1," + base64.b64decode(GOOD[3:]).hex())
add("pair: quotes and LF on the secret", ["secret_quoted", "secret_trailing_newline"], secret=f'"{SECRET}"\n')
add("pair: BOM and CRLF", ["body_bom_added", "body_trailing_newline_added"], body=b"\xef\xbb\xbf" + BODY + b"\r\n")
add("pair: gzip in base64", ["body_base64_encoded", "body_gzip_encoded"], body=base64.b64encode(gzip.compress(BODY, mtime=0)))
add("pair: base64 body in JSON string", ["body_base64_encoded", "body_json_string"], body=json.dumps(base64.b64encode(BODY).decode()).encode())
add("pair: Python bytes, LF", ["body_python_bytes", "body_trailing_newline_added"], body=repr(BODY + b"\n").encode())
add("pair: plus lost and quoted signature", ["signature_plus_lost", "signature_quoted"], ts=PLUS_TS, signature='"' + SIG_PLUS.replace("+", " ") + '"')
add("pair: key in hex text, SHA-512", ["secret_hex_of_key", "algorithm_sha512"], signature=sign(BODY, key=KEY.hex().encode(), digest="sha512"))

# Cases about the timestamp header sign what the sender had, not what arrived.
for case in cases:
    case["codes"].sort()
Path(__file__).with_name("alterations.json").write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")
print(len(cases), "cases")
