"""The program's `gateway run` as a process between peers: its environment, its log, its metrics, its end."""

import contextlib
import json
import os
import re
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from peers import HERE, WAIT_SECONDS, Child, Events, free_port, sipp, stunnel

# SIPp takes whatever stands in brackets for a keyword of its own.
IPV6_KEYS = ("-key", "inner", "[2001:db8::1]", "-key", "core", "[2001:db8::2]")
TWILIO_USER, TWILIO_PASSWORD = "gateway01", "Str0ngPassw0rd12"
NUMBER, PASSWORD = "12145551869", "secret-of-meta"
DIGEST = {"META_SIP_USERNAME": NUMBER, "META_SIP_PASSWORD": PASSWORD}
# SIPp would hash the address that it sends to; Meta hashes the Request-URI without its transport.
AUTH_URI = ("-auth_uri", f"+{NUMBER}@127.0.0.1")

SDES = ["m=audio [media_port] RTP/SAVP 111 0 8 126", "a=rtpmap:111 opus/48000/2", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:126 telephone-event/8000", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:YUJDZGVmZ2hpSktMbU5PUHFSc1R1VndYeVphYmNk"]
PLAIN = [line.replace("SAVP", "AVP") for line in SDES if not line.startswith("a=crypto")]
OPUS_ONLY = ["m=audio [media_port] RTP/SAVP 111", SDES[1], SDES[-1]]
DTLS = ["m=audio [media_port] UDP/TLS/RTP/SAVPF 111 0 126", *SDES[1:-1], "a=fingerprint:sha-256 " + ":".join(["AB"] * 32), "a=setup:actpass"]
SDES_ANSWER = [line.replace("YUJD", "ZUJD") for line in SDES if ":8 " not in line and ":111 " not in line]
SDES_ANSWER[0] = "m=audio [media_port] RTP/SAVP 0 126"
PLAIN_ANSWER = [line.replace("SAVP", "AVP") for line in SDES_ANSWER if not line.startswith("a=crypto")]


class Gateway(Events):
    """The gateway over one transport on both sides; its log lines as they come, under the key `message`."""

    def __init__(self, folder: Path, transport: str, twilio_port: int, begin: Callable[[], None] | None = None, log: Path | None = None,
                 **settings: str):
        """`begin` is called in its process before the program begins; `log` is the file that its stdout is, in place of a pipe."""
        super().__init__("message")
        program = os.environ.get("CALLCHAIN")
        assert program, "the variable CALLCHAIN must name the program"
        tls = transport == "TLS"
        environment = {"PATH": os.environ["PATH"], "TWILIO_SIP_DOMAIN": f"127.0.0.1:{twilio_port}", "TWILIO_SIP_USERNAME": TWILIO_USER,
                       "TWILIO_SIP_PASSWORD": TWILIO_PASSWORD, "TWILIO_DESTINATION": "bridge", "USE_TLS": "true" if tls else "false",
                       "CALLCHAIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_ADMIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_LOG": "json",
                       "CALLCHAIN_TWILIO_TRANSPORT": transport.lower(), "CALLCHAIN_TWILIO_SECURE_MEDIA": "on" if tls else "off",
                       "CALLCHAIN_TRACE": str(folder / "trace.jsonl")}
        if tls:
            environment |= {"TLS_CERT_PATH": str(folder / "server.pem"), "TLS_KEY_PATH": str(folder / "server.key"),
                            "CALLCHAIN_CA_FILE": str(folder / "ca.pem"), "CALLCHAIN_ADVERTISE": "localhost"}
        with log.open("ab") if log else contextlib.nullcontext(subprocess.PIPE) as out:
            self.process = subprocess.Popen([program, "gateway", "run"], env=environment | settings, cwd=folder, stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=subprocess.PIPE, text=True, preexec_fn=begin)
        self.log = log
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.ready = self.wait_for("ready")
        except BaseException as error:
            self.process.kill()
            self.process.wait(5)
            raise AssertionError(f"no ready line ({error}): {self.process.stderr.read()}") from error
        self.transport = transport
        self.port = int(re.search(rf"{transport.lower()}:\S+:(\d+)", self.ready["listen"])[1])

    def _read(self) -> None:
        for line in self._lines_of_file() if self.log else self.process.stdout:
            with contextlib.suppress(ValueError) if self.log else contextlib.nullcontext():  # a full disk cuts lines short
                self.tell(json.loads(line))

    def _lines_of_file(self) -> Iterator[str]:
        with self.log.open(encoding="utf-8") as file:
            part = ""
            while True:
                ended = self.process.poll() is not None
                part += file.read()
                *lines, part = part.split("\n")
                yield from lines
                if ended:
                    return
                time.sleep(0.02)

    def summaries(self, count: int = 1) -> list[dict]:
        """The summary lines, at least so many."""
        self.wait_for("call summary", count)
        return [one for one in self.events if one["message"] == "call summary"]

    def metrics(self) -> dict[str, float]:
        """Each sample by its name with labels."""
        with urllib.request.urlopen(self.ready["admin"] + "/metrics", timeout=WAIT_SECONDS) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}

    def stop(self) -> None:
        """SIGTERM once no call is left."""
        end = time.monotonic() + WAIT_SECONDS
        while self.metrics()["callchain_gateway_calls_active"]:
            assert time.monotonic() < end, "calls are left"
            time.sleep(0.05)
        self.process.terminate()
        self.ended(0)

    def ended(self, code: int) -> None:
        """It ends by itself with that code, and had nothing to say on stderr."""
        assert self.process.wait(WAIT_SECONDS) == code, self.events[-5:]
        self._reader.join(WAIT_SECONDS)
        assert not (errors := self.process.stderr.read()), errors
        assert self.count("stopped") == 1


def scenario(folder: Path, name: str, transport: str, **values: str) -> str:
    """The scenario of that name with @word@ replaced; an SDP is a list of lines."""
    text = (HERE / "sipp" / name).read_text()
    for word, value in {"TRANSPORT": transport, "transport": transport.lower(), "talk": "100", "number": NUMBER, **values}.items():
        text = text.replace(f"@{word}@", "\n".join(value) if isinstance(value, list) else value)
    assert not (left := re.findall(r"@\w+@", text)), left
    path = folder / f"{len(list(folder.glob('*.xml')))}-{name}"
    path.write_text(text)
    return str(path)


class Side:
    """SIPp on one side of the gateway, behind stunnel where the transport is TLS."""

    def __init__(self, folder: Path, name: str, child: Child, calls: int):
        self.folder, self.name, self.child, self.calls = folder, name, child, calls

    def done(self) -> None:
        """It has ended by itself, and counts every call as one that succeeded."""
        code = self.child.wait()
        errors = self.folder / f"{self.name}-errors.log"
        assert code == 0, f"{self.name}: {code}\n{self.child.output()[-2500:]}{errors.read_text()[-2500:] if errors.exists() else ''}"
        counted = {word: int(re.findall(rf"{word} call +\| +\d+ +\| +(\d+)", self.child.output())[-1]) for word in ("Successful", "Failed")}
        assert counted == {"Successful": self.calls, "Failed": 0}, counted


def twilio(folder: Path, started, name: str, transport: str, calls: int = 1, **values) -> tuple[Side, int]:
    """What answers as Twilio, and the port at which the gateway finds it."""
    port = free_port()
    values.setdefault("sdp", SDES_ANSWER if transport == "TLS" else PLAIN_ANSWER)
    child = started(sipp(folder, "twilio", scenario(folder, name, transport, **values), transport, port, "-m", str(calls)))
    if transport != "TLS":
        return Side(folder, "twilio", child, calls), port
    inward = free_port()
    started(stunnel(folder, "inward", inward, port, client=False))
    return Side(folder, "twilio", child, calls), inward


def meta(folder: Path, started, name: str, gateway: Gateway, calls: int = 1, rate: int = 30, more: tuple[str, ...] = (), label: str = "meta",
         **values) -> Side:
    """Calls the gateway as Meta does."""
    target = gateway.port
    if gateway.transport == "TLS":
        target = free_port()
        started(stunnel(folder, f"outward-{label}", target, gateway.port, client=True))
    values.setdefault("sdp", SDES if gateway.transport == "TLS" else PLAIN)
    child = started(sipp(folder, label, scenario(folder, name, gateway.transport, **values), gateway.transport, free_port(), f"127.0.0.1:{target}",
                         "-s", f"+{NUMBER}", "-m", str(calls), "-r", str(rate), "-cid_str", "outgoing:wacid.%u-%p=@%s", *IPV6_KEYS, *more))
    return Side(folder, label, child, calls)


def wait_until_up(running: Gateway) -> None:
    end = time.monotonic() + 10
    while not running.metrics()["callchain_gateway_calls_active"]:
        assert time.monotonic() < end
        time.sleep(0.02)


def shown(port: int) -> str:
    """The certificate as a client sees it that offers ALPN, which nobody has to negotiate."""
    result = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-alpn", "sip"], input="", capture_output=True, text=True,
                            timeout=20)
    assert "No ALPN negotiated" in result.stdout, result.stdout
    return result.stdout.split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0]
