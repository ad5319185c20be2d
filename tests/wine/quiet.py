# SPDX-License-Identifier: LGPL-2.1-or-later
"""quiet.py: tells when nothing is left to happen among processes that cannot be asked, such as a Wine server.

Linux makes a sleeping thread runnable inside the system call that wakes it. So when at one moment all threads of all the
processes sleep, nobody among them has anything to do, and nothing will happen until somebody else, or a clock, wakes one. That
moment is found by looking twice: a thread that sleeps at both looks and has not been switched to in between has slept all the
time, and all these times have the moment between the looks in common.

What is in /proc is not always the last word: a thread that is on its way to sleep shows S a moment before it is switched away;
its count of switches then differs at the second look.
"""
import os
import time

PATIENCE = 60


class NeverQuiet(AssertionError):
    """Some process does not come to rest."""


def threads(pid):
    """(thread, state, how often it was switched away) of each thread; nothing of a process that has gone."""
    found = []
    try:
        names = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for name in names:
        try:
            with open(f"/proc/{pid}/task/{name}/status", encoding="ascii", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        switches = int(fields["voluntary_ctxt_switches"]), int(fields["nonvoluntary_ctxt_switches"])
        found.append((name, fields["State"][0], switches))
    return found


def look(pids):
    return [threads(pid) for pid in pids]


def is_quiet(seen):
    # A dead thread (Z, X) does not do anything either.
    return all(state in "SZX" for process in seen for _, state, _ in process)


# epoll_wait, epoll_pwait.
WAITS_FOR_EVENTS = {"232", "281"}
# In milliseconds: a wait with a longer limit is one for something that is not due soon; what is done again and again is not done more
# often than this.
SOON, OFTEN = 150, 10


def due_in(pid):
    """In how many milliseconds at most a thread that waits for events has something to look after by the clock; None: not soon."""
    limits = []
    for name, _, _ in threads(pid):
        try:
            with open(f"/proc/{pid}/task/{name}/syscall", encoding="ascii") as file:
                call, *arguments = file.read().split()
        except OSError:
            continue
        if call in WAITS_FOR_EVENTS:
            limits.append(int(arguments[3], 16) & 0xFFFFFFFF)
    return min((limit for limit in limits if limit <= SOON), default=None)


def quiet_with_clock(pids, by_clock):
    """The same when process `by_clock` looks after some things by the clock: what is due soon has been done, too, and what is done again
    and again has been done since.

    A timer of the kernel's makes a thread runnable when it is due, however busy the machine is, and that is seen.
    """
    waited = 0
    for _ in range(PATIENCE * 1000):
        quiet(pids)
        due = due_in(by_clock)
        if due is None or (due >= OFTEN and waited >= due):
            return
        time.sleep((due + 1) / 1000)
        if due >= OFTEN:
            waited += due
    raise NeverQuiet(f"something is due all the time for {PATIENCE} s")


def quiet(pids):
    """Returns when there was a moment at which every thread of these processes slept."""
    limit = time.monotonic() + PATIENCE
    before = look(pids)
    while True:
        after = look(pids)
        if is_quiet(after) and after == before:
            return
        if time.monotonic() > limit:
            raise NeverQuiet(f"not at rest after {PATIENCE} s: {after}")
        before = after
        # Leaves the processor to those who are waited for.
        os.sched_yield()
