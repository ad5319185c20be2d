# SPDX-License-Identifier: GPL-3.0-or-later
"""table.py: the rows of the table of answers, and how the table is written."""
import dataclasses
import importlib
import itertools
import re
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- answers: made by `make docs` -->", "<!-- end of answers -->"

NOTHING = "-"  # it cannot be asked


class CannotServe(Exception):
    """What a side has no way to offer; its answer is NOTHING."""


@dataclasses.dataclass(frozen=True)
class Row:
    section: str  # of SEMANTICS.md
    operation: str
    windows: str  # what it answers, and the document that says so
    ours: str  # what we must answer
    ask: Callable  # of a side: what it answers
    dialect: str  # the module that the row stands in

    @property
    def name(self):
        return f"{self.dialect}-{self.ask.__name__}"

    def answer(self, side):
        try:
            return self.ask(side)
        except CannotServe:
            return NOTHING


rows = {}


def row(section, operation, *, windows, ours):
    """Makes a function a row of its file."""

    def register(ask):
        dialect = ask.__module__.rpartition("rows_")[2]
        new = Row(section, operation, windows, ours, ask, dialect)
        assert new.name not in rows, f"two rows are called {new.name}"
        rows[new.name] = new
        return ask

    return register


def all_rows():
    """Each row of each file rows_*.py, in the order in which they stand there."""
    for path in sorted(HERE.glob("rows_*.py")):
        importlib.import_module(f"{__package__}.{path.stem}")
    return list(rows.values())


def title_of(dialect):
    return importlib.import_module(f"{__package__}.rows_{dialect}").TITLE


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def render(stock, ours, version):
    """The table as Markdown; `stock` and `ours` map the name of a row to the answer."""
    lines = [f"Stock is Samba {version}."]
    for dialect, members in itertools.groupby(all_rows(), lambda member: member.dialect):
        lines += ["", f"### {title_of(dialect)}", "", "| | operation | stock smbd | Windows by document | ours |", "|---|---|---|---|---|"]
        for each in members:
            cells = each.section, each.operation, stock[each.name], each.windows, ours[each.name]
            lines.append("| " + " | ".join(map(cell, cells)) + " |")
    return "\n".join(lines)


def version_in(document):
    found = re.search(r"^Stock is Samba (\S+)\.$", document, re.M)
    return found and found[1]


def read_from(document):
    """What the table in the document says: {(dialect's title, section, operation): (stock, windows, ours)}."""
    found, title = {}, None
    for line in document.partition(BEGIN)[2].partition(END)[0].splitlines():
        if line.startswith("### "):
            title = line[4:]
        elif line.startswith("| ") and not line.startswith("| |"):
            section, operation, *answers = (part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1])
            found[title, section, operation] = tuple(answers)
    return found


def replace_in(document, table):
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the document has no place for the table")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"
