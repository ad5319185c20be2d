# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_export.py: native clients of Windows servers through the bridge: sizes, attributes, instances, waiting, and every way to end."""
import itertools
import os

import pytest
from agent import driver
from conformance.vocabulary import pattern
from wine.conftest import a_meeting
from wine.parties import BROKEN_PIPE, BYTES, DUPLEX, INBOUND, MESSAGES, MORE_DATA, OUTBOUND, READ, READ_ATTRIBUTES, WRITE
from wine.parties import ACCESS_DENIED, BROKEN, BUFFER_OVERFLOW, DISCONNECTED, IO_TIMEOUT, NOT_AVAILABLE, NOT_FOUND
from wine.parties import NativeClient, WindowsServer

SIZES = (0, 1, 65535, 65536, 300_000, 4 << 20)


numbers = itertools.count()


@pytest.fixture(scope="module")
def place(build):
    """A meeting that tests share: they end their own programs only."""
    with a_meeting(build) as meeting:
        meeting.start_broker()
        meeting.start_bridge()
        yield meeting


@pytest.fixture
def meeting(place):
    kept = len(place.programs)
    yield place
    while len(place.programs) > kept:
        place.programs.pop().kill()


@pytest.fixture
def name():
    """What no other test uses."""
    return f"export-{next(numbers)}"


@pytest.fixture
def server(meeting):
    return WindowsServer(meeting)


@pytest.fixture
def client(meeting):
    return NativeClient(meeting)


@pytest.fixture
def join(server, client, name):
    """A pipe with one client: (the server's end, the client's)."""
    def make(mode=1, access=READ | WRITE, **parameters):
        end, listening = server.create(name, **parameters)
        number = client.open(name, mode=mode, desired_access=access)
        server.over(listening)
        return end, number

    return make


# ---- data ----


def test_sizes(server, client, join):
    ours, theirs = join(inbound=65536, outbound=65536)
    for seed, size in enumerate(SIZES):
        there, back = pattern(size, 2 * seed), pattern(size, 2 * seed + 1)
        writing = client.start("write", end=theirs, data=there)
        assert server.read(ours, size + 1) == there
        client.over(writing)
        writing = server.start("WriteFile", end=ours, data=back)
        assert client.read(theirs, size + 1) == back
        server.over(writing)


def test_partial_reads(server, client, join):
    """What is left of a message stays one, on either side."""
    ours, theirs = join()
    server.write(ours, b"outbound")
    server.write(ours, b"next")
    assert client.read(theirs, 3, BUFFER_OVERFLOW) == b"out"
    assert client.read(theirs, 100) == b"bound"
    assert client.read(theirs, 100) == b"next"
    client.write(theirs, b"inbound")
    client.write(theirs, b"next")
    assert server.read(ours, 3, MORE_DATA) == b"inb"
    assert server.read(ours, 100) == b"ound"
    assert server.read(ours, 100) == b"next"


def test_transceive(server, client, join):
    ours, theirs = join()
    asking = client.start("transceive", end=theirs, data=b"question", length=100)
    assert server.read(ours, 100) == b"question"
    server.write(ours, b"answer")
    assert client.over(asking).bytes() == b"answer"


def test_bytes(server, client, join):
    """A pipe of bytes keeps no bounds, but every byte."""
    ours, theirs = join(pipe_mode=BYTES, mode=0)
    data = pattern(300_000)
    writing = client.start("write", end=theirs, data=data)
    got = b""
    while len(got) < len(data):
        got += server.read(ours, 10_000)
    assert got == data
    client.over(writing)
    writing = server.start("WriteFile", end=ours, data=data)
    got = b""
    while len(got) < len(data):
        got += client.read(theirs, 10_000)
    assert got == data
    server.over(writing)


def test_flush(server, client, join):
    """It is over when the other program has read, not when the bridge has."""
    ours, theirs = join()
    server.write(ours, b"to the client")
    flushing = server.start("FlushFileBuffers", end=ours)
    server.meeting.settle()
    assert server.agent.answer(flushing).pending
    assert client.read(theirs, 100) == b"to the client"
    server.over(flushing)
    client.write(theirs, b"to the server")
    flushing = client.start("flush", end=theirs)
    server.meeting.settle()
    assert client.agent.answer(flushing).pending
    assert server.read(ours, 100) == b"to the server"
    client.over(flushing)


# ---- attributes ----

ATTRIBUTES = {
    "duplex": ({"open_mode": DUPLEX, "pipe_mode": MESSAGES, "instances": 3, "inbound": 5000, "outbound": 7000}, READ | WRITE, 2),
    "inbound": ({"open_mode": INBOUND, "pipe_mode": MESSAGES, "instances": 1, "inbound": 5000, "outbound": 7000}, WRITE, 0),
    "outbound": ({"open_mode": OUTBOUND, "pipe_mode": BYTES, "instances": 255, "inbound": 5000, "outbound": 7000}, READ, 1),
}


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_attributes(server, client, kind, name):
    """The native client sees the pipe as the Windows program has made it."""
    parameters, access, configuration = ATTRIBUTES[kind]
    _, listening = server.create(name, **parameters)
    if kind != "duplex":
        client.open(name, ACCESS_DENIED, desired_access=READ | WRITE)  # which uses up no instance
    end = client.open(name, mode=0, desired_access=access | READ_ATTRIBUTES)
    server.over(listening)
    answer = client.call("query_local_info", end=end)
    instances = parameters["instances"] if parameters["instances"] != 255 else 0xFFFFFFFF
    assert (answer["type"], answer["configuration"], answer["maximum_instances"]) == \
        (1 if parameters["pipe_mode"] else 0, configuration, instances)
    assert (answer["inbound_quota"], answer["outbound_quota"]) == (5000, 7000)


# ---- instances ----


def test_several_instances(server, client, name):
    """Each client has an instance of its own; when there is none left the pipe is busy."""
    ends = [server.create(name, instances=3) for _ in range(3)]
    clients = []
    for number in range(3):
        clients.append(client.open(name))
        client.write(clients[-1], b"client %d" % number)
    client.open(name, NOT_AVAILABLE)
    seen = []
    for end, listening in ends:
        server.over(listening)
        seen.append(server.read(end, 100))
        server.write(end, b"answer to " + seen[-1])
    assert sorted(seen) == [b"client 0", b"client 1", b"client 2"]
    for number, end in enumerate(clients):
        assert client.read(end, 100) == b"answer to client %d" % number


def test_waiting(server, client, name):
    """A busy pipe is waited for, until there is an instance or the time is over. One that is not there is not waited for."""
    client.over(client.wait(name, 60_000), NOT_FOUND)
    end, listening = server.create(name, instances=1)
    client.over(client.wait(name, 60_000))
    first = client.open(name)
    server.over(listening)
    client.over(client.wait(name, 50), IO_TIMEOUT)
    waiting = client.wait(name, 60_000)
    server.meeting.settle()
    assert client.agent.answer(waiting).pending
    client.call("close", end=first)
    server.read(end, 1, BROKEN_PIPE)
    server.call("DisconnectNamedPipe", end=end)
    listening = server.listen(end)
    client.over(waiting)
    client.open(name)
    server.over(listening)


def test_one_after_the_other(server, client, join, name):
    """An instance serves many clients, and no bytes of one reach the next."""
    end, number = join(instances=1)
    for turn in range(5):
        server.write(end, b"not read by client %d" % turn)
        client.call("close", end=number)
        server.read(end, 1, BROKEN_PIPE)
        server.call("DisconnectNamedPipe", end=end)
        listening = server.listen(end)
        number = client.open(name)
        server.over(listening)
    server.write(end, b"last")
    assert client.read(number, 100) == b"last"


# ---- the end ----


def test_client_closes(server, client, join):
    """What it has written can still be read."""
    end, number = join()
    client.write(number, b"last words")
    client.call("close", end=number)
    assert server.read(end, 100) == b"last words"
    server.read(end, 100, BROKEN_PIPE)


def schedule(pids, policy, processors):
    for pid in pids:
        for thread in map(int, os.listdir(f"/proc/{pid}/task")):
            os.sched_setscheduler(thread, policy, os.sched_param(0))
            os.sched_setaffinity(thread, processors)


def test_clients_close_at_once(server, client, join):
    """Before the bridge, which has to wait for the processor, has heard that they are there."""
    bridge, processors = server.meeting.bridge.pid, os.sched_getaffinity(0)
    one = {min(processors)}
    try:
        schedule([bridge], os.SCHED_IDLE, one)
        os.sched_setaffinity(client.agent.pid, one)
        os.sched_setaffinity(0, one)
        for _ in range(4):
            end, number = join(mode=0)
            client.start("write", end=number, data=b"last words")
            client.call("close", end=number)
            assert server.read(end, 100) == b"last words"
            server.call("CloseHandle", end=end)
    finally:
        os.sched_setaffinity(0, processors)
        schedule([bridge, client.agent.pid], os.SCHED_OTHER, processors)


def test_client_dies_with_reads_pending(server, client, join, name):
    end, number = join()
    for _ in range(3):
        client.start("read", end=number, length=10)
    reading = server.start("ReadFile", end=end, length=10)
    client.agent.stop()
    server.over(reading, BROKEN_PIPE)
    server.call("DisconnectNamedPipe", end=end)
    listening = server.listen(end)
    NativeClient(server.meeting).open(name)
    server.over(listening)


def test_server_closes(server, client, join, name):
    """What it has written can still be read."""
    end, number = join()
    server.write(end, b"last words")
    server.call("CloseHandle", end=end)
    assert client.read(number, 100) == b"last words"
    client.read(number, 100, BROKEN)
    client.open(name, NOT_FOUND)


def test_server_disconnects(server, client, join):
    """What it has written is lost, and the client is told so."""
    end, number = join()
    reading = client.start("read", end=number, length=10)
    server.call("DisconnectNamedPipe", end=end)
    client.over(reading, DISCONNECTED)
    client.call("write", DISCONNECTED, end=number, data=b"into the void")


def test_server_dies_with_reads_pending(server, client, join, name):
    end, number = join()
    for _ in range(3):
        server.start("ReadFile", end=end, length=10)
    reading = client.start("read", end=number, length=10)
    server.agent.stop()
    client.over(reading, BROKEN)
    client.open(name, NOT_FOUND)
    again = WindowsServer(server.meeting)
    _, listening = again.create(name)
    client.open(name)
    again.over(listening)


# ---- lists, and names on both sides ----


@pytest.fixture
def configured(meeting):
    """Writes lists that hold for this test."""
    yield meeting.configure
    meeting.configure("export = *")


def test_lists_are_followed(server, client, configured):
    configured("export = * !hidden")
    server.create("shown")
    server.create("hidden")
    # Followed means some time later.
    for _ in range(driver.PATIENCE * 20):
        opening = client.start("open", session=client.agent.session, name="hidden")
        if client.agent.await_answer(opening).status == NOT_FOUND:
            break
        driver.select.select([], [], [], 0.05)
    client.open("hidden", NOT_FOUND)
    client.open("shown")
    server.meeting.bridge.await_line("refused hidden to a native client: the list `export` does not have it")
    server.create("hidden")
    configured("export = hidden")
    for _ in range(driver.PATIENCE * 20):
        opening = client.start("open", session=client.agent.session, name="hidden")
        if client.agent.await_answer(opening).status == 0:
            return
        driver.select.select([], [], [], 0.05)
    raise AssertionError(client.agent.answer(opening))


def test_what_wine_itself_serves_is_not_exported(client):
    for name in "svcctl", "epmapper", r"lrpc\epmapper", "wine_plugplay", "net\\NtControlPipe1":
        client.open(name, NOT_FOUND)


def test_name_on_both_sides(server, client, meeting, name):
    """Each side finds its own: whose is there first does not matter."""
    end, listening = server.create(name, instances=255)
    native = meeting.native()
    serving = meeting.serve(native, name)
    meeting.bridge.await_line(f"refused {name}: a Windows program serves a pipe of that name")
    number = client.open(name)
    client.write(number, b"native to native")
    assert native.call("read", end=serving, length=100).bytes() == b"native to native"
    windows = WindowsServer(meeting)
    opened = windows.call("CreateFile", name=rf"\\.\pipe\{name}", access=READ | WRITE)
    server.over(listening)
    windows.write(opened["id"], b"within the prefix")
    assert server.read(end, 100) == b"within the prefix"


def test_name_is_free_again(server, client, meeting, name):
    """When the Windows program has gone, the native pipe is imported after all."""
    end, _ = server.create(name, instances=255)
    native = meeting.native()
    serving = meeting.serve(native, name)
    meeting.bridge.await_line(f"refused {name}")
    server.call("CloseHandle", end=end)
    meeting.bridge.await_line(f"imported {name}")
    listening = native.start("listen", end=serving)
    opened = meeting.open(server.agent, name)
    server.write(opened, b"to the native server")
    assert native.await_answer(listening).status == 0  # a moment later than in the prefix
    assert native.call("read", end=serving, length=100).bytes() == b"to the native server"
