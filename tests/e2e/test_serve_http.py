"""`callchain serve` as an HTTP server: paths, methods, framing, limits, TLS."""

import shutil
import socket
import ssl
import time

import pytest

from conftest import wait_until
from serve_process import Delivery, call_event, delivery_of, request
from standin import make_certificate

MEBIBYTE = 1 << 20


@pytest.fixture
def running(serve):
    return serve(CALLCHAIN_SIDEBAND="off")


def chunked(delivery: Delivery, size: int, target: str = "/openai/webhook") -> bytes:
    head = request("POST", target, [*delivery.all_headers(), ("Transfer-Encoding", "chunked")], b"")
    parts = [delivery.body[at:at + size] for at in range(0, len(delivery.body), size)]
    return head + b"".join(b"%x;extension=1\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\nTrailer: 1\r\n\r\n"


# Paths and methods


@pytest.mark.parametrize("method, target, allow", [
    ("GET", "/openai/webhook", "POST"), ("PUT", "/openai/webhook", "POST"), ("DELETE", "/twilio/voice", "GET, POST"),
    ("POST", "/healthz", "GET, HEAD"), ("PATCH", "/twilio/dial-status", "POST"), ("OPTIONS", "/openai/webhook", "POST"),
])
def test_another_method_is_answered_with_those_that_there_are(running, method, target, allow):
    reply = running.exchange(request(method, target, [], b""))
    assert (reply.status, reply.headers["allow"]) == (405, allow)


@pytest.mark.parametrize("target", ["/", "/openai", "/openai/webhook/x", "/OPENAI/WEBHOOK", "/openai/../openai/webhook",
                                    "/metrics", "/%6fpenai/webhook"])
def test_any_other_path_is_not_there(running, target):
    assert running.get(target).status == 404
    delivery = delivery_of("rtc_1")
    assert running.exchange(request("POST", target, delivery.all_headers(), delivery.body)).status == 404


def test_health_of_the_service(running):
    for admin in (False, True):
        assert running.get("/healthz", admin).status == 200
        assert running.get("/readyz", admin).json() == {"status": "ready", "warnings": []}


@pytest.mark.parametrize("target", ["/healthz", "/readyz"])
def test_head_has_the_length_and_no_body(running, target):
    length = running.get(target).headers["content-length"]
    with running.connect() as connection:
        connection.send(request("HEAD", target))
        reply = connection.read(has_body=False)
        assert (reply.status, reply.headers["content-length"]) == (200, length)
        connection.send(request("GET", target))  # the answer begins where the last one ended
        assert connection.read().status == 200


# Framing and limits


def test_a_body_of_the_largest_size_is_read_and_a_larger_one_is_refused(running):
    body = call_event("rtc_1")[:-1] + b" " * MEBIBYTE
    largest = Delivery(body[:MEBIBYTE - 1] + b"}")
    assert running.deliver(largest).outcome() == (200, "accepted")
    assert running.deliver(Delivery(b"x" * (MEBIBYTE + 1))).status == 413
    assert wait_until(lambda: running.metric("callchain_http_refused_total", status="413") == 1)


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_chunked_body_is_verified_without_its_framing(running, size):
    assert running.exchange(chunked(delivery_of("rtc_1"), size)).outcome() == (200, "accepted")


def test_a_chunked_body_is_limited_as_well(running):
    assert running.exchange(chunked(Delivery(b"x" * (MEBIBYTE + 1)), 65_536)).status == 413


@pytest.mark.parametrize("headers", [
    [("Content-Length", "5"), ("Content-Length", "6")], [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
    [("Content-Length", "-1")], [("Content-Length", "5x")],
], ids=["two lengths", "length and chunks", "negative", "no number"])
def test_a_length_that_can_be_read_in_two_ways_is_refused(running, headers):
    with running.connect() as connection:
        connection.send(request("POST", "/openai/webhook", headers) + b"0\r\n\r\n0")
        reply = connection.read()
        assert reply.status == 400
        assert connection.is_closed()


@pytest.mark.parametrize("data, status", [
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a client hello\r\n\r\n", 400),
    (b"GET /healthz HTTP/2.5\r\nHost: x\r\n\r\n", 400),
    (b"GET  /healthz\r\n\r\n", 400),
    (b"POST /openai/webhook HTTP/1.1\r\nHost: x\r\nExpect: the-moon\r\nContent-Length: 0\r\n\r\n", 417),
], ids=["large headers", "long target", "TLS", "HTTP/2.5", "no version", "Expect"])
def test_what_is_no_request_for_us_is_refused(running, data, status):
    assert running.exchange(data).status in {status, 505 if status == 400 else status}
    assert running.get("/healthz").status == 200


def test_expect_is_answered_before_the_body(running):
    delivery = delivery_of("rtc_1")
    delivery.headers = [("Expect", "100-continue")]
    head, _, body = delivery.request().partition(b"\r\n\r\n")
    with running.connect() as connection:
        connection.send(head + b"\r\n\r\n")
        assert connection.read().status == 100
        connection.send(body)
        assert connection.read().outcome() == (200, "accepted")


def test_expect_spares_a_body_that_is_too_large(running):
    headers = [("Expect", "100-continue"), ("Content-Length", str(MEBIBYTE + 1))]
    assert running.exchange(request("POST", "/openai/webhook", headers)).status == 413


def test_pipelined_deliveries_are_answered_in_order(running, openai):
    known, other = delivery_of("rtc_1"), Delivery(b'{"type": "batch.completed"}')
    forged = delivery_of("rtc_2")
    forged.signature = "v1,AAAA"
    with running.connect() as connection:
        connection.send(b"".join(each.request() for each in (known, other, forged, delivery_of("rtc_3"))))
        answers = [connection.read().outcome() for _ in range(4)]
    assert answers == [(200, "accepted"), (200, "ignored"), (401, "refused"), (200, "accepted")]
    assert [accept.path.split("/")[4] for accept in openai.requests] == ["rtc_1", "rtc_3"]


def test_a_request_in_single_bytes_is_one(running):
    with running.connect() as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at, _ in enumerate(data := delivery_of("rtc_1").request()):
            connection.send(data[at:at + 1])
        assert connection.read().outcome() == (200, "accepted")


def test_connection_close_and_http_1_0_end_the_connection(running):
    for data in (request("GET", "/healthz", [("Connection", "close")]), b"GET /healthz HTTP/1.0\r\n\r\n"):
        with running.connect() as connection:
            connection.send(data)
            assert connection.read().status == 200
            assert connection.is_closed()


def test_a_client_that_leaves_is_no_loss(running, openai):
    for call in range(5):
        with running.connect() as connection:
            connection.send(delivery_of(f"rtc_{call}").request())
    assert openai.wait_for(lambda: len(openai.requests) == 5)
    assert running.get("/healthz").status == 200


# TLS


def trusting(certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def serial_of(running, certificate) -> str:
    with running.connect(tls=trusting(certificate)) as connection:
        return connection.socket.getpeercert()["serialNumber"]


def test_it_speaks_tls_itself_and_reads_a_new_certificate_on_sighup(serve, certificate, tmp_path):
    for source, name in zip(certificate, ("tls.crt", "tls.key")):
        shutil.copy(source, tmp_path / name)
    running = serve(CALLCHAIN_TLS_CERT="tls.crt", CALLCHAIN_TLS_KEY="tls.key", CALLCHAIN_SIDEBAND="off")
    assert running.logged("ready")["listen"].startswith("https://")
    first = serial_of(running, certificate[0])
    with running.connect(tls=trusting(certificate[0])) as kept:
        kept.send(delivery_of("rtc_1").request())
        assert kept.read().outcome() == (200, "accepted")
        (tmp_path / "new").mkdir()
        for source, name in zip(new := make_certificate(tmp_path / "new"), ("tls.crt", "tls.key")):
            shutil.copy(source, tmp_path / name)
        running.signal(1)
        running.logged("certificate read again")
        assert serial_of(running, new[0]) != first
        with pytest.raises(ssl.SSLCertVerificationError):
            serial_of(running, certificate[0])
        kept.send(delivery_of("rtc_2").request())  # a connection that is open keeps the old one
        assert kept.read().outcome() == (200, "accepted")
        (tmp_path / "tls.crt").write_text("no certificate")
        running.signal(1)
        assert running.logged("certificate could not be read again; the old one stays in use")["error"]
        assert serial_of(running, new[0])


def test_sighup_without_tls_ends_nothing(running):
    running.signal(1)
    time.sleep(0.1)
    assert running.get("/healthz").status == 200


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_cannot_be_read_is_exit_2(serve, certificate, tmp_path, content):
    if content:
        (tmp_path / "tls.crt").write_text(content)
    stopped = serve.start(CALLCHAIN_TLS_CERT="tls.crt", CALLCHAIN_TLS_KEY=str(certificate[1]))
    assert stopped.wait() == 2
    assert "tls.crt" in stopped.err()
