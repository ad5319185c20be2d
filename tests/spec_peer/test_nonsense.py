# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_nonsense.py: what sections 7.2 and 7.3 of docs/SPEC.md call nonsense, written by a client end that knows how to write it, breaks
the connection for a server end of libntpipe, and nothing else."""
import ctypes
import os
import select

import pytest
from agent import driver
from conformance.transports import by_name
from conformance.vocabulary import *  # noqa: F403
from spec_peer import layout
from spec_peer.layout import CONTINUATION, CUT, DONE, LIVE, RECORD, REVOCABLE, SEGMENT, SERVER_CLOSED
from spec_peer.segment import HEADER
from spec_peer.session import Session

PENDING_SIZE = 20000  # beyond the quota, within the ring
QUOTA = 4096


class Attack:
    """A client end in this process, and a server end in a native program."""

    def __init__(self, environment):
        self.server = environment.server
        self.environment = environment
        name = f"nonsense-{os.getpid()}"
        self.end = self.server.start("create", name=name, type=MESSAGE, read_mode=MESSAGE, inbound_quota=QUOTA, outbound_quota=QUOTA)
        assert self.server.await_answer(self.end).status == SUCCESS
        self.session = Session(environment.directory)
        opened = []
        self.session.open(lambda status, end: opened.append(end), name=name, desired_access=GENERIC_READ | GENERIC_WRITE)
        while not opened:
            assert select.select([self.session.wire], [], [], driver.PATIENCE)[0]
            self.session.take_in()
        self.connection = opened[0].connection
        self.ring = self.connection.outgoing.ring.memory
        self.read_ring = self.connection.incoming.ring.memory
        self.tail = 0

    def record(self, size=0, flags=0, sequence=0, state=LIVE, rest=0, tail=None):
        """A record behind the last one, as it should be but for what is given."""
        progress = layout.progress(state, 0)
        self.ring.write(SEGMENT.size_in_bytes + self.tail, HEADER.pack(size, flags, sequence, progress, 0, rest))
        self.tail += layout.padded(size) if tail is None else tail
        self.ring.store(SEGMENT.tail, self.tail)

    def store(self, field, value):
        """Into the header of the ring that this end writes, or of the one that it reads."""
        is_writers = field in ("tail", "overflows")
        (self.ring if is_writers else self.read_ring).store(getattr(SEGMENT, field), value)

    def wake(self):
        self.connection.ring_always()

    def has_broken(self):
        """The server end says so, to its user and to its peer."""
        self.wake()
        self.environment.server.settle()
        shown = self.server.call("query_local_info", end=self.end)
        said = bool(self.connection.state() & SERVER_CLOSED)
        assert (shown["state"] == CLOSING) == said
        return said

    def close(self):
        self.session.close()


def backwards(attack):
    attack.record(size=5)
    attack.record(size=5, sequence=1)
    assert attack.server.call("read", end=attack.end, length=100).status == SUCCESS
    attack.store("tail", 0)


# What a hostile writer does; a read waits for it.
WRITERS = {
    "tail-goes-back": backwards,
    "tail-beyond-the-ring": lambda attack: attack.store("tail", 1 << 40),
    "tail-beyond-the-ring-by-a-record": lambda attack: attack.store("tail", attack.ring.size),
    "tail-is-crooked": lambda attack: attack.store("tail", 33),
    "record-beyond-the-tail": lambda attack: attack.record(size=64, tail=64),
    "record-of-4-GiB": lambda attack: attack.record(size=0xFFFFFFFF, tail=64),
    "unknown-flag": lambda attack: attack.record(flags=16),
    "sequence-too-low": lambda attack: (attack.record(), attack.record()),
    "continuation-of-nothing": lambda attack: attack.record(size=4, flags=CONTINUATION),
    "pieces-do-not-add-up": lambda attack: (attack.record(size=4, rest=8), attack.record(size=4, flags=CONTINUATION, sequence=1)),
    "piece-is-missing": lambda attack: (attack.record(size=4, rest=8), attack.record(size=4, sequence=1)),
    "cut-with-a-rest": lambda attack: attack.record(flags=CUT, rest=1),
    "cut-with-bytes": lambda attack: attack.record(size=1, flags=CUT),
    "done-by-nobody": lambda attack: attack.record(size=4, flags=REVOCABLE, state=DONE),
}
# What a hostile reader does; a write waits for it.
READERS = {
    "head-beyond-the-tail": lambda attack: attack.store("head", 1 << 20),
    "head-is-crooked": lambda attack: attack.store("head", 16),
    "more-bytes-than-written": lambda attack: attack.store("consumed_bytes", PENDING_SIZE + 1),
    "more-records-than-written": lambda attack: attack.store("consumed_records", 2),
    "bytes-go-back": lambda attack: (attack.store("consumed_bytes", 10), attack.has_broken(), attack.store("consumed_bytes", 9)),
}
# What makes no sense and is passed over.
HARMLESS = {
    "ledger-runs-backwards": lambda attack: attack.store("reads_resolved", 5),
    "ledger-is-endless": lambda attack: attack.store("reads_posted", 1 << 60),
    "entry-without-its-bit": lambda attack: (attack.store("ledger", 0xFFFFFFFF), attack.store("reads_posted", 1)),
    "unknown-bits-of-the-state": lambda attack: attack.connection.page.fetch_or32(layout.CONNECTION.state, 0xFFFFFF00),
    "bits-of-the-other-side": lambda attack: attack.connection.page.fetch_or32(layout.CONNECTION.state, layout.DISCONNECTED),
    "unknown-wants": lambda attack: attack.connection.page.fetch_or32(layout.wants(layout.CLIENT), 0xFFFFFFF0),
    "doorbell-without-end": lambda attack: [attack.wake() for _ in range(100000)],
}


MADV_REMOVE, PUNCH_HOLE, KEEP_SIZE = 9, 2, 1
_c = ctypes.CDLL(None, use_errno=True)
# How a process gives the pages of memory back that others have, too.
TAKE_AWAY = {
    "mapping": lambda memory: _c.madvise(ctypes.c_void_p(memory.address), ctypes.c_size_t(memory.size), MADV_REMOVE),
    "descriptor": lambda memory: _c.fallocate(memory.descriptor, PUNCH_HOLE | KEEP_SIZE, ctypes.c_long(0), ctypes.c_long(memory.size)),
}


@pytest.fixture(scope="module")
def environment(build):
    transport = by_name("spec-client")
    if transport.missing(build):
        pytest.skip(transport.missing(build))
    opened = transport.open(build)
    yield opened
    opened.close()


@pytest.fixture
def attack(environment):
    environment.begin()
    made = Attack(environment)
    yield made
    made.close()
    environment.end()  # the server end can be let go, and the broker is there


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_nonsense_of_a_writer(attack, write):
    write(attack)
    # The second one meets the nonsense, if what came before it made sense.
    reads = [attack.server.start("read", end=attack.end, length=100000) for _ in range(2)]
    assert attack.has_broken()
    assert attack.server.await_answer(reads[1]).status in (PIPE_BROKEN, BUFFER_OVERFLOW)
    assert attack.server.call("read", end=attack.end, length=1).status == PIPE_BROKEN


@pytest.mark.parametrize("consume", READERS.values(), ids=READERS)
def test_nonsense_of_a_reader(attack, consume):
    write = attack.server.start("write", end=attack.end, data=pattern(PENDING_SIZE))
    consume(attack)
    assert attack.has_broken()
    assert attack.server.await_answer(write).status == PIPE_BROKEN


@pytest.mark.parametrize("disturb", HARMLESS.values(), ids=HARMLESS)
def test_nonsense_that_does_no_harm(attack, disturb):
    write = attack.server.start("write", end=attack.end, data=pattern(PENDING_SIZE))
    disturb(attack)
    assert not attack.has_broken()
    assert attack.server.answer(write).pending
    attack.record(size=5)
    assert attack.server.call("read", end=attack.end, length=100).status == SUCCESS


@pytest.mark.parametrize("take_away", TAKE_AWAY.values(), ids=TAKE_AWAY)
def test_memory_that_is_taken_away(attack, take_away):
    """What is touched anew is zero: that makes sense now and then. The server goes on, and hears at last that the client has gone."""
    operations = []
    for step in range(20):
        operations.append(attack.server.start("write", end=attack.end, data=pattern(PENDING_SIZE)))
        attack.record(size=5, sequence=step)
        operations.append(attack.server.start("read", end=attack.end, length=100))
        assert take_away(attack.connection.memory) == 0
        attack.wake()
        attack.environment.server.settle()
    attack.close()
    for number in operations:
        attack.server.await_answer(number)
    assert attack.server.call("read", end=attack.end, length=100).status == PIPE_BROKEN
