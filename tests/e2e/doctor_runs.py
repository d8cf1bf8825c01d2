"""Runs of `callchain doctor` as the tests see them, its words, and the servers that it meets."""

import base64
import http.client
import json
import os
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import Outcome
from openai_standin import Endpoint
from replay_runs import ROOT, assert_printable
from serve_process import PROJECT, SECRET, TOKEN

import schema_check

SCHEMAS = schema_check.Schemas(ROOT / "docs/schemas")
WORDS = ROOT / "tests/e2e/doctor_words.txt"
OTHER = "whsec_" + base64.b64encode(bytes(range(64, 96))).decode()
KEY = "sk-proj-standin-0123456789abcdefghij"
HERE = "https://bridge.example.com"
# What is right, so that a test breaks one thing.
WHOLE = {"OPENAI_API_KEY": KEY, "OPENAI_WEBHOOK_SECRET": SECRET, "OPENAI_PROJECT_ID": PROJECT, "TWILIO_AUTH_TOKEN": TOKEN,
         "CALLCHAIN_PUBLIC_URL": HERE}
# What differs from host to host.
HOST = "ports,descriptors,ca-store"


def hold(*texts: str) -> None:
    for text in texts:
        assert_printable(text)
        for secret in (SECRET, OTHER, KEY, TOKEN):
            middle = secret[10:-6]
            assert not any(middle[at:at + 12] in text for at in range(len(middle) - 11)), "a secret was printed"


@pytest.fixture
def doctor(callchain):
    """doctor(*ARGS, **VARIABLES): what it said; an empty variable is set and empty, None is not set."""

    def run(*args: str, **variables: str | None) -> Outcome:
        done = callchain.run("doctor", *args, **{name: value for name, value in variables.items() if value is not None})
        hold(done.out, done.err)
        if "--json" in args:
            problems = SCHEMAS.check_output(done.out.encode(), done.err.encode())
            assert not problems, problems
            assert "steps" in done.out or {one["name"] for one in json.loads(done.out)["checks"]} <= names
        return done

    listed = json.loads(callchain.run("doctor", "--list", "--json").out)
    names = {name for step in listed["steps"] for name in step["checks"]}
    return run


def checks(done: Outcome, result: str = "") -> dict[str, dict]:
    """By name; of those with one name, the last."""
    return {one["name"]: one for one in done.json()["checks"] if not result or one["result"] == result}


# Words


def without_measures(text: str) -> str:
    text = re.sub(r"127\.0\.0\.1:\d+|127\.0\.0\.1 port \d+", "127.0.0.1:PORT", text)
    text = re.sub(r"\b\d+ ms\b", "… ms", text)
    text = re.sub(r"\?doctor=\S+", "?doctor=…", text)
    return re.sub(r"(within|by) \d+ seconds? of", r"\1 … of", text)


def words_as_kept() -> dict[str, str]:
    sections = re.split(r"^=== (\S+)\n", WORDS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(sections[1::2], sections[2::2]))


def compare(name: str, done: Outcome) -> None:
    """With DOCTOR_WORDS=update the file takes what was said."""
    said = without_measures(done.out).rstrip("\n") + "\n"
    kept = words_as_kept()
    if os.environ.get("DOCTOR_WORDS") == "update":
        kept[name] = said + "\n"
        WORDS.write_text("".join(f"=== {key}\n{kept[key].rstrip()}\n\n" for key in sorted(kept)), encoding="utf-8")
        return
    assert said == kept[name].rstrip("\n") + "\n"


RAILWAY = {"RAILWAY_ENVIRONMENT_NAME": "production", "RAILWAY_SERVICE_NAME": "bridge", "PORT": "8080"}
GATEWAY = {"TWILIO_SIP_DOMAIN": "example.sip.twilio.com", "TWILIO_SIP_USERNAME": "gateway", "TWILIO_SIP_PASSWORD": "made-up-pass-1",
           "META_SIP_USERNAME": "556199998888", "META_SIP_PASSWORD": "made-up-pass-2"}


# With stand-ins


@pytest.fixture
def asked(doctor, openai):
    """With the API's stand-in behind it."""
    openai.endpoints = [Endpoint("whe_1", HERE + "/openai/webhook", SECRET, name="bridge")]

    def run(*args: str, **variables: str | None) -> Outcome:
        return doctor("--online", *args, **{**WHOLE, "OPENAI_BASE_URL": openai.base_url, **variables})

    return run


@contextmanager
def http_server(answer):
    """A server that is not ours; `answer(handler)` writes what it says."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer(self)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


# The public URL


@contextmanager
def proxy_to(port: int, change=lambda body: body, location: str = "", swallows: bool = False):
    """An edge in front of a service: http, one request at a time."""
    def answer(handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if location:
            handler.send_response(301)
            handler.send_header("Location", location + handler.path)
            handler.send_header("Content-Length", "0")
            return handler.end_headers()
        if swallows and body:
            handler.send_response(200)
            handler.send_header("Content-Length", "0")
            return handler.end_headers()
        inner = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            inner.request(handler.command, handler.path, change(body) if body else None,
                          {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "content-length")})
            got = inner.getresponse()
            data = got.read()
        except OSError:
            handler.send_response(502)
            handler.send_header("Content-Length", "0")
            return handler.end_headers()
        finally:
            inner.close()
        handler.send_response_only(got.status)
        for name, value in got.getheaders():
            if name.lower() not in ("connection", "transfer-encoding"):
                handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    with http_server(answer) as edge:
        yield edge


def rewritten(body: bytes) -> bytes:
    return json.dumps(json.loads(body), separators=(",", ":")).encode()


def ask_self(doctor, edge: int, listen: str, **variables: str) -> Outcome:
    return doctor("--online", "--only", "public-url", "--timeout", "5",
                  **{**WHOLE, "CALLCHAIN_PUBLIC_URL": f"http://127.0.0.1:{edge}", "CALLCHAIN_LISTEN": listen, **variables})
