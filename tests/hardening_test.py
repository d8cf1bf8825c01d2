#!/usr/bin/env python3
"""Looks in the built program for what the compiler and the linker were told to harden it with.

    hardening_test.py PROGRAM

Flags in a build file say what was asked for; the ELF file says what came of it. It is read with binutils' own tools.
"""

import re
import subprocess
import sys
import unittest
from pathlib import Path

PROGRAM = str(Path(sys.argv.pop(1)).resolve()) if len(sys.argv) > 1 else ""
PAGE = 4096


def readelf(*options: str) -> str:
    done = subprocess.run(["readelf", "-W", *options, PROGRAM], check=False, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    # Of notes, binutils 2.40 reads all and ends with 1: it does not know the type of one of them.
    assert done.returncode == 0 or options == ("--notes",), done.stderr
    return done.stdout


def imports() -> set[str]:
    """Names of the functions that shared libraries are asked for."""
    return set(re.findall(r"\bUND (\w+)", readelf("--dyn-syms")))


class Loading(unittest.TestCase):
    """What the dynamic linker makes of it."""

    @classmethod
    def setUpClass(cls):
        cls.segments, cls.dynamic = readelf("--program-headers"), readelf("--dynamic")

    def test_the_address_is_not_known_beforehand(self):
        self.assertRegex(readelf("--file-header"), r"Type: +DYN \(Position-Independent Executable file\)")
        self.assertRegex(self.dynamic, r"FLAGS_1\).*\bPIE\b")

    def test_tables_of_addresses_are_read_only_before_main(self):
        """Full RELRO: everything is bound at the start, and then the whole table is closed."""
        self.assertRegex(self.segments, r"\n +GNU_RELRO ")
        self.assertRegex(self.dynamic, r"\(FLAGS\).*\bBIND_NOW\b")
        self.assertRegex(self.dynamic, r"FLAGS_1\).*\bNOW\b")

    def test_nothing_is_both_writable_and_executable(self):
        flags = re.findall(r"^ +(LOAD|GNU_STACK) .*? (R?[ ]?W?[ ]?E?) +0x[0-9a-f]+$", self.segments, re.MULTILINE)
        self.assertIn("GNU_STACK", {name for name, _ in flags}, "without this header the stack is executable")
        self.assertFalse([one for one in flags if "W" in one[1] and "E" in one[1]])
        self.assertFalse([one for one in flags if one[0] == "GNU_STACK" and "E" in one[1]])

    def test_code_is_not_changed_while_it_is_loaded(self):
        self.assertNotIn("TEXTREL", self.dynamic)

    def test_libraries_come_from_the_system_alone(self):
        self.assertIsNone(re.search(r"\((RPATH|RUNPATH)\)", self.dynamic))

    def test_what_is_loaded_later_is_told(self):
        """libcurl and the many libraries below it: not with every command, and to be seen by whoever packages the program."""
        self.assertIn("[libssl.so.3]", self.dynamic)
        self.assertNotIn("[libcurl", self.dynamic)
        notes = readelf("--string-dump=.note.dlopen")
        self.assertIn("FDO", notes)
        self.assertIn('"soname":["libcurl.so.4"]', notes)


class Compiled(unittest.TestCase):
    """What is in the code."""

    @classmethod
    def setUpClass(cls):
        cls.imports = imports()
        cls.is_x86_64 = "X86-64" in readelf("--file-header")
        cls.code = subprocess.run(["objdump", "--disassemble", "--no-show-raw-insn", PROGRAM], check=True, capture_output=True, text=True).stdout

    def test_stacks_are_guarded(self):
        self.assertIn("__stack_chk_fail", self.imports)

    def test_copies_into_buffers_of_known_size_are_checked(self):
        self.assertTrue({"__memcpy_chk", "__snprintf_chk"} & self.imports)

    def test_the_standard_library_checks_indexes(self):
        self.assertTrue([name for name in self.imports if "glibcxx_assert_fail" in name])

    def test_large_frames_touch_every_page(self):
        """A step of more than a page, never touched, may lead over the guard page into another stack."""
        if not self.is_x86_64:
            self.skipTest("how a step looks is written down for x86-64 alone")
        steps = [int(size, 16) for size in re.findall(r"\tsub +\$0x([0-9a-f]+),%rsp\b", self.code)]
        self.assertGreater(len(steps), 1000)
        self.assertTrue(PAGE in steps, "nothing steps over a page by pages")
        self.assertEqual([size for size in steps if PAGE < size < 1 << 31], [])  # beyond: steps back, written as negative numbers

    def test_indirect_branches_have_places_to_land(self):
        if not self.is_x86_64:
            self.skipTest("endbr64 is of x86-64")
        self.assertGreater(self.code.count("\tendbr64"), 5000)

    def test_returns_can_be_held_against_a_shadow_stack(self):
        if not self.is_x86_64:
            self.skipTest("the mark is of x86-64")
        self.assertRegex(readelf("--notes"), r"x86 feature:.*\bSHSTK\b")


if __name__ == "__main__":
    if not PROGRAM:
        sys.exit("usage: hardening_test.py PROGRAM")
    unittest.main()
