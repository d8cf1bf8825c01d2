"""`callchain health` against a running serve, a running gateway, and what is neither."""

import json
import re
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import Outcome, stop
from replay_runs import ROOT, closed_port

import schema_check

SCHEMAS = schema_check.Schemas(ROOT / "docs/schemas")
GATEWAY = {"TWILIO_SIP_DOMAIN": "127.0.0.1:5070", "TWILIO_SIP_USERNAME": "gateway01", "TWILIO_SIP_PASSWORD": "made-up-0123456789",
           "META_SIP_USERNAME": "12145551869", "META_SIP_PASSWORD": "made-up-9876543210", "USE_TLS": "false",
           "CALLCHAIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_ADMIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_TWILIO_TRANSPORT": "udp",
           "CALLCHAIN_TWILIO_SECURE_MEDIA": "off", "CALLCHAIN_ALLOW": "127.0.0.0/8", "CALLCHAIN_LOG": "json"}


@pytest.fixture
def health(callchain):
    """Asks, and holds what it prints by its schema."""

    def run(*args: str, **variables: str) -> Outcome:
        done = callchain.run("health", *args, **variables)
        if "--json" in args:
            problems = SCHEMAS.check_output(done.out.encode(), done.err.encode())
            assert not problems, problems
        return done

    return run


@pytest.fixture
def gateway(callchain):
    """A running gateway; its admin address."""
    process = callchain.start("gateway", "run", **GATEWAY)
    ready = next(line for line in map(json.loads, process.stdout) if line["message"] == "ready")
    yield re.search(r"127\.0\.0\.1:\d+", ready["admin"])[0]
    stop(process)


@pytest.fixture
def answering():
    """answering(STATUS, BODY): the port of a server that answers so to everything; it keeps the paths."""
    servers = []

    def start(status: int, body: bytes) -> ThreadingHTTPServer:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.server.paths.append(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.paths = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_running_serve_is_healthy_by_its_own_settings(serve, health):
    running = serve()
    for variables in ({"PORT": str(running.port)}, {"CALLCHAIN_LISTEN": f"0.0.0.0:{running.port}"},
                      {"CALLCHAIN_TLS_CERT": "chain.pem", "CALLCHAIN_ADMIN_LISTEN": f"127.0.0.1:{running.admin_port}"}):
        done = health("serve", **variables)
        assert (done.code, done.err) == (0, "")
        assert re.fullmatch(r"healthy: http://127\.0\.0\.1:\d+/readyz answered 200 after \d+ ms: ready\n", done.out)


def test_what_serve_warns_of_is_said(serve, health):
    running = serve(TWILIO_AUTH_TOKEN="")
    url = f"http://127.0.0.1:{running.port}"
    warning = "TWILIO_AUTH_TOKEN is not set: requests of Twilio are not verified"
    assert f"\nwarning: {warning}\n" in health(url).out
    assert health(url, "--json").json()["readiness"] == {"status": "ready", "warnings": [warning]}


def test_a_serve_that_drains_lives_and_is_not_ready(serve, health):
    running = serve()
    admin = f"http://127.0.0.1:{running.admin_port}"
    with running.connect() as connection:
        connection.send(b"POST /openai/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        assert health(admin).code == 0
        running.signal(signal.SIGTERM)
        running.logged("draining: no new calls are taken")
        done = health(admin)
        assert done.code == 1
        assert re.fullmatch(r"not healthy: \S+/readyz answered 503 after \d+ ms: draining\n", done.out)
        document = health(admin, "--json").json()
        assert (document["healthy"], document["status"], document["readiness"]["status"]) == (False, 503, "draining")
        assert health(admin, "--live").code == 0


def test_a_running_gateway_is_healthy_named_or_not(gateway, health):
    for words in (["gateway"], []):
        # PORT is the gateway's SIP port, of which HTTP is not to be asked.
        done = health(*words, "--json", CALLCHAIN_ADMIN_LISTEN=gateway, PORT="5060")
        assert done.code == 0
        assert done.json()["urls"] == [f"http://{gateway}/readyz"]


def test_where_no_gateway_listens_serve_is_asked(serve, health):
    running = serve()
    nobody = f"127.0.0.1:{closed_port()}"
    done = health("--json", "-v", PORT=str(running.port), CALLCHAIN_ADMIN_LISTEN=nobody)
    assert done.code == 0
    assert done.json()["urls"] == [f"http://{nobody}/readyz", f"http://127.0.0.1:{running.port}/readyz"]
    done = health(PORT=str(closed_port()), CALLCHAIN_ADMIN_LISTEN=nobody)
    assert done.code == 6
    assert f"no answer from http://{nobody}/readyz, nor from http://127.0.0.1:" in done.err


def test_another_program_is_not_healthy(health, answering):
    server = answering(404, b"<h1>\x1b[31mnothing</h1>")
    done = health(f"http://127.0.0.1:{server.server_port}")
    assert done.code == 1
    assert done.out.startswith("not healthy: ") and "answered 404" in done.out and "\x1b" not in done.out + done.err
    assert "something else than callchain" in done.err
    done = health(f"http://127.0.0.1:{server.server_port}/some/path?a=1", "--json", "--live")
    assert (done.code, done.json()["readiness"]) == (1, None)
    assert server.paths == ["/readyz", "/some/path?a=1"]


def test_a_readiness_page_of_somebody_else_does_no_harm(health, answering):
    server = answering(200, json.dumps({"status": "\x1b[2Jready", "warnings": ["a\nb", 7, {}]}).encode())
    done = health(f"http://127.0.0.1:{server.server_port}")
    assert done.code == 0 and "\x1b" not in done.out and done.out.count("\n") == 2
    for body in (b'{"status": 1}', b'{"status": "ready", "warnings": 7}', b"[", b"[" * 16000, b"\xff\xfe"):
        assert health(f"http://127.0.0.1:{answering(200, body).server_port}", "--json").code == 0


def test_proxies_are_passed_by(serve, health):
    running = serve()
    proxy = f"http://127.0.0.1:{closed_port()}"
    assert health(f"http://127.0.0.1:{running.port}", http_proxy=proxy, all_proxy=proxy).code == 0


def test_a_port_that_says_nothing_is_given_up(health):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = health(f"http://127.0.0.1:{silent.getsockname()[1]}", "--timeout", "0.3", "--json")
    assert done.code == 6
    assert done.json()["failure"]


def test_a_stranger_at_the_port_of_serve_is_not_serve(health, answering):
    """Any page of 200 would do where a URL is named, and none where a service is."""
    server = answering(200, b'{"status":"ready","warnings":[]}')
    for words in (["serve"], ["gateway"], []):
        at = f"127.0.0.1:{server.server_port}"
        done = health(*words, PORT=str(server.server_port), CALLCHAIN_ADMIN_LISTEN=at)
        assert done.code == 1 and done.out.startswith("not healthy: ") and "something else than callchain" in done.err
        assert health(*words, "--json", PORT=str(server.server_port), CALLCHAIN_ADMIN_LISTEN=at).json()["healthy"] is False
    assert health(f"http://127.0.0.1:{server.server_port}").code == 0


def test_a_serve_that_drains_is_found_where_it_still_listens(serve, health):
    running = serve()
    at = {"PORT": str(running.port), "CALLCHAIN_ADMIN_LISTEN": f"127.0.0.1:{running.admin_port}"}
    with running.connect() as connection:
        connection.send(b"POST /openai/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        assert health("serve", **at).code == 0
        running.signal(signal.SIGTERM)
        running.logged("draining: no new calls are taken")
        for words in (["serve"], []):
            assert health(*words, **at).code == 1
            assert health(*words, "--live", **at).code == 0


def test_certificates_that_cannot_be_read(health):
    done = health("https://127.0.0.1:1/", "--ca-file", "missing.pem")
    assert done.code == 2 and "--ca-file: cannot read the authorities in missing.pem" in done.err
    assert health("https://127.0.0.1:1/", CALLCHAIN_CA_FILE="missing.pem").code == 2


def test_an_interrupt_ends_it_at_once(callchain):
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = callchain.start("health", f"http://127.0.0.1:{server.getsockname()[1]}/", "--timeout", "60")
        connection, _ = server.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "", "callchain: health: interrupted\n")
