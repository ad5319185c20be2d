# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_handing_on.py: a program that hands on what it looks at (ntpipe_look_send) and the other end's cancels: who is told that his write
was cancelled has written nothing that anybody got, and who is told that his read was cancelled has nothing that anybody wrote to him.
The program that hands on is libntpipe's; the other end is libntpipe's or was made from docs/SPEC.md (tests/spec_peer)."""
import random

import pytest
from conformance import vocabulary as nt
from conformance.transports.spec import PEER

QUOTA = 64
MESSAGE = b"m" * 200  # more than the quota: its write waits
NEXT = b"next"
ROUNDS = 60


class Line:
    """Somebody's end, and that of who hands on, which is the server's."""

    def __init__(self, place, popen):
        self.relay, self.other = place.native(), place.native(popen=popen)
        self.hands_on = self.relay.made("create", "line", type=1, read_mode=1, inbound_quota=QUOTA, outbound_quota=QUOTA)
        self.end = self.other.made("open", "line")
        status = self.other.call("set_pipe_info", end=self.end, read_mode=1, completion_mode=0).status
        assert status == nt.SUCCESS

    def write(self, data=MESSAGE):
        return self.other.start("write", end=self.end, data=data)

    def read(self, length=100):
        return self.other.start("read", end=self.end, length=length)

    def cancel(self, number):
        return self.other.call("cancel", request=number)

    def start_look(self):
        return self.relay.start("look", end=self.hands_on, length=1000)

    def look(self):
        return self.relay.agent.await_answer(self.start_look())

    def relay_does(self, op, **fields):
        answer = self.relay.call(op, end=self.hands_on, **fields)
        assert answer.status == nt.SUCCESS, answer
        return answer

    def settle(self, given_back):
        self.relay_does("settle_revoked", length=len(MESSAGE), given_back=given_back)

    def outcome(self, number):
        return self.other.agent.await_answer(number)

    def is_pending(self, number):
        self.relay.call("settle")
        self.other.call("settle")
        return self.other.agent.answer(number).pending

    def unread(self):
        return self.relay_does("query_local_info")["read_data_available"]


@pytest.fixture(params=["libntpipe", "SPEC.md"])
def line(place, request):
    place.broker()
    return Line(place, {"command": ["/usr/bin/python3", PEER]} if request.param == "SPEC.md" else None)


# ---- writes ----


def test_cancelled_before_it_was_looked_at(line):
    writing = line.write()
    line.cancel(writing)
    assert line.outcome(writing).status == nt.CANCELLED
    line.write(NEXT)
    assert line.look().bytes() == NEXT


def test_nobody_has_got_it(line):
    writing = line.write()
    assert line.look().bytes() == MESSAGE
    looking = line.start_look()
    line.cancel(writing)
    told = line.relay.agent.await_answer(looking)
    assert (told["revoked"], told["revoked_at"], told.bytes()) == (len(MESSAGE), 0, b"")
    assert line.is_pending(writing)
    line.settle(given_back=True)
    assert line.outcome(writing).status == nt.CANCELLED
    line.write(NEXT)
    assert line.look().bytes() == NEXT
    assert line.unread() == len(NEXT)


@pytest.mark.parametrize("is_read", [True, False])
def test_somebody_has_got_it(line, is_read):
    """Or his write has ended with success over there, and he will read it."""
    writing = line.write()
    assert line.look().bytes() == MESSAGE
    line.cancel(writing)
    assert line.look()["revoked"] == len(MESSAGE)
    assert line.is_pending(writing)
    if is_read:
        line.relay_does("take")
    else:
        line.settle(given_back=False)
        assert line.unread() == len(MESSAGE)
    assert line.outcome(writing).status == nt.SUCCESS
    line.cancel(writing)
    line.relay_does("take")
    line.write(NEXT)
    assert line.look().bytes() == NEXT
    assert line.unread() == len(NEXT)


def test_it_is_read_before_the_question_comes(line):
    writing = line.write()
    assert line.look().bytes() == MESSAGE
    line.relay_does("take")
    line.cancel(writing)
    assert line.outcome(writing).status == nt.SUCCESS
    line.write(NEXT)
    assert line.look().bytes() == NEXT


def test_writes_behind_what_is_given_back(line):
    """Its room is used again, and the answer is not lost by that."""
    for number in range(40):
        writing = line.write()
        assert line.look().bytes() == MESSAGE
        line.cancel(writing)
        behind = [line.write(NEXT * 300) for _ in range(4)]
        assert line.look()["revoked"] == len(MESSAGE)
        line.settle(given_back=number % 2 == 0)
        for _ in behind:
            looked = line.look()
            while looked.status == nt.BUFFER_OVERFLOW:
                looked = line.look()
            line.relay_does("take")
        assert line.outcome(writing).status == (nt.SUCCESS if number % 2 else nt.CANCELLED)
        assert [line.outcome(each).status for each in behind] == [nt.SUCCESS] * len(behind)


def test_who_should_answer_dies(line):
    writing = line.write()
    assert line.look().bytes() == MESSAGE
    line.cancel(writing)
    assert line.is_pending(writing)
    line.relay.agent.kill()
    assert line.outcome(writing).status == nt.PIPE_BROKEN


def test_closing_waits_for_no_answer(line):
    writing = line.write()
    assert line.look().bytes() == MESSAGE
    line.cancel(writing)
    assert line.other.call("close", end=line.end).status == nt.SUCCESS
    assert line.outcome(writing).status == nt.PIPE_BROKEN
    assert line.look()["revoked"] == len(MESSAGE)
    line.settle(given_back=True)
    assert line.look().status == nt.PIPE_BROKEN


def test_cancels_against_looks(line):
    """At the same time: what the one is told fits what the other did."""
    chance = random.Random(7)
    looking = line.start_look()
    for number in range(ROUNDS):
        message = nt.pattern(len(MESSAGE), number)
        writing = line.write(message)
        line.other.start("cancel", request=writing)
        has_got_it = given_back = False
        while line.is_pending(writing) or not line.relay.agent.answer(looking).pending:
            answer = line.relay.agent.answer(looking)
            if answer.pending:
                continue
            if answer["revoked"]:
                given_back = not has_got_it and chance.random() < 0.7
                has_got_it = not given_back
                line.settle(given_back)
            else:
                assert answer.bytes() == message
                has_got_it = chance.random() < 0.5
            if has_got_it:
                line.relay_does("take")
            looking = line.start_look()
        assert line.outcome(writing).status == (nt.SUCCESS if has_got_it else nt.CANCELLED)


# ---- reads ----


def test_read_that_nobody_counts_on(line):
    reading = line.read()
    line.cancel(reading)
    assert line.outcome(reading).status == nt.CANCELLED
    assert line.relay.call("posted_read", end=line.hands_on).status == nt.NOT_FOUND


def test_read_is_let_go(line):
    reading = line.read()
    assert line.is_pending(reading)
    assert line.relay_does("posted_read")["length"] == 100
    looking = line.start_look()
    line.cancel(reading)
    assert line.relay.agent.await_answer(looking)["withdrawn"]
    assert line.is_pending(reading)
    line.relay_does("release_posted_read")
    assert line.outcome(reading).status == nt.CANCELLED
    second = line.read()
    line.relay_does("write", data=NEXT)
    assert line.outcome(second).bytes() == NEXT


def test_read_gets_what_somebody_was_told_that_it_has(line):
    reading = line.read()
    assert line.is_pending(reading)
    line.relay_does("posted_read")
    line.cancel(reading)
    assert line.is_pending(reading)
    line.relay_does("write", data=NEXT)
    answer = line.outcome(reading)
    assert (answer.status, answer.bytes()) == (nt.SUCCESS, NEXT)


def test_who_should_let_go_dies(line):
    reading = line.read()
    assert line.is_pending(reading)
    line.relay_does("posted_read")
    line.cancel(reading)
    line.relay.agent.kill()
    assert line.outcome(reading).status == nt.PIPE_BROKEN


def test_read_is_freed(line):
    """That waits for nobody, and is told."""
    reading = line.read()
    assert line.is_pending(reading)
    line.relay_does("posted_read")
    looking = line.start_look()
    line.other.call("close", end=line.end)
    assert line.outcome(reading).status == nt.PIPE_BROKEN
    assert line.relay.agent.await_answer(looking).status == nt.PIPE_BROKEN
