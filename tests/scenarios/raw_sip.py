"""A small speaker of SIP for what SIPp is clumsy at: whoever uses it says each message, and hears each that comes."""

import contextlib
import hashlib
import itertools
import queue
import re
import secrets
import select
import socket
import ssl
import threading
import time
from pathlib import Path

WAIT_SECONDS = 20
CALLER = '"12195550714" <sip:+12195550714@wa.meta.vc>'
NUMBER = "12145551869"
_numbers = itertools.count(1)


class Message:
    """One that came, and by what line."""

    def __init__(self, data: bytes, line: "Line"):
        self.data, self.line = data, line
        head, _, body = data.partition(b"\r\n\r\n")
        self.body = body.decode(errors="replace")
        self.start, *lines = head.decode(errors="replace").split("\r\n")
        self.headers = [(name.strip(), value.strip()) for name, _, value in (one.partition(":") for one in lines)]

    def all(self, name: str) -> list[str]:
        return [value for one, value in self.headers if one.lower() == name.lower()]

    def get(self, name: str) -> str:
        """Its value; empty where there is none."""
        return (self.all(name) or [""])[0]

    @property
    def what(self) -> str:
        """As "INVITE" or "200 INVITE"."""
        first, second = self.start.split(" ")[:2]
        return f"{second} {self.get('CSeq').split()[-1]}" if first == "SIP/2.0" else first

    @property
    def uri(self) -> str:
        return self.start.split(" ")[1]


class Line:
    """A way to one peer: a connection, or an address that the phone's one UDP socket sends to."""

    def __init__(self, kind: str, way: socket.socket, address: tuple | None = None):
        self.kind, self.way, self.address = kind, way, address
        self.gone = threading.Event()
        # Python's ssl lets two threads into one OpenSSL connection, which bears one.
        self._one_at_a_time = threading.Lock()
        self.port = way.getsockname()[1]

    def send(self, data: str | bytes) -> None:
        data = data.encode() if isinstance(data, str) else data
        if self.address:
            self.way.sendto(data, self.address)
        else:
            with self._one_at_a_time:
                self.way.settimeout(WAIT_SECONDS)
                self.way.sendall(data)

    def receive(self) -> bytes | None:
        """What there is, maybe nothing; None at its end."""
        select.select([self.way], [], [])
        data = b""
        with self._one_at_a_time, contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
            self.way.settimeout(0)
            while more := self.way.recv(65536):
                data += more
            return data or None
        return data

    def close(self) -> None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.way, socket.SHUT_RDWR)
        # Not while the thread that hears it may still read: the next socket may get its number.
        self.gone.wait(WAIT_SECONDS)
        self.way.close()


class Phone:
    """Listens at a port of its own over one transport, and calls from any address of loopback."""

    def __init__(self, kind: str, folder: Path, host: str = "127.0.0.1", port: int = 0, shows_certificate: bool = False):
        self.kind, self.folder, self.host, self.shows_certificate = kind, folder, host, shows_certificate
        self.inbox: queue.Queue[Message] = queue.Queue()
        self.heard: list[Message] = []
        self.lines: list[Line] = []
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "UDP" else socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.port = self.contact_port = self.listener.getsockname()[1]
        if kind != "UDP":
            self.listener.listen()
        self._start(self._hear_datagrams if kind == "UDP" else self._accept)

    def _start(self, work, *args) -> None:
        threading.Thread(target=work, args=args, daemon=True).start()

    def _hear_datagrams(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, address = self.listener.recvfrom(65536)
                if data.strip():
                    self._tell(Message(data, Line("UDP", self.listener, address)))

    def _accept(self) -> None:
        context = None
        if self.kind == "TLS":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
            context.set_alpn_protocols(["sip"])  # taken where a client offers it
        with contextlib.suppress(OSError):
            while True:
                way, _ = self.listener.accept()
                with contextlib.suppress(ssl.SSLError):
                    self._start(self._hear, self._keep(context.wrap_socket(way, server_side=True) if context else way))

    def _keep(self, way: socket.socket) -> Line:
        self.lines.append(Line(self.kind, way))
        return self.lines[-1]

    def _hear(self, line: Line) -> None:
        data = b""
        with contextlib.suppress(OSError):
            while (more := line.receive()) is not None:
                data = (data + more).lstrip(b"\r\n")
                while (end := data.find(b"\r\n\r\n")) >= 0:
                    length = re.search(rb"\r\nContent-Length: *(\d+)", data[:end], re.IGNORECASE)
                    whole = end + 4 + int(length[1] if length else 0)
                    if len(data) < whole:
                        break
                    self._tell(Message(data[:whole], line))
                    data = data[whole:].lstrip(b"\r\n")
        line.gone.set()

    def _tell(self, message: Message) -> None:
        repeated = any(message.data == one.data for one in self.heard)
        self.heard.append(message)
        if not repeated:
            self.inbox.put(message)

    def line(self, port: int, source: str = "") -> Line:
        """To the gateway at that port, from that address where one is named."""
        if self.kind == "UDP":
            return Line("UDP", self.listener, ("127.0.0.1", port))
        way = socket.create_connection(("127.0.0.1", port), WAIT_SECONDS, (source or self.host, 0))
        if self.kind == "TLS":
            context = ssl.create_default_context(cafile=self.folder / "ca.pem")
            if self.shows_certificate:
                context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
            way = context.wrap_socket(way, server_hostname="localhost")
        line = self._keep(way)
        self._start(self._hear, line)
        return line

    def expect(self, what: str, seconds: float = WAIT_SECONDS) -> Message:
        """The next that comes, which must be that. A 100 and what came before to the byte are passed over."""
        end = time.monotonic() + seconds
        while True:
            try:
                message = self.inbox.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {what} came; heard: {[one.what for one in self.heard]}") from None
            if not message.what.startswith("100 "):
                assert message.what == what, f"{what} is due:\n{message.data.decode(errors='replace')}"
                return message

    def quiet(self, seconds: float) -> None:
        """Nothing comes for so long."""
        with contextlib.suppress(queue.Empty):
            raise AssertionError(f"not due:\n{self.inbox.get(timeout=seconds).data.decode(errors='replace')}")

    def count(self, what: str) -> int:
        """How often that came, repeats and all."""
        return sum(one.what == what for one in list(self.heard))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for line in self.lines:
            line.close()


def until(true, seconds: float = WAIT_SECONDS) -> None:
    """Waits for what the other side does in its own time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def written(start: str, headers: list[str], body: str = "") -> str:
    if body:
        headers = [*headers, "Content-Type: application/sdp"]
    return "\r\n".join([start, *headers, f"Content-Length: {len(body.encode())}", "", body])


def session(lines: list[str], version: int = 1, port: int = 40000) -> str:
    """A session description with these lines of its one stream."""
    head = ["v=0", f"o=- 7 {version} IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"]
    return "".join(f"{one}\r\n" for one in [*head, *lines]).replace("[media_port]", str(port))


def reply(request: Message, status: str, *headers: str, body: str = "", tag: str = "") -> None:
    """The answer on the line by which the request came; "200 OK" or the like."""
    copied = [f"{name}: {value}" for name, value in request.headers if name.lower() in ("via", "from", "call-id", "cseq", "record-route")]
    to = request.get("To")
    request.line.send(written(f"SIP/2.0 {status}", [*copied, f"To: {to}{f';tag={tag}' if tag and ';tag=' not in to else ''}", *headers], body))


def credentials(answer: Message, method: str, uri: str, user: str, password: str) -> str:
    """The header that answers a challenge of MD5 with qop=auth."""
    name = "Proxy-Authenticate" if answer.get("Proxy-Authenticate") else "WWW-Authenticate"
    challenge = dict(re.findall(r'(\w+)="?([^",]+)', answer.get(name)))
    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()
    secret = md5(f"{user}:{challenge['realm']}:{password}")
    response = md5(f"{secret}:{challenge['nonce']}:00000001:cafe:auth:{md5(f'{method}:{uri}')}")
    return (f'{name.replace("ate", "").replace("Authentic", "Authoriz")}ation: Digest username="{user}", realm="{challenge["realm"]}", '
            f'nonce="{challenge["nonce"]}", uri="{uri}", response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="cafe"')


class Dialog:
    """One side of a call. `local` and `remote` are values of From and To, with their tags once they are known."""

    def __init__(self, phone: Phone, line: Line, call_id: str, local: str, remote: str, target: str):
        self.phone, self.line, self.call_id, self.local, self.remote, self.target = phone, line, call_id, local, remote, target
        self.cseq = 0
        self.branch = ""

    def request(self, method: str, *headers: str, body: str = "", line: Line | None = None, branch: str = "", cseq: int = 0) -> None:
        if not cseq and method not in ("ACK", "CANCEL"):
            self.cseq += 1
        self.branch = branch or f"z9hG4bK{secrets.token_hex(8)}"
        line = line or self.line
        own = [f"Via: SIP/2.0/{line.kind} {self.phone.host}:{self.phone.port};rport;branch={self.branch}", "Max-Forwards: 70",
               f"From: {self.local}", f"To: {self.remote}", f"Call-ID: {self.call_id}", f"CSeq: {cseq or self.cseq} {method}"]
        line.send(written(f"{method} {self.target} SIP/2.0", [*own, *headers], body))

    @property
    def contact(self) -> str:
        return f"Contact: <sip:raw@{self.phone.host}:{self.phone.contact_port};transport={self.phone.kind.lower()}>"

    def established(self, answer: Message) -> None:
        """As the 2xx has it."""
        self.remote = answer.get("To")
        self.target = re.search(r"<([^>]+)>", answer.get("Contact"))[1]


def invite(phone: Phone, port: int, body: str = "", *headers: str, line: Line | None = None, caller: str = CALLER, contact: bool = True,
           number: str = f"+{NUMBER}") -> Dialog:
    """A call as Meta makes it; without a body it has no offer."""
    line = line or phone.line(port)
    uri = f"sip:{number}@127.0.0.1:{port};transport={phone.kind.lower()}"
    call_id = f"outgoing:wacid.{next(_numbers)}-{secrets.token_hex(6)}"
    dialog = Dialog(phone, line, call_id, f"{caller};tag=M{secrets.token_hex(4)}", f"<sip:{number}@127.0.0.1>", uri)
    dialog.request("INVITE", *([dialog.contact] if contact else []), *headers, body=body)
    return dialog


def called(phone: Phone, request: Message, tag: str = "twilio") -> Dialog:
    """The side that the INVITE called."""
    target = re.search(r"<([^>]+)>", request.get("Contact"))[1]
    return Dialog(phone, request.line, request.get("Call-ID"), f"{request.get('To')};tag={tag}", request.get("From"), target)
