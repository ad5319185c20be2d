# SPDX-License-Identifier: LGPL-2.1-or-later
"""halves.py: the two halves of a walk through the pipe calls, each a Windows program or a native one; both speak of what they
do as calls of Win32, so that their transcripts can be compared line by line.

A half makes ends, and ends make calls. When a call was made and nothing is left to happen anywhere, its outcome is written
down: "pending", or the last error and what the call has brought.
"""
import hashlib

from agent import driver
from conformance.vocabulary import MESSAGE, READ_ATTRIBUTES, SYNCHRONIZE, Status

# Win32's names for what it takes.
ACCESS_INBOUND, ACCESS_OUTBOUND, ACCESS_DUPLEX = 1, 2, 3
NOWAIT, READ_MESSAGE, TYPE_MESSAGE = 1, 2, 4
GENERIC_READ, GENERIC_WRITE = 0x80000000, 0x40000000
SERVER_END = 1
UNLIMITED_INSTANCES = 255
WAIT_FOREVER, WAIT_DEFAULT = 0xFFFFFFFF, 0

ERRORS = {
    0: "ok", 2: "FILE_NOT_FOUND", 5: "ACCESS_DENIED", 6: "INVALID_HANDLE", 50: "NOT_SUPPORTED", 87: "INVALID_PARAMETER",
    109: "BROKEN_PIPE", 121: "SEM_TIMEOUT", 123: "INVALID_NAME", 230: "BAD_PIPE", 231: "PIPE_BUSY", 232: "NO_DATA",
    233: "PIPE_NOT_CONNECTED", 234: "MORE_DATA", 535: "PIPE_CONNECTED", 536: "PIPE_LISTENING", 995: "OPERATION_ABORTED",
    1168: "NOT_FOUND", 1: "INVALID_FUNCTION",
}
# What RtlNtStatusToDosError makes of them.
ERROR_OF_STATUS = {
    "SUCCESS": 0, "BUFFER_OVERFLOW": 234, "PIPE_NOT_AVAILABLE": 231, "PIPE_BUSY": 231, "INSTANCE_NOT_AVAILABLE": 231,
    "INVALID_PIPE_STATE": 230, "PIPE_DISCONNECTED": 233, "PIPE_CLOSING": 232, "PIPE_CONNECTED": 535, "PIPE_LISTENING": 536,
    "PIPE_BROKEN": 109, "PIPE_EMPTY": 232, "INVALID_READ_MODE": 230, "IO_TIMEOUT": 121, "OBJECT_NAME_NOT_FOUND": 2,
    "ACCESS_DENIED": 5, "INVALID_PARAMETER": 87, "CANCELLED": 995, "INVALID_HANDLE": 6, "NOT_FOUND": 1168,
    "INVALID_DEVICE_REQUEST": 1, "OBJECT_NAME_INVALID": 123, "NOT_SUPPORTED": 50, "END_OF_FILE": 38,
}


def shown(data):
    if len(data) <= 24:
        return repr(bytes(data))
    return f"<{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:12]}>"


class Call:
    """A call that was made."""

    def __init__(self, half, text, number, outcome):
        self.half = half
        self.text = text
        self.number = number
        self.outcome = outcome  # makes text of the answer to the request

    def look(self, again=True):
        """Writes down how the call stands."""
        self.half.settle()
        answer = self.half.agent.answer(self.number)
        came = "pending" if answer.pending else self.outcome(answer)
        self.half.write_down(f"{'  ' if again else ''}{self.text}: {came}")
        return answer


class NothingCame:
    """A call of an end that never was."""

    number = 0
    text = "("

    def look(self):
        return None


class End:
    """What both kinds of ends share: each call is made, waited for and written down."""

    def __init__(self, half, number, kind):
        self.half = half
        self.number = number
        self.kind = kind

    def call(self, name, arguments, op, outcome, **fields):
        return self.half.call(f"{self.kind}.{name}({arguments})", op, outcome, end=self.number, **fields)


class Half:
    """A program and its transcript. `walk` settles."""

    def __init__(self, walk, agent):
        self.walk = walk
        self.agent = agent
        self.lines = []

    def settle(self):
        self.walk.settle()

    def write_down(self, line):
        self.lines.append(line)

    def call(self, text, op, outcome, by_clock=False, **fields):
        """`by_clock`: it is ended by a clock, so nobody can say that it is pending."""
        try:
            made = Call(self, text, self.agent.start(op, **fields), outcome)
        except driver.AgentFailure as failure:
            if "there is no end" not in str(failure):
                raise
            # An open has failed that should not have: then nothing comes of what follows.
            self.write_down(f"{text}: there is no such end")
            return NothingCame()
        if by_clock:
            self.agent.await_answer(made.number)
        made.look(again=False)
        return made


# ---- Windows ----

def error(answer):
    return ERRORS.get(answer.status, f"error {answer.status}")


def with_data(answer):
    return f"{error(answer)} {shown(answer.bytes())}" if answer.status in (0, 234) else error(answer)


def with_count(answer):
    return f"{error(answer)} {answer['count']}" if not answer.status else error(answer)


class WindowsEnd(End):
    def connect(self):
        return self.call("ConnectNamedPipe", "", "ConnectNamedPipe", error)

    def disconnect(self):
        return self.call("DisconnectNamedPipe", "", "DisconnectNamedPipe", error)

    def close(self):
        return self.call("CloseHandle", "", "CloseHandle", error)

    def read(self, length):
        return self.call("ReadFile", length, "ReadFile", with_data, length=length)

    def write(self, data):
        return self.call("WriteFile", shown(data), "WriteFile", with_count, data=data)

    def transact(self, data, length):
        return self.call("TransactNamedPipe", f"{shown(data)}, {length}", "TransactNamedPipe", with_data, data=data, length=length)

    def flush(self):
        return self.call("FlushFileBuffers", "", "FlushFileBuffers", error)

    def peek(self, length=100):
        return self.call("PeekNamedPipe", length, "PeekNamedPipe", peeked, length=length)

    def set_state(self, mode):
        return self.call("SetNamedPipeHandleState", mode, "SetNamedPipeHandleState", error, mode=mode)

    def get_state(self):
        return self.call("GetNamedPipeHandleState", "", "GetNamedPipeHandleState",
                         lambda answer: error(answer) + f" mode {answer['mode']}, {answer['instances']} instances" * (not answer.status))

    def get_info(self):
        return self.call("GetNamedPipeInfo", "", "GetNamedPipeInfo",
                         lambda answer: error(answer) + (" flags {flags}, outbound {outbound}, inbound {inbound}, "
                                                         "instances {instances}".format(**answer)) * (not answer.status))

    def cancel(self, call):
        return self.half.call(f"{self.kind}.CancelIoEx({call.text.split('(')[0]})", "CancelIoEx", error, request=call.number)


def peeked(answer):
    if answer.status:
        return error(answer)
    return f"ok {shown(answer.bytes())}, {answer['available']} available, {answer['left']} left of the message"


class WindowsHalf(Half):
    native = False

    @staticmethod
    def path(name):
        return rf"\\.\pipe\{name}"

    def create(self, name, open_mode=ACCESS_DUPLEX, pipe_mode=0, instances=1, outbound=4096, inbound=4096, timeout=0):
        made = self.call(f"CreateNamedPipe({open_mode}, {pipe_mode}, {instances}, {outbound}, {inbound}, {timeout})", "CreateNamedPipe",
                         error, name=self.path(name), open_mode=open_mode, pipe_mode=pipe_mode, instances=instances, outbound=outbound,
                         inbound=inbound, timeout=timeout)
        return WindowsEnd(self, made.number, "server")

    def open(self, name, access=GENERIC_READ | GENERIC_WRITE):
        made = self.call(f"CreateFile(0x{access:X})", "CreateFile", error, name=self.path(name), access=access)
        return WindowsEnd(self, made.number, "client")

    def wait(self, name, milliseconds):
        return self.call(f"WaitNamedPipe({milliseconds})", "WaitNamedPipe", error, milliseconds != WAIT_FOREVER, name=self.path(name),
                         milliseconds=milliseconds)

    def call_pipe(self, name, data, length, milliseconds=10_000):
        return self.call(f"CallNamedPipe({shown(data)}, {length})", "CallNamedPipe", with_data, name=self.path(name), data=data,
                         length=length, milliseconds=milliseconds)


# ---- native ----

def native_error(answer):
    number = ERROR_OF_STATUS.get(str(Status(answer.status)))
    return str(Status(answer.status)) if number is None else ERRORS.get(number, f"error {number}")


def native_with_data(answer):
    return f"{native_error(answer)} {shown(answer.bytes())}" if not Status(answer.status).is_error else native_error(answer)


def native_with_count(answer):
    return f"{native_error(answer)} {answer['count']}" if not answer.status else native_error(answer)


def native_peeked(answer):
    if Status(answer.status).is_error:
        return native_error(answer)
    data = answer.bytes()
    left = answer["message_length"] - len(data) if answer["message_length"] else 0
    return f"ok {shown(data)}, {answer['available']} available, {left} left of the message"


class NativeEnd(End):
    def connect(self):
        return self.call("ConnectNamedPipe", "", "listen", native_error)

    def disconnect(self):
        return self.call("DisconnectNamedPipe", "", "disconnect", native_error)

    def close(self):
        return self.call("CloseHandle", "", "close", native_error)

    def read(self, length):
        return self.call("ReadFile", length, "read", native_with_data, length=length)

    def write(self, data):
        return self.call("WriteFile", shown(data), "write", native_with_count, data=data)

    def transact(self, data, length):
        return self.call("TransactNamedPipe", f"{shown(data)}, {length}", "transceive", native_with_data, data=data, length=length)

    def flush(self):
        return self.call("FlushFileBuffers", "", "flush", native_error)

    def peek(self, length=100):
        return self.call("PeekNamedPipe", length, "peek", native_peeked, length=length)

    def set_state(self, mode):
        return self.call("SetNamedPipeHandleState", mode, "set_pipe_info", native_error, read_mode=mode // READ_MESSAGE & 1,
                         completion_mode=mode & NOWAIT)

    def get_state(self):
        try:
            modes = self.half.agent.call("query_pipe_info", end=self.number)
        except driver.AgentFailure:
            modes = {"read_mode": 0, "completion_mode": 0}
        return self.call("GetNamedPipeHandleState", "", "query_local_info",
                         lambda answer: native_error(answer) + f" mode {modes['read_mode'] * READ_MESSAGE + modes['completion_mode']}, "
                                                               f"{answer['current_instances']} instances" * (not answer.status))

    def get_info(self):
        return self.call("GetNamedPipeInfo", "", "query_local_info", native_info)

    def cancel(self, call):
        text = f"{self.kind}.CancelIoEx({call.text.split('(')[0]})"
        return self.half.call(text, "cancel", native_error, request=call.number)


def native_info(answer):
    if answer.status:
        return native_error(answer)
    flags = TYPE_MESSAGE * (answer["type"] & MESSAGE) + SERVER_END * answer["end"]
    own, other = ("outbound_quota", "inbound_quota")
    instances = min(answer["maximum_instances"], UNLIMITED_INSTANCES)
    return f"ok flags {flags}, outbound {answer[own]}, inbound {answer[other]}, instances {instances}"


class NativeHalf(Half):
    native = True

    def __init__(self, walk, agent, session):
        super().__init__(walk, agent)
        self.session = session

    def create(self, name, open_mode=ACCESS_DUPLEX, pipe_mode=0, instances=1, outbound=4096, inbound=4096, timeout=0):
        access = {ACCESS_INBOUND: GENERIC_READ, ACCESS_OUTBOUND: GENERIC_WRITE, ACCESS_DUPLEX: GENERIC_READ | GENERIC_WRITE}[open_mode]
        # What the other end may do: 1 read, 2 write.
        share = {ACCESS_INBOUND: 2, ACCESS_OUTBOUND: 1, ACCESS_DUPLEX: 3}[open_mode]
        text = f"CreateNamedPipe({open_mode}, {pipe_mode}, {instances}, {outbound}, {inbound}, {timeout})"
        made = self.call(text, "create", native_error,
                         session=self.session, name=name, desired_access=access | SYNCHRONIZE,
                         share_access=share, disposition=3, type=pipe_mode // TYPE_MESSAGE & 1, read_mode=pipe_mode // READ_MESSAGE & 1,
                         completion_mode=pipe_mode & NOWAIT, max_instances=0xFFFFFFFF if instances == UNLIMITED_INSTANCES else instances,
                         outbound_quota=outbound, inbound_quota=inbound, default_timeout=-(timeout or 50) * 10_000)
        return NativeEnd(self, made.number, "server")

    def open(self, name, access=GENERIC_READ | GENERIC_WRITE):
        made = self.call(f"CreateFile(0x{access:X})", "open", native_error, session=self.session, name=name,
                         desired_access=access | SYNCHRONIZE | READ_ATTRIBUTES)
        return NativeEnd(self, made.number, "client")

    def wait(self, name, milliseconds):
        given = {WAIT_FOREVER: -1}.get(milliseconds, milliseconds)
        return self.call(f"WaitNamedPipe({milliseconds})", "wait", native_error, given > 0, session=self.session, name=name,
                         milliseconds=given)

    def call_pipe(self, name, data, length, milliseconds=10_000):
        """Win32 makes one call of it; here it is several."""
        text = f"CallNamedPipe({shown(data)}, {length})"
        while True:
            made = self.agent.call("open", session=self.session, name=name,
                                   desired_access=GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE | READ_ATTRIBUTES)
            if str(Status(made.status)) != "PIPE_NOT_AVAILABLE":
                break
            waited = self.agent.call("wait", session=self.session, name=name, milliseconds=milliseconds)
            if waited.status:
                made = waited
                break
        if made.status:
            self.settle()
            self.write_down(f"{text}: {native_error(made)}")
            return Call(self, text, made["id"], native_error)
        changed = self.agent.call("set_pipe_info", end=made["id"], read_mode=MESSAGE, completion_mode=0)
        if changed.status:
            self.agent.call("close", end=made["id"])
            self.settle()
            self.write_down(f"{text}: {native_error(changed)}")
            return Call(self, text, changed["id"], native_error)
        end = made["id"]

        def outcome(answer):
            self.agent.call("close", end=end)
            self.settle()
            return native_with_data(answer)

        return self.call(text, "transceive", outcome, end=end, data=data, length=length)
