# SPDX-License-Identifier: LGPL-2.1-or-later
"""memory_group.py: a control group of processes that may have so much memory together, and not more: who wants more is killed by the kernel."""
import contextlib
import os
import tempfile
import time

PATIENCE = 60


def _mount(kind, option):
    """Where such a hierarchy is."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            _, place, type_, options, *_ = line.split(" ")
            if type_ == kind and (option is None or option in options.split(",")):
                return place
    return None


def _own(controller):
    """Our group in the hierarchy of that controller; of the second version it has none."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            if controller in controllers.split(","):
                return path
    return "/"


class MemoryGroup(contextlib.AbstractContextManager):
    """`missing`: why there can be none."""

    def __init__(self):
        self.folder, self.missing = None, "no control group for memory can be made here"
        for root, own, limit, events in ((_mount("cgroup", "memory"), _own("memory"), "memory.limit_in_bytes", "memory.oom_control"),
                                         (_mount("cgroup2", None), _own(""), "memory.max", "memory.events")):  # fmt: skip
            if root is not None and self.folder is None:
                self.limit_file, self.events_file = limit, events
                for parent in dict.fromkeys((root + own, os.path.dirname(root + own), root)):
                    self.try_to_make(parent)

    def try_to_make(self, parent):
        if self.folder is not None or not parent.startswith("/sys/fs/cgroup"):
            return
        try:
            folder = tempfile.mkdtemp(prefix="ntpipe-", dir=parent)
        except OSError as error:
            self.missing = f"no control group for memory can be made here: {error}"
            return
        if os.access(os.path.join(folder, self.limit_file), os.W_OK):
            self.folder, self.missing = folder, None
        else:
            os.rmdir(folder)

    def __exit__(self, *_):
        """When its processes have ended. What they had in memory files that others still have stays theirs."""
        end = time.monotonic() + PATIENCE
        while self.folder is not None:
            try:
                os.rmdir(self.folder)
                self.folder = None
            except OSError:
                assert time.monotonic() < end, f"{self.folder} cannot be removed"
                time.sleep(0.01)

    def _write(self, name, value):
        with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
            file.write(str(value))

    def take(self, pid, limit):
        """From now on the process may have so many bytes more than it has."""
        self._write(self.limit_file, limit)
        with contextlib.suppress(OSError):
            self._write("memory.swap.max", 0)
        self._write("cgroup.procs", pid)

    def killed(self):
        """How many of its processes the kernel has killed for want of memory."""
        with open(os.path.join(self.folder, self.events_file), encoding="ascii") as file:
            return int(dict(line.split() for line in file)["oom_kill"])
