"""A small SIP server on loopback for the tests of `gateway probe` and `gateway check --online`.

What it answers is a function of the request. Its digest is computed here with hashlib, from RFC 7616, independent of the program
under test.
"""

import hashlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable

PASSWORD = "made-up-0123456789"
REALM = "r.example"
ALGORITHMS = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}

Handler = Callable[[str], Iterable[bytes]]


def header(message: str, name: str) -> str:
    found = re.search(rf"^{name}:\s*(.*?)\r?$", message, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""


def method_of(message: str) -> str:
    return message.split(" ", 1)[0]


def answer(request: str, status: int, reason: str, *more: str) -> bytes:
    to = header(request, "To")
    lines = [f"SIP/2.0 {status} {reason}", *(f"{name}: {header(request, name)}" for name in ("Via", "From", "Call-ID", "CSeq")),
             f"To: {to}" if "tag=" in to else f"To: {to};tag=responder", *more, "Content-Length: 0"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def is_right(request: str, credentials: str, algorithm: str) -> bool:
    """RFC 7616 section 3.4.1, with qop=auth."""
    fields = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', credentials)}

    def digest(text: str) -> str:
        return ALGORITHMS[algorithm](text.encode()).hexdigest()

    secret = digest(f"{fields['username']}:{REALM}:{PASSWORD}")
    what = digest(f"{method_of(request)}:{fields['uri']}")
    return fields["response"] == digest(":".join([secret, fields["nonce"], fields["nc"], fields["cnonce"], fields["qop"], what]))


def asks_for_digest(status: int, then: int, reason: str, *more: str, algorithm: str = "MD5") -> Handler:
    """Challenges with 401 or 407 until the digest is right, and then answers `then`."""
    asked, given = ("WWW-Authenticate", "Authorization") if status == 401 else ("Proxy-Authenticate", "Proxy-Authorization")

    def handle(request: str) -> Iterable[bytes]:
        if method_of(request) == "ACK":
            return []
        credentials = header(request, given)
        if credentials and is_right(request, credentials, algorithm):
            return [answer(request, then, reason, *more)]
        nonce = "second" if credentials else "first"
        return [answer(request, status, "Who Is It", f'{asked}: Digest realm="{REALM}",nonce="{nonce}",algorithm={algorithm},qop="auth"')]

    return handle


class SipResponder:
    """Serves on a thread until it is closed; one connection after the other. `seen` has every request, whole."""

    def __init__(self, handler: Handler, transport: str = "tcp", tls: ssl.SSLContext | None = None):
        self.handler, self.transport, self.tls = handler, transport, tls
        self.seen: list[str] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        if transport != "udp":
            self.socket.listen()
        self.closing = False
        self.thread = threading.Thread(target=self._serve_datagrams if transport == "udp" else self._serve_connections, daemon=True)
        self.thread.start()

    def __enter__(self) -> "SipResponder":
        return self

    def __exit__(self, *_) -> None:
        self.closing = True
        self._wake()
        self.thread.join()
        self.socket.close()

    @property
    def target(self) -> str:
        return f"sip:bridge@127.0.0.1:{self.port};transport={self.transport}"

    @property
    def methods(self) -> list[str]:
        return [method_of(message) for message in self.seen]

    def _wake(self) -> None:
        if self.transport == "udp":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.sendto(b"", ("127.0.0.1", self.port))
        else:
            socket.create_connection(("127.0.0.1", self.port)).close()

    def _react(self, message: str, send: Callable[[bytes], object]) -> None:
        self.seen.append(message)
        for reply in self.handler(message):
            send(reply)

    def _serve_datagrams(self) -> None:
        while True:
            data, peer = self.socket.recvfrom(65535)
            if self.closing:
                return
            self._react(data.decode(), lambda reply, to=peer: self.socket.sendto(reply, to))

    def _serve_connections(self) -> None:
        while True:
            connection, _ = self.socket.accept()
            if self.closing:
                connection.close()
                return
            try:
                self._serve(self.tls.wrap_socket(connection, server_side=True) if self.tls else connection)
            except OSError:
                pass  # who leaves in the middle, or does not like the certificate
            finally:
                connection.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            buffer = b""
            while data := connection.recv(65535):
                buffer += data
                while b"\r\n\r\n" in buffer:
                    head, buffer = buffer.split(b"\r\n\r\n", 1)
                    if head.strip():
                        self._react(head.decode() + "\r\n\r\n", connection.sendall)
