# SPDX-License-Identifier: LGPL-2.1-or-later
"""packets.py: a control connection: finding the broker, trusting it, and packets to and from it (docs/SPEC.md, section 3)."""
import array
import os
import socket
import stat
import struct

from spec_peer import codec
from spec_peer.status import ACCESS_DENIED, CONNECTION_REFUSED, REVISION_MISMATCH, SUCCESS

MOST_DESCRIPTORS = 16


class Refused(Exception):
    """There is no broker, or none that may be trusted. `status` is that of requests."""

    def __init__(self, status):
        super().__init__(f"{status:08X}")
        self.status = status


class Lost(Exception):
    """The broker has gone, or has said what no broker says."""


def check_directory(directory):
    """The owner of a directory in which a broker may be trusted."""
    found = os.stat(directory)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (0, os.geteuid()) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refused(ACCESS_DENIED)
    return found.st_uid


def check_listener(connection, owner):
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    if struct.unpack("3i", credentials)[1] not in (0, os.geteuid(), owner):
        raise Refused(ACCESS_DENIED)


class ControlConnection:
    """Connected, and greeted: `welcome` has the fields of WELCOME."""

    def __init__(self, directory):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            owner = check_directory(directory)
            self.socket.connect(os.path.join(directory, "broker.sock"))
            check_listener(self.socket, owner)
            self.welcome = self.greet()
        except (OSError, Lost) as error:
            self.close()
            raise Refused(CONNECTION_REFUSED) from error
        except Refused:
            self.close()
            raise

    def greet(self):
        self.send("HELLO", magic=codec.MAGIC, lowest=codec.VERSION, highest=codec.VERSION, layout=codec.LAYOUT)
        name, fields, _ = self.receive()
        if name != "WELCOME":
            raise Lost(f"it begins with {name}")
        if fields["status"] != SUCCESS or (fields["version"], fields["layout"]) != (codec.VERSION, codec.LAYOUT):
            raise Refused(REVISION_MISMATCH)
        return fields

    def close(self):
        self.socket.close()

    def fileno(self):
        return self.socket.fileno()

    def send(self, message, descriptors=None, **fields):
        """`descriptors`: index -> descriptor; they stay the caller's."""
        descriptors = dict(sorted((descriptors or {}).items()))
        rights = array.array("i", descriptors.values())
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
        mask = sum(1 << index for index in descriptors)
        try:
            self.socket.sendmsg([codec.encode(message, mask, **fields)], ancillary, socket.MSG_NOSIGNAL)
        except OSError as error:
            raise Lost(str(error)) from error

    def receive(self, flags=0):
        """(name, fields, index -> descriptor) of the next message. The descriptors are the caller's."""
        try:
            data, ancillary, message_flags, _ = self.socket.recvmsg(
                codec.LARGEST_PACKET, socket.CMSG_SPACE(4 * MOST_DESCRIPTORS), flags | socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            raise
        except OSError as error:
            raise Lost(str(error)) from error
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
