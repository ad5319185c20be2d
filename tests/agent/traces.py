# SPDX-License-Identifier: LGPL-2.1-or-later
"""traces.py: what a process has: descriptors, memory that others have, too, and memory of its own."""
import contextlib
import os
import re
from pathlib import Path


def descriptors(pid):
    """How many of each kind, such as "socket" and "/memfd"."""
    counted = {}
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            kind = re.sub(r"[:\[ (].*", "", os.readlink(entry))
            counted[kind] = counted.get(kind, 0) + 1
    return counted


def shared_mappings(pid):
    """Pieces of memory that other processes have, too."""
    return sum("memfd:" in line for line in Path(f"/proc/{pid}/maps").read_text().splitlines())


def private_kib(pid):
    """What the process has for itself; what it shares counts as mappings."""
    return int(re.search(r"^RssAnon:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE).group(1))
