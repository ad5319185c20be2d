# SPDX-License-Identifier: GPL-3.0-or-later
"""summary.py: each suite's results beside those on stock smbd, and what is worse than there."""
import collections
import textwrap

BASELINE = "stock"
GOOD = ("success", "uxsuccess")
UNEXPECTED = ("failure", "error", "uxsuccess")


def by_suite(outcomes, suite, environment):
    prefix = f"{suite.name}({environment})."
    return {name.removeprefix(prefix): outcome for name, outcome in outcomes.items() if name.startswith(prefix)}


def cell(results):
    """`42 ok, 2 known, 29 skipped`."""
    if not results:
        return "no result"
    words = {"success": "ok", "xfail": "known", "skip": "skipped", "failure": "FAILED", "error": "ERROR", "uxsuccess": "NOW OK"}
    counted = collections.Counter(results.values())
    return ", ".join(f"{counted[outcome]} {word}" for outcome, word in words.items() if counted[outcome])


def worse_than(stock, ours):
    """Tests that succeed on stock and do not here, or are not even run."""
    return [test for test, outcome in stock.items() if outcome in GOOD and ours.get(test) not in GOOD]


def show(runs, outcomes, texts, left_out):
    """Prints the table. The tests that are worse than on stock smbd."""
    columns = list(dict.fromkeys(environment for _, environment in runs))
    suites = list(dict.fromkeys(suite for suite, _ in runs))
    rows, worse = [], []
    for suite in suites:
        here = [environment for each, environment in runs if each is suite]
        found = {environment: by_suite(outcomes, suite, environment) for environment in here}
        cells = {environment: cell(found[environment]) for environment in here}
        cells.update({environment: "left out" for environment in here if f"{suite.name}({environment})" in left_out})
        rows.append([suite.name, *(cells.get(column, "") for column in columns)])
        for environment in here:
            if BASELINE in here and cells[environment] != "left out":
                worse += [f"{suite.name}({environment}).{test}" for test in worse_than(found[BASELINE], found[environment])]
    print_table([["", *columns], *rows])
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}")
    unexpected = [name for name, outcome in outcomes.items() if outcome in UNEXPECTED]
    for name in unexpected:
        print(f"{outcomes[name]}: {name}\n{textwrap.indent(texts[name], '    ')}", end="")
    for name in worse:
        print(f"worse than on {BASELINE} smbd: {name}")
    print(f"{len(outcomes)} results, {len(set(unexpected) | set(worse))} unexpected")
    return worse


def print_table(rows):
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print()
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
