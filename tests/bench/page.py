"""What the soaks write into docs/reliability.md: figures between markers, with the commit and the machine that they are of."""

import datetime
import os
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/reliability.md"


def commit() -> str:
    """What was built, and whether it was changed since. The pages that a measurement itself writes do not count."""
    def git(*command: str) -> str:
        done = subprocess.run(["git", *command], cwd=PAGE.parents[1], capture_output=True, text=True, check=False)
        return done.stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "CMakeLists.txt", "cli", "core", "tests")
    return f"commit `{git('rev-parse', '--short', 'HEAD') or 'unknown'}`" + (" and changes" if changed else "")


def heading() -> str:
    """When, what and where."""
    today = datetime.datetime.now(datetime.UTC)
    return f"Last run: {today:%Y-%m-%d}, {commit()}, {os.cpu_count()} cores"


def write_result(name: str, text: str) -> None:
    """In place of what stands between the markers of that name."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}:begin", f"<!-- {name}:end -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        sys.exit(f"soak: {PAGE} has lost its markers of {name}\nhint: git checkout -- docs/reliability.md")
    before, _, rest = page.partition(begin)
    marker, _, rest = rest.partition("\n")
    PAGE.write_text(f"{before}{begin}{marker}\n{text.strip()}\n{end}{rest.partition(end)[2]}", encoding="utf-8")
