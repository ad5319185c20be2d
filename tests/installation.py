# SPDX-License-Identifier: LGPL-2.1-or-later
"""installation.py: what `make install` installs, in a private directory."""
import fcntl
import os
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def install(build, place):
    """Installs what is built below `place`, as with DESTDIR. One at a time: waf writes to its build directory."""
    if os.path.realpath(build) != os.path.join(TOP, "build"):
        pytest.skip("./waf install takes what is in build/")
    with open(os.path.join(build, "tests", "installing"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sys.executable, "waf", "install", f"--destdir={place}"]
        result = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout
