# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_bridge.py: Windows clients of native servers through the bridge: sizes, many of everything, sudden deaths, and what is wrong."""
import os
import signal

import pytest
from agent import driver
from conformance.vocabulary import PIPE_BROKEN, Status, pattern
from wine import headless, windows

BROKEN_PIPE, NO_DATA, PIPE_NOT_CONNECTED, FILE_NOT_FOUND, PIPE_BUSY = 109, 232, 233, 2, 231
ENDED = {BROKEN_PIPE, PIPE_NOT_CONNECTED, NO_DATA}
SIZES = (0, 1, 65535, 65536, 300_000, 4 << 20)
NAMES = 10_000 if os.environ.get("NTPIPE_LONG") else 300
CHANGES, BUSY = 400, 60
KILL_ROUNDS = 20 if os.environ.get("NTPIPE_LONG") else 1


def exchange(a, a_end, b, b_end, data):
    """A message from one program to the other, whole."""
    writing = a.start(a.write_op, end=a_end, data=data)
    reading = b.start(b.read_op, end=b_end, length=len(data) + 1)
    assert b.await_answer(reading).status == 0
    assert b.answer(reading).bytes() == data
    assert a.await_answer(writing).status == 0
    assert a.answer(writing)["count"] == len(data)


def speak(agent, write_op="write", read_op="read"):
    agent.write_op, agent.read_op = write_op, read_op
    return agent


def connected(meeting, name="meeting", **parameters):
    """(native program, its end, Windows program, its end) of a message pipe."""
    native = meeting.native()
    client = meeting.windows()
    server_end = meeting.serve(native, name, **parameters)
    client_end = meeting.open(client, name)
    assert client.call("SetNamedPipeHandleState", end=client_end, mode=2).status == 0
    meeting.settle()
    return speak(native), server_end, speak(client, "WriteFile", "ReadFile"), client_end


def goes(client, name):
    """Returns when the prefix has no such pipe any more."""
    for _ in range(driver.PATIENCE * 20):
        made = client.call("CreateFile", name=rf"\\.\pipe\{name}")
        if made.status == FILE_NOT_FOUND:
            return
        if made.status == 0:
            client.call("CloseHandle", end=made["id"])  # it was still there; a connection would keep the name
        driver.select.select([], [], [], 0.05)
    raise driver.AgentFailure(f"{name} does not go: {made}")


def works(meeting, name):
    """A new connection takes a message both ways."""
    native, server_end, client, client_end = connected(meeting, name)
    exchange(client, client_end, native, server_end, b"there")
    exchange(native, server_end, client, client_end, b"and back")


def test_sizes(meeting):
    native, server_end, client, client_end = connected(meeting)
    for seed, size in enumerate(SIZES):
        exchange(client, client_end, native, server_end, pattern(size, 2 * seed))
        exchange(native, server_end, client, client_end, pattern(size, 2 * seed + 1))


def test_host_names(meeting):
    native = meeting.native()
    client = meeting.windows()
    for host in ".", "localhost", "127.0.0.1":
        end = meeting.serve(native, "hosts")
        client_end = meeting.open(client, "hosts", host)
        meeting.settle()
        exchange(speak(client, "WriteFile", "ReadFile"), client_end, speak(native), end, host.encode())


@pytest.mark.timeout(3000 if NAMES > 300 else 300)
def test_many_names(meeting):
    native = meeting.native()
    client = meeting.windows()
    for number in range(NAMES):
        meeting.serve(native, f"name-{number}")
    ends = [meeting.open(client, f"name-{number}") for number in range(NAMES)]
    assert len(set(ends)) == NAMES


# ---- crowds ----

def crowd(meeting, name="crowd", **how):
    """Clients of one name in threads of their own, each waiting for an instance when all are taken: how often that was."""
    client = meeting.windows()
    client.call("CloseHandle", end=meeting.open(client, name))
    came = client.call_patiently("Crowd", name=rf"\\.\pipe\{name}", length=64, **how)
    assert came.status == 0, f"error {came.status}\n{meeting.bridge.error_output()}"
    assert came["talked"] == how["clients"] * how["rounds"]
    return came["waits"]


def test_many_opens(meeting):
    """200 opens back to back, and all stay open."""
    meeting.tool("serve", "crowd")
    crowd(meeting, clients=1, rounds=200, keep=1)


def test_many_clients(meeting):
    meeting.tool("serve", "crowd")
    crowd(meeting, clients=32, rounds=3, keep=1)


@pytest.mark.parametrize("instances", (1, 2))
def test_fewer_instances(meeting, instances):
    """Whoever finds no instance free waits for one, and is let in."""
    meeting.tool("serve", "crowd", "--instances", str(instances))
    assert crowd(meeting, clients=6, rounds=20, keep=0) > 0


def test_names_come_and_go(meeting):
    native, client = meeting.native(), meeting.windows()
    for _ in range(5):
        end = meeting.serve(native, "fleeting")
        client_end = meeting.open(client, "fleeting")
        client.call("CloseHandle", end=client_end)
        native.call("close", end=end)
        goes(client, "fleeting")


def test_changes_that_come_together_are_followed_together(meeting):
    """What a busy server has listening changes faster than instances are made and closed in the prefix, and everybody else would wait for that.
    Each request to Wine's server is a write."""
    native, client = meeting.native(), meeting.windows()
    meeting.serve(native, "busy")
    meeting.open(client, "busy")
    meeting.serve(native, "busy")
    meeting.settle()
    before = writes_of(meeting.bridge.pid)
    os.kill(meeting.bridge.pid, signal.SIGSTOP)
    for _ in range(CHANGES):
        native.call("close", end=meeting.serve(native, "busy"))
    meeting.serve(native, "afterwards")
    os.kill(meeting.bridge.pid, signal.SIGCONT)
    meeting.open(client, "afterwards")
    made = writes_of(meeting.bridge.pid) - before
    assert made < 8 * CHANGES, made


def writes_of(pid):
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        return int(dict(line.split(": ") for line in file)["syscw"])


def test_lists_are_followed(meeting):
    native, client = meeting.native(), meeting.windows()
    meeting.serve(native, "shown")
    meeting.serve(native, "hidden")
    client.call("CloseHandle", end=meeting.open(client, "hidden"))
    meeting.configure("import = * !hidden")
    meeting.serve(native, "hidden")
    goes(client, "hidden")
    meeting.open(client, "shown")


# ---- sudden ends ----

def ends_of(agent, number):
    """How a pending read ended."""
    return agent.await_answer(number).status


def test_windows_program_dies_with_reads_pending(meeting):
    native, server_end, client, client_end = connected(meeting)
    for _ in range(3):
        client.start("ReadFile", end=client_end, length=10)
    reading = native.start("read", end=server_end, length=10)
    client.stop()
    assert Status(ends_of(native, reading)) == Status(0xC000014B)
    works(meeting, "after")


def test_native_server_dies(meeting):
    native, _, client, client_end = connected(meeting)
    reading = client.start("ReadFile", end=client_end, length=10)
    native.stop()
    assert ends_of(client, reading) in ENDED
    goes(client, "meeting")
    works(meeting, "meeting")


@pytest.mark.parametrize("round_", range(KILL_ROUNDS))
def test_bridge_dies(meeting, round_):
    native, server_end, client, client_end = connected(meeting)
    exchange(client, client_end, native, server_end, pattern(100, round_))
    reading = client.start("ReadFile", end=client_end, length=10)
    waiting = native.start("read", end=server_end, length=10)
    meeting.bridge.kill()
    assert ends_of(client, reading) in ENDED
    assert Status(ends_of(native, waiting)) == Status(0xC000014B)
    meeting.start_bridge()
    works(meeting, "again")


@pytest.mark.parametrize("round_", range(KILL_ROUNDS))
def test_broker_dies(meeting, round_):
    """Data goes on without a broker; names come back with it."""
    native, server_end, client, client_end = connected(meeting)
    meeting.broker.kill()
    exchange(client, client_end, native, server_end, pattern(100, round_))
    meeting.start_broker()
    exchange(native, server_end, client, client_end, pattern(100, round_))
    works(meeting, "afterwards")


def test_wine_server_dies(meeting):
    """The bridge ends with it, and everything comes back with a new one."""
    native, server_end, client, _ = connected(meeting)
    waiting = native.start("read", end=server_end, length=10)
    os.kill(meeting.prefix.server, signal.SIGKILL)
    assert Status(ends_of(native, waiting)) == Status(0xC000014B)
    meeting.bridge.process.wait(driver.PATIENCE)
    client.stop()
    meeting.prefix.close()
    meeting.start_bridge()
    works(meeting, "meeting-again")


# ---- what is wrong ----

@pytest.mark.parametrize("round_", range(KILL_ROUNDS * 3))
def test_wine_server_dies_while_the_bridge_asks_it(meeting, round_):
    """Wine ends the thread that asks, also if others wait for what that one has."""
    native, server_end, client, client_end = connected(meeting)
    reads = [native.start("read", end=server_end, length=100) for _ in range(BUSY)]
    for number in range(BUSY):
        client.send("WriteFile", end=client_end, data=pattern(10, number))
    assert native.await_answer(reads[0]).status == 0  # now the others are on their way
    os.kill(meeting.bridge.pid, signal.SIGSTOP)
    os.kill(meeting.prefix.server, signal.SIGKILL)
    os.kill(meeting.bridge.pid, signal.SIGCONT)
    assert {native.await_answer(number).status for number in reads} <= {0, PIPE_BROKEN}
    meeting.bridge.process.wait(driver.PATIENCE)


def test_second_bridge(meeting):
    second = driver.Program([os.path.join(headless.WINE, "wine64"), windows.bridge_of(meeting.build)], cwd=meeting.prefix.directory,
                            env=meeting.prefix.environment(NTPIPE_DIR=meeting.pipes))
    try:
        second.wait(expected=1)
        assert "another bridge" in second.error_output()
    finally:
        second.kill()
    works(meeting, "still")


def test_run_says_that_it_runs(meeting):
    status = os.path.join(meeting.prefix.path, "ntpipe.status")
    while not os.path.exists(status):
        driver.select.select([], [], [], 0.01)
    run = meeting.tool("wine", "run")
    run.wait(expected=4)
    assert f"process {meeting.bridge.pid}" in run.error_output()


def test_foreign_instance_of_an_imported_pipe(meeting):
    """A Windows program does not become a server of a native pipe whose instances are all there."""
    native, server_end, client, client_end = connected(meeting, max_instances=1)
    made = client.call("CreateNamedPipe", name=r"\\.\pipe\meeting", open_mode=3, pipe_mode=6, instances=1)
    assert made.status in (5, PIPE_BUSY), made
    exchange(client, client_end, native, server_end, b"as before")


def test_foreign_instance_beside_those_of_the_bridge(meeting):
    """Wine cannot keep a Windows program from adding an instance. It is told of, and connections of the bridge go on."""
    native, server_end, client, client_end = connected(meeting)
    made = client.call("CreateNamedPipe", name=r"\\.\pipe\meeting", open_mode=3, pipe_mode=6)
    assert made.status == 0, made
    meeting.serve(native, "meeting")  # of which the bridge makes one more
    meeting.bridge.await_line("meeting: a Windows program has made an instance of its own; some clients will meet that one")
    exchange(client, client_end, native, server_end, b"as before")
    assert client.call("CloseHandle", end=made["id"]).status == 0
    for _ in range(2):
        meeting.open(client, "meeting")
        meeting.serve(native, "meeting")
