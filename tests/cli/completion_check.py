#!/usr/bin/env python3
"""Tries the completion scripts: each is read by its shell where that is installed, and bash is asked for completions.

    completion_check.py PROGRAM
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SHELLS = ("bash", "zsh", "fish")
# (words in front, word to complete, one of the answers)
QUESTIONS = (
    ("callchain", "ver", "verify-sig"),
    ("callchain", "--ver", "--version"),
    ("callchain verify-sig", "--secret-f", "--secret-file"),
    ("callchain verify-sig", "there.h", "there.http"),
    ("callchain diff-webhook", "--bod", "--bodies"),
    ("callchain explain", "--li", "--list"),
    ("callchain completion", "zs", "zsh"),
    ("callchain help", "exit", "exit-codes"),
    ("callchain twiml", "lin", "lint"),
    ("callchain twiml", "--caller", "--caller-id"),
    ("callchain twiml lint", "--jso", "--json"),
    ("callchain sdp-filter", "--kee", "--keep"),
    ("callchain", "ser", "serve"),
    ("callchain health", "gate", "gateway"),
    ("callchain serve", "--max", "--max-call-seconds"),
    ("callchain serve", "--api-key-f", "--api-key-file"),
)


def ask_bash(script: Path, words: str, word: str, folder: Path) -> list[str]:
    line = f'COMP_WORDS=({words} "{word}"); COMP_CWORD={len(words.split())}'
    code = f'source {script}; {line}; _callchain; printf "%s\\n" "${{COMPREPLY[@]}}"'
    return subprocess.run(["bash", "-c", code], cwd=folder, capture_output=True, text=True, check=False).stdout.split()


def main() -> int:
    program, problems, tried = Path(sys.argv[1]).resolve(), [], []
    with tempfile.TemporaryDirectory(prefix="callchain-completion-") as scratch:
        folder = Path(scratch)
        (folder / "there.http").touch()
        for shell in SHELLS:
            script = folder / f"callchain.{shell}"
            script.write_bytes(subprocess.run([program, "completion", shell], capture_output=True, check=True).stdout)
            if shutil.which(shell) is None:
                print(f"{shell} is not installed: its script is not read")
                continue
            tried.append(shell)
            read = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)
            if read.returncode != 0 or read.stderr:
                problems.append(f"{shell} -n: {read.stderr.strip()}")
        for words, word, answer in QUESTIONS:
            if answer not in (got := ask_bash(folder / "callchain.bash", words, word, folder)):
                problems.append(f"{words} {word}<TAB>: {answer} is not among {got}")
    print("\n".join(problems) or f"completions of {', '.join(tried)}: {len(QUESTIONS)} questions answered")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
