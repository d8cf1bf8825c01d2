"""Reads commands and what they print out of our pages, and compares that with a run.

A command is a line that begins with `$ `; it goes on where it ends in `\\` or `|`. `# exit 1` at its end names its exit
code. The lines behind it are what it prints, on standard output and standard error. In these, `[…]` stands for any run of
characters, and a line of nothing else for any number of lines. Durations, ports and days differ from run to run and are
not compared.
"""

import re
from dataclasses import dataclass, field
from typing import Iterable

LEFT_OUT = "[…]"


@dataclass
class Step:
    command: str
    output: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int | None:
        code = re.search(r"# exit (\d+)$", self.command)
        return int(code.group(1)) if code else None


def steps_of(lines: Iterable[str]) -> list[Step]:
    """The commands among the lines of a block, each with the lines behind it; what stands before the first is passed over."""
    steps: list[Step] = []
    goes_on = False
    for line in lines:
        if goes_on:
            steps[-1].command += "\n" + line
        elif line.startswith("$ "):
            steps.append(Step(line[2:]))
        elif steps:
            steps[-1].output.append(line)
        goes_on = (goes_on or line.startswith("$ ")) and line.endswith(("\\", "|"))
    return steps


def blocks_of(page: str, language: str) -> list[str]:
    """The fenced blocks of a Markdown page that are marked with that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)


def without_measures(text: str) -> str:
    """Without what differs from run to run: how long things took, in whatever unit; ports; and the day."""
    return re.sub(r"\b\d+(\.\d+)? (ms|s|minutes)\b|(?<=127\.0\.0\.1:)\d+|\b20\d\d-\d\d-\d\d\b", "…", text)


def is_shown_by(shown: list[str], printed: str) -> bool:
    """Is this what was printed, but for what is left out?"""
    pattern = ""
    for line in map(without_measures, shown):
        if line.strip() == LEFT_OUT:
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(map(re.escape, re.split(rf" ?{re.escape(LEFT_OUT)}", line.rstrip()))) + r" *\n"
    return re.fullmatch(pattern, without_measures(printed).removesuffix("\n") + "\n" if printed else "") is not None
