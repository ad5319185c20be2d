# SPDX-License-Identifier: LGPL-2.1-or-later
"""spec.py: one end is made by the second implementation, tests/spec_peer, which was written from docs/SPEC.md; the other by
libntpipe; a private broker between them."""
import os

from agent import driver
from conformance.transports.base import NativeParty
from conformance.transports.broker import Broker, BrokerEnvironment

PEER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "spec_peer", "agent.py")


class PeerParty(NativeParty):
    """A program on tests/spec_peer."""

    has_aliases = False

    def make_agent(self, build, loop):
        return driver.Agent(build, command=["/usr/bin/python3", PEER])


class SpecEnvironment(BrokerEnvironment):
    def __init__(self, build, side):
        self.peer_side = side
        super().__init__(build, "tevent")

    def make_guest(self, side):
        kind = PeerParty if side == self.peer_side else NativeParty
        return kind(self.build, self.loop, directory=self.directory, never_start_broker=True)


class SpecClient(Broker):
    name = column = "spec-client"
    description = "the client end is made by a second implementation, written from SPEC.md; the server end by libntpipe"
    runs_server_cases = False
    side = "client"
    lacks = {**Broker.lacks,
             "control codes": "codes that no message stands for are each library's own matter",
             "security": "the second implementation makes the data path and what that needs",
             "device": "handles of the device are each library's own matter: the protocol does not know them"}

    def open(self, build):
        return SpecEnvironment(self.directory(build), self.side)


class SpecServer(SpecClient):
    name = column = "spec-server"
    description = "the server end is made by that implementation, the client end by libntpipe"
    runs_server_cases = True
    side = "server"
