"""docs/cookbook: every command of every page runs as it stands, and prints what the page shows.

Blocks of `console` are run, those of one page in one folder with a copy of samples/, in which nothing of the machine is set.
What ends in `&` runs until the page is over. Ports of the pages are changed for free ones, in what is run and not in what is shown.
Blocks of `sh` hold what is to be filled in by the reader: their commands and options must exist. So must every code and
variable that a page names. The console blocks of README.md are held to the same.
"""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cli"))
import console  # noqa: E402  (its folder is known only now)
import man_check  # noqa: E402
from conftest import wait_until  # noqa: E402

COOKBOOK = ROOT / "docs" / "cookbook"
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in sorted(COOKBOOK.glob("*.md")) if page.name != "README.md"}
INDEX = (COOKBOOK / "README.md").read_text(encoding="utf-8")
RUN = {**PAGES, "README": (ROOT / "README.md").read_text(encoding="utf-8")}
SECRETS = [path.read_text(encoding="utf-8").strip(' \n"') for path in sorted((ROOT / "samples" / "secrets").iterdir())]
AT_A_TIME = 6  # most of them wait for a call to be given up


def steps_of_page(text: str) -> list[console.Step]:
    return [step for block in console.blocks_of(text, "console") for step in console.steps_of(block.splitlines())]


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


class Terminal:
    """Somebody's terminal, in which the commands of one page are typed."""

    def __init__(self, program: man_check.Program, folder: Path):
        self._program, self._folder = program, folder
        self._ports: dict[str, str] = {}
        self._running: list[subprocess.Popen] = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self._running:
            os.killpg(one.pid, signal.SIGTERM)
            one.wait(man_check.TIMEOUT_SECONDS)

    def type(self, command: str) -> tuple[int, str]:
        """(exit code, what was printed on both streams)"""
        command = re.sub(r"127\.0\.0\.1:\d+", lambda found: self._ports.setdefault(found[0], free_port()), command)
        if command.endswith("&"):
            return self._leave_running(command.removesuffix("&"))
        done = self._program.run(f"{{ {command}\n}} 2>&1", self._folder)
        return done.returncode, done.stdout

    def _leave_running(self, command: str) -> tuple[int, str]:
        said = self._folder / f"said-{len(self._running)}"
        with said.open("wb") as output:
            self._running.append(self._program.start(command, self._folder, output))
        listens = re.search(r"--listen 127\.0\.0\.1:(\d+)", command)[1]
        # Whoever types is slower than a program is to listen.
        wait_until(lambda: is_taken(int(listens)) or self._running[-1].poll() is not None)
        assert self._running[-1].poll() is None, f"{command}: {said.read_text()}"
        return 0, said.read_text()


def is_taken(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> man_check.Program:
    return man_check.Program(Path(os.environ["CALLCHAIN"]), tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def outcomes(request, program, tmp_path_factory):
    """page: a future of [(exit code, what was printed)] of its commands, in their order; some pages at a time."""
    names = {item.callspec.params["name"] for item in request.session.items if "outcomes" in item.fixturenames}
    root = tmp_path_factory.mktemp("pages")

    def run(name: str) -> list[tuple[int, str]]:
        folder = root / name
        folder.mkdir()
        shutil.copytree(ROOT / "samples", folder / "samples")
        with Terminal(program, folder) as terminal:
            return [terminal.type(step.command) for step in steps_of_page(RUN[name])]

    def waits(name: str) -> int:
        return RUN[name].count("--fault")

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return {name: pool.submit(run, name) for name in sorted(names, key=waits, reverse=True)}


@pytest.mark.parametrize("name", sorted(RUN))
def test_every_command_says_what_the_page_shows(outcomes, name):
    steps = steps_of_page(RUN[name])
    assert steps, f"{name} has no block of console"
    for step, (code, printed) in zip(steps, outcomes[name].result(), strict=True):
        # README.md does without exit codes.
        wanted = step.exit_code or 0 if name != "README" else code
        assert code == wanted, f"exit code {code}, expected {wanted}: {step.command}\n{printed}"
        assert not [secret for secret in SECRETS if secret in printed], step.command
        if not console.is_shown_by(step.output, printed):
            pytest.fail("\n".join([f"{name} shows:", f"$ {step.command}", *step.output, "---- printed is:", printed]), pytrace=False)


@pytest.fixture(scope="module")
def options(program, tmp_path_factory) -> dict[str, set[str]]:
    """command: its options, for every command that there is."""
    folder = tmp_path_factory.mktemp("help")
    commands = man_check.all_commands(program, folder)
    with ThreadPoolExecutor(2) as pool:
        helps = pool.map(lambda command: program.run(f"callchain {command} --help", folder).stdout, commands)
        return {command: man_check.options_of_help(text) for command, text in zip(commands, helps)}


def calls_in(shell: str) -> list[list[str]]:
    """The words behind each `callchain` of some lines of shell."""
    joined = shell.replace("\\\n", " ")
    calls = []
    for line in joined.splitlines():
        words = list(shlex.shlex(line, posix=True, punctuation_chars="|;&()<>"))  # it leaves comments out
        while "callchain" in words:
            words = words[words.index("callchain") + 1 :]
            end = next((at for at, word in enumerate(words) if word[0] in "|;&()<>"), len(words))
            calls.append(words[:end])
    return calls


def problem_of(words: list[str], options: dict[str, set[str]]) -> str:
    """What is wrong with a call, or nothing."""
    command = " ".join(words[:2]) if " ".join(words[:2]) in options else words[0]
    if command not in options:
        return f"there is no command {command}"
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    return f"{command} has no {', '.join(sorted(given - options[command]))}" if given - options[command] else ""


def problems_of_calls(page: str, options: dict[str, set[str]]) -> list[str]:
    """What is wrong with the calls that a page has in blocks of `sh` and between backquotes."""
    calls = [call for text in [*console.blocks_of(page, "sh"), *re.findall(r"(?<!`)`(callchain [^`]+)`", page)] for call in calls_in(text)]
    return [problem for call in calls if (problem := problem_of(call, options))]


def test_a_wrong_option_or_command_would_be_seen(options):
    assert problem_of(["verify-sig", "--log", "x"], options) == ""
    assert problem_of(["verify-sig", "--lgo", "x"], options) == "verify-sig has no --lgo"
    assert problem_of(["gateway", "check", "--online=invite"], options) == ""
    assert problem_of(["verify"], options) == "there is no command verify"
    assert calls_in("a | callchain twiml lint - \\\n  --json # callchain x\nX=1 callchain serve > log") == [["twiml", "lint", "-", "--json"], ["serve"]]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_what_the_reader_fills_in_exists(options, name):
    blocks = console.blocks_of(PAGES[name], "sh")
    assert blocks and calls_in(blocks[-1]), f"{name} has no command for the reader's own data"
    assert PAGES[name].rstrip().endswith("```"), f"{name} ends otherwise than with that command"
    assert not problems_of_calls(PAGES[name], options)


@pytest.mark.parametrize("page", ["README.md", "samples/README.md", *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))])
def test_the_other_pages_name_what_exists(options, page):
    assert not problems_of_calls((ROOT / page).read_text(encoding="utf-8"), options)


def test_every_code_and_variable_that_is_named_exists(program, tmp_path):
    text = "\n".join([*PAGES.values(), INDEX])
    named = sorted({code for words in re.findall(r"callchain explain ([a-z0-9_: ]+)", text) for code in [words.strip()]})
    assert named
    for words in named:
        assert program.run(f"callchain explain {words}", tmp_path).returncode == 0, words
    known = (ROOT / "samples" / ".env.example").read_text(encoding="utf-8") + program.run("callchain help environment", tmp_path).stdout
    variables = set(re.findall(r"\b(?:CALLCHAIN|OPENAI|TWILIO|META_SIP|TLS)_[A-Z_]+\b", text))
    assert variables and not {name for name in variables if name not in known}


def test_the_index_has_every_page_once_and_every_link_leads_somewhere():
    assert sorted(re.findall(r"\]\(([a-z0-9-]+)\.md\)", INDEX)) == sorted(PAGES)
    for name, text in [("README", INDEX), *PAGES.items()]:
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            assert target.startswith("https://") or (COOKBOOK / target).exists(), f"{name}: {target}"
