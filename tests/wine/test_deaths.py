# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_deaths.py: one of those that take part is killed at some moment; the others are told so, and afterwards everything works again.

Two connections have messages under way in both directions: of a Windows client with a native server, and of a native client with a
Windows server. What nobody who carries it has died for must arrive. NTPIPE_LONG=1 plays 20 rounds.
"""
import os
import random
import signal
import time

import pytest
from agent import driver
from conformance.vocabulary import pattern
from wine.parties import BROKEN, BROKEN_PIPE, CLOSING, DISCONNECTED, NO_DATA, NOT_AVAILABLE, NOT_FOUND, PIPE_NOT_CONNECTED, NativeClient, WindowsServer

VICTIMS = ("bridge", "broker", "native server", "Windows program", "Wine's server")
SEEDS = range(20) if os.environ.get("NTPIPE_LONG") else (0, 3, 4)
MESSAGES, LENGTH = 6, 30_000
CLIENTS = 100
# How an operation may end when the other end has gone.
ENDS = {"native": {BROKEN, CLOSING, DISCONNECTED}, "windows": {BROKEN_PIPE, NO_DATA, PIPE_NOT_CONNECTED}}


class End:
    """One end of a connection, and what is under way there."""

    def __init__(self, kind, agent, number):
        self.kind, self.agent, self.number = kind, agent, number
        self.write_op, self.read_op = ("write", "read") if kind == "native" else ("WriteFile", "ReadFile")
        self.writes, self.reads = [], []

    def begin(self, seed):
        """Writes messages, and reads as many and one more."""
        for count in range(MESSAGES):
            self.writes.append(self.agent.start(self.write_op, end=self.number, data=pattern(LENGTH, seed + count)))
            self.reads.append(self.agent.start(self.read_op, end=self.number, length=LENGTH + 1))
        self.reads.append(self.agent.start(self.read_op, end=self.number, length=LENGTH + 1))

    def check(self, peer_seed, broken):
        """Nothing hangs, nothing is lost before something else arrives, nothing is changed. `broken`: the connection may have ended."""
        allowed = {0} | (ENDS[self.kind] if broken else set())
        for number in self.writes:
            assert self.agent.await_answer(number).status in allowed, self.agent.answer(number)
        ended = False
        for count, number in enumerate(self.reads[:MESSAGES]):
            answer = self.agent.await_answer(number)
            assert answer.status in allowed, answer
            ended = ended or answer.status != 0
            if not ended:
                assert answer.bytes() == pattern(LENGTH, peer_seed + count)
            else:
                assert answer.status != 0, "something was read after the end"
        last = self.reads[MESSAGES]
        if broken:
            assert self.agent.await_answer(last).status in ENDS[self.kind], self.agent.answer(last)
        else:
            assert self.agent.answer(last).pending

    def finish(self, peer):
        """The read that is left is for one more message of the other end."""
        assert peer.agent.call(peer.write_op, end=peer.number, data=b"last").status == 0
        assert self.agent.await_answer(self.reads[MESSAGES]).bytes() == b"last"


class Round:
    def __init__(self, meeting, seed):
        self.meeting, self.random = meeting, random.Random(seed)
        self.names = [f"import-{seed}", f"export-{seed}"]
        self.start_native_server()
        self.start_windows_client()
        self.start_windows_server()
        self.native_client = NativeClient(meeting)
        self.connect()

    def start_native_server(self):
        self.native_server = self.meeting.native()
        self.serving = self.meeting.serve(self.native_server, self.names[0])

    def start_windows_client(self):
        self.windows_client = self.meeting.windows()

    def start_windows_server(self):
        self.windows_server = WindowsServer(self.meeting)
        self.exporting = self.windows_server.create(self.names[1], inbound=65536, outbound=65536)

    def connect(self):
        """The two connections: pairs of ends, the client's last."""
        opened = self.meeting.open(self.windows_client, self.names[0])
        assert self.windows_client.call("SetNamedPipeHandleState", end=opened, mode=2).status == 0
        self.imported = End("native", self.native_server, self.serving), End("windows", self.windows_client, opened)
        end, listening = self.exporting
        number = self.native_client.open(self.names[1])
        self.windows_server.over(listening)
        self.exported = End("windows", self.windows_server.agent, end), End("native", self.native_client.agent, number)
        # The client speaks first: a native server has it when it can read what it says.
        for pair in self.imported, self.exported:
            for sender, receiver in (pair[::-1], pair):
                assert sender.agent.call(sender.write_op, end=sender.number, data=b"hello").status == 0
                reading = receiver.agent.start(receiver.read_op, end=receiver.number, length=100)
                assert receiver.agent.await_answer(reading).bytes() == b"hello"

    def kill(self, victim):
        if victim == "Wine's server":
            os.kill(self.meeting.prefix.server, signal.SIGKILL)
            return
        {"bridge": self.meeting.bridge, "broker": self.meeting.broker, "native server": self.native_server,
         "Windows program": self.windows_client}[victim].kill()

    def check(self, victim):
        everything = victim in ("bridge", "Wine's server")
        for pair, broken in ((self.imported, everything or victim in ("native server", "Windows program")), (self.exported, everything)):
            for number, end in enumerate(pair):
                dead = (end.agent.process.poll() is not None or end.agent is self.native_server and victim == "native server"
                        or end.kind == "windows" and victim == "Wine's server")
                if not dead:
                    end.check(100 * (1 - number), broken)
            if not broken:
                for end, peer in (pair, pair[::-1]):
                    end.finish(peer)

    def bring_back(self, victim):
        """The one that has died, and whoever goes with it."""
        meeting = self.meeting
        if victim == "Wine's server":
            meeting.bridge.process.wait(driver.PATIENCE)
            for agent in self.windows_client, self.windows_server.agent:
                agent.stop()
            meeting.prefix.close()
        if victim in ("bridge", "Wine's server"):
            meeting.start_bridge()
        if victim == "broker":
            meeting.start_broker()
        self.names = [name + "-again" for name in self.names]
        if victim == "native server":
            self.start_native_server()
        else:
            self.serving = meeting.serve(self.native_server, self.names[0])
        if victim in ("Windows program", "Wine's server"):
            self.start_windows_client()
        if victim == "Wine's server":
            self.start_windows_server()
        else:
            self.exporting = self.windows_server.create(self.names[1])
        self.connect()


@pytest.mark.parametrize("seed", SEEDS)
def test_somebody_dies(meeting, seed):
    round_ = Round(meeting, seed)
    victim = VICTIMS[seed % len(VICTIMS)]
    for pair in round_.imported, round_.exported:
        for number, end in enumerate(pair):
            end.begin(100 * number)
    # Some moment while these are under way: whichever it is the test must hold.
    time.sleep(round_.random.random() * 0.05)
    round_.kill(victim)
    round_.check(victim)
    round_.bring_back(victim)


def test_wine_server_survives_whoever_leaves(build, bare_meeting):
    """Clients leave while a thread of the bridge is between the two requests to Wine's server that a flush is. If the bridge lets it, the
    server of Wine 8 looks then at a pipe that it has freed, and all programs of the prefix end with it: within ten clients."""
    meeting = bare_meeting
    windows, client, chance = meeting.windows(), NativeClient(meeting), random.Random(1)
    meeting.start_bridge({"LD_PRELOAD": os.path.join(build, "tests/fault/libdelays.so"), "NTPIPE_DELAY": "4000"})
    server, answered = meeting.prefix.server, 0
    assert windows.answer(windows.start("Echo", name=r"\\.\pipe\leaving")).pending
    while answered < CLIENTS:
        assert meeting.prefix.server == server, "Wine's server has ended"
        end = client.start("open", session=client.agent.session, name="leaving")
        status = client.agent.await_answer(end).status
        if status == 0:
            client.call("set_pipe_info", end=end, read_mode=1, completion_mode=0)
            assert client.call("transceive", end=end, data=b"question", length=100).bytes() == b"question"
            time.sleep(chance.uniform(0, 0.006))  # while the bridge has the flush under way, or not yet, or not any more
            client.agent.call("free", end=end)
            answered += 1
        else:
            assert status in (NOT_FOUND, NOT_AVAILABLE), status
            time.sleep(0.001)
