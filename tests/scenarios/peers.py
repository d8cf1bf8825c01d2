"""Peers that others wrote, as processes on free loopback ports: SIPp, stunnel, Kamailio, baresip; and our own agent.

SIPp of Debian speaks no TLS: stunnel stands in front of it, and its scenarios name TLS in their Via.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import wave
from pathlib import Path

HERE = Path(__file__).resolve().parent
WAIT_SECONDS = 30

TRANSPORTS = ["UDP", "TCP", "TLS"]
LISTEN = [part for transport in ("udp", "tcp", "tls") for part in ("--listen", f"{transport}:127.0.0.1:0")]  # of our agent


def free_port(in_a_row: int = 1) -> int:
    """A port that is free for UDP and TCP at this moment, as are those behind it."""
    while True:
        with contextlib.ExitStack() as stack:
            def bind(kind: socket.SocketKind, port: int) -> int:
                one = stack.enter_context(socket.socket(socket.AF_INET, kind))
                one.bind(("127.0.0.1", port))
                return one.getsockname()[1]
            first = bind(socket.SOCK_STREAM, 0)
            try:
                bind(socket.SOCK_DGRAM, first)
                for port in range(first + 1, first + in_a_row):
                    bind(socket.SOCK_STREAM, port)
                    bind(socket.SOCK_DGRAM, port)
            except (OSError, OverflowError):
                continue
            return first


class Child:
    """A process that the test started and ends, with what it printed in a file."""

    def __init__(self, folder: Path, name: str, *command: str):
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=folder)

    def wait(self) -> int:
        return self.process.wait(WAIT_SECONDS)

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)


class Events:
    """What one end tells, as it comes: objects with a name each, under that key."""

    def __init__(self, key: str):
        self.events: list[dict] = []
        self._key = key
        self._news = threading.Condition()

    def tell(self, event: dict) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def wait_for(self, event: str, count: int = 1) -> dict:
        """The last of so many of that name."""
        end = time.monotonic() + WAIT_SECONDS
        with self._news:
            while len(found := [one for one in self.events if one[self._key] == event]) < count:
                left = end - time.monotonic()
                assert left > 0, f"{count} x {event} did not come: {self.events}"
                self._news.wait(left)
        return found[count - 1]

    def count(self, event: str) -> int:
        return sum(1 for one in self.events if one[self._key] == event)


class Agent(Events):
    """Our agent; its lines as they come."""

    def __init__(self, program: str, *args: str):
        super().__init__("event")
        self.process = subprocess.Popen([program, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.ready = self.wait_for("ready")

    def _read(self) -> None:
        for line in self.process.stdout:
            self.tell(json.loads(line))

    def port(self, transport: str) -> int:
        return next(one["port"] for one in self.ready["listen"] if one["transport"] == transport)

    def end(self) -> dict:
        """Ends it, where it does not end by itself behind its call; what it had left."""
        if not any(one["event"] == "ended" for one in self.events):
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(WAIT_SECONDS)
        assert code in (0, 1), f"{code}: {self.process.stderr.read()}"
        self._reader.join(WAIT_SECONDS)
        errors = self.process.stderr.read()
        assert not errors, errors
        return self.events[-1]


def scenario(folder: Path, name: str, transport: str, user: str = "", password: str = "") -> str:
    text = (HERE / "sipp" / name).read_text()
    for old, new in (("@TRANSPORT@", transport), ("@transport@", transport.lower()), ("@user@", user), ("@password@", password)):
        text = text.replace(old, new)
    path = folder / f"{transport}-{name}"
    path.write_text(text)
    return str(path)


def sipp(folder: Path, name: str, file: str, transport: str, port: int, *more: str) -> Child:
    mode = "u1" if transport == "UDP" else "t1"
    return Child(folder, name, "sipp", *more, "-sf", file, "-i", "127.0.0.1", "-p", str(port), "-t", mode, "-nostdin", "-timeout", "25s",
                 "-timeout_error", "-trace_err", "-error_file", str(folder / f"{name}-errors.log"))


def certificates(folder: Path) -> None:
    """A CA, and a certificate for 127.0.0.1 and localhost from it."""
    def openssl(*args: str) -> None:
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=test ca")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    (folder / "names.cnf").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem", "-days", "2",
            "-extfile", "names.cnf")


def stunnel(folder: Path, name: str, accept: int, connect: int, client: bool) -> Child:
    """In front of something that speaks TCP: outward TLS (client), or inward."""
    lines = ["foreground = yes", "pid =", "debug = warning", f"[{name}]", f"client = {'yes' if client else 'no'}", f"accept = 127.0.0.1:{accept}",
             f"connect = 127.0.0.1:{connect}"]
    lines += [f"CAfile = {folder}/ca.pem", "verifyChain = yes"] if client else [f"cert = {folder}/server.pem", f"key = {folder}/server.key"]
    (folder / f"{name}.conf").write_text("\n".join(lines) + "\n")
    child = Child(folder, name, "stunnel4" if os.path.exists("/usr/bin/stunnel4") else "stunnel", str(folder / f"{name}.conf"))
    wait_for_port(accept, child)
    return child


def wait_for_port(port: int, child: Child) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        assert child.process.poll() is None, child.output()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}: {child.output()}")


DOMAIN = "bridge.example.test"


def name_server(folder: Path, transport: str, *ports: int, at: int = 0) -> tuple[Child, int]:
    """A dnsmasq that names these ports of loopback for Twilio's domain, the first before the second; and its own port."""
    port = at or free_port()
    service = {"UDP": "_sip._udp", "TCP": "_sip._tcp", "TLS": "_sips._tcp"}[transport]
    records = [f"--srv-host={service}.{DOMAIN},edge{place}.example.test,{one},{place},1" for place, one in enumerate(ports)]
    records += [f"--host-record=edge{place}.example.test,127.0.0.1" for place, _ in enumerate(ports)]
    child = Child(folder, "dnsmasq", "/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=",
                  "--bind-interfaces", "--listen-address=127.0.0.1", f"--port={port}", "--local=/example.test/", *records)
    wait_for_port(port, child)
    return child, port


KAMAILIO = """
debug=1
log_stderror=yes
children=1
tcp_children=1
disable_tcp=no
enable_tls={tls}
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
{listen_tls}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/:/usr/lib/aarch64-linux-gnu/kamailio/modules/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "xlog.so"
loadmodule "auth.so"
{load_tls}
modparam("auth", "algorithm", "{algorithm}")
modparam("auth", "nonce_expire", 60)
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not here"); exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    t_check_trans();
    {challenge}
    record_route();
    remove_hf("Route");
    {destination}
    t_relay();
}}
"""
CHALLENGE = """if (!pv_proxy_authenticate("kamailio.example", "{password}", "0")) {{ auth_challenge("kamailio.example", "1"); exit; }}
    consume_credentials();"""


def kamailio(folder: Path, destination: str, challenge_password: str = "", tls: bool = False, algorithm: str = "SHA-256") -> tuple[Child, int, int]:
    """A record-routing proxy to that URI; with a password it challenges with that algorithm first. Its port, and that of TLS."""
    port, tls_port = free_port(), free_port()
    values = {"port": port, "tls": "yes" if tls else "no", "algorithm": algorithm, "destination": f'$du = "{destination}";',
              "challenge": CHALLENGE.format(password=challenge_password) if challenge_password else "",
              "listen_tls": f"listen=tls:127.0.0.1:{tls_port}" if tls else "",
              "load_tls": f'loadmodule "tls.so"\nmodparam("tls", "config", "{folder}/tls.cfg")' if tls else ""}
    (folder / "kamailio.cfg").write_text(KAMAILIO.format(**values))
    (folder / "tls.cfg").write_text(f"[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\nprivate_key = {folder}/server.key\n"
                                    f"certificate = {folder}/server.pem\n[client:default]\nmethod = TLSv1.2+\nverify_certificate = yes\n"
                                    f"ca_list = {folder}/ca.pem\n")
    child = Child(folder, "kamailio", "kamailio", "-f", str(folder / "kamailio.cfg"), "-DD", "-E", "-Y", str(folder), "-m", "64", "-M", "8")
    wait_for_port(port, child)
    return child, port, tls_port


BARESIP = """
sip_listen 127.0.0.1:{port}
sip_certificate {folder}/baresip.pem
sip_cafile {folder}/ca.pem
net_interface 127.0.0.1
audio_source aufile,{own}/tone.wav
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module srtp.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


class Baresip(Child, Events):
    """A baresip with one account over that transport, which answers by itself; its events as they come from its module ctrl_tcp.

    It has no sound device: it sends from a file, and throws away what it hears (its module aufile plays nothing in 1.0.0).
    Its folder is its own; the certificates are those of `folder`.
    """

    def __init__(self, folder: Path, transport: str, *parameters: str):
        Events.__init__(self, "type")
        own = folder / "baresip"
        own.mkdir()
        # baresip listens for TLS one above the port of UDP and TCP.
        port = free_port(in_a_row=3)
        self.port = port + 1 if transport == "TLS" else port
        self._control_port = port + 2
        self._commands = 0
        self._control: socket.socket | None = None
        (own / "config").write_text(BARESIP.format(port=port, folder=folder, own=own, control=self._control_port))
        # The transport stands here and not in what is dialled: baresip adds it to that, and does not look whether it is there.
        account = [f"<sip:baresip@127.0.0.1;transport={transport.lower()}>", "regint=0", "answermode=auto", *parameters]
        (own / "accounts").write_text(";".join(account) + "\n")
        (folder / "baresip.pem").write_text((folder / "server.pem").read_text() + (folder / "server.key").read_text())
        write_tone(own / "tone.wav")
        Child.__init__(self, folder, "baresip", "baresip", "-v", "-s", "-f", str(own))

    def connect(self) -> None:
        """Behind this it listens, takes commands and tells its events."""
        wait_for_port(self._control_port, self)
        self._control = socket.create_connection(("127.0.0.1", self._control_port), WAIT_SECONDS)
        self._control.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with self._control.makefile("rb") as stream:
            while length := read_until_colon(stream):
                self.tell({"type": "response", **json.loads(stream.read(length))})
                stream.read(1)

    def command(self, name: str, params: str = "") -> None:
        text = json.dumps({"command": name, "params": params}).encode()
        self._control.sendall(b"%d:%s," % (len(text), text))
        self._commands += 1
        answer = self.wait_for("response", self._commands)
        assert answer["ok"] is True, answer

    def quit(self) -> None:
        """Ends it as its user would."""
        self.command("quit")
        assert self.wait() == 0, self.output()

    def end(self) -> None:
        super().end()
        if self._control:
            self._control.close()

    def transports(self) -> set[str]:
        """Those that its messages took; whole once it has ended."""
        return set(re.findall(r"^(UDP|TCP|TLS) 127\.0\.0\.1:\d+ -> ", self.output(), re.MULTILINE))

    def trace(self) -> list[str]:
        """The messages that it sent and received, in order and without repeats, as "180 INVITE" or "ACK"; whole once it has ended."""
        pattern = re.compile(r"^(?:SIP/2\.0 (\d+) |[A-Z]+ sips?:\S+ SIP/2\.0).*?^CSeq: (\d+) ([A-Z]+)", re.MULTILINE | re.DOTALL)
        return [f"{status} {method}" if status else method for status, _, method in dict.fromkeys(pattern.findall(self.output()))]


def read_until_colon(stream) -> int:
    """The length in front of a netstring; 0 at the end of the stream."""
    digits = b""
    while (one := stream.read(1)).isdigit():
        digits += one
    return int(digits or b"0")


def write_tone(path: Path) -> None:
    """A minute of a square tone, longer than any call here. At 8 kHz, since baresip's aufile resamples nothing."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((b"\x00\x10" * 10 + b"\x00\xf0" * 10) * 400 * 60)
