# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_races.py: somebody cancels what the other side of the bridge is just about to do. Nothing is lost, doubled or reordered, and what
is told to be done is, and what is told to be cancelled was done by nobody."""
import functools
import random

import pytest
from conformance.vocabulary import pattern
from wine.conftest import a_meeting
from wine.parties import NativeClient, WindowsServer

CANCELLED = 0xC0000120
ROUNDS = 80
LENGTH = 200  # more than the quota: a write waits to be read
QUOTA = 64


@pytest.fixture(scope="module")
def meeting(build):
    with a_meeting(build) as place:
        place.start_broker()
        place.start_bridge()
        yield place


class Ends:
    """A writer's and a reader's end, on different sides."""

    def __init__(self, writer, writes, reader, reads):
        self.writer, self.writes, self.reader, self.reads = writer, writes, reader, reads
        self.reading = None
        self.expected = []  # what may still come: (message, whether it must)

    def start_read(self):
        if self.reading is None:
            self.reading = self.reader.start("read" if self.reader_is_native() else "ReadFile", end=self.reads, length=LENGTH + 1)

    def reader_is_native(self):
        return hasattr(self.reader, "session")

    def start_write(self, data):
        return self.writer.start("WriteFile" if self.reader_is_native() else "write", end=self.writes, data=data)

    def take(self, answer):
        """Something was read: nothing before it that must have come is missing, and it has not come before."""
        self.reading = None
        assert answer.status == 0, answer
        data = answer.bytes()
        while self.expected:
            message, sure = self.expected.pop(0)
            if message == data:
                return
            assert not sure, "lost"
        raise AssertionError("doubled, or never written")

    def drain(self):
        """A last message that nobody cancels comes behind all the others."""
        last = b"last" * 50
        self.expected.append((last, True))
        writing = self.start_write(last)
        while self.expected:
            self.start_read()
            self.take(self.reader.await_answer(self.reading))
        assert self.writer.await_answer(writing).status == 0


def test_native_writes_are_cancelled_while_they_are_read(meeting):
    server, client = WindowsServer(meeting), NativeClient(meeting)
    reads, listening = server.create("race-writes", inbound=QUOTA, outbound=QUOTA)
    writes = client.open("race-writes")
    server.over(listening)
    ends, chance = Ends(client.agent, writes, server.agent, reads), random.Random(1)
    for number in range(ROUNDS):
        message = pattern(LENGTH, number)
        writing = ends.start_write(message)
        order = [ends.start_read, functools.partial(client.agent.start, "cancel", request=writing)]
        if chance.random() < 0.5:
            client.agent.call("cancel", request=0)  # there is none: the bridge has had time to see the write
        for step in order if chance.random() < 0.5 else order[::-1]:
            step()
        status = client.agent.await_answer(writing).status
        assert status in (0, CANCELLED), hex(status)
        if status == 0:
            ends.expected.append((message, True))
        if ends.reading is not None and status == 0:
            ends.take(server.agent.await_answer(ends.reading))
    ends.drain()


def test_many_native_writes_are_cancelled_at_once(meeting):
    """Some wait behind others, and all of them are asked for while the other side reads."""
    server, client = WindowsServer(meeting), NativeClient(meeting)
    reads, listening = server.create("race-many", inbound=QUOTA, outbound=QUOTA)
    writes = client.open("race-many")
    server.over(listening)
    ends, chance = Ends(client.agent, writes, server.agent, reads), random.Random(3)
    for number in range(ROUNDS // 4):
        messages = [pattern(LENGTH, 8 * number + place) for place in range(6)]
        writing = [ends.start_write(message) for message in messages]
        cancels = [functools.partial(client.agent.start, "cancel", request=each) for each in writing if chance.random() < 0.7]
        ends.start_read()
        for cancel in cancels:
            cancel()
        while True:
            statuses = [client.agent.answer(each) for each in writing]
            if not any(each.pending for each in statuses):
                break
            client.agent.call("settle")
            if ends.reading is not None and not server.agent.answer(ends.reading).pending:
                got = server.agent.answer(ends.reading).bytes()
                ends.reading = None
                ends.expected.append((got, 0))
            ends.start_read()
            server.agent.call("GetNamedPipeInfo", end=reads)
        done = [message for message, answer in zip(messages, statuses) if answer.status == 0]
        while len(ends.expected) < len(done):
            ends.start_read()
            answer = server.agent.await_answer(ends.reading)
            ends.reading = None
            ends.expected.append((answer.bytes(), 0))
        assert [message for message, _ in ends.expected] == done
        ends.expected.clear()
    ends.drain()


def from_windows(meeting, name):
    """A Windows program writes, a native server reads."""
    native, windows = meeting.native(), meeting.windows()
    serving = meeting.serve(native, name, inbound_quota=QUOTA, outbound_quota=QUOTA)
    listening = native.start("listen", end=serving)
    writes = meeting.open(windows, name)
    assert native.await_answer(listening).status == 0
    return Ends(windows, writes, native, serving)


def test_a_native_read_that_was_cancelled_is_not_there_any_more(meeting):
    """Though the prefix had the same one: what is written then waits to be read."""
    ends, chance = from_windows(meeting, "race-gone"), random.Random(4)
    native, windows = ends.reader, ends.writer
    for number in range(ROUNDS // 2):
        message = pattern(LENGTH, number)
        ends.start_read()
        if chance.random() < 0.5:
            assert windows.call("GetNamedPipeInfo", end=ends.writes).status == 0  # the bridge has had time to post its own
        native.start("cancel", request=ends.reading)
        assert native.await_answer(ends.reading).status == CANCELLED
        ends.reading = None
        writing = ends.start_write(message)
        assert windows.call("GetNamedPipeInfo", end=ends.writes).status == 0
        assert windows.answer(writing).pending
        ends.start_read()
        assert native.await_answer(ends.reading).bytes() == message
        ends.reading = None
        assert windows.await_answer(writing).status == 0


def test_native_reads_are_cancelled_while_they_are_served(meeting):
    """The prefix has posted the same read by then."""
    ends, chance = from_windows(meeting, "race-reads"), random.Random(2)
    native, windows = ends.reader, ends.writer
    pending = []
    for number in range(ROUNDS):
        message = pattern(LENGTH if number % 2 else QUOTA // 2, number)
        ends.start_read()
        if chance.random() < 0.5:
            assert windows.call("GetNamedPipeInfo", end=ends.writes).status == 0  # the bridge has had time to post its own
        cancel = functools.partial(native.start, "cancel", request=ends.reading)
        if first := chance.random() < 0.5:
            cancel()
        pending.append(ends.start_write(message))
        if not first:
            cancel()
        ends.expected.append((message, True))
        answer = native.await_answer(ends.reading)
        if answer.status == CANCELLED:
            ends.reading = None
        else:
            ends.take(answer)
        while len(ends.expected) > 3:  # what was not read by now is read by somebody who does not cancel
            ends.start_read()
            ends.take(native.await_answer(ends.reading))
    ends.drain()
    for writing in pending:
        assert windows.await_answer(writing).status == 0
