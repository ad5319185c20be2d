# SPDX-License-Identifier: LGPL-2.1-or-later
"""numbered.py: tests outside cases/ that are a case of SEMANTICS section 10: @number(216) before the test says of which."""
import ast
import functools
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
USUAL_TRANSPORT = "smb2"


def number(case, over=USUAL_TRANSPORT):
    """Marks a test as the test of that case over that transport."""
    return pytest.mark.number(case, over)


def of_item(item):
    """(case, transport) of a test that pytest has collected, as in the table; None if it is none of a case."""
    marker = item.get_closest_marker("number")
    return None if marker is None else (f"{marker.args[0]:03}", marker.args[1])


@functools.cache
def everywhere():
    """(case, transport) of all such tests, as the sources state them: what is not collected or skipped is there all the same."""
    return frozenset(found for path in sorted(TESTS.rglob("test_*.py")) for found in _of_source(path))


def _of_source(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == number.__name__:
                    yield call.args[0].value, call.args[1].value if len(call.args) > 1 else USUAL_TRANSPORT
