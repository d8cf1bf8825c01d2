#!/usr/bin/env python3
"""Runs the program on the golden cases of tests/cli/cases/<command>/<name>.case and compares what it says.

Each case runs in a new empty folder with an empty environment, so that nothing of the machine leaks into it.
Beside its own files the folder holds `samples` and `data` (links to samples/ and tests/data/).

A case is text in sections, written like this:

    # What this case shows, for the reader.
    === args
    verify-sig --request samples/valid-openai.http --secret-file secret --json
    === env                                  one NAME=value per line; may be left out
    === file secret                          a file of that name, its content below; any number of them
    whsec_AAAA
    === stdin                                may be left out: then stdin is empty
    === exit 0
    === stdout                               left out: nothing may be printed
    === stderr

  args      one command line, split as a shell would; nothing is expanded
  file, stdin, stdout, stderr take a form behind the name:
            (none)       the lines as they stand
            no-newline   the lines without the last line end
            base64       the bytes that the base64 stands for (file and stdin only)
            python       the bytes that a Python expression yields, for what is too big to write down or cannot be
                         written; sample("event.json") is the content of a file in samples/
  terminal  may be left out: then stdout is a pipe; with it, stdout is a terminal
  stdout, stderr show the escape character, with which colours begin, as ␛, and a carriage return as ␍
  stdout, stderr also take `json`: both sides are compared as JSON values, pretty-printed here; `json-lines` for NDJSON

Expected text may hold `{*}`, which stands for any run of characters within a line, and a line `{**}`, which
stands for any number of lines. In JSON they work within strings, and "{*}" as a whole stands for any value;
"{**}" as a name or as the last element stands for any number of further members or elements.

Beyond the case's own expectations every run is held to three promises. No secret appears in any output: neither the
content of a file or variable whose name has "secret" or "token" in it, nor a whsec_ value from any other input; not
whole, and not 12 characters in a row beyond what a mask shows, or 12 of the key's bytes or hex digits. No control character is
printed but line ends and colours (what sign-webhook and sdp-filter write is as their input is), and no SRTP key on stderr. And every JSON document with
a "schema" member is valid by docs/schemas (schema_check.py).

    run_golden.py PROGRAM            run all; the last line counts
    run_golden.py PROGRAM PATTERN    those whose command/name contains PATTERN
    run_golden.py PROGRAM --update   write what the program says into failing cases, showing each difference
"""

import argparse
import ast
import base64
import difflib
import gzip
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import schema_check

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMEOUT_SECONDS = 120  # a sanitizer on a busy machine, not what a case should take
SANITIZER_VARIABLES = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "GCOV_PREFIX", "GCOV_PREFIX_STRIP")
SECRET_NAME = re.compile(r"secret|token", re.IGNORECASE)
WHOLE_SECRET = re.compile(rb"whsec_[A-Za-z0-9+/=_-]{16,}")
SHORTEST_RUN = 12  # shorter pieces turn up in outputs by chance
COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
CONTROL_CHARACTER = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")
LONGEST_PATH = 200  # a longer argument names no file of ours
MOST_SCANNED = 1 << 20  # bytes of an input that are searched for secrets

SECTION = re.compile(r"^=== (args|env|file|stdin|terminal|exit|stdout|stderr)(?: (.*))?$")
WRITERS = (["sign-webhook"], ["sdp-filter"])  # what they write on stdout is as the input is
SRTP_KEY = re.compile(rb"inline:([A-Za-z0-9+/=]{20,})")
EXPECTATIONS = {"exit", "stdout", "stderr"}
INPUT_FORMS = {"", "no-newline", "base64", "python"}
OUTPUT_FORMS = {"", "no-newline", "json", "json-lines"}


class BadCase(Exception):
    """A case file that cannot be read as one."""


@dataclass
class Section:
    form: str
    text: str


@dataclass
class Case:
    path: Path
    args: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    stdin: bytes = b""
    terminal: bool = False
    exit_code: int = 0
    stdout: Section = field(default_factory=lambda: Section("", ""))
    stderr: Section = field(default_factory=lambda: Section("", ""))

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"


@dataclass
class Outcome:
    exit_code: int
    stdout: bytes
    stderr: bytes


# Reading a case


def split_sections(text: str) -> list[tuple[str, str, str]]:
    """(name, rest of its line, content) of each section, in order; lines before the first are comment."""
    sections: list[tuple[str, str, list[str]]] = []
    for line in text.splitlines(keepends=True):
        if found := SECTION.match(line.rstrip("\n")):
            sections.append((found.group(1), found.group(2) or "", []))
        elif line.startswith("=== "):
            raise BadCase(f"unknown section: {line.strip()}")
        elif sections:
            sections[-1][2].append(line)
    return [(name, rest, "".join(lines)) for name, rest, lines in sections]


def input_bytes(form: str, text: str) -> bytes:
    if form == "base64":
        return base64.b64decode(text)
    if form == "python":
        # The cases are part of this repository: as trustworthy as this script.
        known = {"base64": base64, "gzip": gzip, "sample": lambda name: (ROOT / "samples" / name).read_bytes()}
        return eval(compile(ast.parse(text.strip(), mode="eval"), "case", "eval"), known)
    return (text.removesuffix("\n") if form == "no-newline" else text).encode()


def checked_form(form: str, known: set[str]) -> str:
    if form not in known:
        raise BadCase(f"unknown form {form!r}; known: {', '.join(sorted(known - {''}))}")
    return form


def read_case(path: Path) -> Case:
    case = Case(path)
    seen: set[str] = set()
    for name, rest, content in split_sections(path.read_text(encoding="utf-8")):
        if name != "file" and name in seen:
            raise BadCase(f"two sections '{name}'")
        if name not in EXPECTATIONS and seen & EXPECTATIONS:
            raise BadCase(f"section '{name}' stands behind exit, stdout or stderr, which come last")
        seen.add(name)
        if name == "args":
            case.args = shlex.split(content, comments=True)
        elif name == "env":
            case.env = dict(line.split("=", 1) for line in content.splitlines() if line)
        elif name == "file":
            file_name, _, form = rest.partition(" ")
            case.files[file_name] = input_bytes(checked_form(form, INPUT_FORMS), content)
        elif name == "stdin":
            case.stdin = input_bytes(checked_form(rest, INPUT_FORMS), content)
        elif name == "terminal":
            case.terminal = True
        elif name == "exit":
            case.exit_code = int(rest)
        else:
            setattr(case, name, Section(checked_form(rest, OUTPUT_FORMS), content))
    for required in ("args", "exit"):
        if required not in seen:
            raise BadCase(f"no section '{required}'")
    return case


# Running it


def run_case(program: Path, case: Case) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="callchain-case-") as folder:
        os.symlink(ROOT / "samples", Path(folder, "samples"))
        os.symlink(ROOT / "tests/data", Path(folder, "data"))
        for name, content in case.files.items():
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        environment = {name: os.environ[name] for name in SANITIZER_VARIABLES if name in os.environ}
        how = {"cwd": folder, "env": {**environment, **case.env}}
        if case.terminal:
            return run_in_terminal([program, *case.args], case.stdin, how)
        done = subprocess.run([program, *case.args], input=case.stdin, capture_output=True, timeout=TIMEOUT_SECONDS,
                              check=False, **how)
        return Outcome(done.returncode, done.stdout, done.stderr)


def run_in_terminal(command: list, stdin: bytes, how: dict) -> Outcome:
    """Runs it with stdout on a pseudo-terminal, whose line ends are turned back."""
    ours, theirs = os.openpty()
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
        given.write(stdin)
        given.seek(0)
        with subprocess.Popen(command, stdin=given, stdout=theirs, stderr=errors, **how) as process:
            os.close(theirs)
            printed = b""
            try:
                while piece := os.read(ours, 65536):
                    printed += piece
            except OSError:
                pass  # how Linux tells that the other end of a terminal was closed
            os.close(ours)
            exit_code = process.wait(TIMEOUT_SECONDS)
        errors.seek(0)
        return Outcome(exit_code, printed.replace(b"\r\n", b"\n"), errors.read())


# Comparing


def pattern_of(expected: str) -> re.Pattern[str]:
    """The regular expression that expected text with its placeholders stands for."""
    lines = []
    for line in expected.splitlines(keepends=True):
        if line.strip() == "{**}":
            lines.append(r"(?:[^\n]*\n)*?")
        else:
            lines.append(r"[^\n]*?".join(re.escape(part) for part in line.split("{*}")))
    return re.compile("".join(lines))


def same_json(expected, actual) -> bool:
    if expected == "{*}":
        return True
    if isinstance(expected, str) and isinstance(actual, str):
        return pattern_of(expected).fullmatch(actual) is not None
    if isinstance(expected, dict) and isinstance(actual, dict):
        if "{**}" in expected:
            expected = {name: value for name, value in expected.items() if name != "{**}"}
            actual = {name: value for name, value in actual.items() if name in expected}
        return expected.keys() == actual.keys() and all(same_json(expected[key], actual[key]) for key in expected)
    if isinstance(expected, list) and isinstance(actual, list):
        if "{**}" in expected[-1:]:
            expected, actual = expected[:-1], actual[: len(expected) - 1]
        return len(expected) == len(actual) and all(map(same_json, expected, actual))
    return type(expected) is type(actual) and expected == actual


def pretty(value) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def shown(section: Section, actual: bytes) -> str:
    """What the program wrote, in the form that the section has."""
    text = actual.decode("utf-8", errors="backslashreplace").replace("\x1b", "␛").replace("\r", "␍")
    try:
        if section.form == "json":
            return pretty(json.loads(text))
        if section.form == "json-lines":
            return "".join(pretty(json.loads(line)) for line in text.splitlines())
    except json.JSONDecodeError as error:
        return f"{text}\n[not JSON: {error}]\n"
    return text + "\n" if section.form == "no-newline" else text


def matches(section: Section, actual_text: str) -> bool:
    if section.form not in ("json", "json-lines"):
        return pattern_of(section.text).fullmatch(actual_text) is not None
    try:
        return same_json(documents(section.text), documents(actual_text))
    except json.JSONDecodeError:
        return False


def documents(text: str) -> list:
    """The JSON values that stand one behind the other in `text`."""
    decoder, values, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        values.append(value)
        rest = rest[end:].lstrip()
    return values


def secrets_of(case: Case) -> list[bytes]:
    """The secrets in all inputs of a case: contents of files and variables named so, and every whsec_ value anywhere."""
    named = [ROOT / re.sub("^data/", "tests/data/", argument.split("=")[-1]) for argument in case.args if len(argument) < LONGEST_PATH]
    read = {str(path): path.read_bytes() for path in named if path.is_file() and path.stat().st_size < MOST_SCANNED}
    inputs = {**{name: value.encode() for name, value in case.env.items()}, **case.files, **read}
    contents = [content for name, content in inputs.items() if SECRET_NAME.search(Path(name).name)]
    values = [item.strip(b" \t\r\n\"'\xef\xbb\xbf") for content in contents for item in re.split(rb"[,\n]", content)]
    for content in [*inputs.values(), case.stdin, *(argument.encode() for argument in case.args)]:
        if len(content) < MOST_SCANNED:
            values += WHOLE_SECRET.findall(content)
    return [value for value in values if len(value) >= SHORTEST_RUN]


def srtp_keys_of(case: Case) -> list[bytes]:
    named = [ROOT / re.sub("^data/", "tests/data/", argument) for argument in case.args if len(argument) < LONGEST_PATH]
    texts = [*case.files.values(), case.stdin, *(path.read_bytes() for path in named if path.is_file())]
    return [key for text in texts for key in SRTP_KEY.findall(text)]


def traces_of(secret: bytes) -> set[bytes]:
    """What tells too much of a secret: every run of its middle, which no mask shows, and of its key in any writing."""
    first, last = (10, 6) if len(secret) >= 40 else (7, 2) if len(secret) >= 24 else (0, 0)  # the mask
    texts = [secret[first : len(secret) - last]]
    if b"whsec_" in secret:
        payload = re.sub(rb"[^A-Za-z0-9+/]", b"", secret.partition(b"whsec_")[2])
        key = base64.b64decode(payload + b"=" * (-len(payload) % 4)) if len(payload) % 4 != 1 else b""
        texts += [key, key.hex().encode(), key.hex().upper().encode()]
    return {text[at : at + SHORTEST_RUN] for text in texts for at in range(len(text) - SHORTEST_RUN + 1)}


def judge(case: Case, outcome: Outcome, schemas: schema_check.Schemas) -> list[str]:
    """Every way in which the outcome is not what the case demands, as text for a person."""
    problems = []
    if outcome.exit_code != case.exit_code:
        problems.append(f"exit code {outcome.exit_code}, expected {case.exit_code}")
    for name in ("stdout", "stderr"):
        section, actual = getattr(case, name), shown(getattr(case, name), getattr(outcome, name))
        if not matches(section, actual):
            problems.append("".join(difflib.unified_diff(section.text.splitlines(True), actual.splitlines(True),
                                                         f"{name} expected", f"{name} printed")))
    printed = outcome.stdout + outcome.stderr
    traces = {trace for secret in secrets_of(case) for trace in traces_of(secret)}
    if any(trace in printed for trace in traces):
        problems.append("a secret was printed, or a good part of one")
    written = b"" if case.args[:1] in WRITERS else outcome.stdout
    if CONTROL_CHARACTER.search(COLOUR.sub(b"", written + outcome.stderr)):
        problems.append("a control character was printed")
    if any(key in outcome.stderr for key in srtp_keys_of(case)):
        problems.append("an SRTP key was printed on stderr")
    problems += schemas.check_output(outcome.stdout, outcome.stderr)
    return problems


# Updating


def updated(case: Case, outcome: Outcome) -> str:
    """The case's text with what was printed in place of what was expected."""
    text = case.path.read_text(encoding="utf-8")
    head = re.split(r"^=== (?:exit|stdout|stderr)\b", text, maxsplit=1, flags=re.MULTILINE)[0]
    tail = f"=== exit {outcome.exit_code}\n"
    for name in ("stdout", "stderr"):
        section, actual = getattr(case, name), shown(getattr(case, name), getattr(outcome, name))
        if matches(section, actual):
            actual = section.text  # keeps its placeholders
        if actual:
            form = section.form or ("" if actual.endswith("\n") else "no-newline")
            tail += f"=== {name} {form}".rstrip() + "\n" + actual + ("" if actual.endswith("\n") else "\n")
    return head + tail


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs the golden cases of the command line.")
    parser.add_argument("program", type=Path)
    parser.add_argument("pattern", nargs="?", default="")
    parser.add_argument("--update", action="store_true", help="write what the program prints into failing cases")
    options = parser.parse_args()
    program = options.program.resolve()
    schemas = schema_check.Schemas(ROOT / "docs/schemas")

    cases, failed = [], 0
    for path in sorted(HERE.glob("cases/*/*.case")):
        try:
            cases.append(read_case(path))
        except (BadCase, ValueError, SyntaxError) as error:
            failed += 1
            print(f"FAILED {path.relative_to(ROOT)}: {error}")
    cases = [case for case in cases if options.pattern in case.name]

    def run_and_judge(case: Case) -> tuple[Case, Outcome | None, list[str]]:
        try:
            outcome = run_case(program, case)
        except subprocess.TimeoutExpired:
            return case, None, [f"still running after {TIMEOUT_SECONDS} s"]
        return case, outcome, judge(case, outcome, schemas)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for case, outcome, problems in pool.map(run_and_judge, cases):
            if not problems:
                continue
            failed += 1
            print(f"FAILED {case.path.relative_to(ROOT)}: callchain {shlex.join(case.args)}")
            print("\n".join(problems))
            if options.update and outcome is not None:
                case.path.write_text(updated(case, outcome), encoding="utf-8")
                print(f"updated {case.path.relative_to(ROOT)}; read the difference before keeping it")

    if not options.pattern:
        for problem in schemas.problems_of_their_own():
            failed += 1
            print(f"FAILED {problem}")
    print(f"{len(cases)} cases, {schemas.checked} JSON documents checked, {failed} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
