#!/usr/bin/env python3
"""The peer of the tests of core/http: servers that behave well, by aiohttp, and servers that do not, by hand.

Prints one line of NAME=VALUE pairs once all its ports are open, and ends when its standard input does.
Debian 12: apt-get install -y python3-aiohttp
"""

import asyncio
import base64
import hashlib
import logging
import ssl
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from aiohttp import WSMsgType, web

MASK = b"x" * 65536
routes = web.RouteTableDef()


# --- HTTP that follows the rules ---------------------------------------------------------------------------------

@routes.route("*", "/echo")
async def echo(request):
    """The request as it arrived: request line, header lines, an empty line, the body."""
    lines = [f"{request.method} {request.raw_path} HTTP/{request.version.major}.{request.version.minor}".encode()]
    lines += [name + b": " + value for name, value in request.raw_headers]
    return web.Response(body=b"\n".join(lines) + b"\n\n" + await request.read(), content_type="text/plain")


@routes.route("*", "/status/{code}")
async def status(request):
    return web.json_response({"code": request.match_info["code"]}, status=int(request.match_info["code"]))


@routes.route("*", "/slow/{milliseconds}")
async def slow(request):
    await asyncio.sleep(int(request.match_info["milliseconds"]) / 1000)
    return web.Response(text="late")


@routes.route("*", "/hang")
async def hang(_request):
    await asyncio.sleep(3600)


@routes.get("/big/{count}")
async def big(request):
    response = web.StreamResponse()
    await response.prepare(request)
    left = int(request.match_info["count"])
    while left > 0:
        await response.write(MASK[:left])
        left -= len(MASK)
    return response


@routes.route("*", "/redirect")
async def redirect(_request):
    raise web.HTTPFound("/echo")


@routes.route("*", "/retry-after")
async def retry_after(_request):
    return web.json_response({"error": "slow down"}, status=429, headers={"Retry-After": "7"})


# --- WebSockets that follow the rules, mostly -----------------------------------------------------------------------

async def upgraded(request, **options):
    socket = web.WebSocketResponse(max_msg_size=0, **options)
    await socket.prepare(request)
    return socket


@routes.get("/ws/echo")
async def ws_echo(request):
    socket = await upgraded(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket


@routes.get("/ws/count")
async def ws_count(request):
    """Says in its own close frame what it had received up to the other's."""
    socket = await upgraded(request, autoclose=False)
    count = 0
    async for _ in socket:
        count += 1
    await socket.close(code=4001, message=f"{count} messages, then {socket.close_code}".encode())
    return socket


@routes.get("/ws/request")
async def ws_request(request):
    socket = await upgraded(request)
    lines = [request.raw_path] + [f"{name.decode()}: {value.decode()}" for name, value in request.raw_headers]
    await socket.send_str("\n".join(lines))
    await socket.receive()
    return socket


@routes.get("/ws/refuse")
async def ws_refuse(_request):
    return web.json_response({"error": {"message": "no such call"}}, status=404)


@routes.get("/ws/refuse-at-length")
async def ws_refuse_at_length(_request):
    return web.Response(status=503, text="x" * 10_000)


@routes.get("/ws/close/{code}")
async def ws_close(request):
    socket = await upgraded(request)
    await socket.close(code=int(request.match_info["code"]), message=b"session expired")
    return socket


@routes.get("/ws/drop")
async def ws_drop(request):
    socket = await upgraded(request)
    await socket.send_str("before")
    request.transport.abort()
    return socket


@routes.get("/ws/silent")
async def ws_silent(request):
    """Reads everything and answers nothing, neither pings nor a close frame."""
    socket = await upgraded(request, autoping=False, autoclose=False)
    while request.transport is not None and not request.transport.is_closing():
        if (await socket.receive()).type in (WSMsgType.CLOSED, WSMsgType.ERROR):
            break
        await asyncio.sleep(0.01)
    return socket


@routes.get("/ws/pings")
async def ws_pings(request):
    """Answers pings, and tells of each in a text."""
    socket = await upgraded(request, autoping=False)
    async for message in socket:
        if message.type == WSMsgType.PING:
            await socket.pong(message.data)
            await socket.send_str("pinged")
    return socket


@routes.get("/ws/big/{count}")
async def ws_big(request):
    socket = await upgraded(request)
    await socket.send_str("y" * int(request.match_info["count"]))
    await socket.receive()
    return socket


@routes.get("/ws/binary")
async def ws_binary(request):
    socket = await upgraded(request)
    await socket.send_bytes(b"\x00\xff")
    await socket.send_str("text")
    await socket.receive()
    return socket


@routes.get("/ws/hang")
async def ws_hang(_request):
    await asyncio.sleep(3600)


# --- HTTP by hand, for what no server library does ------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
WHOLE_ANSWERS = {
    "/http10": b"HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\nuntil the end",
    "/interim": b"HTTP/1.1 100 Continue\r\nX-I: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                b"HTTP/1.1 201 Created\r\nX-Final: 1\r\nContent-Length: 0\r\n\r\n",
    "/headers": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-Folded: one\r\n two\r\nset-cookie: b=2\r\nX-Empty:\r\n"
                b"X-Blank:  \t padded \t\r\nContent-Length: 0\r\n\r\n",
    "/trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: late\r\n\r\n",
    "/long-header": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"v" * 1000) for i in range(100)) + b"\r\n",
    "/no-colon": b"HTTP/1.1 200 OK\r\nNo colon\r\nContent-Length: 2\r\n\r\nok",
    "/http12": b"HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "/garbage": b"SSH-2.0-OpenSSH_9.2\r\n",
    "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this",
    "/nothing": b"",
    "/ws-wrong-key": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
}
received = Counter()


async def read_request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
    if target == "/early":
        return method, target, head
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            await reader.readexactly(int(line.split(b":")[1]))
    return method, target, head


async def serve_by_hand(reader, writer):
    """The n-th request of a connection to /kept/… is answered, or not, as the rest of the path says."""
    on_connection = 0
    try:
        while True:
            method, target, head = await read_request(reader)
            received[target] += 1
            on_connection += 1
            if target.startswith("/count/"):
                count = str(received[target.removeprefix("/count")])
                writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" %
                             (len(count), count.encode()))
                break
            if (path := target.split("?")[0]) in WHOLE_ANSWERS:
                writer.write(WHOLE_ANSWERS[path])
                break
            if target == "/reset":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
                await writer.drain()
                await asyncio.sleep(0.05)
                writer.transport.abort()
                return
            if target == "/early":
                await answer_early(reader, writer)
                return
            if target.startswith("/ws-"):
                await open_web_socket(head, writer)
                await WEB_SOCKETS[target](reader, writer)
                return
            # /kept/once/…: the second request of a connection is read, and the connection closed without an answer.
            if target.startswith("/kept/once/") and on_connection > 1:
                break
            writer.write(OK if method != "HEAD" else OK[:-2])
            await writer.drain()
            # /kept/idle/…: answered as if the connection stayed, which is then closed.
            if target.startswith("/kept/idle/"):
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def answer_early(reader, writer):
    """Has the first half of an answer out before it reads the body, of 32 MiB, and the other half behind it."""
    writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nno")
    await writer.drain()
    await asyncio.sleep(0.05)
    try:
        await asyncio.wait_for(reader.readexactly(1 << 25), 1)
    except (asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError):
        pass  # the rest is not sent any more
    writer.write(b"pe")


async def open_web_socket(head, writer):
    key = next(line.split(b":")[1].strip() for line in head.split(b"\r\n")
               if line.lower().startswith(b"sec-websocket-key:"))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    await writer.drain()


async def never_read(_reader, _writer):
    await asyncio.sleep(3600)


async def drop_at_the_first_byte(reader, writer):
    await reader.read(1)
    writer.transport.abort()


async def talk_and_never_read(_reader, writer):
    writer.transport.pause_reading()
    for _ in range(4):
        writer.write(b"\x81\x04text")
        await asyncio.sleep(0.25)
    writer.transport.abort()


WEB_SOCKETS = {"/ws-stall": never_read, "/ws-drop": drop_at_the_first_byte, "/ws-talk": talk_and_never_read}


# --- A proxy that lets nobody through, and one that does -------------------------------------------------------------

async def serve_proxy(reader, writer):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        received["proxy"] += 1
        line = head.split(b"\r\n", 1)[0]
        body = b"by proxy: " + line
        code = b"403 Forbidden" if line.startswith(b"CONNECT") else b"200 OK"
        writer.write(b"HTTP/1.1 " + code + b"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


# --- Certificates ----------------------------------------------------------------------------------------------------

CA_SECTIONS = """
[ca]
default_ca = test
[test]
dir = .
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_certificates(folder):
    """ca.pem, and NAME.pem with its NAME.key for each server; `selfsigned` is signed by nobody else."""
    (folder / "ca.cnf").write_text(CA_SECTIONS)
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("01\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(folder, "req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "2")
    own_names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    openssl(folder, "req", "-x509", *new_key, "-keyout", "selfsigned.key", "-out", "selfsigned.pem",
            "-subj", "/CN=localhost", "-addext", own_names, "-days", "2")
    for name, names, dates in [("good", own_names, ("-days", "2")),
                               ("wrongname", "subjectAltName=DNS:other.example,IP:192.0.2.1", ("-days", "2")),
                               ("expired", own_names, ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z"))]:
        openssl(folder, "req", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}",
                "-addext", names)
        openssl(folder, "ca", "-batch", "-notext", "-config", "ca.cnf", "-in", f"{name}.csr", "-out", f"{name}.pem", *dates)


def tls_context(folder, name):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


# --- All of it ---------------------------------------------------------------------------------------------------------

async def open_ports(folder):
    """Name to port of every server."""
    application = web.Application(client_max_size=1 << 26)
    application.add_routes(routes)
    runner = web.AppRunner(application)
    await runner.setup()
    ports = {}
    contexts = {"http": None} | {name: tls_context(folder, name) for name in ("good", "wrongname", "expired", "selfsigned")}
    for name, context in contexts.items():
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context, backlog=1024)
        await site.start()
        ports[name] = runner.addresses[-1][1]
    for name, handler in (("raw", serve_by_hand), ("proxy", serve_proxy), ("mute", lambda _reader, _writer: asyncio.sleep(3600))):
        server = await asyncio.start_server(handler, "127.0.0.1", 0, backlog=1024)
        ports[name] = server.sockets[0].getsockname()[1]
    return ports


async def main():
    with tempfile.TemporaryDirectory(prefix="callchain-peer-") as name:
        folder = Path(name)
        make_certificates(folder)
        ports = await open_ports(folder)
        print(*(f"{name}={port}" for name, port in ports.items()), f"folder={folder}", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


logging.disable()  # clients that go away in mid-answer are what these tests are about
asyncio.run(main())
