# SPDX-License-Identifier: LGPL-2.1-or-later
"""injector.py: makes calls of a running process fail, one after the other, and looks what is left behind. interpose.c does the work.

    with Injector(build, "memory", within="/ntpipe.so") as injector:
        ...start a process with injector.environment, and learn its pid...
        sweep = Sweep(injector, pid, play)             # play(may_fail) plays a round; Stopped: something failed with a status that fits
        sweep.run(numbers)
"""
import collections
import contextlib
import ctypes
import os
import random
import shutil
import signal
import tempfile
import time

# All calls, or so many of each kind, others each time.
ALL = bool(os.environ.get("NTPIPE_FAULT_ALL"))
SAMPLE = 12
PATIENCE = 60
# So often one looks whether what is left behind has gone.
LOOKS = 50

State = collections.namedtuple("State", "pid calls failed live")


class Stopped(Exception):
    """A step of a round did not succeed, as it may when a call fails. What it is about is its status."""


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Injector(contextlib.AbstractContextManager):
    """`kind`: memory, system, or the name of a call; `within`: parts of the file names of the objects whose calls count, with colons."""

    def __init__(self, build, kind, *, within=None, **more):
        self.folder = tempfile.mkdtemp(prefix="ntpipe-fault-")
        os.chmod(self.folder, 0o755)
        self.log, self.states = (os.path.join(self.folder, name) for name in ("log", "states"))
        for path in self.log, self.states:  # as whoever the process acts for at that moment
            open(path, "wb").close()
            os.chmod(path, 0o666)
        self.environment = {"LD_PRELOAD": os.path.join(build, "tests/fault/libinterpose.so"), "NTPIPE_FAULT_ARMED": "0",
                            "NTPIPE_FAULT_KIND": kind, "NTPIPE_FAULT_LOG": self.log, "NTPIPE_FAULT_STATE": self.states, **more}  # fmt: skip
        if within is not None:
            self.environment["NTPIPE_FAULT_IN"] = within

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def arm(self, pid, number):
        """From now on the call with that number fails, with 0 none. What was before."""
        before = len(self._states())
        assert ctypes.CDLL(None).sigqueue(pid, signal.SIGRTMIN + 7, ctypes.c_void_p(number)) == 0
        end = time.monotonic() + PATIENCE
        while len(states := self._states()) == before:
            assert is_alive(pid) and time.monotonic() < end, f"process {pid} has ended, or does not take the signal"
            time.sleep(0.001)
        return states[-1]

    def _states(self):
        with open(self.states, encoding="ascii") as file:
            return [State(*map(int, line.split())) for line in file if line.endswith("\n")]

    def last_fault(self):
        """What failed last, and where that was called."""
        with open(self.log, encoding="ascii", errors="replace") as file:
            lines = file.read().splitlines()
        begin = max((number for number, line in enumerate(lines) if not line.startswith(" ")), default=0)
        return "\n".join(lines[begin:]) or "nothing has failed"


class Sweep:
    """Rounds in which each of a process's calls fails once, and between them rounds in which none does. `sample`: only so many of them."""

    def __init__(self, injector, pid, play, sample=None):
        self.injector, self.pid, self.play, self.sample = injector, pid, play, sample
        self.outcomes = collections.Counter()

    def run(self):
        calls = self.settle()
        numbers = range(1, 4 * calls)
        if self.sample is not None or not ALL:
            numbers = sorted(random.sample(range(1, calls + 1), min(self.sample or SAMPLE, calls)))
        for number in numbers:
            if not self.fail(number) and ALL and number > calls:
                break
        return self

    def settle(self):
        """What is kept after the first rounds is kept for ever. How many calls a round has."""
        self.injector.arm(self.pid, 0)
        for _ in range(3):
            self.play(False)
        self.injector.arm(self.pid, 0)
        self.play(False)
        state = self.injector.arm(self.pid, 0)
        self.descriptors, self.live = self.count_descriptors(), state.live
        return state.calls

    def count_descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def fail(self, number):
        """False: the round had no such call."""
        try:
            if not self.fail_once(number):
                return False
            # What is kept once, such as a longer list, is no leak; what is kept each time is.
            for _ in range(3):
                left = self.left_behind()
                if not any(left) or not self.fail_once(number):
                    break
                self.live, self.descriptors = (before + more for before, more in zip((self.live, self.descriptors), left, strict=True))
            else:
                raise AssertionError(f"left behind each time: {left[0]} blocks of memory, {left[1]} descriptors")
        except BaseException:
            print(f"call {number}:\n{self.injector.last_fault()}")
            raise
        return True

    def fail_once(self, number):
        self.injector.arm(self.pid, number)
        try:
            self.play(True)
            outcome = "success"
        except Stopped as stopped:
            outcome = str(stopped)
        if not self.injector.arm(self.pid, 0).failed:
            return False
        self.outcomes[outcome] += 1
        self.play(False)
        return True

    def left_behind(self):
        """How many blocks of memory and descriptors more than before. A process may be about to give some back, as the round does not see that."""
        for _ in range(LOOKS):
            live = self.injector.arm(self.pid, 0).live
            left = max(0, live - self.live), max(0, self.count_descriptors() - self.descriptors)
            if not any(left):
                break
            time.sleep(0.02)
        return left

    def __str__(self):
        return f"{sum(self.outcomes.values())} faults: " + ", ".join(f"{outcome} {count}" for outcome, count in self.outcomes.most_common())
