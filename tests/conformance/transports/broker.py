# SPDX-License-Identifier: LGPL-2.1-or-later
"""broker.py: two native programs and a private broker."""
import os

from agent import driver
from conformance.transports.base import NATIVE_ENDS_ONLY, Environment, NativeParty, Transport


class BrokerEnvironment(Environment):
    def __init__(self, build, loop):
        super().__init__()
        self.build = build
        self.loop = loop
        self.broker = None
        try:
            self.broker = driver.Broker(build, self.directory)
            self.add(self.make_guest("server"))
            self.add(self.make_guest("client"))
        except BaseException:
            self.discard()
            raise

    def make_guest(self, side):
        return NativeParty(self.build, self.loop, directory=self.directory, never_start_broker=True)

    def end(self):
        super().end()
        if self.broker.process.poll() is not None:
            raise driver.AgentFailure(self.broker.died("to be there"))

    def close(self):
        for party in self.parties():
            party.finish()
        self.broker.terminate()
        self.remove_directory()

    def discard(self):
        if self.broker is not None:
            self.broker.kill()
        super().discard()


class Broker(Transport):
    name = column = "broker"
    description = "two native programs and a private ntpiped"
    programs = ("tests/ntpipe-test-agent", "broker/ntpiped")
    loop = "tevent"
    lacks = NATIVE_ENDS_ONLY

    def open(self, build):
        return BrokerEnvironment(self.directory(build), self.loop)


class BrokerPoll(Broker):
    name = "broker-poll"
    description = "the same, the programs driven through ntpipe_session_fd() and ntpipe_session_dispatch()"
    loop = "poll"


class BrokerAsan(Broker):
    name = "broker-asan"
    description = "broker, with the address and undefined behaviour sanitizers"

    def directory(self, build):
        return os.path.join(build, "asan")
