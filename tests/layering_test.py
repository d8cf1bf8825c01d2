#!/usr/bin/env python3
"""Holds every #include below core/ and cli/ against the layers of the design.

A folder of core/ is pure (bytes and values in, values out) or does I/O. The tables below say which folder may
include which, where each third-party header is at home, and what pure code must not touch. The rules are
proved first on made-up files that must be refused or accepted; then the tree is read.
"""

import fnmatch
import re
import sys
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(__file__).resolve().parent.parent

# Folder -> the folders of core/ that it may include. `base` goes without saying.
PURE = {
    "base": set(),
    "encoding": set(),
    "crypto": set(),
    "config": set(),
    "signature": {"encoding", "crypto"},
    "webhook": {"encoding", "crypto", "signature"},
    "sdp": {"encoding", "crypto"},
    "twilio": {"encoding", "crypto"},
    "openai": {"encoding", "crypto"},
    "twiml": {"encoding", "crypto", "twilio", "openai"},
    "sip": {"encoding", "crypto"},
    "b2bua": {"encoding", "crypto", "config", "sip", "sdp", "twilio"},
    "timeline": {"encoding", "crypto", "signature", "webhook", "twilio"},
    "evidence": {"encoding", "crypto", "signature", "webhook", "twilio", "timeline"},
}
PURE["diagnosis"] = set(PURE)
INPUT_OUTPUT = {"system": set()}
INPUT_OUTPUT["observe"] = set(PURE) | {"system"}
INPUT_OUTPUT["http"] = set(PURE) | {"system", "observe"}
INPUT_OUTPUT["gateway"] = set(PURE) | {"system", "observe"}
INPUT_OUTPUT["service"] = set(PURE) | {"system", "observe", "http", "gateway"}
INPUT_OUTPUT["simulator"] = set(PURE) | {"system", "observe", "http", "gateway"}
INPUT_OUTPUT["doctor"] = set(PURE) | {"system", "observe", "http", "gateway", "service"}
ARROWS = {**PURE, **INPUT_OUTPUT}
ARROWS["cli"] = set(ARROWS)

# Header -> the files that may include it. A third-party header without a row here has no home yet.
HOMES = {
    "tl/expected.hpp": ["core/base/result.hpp"],
    "CLI/*": ["cli/*"],
    "openssl/*": ["core/crypto/*", "core/http/tls*", "core/gateway/tls*", "core/simulator/authority.cpp"],
    "nlohmann/json_fwd.hpp": ["core/*", "cli/*"],
    "nlohmann/json.hpp": ["core/*.cpp", "cli/*.cpp", "cli/precompiled.hpp"],
    "utf8proc.h": ["core/encoding/*.cpp"],
    "zlib.h": ["core/encoding/*.cpp"],
    "brotli/*": ["core/encoding/*.cpp"],
    "zstd*.h": ["core/encoding/*.cpp"],
    "zip.h": ["core/evidence/archive.cpp"],
    "expat.h": ["core/twiml/*.cpp"],
    "sofia-sip/*": ["core/sip/message.cpp"],
    "boost/asio*": ["core/http/*", "core/gateway/*"],
    "boost/beast*": ["core/http/*.cpp"],
    "boost/system/*": ["core/http/*", "core/gateway/*"],
    "curl/*": ["core/http/*.cpp", "core/http/curl_library.hpp"],
    "dlfcn.h": ["core/http/curl_library.cpp"],
    "ares*.h": ["core/gateway/*.cpp"],
    "prometheus/*": ["core/observe/*"],
}

STANDARD = set("""
    algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits
    clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint
    cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception execution filesystem forward_list fstream
    functional future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory
    memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator
    semaphore set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string string_view
    syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray
    variant vector version
""".split())
IMPURE_STANDARD = set("""
    barrier clocale condition_variable csignal csetjmp ctime filesystem fstream future iostream latch locale mutex random
    semaphore shared_mutex stop_token syncstream thread
""".split())
SYSTEM = ["sys/*", "netinet/*", "arpa/*", "linux/*", "unistd.h", "fcntl.h", "poll.h", "signal.h", "pthread.h", "netdb.h",
          "termios.h", "dirent.h", "pwd.h", "time.h", "errno.h", "spawn.h", "syslog.h"]
PURE_SYSTEM = {"arpa/inet.h"}  # inet_pton and inet_ntop: text to address and back, nothing else
IMPURE_CALLS = [
    (re.compile(r"\b(?:system|steady|high_resolution|utc)_clock::now\b"), "reads a clock; take `now` as an argument"),
    (re.compile(r"\b(?:secure_)?getenv\s*\("), "reads the environment; take the value as an argument"),
    (re.compile(r"\b(?:fopen|fread|fwrite|popen|printf|fprintf|puts|fputs|perror)\s*\("), "does I/O; return the bytes"),
    (re.compile(r"\bstd::c(?:in|out|err|log)\b"), "does I/O; return the text"),
    (re.compile(r"\b(?:s?rand|random)\s*\(|\bstd::random_device\b"), "is random; take the value as an argument"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Problem(NamedTuple):
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def matches_any(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def folder_of(path: str) -> str:
    parts = path.split("/")
    return "cli" if parts[0] == "cli" else parts[1]


def without_comments(text: str) -> str:
    """The same text with comments blanked, line numbers kept. String literals stay: none holds `//` and a call."""
    text = re.sub(r"/\*.*?\*/", lambda match: "\n" * match.group().count("\n"), text, flags=re.DOTALL)
    return re.sub(r"//[^\n]*", "", text)


def check_own_include(path: str, target: str, exists) -> Iterator[str]:
    folder = folder_of(path)
    if ".." in target.split("/"):
        yield f'"{target}" climbs out of its folder; write it from core/, e.g. "base/text.hpp"'
        return
    if folder == "cli" and exists(f"cli/{target}"):
        return
    if not exists(f"core/{target}"):
        yield f'"{target}" names no file from core/; our headers are written "folder/file.hpp"'
        return
    other = target.split("/")[0]
    if other not in ({folder, "base"} | ARROWS[folder]):
        allowed = ", ".join(sorted(ARROWS[folder] | {"base"} - {folder})) or "nothing"
        yield f"{folder} may not include {other} (it may include: {allowed})"


def check_outside_include(path: str, header: str) -> Iterator[str]:
    pure = folder_of(path) in PURE
    if header in STANDARD:
        if pure and header in IMPURE_STANDARD:
            yield f"<{header}> in a pure folder: threads, clocks, files, streams and chance come in as values"
    elif matches_any(header, SYSTEM):
        if pure and header not in PURE_SYSTEM:
            yield f"<{header}> in a pure folder: system calls belong to the folders that do I/O and to cli/"
    else:
        homes = [files for pattern, files in HOMES.items() if fnmatch.fnmatchcase(header, pattern)]
        if not homes:
            yield f"<{header}> has no home; give it one row in HOMES of tests/layering_test.py"
        elif not any(matches_any(path, files) for files in homes):
            yield f"<{header}> is at home in {', '.join(homes[0])} only"


def check_header_form(text: str) -> Iterator[tuple[int, str]]:
    if not text.startswith("/// "):
        yield 1, "a header opens with one `///` sentence that says what it is for"
    if not re.search(r"^#pragma once$", text, flags=re.MULTILINE):
        yield 1, "#pragma once is missing"


def check_file(path: str, text: str, exists) -> list[Problem]:
    """All that is wrong with one file. `exists` tells whether a path from the root is a file."""
    folder = folder_of(path)
    if folder not in ARROWS:
        return [Problem(path, 1, f"core/{folder} is in no layer; give it a row in tests/layering_test.py")]
    problems = []
    if path.endswith(".hpp"):
        problems += [Problem(path, line, message) for line, message in check_header_form(text)]
    for number, line in enumerate(without_comments(text).splitlines(), start=1):
        if include := INCLUDE.match(line):
            kind, target = include.groups()
            found = check_own_include(path, target, exists) if kind == '"' else check_outside_include(path, target)
            problems += [Problem(path, number, message) for message in found]
        elif folder in PURE:
            problems += [Problem(path, number, f"pure code {why}") for call, why in IMPURE_CALLS if call.search(line)]
    return problems


def check_links(text: str) -> list[Problem]:
    """core/CMakeLists.txt may link only along the arrows as well."""
    problems = []
    for library in re.finditer(r"^callchain_library\((\w+)([^)]*)\)", text, flags=re.MULTILINE):
        folder, arguments = library.groups()
        line = text.count("\n", 0, library.start()) + 1
        if folder not in ARROWS:
            problems.append(Problem("core/CMakeLists.txt", line, f"{folder} is in no layer"))
            continue
        for other in re.findall(r"callchain::(\w+)", arguments):
            if other not in ARROWS[folder] | {"base"}:
                problems.append(Problem("core/CMakeLists.txt", line, f"{folder} may not link {other}"))
    return problems


# What must be refused: path, text, and a part of the message. What must pass has no message.
SELF_TEST = [
    ("core/base/a.cpp", '#include "encoding/hex.hpp"\n', "base may not include encoding"),
    ("core/encoding/a.cpp", '#include "crypto/hash.hpp"\n', "encoding may not include crypto"),
    ("core/crypto/a.cpp", '#include "encoding/hex.hpp"\n', "crypto may not include encoding"),
    ("core/signature/a.cpp", '#include "webhook/capture.hpp"\n', "signature may not include webhook"),
    ("core/webhook/a.cpp", '#include "sip/message.hpp"\n', "webhook may not include sip"),
    ("core/config/a.cpp", '#include "crypto/hash.hpp"\n', "config may not include crypto"),
    ("core/sdp/a.cpp", '#include "sip/message.hpp"\n', "sdp may not include sip"),
    ("core/diagnosis/a.cpp", '#include "http/server.hpp"\n', "diagnosis may not include http"),
    ("core/http/a.cpp", '#include "gateway/tls.hpp"\n', "http may not include gateway"),
    ("core/gateway/a.cpp", '#include "http/server.hpp"\n', "gateway may not include http"),
    ("core/observe/a.cpp", '#include "http/server.hpp"\n', "observe may not include http"),
    ("core/simulator/a.cpp", '#include "service/serve.hpp"\n', "simulator may not include service"),
    ("core/extras/a.cpp", "", "is in no layer"),
    ("core/webhook/a.cpp", '#include "../base/text.hpp"\n', "climbs out"),
    ("core/webhook/a.cpp", '#include "capture.hpp"\n', "names no file"),
    ("core/webhook/a.cpp", "\n\n#include <thread>\n", "a.cpp:3: <thread> in a pure folder"),
    ("core/webhook/a.cpp", "#include <fstream>\n", "<fstream> in a pure folder"),
    ("core/webhook/a.cpp", "#  include <iostream>\n", "<iostream> in a pure folder"),
    ("core/webhook/a.cpp", "#include <filesystem>\n", "<filesystem> in a pure folder"),
    ("core/webhook/a.cpp", "#include <random>\n", "<random> in a pure folder"),
    ("core/webhook/a.cpp", "#include <ctime>\n", "<ctime> in a pure folder"),
    ("core/webhook/a.cpp", "#include <sys/stat.h>\n", "system calls belong"),
    ("core/webhook/a.cpp", "#include <unistd.h>\n", "system calls belong"),
    ("core/webhook/a.cpp", "#include <fmt/format.h>\n", "<fmt/format.h> has no home"),
    ("core/webhook/a.cpp", "#include <openssl/evp.h>\n", "<openssl/evp.h> is at home in core/crypto"),
    ("core/http/server.cpp", "#include <openssl/ssl.h>\n", "<openssl/ssl.h> is at home in"),
    ("core/webhook/a.cpp", "#include <zlib.h>\n", "<zlib.h> is at home in core/encoding"),
    ("core/webhook/a.cpp", "#include <tl/expected.hpp>\n", "at home in core/base/result.hpp"),
    ("core/webhook/a.cpp", "#include <CLI/CLI.hpp>\n", "at home in cli"),
    ("core/webhook/a.hpp", "/// A.\n#pragma once\n#include <nlohmann/json.hpp>\n", "is at home in core/*.cpp"),
    ("core/gateway/a.cpp", "#include <boost/beast/http.hpp>\n", "is at home in core/http"),
    ("core/sip/call.cpp", "#include <sofia-sip/sip.h>\n", "is at home in core/sip/message.cpp"),
    ("core/webhook/a.cpp", "auto t = std::chrono::system_clock::now();\n", "reads a clock"),
    ("core/webhook/a.cpp", 'const char* e = std::getenv("X");\n', "reads the environment"),
    ("core/webhook/a.cpp", 'std::printf("x");\n', "does I/O"),
    ("core/webhook/a.cpp", "std::random_device device;\n", "is random"),
    ("core/webhook/a.hpp", "/// A.\n", "#pragma once is missing"),
    ("core/webhook/a.hpp", "#pragma once\n", "opens with one `///` sentence"),
    ("cli/a.cpp", '#include "diagnosis/nothing.hpp"\n', "names no file"),
    ("core/webhook/a.hpp", "/// A.\n#pragma once\n#include <nlohmann/json_fwd.hpp>\n", None),
    ("core/webhook/a.cpp", '#include "base/text.hpp"\n#include <chrono>\n#include <nlohmann/json.hpp>\n', None),
    ("core/webhook/a.cpp", "// std::getenv( is not called here\n/* <thread>\n#include <thread> */\n", None),
    ("core/signature/a.cpp", "#include <arpa/inet.h>\n", None),
    ("core/crypto/a.cpp", "#include <cstdlib>\n#include <openssl/evp.h>\n", None),
    ("core/observe/a.cpp", "#include <thread>\n#include <fcntl.h>\nauto t = std::chrono::system_clock::now();\n", None),
    ("core/http/tls.cpp", "#include <openssl/ssl.h>\n#include <boost/asio/ssl.hpp>\n", None),
    ("core/service/a.cpp", '#include "http/server.hpp"\n#include "gateway/tls.hpp"\n', None),
    ("core/diagnosis/a.cpp", '#include "webhook/capture.hpp"\n#include "sip/message.hpp"\n', None),
    ("cli/a.cpp", '#include "context.hpp"\n#include "webhook/capture.hpp"\n#include <CLI/CLI.hpp>\n', None),
]
SELF_TEST_FILES = {
    "core/base/text.hpp", "core/encoding/hex.hpp", "core/crypto/hash.hpp", "core/webhook/capture.hpp",
    "core/signature/secret.hpp", "core/sip/message.hpp", "core/http/server.hpp", "core/gateway/tls.hpp",
    "core/service/serve.hpp", "cli/context.hpp",
}


def test_rules() -> list[str]:
    """Every row of SELF_TEST that is judged wrongly."""
    wrong = []
    for path, text, expected in SELF_TEST:
        found = [str(problem) for problem in check_file(path, text, SELF_TEST_FILES.__contains__)]
        if expected is None and found:
            wrong.append(f"self test: {path} {text!r} must pass, got: {found}")
        elif expected is not None and not (len(found) == 1 and expected in found[0]):
            wrong.append(f"self test: {path} {text!r} must be refused once with {expected!r}, got: {found}")
    if [str(problem) for problem in check_links("callchain_library(base LINKS callchain::crypto)\n")] != [
            "core/CMakeLists.txt:1: base may not link crypto"]:
        wrong.append("self test: a link against the arrows must be refused")
    return wrong


def main() -> int:
    problems = test_rules()
    files = sorted(path for top in ("core", "cli") for path in (ROOT / top).rglob("*.?pp"))
    for file in files:
        path = file.relative_to(ROOT).as_posix()
        text = file.read_text(encoding="utf-8")
        problems += map(str, check_file(path, text, lambda name: (ROOT / name).is_file()))
    problems += map(str, check_links((ROOT / "core/CMakeLists.txt").read_text(encoding="utf-8")))
    for problem in problems:
        print(problem)
    print(f"{len(files)} files read, {len(SELF_TEST)} rows of self test, {len(problems)} problems")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main())
