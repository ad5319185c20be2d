# SPDX-License-Identifier: LGPL-2.1-or-later
"""control.py: the control protocol as docs/SPEC.md describes it, spoken without the library, rightly or wrongly."""
import array
import os
import socket
import struct
import uuid

MAGIC = 0x4250544E
VERSION = 1
LAYOUT = 1

(HELLO, WELCOME, CREATE, CREATED, OPEN, OPENED, WAIT, DONE, CANCEL, CONNECTED, TAKEN, LISTENING, DISCONNECTED, CLOSED, RELEASED,
 OVERFLOW, SEGMENT, LIST, LISTED) = range(1, 20)

ANSWER_TIME = 30


def u8(value):
    return struct.pack("<B", value)


def u16(value):
    return struct.pack("<H", value)


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def text(value):
    encoded = value if isinstance(value, bytes) else value.encode()
    return u32(len(encoded)) + encoded


def absent():
    return u8(0)


def packet(code, fields, mask=0, size=None):
    return struct.pack("<IHH", 8 + len(fields) if size is None else size, code, mask) + fields


def hello(lowest=VERSION, highest=VERSION, layout=LAYOUT, magic=MAGIC):
    return packet(HELLO, u32(magic) + u16(lowest) + u16(highest) + u32(layout))


def create(name, request=1, handle=1, scope=0, disposition=3):
    return packet(CREATE, u64(request) + u64(handle) + text(name) + u32(0xC0100000) + u32(3) + u32(disposition) + u32(0) + u32(1) + u32(1)
                  + u32(0) + u32(0xFFFFFFFF) + u32(4096) + u32(4096) + u8(1) + struct.pack("<q", -500000) + absent() + u8(scope)
                  + uuid.uuid4().bytes)


def open_pipe(name, request=1, identity=None):
    return packet(OPEN, u64(request) + text(name) + u32(0xC0100000) + u32(1) + u32(2) + u8(0) + u8(0) + absent() + absent()
                  + (u8(1) + identity if identity else absent()) + absent())


def wait(name, request=1, nanoseconds=2**64 - 1):
    return packet(WAIT, u64(request) + text(name) + u8(1) + u64(nanoseconds) + absent())


def list_pipes(pattern="*", request=1):
    return packet(LIST, u64(request) + text(pattern) + text("") + u64(0) + u8(0))


class Closed(AssertionError):
    """The broker has closed the connection."""


class Connection:
    """A control connection with a broker."""

    def __init__(self, directory, greet=True):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(ANSWER_TIME)
        self.socket.connect(os.path.join(directory, "broker.sock"))
        if greet:
            self.send(hello())
            code, fields = self.receive()
            assert code == WELCOME and struct.unpack_from("<I", fields)[0] == 0

    def send(self, data, descriptors=()):
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        try:
            self.socket.sendmsg([data], ancillary, socket.MSG_NOSIGNAL)
        except (BrokenPipeError, ConnectionResetError):
            raise Closed from None

    def receive(self):
        """(code, fields) of the next message; descriptors are closed."""
        try:
            data, ancillary, _, _ = self.socket.recvmsg(1 << 18, socket.CMSG_SPACE(64 * 4), socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            raise Closed from None
        for _, _, content in ancillary:
            descriptors = array.array("i")
            descriptors.frombytes(content[:len(content) - len(content) % 4])
            for descriptor in descriptors:
                os.close(descriptor)
        if not data:
            raise Closed
        size, code, _ = struct.unpack_from("<IHH", data)
        assert size == len(data)
        return code, data[8:]

    def await_message(self, code):
        """The fields of the next message of that code."""
        while True:
            received, fields = self.receive()
            if received == code:
                return fields

    def await_close(self):
        try:
            while True:
                self.receive()
        except Closed:
            pass

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
