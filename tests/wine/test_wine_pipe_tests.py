# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_wine_pipe_tests.py: Wine's own pipe tests on the stock Wine: nothing fails, and the numbers are those of baseline.py."""
import os
import re

import pytest
from conformance import wine_map
from wine import headless, results
from wine.baseline import BASELINES, VARYING

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PREPARED = os.path.join(TOP, ".deps", "wine")
SOURCE = os.path.join(TOP, ".deps", "wine-source")
# 4 and 8 s on a quiet machine.
SECONDS = 100
# Wine's tests leave their threads and processes 50 ms to 1 s to do something: on a busy machine one expectation or the other fails. What
# is really wrong is so in each of the runs.
RUNS = 3


@pytest.fixture
def prefix(tmp_path):
    if not headless.is_installed():
        pytest.skip("Wine is not installed: ./bootstrap --only test")
    if not os.access(os.path.join(PREPARED, "ntdll.exe"), os.R_OK):
        pytest.skip("Wine's pipe tests are not built: ./bootstrap --only test")
    with headless.Prefix(tmp_path, os.path.join(PREPARED, "prefix")) as prefix:
        yield prefix
    assert prefix.processes() == []


def version(prefix):
    """Such as 8.0."""
    output = os.path.join(prefix.directory, "version")
    assert prefix.run("wine64", "--version", output=output, seconds=SECONDS) == 0
    with open(output, encoding="utf-8") as file:
        return re.match(r"wine-([0-9.]+)", file.read())[1]


def differences(came, expected):
    """What is not as expected, one line each."""
    return [f"{name}: {came.get(name, 0)} instead of {expected.get(name, 0)}" for name in sorted({*came, *expected} - VARYING)
            if came.get(name, 0) != expected.get(name, 0)]


@pytest.mark.timeout(RUNS * SECONDS + 60)
@pytest.mark.parametrize("program", ["ntdll", "kernel32"])
def test_stock_wine(prefix, program):
    wine = version(prefix)
    baseline = BASELINES.get(wine, {}).get(program)
    for run in range(RUNS):
        found, wrong = run_program(prefix, program, os.path.join(prefix.directory, f"output.{run}"))
        if baseline is not None:
            source = results.Source(os.path.join(SOURCE, "dlls", program, "tests", "pipe.c"))
            wrong += differences(source.by_function(found.succeeded + found.todo), baseline.tests)
            wrong += differences(found.todo, {line: times for lines in baseline.todos.values() for line, times in lines.items()})
            wrong += unmapped(program, source, found.lines) if wine == wine_map.VERSION else []
        if not wrong:
            break
    assert not wrong
    if baseline is None:
        pytest.skip(f"nothing fails; there are no numbers for Wine {wine} yet")


def run_program(prefix, program, output):
    """(what it found, what is wrong by its own words)."""
    status = prefix.run("wine64", os.path.join(PREPARED, f"{program}.exe"), "pipe", output=output, seconds=SECONDS,
                        WINETEST_REPORT_SUCCESS="1")
    found = results.read(output)
    wrong = list(found.wrong) + ([f"exit status {status}"] if status else [])
    wrong += [str(summary) for summary in found.summaries if summary.failures or summary.flaky or summary.skipped]
    if not found.summaries or found.summaries[-1].todos != found.todo.total():
        wrong.append(f"{found.todo.total()} todos, at the end: {found.summaries[-1:]}")
    return found, wrong


def unmapped(program, source, lines):
    """Where conformance/wine_map.py and the run do not go together, one line each."""
    wrong, left = [], set(lines)
    for of, function, group in wine_map.groups():
        if of != program:
            continue
        own = left & set(wine_map.numbers(group.lines))
        left -= own
        objects = set(wine_map.numbers(group.objects))
        complete = len(own) == group.expectations and objects <= own
        # A process that is ended while it speaks may not have said anything yet.
        if {source.function(line) for line in own} - {function} or not complete and function not in VARYING:
            wrong.append(f"{function} {group.lines}: {len(own)} expectations")
    return wrong + [f"{source.function(line)} {line} is in no group" for line in sorted(left)]
