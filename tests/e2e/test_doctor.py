"""`callchain doctor`: what it says of broken environments, kept as words, and what it does not do."""

import base64
import json
import os
import re
import socket
import subprocess
import threading
import time
from email.utils import formatdate

import pytest

from doctor_runs import GATEWAY, HERE, HOST, KEY, OTHER, RAILWAY, WHOLE, asked, checks, compare, doctor, http_server, words_as_kept  # noqa: F401  (fixtures)
from openai_standin import Endpoint, OpenAiStandin, error
from replay_runs import ROOT, closed_port
from serve_process import PROJECT, SECRET, TOKEN
from standin import Answer, Turns
from twilio_standin import ACCOUNT

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
    ours = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/e2e").glob("test_doctor*.py"))
    for name in words_as_kept():
        assert name in BROKEN or name.removeprefix("api-") in FAULTS or f'compare("{name}"' in ours


# With stand-ins


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
