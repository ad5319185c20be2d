# SPDX-License-Identifier: LGPL-2.1-or-later
"""parties.py: a Windows program that serves pipes, and a native one that opens them, in a meeting (conftest.py)."""
from conformance.vocabulary import Status

# Errors of Win32.
BROKEN_PIPE, NO_DATA, PIPE_NOT_CONNECTED, MORE_DATA = 109, 232, 233, 234
# Of CreateNamedPipe(): PIPE_ACCESS_..., PIPE_TYPE_... | PIPE_READMODE_...
INBOUND, OUTBOUND, DUPLEX = 1, 2, 3
BYTES, MESSAGES = 0, 6
READ, WRITE, READ_ATTRIBUTES = 0x80000000, 0x40000000, 0x80
# Statuses that native programs see.
NOT_FOUND, NOT_AVAILABLE, ACCESS_DENIED = 0xC0000034, 0xC00000AC, 0xC0000022
BUFFER_OVERFLOW, IO_TIMEOUT, BROKEN, DISCONNECTED, CLOSING = 0x80000005, 0xC00000B5, 0xC000014B, 0xC00000B0, 0xC00000B1


class WindowsServer:
    """A Windows program that serves pipes."""

    def __init__(self, meeting):
        self.meeting, self.agent = meeting, meeting.windows()

    def create(self, name, **parameters):
        """An instance that listens: its number, and that of the call that waits for a client."""
        made = self.agent.call("CreateNamedPipe", name=rf"\\.\pipe\{name}",
                               **{"open_mode": DUPLEX, "pipe_mode": MESSAGES, **parameters})
        assert made.status == 0, made
        return made["id"], self.listen(made["id"])

    def listen(self, end):
        listening = self.start("ConnectNamedPipe", end=end)
        assert self.agent.answer(listening).pending, self.agent.answer(listening)
        return listening

    def start(self, op, **fields):
        return self.agent.start(op, **fields)

    def over(self, number, status=0):
        answer = self.agent.await_answer(number)
        assert answer.status == status, answer
        return answer

    def call(self, op, status=0, **fields):
        return self.over(self.start(op, **fields), status)

    def read(self, end, length, status=0):
        return self.call("ReadFile", status, end=end, length=length).bytes()

    def write(self, end, data):
        return self.call("WriteFile", end=end, data=data)["count"]


class NativeClient:
    """A native program that opens pipes of the prefix."""

    def __init__(self, meeting):
        self.meeting, self.agent = meeting, meeting.native()

    def start(self, op, **fields):
        return self.agent.start(op, **fields)

    def over(self, number, status=0):
        answer = self.agent.await_answer(number)
        assert Status(answer.status) == Status(status), answer
        return answer

    def call(self, op, status=0, **fields):
        return self.over(self.start(op, **fields), status)

    def open(self, name, status=0, mode=1, **fields):
        """Its end, which reads messages if mode is 1."""
        number = self.start("open", session=self.agent.session, name=name, **fields)
        self.over(number, status)
        if status == 0 and mode:
            self.call("set_pipe_info", end=number, read_mode=mode, completion_mode=0)
        return number

    def wait(self, name, milliseconds):
        return self.start("wait", session=self.agent.session, name=name, milliseconds=milliseconds)

    def read(self, end, length, status=0):
        return self.call("read", status, end=end, length=length).bytes()

    def write(self, end, data):
        return self.call("write", end=end, data=data)["count"]
