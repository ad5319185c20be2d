# SPDX-License-Identifier: LGPL-2.1-or-later
"""session.py: a process's control connection with the broker (docs/SPEC.md, sections 3, 5, 6 and 12)."""
import array
import os
import socket
import stat
import struct

from spec_peer import codec, layout
from spec_peer.connection import Connection
from spec_peer.end import ClientEnd, ServerEnd
from spec_peer.layout import PIPE
from spec_peer.memory import Memory
from spec_peer.status import ACCESS_DENIED, CONNECTION_REFUSED, REVISION_MISMATCH, SUCCESS

MOST_DESCRIPTORS = 16
PIPE_NOT_AVAILABLE = 0xC00000AC


class Refused(Exception):
    """There is no broker, or none that may be trusted. The argument is the status of requests."""


class Lost(Exception):
    """The broker has closed the connection, or said nonsense."""


class Request:
    """`answered` is called with the name and the fields of the answer, and its descriptors, which it takes over."""

    def __init__(self, name, fields, answered):
        self.name = name
        self.fields = fields
        self.answered = answered


def check_directory(directory):
    found = os.stat(directory)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (0, os.geteuid()) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refused(ACCESS_DENIED)
    return found.st_uid


def connect(directory):
    """A socket that is connected with a broker which may be trusted."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        owner = check_directory(directory)
        connection.connect(os.path.join(directory, "broker.sock"))
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if struct.unpack("3i", credentials)[1] not in (0, os.geteuid(), owner):
            raise Refused(ACCESS_DENIED)
        return connection
    except OSError as error:
        connection.close()
        raise Refused(CONNECTION_REFUSED) from error
    except Refused:
        connection.close()
        raise


class Session:
    def __init__(self, directory):
        self.directory = directory
        self.process_id = os.getpid()
        self.socket = None
        self.largest_overflow = 0
        self.next_number = 1
        self.requests = {}  # number -> Request
        self.instances = {}  # handle -> ServerEnd
        self.connections = set()
        self.ends = set()
        self.received = 0  # messages that were carried out, for who counts them

    # ---- the control connection ----

    def connect(self):
        if self.socket is not None:
            return
        self.socket = connect(self.directory)
        self.send("HELLO", magic=codec.MAGIC, lowest=codec.VERSION, highest=codec.VERSION, layout=codec.LAYOUT)
        name, fields, _ = self.receive()
        if name != "WELCOME" or fields["status"] != SUCCESS or fields["layout"] != codec.LAYOUT:
            self.close()
            raise Refused(REVISION_MISMATCH)
        self.largest_overflow = fields["maximum_overflow"]

    def close(self):
        """Closes all that came from it."""
        for end in list(self.ends):
            end.close()
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        for pending in list(self.connections):
            pending.release()

    def send(self, message, descriptors=None, **fields):
        descriptors = descriptors or {}
        mask = sum(1 << index for index in descriptors)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptors[index] for index in sorted(descriptors)]))]
        self.socket.sendmsg([codec.encode(message, mask, **fields)], ancillary if descriptors else [], socket.MSG_NOSIGNAL)

    def receive(self, flags=0):
        data, ancillary, message_flags, _ = self.socket.recvmsg(codec.LARGEST_PACKET, socket.CMSG_SPACE(4 * MOST_DESCRIPTORS),
                                                                flags | socket.MSG_CMSG_CLOEXEC)
        descriptors = array.array("i")
        for _, _, content in ancillary:
            descriptors.frombytes(content[: len(content) // 4 * 4])
        try:
            if not data or message_flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                raise codec.Malformed("it has ended" if not data else "it was cut")
            return codec.decode(data, descriptors)
        except codec.Malformed as error:
            for descriptor in descriptors:
                os.close(descriptor)
            raise Lost(str(error)) from error

    def take_in(self):
        """Carries out what the broker has said so far."""
        while self.socket is not None:
            try:
                message = self.receive(socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            self.received += 1
            self.carry_out(*message)

    def carry_out(self, name, fields, descriptors):
        try:
            getattr(self, f"on_{name.lower()}", self.on_answer)(name, fields, descriptors)
        finally:
            for descriptor in descriptors.values():  # that nobody took over
                os.close(descriptor)

    # ---- requests and statements ----

    def request(self, message, answered, **fields):
        """Sends a request; its number."""
        self.connect()
        number = self.next_number
        self.next_number += 1
        self.requests[number] = Request(message, fields, answered)
        self.send(message, request=number, **fields)
        return number

    def tell(self, message, **fields):
        """Sends a statement, unless nobody is there for it."""
        if self.socket is not None:
            self.send(message, **fields)

    def cancel(self, number):
        if number in self.requests:
            self.tell("CANCEL", request=number)

    def on_answer(self, name, fields, descriptors):
        request = self.requests.pop(fields.get("request"), None)
        if request is None:
            raise Lost(f"{name} answers nothing")
        request.answered(name, fields, descriptors)

    # ---- creating and opening ----

    def create(self, answered, read_mode, completion_mode, options, **fields):
        """answered(status, end, fields of CREATED)."""
        handle = self.next_number
        modes = {"read_mode": read_mode, "completion_mode": completion_mode, "options": options}

        def created(_, answer, descriptors):
            end = self.make_instance(handle, answer, descriptors, modes) if answer["status"] == SUCCESS else None
            answered(answer["status"], end, answer)

        return self.request("CREATE", created, handle=handle, secret=os.urandom(16), **modes, **fields)

    def make_instance(self, handle, answer, descriptors, modes):
        end = ServerEnd(self, handle, answer["attributes"], **modes)
        end.pipe_page = self.pipe_page(descriptors.pop(0))
        self.instances[handle] = end
        self.ends.add(end)
        return end

    def open(self, answered, **fields):
        """answered(status, end)."""
        def opened(_, answer, descriptors):
            if answer["status"] != SUCCESS:
                answered(answer["status"], None)
            elif end := self.make_client(answer, descriptors):
                answered(SUCCESS, end)
            else:
                self.open(answered, **fields)  # the server has withdrawn

        return self.request("OPEN", opened, **fields)

    def make_client(self, answer, descriptors):
        page = self.pipe_page(descriptors.pop(5))
        connection = Connection(layout.CLIENT, answer, answer["attributes"], descriptors, self)
        if not connection.attach():
            connection.release()
            page.close()
            return None
        end = ClientEnd(self, answer, connection)
        end.pipe_page = page
        self.ends.add(end)
        return end

    @staticmethod
    def pipe_page(descriptor):
        return Memory(descriptor, PIPE.size_in_bytes, PIPE.size_in_bytes, writable=False)

    # ---- what the broker tells ----

    def on_connected(self, _, fields, descriptors):
        end = self.instances.get(fields["handle"])
        try:
            if end is not None:
                end.handed_over(fields, descriptors)
        finally:
            self.tell("TAKEN")

    def on_segment(self, _, fields, descriptors):
        for connection in list(self.connections):
            if (connection.id, connection.side) == (fields["connection"], fields["side"]):
                connection.overflow_came(fields["direction"], descriptors.pop(0, None))
                if connection.end:
                    connection.end.serve()

    def ask_for_overflow(self, connection, size):
        self.tell("OVERFLOW", connection=connection.id, side=connection.side, size=size)

    # ---- what belongs to it ----

    def watch(self, connection):
        connection.end = None
        self.connections.add(connection)

    def unwatch(self, connection):
        self.connections.discard(connection)

    def released(self, connection):
        self.tell("RELEASED", connection=connection.id, side=connection.side)

    def forget(self, end):
        """An end is closed."""
        self.ends.discard(end)
        end.pipe_page.close()
