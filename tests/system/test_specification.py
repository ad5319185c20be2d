# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_specification.py: the tables of docs/SPEC.md are those of the code."""
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def test_tables_are_up_to_date(build):
    path = os.path.join(ROOT, "docs/SPEC.md")
    run = subprocess.run([os.path.join(build, "docs/spec_tables"), path], capture_output=True, text=True, check=True)
    with open(path, encoding="utf-8") as file:
        assert run.stdout == file.read(), "docs/SPEC.md is older than the code: make docs"
