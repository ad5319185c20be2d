# SPDX-License-Identifier: GPL-3.0-or-later
"""reasons.py: reads the lists of exceptions, skip and knownfail: a regular expression and a reason on each line."""
import platform
import re
from pathlib import Path


def lists_for(path, release):
    """The list, and beside it, if it is there, the one for what a release of Debian has; None: the installed one."""
    if release is None:
        try:
            release = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
        except OSError:
            release = ""
    own = Path(f"{path}.{release}")
    return [path, own] if release and own.exists() else [path]


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
