# SPDX-License-Identifier: LGPL-2.1-or-later
"""control.py: control connections without the library, on which messages are sent rightly or wrongly; spec_peer/codec.py makes them."""
import array
import os
import socket
import struct
import uuid

from spec_peer import codec

ANSWER_TIME = 30
FOREVER = 2**64 - 1

# Each message's code by its name, and what packs them.
globals().update({name: message.code for name, message in codec.messages().items()})
packet = codec.packet


def u8(value):
    return struct.pack("<B", value)


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def text(value):
    encoded = value if isinstance(value, bytes) else value.encode()
    return u32(len(encoded)) + encoded


def absent():
    return u8(0)


def hello(lowest=codec.VERSION, highest=codec.VERSION, layout=codec.LAYOUT, magic=codec.MAGIC):
    return codec.encode("HELLO", magic=magic, lowest=lowest, highest=highest, layout=layout)


def create(name, request=1, handle=1, scope=0, disposition=3):
    return codec.encode("CREATE", request=request, handle=handle, name=name, desired_access=0xC0100000, share_access=3,
                        disposition=disposition, type=1, read_mode=1, maximum_instances=0xFFFFFFFF, inbound_quota=4096,
                        outbound_quota=4096, default_timeout=-500000, scope=scope, secret=uuid.uuid4().bytes)


def open_pipe(name, request=1, identity=None):
    return codec.encode("OPEN", request=request, name=name, desired_access=0xC0100000, disposition=1, impersonation_level=2,
                        identity=identity)


def wait(name, request=1, nanoseconds=FOREVER):
    return codec.encode("WAIT", request=request, name=name, timeout=nanoseconds)


def list_pipes(pattern="*", request=1):
    return codec.encode("LIST", request=request, pattern=pattern)


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
            assert code == codec.code_of("WELCOME") and struct.unpack_from("<I", fields)[0] == 0

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
