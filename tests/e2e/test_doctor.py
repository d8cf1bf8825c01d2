"""`callchain doctor`: what it says of broken environments, kept as words, and what it does not do."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import Outcome
from openai_standin import Endpoint, error
from replay_runs import ROOT, assert_printable, closed_port
from serve_process import PROJECT, SECRET, TOKEN
from standin import Answer, Turns
from twilio_standin import ACCOUNT

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
# Name: (arguments, variables, exit code). Nothing of it is asked of anybody.
BROKEN = {
    "nothing-set": ([], {}, 1),
    "secret-and-key-swapped": (["--only", "serve,secrets"], {**WHOLE, "OPENAI_API_KEY": SECRET, "OPENAI_WEBHOOK_SECRET": KEY}, 1),
    "secret-in-quotes-with-line-end": (["--only", "serve,secrets"], {**WHOLE, "OPENAI_WEBHOOK_SECRET": f'"{SECRET}"\n'}, 0),
    "secret-without-prefix": (["--only", "secrets"], {**WHOLE, "OPENAI_WEBHOOK_SECRET": SECRET.removeprefix("whsec_")}, 0),
    "one-secret-in-two-places": (["--only", "secrets"], {**WHOLE, "TWILIO_AUTH_TOKEN": SECRET}, 1),
    "token-is-api-secret": (["--only", "secrets-twilio"], {**WHOLE, "TWILIO_AUTH_TOKEN": "SK" + "0" * 32}, 0),
    "names-misspelt-and-empty": (["--only", "environment"],
                                 {**WHOLE, "OPENAI_WEBHOOK_SECRET": "", "OPENAI_WEBHOOK_SECERT": OTHER, "CALLCHAIN_PUBLICURL": HERE,
                                  "https_proxy": "http://user:hidden@proxy.example:3128"}, 0),
    "railway": (["--only", "platform,public-url"],
                {**WHOLE, **RAILWAY, "CALLCHAIN_PUBLIC_URL": "http://bridge.up.railway.app", "CALLCHAIN_LISTEN": "127.0.0.1:5000",
                 "CALLCHAIN_CAPTURE_DIR": "/tmp/captures", "CALLCHAIN_LOG": "text", "RAILWAY_DEPLOYMENT_DRAINING_SECONDS": "5"}, 1),
    "railway-gateway": (["--only", "platform", "--for", "gateway"],
                        {**GATEWAY, "RAILWAY_ENVIRONMENT_NAME": "production", "USE_TLS": "false", "RAILWAY_TCP_PROXY_DOMAIN": "roundhouse.proxy.rlwy.net",
                         "RAILWAY_TCP_PROXY_PORT": "15140", "RAILWAY_TCP_APPLICATION_PORT": "5060", "CALLCHAIN_ADVERTISE": "sip.example.com:5060",
                         "RAILWAY_DEPLOYMENT_OVERLAP_SECONDS": "30"}, 1),
    "render": (["--only", "platform", "--for", "both"],
               {**WHOLE, **GATEWAY, "USE_TLS": "false", "RENDER": "true", "RENDER_SERVICE_NAME": "bridge", "RENDER_SERVICE_TYPE": "pserv"}, 1),
    "fly-with-udp": (["--only", "platform", "--for", "gateway"],
                     {**GATEWAY, "USE_TLS": "false", "CALLCHAIN_TWILIO_TRANSPORT": "udp", "CALLCHAIN_TWILIO_SECURE_MEDIA": "off", "PUBLIC_IP": "192.0.2.1", "FLY_APP_NAME": "bridge", "FLY_REGION": "gru"}, 0),
    "ca-file-of-nobody": (["--only", "ca-store"], {**WHOLE, "CALLCHAIN_CA_FILE": "authorities.pem"}, 1),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_broken_environments(doctor, name):
    args, variables, code = BROKEN[name]
    done = doctor(*args, *(["--skip", HOST] if not args else []), **variables)
    compare(name, done)
    assert (done.code, done.err) == (code, "")


def test_every_word_that_is_kept_is_of_a_test():
    ours = (ROOT / "tests/e2e/test_doctor.py").read_text(encoding="utf-8")
    for name in words_as_kept():
        assert name in BROKEN or name.removeprefix("api-") in FAULTS or f'compare("{name}"' in ours


# With stand-ins


@pytest.fixture
def asked(doctor, openai):
    """With the API's stand-in behind it."""
    openai.endpoints = [Endpoint("whe_1", HERE + "/openai/webhook", SECRET, name="bridge")]

    def run(*args: str, **variables: str | None) -> Outcome:
        return doctor("--online", *args, **{**WHOLE, "OPENAI_BASE_URL": openai.base_url, **variables})

    return run


def test_two_endpoints_and_one_secret_are_named_in_one_line(asked, openai):
    openai.endpoints = [Endpoint("whe_2", "https://laptop.example/openai/webhook", OTHER, name="tunnel"),
                        Endpoint("whe_1", HERE + "/openai/webhook", SECRET, name="bridge")]
    done = asked("--only", "endpoints", OPENAI_WEBHOOK_SECRET=OTHER)
    compare("two-endpoints", done)
    assert done.code == 1
    line = done.out.splitlines()[0]
    assert "OPENAI_WEBHOOK_SECRET" in line and 'whe_2 "tunnel"' in line and "bridge.example.com" in line


def test_a_warning_is_no_failure_unless_it_is_to_be(asked, openai):
    openai.endpoints.insert(0, Endpoint("whe_2", "https://laptop.example/openai/webhook", OTHER))
    done = asked("--only", "endpoints")
    assert done.code == 0 and done.out.startswith("warn ")
    done = asked("--only", "endpoints", "--fail-on", "endpoints")
    assert done.code == 1 and "because of --fail-on endpoints" in done.err


def test_what_is_right_passes(asked, openai):
    done = asked("--only", "api,endpoints,clock", "--json")
    assert done.code == 0, done.out
    assert {one["result"] for one in done.json()["checks"]} == {"pass"}
    assert set(checks(done)) == {"api", "api-key", "endpoints", "clock"}
    [request] = openai.requests  # one question answers three
    assert request.headers["openai-project"] == PROJECT


FAULTS = {
    "key-refused": (error(401, "invalid_api_key", "Incorrect API key provided"), 1),
    "key-of-another-project": (error(401, "mismatched_project", "OpenAI-Project header should match project for API key"), 1),
    "key-without-permission": (error(403, "insufficient_permissions", "Missing scopes: api.webhooks.read"), 0),
    "no-such-api": (error(404, "unknown_url", "Invalid URL"), 0),
    "server-error": (error(500, "server_error"), 0),
    "garbage": (Answer(200, b"<html>It works!</html>", {"Content-Type": "text/html"}), 0),
    "no-answer-in-time": (Answer(fault="hang"), 1),
    "connection-cut": (Answer(fault="reset"), 1),
}


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_the_api_answers_otherwise(asked, openai, name):
    answer, code = FAULTS[name]
    openai.endpoint_answers["list"] = Turns(answer)
    done = asked("--only", "api,endpoints", "--timeout", "1")
    compare("api-" + name, done)
    assert done.code == code


def test_nobody_listens(asked):
    done = asked("--only", "api,endpoints,clock", OPENAI_BASE_URL=f"http://127.0.0.1:{closed_port()}/v1")
    compare("no-network", done)
    assert done.code == 1


def test_a_name_that_is_none(asked):
    done = asked("--only", "api", OPENAI_BASE_URL="https://api.openai.invalid/v1", https_proxy="")
    assert done.code == 1
    assert "fail     api-name: no address for api.openai.invalid" in done.out
    assert "remedy: " in done.out


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


def with_date(seconds_off: float):
    def answer(handler):
        body = b'{"object":"list","data":[],"has_more":false}'
        handler.send_response_only(200)
        handler.send_header("Date", formatdate(time.time() + seconds_off, usegmt=True))
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.mark.parametrize(("off", "result", "words"), [(-365 * 86400, "fail", "365 days ahead of"), (365 * 86400, "fail", "behind"), (400, "fail", "behind"),
                                                      (-100, "warn", "ahead of"), (1, "pass", "within")])
def test_the_clock(asked, off, result, words):
    with http_server(with_date(off)) as port:
        done = asked("--only", "clock", "--json", OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1")
    clock = checks(done)["clock"]
    assert clock["result"] == result and words in clock["sentence"]
    assert clock["code"] == {("fail", "ahead"): "timestamp_too_old", ("fail", "behind"): "timestamp_too_new"}.get((result, words.split()[-2] if "days" in words else words.split()[0]))


def test_a_clock_that_is_a_year_off_in_words(asked):
    with http_server(with_date(-365 * 86400)) as port:
        compare("clock-a-year-off", asked("--only", "clock", OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1"))


def test_an_api_with_a_certificate_of_nobody(asked, certificate):
    """Also what a clock that is far off looks like is told apart: the certificate is out of date."""
    from openai_standin import OpenAiStandin
    with OpenAiStandin(certificate=certificate) as standin:
        done = asked("--only", "api", OPENAI_BASE_URL=f"https://localhost:{standin.port}/v1")
        assert done.code == 1 and "fail     api: " in done.out and "remedy: " in done.out
        assert standin.requests == []
        done = asked("--only", "api", OPENAI_BASE_URL=f"https://localhost:{standin.port}/v1", CALLCHAIN_CA_FILE=str(certificate[0]))
        assert "fail     api: " not in done.out


# Twilio's account


def account_server(status: int, body: dict):
    def answer(handler):
        wanted = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        known = handler.path == f"/2010-04-01/Accounts/{ACCOUNT}.json" and handler.headers["Authorization"] == wanted
        data = json.dumps(body if known else {"code": 20003}).encode()
        handler.send_response(status if known else 401)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


@pytest.mark.parametrize(("status", "body", "token", "result", "words"), [
    (200, {"status": "active"}, TOKEN, "pass", "the account is active"),
    (200, {"status": "suspended"}, TOKEN, "fail", "the account is suspended"),
    (200, {}, TOKEN, "warn", "not judged"),
    (404, {}, TOKEN, "fail", "there is no such account"),
    (503, {}, TOKEN, "warn", "not judged: Twilio answered 503"),
    (200, {"status": "active"}, "0" * 32, "fail", "no pair"),
])
def test_the_account_at_twilio(doctor, status, body, token, result, words):
    with http_server(account_server(status, body)) as port:
        done = doctor("--online", "--only", "twilio-account", "--json", TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN=token,
                      CALLCHAIN_TWILIO_API_URL=f"http://127.0.0.1:{port}")
    found = checks(done)["twilio-account"]
    assert found["result"] == result and words in found["sentence"]


def test_the_token_goes_nowhere_in_clear(doctor):
    done = doctor("--online", "--only", "twilio-account", TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN=TOKEN,
                  CALLCHAIN_TWILIO_API_URL="http://api.twilio.example")
    assert done.code == 1 and "only over https" in done.out


# Ports, files


def test_the_port_is_free(doctor):
    done = doctor("--only", "ports", "--json", **WHOLE, CALLCHAIN_LISTEN=f"127.0.0.1:{closed_port()}")
    assert checks(done)["ports"]["result"] == "pass"


def test_something_else_has_the_port(doctor):
    def nginx(handler):
        handler.send_response_only(404)
        handler.send_header("Server", "nginx\x1b[31m/1.22")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with http_server(nginx) as port:
        done = doctor("--only", "ports", **WHOLE, CALLCHAIN_LISTEN=f"127.0.0.1:{port}")
    assert done.code == 1
    assert re.search(r'^fail     ports: something else has port \d+: it answers 404, as "nginx', done.out)


def test_what_has_the_port_speaks_no_http(doctor):
    with socket.create_server(("127.0.0.1", 0)) as server:
        def greet():
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"220 mail.example ESMTP\r\n")
        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        done = doctor("--only", "ports", **WHOLE, CALLCHAIN_LISTEN=f"127.0.0.1:{server.getsockname()[1]}")
        thread.join(10)
    assert done.code == 1 and "does not answer as an HTTP server does" in done.out


def test_a_port_that_is_not_ours_to_take(doctor):
    # 192.0.2.0/24 is for documentation (RFC 5737): no host has that address, and nothing is sent to it.
    done = doctor("--only", "ports", "--timeout", "1", **WHOLE, CALLCHAIN_LISTEN="192.0.2.1:8000")
    assert done.code == 1 and "192.0.2.1:8000" in done.out


def test_the_folder_of_captures(doctor, callchain):
    folder = callchain.folder / "captures"
    variables = {**WHOLE, "CALLCHAIN_CAPTURE_DIR": str(folder)}
    done = doctor("--only", "captures", **variables)
    assert "is made when serve starts" in done.out and not folder.exists()
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    done = doctor("--only", "captures", **variables)
    assert done.code == 1 and "fail     captures: " in done.out and "remedy: chmod" in done.out
    folder.chmod(0o700)
    done = doctor("--only", "captures", **variables)
    assert done.code == 0 and "0 captures" in done.out
    done = doctor("--only", "captures", **{**variables, "CALLCHAIN_CAPTURE_DIR": str(callchain.folder / "missing/captures")})
    assert done.code == 1 and "cannot be made" in done.out


def test_a_folder_of_another_user(doctor, callchain):
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    folder = callchain.folder / "captures"
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)
    done = doctor("--only", "captures", **WHOLE, CALLCHAIN_CAPTURE_DIR=str(folder))
    assert done.code == 1 and "belongs to user 12345" in done.out


def test_files_of_variables(doctor, callchain):
    path = callchain.folder / "service.env"
    path.write_text("".join(f"{name}={value}\n" for name, value in WHOLE.items()))
    path.chmod(0o644)
    done = doctor("--only", "environment,env-files", "--env-file", "service.env", OPENAI_PROJECT_ID="proj_other")
    assert "others on this host may read service.env" in done.out
    assert "warn     environment-order: OPENAI_PROJECT_ID has one value in the environment and another in service.env" in done.out
    assert "5 known variables are set, 4 of them in service.env" in done.out
    path.chmod(0o600)
    assert "service.env is for its owner alone" in doctor("--only", "env-files", "--env-file", "service.env").out


def test_the_authorities(doctor, callchain, certificate):
    good = doctor("--only", "ca-store", **WHOLE, CALLCHAIN_CA_FILE=str(certificate[0]))
    assert good.code == 0 and "1 authority" in good.out
    (callchain.folder / "empty.pem").write_text("no certificate\n")
    for path, words in (("empty.pem", "no certificate in PEM form"), (".", "no regular file"), ("missing.pem", "No such file")):
        done = doctor("--only", "ca-store", **WHOLE, CALLCHAIN_CA_FILE=path)
        assert done.code == 1 and words in done.out


# The public URL


@contextmanager
def proxy_to(port: int, change=lambda body: body, location: str = "", drop_header: str = ""):
    """An edge in front of a service: http, one request at a time."""
    import http.client

    def answer(handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if location:
            handler.send_response(301)
            handler.send_header("Location", location + handler.path)
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
            if name.lower() not in ("connection", "transfer-encoding", drop_header):
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


def test_it_asks_itself_where_serve_does_not_run(doctor):
    port = closed_port()
    with proxy_to(port) as edge:
        done = ask_self(doctor, edge, f"127.0.0.1:{port}")
        compare("public-url-leads-here", done)
        assert done.code == 0
    with proxy_to(port, change=rewritten) as edge:
        done = ask_self(doctor, edge, f"127.0.0.1:{port}")
        compare("public-url-rewrites-bodies", done)
        assert done.code == 1


def test_it_asks_the_service_that_runs(doctor, serve):
    running = serve(CALLCHAIN_LISTEN="127.0.0.1:0")
    listen = f"127.0.0.1:{running.port}"
    with proxy_to(running.port) as edge:
        done = ask_self(doctor, edge, listen)
        compare("public-url-serve-runs", done)
        assert done.code == 0
        # The same service, and another secret in this environment.
        done = ask_self(doctor, edge, listen, OPENAI_WEBHOOK_SECRET=OTHER)
        compare("public-url-other-secret", done)
        assert done.code == 1
    with proxy_to(running.port, change=rewritten) as edge:
        assert ask_self(doctor, edge, listen).code == 1


def test_the_public_url_leads_to_another_process(doctor, serve):
    """A tunnel that still goes to the laptop."""
    here, laptop = serve(CALLCHAIN_LISTEN="127.0.0.1:0"), serve(CALLCHAIN_LISTEN="127.0.0.1:0")
    with proxy_to(laptop.port) as edge:
        done = ask_self(doctor, edge, f"127.0.0.1:{here.port}")
    compare("public-url-another-process", done)
    assert done.code == 1


def test_the_public_url_is_of_somebody_else(doctor):
    def welcome(handler):
        handler.send_response_only(200)
        handler.send_header("Server", "nginx")
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"ok")

    with http_server(welcome) as edge:
        done = ask_self(doctor, edge, f"127.0.0.1:{closed_port()}")
    compare("public-url-somebody-else", done)
    assert done.code == 1


def test_the_public_url_redirects_or_is_not_there(doctor):
    port = closed_port()
    with proxy_to(port, location="https://bridge.example.com") as edge:
        done = ask_self(doctor, edge, f"127.0.0.1:{port}")
        compare("public-url-redirects", done)
        assert done.code == 1
    done = ask_self(doctor, closed_port(), f"127.0.0.1:{port}")
    compare("public-url-not-there", done)
    assert done.code == 1


# The command


def test_nothing_is_sent_without_online(doctor, openai, twilio):
    done = doctor(**WHOLE, OPENAI_BASE_URL=openai.base_url, TWILIO_ACCOUNT_SID=ACCOUNT, CALLCHAIN_TWILIO_API_URL=twilio.base_url,
                  CALLCHAIN_LISTEN=f"127.0.0.1:{closed_port()}")
    assert openai.requests == [] and twilio.requests == []
    for name in ("api", "endpoints", "public-url", "sip", "twilio-account"):
        assert f"skipped  {name}: not asked: nothing is sent without --online" in done.out


def test_only_and_skip(doctor):
    done = doctor("--only", "secrets", "--skip", "secrets-twilio", "--json", **WHOLE)
    assert set(checks(done)) == {"secrets", "secrets-api-key"}
    done = doctor("--only", "secrets-api-key", "--json", **WHOLE)
    assert set(checks(done)) == {"secrets-api-key"}
    done = doctor("--only", "twilio", "--json", "--for", "both", **WHOLE)
    assert set(checks(done)) == {"twilio-account", "twilio-domain"}
    # Of what is not looked at there is one line, and no more.
    done = doctor("--json", **WHOLE)
    assert "gateway" in checks(done) and "twilio-domain" not in checks(done)
    done = doctor("--only", "secrets,endpoint")
    assert done.code == 2 and "did you mean endpoints?" in done.err
    done = doctor("--only", "environment", "--skip", "environment", **WHOLE)
    assert (done.code, done.out) == (0, "nothing was checked\n")


def test_each_check_is_there_as_soon_as_it_is_known(callchain, openai):
    """The line of an early check is printed while a later one still waits for its answer."""
    openai.endpoint_answers["list"] = Turns(Answer(fault="hang"))
    process = callchain.start("doctor", "--online", "--only", "environment,api", "--timeout", "20", **WHOLE, OPENAI_BASE_URL=openai.base_url)
    try:
        assert "environment: " in process.stdout.readline()
        assert openai.wait_for(lambda: openai.requests) and process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_the_last_line_is_the_sum(doctor):
    done = doctor("--only", "serve", "--json")
    results = [one["result"] for one in done.json()["checks"]]
    last = doctor("--only", "serve").out.splitlines()[-1]
    assert last.startswith(f"{results.count('fail')} fail (serve)") and f"{results.count('warn')} warn (serve)" in last


def test_the_gateway_is_looked_at_as_gateway_check_does(doctor, callchain):
    variables = {**GATEWAY, "USE_TLS": "false", "CALLCHAIN_LISTEN": "127.0.0.1:0"}
    done = doctor("--only", "gateway", "--json", **variables)
    single = callchain.run("gateway", "check", "--json", **variables)
    expected = [{**one, "name": "gateway-" + one["name"]} for one in single.json()["checks"] if not one["name"].startswith("twilio")]
    assert done.json()["checks"] == expected
    assert (done.json()["serve"], done.json()["gateway"]) == (False, True)


def test_the_sip_domain_is_asked(doctor):
    done = doctor("--online", "--only", "twilio-domain", "--timeout", "1",
                  **{**GATEWAY, "USE_TLS": "false", "CALLCHAIN_TWILIO_TRANSPORT": "tcp", "CALLCHAIN_TWILIO_SECURE_MEDIA": "off",
                     "PUBLIC_IP": "127.0.0.1", "TWILIO_SIP_DOMAIN": f"127.0.0.1:{closed_port()}"})
    assert done.code == 1 and "fail     twilio-domain-reachable: " in done.out


def test_openais_sip_endpoint_out_of_reach_is_a_warning(doctor):
    done = doctor("--online", "--only", "sip", "--timeout", "1", "--json", **WHOLE, CALLCHAIN_SIP_HOST="sip.openai.invalid",
                  CALLCHAIN_DNS_SERVERS=f"127.0.0.1:{closed_port()}")
    assert checks(done)["sip"]["result"] == "warn" and done.code == 0


def test_a_reader_that_goes_away_early(callchain):
    done = subprocess.run(f"'{callchain.path}' doctor | head -1", shell=True, capture_output=True, text=True, cwd=callchain.folder,
                          env=callchain.environment, check=False)
    assert done.stdout.count("\n") == 1 and done.stderr == ""


# What peers and careless hands bring


def test_what_a_server_says_is_no_line_of_ours(doctor):
    """Escapes, line ends and a secret in the answer to a delivery."""
    body = json.dumps({"outcome": "refused", "detail": f"timestamp_\x1b]0;x\x07\x1b[2J\nfail     fake: line {OTHER}"}).encode()

    def answer(handler):
        handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        handler.send_response_only(401 if handler.command == "POST" else 200)
        handler.send_header("Callchain-Instance", "\x1b[31mred")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with http_server(answer) as edge:
        done = ask_self(doctor, edge, f"127.0.0.1:{edge}")
    assert done.code == 1 and "\nfail     fake" not in done.out and "more: callchain explain timestamp_" not in done.out


@pytest.mark.parametrize("variables", [
    {"CALLCHAIN_PUBLIC_URL": SECRET}, {"CALLCHAIN_PUBLIC_URL": TOKEN}, {"CALLCHAIN_CAPTURE_DIR": f"/nowhere/{SECRET}"}, {"PORT": SECRET},
    {"TWILIO_ACCOUNT_SID": TOKEN, "TWILIO_AUTH_TOKEN": ACCOUNT}, {"OPENAI_PROJECT_ID": KEY}, {"RAILWAY_ENVIRONMENT_NAME": SECRET, "RAILWAY_SERVICE_NAME": SECRET},
    {"CALLCHAIN_TWILIO_API_URL": f"http://user:{TOKEN}@127.0.0.1:9", "TWILIO_ACCOUNT_SID": ACCOUNT},
    {"https_proxy": f"http://user:{TOKEN[:16]}/{TOKEN[16:]}@127.0.0.1:9"}], ids=lambda variables: " ".join(variables))
def test_a_secret_in_the_wrong_place_is_not_printed(asked, variables):
    for more in ([], ["-v", "-v"], ["--json"]):
        assert asked("--skip", "sip", "--timeout", "1", *more, **{**WHOLE, **variables}).code in (0, 1)  # hold() looks


def test_a_key_that_is_brought_back_is_withheld(doctor, openai):
    key = "gatewaykey-0123456789abcdefgh"
    openai.endpoint_answers["list"] = Turns(error(401, "bad_key", f"Incorrect API key provided: Bearer {key}"))
    openai.key = key
    done = doctor("--online", "--only", "api", **{**WHOLE, "OPENAI_BASE_URL": openai.base_url, "OPENAI_API_KEY": key})
    assert done.code == 1 and "Incorrect API key provided" in done.out and key[10:] not in done.out


def test_whoever_else_comes_is_sent_away_while_doctor_has_the_port(doctor):
    """A true delivery must be sent again, and no platform may believe that a service is there."""
    import http.client
    port, seen = closed_port(), []

    def strangers(handler):
        if handler.command == "GET":
            for method, target, body in (("POST", "/openai/webhook", b"{}"), ("GET", "/readyz", None), ("GET", "/healthz", None)):
                inner = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                inner.request(method, target, body)
                seen.append(inner.getresponse().status)
                inner.close()
        inner = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        length = int(handler.headers.get("Content-Length") or 0)
        inner.request(handler.command, handler.path, handler.rfile.read(length) if length else None,
                      {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "content-length")})
        got = inner.getresponse()
        data = got.read()
        if handler.command == "POST":  # and once more behind the delivery
            again = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            again.request("GET", "/readyz")
            seen.append(again.getresponse().status)
        handler.send_response_only(got.status)
        for name, value in got.getheaders():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    with http_server(strangers) as edge:
        done = ask_self(doctor, edge, f"127.0.0.1:{port}")
    assert done.code == 0, done.out
    assert seen == [503, 503, 503, 503]


def test_what_serve_would_listen_with_is_tried(doctor, callchain, own_certificate):
    port, admin = closed_port(), closed_port()
    at = {**WHOLE, "CALLCHAIN_LISTEN": f"127.0.0.1:{port}", "CALLCHAIN_ADMIN_LISTEN": f"127.0.0.1:{admin}"}
    assert set(checks(doctor("--only", "ports", "--json", **at))) == {"ports", "ports-admin"}
    done = doctor("--only", "ports", **at, CALLCHAIN_TLS_CERT="missing.pem", CALLCHAIN_TLS_KEY="missing.key")
    assert done.code == 1 and "missing.pem" in done.out
    (one, _), (_, other) = own_certificate("DNS:a.example"), own_certificate("DNS:b.example")
    assert doctor("--only", "ports", **at, CALLCHAIN_TLS_CERT=str(one), CALLCHAIN_TLS_KEY=str(other)).code == 1
    with socket.create_server(("127.0.0.1", admin)):
        done = doctor("--only", "ports", **at)
    assert done.code == 1 and f"fail     ports-admin: cannot listen on 127.0.0.1:{admin}" in done.out
    done = doctor("--only", "ports", **{**at, "CALLCHAIN_ADMIN_LISTEN": f"127.0.0.1:{port}"})
    assert done.code == 1 and "has the port of the service itself" in done.out


def test_a_service_with_tls_of_its_own_is_known_by_its_other_listener(doctor, serve, own_certificate):
    certificate, key = own_certificate("DNS:bridge.example.com")
    running = serve(CALLCHAIN_LISTEN="127.0.0.1:0", CALLCHAIN_TLS_CERT=str(certificate), CALLCHAIN_TLS_KEY=str(key))
    at = {**WHOLE, "CALLCHAIN_LISTEN": f"127.0.0.1:{running.port}", "CALLCHAIN_TLS_CERT": str(certificate), "CALLCHAIN_TLS_KEY": str(key)}
    done = doctor("--only", "ports", **at, CALLCHAIN_ADMIN_LISTEN=f"127.0.0.1:{running.admin_port}")
    assert done.code == 0 and "pass     ports: serve runs on port" in done.out
    done = doctor("--only", "ports", **at, CALLCHAIN_ADMIN_LISTEN="off")
    assert done.code == 0 and "warn     ports: " in done.out and "cannot be told" in done.out


def test_two_services_and_one_port(doctor):
    done = doctor("--only", "ports", "--for", "both", **WHOLE, **GATEWAY, USE_TLS="false", PUBLIC_IP="127.0.0.1", PORT=str(closed_port()))
    assert done.code == 1 and "fail     ports-shared: serve and the gateway would both listen on port" in done.out


@pytest.mark.parametrize("option", ["--only", "--skip", "--fail-on"])
def test_a_name_that_no_check_has(doctor, option):
    done = doctor(option, "api-keyy", **WHOLE)
    assert done.code == 2 and done.out == "" and "did you mean api-key?" in done.err


def test_a_list_that_does_not_end(asked):
    """Twenty pages are read, and what they cannot say is not said."""
    number = iter(range(10_000))

    def page(handler):
        body = json.dumps({"object": "list", "has_more": True, "last_id": (last := f"whe_{next(number)}"),
                           "data": [{"id": last, "url": "https://a.example", "event_types": ["batch.completed"]}]}).encode()
        handler.send_response_only(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with http_server(page) as port:
        done = asked("--only", "endpoints", OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1")
    assert done.out.startswith("warn     endpoints: not known: nothing is against the first 20 endpoints, and there are more")


def test_more_addresses_than_are_asked(doctor):
    port = closed_port()
    urls = ",".join(f"http://127.0.0.1:{closed_port()}" for _ in range(5))
    done = doctor("--online", "--only", "public-url", **{**WHOLE, "CALLCHAIN_PUBLIC_URL": urls, "CALLCHAIN_LISTEN": f"127.0.0.1:{port}"})
    assert done.out.count("fail     public-url: ") == 4 and "not asked, it is behind the fourth" in done.out


def test_a_port_that_nobody_knows_before(doctor):
    done = doctor("--online", "--only", "public-url", **{**WHOLE, "CALLCHAIN_PUBLIC_URL": f"http://127.0.0.1:{closed_port()}", "PORT": "0"})
    assert done.code == 0 and "skipped  public-url: not asked: PORT=0" in done.out


def test_a_proxy_that_only_a_file_has(doctor, callchain):
    (callchain.folder / "px.env").write_text("https_proxy=http://127.0.0.1:9\n")
    done = doctor("--only", "environment", "--env-file", "px.env", **WHOLE)
    assert "warn     environment-proxy: https_proxy stands in px.env alone, where nobody reads it" in done.out
    done = doctor("--only", "environment", **WHOLE, https_proxy="proxy.example:3128", no_proxy="api.openai.com")
    assert "goes through the proxy proxy.example:3128 (https_proxy), but for what no_proxy names" in done.out


def test_odd_values_of_the_platform(doctor, callchain):
    done = doctor("--only", "platform", **WHOLE, **{**RAILWAY, "PORT": "08080", "RAILWAY_DEPLOYMENT_DRAINING_SECONDS": "10s"})
    assert "platform-port" not in done.out and 'DRAINING_SECONDS is "10s", which is no number' in done.out
    for folder, kept in (("/data", True), ("/data/", True), ("/data/x", True), ("/data/../tmp", False), ("/database", False)):
        done = doctor("--only", "platform-files", **WHOLE, **RAILWAY, CALLCHAIN_CAPTURE_DIR=folder, RAILWAY_VOLUME_MOUNT_PATH="/data/")
        assert ("platform-files" in done.out) is not kept, folder
    done = doctor("--only", "captures", **WHOLE, CALLCHAIN_CAPTURE_DIR="new/")
    assert done.code == 0 and "is made when serve starts" in done.out


def test_an_own_file_that_is_not_read_is_told(doctor, callchain):
    path = callchain.folder / ".env"
    path.write_text("OPENAI_PROJECT_ID=proj_1\n")
    path.chmod(0o666)
    done = doctor("--only", "env-files")
    assert "warn     env-files: .env is there and was not read: others may write it" in done.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_at_once(callchain, openai, number):
    openai.endpoint_answers["list"] = Turns(Answer(fault="hang"))
    process = callchain.start("doctor", "--online", "--only", "api", "--timeout", "60", **WHOLE, OPENAI_BASE_URL=openai.base_url)
    assert openai.wait_for(lambda: openai.requests)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "", "callchain: doctor: interrupted\n")
