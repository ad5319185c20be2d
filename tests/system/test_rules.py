# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_rules.py: docs/RULES.md names functions that are there, each rule once, and leaves out no section."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (?P<sections>[\d., ]+) \| (?P<rule>[^|]+) \| `(?P<function>[\w:]+)` \| (?P<file>\S+) \|$", re.MULTILINE)
ROWS = [match.groupdict() for match in ROW.finditer((ROOT / "docs/RULES.md").read_text(encoding="utf-8"))]
# Sections that state rules of ends and of the namespace. 2.8 refers to 4.3, 3.10 is about NT handles.
SECTIONS = {"1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "3.1", "3.2", "3.3", "3.4",
            "3.5", "3.6", "3.7", "3.8", "3.9", "4", "4.1", "4.2", "4.3", "5.1", "5.2", "6.1", "6.2", "6.3", "6.4"}
LAYERS = ("lib/end/", "lib/namespace/", "lib/name/", "lib/security/")


def is_defined(function, text):
    """A definition stands at the beginning of a line and has no semicolon behind its parameters."""
    name = re.escape(function)
    return re.search(rf"^[A-Za-z_\[][^\n;]*?\b{name}\((?:[^;{{]*)\)[^;{{]*\n?{{", text, re.MULTILINE) is not None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['sections']}-{row['rule']}".replace(" ", "-"))
def test_function_is_there(row):
    assert row["file"].startswith(LAYERS), "rules stand in these layers only"
    assert is_defined(row["function"], (ROOT / row["file"]).read_text(encoding="utf-8"))


def test_each_rule_once():
    rules = [row["rule"] for row in ROWS]
    assert len(rules) == len(set(rules))
    table = (ROOT / "docs/RULES.md").read_text(encoding="utf-8").partition("| --- |")[2]
    assert table.count("\n| ") == len(ROWS), "a row has another form"


def test_no_section_is_left_out():
    assert SECTIONS - {section.strip() for row in ROWS for section in row["sections"].split(",")} == set()
