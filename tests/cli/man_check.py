#!/usr/bin/env python3
"""Holds the manual pages man/*.1.md against the program: same options both ways, and every example runs.

An option of a page is one with an entry of its own in the section OPTIONS. Each command that `callchain --help` lists,
and each within such a command, must have a page (`callchain-twiml-lint.1.md`), and each page a command. An example is a block of lines indented by four blanks in the section
EXAMPLES; a line that begins with `$ ` is a command, which goes on where it ends in `\\` or `|`. It must end with the
exit code that a comment at its end names (`# exit 1`), else with 0. So must each line behind "Examples:" in a command's help. Examples of one page run in the same copy of samples/.

    man_check.py PROGRAM
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

import console

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 120  # a sanitizer on a busy machine, not what an example should take
SANITIZER_VARIABLES = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "GCOV_PREFIX", "GCOV_PREFIX_STRIP")
WITHOUT_EXAMPLES = ("callchain.1.md", "callchain-help.1.md", "callchain-completion.1.md")  # in their help; the pages have some
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES", "SEE ALSO")


def sections_of(page: Path) -> dict[str, str]:
    """The text below each first-level heading."""
    parts = re.split(r"^# (.+)\n", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def options_of_page(section: str) -> set[str]:
    entries = re.findall(r"^\*\*-.*(?=\n:)", section, flags=re.MULTILINE)
    return {option for entry in entries for option in re.findall(r"\*\*(--[a-z][a-z0-9-]*)\*\*", entry)}


def options_of_help(text: str) -> set[str]:
    return set(re.findall(r"^  (?:-\w,)?(--[a-z][a-z0-9-]*)", text, flags=re.MULTILINE))


def commands_of_help(text: str) -> list[str]:
    return re.findall(r"^  ([a-z][a-z-]*) ", text.partition("Subcommands:")[2].partition("Examples:")[0], flags=re.MULTILINE)


def all_commands(program: "Program", folder: Path, words: str = "") -> list[str]:
    """"verify-sig", "twiml lint": every command below the one that `words` choose."""
    names = commands_of_help(program.run(f"callchain {words} --help", folder).stdout)
    commands = [f"{words} {name}".strip() for name in names]
    return [each for command in commands for each in (command, *all_commands(program, folder, command))]


def examples_of_help(text: str) -> list[tuple[str, int]]:
    """As examples_of, of the lines behind "Examples:" at the end of a command's help."""
    lines = [line.strip() for line in text.partition("\nExamples:\n")[2].splitlines() if line.strip()]
    codes = [re.search(r"# exit (\d+)$", line) for line in lines]
    return [(line, int(code.group(1)) if code else 0) for line, code in zip(lines, codes)]


def examples_of(section: str) -> list[tuple[str, int]]:
    """(command, expected exit code) of each example."""
    lines = (line.removeprefix("    ") if line.startswith("    ") else "" for line in section.splitlines())
    return [(step.command, step.exit_code or 0) for step in console.steps_of(lines)]


class Program:
    """The program under test, called by its name as a reader would."""

    def __init__(self, path: Path, folder: Path):
        (folder / "bin").mkdir()
        (folder / "bin/callchain").symlink_to(path)
        self._environment = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TMPDIR": str(folder)}
        self._environment |= {name: os.environ[name] for name in SANITIZER_VARIABLES if name in os.environ}

    def run(self, command: str, folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", "-c", command], cwd=folder, env=self._environment, capture_output=True, text=True,
                              errors="replace", stdin=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS, check=False)

    def start(self, command: str, folder: Path, output: BinaryIO) -> subprocess.Popen[bytes]:
        """Leaves it running, as a process group of its own."""
        return subprocess.Popen(["bash", "-c", command], cwd=folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=output,
                                stderr=subprocess.STDOUT, start_new_session=True)


def problems_of_options(page: Path, section: str, help_text: str) -> list[str]:
    there, described = options_of_help(help_text), options_of_page(section)
    return [f"{page.name}: {option} is in --help and not in the page" for option in sorted(there - described)] + \
           [f"{page.name}: {option} is in the page and not in --help" for option in sorted(described - there)]


def problems_of_examples(page: Path, section: str, help_text: str, program: Program, folder: Path) -> tuple[list[str], int]:
    problems = []
    examples = examples_of(section)
    if not examples:
        problems.append(f"{page.name}: no example")
    of_help = examples_of_help(help_text)
    if not of_help and page.name not in WITHOUT_EXAMPLES:
        problems.append(f"{page.name}: no example in the help")
    examples += of_help
    for command, expected in examples:
        done = program.run(command, folder)
        if done.returncode != expected:
            problems.append(f"{page.name}: exit code {done.returncode}, expected {expected}: {command}\n{done.stderr[:500]}")
    return problems, len(examples)


def main() -> int:
    problems: list[str] = []
    examples = 0
    with tempfile.TemporaryDirectory(prefix="callchain-man-") as scratch:
        program = Program(Path(sys.argv[1]).resolve(), Path(scratch))
        names = {"callchain.1.md": "--help"}
        names |= {f"callchain-{name.replace(' ', '-')}.1.md": f"{name} --help"
                  for name in all_commands(program, Path(scratch))}
        pages = {page.name: page for page in sorted((ROOT / "man").glob("*.1.md"))}
        problems += [f"man/{name} is missing" for name in sorted(names.keys() - pages.keys())]
        problems += [f"man/{name} describes no command" for name in sorted(pages.keys() - names.keys())]
        for name in sorted(names.keys() & pages.keys()):
            folder = Path(scratch, name)
            shutil.copytree(ROOT / "samples", folder / "samples")
            sections = sections_of(pages[name])
            problems += [f"{name}: no section {section}" for section in SECTIONS if section not in sections]
            help_text = program.run(f"callchain {names[name]}", folder).stdout
            problems += problems_of_options(pages[name], sections.get("OPTIONS", ""), help_text)
            found, count = problems_of_examples(pages[name], sections.get("EXAMPLES", ""), help_text, program, folder)
            problems += found
            examples += count
    print("\n".join(problems) or f"{len(pages)} pages, {examples} examples: as the program says")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
