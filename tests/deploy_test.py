#!/usr/bin/env python3
"""Holds what stands in deploy/ and the Dockerfile against the program and against systemd's own judgement.

    deploy_test.py PROGRAM
"""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
MOST_EXPOSURE = 2.0  # of systemd-analyze security, 0 (closed) to 10
PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def package_of(library: str) -> str:
    """The Debian package that a shared library came with; the list of files may have it with or without /usr."""
    path = str(Path(library).resolve())
    for name in (path, path.removeprefix("/usr")):
        done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    raise AssertionError(f"{path} belongs to no package")


class Dockerfile(unittest.TestCase):
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    last_stage = text[text.rindex("\nFROM "):]

    def test_installs_what_the_program_is_linked_to(self):
        """Neither more nor less, but for what every Debian has."""
        installed = set(re.search(r"apt-get install -y --no-install-recommends (.*?)&&", self.last_stage, re.DOTALL)[1].replace("\\", "").split())
        needed = set(re.findall(r"\(NEEDED\)\s+Shared library: \[(.+?)\]", output_of("readelf", "-d", PROGRAM)))
        places = dict(re.findall(r"^\s*(\S+) => (\S+)", output_of("ldd", PROGRAM), re.MULTILINE))
        packages = {package_of(places[name]) for name in needed if name in places}
        self.assertIn("libssl3", packages)
        self.assertEqual(packages - {"libc6", "libgcc-s1", "libstdc++6"}, installed - {"ca-certificates"})

    def test_does_not_run_as_root(self):
        user = re.findall(r"^USER (\S+)$", self.last_stage, re.MULTILINE)
        self.assertEqual(user, ["callchain"])

    def test_leaves_out_secrets_and_builds(self):
        ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
        for name in (".git", "build", "**/.env", "**/*.env"):
            self.assertIn(name, ignored)


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

    def test_the_gateway_has_a_folder_for_its_trace(self):
        """ProtectSystem=strict leaves it no other place."""
        unit = (ROOT / "deploy/systemd/callchain-gateway.service").read_text(encoding="utf-8")
        folder = re.search(r"^LogsDirectory=(\S+)$", unit, re.MULTILINE)
        self.assertIsNotNone(folder)
        self.assertIn(f"CALLCHAIN_TRACE=/var/log/{folder[1]}/", unit)

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
