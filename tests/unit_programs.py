# SPDX-License-Identifier: LGPL-2.1-or-later
"""unit_programs.py: finds the cmocka programs of the builds and the tests in them."""
import glob
import os
import subprocess

# The builds and what of their programs is run. With the thread sanitizer only the channel is tested (wscript). model/ compares with the
# model; the explorer has schedules of its own and no need of sanitizers.
VARIANTS = {
    "release": ("", ("unit/test_*", "model/test_*", "explore/test_*")),
    "asan": ("asan", ("unit/test_*", "model/test_*")),
    "tsan": ("tsan", ("unit/test_channel*",)),
}


def find(build):
    """All unit tests: (variant, program, test)."""
    return [(variant, program, test)
            for variant, (folder, names) in VARIANTS.items()
            for each in names
            for program in sorted(glob.glob(os.path.join(build, folder, "tests", each)))
            if os.access(program, os.X_OK) and os.path.isfile(program)
            for test in tests_of(program)]


def tests_of(program):
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, timeout=60, check=False)
    # A program that cannot even list its tests must not vanish from the run: the test of that name fails with its output.
    return listed.stdout.split() if listed.returncode == 0 and listed.stdout.split() else ["--list"]
