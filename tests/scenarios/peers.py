"""Peers that others wrote, as processes on free loopback ports: SIPp, stunnel, Kamailio; and our own agent.

SIPp of Debian speaks no TLS: stunnel stands in front of it, and its scenarios name TLS in their Via.
"""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
WAIT_SECONDS = 30


def free_port() -> int:
    """A port that is free for UDP and TCP at this moment."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(("127.0.0.1", tcp.getsockname()[1]))
            except OSError:
                continue
            return tcp.getsockname()[1]


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


class Agent:
    """Our agent; its lines as they come."""

    def __init__(self, program: str, *args: str):
        self.process = subprocess.Popen([program, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.events: list[dict] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.ready = self.wait_for("ready")

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._news:
                self.events.append(json.loads(line))
                self._news.notify_all()

    def wait_for(self, event: str, count: int = 1) -> dict:
        """The last of so many of that name."""
        end = time.monotonic() + WAIT_SECONDS
        with self._news:
            while len(found := [one for one in self.events if one["event"] == event]) < count:
                left = end - time.monotonic()
                assert left > 0, f"{count} x {event} did not come: {self.events}"
                self._news.wait(left)
        return found[count - 1]

    def port(self, transport: str) -> int:
        return next(one["port"] for one in self.ready["listen"] if one["transport"] == transport)

    def count(self, event: str) -> int:
        return sum(1 for one in self.events if one["event"] == event)

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
modparam("auth", "algorithm", "SHA-256")
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


def kamailio(folder: Path, destination: str, challenge_password: str = "", tls: bool = False) -> tuple[Child, int, int]:
    """A record-routing proxy to that URI; with a password it challenges with SHA-256 first. Its port, and that of TLS."""
    port, tls_port = free_port(), free_port()
    values = {"port": port, "tls": "yes" if tls else "no", "destination": f'$du = "{destination}";',
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
