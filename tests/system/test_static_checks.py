# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_static_checks.py: cppcheck finds nothing in our sources but what buildtools/cppcheck.suppressions has a reason for."""
import os
import shutil
import subprocess

import pytest
from agent import driver

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

pytestmark = pytest.mark.skipif(shutil.which("cppcheck") is None, reason="cppcheck is not installed (package cppcheck)")


def cppcheck(*files):
    run = subprocess.run([os.path.join(ROOT, "buildtools/check"), "cppcheck", *map(str, files)], capture_output=True, text=True,
                         timeout=30 * driver.PATIENCE, check=False)  # fmt: skip
    return run.returncode, run.stdout + run.stderr


@pytest.mark.timeout(30 * driver.PATIENCE)
def test_nothing_is_found():
    status, output = cppcheck()
    assert status == 0 and "content" in output, output


def test_a_fault_is_found(tmp_path):
    source = tmp_path / "wrong.cc"
    source.write_text("int last()\n{\n    int numbers[4] = {};\n    return numbers[4];\n}\n")
    status, output = cppcheck(source)
    assert status != 0 and "arrayIndexOutOfBounds" in output, output
