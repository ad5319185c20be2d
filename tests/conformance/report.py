#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""report.py: writes docs/CONFORMANCE.md from the cases and the outcome of the last run of tests/run.

usage: tests/conformance/report.py BUILD_DIR > docs/CONFORMANCE.md
"""
import json
import os
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)
sys.dont_write_bytecode = True

from conformance import registry  # noqa: E402: found through the path just set
from conformance.elsewhere import ELSEWHERE, LAST_CASE  # noqa: E402
from conformance.transports import TRANSPORTS  # noqa: E402

HEADER = """\
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- CONFORMANCE.md: what of the semantics is tested, over which transport, and how it came out.
     Written by tests/conformance/report.py. -->
# Conformance

Numbered cases are those of SEMANTICS.md, section 10; the others state rules of the section that they are called after.
The transports are described in tests/README.md.

"""


def outcomes(build):
    """(case, transport) -> "pass" or "FAIL" over all variants of the case."""
    with open(os.path.join(build, "tests", "results.json"), encoding="utf-8") as file:
        tests = json.load(file)["outcomes"].values()
    found = {}
    for test in tests:
        if "case" in test:
            place = test["case"], test["transport"]
            passed = test["outcome"] == "passed" and found.get(place) != "FAIL"
            found[place] = "pass" if passed else "FAIL"
    return found


def cell(case, transport, found, reasons):
    reason = transport.reason_against(case)
    if reason is None:
        return found.get((case.identity, transport.name), "not run")
    if reason not in reasons:
        reasons.append(reason)
    return f"[{reasons.index(reason) + 1}]"


def row(*cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n"


def report(found):
    reasons, rows = [], []
    present = {case.number for case in registry.load() if case.is_numbered}
    missing = [(number, ELSEWHERE[number]) for number in range(1, LAST_CASE + 1) if number not in present]
    for case in registry.load():
        text = case.text + (f" ({case.note})" if case.note else "")
        rows.append(row(case.identity, text, *(cell(case, transport, found, reasons) for transport in TRANSPORTS)))
    names = [transport.name for transport in TRANSPORTS]
    notes = "".join(f"* [{number}] does not apply: {reason}\n" for number, reason in enumerate(reasons, 1))
    return "".join([
        HEADER, row("case", "what it states", *names), row(*["---"] * (len(names) + 2)), *rows, "\n", notes,
        "\n## Cases that are not here\n\n", row("case", "why"), row("---", "---"), *(row(*line) for line in missing),
    ])


def main():
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    sys.stdout.write(report(outcomes(sys.argv[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
