"""How `callchain serve` starts: what it needs, what it says, and that its secrets are in nothing of that."""

import json
import re
import socket

import pytest

from conftest import stop
from openai_standin import KEY
from serve_process import OTHER_SECRET, PROJECT, PUBLIC_URL, SECRET, TOKEN, Serve, delivery_of, forms_of

# The names of samples/serve.env.
FIVE = {"OPENAI_API_KEY": KEY, "OPENAI_WEBHOOK_SECRET": SECRET, "OPENAI_PROJECT_ID": PROJECT, "TWILIO_AUTH_TOKEN": TOKEN,
        "CALLCHAIN_PUBLIC_URL": PUBLIC_URL}
ANY_PORT = {"PORT": "0", "CALLCHAIN_ADMIN_LISTEN": "127.0.0.1:0"}
NEEDED = ("OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET", "OPENAI_PROJECT_ID")


@pytest.fixture
def run(callchain):
    """serve with these variables alone, to its end; nothing that it says may hold a secret."""

    def run(*args: str, **variables: str):
        done = callchain.run("serve", *args, **variables)
        for secret in (KEY, SECRET, OTHER_SECRET, TOKEN):
            assert not any(form in done.out + done.err for form in forms_of(secret))
        return done

    return run


def test_the_five_variables_of_the_sample_suffice(run):
    done = run("--check", **FIVE)
    assert (done.code, done.out, done.err) == (0, "the configuration is usable\n", "")


def test_it_runs_with_five_variables_and_a_port(callchain):
    serve = Serve(callchain, KEY, **FIVE, **ANY_PORT)
    try:
        serve.wait_until_ready()
        assert serve.get("/healthz").status == 200
        assert serve.get("/readyz", admin=True).json() == {"status": "ready", "warnings": []}
    finally:
        serve.end()
    assert serve.err() == ""


@pytest.mark.parametrize("missing", [*((name,) for name in NEEDED), NEEDED])
def test_what_is_missing_is_named_at_once(run, missing):
    given = {name: value for name, value in FIVE.items() if name not in missing}
    for args in ([], ["--check"]):
        done = run(*args, **given, **ANY_PORT)
        assert (done.code, done.out) == (2, "")
        assert [name for name in FIVE if f"{name} is not set" in done.err] == list(missing)
        assert done.err.count("\nhint: ") == len(missing)
        assert "terminate" not in done.err and "what():" not in done.err


def test_all_problems_come_as_one_document_of_json(run):
    done = run("--json", CALLCHAIN_LOG="loud", PORT="70000", OPENAI_API_KEY=SECRET, OPENAI_WEBHOOK_SECRET=KEY,
               OPENAI_PROJECT_ID="abc", CALLCHAIN_DRAIN_SECONDS="-1")
    assert (done.code, done.out) == (2, "")
    problem = json.loads(done.err)
    assert problem["code"] == "usage"
    for name in ("CALLCHAIN_LOG", "PORT", "OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET", "proj_", "CALLCHAIN_DRAIN_SECONDS"):
        assert name in problem["message"], name


@pytest.mark.parametrize(("name", "value"), [
    ("OPENAI_API_KEY", f"{KEY} {KEY}"),
    ("OPENAI_API_KEY", SECRET),
    ("OPENAI_WEBHOOK_SECRET", KEY),
    ("OPENAI_WEBHOOK_SECRET", f"{SECRET}="),
    ("OPENAI_WEBHOOK_SECRET", ",".join([SECRET] * 9)),
    ("OPENAI_BASE_URL", "http://api.example.com/v1"),
    ("OPENAI_BASE_URL", f"https://user:{TOKEN}@api.example.com/v1"),
    ("CALLCHAIN_PUBLIC_URL", f"https://bridge.example.com/?token={TOKEN}"),
    ("CALLCHAIN_PUBLIC_URL", "bridge.example.com"),
    ("TWILIO_SIP_CALLER_ID", "whatsapp:BR.1502576394655843"),
    ("OPENAI_REALTIME_MAX_CALL_SECONDS", "soon"),
    ("CALLCHAIN_TRUSTED_PROXIES", "10.0.0.0/33"),
    ("CALLCHAIN_TLS_CERT", "only-the-certificate.pem"),
    ("CALLCHAIN_RECORD", "everything"),
    ("OPENAI_PROMPT_PATH", "no-such-file.txt"),
], ids=lambda value: value[:24])
def test_a_wrong_value_is_refused_without_being_shown(run, name, value):
    for args in ([], ["--json"], ["--print-config"]):
        done = run(*args, **{**FIVE, **ANY_PORT, name: value})
        assert done.code == 2, (name, done.out)
        assert name in done.err or name == "OPENAI_WEBHOOK_SECRET"


def test_print_config_shows_each_value_with_its_origin_and_no_secret(run, callchain):
    (callchain.folder / "more.env").write_text("OPENAI_REALTIME_VOICE=marin\n")
    done = run("--print-config", "--region", "br1", "--env-file", "more.env", **FIVE)
    assert done.code == 0, done.err
    rows = {line.split()[0]: line for line in done.out.splitlines()}
    assert re.search(r" proj_e2e0123456789 +\[.*OPENAI_PROJECT_ID\]$", rows["OPENAI_PROJECT_ID"])
    assert re.search(r" br1 +\[--region\]$", rows["OPENAI_SIP_REGION"])
    assert re.search(r" marin +\[more.env: OPENAI_REALTIME_VOICE\]$", rows["OPENAI_REALTIME_VOICE"])
    assert re.search(r" 8000 +\[default\]$", rows["PORT"])
    assert f"{SECRET[:10]}…{SECRET[-6:]}" in rows["OPENAI_WEBHOOK_SECRET"]
    document = run("--print-config", "--json", **FIVE).json()
    assert document["schema"] == "callchain.serve-config/1"
    settings = {setting["name"]: setting for setting in document["settings"]}
    assert (settings["PORT"]["value"], settings["PORT"]["origin"]) == ("8000", "default")
    assert settings["OPENAI_PROJECT_ID"]["origin"] == "environment"


def test_check_warns_of_what_is_usable_and_unwise(run):
    done = run("--check", **{**FIVE, "TWILIO_AUTH_TOKEN": ""})
    assert done.code == 0
    assert "TWILIO_AUTH_TOKEN is not set" in done.err
    document = run("--check", "--json", **{**FIVE, "TWILIO_AUTH_TOKEN": ""}).json()
    assert (document["schema"], document["usable"], len(document["warnings"])) == ("callchain.serve-check/1", True, 1)


def test_ready_in_json_names_the_addresses(serve):
    ready = serve().logged("ready")
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", ready["listen"])
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", ready["admin"])


@pytest.mark.parametrize("level", ["info", "error"])
def test_ready_in_text_names_the_addresses_at_any_level(serve, level):
    running = serve(CALLCHAIN_LOG="text", CALLCHAIN_LOG_LEVEL=level)
    [line] = [line for line in running.out().splitlines() if line.startswith("ready")]
    assert re.fullmatch(r"ready listen=http://127\.0\.0\.1:[1-9]\d* admin=http://127\.0\.0\.1:[1-9]\d*", line)


def test_the_admin_address_can_be_off(serve):
    running = serve(CALLCHAIN_ADMIN_LISTEN="off")
    assert running.logged("ready")["admin"] == "off" and running.admin_port is None


def test_it_listens_on_both_families_where_the_host_has_them(serve):
    running = serve(CALLCHAIN_LISTEN="", PORT="0")
    assert running.get("/healthz").status == 200
    if running.logged("ready")["listen"].startswith("http://[::]"):
        with socket.create_connection(("::1", running.port)) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 200"


def test_an_address_in_use_is_exit_6_which_systemd_starts_again(serve):
    taken = f"127.0.0.1:{serve().port}"
    second = serve.start(CALLCHAIN_LISTEN=taken)
    assert second.wait() == 6
    assert taken in second.err() and "hint: " in second.err()
    assert not second.log("ready")


def test_dot_env_is_read_named_and_overridden_by_the_environment(callchain, serve):
    own = callchain.folder / ".env"
    own.write_text("OPENAI_REALTIME_VOICE=cedar\nOPENAI_REALTIME_MODEL=gpt-realtime-mini\n")
    own.chmod(0o600)
    running = serve(OPENAI_REALTIME_MODEL="gpt-realtime-2")
    assert running.log()[0]["env_file"].endswith(".env")
    running.deliver(delivery_of("rtc_1"))
    body = serve.openai.actions("rtc_1", "accept")[0].json()
    assert (body["model"], body["audio"]["output"]["voice"]) == ("gpt-realtime-2", "cedar")


def test_dot_env_that_others_may_write_is_not_read(callchain, serve):
    own = callchain.folder / ".env"
    own.write_text("OPENAI_REALTIME_VOICE=cedar\n")
    own.chmod(0o666)
    running = serve()
    assert "not read" in running.log()[0]["env_file"]
    running.deliver(delivery_of("rtc_1"))
    assert "voice" not in serve.openai.actions("rtc_1", "accept")[0].json().get("audio", {}).get("output", {})


def test_a_start_that_fails_says_that_dot_env_was_not_read(run, callchain):
    own = callchain.folder / ".env"
    own.write_text(f"OPENAI_PROJECT_ID={PROJECT}\n")
    own.chmod(0o666)
    done = run("--check", **{name: value for name, value in FIVE.items() if name != "OPENAI_PROJECT_ID"})
    assert done.code == 2
    assert "OPENAI_PROJECT_ID is not set" in done.err and ".env" in done.err


def test_secrets_come_from_files_under_their_labels(callchain, serve):
    (callchain.folder / "secret").write_text(OTHER_SECRET + "\n")
    (callchain.folder / "key").write_text(KEY + "\n")
    running = serve("--secret-file", "railway=secret", "--api-key-file", "key", OPENAI_WEBHOOK_SECRET="", OPENAI_API_KEY="")
    running.secrets.add(OTHER_SECRET)
    line = running.logged("webhook secret")
    assert (line["label"], line["characters"], line["mask"]) == ("railway", 50, f"{OTHER_SECRET[:10]}…{OTHER_SECRET[-6:]}")


def test_a_secret_that_is_forgiven_is_told(serve):
    lines = serve(OPENAI_WEBHOOK_SECRET=f' "{SECRET}" ').logged("webhook secret")
    assert lines["level"] == "warn" and "secret_quoted" in lines["remarks"]


def test_it_drains_from_the_moment_that_it_is_ready(callchain):
    process = callchain.start("serve", **FIVE, **ANY_PORT, CALLCHAIN_LOG="json")
    while '"ready"' not in process.stdout.readline():
        pass
    assert stop(process).code == 0
