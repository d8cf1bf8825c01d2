"""`gateway check` and the start of `gateway run` with real certificates, real ports and a SIP Domain on loopback.

Certificates are made by openssl for each run. The authorities of the system are those of SSL_CERT_FILE, which OpenSSL reads.
"""

import socket
import subprocess
import time
from email.utils import formatdate

import pytest

from sip_responder import PASSWORD, SipResponder, asks_for_digest

HOST = "sip.example.com"
SCRIPT = """
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
sign() { # NAME SUBJECT ISSUER DAYS EXTENSIONS
    key "$1"; openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"; printf "$5" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$3.crt" -CAkey "$3.key" -CAcreateserial -days "$4" -extfile "$1.ext" -out "$1.crt"
}
ca='basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign\\n'
key root; openssl req -x509 -new -key root.key -days 30 -subj '/CN=Test Root' -out root.crt
sign middle '/CN=Test Intermediate' root 30 "$ca"
sign old '/CN=Old Intermediate' root -1 "$ca"
sign good /CN=good middle 30 'subjectAltName=DNS:sip.example.com\\n'
sign expired /CN=expired middle -1 'subjectAltName=DNS:sip.example.com\\n'
sign other /CN=other middle 30 'subjectAltName=DNS:other.example.org\\n'
sign below-old /CN=below-old old 30 'subjectAltName=DNS:sip.example.com\\n'
for name in good expired other; do cat $name.crt middle.crt > $name.pem; done
cat below-old.crt old.crt > below-old.pem
cp good.crt alone.pem; cp good.key alone.key
key self; openssl req -x509 -new -key self.key -days 30 -subj /CN=self -addext subjectAltName=DNS:sip.example.com -out self.pem
cp good.pem swapped.pem; cp other.key swapped.key
"""


@pytest.fixture(scope="session")
def tls(tmp_path_factory):
    """The folder with NAME.pem and NAME.key of each, and root.crt."""
    folder = tmp_path_factory.mktemp("gateway-tls")
    subprocess.run(["sh", "-e", "-c", SCRIPT], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def settings(tls):
    """settings(NAME, **CHANGED): the variables of a gateway with that certificate, of an authority that the system knows."""

    def make(name="good", **changed):
        return {"TWILIO_SIP_DOMAIN": "example.sip.twilio.com", "TWILIO_SIP_USERNAME": "gateway01", "TWILIO_SIP_PASSWORD": PASSWORD,
                "META_SIP_USERNAME": "12145551869", "META_SIP_PASSWORD": "made-up-9876543210", "CALLCHAIN_ADVERTISE": f"{HOST}:5061",
                "TLS_CERT_PATH": str(tls / f"{name}.pem"), "TLS_KEY_PATH": str(tls / f"{name}.key"),
                "CALLCHAIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_ADMIN_LISTEN": "off", "SSL_CERT_FILE": str(tls / "root.crt"), **changed}

    return make


def checks_of(done):
    return {check["name"]: check for check in done.json()["checks"]}


def test_a_certificate_that_is_in_order_passes(callchain, settings):
    done = callchain.run("gateway", "check", "--json", **settings())
    assert done.code == 0, done.out + done.err
    checks = checks_of(done)
    for name in ("certificate", "certificate-chain", "certificate-name", "certificate-dates", "certificate-key", "advertised"):
        assert checks[name]["result"] == "pass", checks[name]
    assert checks["advertised"]["sentence"] == f"{HOST}:5061, by CALLCHAIN_ADVERTISE"


@pytest.mark.parametrize(("name", "check", "said"), [
    ("expired", "certificate-dates", "it ended on "),
    ("other", "certificate-name", "other.example.org, and not for sip.example.com"),
    ("swapped", "certificate-key", "another certificate"),
    ("self", "certificate-chain", "Meta will refuse it"),
    ("alone", "certificate-chain", "no authority that is known here"),
    ("below-old", "certificate-chain", "CN=Old Intermediate, above ours in the chain, ended on "),
])
def test_each_fault_of_a_certificate_fails_under_its_own_name(callchain, settings, name, check, said):
    done = callchain.run("gateway", "check", "--json", **settings(name))
    assert done.code == 1, done.out + done.err
    failed = {one["name"]: one["sentence"] for one in done.json()["checks"] if one["result"] == "fail"}
    assert list(failed) == [check], failed
    assert said in failed[check]
    assert checks_of(done)[check]["remedy"]


def test_the_file_for_twilio_does_not_vouch_for_ours(callchain, settings, tls):
    """Meta does not have it."""
    known_to_it_alone = settings(CALLCHAIN_CA_FILE=str(tls / "root.crt"), SSL_CERT_FILE="/dev/null")
    chain = checks_of(callchain.run("gateway", "check", "--json", **known_to_it_alone))["certificate-chain"]
    assert chain["result"] == "warn" and "CALLCHAIN_CA_FILE" in chain["sentence"], chain
    ours = settings(CALLCHAIN_CA_FILE=str(tls / "self.pem"))
    assert checks_of(callchain.run("gateway", "check", "--json", **ours))["certificate-chain"]["result"] == "pass"


def test_without_tls_the_certificate_is_not_looked_at(callchain, settings):
    lab = settings("swapped", USE_TLS="false", CALLCHAIN_TWILIO_TRANSPORT="udp", CALLCHAIN_TWILIO_SECURE_MEDIA="off")
    lab["TLS_KEY_PATH"] = "/nowhere.key"
    assert not [name for name in checks_of(callchain.run("gateway", "check", "--json", **lab)) if name.startswith("certificate")]
    done = callchain.run("gateway", "run", "--check", **lab)
    assert done.code == 0, done.err
    assert "TLS_CERT_PATH is not used: USE_TLS is false" in done.err


def test_a_key_of_another_certificate_is_found_by_run_check(callchain, settings):
    done = callchain.run("gateway", "run", "--check", **settings("swapped"))
    assert done.code == 2
    assert "the key belongs to another certificate than CN=good" in done.err and "hint: " in done.err
    assert callchain.run("gateway", "run", "--check", **settings()).code == 0


@pytest.mark.parametrize("of", ["CALLCHAIN_LISTEN", "CALLCHAIN_ADMIN_LISTEN"])
def test_a_port_in_use_is_exit_6_which_systemd_restarts(callchain, settings, of):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        done = callchain.run("gateway", "run", **settings(**{of: address}))
        assert done.code == 6, done.out + done.err
        assert address in done.err and "Address already in use" in done.err and "hint: another process listens there" in done.err
        assert '"message":"ready"' not in done.out


def test_a_port_in_use_is_a_warning_of_check(callchain, settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = callchain.run("gateway", "check", "--json", **settings(CALLCHAIN_LISTEN="127.0.0.1:%d" % taken.getsockname()[1]))
        assert done.code == 0, done.out
        assert checks_of(done)["port"]["result"] == "warn"


def domain_at(server):
    return {"TWILIO_SIP_DOMAIN": f"127.0.0.1:{server.port}", "CALLCHAIN_TWILIO_TRANSPORT": "tcp", "CALLCHAIN_TWILIO_SECURE_MEDIA": "off"}


def test_online_judges_credentials_and_clock(callchain, settings):
    date = "Date: " + formatdate(time.time() + 3600, usegmt=True)
    with SipResponder(asks_for_digest(407, 200, "OK", date)) as server:
        checks = checks_of(callchain.run("gateway", "check", "--online", "--json", **settings(**domain_at(server))))
        assert checks["twilio-reachable"]["result"] == checks["twilio-credentials"]["result"] == "pass"
        assert checks["clock"]["result"] == "warn"


def test_online_names_the_port_that_could_not_be_reached(callchain, settings):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        done = callchain.run("gateway", "check", "--online", "--json",
                             **settings(TWILIO_SIP_DOMAIN=f"127.0.0.1:{port}"))
        assert done.code == 1
        assert f"port {port} there by TLS" in checks_of(done)["twilio-reachable"]["remedy"]


def test_online_invite_finds_a_wrong_password(callchain, settings):
    with SipResponder(asks_for_digest(407, 420, "Bad Extension")) as server:
        good = checks_of(callchain.run("gateway", "check", "--online=invite", "--json", **settings(**domain_at(server))))
        assert good["twilio-credentials"]["result"] == "pass", good
        wrong = settings(**domain_at(server), TWILIO_SIP_PASSWORD="made-up-another-one")
        done = callchain.run("gateway", "check", "--online=invite", "--json", **wrong)
        assert done.code == 1 and checks_of(done)["twilio-credentials"]["result"] == "fail"


def test_the_log_says_where_the_advertised_address_came_from(callchain, settings):
    """Behind Railway's proxy; the start goes no further than to a port that is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        behind = settings(CALLCHAIN_ADVERTISE="", CALLCHAIN_LISTEN=f"127.0.0.1:{port}", RAILWAY_TCP_APPLICATION_PORT=port,
                          RAILWAY_TCP_PROXY_DOMAIN="roundhouse.proxy.rlwy.net", RAILWAY_TCP_PROXY_PORT="15140")
        done = callchain.run("gateway", "run", "--log", "text", **behind)
        assert f"advertised={HOST}:15140" in done.out, done.out
        assert "the certificate, with the port of RAILWAY_TCP_PROXY_PORT" in done.out
        checks = checks_of(callchain.run("gateway", "check", "--json", **behind))
        assert checks["advertised"]["sentence"] == f"{HOST}:15140, by the certificate, with the port of RAILWAY_TCP_PROXY_PORT"
