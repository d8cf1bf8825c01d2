#!/usr/bin/env python3
"""What the tests have run, from the counts of a build with CALLCHAIN_COVERAGE.

    report.py BUILD            figures by folder into docs/reliability.md, pages into BUILD/html
    report.py BUILD --list     only lists what no test runs in the folders that are held to all of it

A region is what llvm-cov counts: a block, a branch of an if, a side of ?: or &&. In the folders of HELD each region
that no test runs is argued in docs/design/coverage.md, by its file and the line that it begins on, or this fails.
An argument for what is run by now fails as well.
"""

import argparse
import collections
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs/reliability.md"
ARGUED = ROOT / "docs/design/coverage.md"
BEGIN, END = "<!-- coverage:begin, written by ./dev coverage -->\n", "<!-- coverage:end -->\n"
HEAD = "| folder | regions run | of | lines run | of |\n|---|---:|---:|---:|---:|\n"
HELD = ("signature", "diagnosis", "sip", "http")
# One side of a branch is counted as what the other leaves of the whole.
OF_A_KILLED_PROCESS = "hint: where the page shows that it ran once, a process may have been killed between two counters: run the tests again"
LLVM_COV, LLVM_PROFDATA = "llvm-cov-16", "llvm-profdata-16"


def programs(build: Path) -> list[Path]:
    """Those that count: the program, its tests and their agents."""
    found = [build / "callchain", *sorted(build.glob("test_*")), build / "sip_agent"]
    return [one for one in found if one.is_file()]


def llvm_cov(verb: str, build: Path, *words: str) -> str:
    first, *others = programs(build)
    command = [LLVM_COV, verb, f"-instr-profile={build / 'counts.profdata'}", first]
    command += [word for one in others for word in ("-object", one)]
    return subprocess.run([*command, *words], check=True, capture_output=True, text=True).stdout


def count(build: Path) -> list[dict]:
    """Of each source file of ours: its name, its segments, its summary."""
    counts = sorted((build / "counts").glob("*.profraw"))
    if not counts:
        sys.exit(f"coverage: no counts in {build}/counts: run the tests of that build first")
    subprocess.run([LLVM_PROFDATA, "merge", "-sparse", "-o", build / "counts.profdata", *counts], check=True)
    exported = llvm_cov("export", build, "-format=text", "-skip-functions", "-skip-expansions", str(ROOT / "core"), str(ROOT / "cli"))
    return json.loads(exported)["data"][0]["files"]


class Region(NamedTuple):
    """What no test runs: where it begins, all of that line, and its own text as far as that line goes."""

    line: int
    whole: str
    own: str


def not_run(file: dict) -> list[Region]:
    lines = Path(file["filename"]).read_text(encoding="utf-8").splitlines()
    found = []
    for at, (line, column, runs, has_count, is_entry, is_gap) in enumerate(file["segments"]):
        if not has_count or not is_entry or is_gap or runs > 0:
            continue
        # A column counts bytes.
        text = lines[line - 1].encode()
        following = file["segments"][at + 1 : at + 2]
        end = following[0][1] - 1 if following and following[0][0] == line else len(text)
        found.append(Region(line, text.decode().strip(), text[column - 1 : end].decode().strip()))
    # A branch within a branch is one gap.
    longest: dict[int, Region] = {}
    for region in found:
        known = longest.get(region.line)
        if known is None or len(region.own) > len(known.own):
            longest[region.line] = region
    return [longest[line] for line in sorted(longest)]


def argued() -> collections.Counter:
    page = ARGUED.read_text(encoding="utf-8") if ARGUED.exists() else ""
    return collections.Counter(re.findall(r"^- `(core/\S+)`: `(.+)`$", page, re.MULTILINE))


def held_to_account(files: list[dict]) -> list[str]:
    """What is wrong, a line each."""
    wrong, known, met = [], argued(), set()
    for file in files:
        name = str(Path(file["filename"]).relative_to(ROOT))
        if name.split("/")[1] not in HELD or not name.startswith("core/"):
            continue
        for region in not_run(file):
            if (name, region.whole) in known:
                met.add((name, region.whole))
            else:
                wrong.append(f"{name}:{region.line}: no test runs it, nothing argues for it: {region.own}\n    in: {region.whole}")
    gone = [f"{name}: argued for, and run or gone: {text}" for name, text in known if (name, text) not in met]
    return wrong + gone + ([OF_A_KILLED_PROCESS] if gone else [])


def rows(files: list[dict]) -> str:
    sums: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    for file in files:
        parts = Path(file["filename"]).relative_to(ROOT).parts
        folder = "/".join(parts[:2]) if parts[0] == "core" else parts[0]
        for kind in ("regions", "lines"):
            for of in (folder, "all"):
                sums[of][f"{kind} run"] += file["summary"][kind]["covered"]
                sums[of][kind] += file["summary"][kind]["count"]
    def row(name: str) -> str:
        one = sums[name]
        share = {kind: 100 * one[f"{kind} run"] / one[kind] for kind in ("regions", "lines")}
        return f"| `{name}` | {share['regions']:.1f} % | {one['regions']:,} | {share['lines']:.1f} % | {one['lines']:,} |\n"
    return "".join(row(name) for name in sorted(sums, key=lambda one: (one == "all", one)))


def write_down(table: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, behind = rest.partition(END)
    if not begin or not end:
        sys.exit(f"coverage: {PAGE.relative_to(ROOT)} has no place for the table: {BEGIN.strip()} … {END.strip()}")
    PAGE.write_text(before + BEGIN + HEAD + table + END + behind, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--list", action="store_true")
    chosen = parser.parse_args()
    files = count(chosen.build)
    if not chosen.list:
        write_down(rows(files))
        llvm_cov("show", chosen.build, "-format=html", f"-output-dir={chosen.build / 'html'}", str(ROOT / "core"), str(ROOT / "cli"))
    wrong = held_to_account(files)
    print("".join(f"{one}\n" for one in wrong), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
