# SPDX-License-Identifier: LGPL-2.1-or-later
"""steps.py: the words in which cases are written.

A case gets a context `t`. It makes ends with t.create() and t.open(), or a connected pair with t.connected(); starts operations
on them, and says of each what must come of it:

    s, c = t.connected(B)
    r = s.read(2);  r.pending()              # nothing is left to happen, and it is not over
    c.write(b"x").done(SUCCESS, 1)           # it is over, with that status and count
    r.done(SUCCESS, b"x")

Every operation that a case starts must be looked at, or the case is wrong. Each step is noted; when one comes out otherwise than
stated, the notes show how it came to that.
"""
import itertools
import os
import struct

from conformance.settle import settle
from conformance.vocabulary import *  # noqa: F403

NAMES = itertools.count(1)
PEEK_HEADER = 16


class Violation(AssertionError):
    """The pipes did something else than the semantics say."""


def short(value):
    if isinstance(value, (bytes, bytearray)):
        return f"{len(value)} bytes {bytes(value[:12])!r}..." if len(value) > 24 else repr(bytes(value))
    return f"0x{value:X}" if isinstance(value, int) and not isinstance(value, Status) and value > 65535 else repr(value)


class Op:
    """An operation that was started."""

    def __init__(self, context, party, what, number, payload=None):
        self.context = context
        self.party = party
        self.what = what
        self.number = number
        self.payload = payload
        self.looked_at = False
        context.operations.append(self)

    @property
    def answer(self):
        return self.party.answer(self.number)

    def value(self):
        """What it brought, as its kind of operation gives it."""
        return self.payload(self.answer) if self.payload else None

    def outcome(self):
        if self.answer.pending:
            return "pending"
        value = self.value()
        return str(Status(self.answer.status)) + ("" if value is None else f" with {short(value)}")

    def fail(self, expected):
        self.context.fail(f"{self.what}\n  expected: {expected}\n  came:     {self.outcome()}")

    def pending(self):
        """Nothing is left to happen, and it is not over."""
        self.looked_at = True
        self.context.settle()
        self.context.note(f"{self.what} is {self.outcome()}")
        if not self.answer.pending:
            self.fail("pending")
        return self

    def done(self, status, value=None):
        """When nothing is left to happen it is over, with that status and value. An error brings nothing."""
        if self.answer.pending:
            self.context.settle()
        return self._over(status, value)

    def ends(self, status, value=None):
        """It ends some time: for what a timeout brings about."""
        self.party.await_answer(self.number)
        return self._over(status, value)

    def some(self):
        """It is over and brought something: what it brought. For reads that may take part of what was written."""
        if self.answer.pending:
            self.context.settle()
        self.looked_at = True
        self.context.note(f"{self.what}: {self.outcome()}")
        if self.answer.pending or Status(self.answer.status).is_error or not self.value():
            self.fail("some data")
        return self.value()

    def _over(self, status, value):
        self.looked_at = True
        self.context.note(f"{self.what}: {self.outcome()}")
        if self.answer.pending or self.answer.status != status:
            self.fail(status if value is None else f"{status} with {short(value)}")
        if self.payload is not None:
            empty = type(self.value())()
            if value is None and status.is_error:
                value = empty
            if value is None:
                raise TypeError(f"{self.what}: the case must say what it brings")
            if self.value() != value:
                self.fail(f"{status} with {short(value)}")
        return self

    def cancel(self):
        """Cancels it; what comes of that, done() tells."""
        self.context.note(f"cancel {self.what}")
        self.party.cancel(self.number)
        return self

    def abandon(self):
        """Frees the request: it is cancelled without a trace."""
        self.looked_at = True
        self.context.note(f"abandon {self.what}")
        self.party.call("abandon", request=self.number)


def told(answer):
    """What a Windows program tells in words and numbers."""
    return {name: value for name, value in answer.items() if name not in ("id", "status", "pending")}


class Peek:
    """What a peek must bring: the fields that are given."""

    def __init__(self, state=None, available=None, messages=None, length=None, data=None):
        self.expected = {"state": state, "available": available, "messages": messages, "length": length, "data": data}

    def __eq__(self, fields):
        return all(fields[name] == value for name, value in self.expected.items() if value is not None)

    def __repr__(self):
        return ", ".join(f"{name} {short(value)}" for name, value in self.expected.items() if value is not None)


class Peeked(dict):
    """FILE_PIPE_PEEK_BUFFER."""

    @classmethod
    def parse(cls, data):
        if len(data) < PEEK_HEADER:
            return cls()
        state, available, messages, length = struct.unpack_from("<4I", data)
        return cls(state=state, available=available, messages=messages, length=length, data=data[PEEK_HEADER:])

    def __repr__(self):
        return ", ".join(f"{name} {short(value)}" for name, value in self.items())


LOCAL_FIELDS = ("type", "configuration", "maximum_instances", "current_instances", "inbound_quota", "read_data_available",
                "outbound_quota", "write_quota_available", "state", "end")


class End:
    """One end of a pipe."""

    def __init__(self, context, party, number, name):
        self.context = context
        self.party = party
        self.number = number
        self.name = name
        self.closed = False

    def _start(self, op, described, payload=None, **fields):
        what = f"{self.name}.{described}"
        number = self.party.start(op, end=self.number, **fields)
        self.context.note(f"{what} started")
        return Op(self.context, self.party, what, number, payload)

    # ---- data ----

    def read(self, length):
        return self._start("read", f"read({length})", lambda answer: answer.bytes(), length=length)

    def write(self, data):
        return self._start("write", f"write({short(data)})", lambda answer: answer.get("count", 0), data=data)

    def transceive(self, data, length):
        return self._start("transceive", f"transceive({short(data)}, {length})", lambda answer: answer.bytes(), data=data,
                           length=length)

    def flush(self):
        return self._start("flush", "flush()")

    def peek(self, length=65536 + PEEK_HEADER):
        """`length` is that of the whole structure, as in the control code. Native ends are asked by both calls there are."""
        op = self._start("control", f"peek({length})", lambda answer: Peeked.parse(answer.bytes()), code=FSCTL_PEEK,
                         input=b"", length=length)
        if self.party.has_structures and length >= PEEK_HEADER:
            self._compare_with_structure(op, self.party.call("peek", end=self.number, length=length - PEEK_HEADER))
        return op

    def _compare_with_structure(self, op, structure):
        answer = self.party.await_answer(op.number)
        self.context.equal("status of both kinds of peek", Status(structure.status), Status(answer.status))
        if not Status(answer.status).is_error:
            fields = Peeked(state=structure["state"], available=structure["available"], messages=structure["messages"],
                            length=structure["message_length"], data=structure.bytes())
            self.context.equal("both kinds of peek", fields, op.value())

    # ---- of SMB1 only ----

    def trans(self, *setup, data=b"", parameters=b"", length=1024):
        """A TRANSACTION; "fid" in the setup words stands for this end. It brings (parameters, data)."""
        return self._start("trans", f"trans({', '.join(map(short, setup))}, {short(parameters)}, {short(data)}, {length})",
                           lambda answer: (answer.bytes("parameters"), answer.bytes()) if "parameters" in answer else (),
                           setup=setup, data=data, parameters=parameters, length=length)

    def read_andx(self, length):
        """It waits for ever for the first byte."""
        return self._start("read_andx", f"read_andx({length})", lambda answer: answer.bytes(), length=length)

    def write_andx(self, data, mode=0):
        return self._start("write_andx", f"write_andx({short(data)}, {mode:#x})", lambda answer: answer.get("count", 0), data=data,
                           mode=mode)

    # ---- states ----

    def listen(self):
        return self._start("listen", "listen()")

    def disconnect(self):
        return self._start("disconnect", "disconnect()")

    def close(self):
        """Closes the last handle; what was pending through it can still be looked at."""
        self.closed = True
        self.context.note(f"{self.name}.close()")
        self.party.call("close", end=self.number)

    # ---- information ----

    def query(self, information_class, length=1024):
        return self._start("query_information", f"query(class {information_class}, {length})",
                           lambda answer: answer.bytes(), **{"class": information_class, "length": length})

    def set(self, information_class, data):
        return self._start("set_information", f"set(class {information_class}, {short(data)})",
                           **{"class": information_class, "data": data})

    def set_modes(self, read_mode, completion_mode):
        """FilePipeInformation; both values at once."""
        return self.set(23, struct.pack("<2I", read_mode, completion_mode))

    def has_modes(self, read_mode, completion_mode):
        data = self._queried(23)
        self.context.equal(f"FilePipeInformation of {self.name}", struct.unpack("<2I", data), (read_mode, completion_mode))
        if self.party.has_structures:
            structure = self.party.call("query_pipe_info", end=self.number)
            self.context.equal("the same as a structure", (structure["read_mode"], structure["completion_mode"]),
                               (read_mode, completion_mode))

    def local(self):
        """FilePipeLocalInformation, by the names of its fields. Native ends are asked for bytes and structure."""
        fields = dict(zip(LOCAL_FIELDS, struct.unpack("<10I", self._queried(24))))
        if self.party.has_structures:
            structure = self.party.call("query_local_info", end=self.number)
            self.context.equal(f"FilePipeLocalInformation of {self.name} as bytes and as a structure",
                               {name: structure[name] for name in LOCAL_FIELDS}, fields)
        return fields

    def shows(self, **expected):
        """FilePipeLocalInformation has these values."""
        fields = self.local()
        self.context.equal(f"FilePipeLocalInformation of {self.name}", {name: fields[name] for name in expected}, expected)
        return self

    def _queried(self, information_class):
        op = self.query(information_class)
        if op.answer.pending:
            self.context.settle()
        op.looked_at = True
        self.context.note(f"{op.what}: {op.outcome()}")
        if op.answer.pending or op.answer.status != SUCCESS:
            op.fail(SUCCESS)
        return op.value()

    def control(self, code, data=b"", length=1024):
        return self._start("control", f"control(0x{code:X})", lambda answer: answer.bytes(), code=code, input=data,
                           length=length)

    def volume(self, information_class, length=1024):
        return self._start("query_volume", f"volume(class {information_class}, {length})", lambda answer: answer.bytes(),
                           **{"class": information_class, "length": length})

    def object_name(self):
        return self._start("object_name", "object_name()", lambda answer: answer.get("object_name", ""))

    def attribute(self, name, length=64):
        """FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE."""
        return self.control(FSCTL_GET_CONNECTION_ATTRIBUTE, name.encode() + b"\0", length)

    def by_windows(self, op, **fields):
        """A story of tests/wine/programs/object_calls.c about this end. It brings what it tells besides the status."""
        return self._start(op, f"{op}()", told, **fields)

    # ---- who ----

    def asking_for_client(self):
        """Starts the question who the client of the connection is."""
        return self._start("client_info", "client_info()")

    def asking_for_server(self):
        """Starts the question which process serves."""
        return self._start("server_process_id", "server_process_id()")

    def client_identity(self):
        return self.asking_for_client().done(SUCCESS).answer["identity"]

    def server_process(self):
        return self.asking_for_server().done(SUCCESS).answer["process_id"]


class Directory:
    """A handle that is no pipe: the root directory or the volume."""

    def __init__(self, context, party, number, fields):
        self.context = context
        self.party = party
        self.number = number
        self.object_name = fields["object_name"]
        self.granted_access = fields["granted_access"]

    def _start(self, op, described, payload=None, **fields):
        what = f"{self.object_name}: {described}"
        number = self.party.start(op, directory=self.number, **fields)
        self.context.note(f"{what} started")
        return Op(self.context, self.party, what, number, payload)

    def read(self):
        return self._start("directory_read", "read")

    def write(self):
        return self._start("directory_write", "write")

    def query(self, information_class, length=1024):
        return self._start("directory_query", f"query(class {information_class}, {length})", lambda answer: answer.bytes(),
                           **{"class": information_class, "length": length})

    def set(self, information_class, data):
        return self._start("directory_set", f"set(class {information_class})", **{"class": information_class, "data": data})

    def volume(self, information_class, length=1024):
        return self._start("directory_volume", f"volume(class {information_class}, {length})",
                           lambda answer: answer.bytes(), **{"class": information_class, "length": length})

    def control(self, code, data=b""):
        return self._start("directory_control", f"control(0x{code:X})", code=code, input=data)

    def enumerate(self, information_class, pattern="", flags=0, length=65536):
        return self._start("enumerate", f"enumerate(class {information_class}, {pattern!r}, {flags}, {length})",
                           lambda answer: answer.bytes(),
                           **{"class": information_class, "pattern": pattern, "flags": flags, "length": length})

    def notify(self, completion_filter):
        return self._start("notify", f"notify(0x{completion_filter:X})", filter=completion_filter)

    def close(self):
        self.party.call("close_directory", directory=self.number)


class ServerEnd(End):
    """A server end; `information` says whether its creation made the pipe."""

    end = SERVER

    def __init__(self, context, party, number, name, fields):
        super().__init__(context, party, number, name)
        self.information = fields["information"]
        self.granted_access = fields["granted_access"]
        self.quota = None  # of what it writes


class ClientEnd(End):
    """A client end."""

    end = CLIENT

    def __init__(self, context, party, number, name, fields):
        super().__init__(context, party, number, name)
        self.granted_access = fields.get("granted_access")
        self.quota = None


CREATE_DEFAULTS = {
    # SEMANTICS 10, Notation: create{...}
    "desired_access": GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE,
    "share_access": DUPLEX, "disposition": FILE_CREATE, "type": MESSAGE, "read_mode": BYTE, "completion_mode": QUEUE,
    "max_instances": UNLIMITED, "inbound_quota": 500, "outbound_quota": 500, "default_timeout": -10 * SECOND,
}
# What CreateFile() asks for besides.
OPEN_DEFAULTS = {"desired_access": GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE | READ_ATTRIBUTES}


class Context:
    """What a case is given."""

    def __init__(self, environment, a_is="server"):
        self.environment = environment
        self.a_is = a_is
        self.operations = []
        self.notes = []
        self.labels = itertools.count(1)
        self.prefix = f"conformance-{os.getpid()}-{next(NAMES)}"

    # ---- what happened ----

    def note(self, text):
        self.notes.append(text)

    def fail(self, text):
        raise Violation(text)

    def equal(self, what, came, expected):
        if came != expected:
            self.fail(f"{what}\n  expected: {short(expected)}\n  came:     {short(came)}")

    def settle(self):
        settle(self.environment.parties())

    # ---- names and ends ----

    def name(self, suffix=""):
        """A name that no other test uses; the suffix is part of it."""
        return self.prefix + suffix

    def _start(self, op, party, defaults, name, parameters):
        name = self.name() if name is None else name
        shown = ", ".join(f"{key}={short(value)}" for key, value in parameters.items())
        what = f"{op}({short(name)}{', ' if shown else ''}{shown})"
        number = party.start(op, name=name, **{**defaults, **parameters})
        self.note(f"{what} started")
        return Op(self, party, what, number)

    def creating(self, name=None, by=None, **parameters):
        """Starts the creation of an instance; `by`: another party than the usual one."""
        return self._start("create", by or self.environment.server, CREATE_DEFAULTS, name, parameters)

    def create(self, name=None, by=None, **parameters):
        """A server end."""
        op = self.creating(name, by, **parameters).done(SUCCESS)
        end = ServerEnd(self, op.party, op.number, self._label("S"), op.answer)
        end.quota = {**CREATE_DEFAULTS, **parameters}["outbound_quota"]
        return end

    def opening(self, name=None, by=None, **parameters):
        """Starts an open."""
        return self._start("open", by or self.environment.client, OPEN_DEFAULTS, name, parameters)

    def open(self, name=None, by=None, **parameters):
        """A client end."""
        op = self.opening(name, by, **parameters).done(SUCCESS)
        return ClientEnd(self, op.party, op.number, self._label("C"), op.answer)

    def directory(self, name="\\\\.\\pipe\\", by=None, **parameters):
        """A handle of the root directory, or of another container of that name."""
        party = by or self.environment.server
        answer = party.call("open_directory", name=name, **parameters)
        self.note(f"open_directory({name!r}): {Status(answer.status)}")
        self.equal("status of open_directory()", Status(answer.status), SUCCESS)
        return Directory(self, party, answer["id"], answer)

    def pair_without_name(self, size=0):
        """What CreatePipe() makes: (read end, write end), both the server's party's."""
        party = self.environment.server
        read_number = party.reserve_number()
        op = Op(self, party, f"pair({size})", party.start("pair", size=size, read_end=read_number)).done(SUCCESS)
        reader = End(self, party, read_number, self._label("R"))
        writer = End(self, party, op.number, self._label("W"))
        return reader, writer

    def alias(self, alias, name=None, by=None):
        """Starts adding an alias; without a name: removing it."""
        party = by or next(party for party in self.environment.lasting if party.has_aliases)
        fields = {} if name is None else {"name": name}
        return Op(self, party, f"alias({alias!r}, {name!r})", party.start("alias", alias=alias, **fields))

    def _label(self, letter):
        number = next(self.labels)
        return letter if number <= 2 else f"{letter}{number}"

    def connected(self, kind=MB, name=None, client=None, server=None, **parameters):
        """A connected pair (server end, client end) of that kind. `client`, `server`: other parties than the usual ones."""
        direction = parameters.get("share_access", kind.share)
        access = {DUPLEX: GENERIC_READ | GENERIC_WRITE, INBOUND: GENERIC_WRITE, OUTBOUND: GENERIC_READ}[direction]
        fields = {"type": kind.type, "read_mode": kind.read_mode, "inbound_quota": kind.inbound_quota,
                  "outbound_quota": kind.outbound_quota, "max_instances": 1, "share_access": direction, **parameters}
        s = self.create(name, server, **fields)
        c = self.open(name, client, desired_access=access | SYNCHRONIZE | READ_ATTRIBUTES | WRITE_ATTRIBUTES)
        c.quota = fields["inbound_quota"]
        if kind.read_mode == MESSAGE:
            c.set_modes(MESSAGE, QUEUE).done(SUCCESS)
        return s, c

    def pair(self, kind=MB, **parameters):
        """A connected pair (a, b), with the server's end first, or the client's in the mirrored run of a case."""
        s, c = self.connected(kind, **parameters)
        return (s, c) if self.a_is == "server" else (c, s)

    def by_windows(self, op, by=None, **fields):
        """A story of tests/wine/programs/object_calls.c about no end."""
        party = by or self.environment.server
        number = party.start(op, **fields)
        self.note(f"{op}() started")
        return Op(self, party, f"{op}()", number, told)

    # ---- waiting ----

    def wait(self, name=None, milliseconds=10_000, by=None, **fields):
        party = by or self.environment.client
        what = f"wait({milliseconds} ms)"
        number = party.start("wait", name=self.name() if name is None else name, milliseconds=milliseconds, **fields)
        self.note(f"{what} started")
        return Op(self, party, what, number)

    def wait_control(self, data, by=None, **fields):
        party = by or self.environment.client
        number = party.start("wait_control", input=data, **fields)
        self.note(f"FSCTL_PIPE_WAIT({short(data)}) started")
        return Op(self, party, f"FSCTL_PIPE_WAIT({short(data)})", number)

    def pipe_call(self, data, length=1024, name=None):
        """TRANS_CALL_NMPIPE: open, transceive, close."""
        party = self.environment.client
        number = party.start("pipe_call", name=self.name() if name is None else name, data=data, length=length)
        self.note(f"pipe_call({short(data)}, {length}) started")
        return Op(self, party, f"pipe_call({short(data)}, {length})", number, lambda answer: answer.bytes())

    # ---- the end of the case ----

    def finish(self):
        forgotten = [op.what for op in self.operations if not op.looked_at]
        if forgotten:
            raise TypeError(f"the case never looked at what became of {', '.join(forgotten)}")


def wait_buffer(name, timeout=None, name_length=None):
    """The structure of FSCTL_PIPE_WAIT: timeout in 100 ns units, None: not specified."""
    wide = name.encode("utf-16-le")
    length = len(wide) if name_length is None else name_length
    return struct.pack("<qIBB", timeout or 0, length, timeout is not None, 0) + wide
