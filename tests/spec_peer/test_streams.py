# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_streams.py: two processes write, read and cancel at the same time, without waiting for each other. What was written arrives once,
whole and in order; what was taken back does not, or is cut. Which of the two it is nobody can foresee; each outcome must make sense.
"""
import random

import pytest
from conformance.settle import settle
from conformance.steps import Context
from conformance.transports import by_name
from conformance.vocabulary import *  # noqa: F403

STREAMS = 6
ACTIONS = 150
QUOTAS = (0, 100, 6000, 70000)
# Messages that find room in shared memory, reads are cancelled, too; and such that go through it in pieces: a read that is cancelled
# in the middle of a message would leave the rest of it to the next one.
SIZES = {"small": 3000, "large": 250000}
NUMBER = 4


def message(number, size):
    return number.to_bytes(NUMBER, "little") + pattern(size, number)


class Stream:
    """What was begun, and what came of it."""

    def __init__(self, environment, seed, size):
        self.source = random.Random(seed)
        self.parties = environment.parties()
        self.size = size
        quota = self.source.choice(QUOTAS)
        ends = Context(environment).connected(MM.but(inbound_quota=quota, outbound_quota=quota))
        self.writer, self.reader = ends if self.source.random() < 0.5 else reversed(ends)
        self.messages = {}  # number -> bytes
        self.writes = {}  # number of the message -> of the operation
        self.reads = []
        self.cancelled = set()  # numbers of messages

    def run(self):
        for number in range(ACTIONS):
            self.source.choices([self.write, self.read, self.cancel_write, self.cancel_read], [9, 9, 1, 1])[0](number)
        while settle(self.parties) or any(self.writer.party.answer(write).pending for write in self.writes.values()):
            self.read()
        self.writer.party.call("close", end=self.writer.number)
        settle(self.parties)
        while self.result(self.read()).status != PIPE_BROKEN:
            pass

    def write(self, number):
        self.messages[number] = message(number, self.source.randrange(self.size))
        self.writes[number] = self.writer.party.start("write", end=self.writer.number, data=self.messages[number])

    def read(self, _=None):
        self.reads.append(self.reader.party.start("read", end=self.reader.number, length=self.size + NUMBER))
        return self.reads[-1]

    def cancel_write(self, _):
        if self.writes:
            number = self.source.choice(list(self.writes)[-4:])
            self.cancelled.add(number)
            self.writer.party.cancel(self.writes[number])

    def cancel_read(self, _):
        if self.reads and self.size == SIZES["small"]:
            self.reader.party.cancel(self.source.choice(self.reads[-4:]))

    def result(self, read):
        return self.reader.party.await_answer(read)

    def check(self):
        results = [self.result(read) for read in self.reads]
        arrived = [(Status(result.status), result.bytes()) for result in results if result.status not in (CANCELLED, PIPE_BROKEN)]
        outcomes = {number: self.writer.party.await_answer(write).status for number, write in self.writes.items()}
        numbers = [int.from_bytes(data[:NUMBER], "little") for _, data in arrived]
        assert numbers == sorted(set(numbers))
        for number, (status, data) in zip(numbers, arrived):
            if status == SUCCESS:
                assert data == self.messages[number] and outcomes[number] == SUCCESS
            else:
                assert status == BUFFER_OVERFLOW and self.messages[number].startswith(data) and outcomes[number] == CANCELLED
        assert {number for number, outcome in outcomes.items() if outcome == SUCCESS} <= set(numbers)
        assert {number for number, outcome in outcomes.items() if outcome != SUCCESS} <= self.cancelled


@pytest.mark.timeout(300)  # the peer in Python is slow
@pytest.mark.parametrize("transport", ["broker", "spec-client", "spec-server"])
@pytest.mark.parametrize("size", SIZES)
def test_messages_survive(build, transport, size):
    transport = by_name(transport)
    if transport.missing(build):
        pytest.skip(transport.missing(build))
    environment = transport.open(build)
    try:
        for seed in range(STREAMS):
            environment.begin()
            stream = Stream(environment, seed, SIZES[size])
            stream.run()
            stream.check()
            environment.end()
    except BaseException:
        environment.discard()
        raise
    environment.close()
