#!/usr/bin/env python3
"""Writes what run.sh has measured into the table of docs/reliability.md.

    write_down.py NAME…

A target that was not run, or failed, keeps the row that it had, with its own date and commit.
"""

import datetime
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs/reliability.md"
BEGIN, END = "<!-- fuzz:begin, written by ./dev fuzz -->\n", "<!-- fuzz:end -->\n"
HEAD = "| target | runs | runs/s | corpus | time | date | commit |\n|---|---:|---:|---:|---|---|---|\n"


def git(*words: str) -> str:
    return subprocess.run(["git", "-C", ROOT, *words], check=True, capture_output=True, text=True).stdout.strip()


def commit() -> str:
    """What was built; with a plus where it is not what was committed."""
    changed = git("status", "--porcelain", "--", "core", "tests/fuzz", "CMakeLists.txt")
    return f"`{git('rev-parse', '--short=7', 'HEAD')}`" + ("+" if changed else "")


def main(names: list[str]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    table, end, behind = rest.partition(END)
    if not begin or not end:
        sys.exit(f"fuzz: {PAGE.relative_to(ROOT)} has no place for the table: {BEGIN.strip()} … {END.strip()}")
    rows = {name: row for row in table.splitlines() for name in re.findall(r"^\| `(\w+)` ", row)}
    today, built = datetime.date.today().isoformat(), commit()
    for name in names:
        result = ROOT / "build/fuzz/results" / name
        if not result.exists():
            continue
        _, runs, rate, kept, seconds, clock = result.read_text(encoding="ascii").rstrip("\n").split("\t")
        time = f"{seconds} s of processor" if clock == "cpu" else f"{seconds} s"
        rows[name] = f"| `{name}` | {int(runs):,} | {int(rate):,} | {kept} | {time} | {today} | {built} |"
    # A target that there is no longer says nothing.
    lines = [rows[name] for name in sorted(rows) if (ROOT / f"tests/fuzz/{name}_fuzz.cpp").exists()]
    PAGE.write_text(before + BEGIN + HEAD + "".join(f"{line}\n" for line in lines) + END + behind, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
