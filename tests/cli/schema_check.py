#!/usr/bin/env python3
"""Holds JSON documents that the program prints against docs/schemas/<command>.schema.json (draft 2020-12).

A document names its schema itself: "schema": "callchain.<command>/1". The object that a failing command with
--json writes to stderr has no such member; its schema is error.schema.json.

    schema_check.py FILE…    check the documents in these files ('-' is stdin); used by run_golden.py as a module
"""

import json
import re
import sys
import threading
from pathlib import Path

import jsonschema

# What they hold differs with every run, or stands in an archive: test_listen.py, test_simulate.py, test_stand_ins.py and
# test_bundle.py in tests/e2e hold them to their schemas.
HELD_ELSEWHERE = {"listen", "simulate-call", "simulate-meta", "simulate-openai", "simulate-twilio", "timeline", "verdicts"}
SCHEMA_NAME = re.compile(r"^callchain\.([a-z0-9-]+)/1$")
ERROR_MEMBERS = {"code", "message", "hint"}


class Schemas:
    """All schemas of a folder. May be used by several threads at once."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.checked = 0
        self._validators: dict[str, jsonschema.Draft202012Validator] = {}
        self._used: set[str] = set()
        self._broken: list[str] = []
        self._lock = threading.Lock()
        for path in sorted(folder.glob("*.schema.json")):
            self._load(path)

    def _load(self, path: Path) -> None:
        name = path.name.removesuffix(".schema.json")
        try:
            schema = json.loads(path.read_text(encoding="utf-8"))
            jsonschema.Draft202012Validator.check_schema(schema)
        except (json.JSONDecodeError, jsonschema.SchemaError) as error:
            self._broken.append(f"docs/schemas/{path.name}: {error}".splitlines()[0])
            return
        self._validators[name] = jsonschema.Draft202012Validator(schema)

    def check(self, document, name: str) -> list[str]:
        """What is wrong with one document by the schema of that name."""
        with self._lock:
            self.checked += 1
            self._used.add(name)
        if name not in self._validators:
            return [f"docs/schemas/{name}.schema.json is missing or broken"]
        errors = sorted(self._validators[name].iter_errors(document), key=lambda error: error.json_path)
        return [f"not valid by {name}.schema.json: {error.json_path}: {error.message[:300]}" for error in errors]

    def check_output(self, stdout: bytes, stderr: bytes) -> list[str]:
        """Checks the documents in the two streams of one run, one each or one per line; other text is no concern here."""
        problems = []
        for document in documents(stdout):
            if isinstance(document, dict) and "schema" in document:
                problems += self.check_named(document)
        for document in documents(stderr):
            if isinstance(document, dict) and ERROR_MEMBERS & document.keys():
                problems += self.check(document, "error")
        return problems

    def check_named(self, document: dict) -> list[str]:
        name = SCHEMA_NAME.match(str(document.get("schema")))
        if name is None:
            return [f'"schema" is {document.get("schema")!r}, not callchain.<command>/1']
        return self.check(document, name.group(1))

    def problems_of_their_own(self) -> list[str]:
        """Schemas that are broken, and those that no document has tried."""
        untried = sorted(self._validators.keys() - self._used - HELD_ELSEWHERE)
        return self._broken + [f"docs/schemas/{name}.schema.json: no golden case prints such a document" for name in untried]


def documents(output: bytes) -> list:
    """The JSON documents of a stream: the whole of it, or one per line; none where it is not JSON."""
    if not output.lstrip().startswith((b"{", b"[")):
        return []
    for pieces in ([output], output.splitlines()):
        try:
            return [json.loads(piece) for piece in pieces if piece.strip()]
        except ValueError:
            continue
    return []


def main() -> int:
    schemas = Schemas(Path(__file__).resolve().parents[2] / "docs/schemas")
    problems = []
    for name in sys.argv[1:] or ["-"]:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        found = documents(content) or [None]
        for document in found:
            wrong = schemas.check_named(document) if isinstance(document, dict) else ["no JSON object"]
            problems += [f"{name}: {problem}" for problem in wrong]
    print("\n".join(problems) or f"{schemas.checked} documents valid")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
