"""`callchain doctor`: its own address from outside, and what peers and careless hands bring."""

import http.client
import json
import signal
import socket

import pytest

from doctor_runs import GATEWAY, KEY, OTHER, RAILWAY, WHOLE, ask_self, asked, checks, compare, doctor, hold, http_server, proxy_to, rewritten  # noqa: F401  (fixtures)
from openai_standin import error
from replay_runs import closed_port
from serve_process import SECRET, TOKEN
from standin import Answer, Turns
from twilio_standin import ACCOUNT

# The public URL


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


def test_a_service_with_tls_of_its_own_is_asked_by_its_name(doctor, serve, own_certificate):
    certificate, key = own_certificate("DNS:localhost")
    running = serve(CALLCHAIN_LISTEN="127.0.0.1:0", CALLCHAIN_TLS_CERT=str(certificate), CALLCHAIN_TLS_KEY=str(key))
    at = {**WHOLE, "CALLCHAIN_LISTEN": f"127.0.0.1:{running.port}", "CALLCHAIN_TLS_CERT": str(certificate), "CALLCHAIN_TLS_KEY": str(key),
          "CALLCHAIN_PUBLIC_URL": f"https://localhost:{running.port}", "CALLCHAIN_CA_FILE": str(certificate)}
    for admin, words in ((f"127.0.0.1:{running.admin_port}", "leads here"), ("off", "callchain answers at")):
        done = doctor("--online", "--only", "public-url", **at, CALLCHAIN_ADMIN_LISTEN=admin)
        assert done.code == 0 and words in done.out.splitlines()[0] and "was verified at" in done.out, done.out


def test_the_delivery_of_one_address_stands_for_no_other(doctor):
    """The second one answers the question, and swallows the delivery with 200."""
    port = closed_port()
    with proxy_to(port) as whole, proxy_to(port, swallows=True) as swallowing:
        done = doctor("--online", "--only", "public-url",
                      **{**WHOLE, "CALLCHAIN_PUBLIC_URL": f"http://127.0.0.1:{whole},http://127.0.0.1:{swallowing}", "CALLCHAIN_LISTEN": f"127.0.0.1:{port}"})
    assert done.code == 1
    assert f"pass     public-url-body: a body of 175 bytes came through http://127.0.0.1:{whole}" in done.out
    assert f"fail     public-url-body: a POST to http://127.0.0.1:{swallowing} did not arrive here" in done.out


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
