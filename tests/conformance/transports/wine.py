# SPDX-License-Identifier: LGPL-2.1-or-later
"""wine.py: Windows programs under Wine: among themselves, which is the oracle, and with a native program on the other side of the
bridge. tests/wine/windows.py says how a Windows program is driven."""
import os
import re

from agent import driver
from conformance.transports.base import OBJECTS_ARE_WINES, Environment, NativeParty, Transport
from conformance.transports.wine_differences import of_transport
from wine import windows
from wine.bridge import Bridge
from wine.quiet import quiet, quiet_with_clock

# Set: all variants are run (`make test-wine`).
ALL = "NTPIPE_WINE_ALL"


class BridgedParty(NativeParty):
    """A program on one side of the bridge. What it starts has reached the pipe when it has come through to the other side."""

    has_aliases = False

    def __init__(self, environment, *arguments, **session):
        self.environment = environment
        super().__init__(environment.build, *arguments, **session)

    def start(self, op, **fields):
        number = super().start(op, **fields)
        if self.environment.bridge is not None:
            self.environment.quiet()
        return number


class WindowsParty(BridgedParty):
    """A Windows program."""

    has_structures = False

    def make_agent(self, build, loop):
        return windows.start_agent(build, self.environment.prefix)

    def settle(self):
        self.environment.quiet()
        return self.agent.settle()


class WineEnvironment(Environment):
    """`windows_sides`: whose programs are Windows programs, the server's, the client's."""

    def __init__(self, build, windows_sides):
        super().__init__()
        self.build = build
        self.windows_sides = windows_sides
        self.prefix = self.broker = self.bridge = None
        try:
            self.prefix = windows.WindowsPrefix(self.directory)
            if windows_sides != {"server", "client"}:
                self.broker = driver.Broker(build, os.path.join(self.directory, "broker"))
                self.bridge = Bridge(build, self.prefix, self.broker.directory)
            self.add(self.make_guest("server"))
            self.add(self.make_guest("client"))
        except BaseException:
            self.discard()
            raise

    def make_guest(self, side):
        if side in self.windows_sides:
            return WindowsParty(self, None)
        return BridgedParty(self, "tevent", directory=self.broker.directory, never_start_broker=True)

    def pids(self):
        """Of all who take part."""
        between = [program.pid for program in (self.broker, self.bridge) if program is not None]
        return [self.prefix.server, *between, *(party.pid for party in self.parties())]

    def quiet(self):
        if self.bridge is None:
            quiet(self.pids())
        else:
            quiet_with_clock(self.pids(), self.bridge.pid)

    def end(self):
        super().end()
        for program in self.broker, self.bridge:
            if program is not None and program.process.poll() is not None:
                raise driver.AgentFailure(program.died("to be there"))
        # What a case has closed is closed everywhere before the next one begins.
        self.quiet()

    def close(self):
        for party in self.parties():
            party.finish()
        for program in self.bridge, self.broker:
            if program is not None:
                program.terminate()
        self.prefix.close()
        self.remove_directory()

    def discard(self):
        for program in self.bridge, self.broker:
            if program is not None:
                program.kill()
        for party in self.parties():
            party.stop()
        if self.prefix is not None:
            self.prefix.close()
        self.remove_directory()


class Wine(Transport):
    name = column = "wine"
    description = "two Windows programs on the plain Wine: the oracle"
    sides = frozenset({"server", "client"})
    lacks = {
        **dict.fromkeys(("SMB", "SMB1", "SMB2"), "Windows programs and native ones only"),
        "security": "Wine stores security descriptors and grants everything",
        "device": "handles of the device are Wine's own matter",
        "control codes": "codes that are none of reading, writing and waiting are Wine's own matter",
        "native client": "neither identities nor name forms of ours",
    }

    def missing(self, build):
        return windows.missing(build)

    def open(self, build):
        return WineEnvironment(build, self.sides)

    def differs(self, case):
        reason, variants = of_transport(self.name).get(case.number, (None, None))
        return reason if variants is None else None

    def differs_in_part(self, case):
        reason, variants = of_transport(self.name).get(case.number, (None, None))
        return variants and (reason, [variant for variant in case.variants() if re.fullmatch(variants, variant[0])])

    def variants(self, case):
        """A case is slow here: of those that are made from whose end is `a` and something else, every second one, which has both."""
        _, left_out = self.differs_in_part(case) or (None, [])
        every = [variant for variant in case.variants() if variant not in left_out]
        if os.environ.get(ALL) or not case.mirrored or len(every) != len(case.variants()) or len(every) == 2:
            return every
        return [variant for number, variant in enumerate(every) if number % 4 in (0, 3)]

    def reason_against(self, case):
        reason = super().reason_against(case)
        if reason is None and not case.is_numbered:
            return "rules without a number are run by native programs"
        return reason or self.differs(case)


class WineClient(Wine):
    name = column = "wine-client"
    description = "the client is a Windows program under Wine, the bridge, the server a native program"
    sides = frozenset({"client"})
    runs_server_cases = False
    lacks = {**Wine.lacks, **OBJECTS_ARE_WINES}

    def missing(self, build):
        return windows.missing_bridge(build)

    def variants(self, case):
        """What makes the variants differ does not concern the bridge much: it takes one of them, another one for each case."""
        every = super().variants(case)
        return every if os.environ.get(ALL) else [every[case.number % len(every)]]


class WineServer(WineClient):
    name = column = "wine-server"
    description = "the server is a Windows program under Wine, the bridge, the client a native program"
    sides = frozenset({"server"})
