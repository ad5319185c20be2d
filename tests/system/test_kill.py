# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_kill.py: a broker, servers and clients at work, and somebody who kills and stops whom he likes. Every byte and every number of each
message is looked at by both sides (programs/checked_echo.cc, programs/kill_client.cc).

NTPIPE_KILL_SECONDS: it runs so long, and only if that is given (`make kill`). NTPIPE_KILL_SEED: the same again. The schedule depends on more than the seed, so that a failure need not
come again with it.
"""
import collections
import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from agent import driver

SECONDS = float(os.environ.get("NTPIPE_KILL_SECONDS", "0"))
SERVERS, CLIENTS, INSTANCES = 2, 4, 6
PATIENCE = 60
# What the C library may keep of memory that was freed.
SPARE_KIB = 4096
# A loop makes a timer and an eventfd when it needs them first, which may be when its broker dies.
SPARE_DESCRIPTORS = 4


class Member(driver.Program):
    """A server or a client, which ends when its standard input is closed and says then what it has done."""

    def __init__(self, *command):
        super().__init__(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.said = ""

    def read_line(self):
        line = self.process.stdout.readline().decode()
        self.said += line
        return line

    def close(self):
        self.said += self.process.stdout.read().decode()
        self.process.stdin.close()
        self.process.stdout.close()

    def counts(self):
        words = (self.said.strip().splitlines() or [""])[-1].split()
        return collections.Counter({name: int(count) for name, count in zip(words[::2], words[1::2]) if count.isdigit()})


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


class Crowd:
    def __init__(self, place, seed):
        self.place, self.random, self.witness = place, random.Random(seed), f"{place.directory}/witness"
        self.streams, self.faults, self.counts, self.done = 0, [], collections.Counter(), collections.Counter()
        self.broker = place.broker()
        self.servers = [self.server(number) for number in range(SERVERS)]
        self.clients = []

    def program(self, name):
        return os.path.join(self.place.programs, "tests", name)

    def server(self, number):
        member = Member(self.program("checked_echo"), self.place.directory, f"kill{number}", str(INSTANCES), self.witness)
        self.place.running.append(member)
        assert member.read_line() == "ready\n", member.error_output()
        return member

    def client(self):
        self.streams += 1 << 10
        name = f"kill{self.random.randrange(SERVERS)}"
        member = Member(self.program("kill_client"), self.place.directory, name, str(self.streams), self.witness)
        self.place.running.append(member)
        return member

    # ---- what happens to them ----

    def strike(self):
        what = self.random.choice(["kill"] * 2 + ["stop"])
        kind = self.random.choice(["broker", "servers", "clients", "clients"])
        getattr(self, f"{what}_{kind}")() if what == "kill" else self.stop(kind)
        self.done[f"{what} {kind}"] += 1

    def kill_broker(self):
        self.broker.kill()
        time.sleep(self.random.uniform(0, 0.05))
        self.broker = self.place.broker()

    def kill_servers(self):
        number = self.random.randrange(SERVERS)
        self.bury(self.servers[number])
        self.servers[number] = self.server(number)

    def kill_clients(self):
        number = self.random.randrange(CLIENTS)
        self.bury(self.clients[number])
        self.clients[number] = self.client()

    def bury(self, member):
        member.kill()
        member.close()
        self.take_in(member)

    def take_in(self, member):
        self.faults += [f"{member.arguments[0]}: {line}" for line in member.said.splitlines() if line.startswith("wrong")]
        self.counts += member.counts()

    def stop(self, kind):
        victim = self.broker if kind == "broker" else self.random.choice(getattr(self, kind))
        os.kill(victim.pid, signal.SIGSTOP)
        time.sleep(self.random.uniform(0, 0.2))
        os.kill(victim.pid, signal.SIGCONT)

    # ---- the end ----

    def finish(self, members):
        for member in members:
            member.process.stdin.close()
            member.said += member.process.stdout.read().decode()
            member.wait()
            member.process.stdout.close()
            self.take_in(member)

    def lasting(self):
        return {"broker": self.broker.pid, **{f"server {number}": each.pid for number, each in enumerate(self.servers)}}

    def look(self):
        """Descriptors and shared mappings of who lasts, when no client is there."""
        found = {}
        for name, pid in self.lasting().items():
            maps = Path(f"/proc/{pid}/maps").read_text()
            found[name] = (len(os.listdir(f"/proc/{pid}/fd")), sum("memfd:" in line for line in maps.splitlines()))
        return found

    def memory(self):
        return {name: private_kib(pid) for name, pid in self.lasting().items()}


def private_kib(pid):
    return int(re.search(r"^RssAnon:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE).group(1))


def idle(crowd):
    """One client after another has been at each server, and has gone: so much has each that lasts."""
    crowd.clients = [crowd.client() for _ in range(CLIENTS)]
    crowd.finish(crowd.clients)
    crowd.clients = []
    wait_until(lambda: all(crowd.look()[name][1] == 1 for name in crowd.lasting() if name != "broker"), "a connection stays")
    return crowd.look()


def settles(crowd, before):
    now = crowd.look()
    return all(
        now[name][0] <= before[name][0] + SPARE_DESCRIPTORS and now[name][1] <= before[name][1] for name in now
    )


@pytest.mark.skipif(SECONDS == 0, reason="runs on demand: make kill")
@pytest.mark.timeout(300 + 10 * SECONDS)
@pytest.mark.parametrize("programs", ["release"], indirect=True)
def test_whoever_is_killed_nothing_is_lost(place):
    seed = int(os.environ.get("NTPIPE_KILL_SEED", time.time_ns() % 10**9))
    crowd = Crowd(place, seed)
    before, memory_before = idle(crowd), crowd.memory()
    crowd.clients = [crowd.client() for _ in range(CLIENTS)]
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and len(crowd.faults) < 20:
        time.sleep(crowd.random.uniform(0, 0.3))  # a moment nobody can foresee
        crowd.strike()
    # All of it still works: who comes now is served.
    late = [crowd.client() for _ in range(CLIENTS)]
    crowd.finish(crowd.clients + late)
    crowd.clients = []
    now = {}
    wait_until(lambda: now.update(crowd.look()) or settles(crowd, before), "something is left behind")
    memory = crowd.memory()
    print(f"seed {seed}: {dict(crowd.done)}, {dict(crowd.counts)}; descriptors and shared mappings before {before}, after {now}; "
          f"private KiB before {memory_before}, after {memory}")  # fmt: skip
    assert all(memory[name] < memory_before[name] + SPARE_KIB for name in memory), (memory_before, memory)
    crowd.finish(crowd.servers)
    assert not crowd.faults, "\n".join(crowd.faults)
    assert all(member.counts()["messages"] > 0 for member in late), "the pipes are not back"
    assert crowd.counts["flushed"] > 0
    # No shared memory outlives those who had it.
    crowd.broker.terminate()
    left = [name for name in os.listdir(place.directory) if name not in ("witness", "registry", "broker.lock", "ntpiped.log")]
    assert left == [], left
