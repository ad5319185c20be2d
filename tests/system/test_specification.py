# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_specification.py: docs/SPEC.md agrees with the code where a program can tell: tables, operations, statuses, sections."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPECIFICATION = os.path.join(ROOT, "docs/SPEC.md")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def section(number):
    """The text of a section of the specification."""
    text = read(SPECIFICATION)
    begin = text.index(f"\n## {number}. ")
    end = text.find("\n## ", begin + 1)
    return text[begin : end if end >= 0 else len(text)]


def test_tables_are_up_to_date(build):
    """Messages, and offsets and sizes of the shared memory; bits and limits are checked when docs/spec_tables.cc is compiled."""
    run = subprocess.run([os.path.join(build, "docs/spec_tables"), SPECIFICATION], capture_output=True, text=True, check=True)
    assert run.stdout == read(SPECIFICATION), "docs/SPEC.md is older than the code: make docs"


def test_every_operation_has_its_row():
    """Section 16 has each function of the interface, by the name that its forms have in common."""
    functions = set(re.findall(r"^NTPIPE_PUBLIC .*?\bntpipe_(\w+?)(?:_send|_recv|_begin)?\(", read("lib/api/ntpipe.h"), re.MULTILINE))
    assert len(functions) > 30
    named = set(re.findall(r"\b[a-z_]+\b", section(16)))
    assert not functions - named


def test_statuses_have_their_values():
    """Every status that the text names is in its last table, with the value that the code gives it."""
    values = {name: int(value, 16) for name, value in
              re.findall(r"X\((\w+), \w+, (0x\w+)u", read("lib/status/ntpipe_status.h"))}
    text = read(SPECIFICATION)
    table = {name: int(value, 16) for value, name in re.findall(r"\| (\w{8}) \| STATUS_(\w+)", section(17))}
    assert set(re.findall(r"\bSTATUS_(\w+)\b", text)) == set(table)
    assert table == {name: values.get(name) for name in table}


def test_every_message_is_explained():
    """Section 4 says what a message carries; what it means stands elsewhere."""
    text = read(SPECIFICATION).replace(section(4), "")
    messages = re.findall(r"^#### \d+ (\w+)$", section(4), re.MULTILINE)
    assert len(messages) >= 24
    assert not [message for message in messages if not re.search(rf"\b{message}\b", text)]
