# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_restart.py: the broker is killed and another one comes: section 13 of docs/SPEC.md, with one end made by the second
implementation and the other by libntpipe."""
import os
import signal

import pytest
from agent import driver
from conformance.steps import Context, Peek
from conformance.transports import by_name
from conformance.vocabulary import *  # noqa: F403

LARGE = 200 * 1024
CONNECTION_DISCONNECTED = Status(0xC000020C)


class Place:
    """Two programs, and a broker that can be replaced."""

    def __init__(self, transport, build):
        self.build = build
        self.environment = transport.open(build)
        self.t = Context(self.environment)

    def kill_broker(self):
        self.environment.broker.kill()

    def new_broker(self):
        self.environment.broker = driver.Broker(self.build, self.environment.directory)
        self.t.settle()  # everybody has asked it something

    def replace_broker(self):
        self.kill_broker()
        self.new_broker()


@pytest.fixture(params=["spec-client", "spec-server"])
def place(build, request):
    transport = by_name(request.param)
    if transport.missing(build):
        pytest.skip(transport.missing(build))
    made = Place(transport, build)
    try:
        yield made
        made.environment.end()
    except BaseException:
        made.environment.discard()
        raise
    made.environment.close()


def await_over(op):
    """Waits for an operation without asking the broker anything."""
    op.party.await_answer(op.number)
    return op


def test_connection_lives_on(place):
    s, c = place.t.connected(MM)
    place.kill_broker()
    for one, other in (s, c), (c, s):
        read = other.read(100)
        await_over(one.write(b"nobody in between")).done(SUCCESS, 17)
        await_over(read).done(SUCCESS, b"nobody in between")
    place.new_broker()
    c.write(b"and on").done(SUCCESS, 6)
    s.read(100).done(SUCCESS, b"and on")
    s.shows(state=CONNECTED, current_instances=1)


def test_instances_come_back(place):
    """Each in its state: the listening one is found, the others are not, and the page of the pipe goes on counting."""
    t = place.t
    listening = t.create(max_instances=3)
    place.replace_broker()
    t.create(max_instances=3, disposition=FILE_OPEN).shows(current_instances=2)
    disconnected = t.create(max_instances=3, disposition=FILE_OPEN)
    t.creating(max_instances=3, disposition=FILE_OPEN).done(INSTANCE_NOT_AVAILABLE)
    disconnected.disconnect().done(SUCCESS)
    place.replace_broker()
    listening.shows(state=LISTENING, current_instances=3)
    t.open()
    t.settle()
    listening.shows(state=CONNECTED)
    t.open()
    t.opening().done(PIPE_NOT_AVAILABLE)
    listen = disconnected.listen().pending()
    t.open()
    listen.done(SUCCESS)


def test_what_happened_meanwhile_is_known(place):
    """A server disconnects, listens and closes while nobody is there to hear of it."""
    t = place.t
    s, c = t.connected(max_instances=2)
    closing = t.create(disposition=FILE_OPEN)
    place.kill_broker()
    s.disconnect().done(SUCCESS)
    listen = s.listen()
    closing.close()
    place.new_broker()
    c.read(1).done(PIPE_DISCONNECTED)
    s.shows(state=LISTENING, current_instances=1)
    t.open()
    listen.done(SUCCESS)
    t.opening().done(PIPE_NOT_AVAILABLE)


def test_requests_wait_for_the_next_broker(place):
    t = place.t
    t.connected(max_instances=2)
    waiting = t.wait(milliseconds=WAIT_FOREVER).pending()
    ending = t.wait(milliseconds=300)
    place.kill_broker()
    opening = t.opening()
    creating = t.creating(t.name("new"))
    place.new_broker()
    opening.done(PIPE_NOT_AVAILABLE)
    creating.done(SUCCESS)
    ending.ends(IO_TIMEOUT)
    waiting.pending()
    t.create(disposition=FILE_OPEN)
    waiting.done(SUCCESS)


@pytest.mark.parametrize("side", ["server", "client"])
def test_large_writes(place, side):
    """Without a broker a write that is larger than the ring goes in pieces. The next broker gives overflow memory again."""
    s, c = place.t.connected(MM)
    writer, reader = (s, c) if side == "server" else (c, s)
    data = pattern(LARGE)
    place.kill_broker()
    write, read = writer.write(data), reader.read(LARGE)
    await_over(read).done(SUCCESS, data)
    await_over(write).done(SUCCESS, LARGE)
    place.new_broker()
    write = writer.write(data).pending()
    reader.peek(20).done(BUFFER_OVERFLOW, Peek(available=LARGE, messages=1, length=LARGE, data=data[:4]))
    reader.read(LARGE).done(SUCCESS, data)
    write.done(SUCCESS, LARGE)


def test_name_that_somebody_else_has_taken(place):
    """A server that returns too late: its connection goes on, its name does not."""
    t = place.t
    s, c = t.connected(MM)
    os.kill(s.party.pid, signal.SIGSTOP)
    try:
        place.kill_broker()
        place.environment.broker = driver.Broker(place.build, place.environment.directory, "--grace=0")
        await_over(t.creating(by=t.environment.client)).done(SUCCESS)
    finally:
        os.kill(s.party.pid, signal.SIGCONT)
    t.settle()
    c.write(b"still here").done(SUCCESS, 10)
    s.read(100).done(SUCCESS, b"still here")
    s.disconnect().done(SUCCESS)
    s.listen().done(CONNECTION_DISCONNECTED)
