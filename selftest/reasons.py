# SPDX-License-Identifier: GPL-3.0-or-later
"""reasons.py: reads the lists of exceptions, skip and knownfail: a regular expression and a reason on each line."""
import re
from pathlib import Path


class MissingReason(Exception):
    """Samba's own filter takes a line without a reason; we do not."""


def read(path):
    """[(regular expression, reason)]"""
    found = []
    for line in Path(path).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            regex, _, reason = line.partition(" # ")
            if not reason.strip():
                raise MissingReason(f"{path}: {line}")
            found.append((re.compile(regex.strip()), reason.strip()))
    return found
