#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""report.py: writes docs/CONFORMANCE.md from the table of what applies where and the outcome of the last run of tests/run.

usage: tests/conformance/report.py BUILD_DIR > docs/CONFORMANCE.md
       tests/conformance/report.py --summary BUILD_DIR
"""
import collections
import json
import os
import re
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)
sys.dont_write_bytecode = True

from conformance import registry, wine_map  # noqa: E402: found through the path just set
from conformance.table import COLUMNS, TABLE  # noqa: E402
from conformance.transports import TRANSPORTS  # noqa: E402

SEMANTICS = os.path.join(os.path.dirname(TESTS), "docs", "SEMANTICS.md")
PASS, WAITING, DEFECT = "pass", "waiting", "DEFECT"
HEADER = """\
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- CONFORMANCE.md: what of the semantics is tested, over which transport, and how it came out.
     Written by tests/conformance/report.py (`make conformance`). -->
# Conformance

Numbered cases are those of SEMANTICS.md, section 10; the others state rules of the section that they are called after. What applies where
is decided by tests/conformance/table.py; tests/README.md describes the transports.

* `pass`: all tests of the case have passed over that transport
* `[n]`: the case does not apply, for the reason below the table
* `pass but [n]`: in some of its variants, which were not run, it comes out otherwise for that reason
* `waiting`: the case waits for the transport
* anything else is a defect

"""


class Column:
    """A column of the report: a transport that is there, or one that is waited for."""

    def __init__(self, name, transport=None):
        self.name = name
        self.transport = transport
        self.counts = {"numbered": collections.Counter(), "rules": collections.Counter()}

    def reason_against(self, case, number):
        """Why it does not apply; None if it does. A rule without a number applies where its transport can express it."""
        if number is not None:
            return TABLE[number][self.transport.column if self.transport else self.name].reason
        return self.transport.reason_against(case) if self.transport else None

    def verdict(self, case, number, identity, found):
        """(what the cell says, the reason why the case does not apply)"""
        reason = self.reason_against(case, number)
        part = self.transport and case and self.transport.differs_in_part(case)
        if reason is not None:
            verdict = "does not apply"
        elif self.transport is None:
            verdict = WAITING
        else:
            verdict = found.get((identity, self.name), f"{DEFECT}: no test")
        self.counts["rules" if number is None else "numbered"][verdict.split(":")[0]] += 1
        if verdict == PASS and part:
            return f"{PASS} but", part[0]
        return verdict, reason


def outcomes(build):
    """((case, transport) -> verdict over all tests of the case, names of the transports that have run)."""
    with open(os.path.join(build, "tests", "results.json"), encoding="utf-8") as file:
        tests = [test for test in json.load(file)["outcomes"].values() if "case" in test]
    found = {}
    for test in tests:
        place = test["case"], test["transport"]
        verdict = PASS if test["outcome"] == "passed" else f"{DEFECT}: {test['outcome']}"
        if found.get(place, PASS) == PASS:
            found[place] = verdict
    return found, {test["transport"] for test in tests}


def columns(ran):
    """The transports that have run and those that are waited for, in the order of the table."""
    there = {transport.column for transport in TRANSPORTS}
    for name in COLUMNS:
        yield from (Column(transport.name, transport) for transport in TRANSPORTS
                    if transport.column == name and transport.name in ran)
        if name not in there:
            yield Column(name)


def statements():
    """number -> the words of SEMANTICS section 10."""
    with open(SEMANTICS, encoding="utf-8") as file:
        section = file.read().partition("\n## 10.")[2].partition("\n## 11.")[0]
    return {int(number): text for number, text in re.findall(r"^(\d+)\. (?:\[[^\]]*\] )?(.*)$", section, re.MULTILINE)}


def lines():
    """(identity, text, number or None, case or None) of all that is reported: numbered cases, then rules."""
    words = statements()
    by_number = {case.number: case for case in registry.load() if case.is_numbered}
    for number in TABLE:
        case = by_number.get(number)
        yield f"{number:03}", described(case) if case else words[number], number, case
    for case in registry.load():
        if not case.is_numbered:
            yield case.identity, described(case), None, case


def described(case):
    return case.text + (f" ({case.note})" if case.note else "")


def row(*cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n"


class Report:
    """The verdicts, gathered once, and the two ways to show them."""

    def __init__(self, build):
        found, ran = outcomes(build)
        self.columns = list(columns(ran))
        self.absent = [transport.name for transport in TRANSPORTS if transport.name not in ran]
        self.reasons, self.rows = [], []
        for identity, text, number, case in lines():
            verdicts = [column.verdict(case, number, identity, found) for column in self.columns]
            self.rows.append(row(identity, text, *(self.cell(*verdict) for verdict in verdicts)))

    def cell(self, verdict, reason):
        if reason is None:
            return verdict
        if reason not in self.reasons:
            self.reasons.append(reason)
        note = f"[{self.reasons.index(reason) + 1}]"
        return f"{verdict} {note}" if verdict.startswith(PASS) else note

    def document(self):
        names = [column.name for column in self.columns]
        notes = "".join(f"* [{number}] {reason}\n" for number, reason in enumerate(self.reasons, 1))
        absent = "".join(f"* {name}: was not run\n" for name in self.absent)
        return "".join([HEADER, self.table_of_counts(), "\n", row("case", "what it states", *names),
                        row(*["---"] * (len(names) + 2)), *self.rows, "\n", notes, absent, "\n", wine_map.section()])

    def table_of_counts(self):
        head = row("transport", "cases that apply", "passed", "failed", "waiting", "do not apply", "rules that apply", "passed", "failed")
        return head + row(*["---"] * 9) + "".join(row(column.name, *self.counts(column)) for column in self.columns)

    @staticmethod
    def counts(column):
        numbered, rules = column.counts["numbered"], column.counts["rules"]
        out = "does not apply"
        of_rules = [rules.total() - rules[out], rules[PASS], rules[DEFECT]] if column.transport else ["-"] * 3
        return [numbered.total() - numbered[out], numbered[PASS], numbered[DEFECT], numbered[WAITING], numbered[out], *of_rules]

    def summary(self):
        form = "{:<12} {:>3} cases apply, {:>3} passed, {:>3} failed, {:>3} waiting, {:>3} do not apply; " \
               "{:>3} rules apply, {:>3} passed, {:>3} failed"
        return "".join(form.format(column.name, *self.counts(column)) + "\n" for column in self.columns)

    def has_defects(self):
        return any(counts[DEFECT] for column in self.columns for counts in column.counts.values())


def main():
    options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    builds = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    if len(builds) != 1 or options not in ([], ["--summary"]):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    report = Report(builds[0])
    sys.stdout.write(report.summary() if options else report.document())
    return 1 if options and report.has_defects() else 0


if __name__ == "__main__":
    sys.exit(main())
