#!/usr/bin/env python3
"""Holds what stands in deploy/ and the Dockerfile against the program and against systemd's own judgement.

    deploy_test.py PROGRAM
"""

import http.server
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
USER = "65532"  # as distroless images have it
MOST_BYTES = 80_000_000
MOST_EXPOSURE = 2.0  # of systemd-analyze security, 0 (closed) to 10
PROGRAM = str(Path(sys.argv.pop(1)).resolve()) if len(sys.argv) > 1 else ""


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


class Dockerfile(unittest.TestCase):
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    last_stage = text[text.rindex("\nFROM "):]

    def test_holds_the_files_of_the_script_alone(self):
        """So that what the tests of Image say of them holds for the image."""
        self.assertRegex(self.text, r"deploy/image-files\.sh build/release/callchain /image\n")
        self.assertEqual(re.findall(r"^(FROM|COPY|ADD|RUN)\b(.*)$", self.last_stage, re.MULTILINE),
                         [("FROM", " scratch"), ("COPY", " --from=build /image /")])

    def test_does_not_run_as_root(self):
        self.assertEqual(re.findall(r"^USER (\S+)$", self.last_stage, re.MULTILINE), [f"{USER}:{USER}"])

    def test_leaves_out_secrets_and_builds(self):
        ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
        for name in (".git", "build", "**/.env", "**/*.env"):
            self.assertIn(name, ignored)


class Image(unittest.TestCase):
    """The files that the last stage of the Dockerfile gets, and the program in them."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.root = Path(cls.folder.name) / "image"
        subprocess.run([ROOT / "deploy/image-files.sh", PROGRAM, cls.root], check=True, capture_output=True)
        # Root changes into it as the image's user; anybody else as the root of a namespace of their own.
        cls.enter = ["chroot", f"--userspec={USER}:{USER}"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "chroot"]
        Path(cls.folder.name).chmod(0o755)

    def start(self, *args: str, **variables: str) -> subprocess.Popen:
        return subprocess.Popen([*self.enter, self.root, *args], env={"PATH": "/usr/sbin:/usr/bin", **variables}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run_in(self, *args: str, **variables: str) -> tuple[int, str, str]:
        process = self.start(*args, **variables)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def test_the_program_runs(self):
        code, out, err = self.run_in("callchain", "--version")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"^callchain \d+\.\d+\.\d+\n$")

    def test_it_is_small(self):
        size = sum(path.lstat().st_size for path in self.root.rglob("*") if not path.is_dir())
        self.assertLess(size, MOST_BYTES)

    def test_there_is_no_other_program_in_it(self):
        self.assertEqual([path.name for path in (self.root / "usr/bin").iterdir()], ["callchain"])
        files = [path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()]
        self.assertFalse([path for path in files if path.stat().st_mode & 0o6022], "setuid, or writable by others")

    def test_each_package_is_named_with_its_licence(self):
        named = {path.name for path in (self.root / "var/lib/dpkg/status.d").iterdir()}
        self.assertLessEqual({"libssl3", "libc6", "libcurl4", "libsofia-sip-ua0", "ca-certificates"}, named)
        for name in named:
            self.assertTrue((self.root / "usr/share/doc" / name / "copyright").stat().st_size, name)

    def test_its_health_check_finds_the_service_that_runs(self):
        """As the Dockerfile has it, as the user of the image."""
        check = json.loads(re.search(r"^HEALTHCHECK .*CMD (\[.+\])$", Dockerfile.last_stage, re.MULTILINE)[1])
        for name, command in (("serve", ["serve"]), ("gateway", ["gateway", "run"])):
            with self.subTest(name):
                env_file = (ROOT / f"samples/{name}.env").read_text(encoding="utf-8")
                variables = dict(re.findall(r"^([A-Z_]+)=(.*)$", env_file, re.MULTILINE))
                nobody = f"127.0.0.1:{closed_port()}"
                addresses = {"CALLCHAIN_LISTEN": nobody, "CALLCHAIN_ADMIN_LISTEN": nobody}
                self.assertEqual(self.run_in(*check, **addresses)[0], 6)
                variables |= {"CALLCHAIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_ADMIN_LISTEN": "127.0.0.1:0", "CALLCHAIN_LOG": "json"}
                process = self.start("callchain", *command, **variables)
                try:
                    while '"ready"' not in (line := process.stdout.readline()):
                        self.assertTrue(line, "it ended before it was ready")
                    # What port 0 became; everything else is as the service got it.
                    ready = json.loads(line)
                    known = {"CALLCHAIN_LISTEN": ready["listen"].rpartition("/")[2]} if name == "serve" else \
                        {"CALLCHAIN_ADMIN_LISTEN": ready["admin"].split("/")[2]}
                    if os.geteuid() == 0:
                        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
                        self.assertEqual(set(re.search(r"^Uid:(.*)$", status, re.MULTILINE)[1].split()), {USER})
                    code, out, err = self.run_in(*check, **{**variables, **addresses, **known})
                    self.assertEqual((code, err), (0, ""), out)
                finally:
                    process.terminate()
                    process.communicate(timeout=60)

    def test_certificates_are_judged_by_the_bundle_in_it(self):
        """An authority of nobody is refused; the same one is taken where the bundle has it."""
        here = Path(self.folder.name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=t",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", here / "key", "-out", here / "chain"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(here / "chain", here / "key")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            url = f"https://127.0.0.1:{server.server_port}/"
            code, _, err = self.run_in("callchain", "health", url)
            self.assertEqual(code, 6)
            self.assertIn("self-signed", err)
            with (self.root / "etc/ssl/certs/ca-certificates.crt").open("a", encoding="ascii") as bundle:
                bundle.write((here / "chain").read_text(encoding="ascii"))
            code, out, err = self.run_in("callchain", "health", url)
            self.assertIn("answered 404", out, err)
        finally:
            server.shutdown()
            server.server_close()


class Nothing(http.server.BaseHTTPRequestHandler):
    """404 to everything."""

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


# Source: Railway, "Config as Code" (reference), and railwayapp/docs#1243: numbers, not strings.
RAILWAY_FIELDS = {
    "$schema": lambda value: value == "https://railway.com/railway.schema.json",
    "build.builder": lambda value: value in ("RAILPACK", "DOCKERFILE"),
    "build.dockerfilePath": lambda value: (ROOT / value).is_file(),
    "deploy.startCommand": lambda value: isinstance(value, str),
    "deploy.healthcheckPath": lambda value: value.startswith("/"),
    "deploy.healthcheckTimeout": lambda value: type(value) is int and value > 0,
    "deploy.overlapSeconds": lambda value: type(value) is int and value >= 0,
    "deploy.drainingSeconds": lambda value: type(value) is int and value >= 0,
    "deploy.restartPolicyType": lambda value: value in ("ON_FAILURE", "ALWAYS", "NEVER"),
    "deploy.restartPolicyMaxRetries": lambda value: type(value) is int and value >= 1,
}


class Railway(unittest.TestCase):
    files = {name: ROOT / f"deploy/railway/{name}/railway.json" for name in ("serve", "gateway")}
    page = (ROOT / "docs/railway.md").read_text(encoding="utf-8")

    def test_the_fields_are_those_that_railway_knows(self):
        for name, path in self.files.items():
            document = json.loads(path.read_text(encoding="utf-8"))
            flat = {f"{part}.{key}": value for part, values in document.items() if part != "$schema" for key, value in values.items()}
            flat["$schema"] = document["$schema"]
            self.assertEqual(set(flat), set(RAILWAY_FIELDS))
            for field, value in flat.items():
                self.assertTrue(RAILWAY_FIELDS[field](value), f"{name}: {field}: {value!r}")

    def test_there_is_time_to_drain_and_no_overlap(self):
        for name, path in self.files.items():
            deploy = json.loads(path.read_text(encoding="utf-8"))["deploy"]
            help_text = output_of(PROGRAM, *deploy["startCommand"].split()[1:], "--help")
            drain = int(re.search(r"CALLCHAIN_DRAIN_SECONDS, default (\d+)", help_text)[1])
            self.assertGreater(deploy["drainingSeconds"], drain)
            self.assertEqual(deploy["overlapSeconds"], 0)
            self.assertEqual(deploy["startCommand"], {"serve": "callchain serve", "gateway": "callchain gateway run"}[name])

    def test_the_page_names_the_files_and_their_numbers(self):
        for name, path in self.files.items():
            self.assertIn(f"`/deploy/railway/{name}/railway.json`", self.page)
            self.assertRegex(self.page, rf"\b{json.loads(path.read_text(encoding='utf-8'))['deploy']['drainingSeconds']}, its drain is")

    def test_what_the_page_shows_runs(self):
        blocks = re.findall(r"^```sh\n(.*?)^```", self.page, re.MULTILINE | re.DOTALL)
        self.assertEqual(sum(block.count("callchain ") for block in blocks), 4)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "callchain").symlink_to(PROGRAM)
            (Path(folder) / "samples").symlink_to(ROOT / "samples")
            for block in blocks:
                code = int((re.search(r"# exit (\d+)$", block, re.MULTILINE) or [0, 0])[1])
                done = subprocess.run(["bash", "-e", "-c", block], cwd=folder, capture_output=True, text=True, check=False,
                                      env={"PATH": f"{folder}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
                self.assertEqual(done.returncode, code, block + done.stdout + done.stderr)


class Units(unittest.TestCase):
    def test_there_is_one_for_each_service(self):
        self.assertEqual([unit.stem for unit in UNITS], ["callchain-gateway", "callchain-serve"])

    def test_systemd_takes_them(self):
        """With the program where they look for it, every line is understood."""
        for unit in UNITS:
            with self.subTest(unit.name), tempfile.TemporaryDirectory() as folder:
                text = unit.read_text(encoding="utf-8").replace("/usr/bin/callchain", "/bin/true")
                text = re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE)  # the man page is not installed here
                copy = Path(folder) / unit.name
                copy.write_text(text, encoding="utf-8")
                done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True)
                said = [line for line in done.stderr.splitlines() if unit.stem in line]
                self.assertEqual(said, [])

    def test_they_are_closed(self):
        for unit in UNITS:
            with self.subTest(unit.name):
                done = subprocess.run(["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True)
                exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
                self.assertIsNotNone(exposure, done.stderr)
                self.assertLess(float(exposure[1]), MOST_EXPOSURE)

    def test_a_crash_leaves_no_memory_on_the_disk(self):
        """1, which the kernel takes for no dump at all; 0 would still hand one to a program of core_pattern."""
        for unit in UNITS:
            self.assertEqual(re.findall(r"^LimitCORE=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE), ["1"], unit.name)

    def test_a_service_is_started_again_where_its_address_is_taken(self):
        """Exit code 6 may pass by itself, however long it takes; 2 does not."""
        for name, command in (("gateway", ["gateway", "run"]), ("serve", ["serve"])):
            unit = (ROOT / f"deploy/systemd/callchain-{name}.service").read_text(encoding="utf-8")
            lines = dict(re.findall(r"^([A-Za-z]+)=(.*)$", unit, re.MULTILINE))
            self.assertEqual(lines["Restart"], "on-failure")
            self.assertEqual(lines["RestartPreventExitStatus"], "2")
            self.assertNotIn("6", lines["SuccessExitStatus"].split())
            self.assertEqual(lines["StartLimitIntervalSec"], "0")
            # 192.0.2.0/24 is for documentation (RFC 5737): no host has that address.
            done = subprocess.run([PROGRAM, *command, "--env-file", ROOT / f"samples/{name}.env", "--listen", "192.0.2.1:5060", "--admin-listen", "off"],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 6, done.stderr)

    def test_each_has_a_folder_for_what_it_keeps(self):
        """ProtectSystem=strict leaves them no other place: the gateway for its trace, serve for captures."""
        for name, variable in (("gateway", "CALLCHAIN_TRACE"), ("serve", "CALLCHAIN_CAPTURE_DIR")):
            unit = (ROOT / f"deploy/systemd/callchain-{name}.service").read_text(encoding="utf-8")
            folder = re.search(r"^LogsDirectory=(\S+)$", unit, re.MULTILINE)
            self.assertIsNotNone(folder)
            self.assertIn(f"{variable}=/var/log/{folder[1]}/", unit)
            self.assertIn("LogsDirectoryMode=0700", unit)  # captures want a folder that nobody else reads

    def test_their_commands_and_settings_exist(self):
        for unit in UNITS:
            with self.subTest(unit.name):
                command = re.search(r"^ExecStart=/usr/bin/callchain (.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)[1].split()
                done = subprocess.run([PROGRAM, *command, "--help"], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("SIGTERM", done.stdout)


if __name__ == "__main__":
    if not PROGRAM:
        sys.exit("usage: deploy_test.py PROGRAM")
    unittest.main()
