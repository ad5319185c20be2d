#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""agent.py: a program that does with this implementation what a test tells it, in the words of ntpipe-test-agent (tests/agent/main.cc).

It has the operations of section 10 of SEMANTICS.md, which the conformance cases use: session, create, open, wait, wait_control, list,
listen, disconnect, close, read, write, transceive, flush, peek, control, the information operations, cancel, abandon, settle,
free_all, ping, pid, exit. It waits in one loop for the test, the broker and the doorbells.
"""
import json
import os
import select
import signal
import struct
import sys
import time

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from spec_peer import information, names  # noqa: E402: they are found through the path just set
from spec_peer.end import PEEK_HEADER, Operation  # noqa: E402
from spec_peer.packets import Refused  # noqa: E402
from spec_peer.session import Session  # noqa: E402
from spec_peer.status import *  # noqa: E402, F403

FSCTL_DISCONNECT, FSCTL_LISTEN, FSCTL_PEEK, FSCTL_TRANSCEIVE, FSCTL_FLUSH = 0x110004, 0x110008, 0x11400C, 0x11C017, 0x118040
FSCTL_IMPERSONATE, FSCTL_WAIT, FSCTL_GET_CONNECTION_ATTRIBUTE = 0x11001C, 0x110018, 0x110030
CREATE_DEFAULTS = {"desired_access": 0xC0100000, "share_access": 3, "disposition": 3, "options": 0, "type": 1, "read_mode": 1,
                   "completion_mode": 0, "maximum_instances": 0xFFFFFFFF, "inbound_quota": 4096, "outbound_quota": 4096,
                   "default_timeout": -500000, "scope": 0}
OPEN_DEFAULTS = {"desired_access": 0xC0100080, "disposition": 1, "impersonation_level": 2, "dynamic_tracking": 0,
                 "effective_only": 0}
WAIT_DEFAULT, WAIT_FOREVER, FOREVER = 0, -1, 2**64 - 1
WAIT_HEADER = struct.Struct("<qIBB")
UNITS_TO_1970 = 116444736000000000
PR_SET_PDEATHSIG = 1
# How often a broker that has gone is looked for, in milliseconds.
RETRY = 20


class BadRequest(Exception):
    """The test is wrong."""


def descriptor_of(sddl):
    """The self-relative descriptor of D:(A;;0xRIGHTS;;;WD): what Everyone may do."""
    if not sddl.startswith("D:(A;;0x") or not sddl.endswith(";;;WD)"):
        raise BadRequest("only D:(A;;0xRIGHTS;;;WD) is known here")
    everyone = bytes.fromhex("010100000000000100000000")
    entry = struct.pack("<BBHI", 0, 0, 8 + len(everyone), int(sddl.split(";")[2], 16)) + everyone
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(entry), 1, 0) + entry
    return struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + acl


class Agent:
    def __init__(self):
        self.sessions = {}
        self.ends = {}
        self.running = {}  # id -> how it is cancelled; see start() and ask()
        self.input = b""
        self.served = 0
        self.is_over = False
        self.status = 0

    # ---- answers ----

    @staticmethod
    def emit(**line):
        os.write(1, json.dumps(line).encode() + b"\n")

    def answer(self, number, status, **fields):
        self.emit(id=number, status=status, **fields)

    def start(self, number, end, operation, describe):
        """Answers when an operation on an end is over. describe(operation): the fields of the answer."""
        if operation.status is not None:
            self.answer(number, operation.status, **describe(operation))
            return
        operation.when_over = lambda op: self.finish(number, op.status, **describe(op))
        self.running[number] = lambda: end.cancel(operation)
        self.emit(id=number, pending=True)

    def ask(self, number, session, request):
        """The same for a request to the broker, which was sent already."""
        self.running[number] = lambda: session.cancel(request)
        self.emit(id=number, pending=True)

    def finish(self, number, status, **fields):
        if self.running.pop(number, None):
            self.served += 1
            self.answer(number, status, **fields)

    # ---- the loop ----

    def serve_ready(self, timeout, also_input):
        """Serves what is ready; how many things were. `timeout`: milliseconds, None: until something is."""
        ready = select.poll()
        handlers = {}
        if also_input:
            ready.register(0, select.POLLIN)
        for session in self.sessions.values():
            if session.is_lost:
                session.try_again()
                timeout = RETRY if timeout is None else timeout
            if session.wire is not None:
                ready.register(session.wire, select.POLLIN)
                handlers[session.wire.fileno()] = session.take_in
            for connection in session.connections:
                if not connection.has_hung_up:
                    handler = lambda connection=connection: self.hear(connection)  # noqa: E731
                    for descriptor in connection.doorbell.fileno(), connection.process:
                        ready.register(descriptor, select.POLLIN)
                        handlers[descriptor] = handler
        served = 0
        for descriptor, _ in ready.poll(timeout):
            if descriptor in handlers:
                handlers[descriptor]()
                served += 1
        return served

    @staticmethod
    def hear(connection):
        if connection.page.address is not None:
            connection.hear()
            connection.end.serve()

    def run_until_idle(self):
        while served := self.serve_ready(0, also_input=False):
            self.served += served

    def run(self):
        while not self.is_over:
            line, found, rest = self.input.partition(b"\n")
            if found:
                self.input = rest
                self.handle_line(line)
            else:
                self.served += self.serve_ready(None, also_input=True)
                self.read_input()
        self.free_all()
        return self.status

    def read_input(self):
        if select.select([0], [], [], 0)[0]:
            data = os.read(0, 1 << 20)
            self.input += data
            self.is_over = self.is_over or not data

    def handle_line(self, line):
        request = json.loads(line)
        number, op = request.pop("id"), request.pop("op")
        try:
            handler = getattr(self, f"op_{op}", None)
            if handler is None:
                raise BadRequest(f"there is no operation {op}")
            handler(number, **request)
        except (BadRequest, TypeError, KeyError) as error:
            self.emit(id=number, error=repr(error))
        except Refused as error:
            self.answer(number, error.status)

    # ---- sessions and names ----

    def op_session(self, number, directory, never_start_broker=True):
        self.sessions[number] = Session(directory)
        self.answer(number, SUCCESS, directory=directory)

    def op_ping(self, number, session):
        session = self.sessions[session]
        self.ask(number, session, session.request("PING", lambda answer, _: self.finish(number, answer["status"])))

    def op_create(self, number, session, name, max_instances=None, sddl=None, security_descriptor=None, **given):
        status, name = names.parse(name)
        if status != SUCCESS:
            self.answer(number, status)
            return
        fields = {**CREATE_DEFAULTS, **given}
        if max_instances is not None:
            fields["maximum_instances"] = max_instances
        descriptor = descriptor_of(sddl) if sddl else bytes.fromhex(security_descriptor) if security_descriptor else None
        session = self.sessions[session]
        request = session.create(lambda status, end, answer: self.made(number, status, end, information=answer["information"]),
                                 name=name, descriptor=descriptor, **fields)
        self.ask(number, session, request)

    def op_open(self, number, session, name, **given):
        status, name = names.parse(name)
        if status != SUCCESS:
            self.answer(number, status)
            return
        session = self.sessions[session]
        request = session.open(lambda status, end: self.made(number, status, end), name=name, **{**OPEN_DEFAULTS, **given})
        self.ask(number, session, request)

    def made(self, number, status, end, **fields):
        if end is None:
            self.finish(number, status)
        elif number not in self.running:
            end.close()  # nobody waits for it any more
        else:
            self.ends[number] = end
            self.finish(number, status, granted_access=end.granted_access, name=end.attributes["path"][1:], **fields)

    def op_wait(self, number, session, name, milliseconds):
        timeout = {WAIT_DEFAULT: None, WAIT_FOREVER: FOREVER}.get(milliseconds, milliseconds * 1_000_000)
        self.wait(number, session, name, timeout)

    def wait(self, number, session, name, timeout):
        status, name = names.parse(name)
        if status != SUCCESS:
            self.answer(number, status)
            return
        session = self.sessions[session]
        request = session.request("WAIT", lambda answer, _: self.finish(number, answer["status"]), name=name, timeout=timeout)
        self.ask(number, session, request)

    def op_wait_control(self, number, session, input):
        data = bytes.fromhex(input)
        if len(data) < WAIT_HEADER.size:
            self.answer(number, INVALID_PARAMETER)
            return
        timeout, length, is_specified, _ = WAIT_HEADER.unpack_from(data)
        if length > len(data) - WAIT_HEADER.size or length > 0xFFFD or length % 2:
            self.answer(number, INVALID_PARAMETER)
            return
        name = data[WAIT_HEADER.size :][:length].decode("utf-16-le", "surrogatepass")
        self.wait(number, session, name, nanoseconds(timeout) if is_specified else None)

    def op_list(self, number, session, pattern="*"):
        session = self.sessions[session]
        found = []

        def listed(answer, _):
            found.extend(answer["pipes"])
            if answer["more"] and answer["status"] == SUCCESS:
                more(after=found[-1]["name"], after_scope=found[-1]["scope"])
            else:
                self.finish(number, answer["status"], listings=[listing(pipe) for pipe in found])

        def more(**after):
            return session.request("LIST", listed, pattern=pattern, **after)

        self.ask(number, session, more())

    # ---- ends ----

    def op_listen(self, number, end):
        self.start_on(number, end, lambda end: end.listen_operation())

    def op_disconnect(self, number, end):
        self.answer(number, self.ends[end].disconnect())

    def op_close(self, number, end):
        self.ends[end].close()
        self.answer(number, SUCCESS)

    def op_free(self, number, end):
        self.ends.pop(end).close()
        self.answer(number, SUCCESS)

    def start_on(self, number, end, begin, describe=lambda op: {}):
        end = self.ends[end]
        self.start(number, end, begin(end), describe)

    def op_read(self, number, end, length):
        self.start_on(number, end, lambda end: end.read_operation(length), data_of)

    def op_write(self, number, end, data):
        data = bytes.fromhex(data)
        self.start_on(number, end, lambda end: end.write_operation(data), lambda op: {"count": op.count})

    def op_transceive(self, number, end, data, length):
        data = bytes.fromhex(data)
        self.start_on(number, end, lambda end: end.transceive_operation(data, length), data_of)

    def op_flush(self, number, end):
        self.start_on(number, end, lambda end: end.flush_operation())

    def op_peek(self, number, end, length):
        found = self.ends[end].peek(length)
        self.answer(number, found.status, state=found.state, available=found.available, messages=found.messages,
                    message_length=found.length, data=found.data.hex())

    def op_control(self, number, end, code, input, length):
        self.start_on(number, end, lambda end: control(end, code, bytes.fromhex(input), length), data_and_information_of)

    # ---- information ----

    def op_query_pipe_info(self, number, end):
        status, read_mode, completion_mode = information.pipe_modes(self.ends[end])
        self.answer(number, status, read_mode=read_mode, completion_mode=completion_mode)

    def op_set_pipe_info(self, number, end, read_mode, completion_mode):
        self.answer(number, self.ends[end].set_modes(read_mode, completion_mode))

    def op_query_local_info(self, number, end):
        status, fields = information.local(self.ends[end])
        self.answer(number, status, **fields)

    def op_query_information(self, number, end, length, **given):
        status, data = information.query(self.ends[end], given["class"], length)
        self.answer(number, status, data=data.hex())

    def op_set_information(self, number, end, data, **given):
        self.answer(number, information.set_class(self.ends[end], given["class"], bytes.fromhex(data)))

    def op_client_info(self, number, end):
        status, identity = self.ends[end].client_info()
        identity = identity and {**identity, **{key: identity[key].hex() for key in ("authorization", "secret_authorization")}}
        self.answer(number, status, identity=identity)

    def op_server_process_id(self, number, end):
        status, process_id = self.ends[end].server_process()
        self.answer(number, status, process_id=process_id)

    # ---- the agent itself ----

    def op_cancel(self, number, request):
        if request in self.running:
            self.running[request]()
            self.answer(number, SUCCESS, cancelled=True)
        else:
            self.answer(number, NOT_FOUND, cancelled=False)

    def op_abandon(self, number, request):
        cancel = self.running.pop(request, None)
        if cancel:
            cancel()
        self.answer(number, SUCCESS if cancel else NOT_FOUND)

    def op_pid(self, number):
        self.answer(number, SUCCESS, pid=os.getpid(), uid=os.getuid())

    def op_settle(self, number):
        self.run_until_idle()
        for session in self.sessions.values():
            self.round_trip(session)
        self.run_until_idle()
        served, self.served = self.served, 0
        self.answer(number, SUCCESS, progress=served)

    @staticmethod
    def round_trip(session):
        answers = []
        session.request("PING", lambda *answer: answers.append(answer))
        while not answers:
            if session.is_lost:
                session.try_again()
            select.select([session.wire] if session.wire else [], [], [], RETRY / 1000)
            session.take_in()

    def op_free_all(self, number):
        self.free_all()
        self.answer(number, SUCCESS)

    def free_all(self):
        self.running.clear()
        for session in self.sessions.values():
            session.close()
        self.ends.clear()
        self.sessions.clear()

    def op_exit(self, number, code=0):
        self.is_over, self.status = True, code
        self.answer(number, SUCCESS)


def data_of(operation):
    return {"data": operation.data.hex()}


def data_and_information_of(operation):
    return {"data": operation.data.hex(), "information": len(operation.data)}


def listing(pipe):
    kept = ("name", "owner", "type", "configuration", "maximum_instances", "listening", "connected", "closing", "disconnected")
    return {**{field: pipe[field] for field in kept}, "global": pipe["scope"] == 0, "process_id": pipe["process"]}


def nanoseconds(timeout):
    """Of NT's timeout: negative is a time from now, positive a moment, counted from 1601."""
    now = time.time_ns() // 100 + UNITS_TO_1970
    return min(max(0, -timeout if timeout < 0 else timeout - now) * 100, FOREVER)


def over(kind, status, data=b""):
    return Operation(kind).finish(status, data)


def control(end, code, data, length):
    """FSCTL_PIPE_* on an end."""
    if code == FSCTL_PEEK:
        return peek_control(end, length)
    if code == FSCTL_TRANSCEIVE:
        return end.transceive_operation(data, length)
    if code == FSCTL_LISTEN:
        return end.listen_operation()
    if code == FSCTL_FLUSH:
        return end.flush_operation()
    if code == FSCTL_DISCONNECT:
        return over("control", end.disconnect())
    if code == FSCTL_GET_CONNECTION_ATTRIBUTE:
        return attribute_control(end, data, length)
    return over("control", end.refusal() or (ILLEGAL_FUNCTION if code == FSCTL_WAIT else NOT_SUPPORTED))


def peek_control(end, length):
    if length < PEEK_HEADER:
        return over("control", INVALID_PARAMETER)
    found = end.peek(length - PEEK_HEADER)
    if found.status not in (SUCCESS, BUFFER_OVERFLOW):
        return over("control", found.status)
    header = struct.pack("<4I", found.state, found.available, found.messages, found.length)
    return over("control", found.status, header + found.data)


def attribute_control(end, name, length):
    status, value = {
        b"ClientProcessId\0": lambda: of_client(end, "process_id"),
        b"ClientSessionId\0": lambda: of_client(end, "session_id"),
        b"ServerProcessId\0": end.server_process,
        b"ServerSessionId\0": end.server_login_session,
    }.get(name, lambda: (NOT_FOUND, None))()
    if status == SUCCESS and length < 4:
        return over("control", BUFFER_TOO_SMALL)
    return over("control", status, struct.pack("<I", value) if status == SUCCESS else b"")


def of_client(end, field):
    status, identity = end.client_info()
    return status, identity and identity[field]


def main():
    import ctypes
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # it does not outlive the test that drives it
    return Agent().run()


if __name__ == "__main__":
    sys.exit(main())
