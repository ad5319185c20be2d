# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_unit.py: the unit tests, each cmocka test of each program a test of its own."""
import os
import subprocess

import pytest
from agent.driver import environment

# How many random sequences, and which: tests/README.md.
WISHES = ("NTPIPE_MODEL_SEQUENCES", "RC_PARAMS")


def test_unit(unit_test):
    _, program, name = unit_test
    wishes = {wish: os.environ[wish] for wish in WISHES if wish in os.environ}
    run = subprocess.run([program, name], capture_output=True, text=True, errors="replace", env=environment(**wishes), check=False)
    output = run.stdout + run.stderr
    if run.returncode != 0 or "Sanitizer" in output:
        pytest.fail(f"{program} {name} ended with status {run.returncode}\n{output}", pytrace=False)
    if "[  SKIPPED ]" in output:
        pytest.skip(f"{name}: {output.strip()}")
    # cmocka calls it a success when the name matched no test.
    if name != "--list" and f"[       OK ] {name}" not in output:
        pytest.fail(f"{program} ran no test of the name {name}\n{output}", pytrace=False)
