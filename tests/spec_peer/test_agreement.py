# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_agreement.py: two implementations of one text: whatever is done to a pipe, it comes out alike whoever makes which end.

A scenario is a random sequence of operations on both ends of a pipe, from a number. It is carried out by libntpipe on both sides, and
with each side made by spec_peer. After each step nothing is left to happen (settle.py), so what has happened by then is determined by
SEMANTICS.md alone, and must be the same. What both get wrong alike is not found here; the conformance cases are for that.
"""
import hashlib
import itertools
import random

import pytest
from conformance.settle import settle
from conformance.steps import Context
from conformance.transports import by_name
from conformance.vocabulary import *  # noqa: F403

SCENARIOS = 24
STEPS = 50
QUOTAS = (0, 1, 100, 1000, 6000, 70000)
TRANSPORTS = ("broker", "spec-client", "spec-server")


class Scenario:
    """What is done, step by step: (side, operation, arguments)."""

    def __init__(self, seed):
        source = random.Random(seed)
        self.kind = source.choice(EVERY_KIND).but(inbound_quota=source.choice(QUOTAS), outbound_quota=source.choice(QUOTAS))
        self.steps = [self.step(source, number) for number in range(STEPS)]
        self.steps.append((source.choice(["server", "client"]), source.choice(["close", "disconnect"]), ()))
        self.steps += [(side, "read", (100000,)) for side in ("client", "server") * 3]

    def step(self, source, number):
        side = source.choice(["server", "client"])
        operation = source.choices(["write", "read", "transceive", "flush", "peek", "cancel", "modes"], [9, 9, 2, 2, 2, 4, 1])[0]
        arguments = {
            "write": lambda: (number, self.size(source)),
            "read": lambda: (self.size(source),),
            "transceive": lambda: (number, self.size(source), self.size(source)),
            "peek": lambda: (source.choice([16, 20, 1000, 100000]),),
            "cancel": lambda: (source.randrange(1, 6),),
            "modes": lambda: (source.choice([BYTE, MESSAGE]), source.choice([QUEUE, QUEUE, COMPLETE])),
        }.get(operation, tuple)()
        return side, operation, arguments

    @staticmethod
    def size(source):
        return source.choice([0, 1, 2, source.randrange(100), source.randrange(1000), source.randrange(7000),
                              source.randrange(7000), source.randrange(80000)])


class Run:
    """A scenario in an environment; `told` is all that the ends have said."""

    def __init__(self, environment, scenario):
        context = Context(environment)
        self.environment = environment
        server, client = context.connected(scenario.kind)
        self.ends = {"server": server, "client": client}
        self.started = {"server": [], "client": []}  # (what, number) of operations that may be pending
        self.told = []
        for number, (side, operation, arguments) in enumerate(scenario.steps):
            self.label = f"{number} {side} {operation}{arguments}"
            getattr(self, operation)(side, *arguments)
            settle(environment.parties())
            self.look()

    def start(self, side, operation, **fields):
        number = self.ends[side].party.start(operation, end=self.ends[side].number, **fields)
        self.started[side].append((self.label, number))

    def write(self, side, seed, size):
        self.start(side, "write", data=pattern(size, seed))

    def read(self, side, size):
        self.start(side, "read", length=size)

    def transceive(self, side, seed, size, room):
        self.start(side, "transceive", data=pattern(size, seed), length=room)

    def flush(self, side):
        self.start(side, "flush")

    def peek(self, side, length):
        self.start(side, "control", code=FSCTL_PEEK, input=b"", length=length)

    def modes(self, side, read_mode, completion_mode):
        self.start(side, "set_pipe_info", read_mode=read_mode, completion_mode=completion_mode)

    def cancel(self, side, back):
        """Cancels the operation of this end that is so many pending ones back."""
        pending = self.started[side]
        if len(pending) >= back:
            self.ends[side].party.cancel(pending[-back][1])

    def close(self, side):
        self.ends[side].party.call("close", end=self.ends[side].number)

    def disconnect(self, side):
        self.start(side, "disconnect")

    def look(self):
        """Tells what is over by now, and what both ends show."""
        for side, end in self.ends.items():
            over = [(what, number) for what, number in self.started[side] if not end.party.answer(number).pending]
            self.started[side] = [entry for entry in self.started[side] if entry not in over]
            for what, number in over:
                self.told.append(f"{self.label}: over is {what}: {self.short(end.party.answer(number))}")
            shown = end.party.call("query_local_info", end=end.number)
            self.told.append(f"{self.label}: {side} shows {self.short(shown)}")

    @staticmethod
    def short(answer):
        fields = {name: value for name, value in answer.items() if name != "id"}
        if Status(fields["status"]).is_error:
            return str(Status(fields["status"]))
        if len(fields.get("data", "")) > 64:
            fields["data"] = f"{len(fields['data']) // 2} bytes, {hashlib.sha256(fields['data'].encode()).hexdigest()[:16]}"
        return f"{Status(fields.pop('status'))} {sorted(fields.items())}"


@pytest.fixture(scope="module")
def environments(build):
    opened = {}
    for name in TRANSPORTS:
        if by_name(name).missing(build):
            pytest.skip(by_name(name).missing(build))
        opened[name] = by_name(name).open(build)
    yield opened
    for environment in opened.values():
        environment.close()


def run(environment, scenario):
    environment.begin()
    told = Run(environment, scenario).told
    environment.end()
    return told


def first_difference(known, other):
    for before, (one, another) in enumerate(itertools.zip_longest(known, other)):
        if one != another:
            return "\n".join(["...", *known[max(0, before - 12) : before], f"both C++: {one}", f"this:     {another}"])
    return ""


@pytest.mark.parametrize("seed", range(SCENARIOS))
def test_ends_agree(environments, seed):
    scenario = Scenario(seed)
    known = run(environments["broker"], scenario)
    for name in TRANSPORTS[1:]:
        difference = first_difference(known, run(environments[name], scenario))
        assert not difference, f"{name}, scenario {seed}, {scenario.kind}\n{difference}"
