# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_fault.py: whatever the system refuses, once or for a while, nobody crashes, hangs, leaks, or says what is not so.

Of all calls that could fail each run tries some, others each time; `make fault` (NTPIPE_FAULT_ALL=1) tries all of them.
"""
import ctypes
import os
import random
import resource
import signal
import subprocess
import tempfile
import time

import pytest
from agent import driver
from conformance import vocabulary as nt
from system.conftest import own_place

ALL = bool(os.environ.get("NTPIPE_FAULT_ALL"))
# So many of the calls of each kind are tried.
SAMPLE = 12
MOST = 100000


@pytest.fixture
def place(build):
    with own_place(build) as made:
        yield made


class Faults:
    """A run of programs/fault_scenario.cc, in which calls of `kind` fail."""

    def __init__(self, build, kind, **more):
        self.build, self.log = build, tempfile.mktemp(prefix="ntpipe-fault.")
        self.environment = driver.environment(LD_PRELOAD=os.path.join(build, "tests/fault/libinterpose.so"), NTPIPE_FAULT_LOG=self.log,
                                              NTPIPE_FAULT_ARMED="0", NTPIPE_FAULT_KIND=kind, **more)  # fmt: skip

    def play(self, directory, first, last, step, broker=None):
        command = [os.path.join(self.build, "tests/fault_scenario"), directory, str(first), str(last), str(step), self.log]
        plain = driver.environment()
        run = subprocess.run([*command, str(broker.pid)] if broker else command, env=plain if broker else self.environment, check=False,
                             capture_output=True, text=True)  # fmt: skip
        assert run.returncode == 0, f"{run.stdout}{run.stderr}\nstatus {run.returncode}\n{self.last_fault()}"
        return run.stdout

    def last_fault(self):
        try:
            with open(self.log, encoding="utf-8") as file:
                return "".join(file.readlines()[-45:])
        except FileNotFoundError:
            return "nothing has failed"

    def count(self, directory, broker=None):
        """About how many calls there are in a round: found by halving, for a round with fewer is over early."""
        low, high = 1, 2
        while "1 faults" in self.play(directory, high, high, 1, broker):
            low, high = high, 2 * high
        while high - low > max(1, low // 20):
            middle = (low + high) // 2
            low, high = (middle, high) if "1 faults" in self.play(directory, middle, middle, 1, broker) else (low, middle)
        return low

    def sample(self, directory, broker=None):
        if ALL:
            return self.play(directory, 1, MOST, 1, broker)
        step = max(1, self.count(directory, broker) // SAMPLE)
        return self.play(directory, random.randint(1, step), MOST, step, broker)

    def remove(self):
        if os.path.exists(self.log):
            os.unlink(self.log)


@pytest.fixture
def faults(build):
    made = []

    def make(kind, **more):
        made.append(Faults(build, kind, **more))
        return made[-1]

    yield make
    for each in made:
        each.remove()


@pytest.mark.timeout(0 if ALL else 300)
@pytest.mark.parametrize("kind", ["memory", "system"])
def test_a_program(place, faults, kind):
    place.broker()
    print(faults(kind).sample(place.directory))


@pytest.mark.timeout(0 if ALL else 300)
@pytest.mark.parametrize("kind", ["memory", "system"])
def test_the_broker(place, faults, kind):
    """The process that asks may be sent away; it comes back, and another one has lost nothing."""
    failing = faults(kind)
    broker = place.broker(env=failing.environment)
    witness, witness_end, other, other_end = place.pair("witness")
    print(failing.sample(place.directory, broker))
    assert other.call("write", end=other_end, data=b"still here").status == nt.SUCCESS
    assert witness.call("read", end=witness_end, length=100).bytes() == b"still here"
    assert [listing["name"] for listing in other.call("list")["listings"]] == ["witness"]


def test_everything_is_interrupted(place, faults):
    """Every second system call that may be, is: in the broker and in a program."""
    interrupted = faults("nothing", NTPIPE_FAULT_EVERY="2", NTPIPE_FAULT_SEED=str(random.getrandbits(31)))
    interrupted.environment["NTPIPE_FAULT_ARMED"] = "1"
    place.broker(env=interrupted.environment)
    interrupted.play(place.directory, 1, 0, 1)


def test_no_more_shared_memory(place, faults):
    """Who has a connection keeps it; who wants one is told why not."""
    full = faults("fallocate", NTPIPE_FAULT_FOREVER="1")
    broker = place.broker(env=full.environment)
    server, server_end, client, client_end = place.pair("old")
    server.made("create", "new")
    arm(broker, 1)
    ping(client)
    assert client.call("open", name="new").status == nt.INSUFFICIENT_RESOURCES
    assert server.call("create", name="newer").status == nt.INSUFFICIENT_RESOURCES
    assert client.call("write", end=client_end, data=b"through").status == nt.SUCCESS
    assert server.call("read", end=server_end, length=100).bytes() == b"through"
    arm(broker, 0)
    ping(client)
    assert client.call("open", name="new").status == nt.SUCCESS


def arm(broker, number):
    assert ctypes.CDLL(None).sigqueue(broker.pid, signal.SIGRTMIN + 7, ctypes.c_void_p(number)) == 0


def ping(native):
    assert native.call("ping").status == nt.SUCCESS


def fill(native, most=5000):
    """Creates pipes until one cannot be. (how many, why)"""
    for count in range(most):
        status = native.call("create", name=f"fill{count}").status
        if status != nt.SUCCESS:
            return count, status
    raise AssertionError("there is no limit")


def test_no_memory_to_ring(place, faults):
    """Both ends hear of it; what was written before can be read."""
    ringing = faults("send", NTPIPE_FAULT_FOREVER="1")
    place.broker()
    server = place.native()
    client = place.native(popen={"env": ringing.environment})
    server_end = server.made("create", "ring")
    client_end = client.made("open", "ring")
    reading = server.start("read", end=server_end, length=100)
    assert server.agent.answer(reading).pending
    arm(client, 1)
    assert client.call("write", end=client_end, data=b"heard").status == nt.SUCCESS
    assert server.agent.await_answer(reading).bytes() == b"heard"
    assert server.call("read", end=server_end, length=100).status == nt.PIPE_BROKEN
    assert client.call("read", end=client_end, length=100).status == nt.PIPE_BROKEN


def exhaust(greedy, pair, told):
    """One takes what there is and is told so; who has a pipe keeps it; when that one has gone there is something again."""
    server, server_end, client, client_end = pair
    count, status = fill(greedy)
    assert count > 0 and status in told, hex(status)
    assert client.call("write", end=client_end, data=b"through").status == nt.SUCCESS
    assert server.call("read", end=server_end, length=100).bytes() == b"through"
    greedy.agent.stop()
    await_success(lambda: client.call("create", name="again").status)


def test_the_broker_has_no_descriptors_left(place):
    broker = place.broker()
    pair = place.pair("old")
    greedy = place.native()
    resource.prlimit(broker.pid, resource.RLIMIT_NOFILE, (64, 64))
    exhaust(greedy, pair, {nt.INSUFFICIENT_RESOURCES, nt.TOO_MANY_OPENED_FILES})
    place.native()


def test_the_broker_has_no_memory_left(place):
    """Who wants more is told so; who has something keeps it; what is given back can be had again."""
    broker = place.broker()
    pair = place.pair("old")
    greedy = place.native()
    ping(greedy)
    used = int(next(line for line in open(f"/proc/{broker.pid}/status") if line.startswith("VmSize")).split()[1]) * 1024
    resource.prlimit(broker.pid, resource.RLIMIT_AS, (used + (4 << 20), resource.RLIM_INFINITY))
    exhaust(greedy, pair, {nt.NO_MEMORY, nt.INSUFFICIENT_RESOURCES})
    client = pair[2]
    assert client.call("open", name="again").status == nt.SUCCESS
    place.native()


def await_success(call):
    """Others hear of a death when it is their turn."""
    end = time.monotonic() + driver.PATIENCE
    while (status := call()) != nt.SUCCESS:
        assert time.monotonic() < end, hex(status)
        time.sleep(0.05)


@pytest.mark.parametrize("who", ["broker", "peer"])
def test_somebody_is_stopped(place, who):
    """Who does not need it goes on; who does waits, and then has what it wanted."""
    broker = place.broker()
    server, server_end, client, client_end = place.pair("one")
    other, other_end, third, third_end = place.pair("two")
    stopped = broker.pid if who == "broker" else server.pid
    os.kill(stopped, signal.SIGSTOP)
    assert third.call("write", end=third_end, data=b"on").status == nt.SUCCESS
    assert other.call("read", end=other_end, length=10).bytes() == b"on"
    data = nt.pattern(200000)
    writing = client.start("write", end=client_end, data=data)
    assert client.agent.answer(writing).pending
    listing = third.start("list")
    os.kill(stopped, signal.SIGCONT)
    assert third.agent.await_answer(listing).status == nt.SUCCESS
    got = b""
    while len(got) < len(data):
        got += server.call("read", end=server_end, length=1 << 20).bytes()
    assert got == data
    assert client.agent.await_answer(writing).status == nt.SUCCESS
