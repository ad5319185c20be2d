# SPDX-License-Identifier: LGPL-2.1-or-later
"""storm.py: signals that interrupt whatever system call they meet, for everybody who was started here."""
import collections
import contextlib
import os
import signal
import threading
import time

# Nobody uses it, and who has no handler for it ignores it.
SIGNAL = signal.SIGWINCH
# Those who have come are looked for so often.
LOOK_EVERY = 0.1
# On an idle machine each process gets several hundred a second; the others are to have the processor, too.
PAUSE = 0.001


def interruptible(build, monkeypatch, environment):
    """What is started from now on can be interrupted (fault/interruptible.c)."""
    library = os.path.join(str(build), "tests/fault/libinterruptible.so")
    assert os.path.exists(library), library
    monkeypatch.setenv("LD_PRELOAD", library)
    monkeypatch.setitem(environment, "LD_PRELOAD", library)


def status_of(pid):
    """Lines of /proc/PID/status; none if there is no such process any more."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except (FileNotFoundError, ProcessLookupError):
        return {}


def family():
    """The processes below this one that have a handler: {process id: name}."""
    everybody = {int(entry): status_of(entry) for entry in os.listdir("/proc") if entry.isdigit()}
    children = collections.defaultdict(list)
    for pid, status in everybody.items():
        children[int(status.get("PPid", 0))].append(pid)
    found, left = {}, list(children[os.getpid()])
    while left:
        pid = left.pop()
        left += children[pid]
        if int(everybody[pid].get("SigCgt", "0"), 16) >> (SIGNAL - 1) & 1:
            found[pid] = everybody[pid]["Name"]
    return found


class Storm(contextlib.AbstractContextManager):
    """`sent`: how often whom, by the names of their programs."""

    def __init__(self):
        self.sent, self.processes, self.stopping = collections.Counter(), {}, False
        self.thread = threading.Thread(target=self.blow, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()
        for process, _ in self.processes.values():
            os.close(process)

    def blow(self):
        looked = 0.0
        while not self.stopping:
            if time.monotonic() > looked + LOOK_EVERY:
                self.look()
                looked = time.monotonic()
            for pid, (process, name) in list(self.processes.items()):
                try:
                    signal.pidfd_send_signal(process, SIGNAL)
                    self.sent[name] += 1
                except ProcessLookupError:
                    os.close(process)
                    del self.processes[pid]
            time.sleep(PAUSE)

    def look(self):
        for pid, name in family().items():
            if pid not in self.processes:
                with contextlib.suppress(ProcessLookupError):
                    self.processes[pid] = os.pidfd_open(pid), name
