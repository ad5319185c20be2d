# SPDX-License-Identifier: GPL-3.0-or-later
"""crowd.py: all parts at once: strikes at whom chance chooses, how soon all is back, and what is left behind."""
import collections
import concurrent.futures
import os
import random
import shutil
import signal
import tempfile
import threading
import time

from agent.traces import descriptors, private_kib, shared_mappings
from kill import samba, windows
from kill.native import NativePart
from kill.part import PATIENCE, NotBack, wait_until
from kill.witness import Witness

# What the C library may keep of memory that was freed.
SPARE_KIB = 4096
# A loop makes a timer and an eventfd when it needs them first, which may be when its broker dies. A session keeps the last four pages of
# pipes that it was handed, and the last four processes at the other end; at first there were fewer.
SPARE_DESCRIPTORS = 8
SPARE_MAPPINGS = 4
# The longest that somebody stands still, and that nobody is struck.
LONGEST_STOP, LONGEST_PAUSE = 0.2, 0.3
ENOUGH_FAULTS = 20


class Crowd:
    """
    with Crowd(build, seed, with_windows=True) as crowd:      # everything is there, nobody is at work
        crowd.work(seconds)
        print(crowd.report())
    """

    def __init__(self, build, seed, *, with_windows, brief=False):
        """`brief`: clients open and close more often than they talk."""
        self.build, self.random = str(build), random.Random(seed)
        self.brevity, self.closing = (("2",), 0.4) if brief else ((), 0.05)
        self.message = samba.message
        self.directory = tempfile.mkdtemp(prefix="ntpipe-")
        os.chmod(self.directory, 0o755)
        self.pipes = os.path.join(self.directory, "pipes")
        self.witness = Witness(os.path.join(self.directory, "witness"))
        self.strikes, self.recoveries, self.skipped = collections.Counter(), collections.defaultdict(list), 0
        self.timers, self.without = [], []
        self.native = NativePart(self)
        self.parts = [self.native]
        self.add("Samba", samba.missing(build), samba.SmbPart, samba.GatewayPart)
        self.add("Wine", windows.missing(build) if with_windows else "not asked for", windows.WindowsPart)

    def add(self, what, reason, *parts):
        if reason is None:
            self.parts += [part(self) for part in parts]
        else:
            self.without.append(f"{what} ({reason})")

    def __enter__(self):
        try:
            for part in self.parts:
                part.start()
            self.await_back()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, failure, *_):
        try:
            if failure is not None:
                print(self.report())
        finally:
            self.close()

    def close(self):
        for timer in self.timers:
            timer.join()
        for part in reversed(self.parts):
            part.close()
        self.witness.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    # ---- those who come and go ----

    def begin(self):
        for part in self.parts:
            part.begin()

    def end(self):
        for timer in self.timers:
            timer.join()
        self.timers.clear()
        for part in self.parts:
            part.end()

    def faults(self):
        wrong = {kind: counts["wrong"] for part in self.parts for kind, counts in part.counts().items() if counts.get("wrong")}
        return [fault for part in self.parts for fault in part.faults] + [f"{kind}: {count} wrong" for kind, count in wrong.items()]

    # ---- strikes ----

    def pause(self, most):
        """Until a moment that nobody can foresee."""
        time.sleep(self.random.uniform(0, most))

    def any_strike(self, with_stops=True):
        """(part, what, kind)"""
        chances = [(weight, part, what, kind) for part in self.parts for what, kinds in (("kill", part.kills), ("stop", part.stops))
                   if what == "kill" or with_stops for kind, weight in kinds.items()]  # fmt: skip
        return self.random.choices(chances, [chance[0] for chance in chances])[0][1:]

    def strike(self, part, what, kind, wait):
        """`wait`: until all is back, and writes down how long that took; else the next one may be struck meanwhile."""
        if what == "kill":
            begin = part.kill(kind)
        else:
            begin = self.stop(part.pid_of(kind), wait)
        if begin is None:
            return
        if wait:
            self.recoveries[f"{what} {kind}"].append(self.await_back(begin))
        part.replace()
        self.strikes[f"{what} {kind}"] += 1

    def stop(self, pid, wait):
        """The process stands still for a while. When it goes on."""
        if pid is None:
            return None
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            return None
        seconds = self.random.uniform(0, LONGEST_STOP)
        send(process, signal.SIGSTOP)

        def go_on():
            time.sleep(seconds)
            send(process, signal.SIGCONT)
            os.close(process)

        thread = threading.Thread(target=go_on)
        thread.start()
        if wait:
            thread.join()
        else:
            self.timers = [each for each in self.timers if each.is_alive()] + [thread]
        return time.monotonic()

    def await_back(self, begin=None):
        """Until every part has been used. How long each part took for that since then."""
        begin = begin or time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(self.parts)) as pool:
            taken = dict(pool.map(lambda part: (part.name, self.await_part(part, begin)), self.parts))
        return {**taken, "all": max(taken.values())}

    @staticmethod
    def await_part(part, begin):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                part.probe()
                return time.monotonic() - begin
            except NotBack as why:
                assert time.monotonic() < end, f"{part.name}: not back after {PATIENCE} s: {why}"
                time.sleep(0.002)

    def work(self, seconds, *, strikes=True):
        """All are at work, and struck."""
        self.begin()
        self.await_back()
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(self.faults()) < ENOUGH_FAULTS:
            self.pause(LONGEST_PAUSE)
            if strikes:
                self.strike(*self.any_strike(), wait=self.random.random() < 0.6)
        self.await_back()
        self.end()

    def hurry(self, kills, opens):
        """So many kills, one right after the other, and so many opens."""
        self.begin()
        self.await_back()
        while (sum(self.strikes.values()) < kills or self.opens() < opens) and len(self.faults()) < ENOUGH_FAULTS:
            if sum(self.strikes.values()) < kills:
                self.strike(*self.any_strike(with_stops=False), wait=False)
            else:
                time.sleep(0.1)
        self.await_back()
        self.end()

    def opens(self):
        return sum(counts.get("opens", 0) + counts.get("binds", 0) for part in self.parts for counts in part.counts().values())

    def measure_probes(self, count):
        """How long it takes to see that all is back when nobody was struck."""
        for _ in range(count):
            self.recoveries["nobody"].append(self.await_back())

    # ---- what is left ----

    def traces(self):
        """Of those who last: descriptors, shared mappings, private KiB; and what the broker has charged."""
        found = {}
        for part in self.parts:
            for name, pid in part.lasting().items():
                found[name] = sum(descriptors(pid).values()), shared_mappings(pid), private_kib(pid)
        return found, self.native.usage()

    def idle(self):
        """What they have when nobody is at work, but somebody was."""
        self.begin()
        self.await_back()
        time.sleep(1)  # so long they work; nothing depends on how far they come
        self.end()
        self.await_back()
        return self.settled(None)

    def settled(self, before):
        """The traces when they are no more than before; without that, when they do not change any more."""
        seen = [self.traces()]

        def is_settled():
            seen.append(self.traces())
            return not more(seen[-1], before) if before else seen[-1] == seen[-2]

        wait_until(is_settled, lambda: f"something is left behind: {more(seen[-1], before)}")
        return seen[-1]

    def finish(self):
        """All leave in order."""
        for part in reversed(self.parts):
            part.finish()
        kept = {"registry", "broker.lock"}
        left = [name for name in os.listdir(self.pipes) if name not in kept]
        assert left == [], left

    def report(self, before=None, after=None):
        """What was done, and, if that is known, what is left of it."""
        lines = [f"without: {', '.join(self.without) or 'nothing'}", f"strikes: {sum(self.strikes.values())}: {dict(self.strikes)}"]
        lines += [f"{kind}: {counts}" for part in self.parts for kind, counts in part.counts().items()]
        every = [taken for kind, all_of in self.recoveries.items() if kind != "nobody" for taken in all_of]
        for part in every[0] if every else ():
            lines.append(f"back after any strike, {part}: {figures([taken[part] for taken in every])}")
        lines += [f"all back after {kind}: {figures([taken['all'] for taken in all_of])}"
                  for kind, all_of in sorted(self.recoveries.items()) if all_of]  # fmt: skip
        for name, (files, mappings, kib) in after[0].items() if after else ():
            was = before[0][name]
            lines.append(f"{name}: descriptors {was[0]} -> {files}, shared mappings {was[1]} -> {mappings}, private KiB {was[2]} -> {kib}")
        if after:
            lines.append(f"charged by the broker: {before[1]} -> {after[1]}")
        lines += [f"fault: {fault}" for fault in self.faults()]
        return "\n".join(lines)


def send(process, number):
    try:
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        pass  # somebody has killed it


def more(now, before):
    """What there is more than before."""
    found = [f"{name} has {has} (descriptors, shared mappings, KiB), had {before[0][name]}" for name, has in now[0].items()
             if has[0] > before[0][name][0] + SPARE_DESCRIPTORS or has[1] > before[0][name][1] + SPARE_MAPPINGS]  # fmt: skip
    return found + [f"{what}: {used} charged, before {before[1][what]}" for what, used in now[1].items() if used > before[1][what]]


def figures(seconds):
    ordered = sorted(seconds)
    at = lambda share: 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]  # noqa: E731: read at a glance
    return f"{len(ordered)} times, median {at(0.5):.0f} ms, 99 % {at(0.99):.0f} ms, longest {at(1):.0f} ms"
