#!/usr/bin/env python3
"""Holds docs/design/security.md against the sources: each parser's fuzz target is there and has seeds, and nothing that is made
with a key is compared by the ordinary means.
"""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/design/security.md").read_text(encoding="utf-8")
FUZZ = ROOT / "tests/fuzz"

# What yields a MAC, or something else that nobody without the key can make.
MADE_WITH_A_KEY = r"(?:\bsign|\bsign_webhook|\bsignature_of|\bdigest_response|\bnonce_mac|\btag_for)\("
ORDINARY = r"(?:==|!=|\.(?:starts_with|ends_with|compare|find)\()"
# Also where it was given a name first: mac.view() == …, to_base64(mac.view()) == …
NAMED = r"\bh?mac(?:\.view\(\))?\)*(?:\.(?:starts_with|ends_with|compare)\(|\s*(?:==|!=)(?!\s*(?:signature::)?Mac))|(?:==|!=)\s*(?:[\w:]+\()*h?mac(?:\.view\(\)|\b)"
BY_THE_C_LIBRARY = r"\b(?:std::)?(?:mem|str|strn|strcase)cmp\("


def statements(text: str) -> list[str]:
    """Without comments, each on a line."""
    text = re.sub(r"//[^\n]*", "", text)
    return [re.sub(r"\s+", " ", one) for one in re.split(r"[;{}]", text)]


def compares_openly(statement: str) -> bool:
    if "in_constant_time(" in statement or "same_text(" in statement:
        return False
    made = re.search(MADE_WITH_A_KEY, statement) and re.search(ORDINARY, statement)
    return bool(made or re.search(NAMED, statement) or re.search(BY_THE_C_LIBRARY, statement))


class Comparisons(unittest.TestCase):
    def test_the_rule_tells_them_apart(self):
        for openly in ("return encoding::to_base64(mac.view()) == given", "if (nonce_mac(prefix) != rest)", "return given == signature_of(key, url)",
                       "to_hex(key.sign(parts).view()).starts_with(given)", "return ::memcmp(a, b, 32) == 0", "return to_base64(mac.view()).starts_with(cut)", "if (given == encoding::to_hex(mac.view()))"):
            self.assertTrue(compares_openly(openly), openly)
        for fine in ("return crypto::equal_in_constant_time(nonce_mac(prefix), rest)", "if (check->mac == signature::Mac::differs)",
                     "const auto mac = key.sign(parts)", "return check.mac == Mac::matches && check.body == BodyCheck::covered"):
            self.assertFalse(compares_openly(fine), fine)

    def test_what_is_made_with_a_key_is_compared_in_constant_time(self):
        found = [f"{path.relative_to(ROOT)}: {statement.strip()}" for folder in ("core", "cli") for path in sorted((ROOT / folder).rglob("*.[ch]pp"))
                 for statement in statements(path.read_text(encoding="utf-8")) if compares_openly(statement)]
        self.assertEqual(found, [])

    def test_the_files_that_the_page_names_do_so(self):
        rows = re.findall(r"^\| .* \| `(core/\S+\.cpp)` \|$", PAGE.partition("## What is compared with a secret")[2], re.MULTILINE)
        self.assertGreater(len(rows), 5)
        for name in rows:
            self.assertIn("equal_in_constant_time", (ROOT / name).read_text(encoding="utf-8"), name)


class Parsers(unittest.TestCase):
    targets = {path.name.removesuffix("_fuzz.cpp") for path in FUZZ.glob("*_fuzz.cpp")}
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|.*\| ([^|]*) \|$", PAGE.partition("## Parsers")[2].partition("\n## ")[0], re.MULTILINE))))

    def test_the_page_names_every_fuzz_target_and_no_other(self):
        self.assertEqual(self.named, self.targets)

    def test_each_has_seeds(self):
        self.assertEqual([name for name in sorted(self.targets) if not any((FUZZ / "corpus" / name).glob("*"))], [])

    def test_there_are_no_seeds_of_a_target_that_is_gone(self):
        self.assertEqual({path.name for path in (FUZZ / "corpus").iterdir()} - self.targets, set())


if __name__ == "__main__":
    sys.exit(unittest.main())
