# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_wine_pipe_tests.py: Wine's own pipe tests on the stock Wine: nothing fails, and the numbers are those of baseline.py."""
import os
import re

import pytest
from wine import headless, results
from wine.baseline import BASELINES, VARYING

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PREPARED = os.path.join(TOP, ".deps", "wine")
SOURCE = os.path.join(TOP, ".deps", "wine-source")
# 4 and 12 s on a quiet machine.
SECONDS = 100


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


@pytest.mark.parametrize("program", ["ntdll", "kernel32"])
def test_stock_wine(prefix, program):
    output = os.path.join(prefix.directory, "output")
    status = prefix.run("wine64", os.path.join(PREPARED, f"{program}.exe"), "pipe", output=output, seconds=SECONDS,
                        WINETEST_REPORT_SUCCESS="1")
    found = results.read(output)
    assert not found.wrong
    assert status == 0
    assert found.summaries and not any(summary.failures or summary.flaky or summary.skipped for summary in found.summaries)
    assert found.summaries[-1].todos == sum(found.todo.values())
    baseline = BASELINES.get(version(prefix), {}).get(program)
    if baseline is None:
        pytest.skip("nothing fails; there are no numbers yet for this version of Wine")
    source = results.Source(os.path.join(SOURCE, "dlls", program, "tests", "pipe.c"))
    todos = {line: times for lines in baseline.todos.values() for line, times in lines.items()}
    wrong = differences(source.by_function(found.succeeded + found.todo), baseline.tests) + differences(found.todo, todos)
    assert not wrong
