# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_memory.py: a process that may not have more memory, and memory that is taken away: it concerns nobody else.

A process that its control group has no memory for is killed by the kernel, whatever it does: a system call that would have to say so
does not come back. A process whose address space is full is told so.
"""
import contextlib
import resource

import pytest
from agent import driver
from conformance import vocabulary as nt
from fault.memory_group import MemoryGroup
from system.conftest import own_place

MIB = 1 << 20
LARGE = 64 * MIB


@pytest.fixture
def place(build):
    with own_place(build) as made:
        yield made


@pytest.fixture
def group():
    with MemoryGroup() as made:
        if made.missing:
            pytest.skip(made.missing)
        yield made


def is_alive(program):
    return program.process.poll() is None


def through(pair):
    """One message, from the client to the server."""
    server, server_end, client, client_end = pair
    assert client.call("write", end=client_end, data=b"through").status == nt.SUCCESS
    assert server.call("read", end=server_end, length=100).bytes() == b"through"


def use_up(native, start):
    """Starts operations until that has been its process's end."""
    started = 0
    with contextlib.suppress(driver.AgentFailure, BrokenPipeError):
        while started < 5000:
            start()
            started += 1
    assert not is_alive(native.agent), f"{started} operations take no memory"
    native.agent.process.wait(driver.PATIENCE)
    native.agent.checked = True
    assert native.agent.process.returncode == -9, native.agent.died("SIGKILL")


@pytest.mark.parametrize("who", ["server", "client"])
def test_a_program_has_no_memory_left(place, group, who):
    """It is killed while it writes. The other one has what was written, and then hears that the pipe is broken; a third one takes its place."""
    place.broker()
    bystanders = place.pair("bystanders")
    server, server_end, client, client_end = place.pair("large", inbound_quota=LARGE, outbound_quota=LARGE)
    victim, victim_end, other, other_end = (server, server_end, client, client_end) if who == "server" else (client, client_end, server, server_end)
    data = nt.pattern(100000)
    group.take(victim.pid, 16 * MIB)
    use_up(victim, lambda: victim.start("write", end=victim_end, data=data))
    assert group.killed() == 1
    got = 0
    while (read := other.call("read", end=other_end, length=len(data))).status == nt.SUCCESS:
        piece = read.bytes()
        assert piece == (data + data)[got % len(data) : got % len(data) + len(piece)]
        got += len(piece)
    assert read.status == nt.PIPE_BROKEN and got > 0
    through(bystanders)
    if who == "client":
        assert other.call("disconnect", end=other_end).status == nt.SUCCESS
        listening = other.start("listen", end=other_end)
        third = place.native()
        third_end = third.made("open", "large")
        assert other.agent.await_answer(listening).status in (nt.SUCCESS, nt.PIPE_CONNECTED)
        through((other, other_end, third, third_end))
    else:
        third = place.native()
        third_end = third.made("create", "large", inbound_quota=LARGE, outbound_quota=LARGE)
        through((third, third_end, other, other.made("open", "large")))


def test_the_broker_has_no_memory_left(place, group):
    """It is killed. Whoever is connected stays so; another one is told all that it knew, and does what was asked of the first."""
    broker = place.broker()
    pair = place.pair("old")
    greedy = place.native()
    group.take(broker.pid, 2 * MIB)
    asked = [greedy.start("create", name=f"fill{number}") for number in range(1500)]
    broker.process.wait(driver.PATIENCE)
    assert broker.process.returncode == -9 and group.killed() == 1
    broker.checked = True
    through(pair)
    place.broker()
    assert {greedy.agent.await_answer(number).status for number in asked} == {nt.SUCCESS}
    assert len(greedy.names()) == len(asked) + 1
    through(pair)
    other = place.native()
    other_end = other.made("open", "fill7")
    through((greedy, asked[7], other, other_end))


@pytest.mark.parametrize("who", ["server", "client"])
def test_a_program_has_no_addresses_left(place, who):
    """Large rings cannot be mapped: it is told so, or the other one is; what it has it keeps; later it can have them."""
    place.broker()
    server, client = place.native(), place.native()
    victim = server if who == "server" else client
    small = (server, server.made("create", "small"), client, client.made("open", "small"))
    end = server.made("create", "large", inbound_quota=LARGE, outbound_quota=LARGE)
    used = int(next(line for line in open(f"/proc/{victim.pid}/status") if line.startswith("VmSize")).split()[1]) * 1024
    resource.prlimit(victim.pid, resource.RLIMIT_AS, (used + MIB, resource.RLIM_INFINITY))
    refused = client.start("open", name="large")
    status = client.agent.await_answer(refused).status
    if who == "client":
        assert status in (nt.NO_MEMORY, nt.INSUFFICIENT_RESOURCES), hex(status)
    else:
        assert status != nt.SUCCESS or client.call("read", end=refused, length=1).status == nt.PIPE_BROKEN, hex(status)
    through(small)
    resource.prlimit(victim.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    server.call("disconnect", end=end)
    listening = server.start("listen", end=end)
    opened = client.made("open", "large")
    assert server.agent.await_answer(listening).status in (nt.SUCCESS, nt.PIPE_CONNECTED)
    through((server, end, client, opened))
