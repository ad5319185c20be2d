# SPDX-License-Identifier: LGPL-2.1-or-later
"""rpcclient.py: DCE/RPC over a pipe that a native program has opened: no SMB is in between."""
import contextlib
import struct
import uuid

from smb2client import Status

NDR = (uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860"), 2)
REQUEST, RESPONSE, BIND, BIND_ACK = 0, 2, 11, 12
LAST_FRAGMENT = 2
HEADER_SIZE = 24


def pdu(kind, body):
    return struct.pack("<BBBB4sHHI", 5, 0, kind, 3, b"\x10\0\0\0", 16 + len(body), 0, 1) + body


def bind(interface):
    """`interface`: a UUID and a version."""

    def syntax(of):
        return of[0].bytes_le + struct.pack("<I", of[1])

    return pdu(BIND, struct.pack("<HHIBxxxHBx", 4280, 4280, 0, 1, 0, 1) + syntax(interface) + syntax(NDR))


def request(operation, stub):
    return pdu(REQUEST, struct.pack("<IHH", len(stub), 0, operation) + stub)


class RpcPipe(contextlib.AbstractContextManager):
    """
    with RpcPipe(native, "srvsvc") as pipe:         # native: a native.Server
        assert pipe.bind(interface)[2] == BIND_ACK
        stub = pipe.call(operation, stub)
    """

    def __init__(self, native, name):
        self.agent = native.agent
        self.end = self.agent.start("open", session=native.session, name=name)
        status = Status(self.agent.await_answer(self.end).status)
        assert status == Status.SUCCESS, status
        assert self.agent.call("set_pipe_info", end=self.end, read_mode=1, completion_mode=0).status == 0

    def __exit__(self, *_):
        self.agent.call("close", end=self.end)

    def transceive(self, data):
        answer = self.agent.call("transceive", end=self.end, data=data, length=65536)
        assert answer.status == 0, Status(answer.status)
        return answer.bytes()

    def bind(self, interface):
        return self.transceive(bind(interface))

    def call(self, operation, stub):
        """The answer's stub, put together of its fragments."""
        fragment = self.transceive(request(operation, stub))
        whole = b""
        while True:
            assert fragment[2] == RESPONSE, fragment
            assert struct.unpack_from("<H", fragment, 8)[0] == len(fragment)
            whole += fragment[HEADER_SIZE:]
            if fragment[3] & LAST_FRAGMENT:
                return whole
            answer = self.agent.call("read", end=self.end, length=65536)
            assert answer.status == 0, Status(answer.status)
            fragment = answer.bytes()
