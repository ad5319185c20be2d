# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_abi.py: the binary interface of libntpipe.so is the one that its description says: programs that were built before go on."""
import os
import re
import shutil
import subprocess

import pytest
from agent import driver

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DESCRIPTION = os.path.join(ROOT, "lib/api/libntpipe.abi")

pytestmark = pytest.mark.skipif(shutil.which("abidiff") is None, reason="abidiff is not installed (package abigail-tools)")


def check(build, description=DESCRIPTION):
    command = [os.path.join(ROOT, "buildtools/abi"), "check", build, description]
    return subprocess.run(command, capture_output=True, text=True, timeout=10 * driver.PATIENCE, check=False)


def test_interface_is_kept(build):
    run = check(build)
    assert run.returncode == 0, run.stdout + run.stderr


def changed(text, pattern, replacement):
    assert re.search(pattern, text), pattern
    return re.sub(pattern, replacement, text)


@pytest.mark.parametrize("pattern, replacement, word", [
    (r"ntpipe_peek_recv\b|ntpipe_peek\b", "ntpipe_look_into", "ntpipe_look_into"),
    (r"(<class-decl name='ntpipe_listing' size-in-bits=')\d+", r"\g<1>128", "size changed"),
], ids=["function", "size"])
def test_change_is_found(build, tmp_path, pattern, replacement, word):
    """Held against an interface that had one function more, or a structure of another size. It is said how a change is accepted."""
    other = tmp_path / "other.abi"
    with open(DESCRIPTION, encoding="utf-8") as file:
        other.write_text(changed(file.read(), pattern, replacement))
    run = check(build, other)
    assert run.returncode == 1 and word in run.stdout and "make abi" in run.stderr, run.stdout + run.stderr
