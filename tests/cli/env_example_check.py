#!/usr/bin/env python3
"""samples/.env.example names every setting of `serve` and of `gateway run`, with its default, and nothing else.

    env_example_check.py PROGRAM
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [["serve"], ["gateway", "run"]]


def settings_of(program: str, command: list[str]) -> dict[str, str]:
    """Names and defaults, as --print-config has them in an empty environment."""
    done = subprocess.run([program, *command, "--print-config", "--json"], capture_output=True, text=True, env={}, cwd="/")
    return {one["name"]: one["value"] for one in json.loads(done.stdout)["settings"]}


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit("usage: env_example_check.py PROGRAM")
    text = (ROOT / "samples/.env.example").read_text(encoding="utf-8")
    parts = re.split(r"^# ---- callchain .+ ----$", text, flags=re.MULTILINE)[1:]
    faults = []
    for command, part in zip(COMMANDS, parts, strict=True):
        named = dict(re.findall(r"^#([A-Z][A-Z0-9_]*)=(.*)$", part, re.MULTILINE))
        wanted = settings_of(sys.argv[1], command)
        for name in sorted(named.keys() | wanted.keys()):
            if named.get(name) != wanted.get(name):
                faults.append(f"{' '.join(command)}: {name} is {named.get(name)!r} in the example and {wanted.get(name)!r} in the program")
    print("\n".join(faults) or f"{len(COMMANDS)} services, every setting named once")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
