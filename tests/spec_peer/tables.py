# SPDX-License-Identifier: LGPL-2.1-or-later
"""tables.py: the tables of docs/SPEC.md, read from the text itself, so that this implementation has no copy of them that could age."""
import functools
import os
import re
from dataclasses import dataclass, field

SPECIFICATION = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "docs", "SPEC.md")


@dataclass
class Table:
    """A heading of the fourth level with the table below it."""

    title: str
    rows: list = field(default_factory=list)
    descriptors: dict = field(default_factory=dict)  # index -> what it is


def part(name):
    """The lines between the marks of a generated part of the text."""
    with open(SPECIFICATION, encoding="utf-8") as file:
        text = file.read()
    begin, end = f"<!-- generated: {name} -->", f"<!-- end of generated: {name} -->"
    return text[text.index(begin) : text.index(end)].splitlines()


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def tables(name):
    """The tables of a generated part, in order."""
    found = []
    for line in part(name):
        if line.startswith("#### "):
            found.append(Table(line[5:].strip()))
        elif line.startswith("|") and not line.startswith("|---") and found:
            found[-1].rows.append(cells(line))
        elif line.startswith("Descriptors: ") and found:
            found[-1].descriptors = dict(descriptors(line))
    for table in found:
        del table.rows[:1]  # the head
    return found


def descriptors(line):
    for entry in line.removeprefix("Descriptors: ").rstrip(".").split("; "):
        index, meaning = entry.split(" ", 1)
        yield int(index), meaning


@functools.lru_cache
def messages():
    """(name, or code and name, of a message or part of one) -> its table."""
    return {table.title: table for table in tables("messages")}


@functools.lru_cache
def layout():
    """Name of a structure -> (its size, field -> offset)."""
    found = {}
    for table in tables("layout"):
        name, size = re.match(r"(.*?), (\d+) bytes", table.title).groups()
        found[name] = (int(size), {row[2]: int(row[0]) for row in table.rows})
    return found
