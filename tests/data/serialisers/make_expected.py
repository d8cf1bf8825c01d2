#!/usr/bin/env python3
"""Writes what real serialisers make of call-event.json and mixed.json, as expected/<document>.<serialiser>.json.

Run it again after a change to the documents; it needs node and jq. What is committed came from Python 3.11,
Node 20 and jq 1.6.
"""
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent

PYTHON = {
    "python": {},
    "python-literal": {"ensure_ascii": False},
    "python-compact": {"separators": (",", ":")},
    "python-sorted": {"sort_keys": True},
    "python-indent-2": {"indent": 2},
    "python-indent-4": {"indent": 4},
}
COMMANDS = {
    "node": ["node", "-e", "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0))))"],
    "node-indent-2": ["node", "-e", "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0)), null, 2))"],
    "node-indent-tab": ["node", "-e", "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0)), null, '\\t'))"],
    "jq-sorted": ["jq", "-cSj", "."],
}

for document in ("call-event", "mixed"):
    source = (HERE / f"{document}.json").read_bytes()
    outputs = {name: json.dumps(json.loads(source), **options).encode() for name, options in PYTHON.items()}
    for name, command in COMMANDS.items():
        outputs[name] = subprocess.run(command, input=source, stdout=subprocess.PIPE, check=True).stdout
    for name, output in outputs.items():
        (HERE / "expected" / f"{document}.{name}.json").write_bytes(output)
