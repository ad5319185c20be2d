# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_faults.py: each allocation and each system call of the bridge fails once, while a Windows client talks to a native server and a
native client to a Windows server: it does not end, nobody waits for ever, data is right, what failed has a status that says so, the next
time it succeeds, and nothing is left behind. Calls of Wine's own do not count.

Of all calls `make fault` tries a hundred of each kind, others each time; a run of the tests some.
"""
import os
import random
import time

import pytest
from agent import driver
from conformance.vocabulary import pattern
from fault.injector import ALL, Injector, Stopped, Sweep
from wine import headless, windows
from wine.parties import BROKEN_PIPE, NO_DATA, PIPE_NOT_CONNECTED, NativeClient, WindowsServer

WITHIN = "/ntpipe-wine.exe.so:/libntpipe.so"
# An end whose other one has gone, and where something could not be had.
ENDED = {0xC000014B, 0xC00000B1, 0xC00000B0}
REFUSED = {0xC0000017, 0xC000009A, 0xC000011F, 0xC0000034, 0xC00000AC, 0xC00000B5}
ENDED_THERE = {BROKEN_PIPE, NO_DATA, PIPE_NOT_CONNECTED}
FILE_NOT_FOUND, PIPE_BUSY = 2, 231
# The second one takes several looks; the third one is more than quota and shared memory hold.
SIZES = 0, 20_000, 150_000
# Each fault takes one to two seconds, for the sake of programs of Wine and of what is tried again a second later: all calls would be
# half an hour.
SAMPLE, STARTS = (100, 30) if ALL else (5, 2)


class Side:
    """A program's end, in the words of that side."""

    def __init__(self, agent, end, native):
        self.agent, self.end, self.native = agent, end, native

    def start(self, of_native, of_windows, **fields):
        return self, self.agent.start(of_native if self.native else of_windows, end=self.end, **fields)

    def read(self, length):
        return self.start("read", "ReadFile", length=length)

    def write(self, data):
        return self.start("write", "WriteFile", data=data)

    def over(self, call):
        """The answer; Stopped if this side was told that the connection has ended."""
        answer = self.agent.await_answer(call)
        if answer.status in (ENDED if self.native else ENDED_THERE):
            raise Stopped("ended")
        assert answer.status == 0, answer
        return answer


def outcome(call):
    side, number = call
    return side.over(number)


class Round:
    """A connection of either kind, from the creation of its pipe to its end."""

    def __init__(self, meeting):
        self.meeting = meeting
        self.native, self.windows = meeting.native(), meeting.windows()
        self.server, self.client = WindowsServer(meeting), NativeClient(meeting)

    def play(self, may_fail):
        """Who had no memory for something does it a second later: so what must succeed is tried until then."""
        end = time.monotonic() + driver.PATIENCE
        while True:
            try:
                self.open_natives()
                self.open_windows()
                self.meeting.settle()
                return
            except Stopped:
                if may_fail or time.monotonic() > end:
                    raise
            finally:
                assert self.meeting.bridge.process.poll() is None, self.meeting.bridge.error_output()

    def open_natives(self):
        serving = self.meeting.serve(self.native, "fault-in")
        opened = None
        try:
            listening = self.native.start("listen", end=serving)
            opened = self.meeting.open(self.windows, "fault-in")
            self.meet(Side(self.native, serving, True), listening, Side(self.windows, opened, False))
        finally:
            if opened is not None:
                self.windows.call("CloseHandle", end=opened)
            self.native.call("close", end=serving)
            self.await_end()

    def await_end(self):
        """The name goes with the pipe."""
        for _ in range(driver.PATIENCE * 100):
            made = self.windows.call("CreateFile", name=r"\\.\pipe\fault-in", access=0xC0000000)
            if made.status == FILE_NOT_FOUND:
                return
            if made.status == 0:
                self.windows.call("CloseHandle", end=made["id"])
            time.sleep(0.01)
        raise driver.AgentFailure(f"the name stays\n{self.meeting.bridge.error_output()}")

    def open_windows(self):
        serving, listening = self.server.create("fault-out", inbound=1000, outbound=1000)
        opened = None
        try:
            self.refusable(self.client.wait("fault-out", 60_000))
            number = self.client.start("open", session=self.client.agent.session, name="fault-out")
            self.refusable(number)
            opened = number
            self.meet(Side(self.client.agent, opened, True), listening, Side(self.server.agent, serving, False))
        finally:
            if opened is not None:
                self.client.agent.call("close", end=opened)
            self.server.agent.call("CloseHandle", end=serving)

    def refusable(self, number):
        answer = self.client.agent.await_answer(number)
        if answer.status in REFUSED:
            raise Stopped(f"refused: {answer.status:X}")
        assert answer.status == 0, hex(answer.status)

    def meet(self, native, listening, there):
        """Messages both ways, read before and after they are written. `listening` is of the server's end."""
        server, client = (native, there) if native.agent is self.native else (there, native)
        self.await_client(server, listening, client)
        self.read_messages(native, there)
        for size in SIZES:
            for reader, writer in (native, there), (there, native):
                data = pattern(size, size)
                reading = reader.read(size + 1)
                writing = writer.write(data)
                assert outcome(reading).bytes() == data
                outcome(writing)
                writing = writer.write(data)
                assert outcome(reader.read(size + 1)).bytes() == data
                outcome(writing)
        # What asks Wine whether all was read.
        flushing = native.agent.start("flush", end=native.end)
        native.over(flushing)

    @staticmethod
    def await_client(server, listening, client):
        """A connection that could not be made on the other side ends on this one."""
        peeking = "peek" if client.native else "PeekNamedPipe"
        while server.agent.answer(listening).pending:
            status = client.agent.call(peeking, end=client.end, length=1).status
            if status in (ENDED if client.native else ENDED_THERE):
                raise Stopped("ended")
            server.agent.call("settle")
        answer = server.agent.answer(listening)
        if answer.status not in (0, 0xC00000B2):
            raise Stopped("gone")

    @staticmethod
    def read_messages(native, there):
        changing = native.agent.start("set_pipe_info", end=native.end, read_mode=1, completion_mode=0)
        native.over(changing)
        there.over(there.agent.start("SetNamedPipeHandleState", end=there.end, mode=2))


@pytest.mark.timeout(0 if ALL else 300)
@pytest.mark.parametrize("kind", ["memory", "system"])
def test_bridge(bare_meeting, build, kind):
    with Injector(build, kind, within=WITHIN) as injector:
        round_ = Round(bare_meeting)
        bare_meeting.start_bridge(injector.environment)
        print(Sweep(injector, bare_meeting.bridge.pid, round_.play, SAMPLE).run())


@pytest.mark.timeout(0 if ALL else 300)
@pytest.mark.parametrize("kind", ["memory", "system"])
def test_start(bare_meeting, build, kind):
    """A bridge that does not get what it needs says so and ends; or it works."""
    client = bare_meeting.windows()
    native = bare_meeting.native()

    def start(number):
        """How many calls there were until it worked."""
        with Injector(build, kind, within=WITHIN) as injector:
            faults = {**injector.environment, "NTPIPE_FAULT_ARMED": "1", "NTPIPE_FAULT_AT": str(number)}
            bridge = driver.Program([os.path.join(headless.WINE, "wine64"), windows.bridge_of(build)], cwd=bare_meeting.prefix.directory,
                                    env=bare_meeting.prefix.environment(NTPIPE_DIR=bare_meeting.pipes, **faults))  # fmt: skip
            serving = bare_meeting.serve(native, "start")
            try:
                end = time.monotonic() + driver.PATIENCE
                while bridge.process.poll() is None:
                    assert time.monotonic() < end, "it neither works nor ends"
                    opened = client.call("CreateFile", name=r"\\.\pipe\start", access=0xC0000000)
                    if opened.status == 0:
                        client.call("CloseHandle", end=opened["id"])
                        return injector.arm(bridge.pid, 0).calls
                    assert opened.status in (FILE_NOT_FOUND, PIPE_BUSY), opened
                    time.sleep(0.01)
                assert bridge.process.returncode == 1 and "ntpipe-wine: " in bridge.error_output(), \
                    f"{bridge.process.returncode}\n{bridge.error_output()}\n{injector.last_fault()}"
                return 0
            except BaseException:
                print(f"call {number}:\n{injector.last_fault()}\n{bridge.error_output()}")
                raise
            finally:
                native.call("close", end=serving)
                bridge.checked = True
                bridge.kill()

    calls = start(0)
    assert calls > 0
    for number in random.sample(range(1, calls + 1), min(STARTS, calls)):
        start(number)
