#!/usr/bin/env python3
"""Installs a build as its users do, by `cmake --install` and as a Debian package, and looks at what is there then.

    install_test.py BUILD_FOLDER
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
UNITS = ("callchain-gateway.service", "callchain-serve.service")
PAGES = sorted(path.name.removesuffix(".md") for path in (ROOT / "man").glob("*.md"))
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
# A complete command line, a word that is not finished, and what bash-completion makes of it by itself.
COMPLETE = """
. /usr/share/bash-completion/bash_completion
_completion_loader callchain
COMP_WORDS=(callchain verify-s) COMP_CWORD=1 COMP_LINE='callchain verify-s' COMP_POINT=18
$(complete -p callchain | sed -E 's/.*-F ([^ ]+).*/\\1/') callchain verify-s callchain
printf '%s\\n' "${COMPREPLY[@]}"
"""


def run(*command, **variables: str) -> str:
    """What it printed; a failure shows all that it said."""
    done = subprocess.run(command, capture_output=True, text=True, env={**ENVIRONMENT, **variables}, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


class Installed:
    """What holds for a folder that has bin, lib and share, however it came there. Subclasses set `prefix` and `program`."""

    prefix: Path
    program: str  # where the units look for it

    def test_the_program_runs(self):
        self.assertRegex(run(self.prefix / "bin/callchain", "--version"), r"^callchain \d+\.\d+\.\d+\n$")

    def test_man_finds_each_page_and_can_show_it(self):
        names = [page.rpartition(".")[0] for page in PAGES]
        places = run("man", "-M", self.prefix / "share/man", "-w", *names).split()
        self.assertEqual([Path(place).name.removesuffix(".gz") for place in places], PAGES)
        self.assertTrue(all(Path(place).is_relative_to(self.prefix) for place in places), places)
        self.assertIn("callchain health", run("man", "-M", self.prefix / "share/man", "callchain-health", MANWIDTH="80", MAN_KEEP_FORMATTING=""))

    def test_bash_completes(self):
        self.assertEqual(run("bash", "--norc", "-c", COMPLETE, XDG_DATA_DIRS=str(self.prefix / "share")).split(), ["verify-sig"])

    def test_the_other_shells_have_their_scripts(self):
        zsh = [path for path in (self.prefix / "share/zsh").rglob("_callchain")]
        self.assertTrue(zsh and zsh[0].read_text(encoding="utf-8").startswith("#compdef callchain"))
        fish = self.prefix / "share/fish/vendor_completions.d/callchain.fish"
        self.assertIn("complete -c callchain", fish.read_text(encoding="utf-8"))

    def test_all_schemas_are_there(self):
        here = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (self.prefix / "share/callchain/schemas").iterdir()}
        self.assertEqual(here, {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "docs/schemas").iterdir()})

    def test_the_units_name_the_program_where_it_is(self):
        for name in UNITS:
            unit = (self.prefix / "lib/systemd/system" / name).read_text(encoding="utf-8")
            self.assertEqual(re.findall(r"^ExecStart=(\S+)", unit, re.MULTILINE), [self.program])

    def test_systemd_takes_the_units_and_finds_their_man_pages(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in UNITS:
                unit = (self.prefix / "lib/systemd/system" / name).read_text(encoding="utf-8")
                (Path(folder) / name).write_text(unit.replace(self.program, str(self.prefix / "bin/callchain")), encoding="utf-8")
            done = subprocess.run(["systemd-analyze", "verify", *(Path(folder) / name for name in UNITS)], capture_output=True, text=True,
                                  check=False, env={**ENVIRONMENT, "MANPATH": str(self.prefix / "share/man")})
            self.assertEqual([line for line in done.stderr.splitlines() if "callchain" in line], [])

    def test_sysusers_makes_the_user_of_the_units(self):
        with tempfile.TemporaryDirectory() as root:
            (Path(root) / "etc").mkdir()
            run("systemd-sysusers", f"--root={root}", self.prefix / "lib/sysusers.d/callchain.conf")
            self.assertIn("callchain:", (Path(root) / "etc/passwd").read_text(encoding="ascii"))

    def test_examples_and_documents_are_there(self):
        documents = self.prefix / "share/doc/callchain"
        for name in ("README.md", "examples/all.env", "examples/serve.env", "docs/reliability.md", "docs/cookbook/README.md", "docs/design/serve.md"):
            self.assertTrue((documents / name).stat().st_size, name)


class ByCmake(Installed, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.prefix = Path(folder.name) / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.program = str(cls.prefix / "bin/callchain")

    def test_a_staging_folder_is_not_part_of_what_is_written(self):
        with tempfile.TemporaryDirectory() as stage:
            run("cmake", "--install", BUILD, "--prefix", "/opt/callchain", DESTDIR=stage)
            unit = (Path(stage) / "opt/callchain/lib/systemd/system" / UNITS[0]).read_text(encoding="utf-8")
            self.assertIn("ExecStart=/opt/callchain/bin/callchain gateway run\n", unit)
            self.assertNotIn(stage, unit)


class ByDebianPackage(Installed, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.here = Path(folder.name)
        cls.package = cls.make("one")
        # The slowest of them works beside the others.
        cls.lintian = subprocess.Popen(["lintian", "--fail-on", "error", cls.package], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       env=ENVIRONMENT)
        cls.addClassCleanup(cls.lintian.communicate)
        cls.root = cls.here / "root"
        run("dpkg-deb", "-x", cls.package, cls.root)
        cls.prefix = cls.root / "usr"
        cls.program = "/usr/bin/callchain"

    @classmethod
    def make(cls, name: str, **variables: str) -> Path:
        run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", cls.here / name, SOURCE_DATE_EPOCH="1767225600", **variables)
        return next((cls.here / name).glob("*.deb"))

    def test_with_which_lintian_finds_no_error(self):
        said = self.lintian.communicate(timeout=120)[0]
        self.assertEqual(self.lintian.returncode, 0, said)

    def test_the_same_build_makes_the_same_package(self):
        again = self.make("two", TZ="Asia/Tokyo", LC_ALL="C")
        self.assertEqual(self.package.read_bytes(), again.read_bytes())

    def test_it_leaves_etc_to_the_operator(self):
        names = {path.name for path in self.root.iterdir()}
        self.assertEqual(names, {"usr"})
        self.assertEqual(run("dpkg-deb", "-I", self.package, "control").count("Conffiles"), 0)

    def test_it_depends_on_what_the_program_is_linked_to(self):
        depends = run("dpkg-deb", "-f", self.package, "Depends")
        for name in ("libc6", "libssl3", "libcurl4", "libsofia-sip-ua0", "libprometheus-cpp-core1.0"):
            self.assertIn(name, depends)
        self.assertEqual(run("dpkg-deb", "-f", self.package, "Recommends").strip(), "ca-certificates")

    def test_its_sums_are_right(self):
        (self.here / "sums").write_text(run("dpkg-deb", "-I", self.package, "md5sums"), encoding="utf-8")
        subprocess.run(["md5sum", "--check", "--quiet", self.here / "sums"], cwd=self.root, check=True, env=ENVIRONMENT)

    def test_its_scripts_do_no_harm_without_systemd(self):
        """As in a chroot or container: with its tools, and with nothing but rm."""
        system = self.here / "system"
        run("dpkg-deb", "-x", self.package, system)
        run("dpkg-deb", "--control", self.package, self.here / "control")
        (system / "etc").mkdir()
        bare = self.here / "bare"
        bare.mkdir()
        (bare / "rm").symlink_to("/bin/rm")
        for script, words in (("postinst", ["configure", ""]), ("prerm", ["remove"]), ("postrm", ["remove"]), ("postrm", ["purge"])):
            for path in (ENVIRONMENT["PATH"], str(bare)):
                run(self.here / "control" / script, *words, PATH=path, DPKG_ROOT=str(system))


if __name__ == "__main__":
    if BUILD is None:
        sys.exit("usage: install_test.py BUILD_FOLDER")
    os.umask(0o077)  # of a careful user: what is installed can be read by all the same
    unittest.main()
