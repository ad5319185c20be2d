# SPDX-License-Identifier: LGPL-2.1-or-later
"""vocabulary.py: the names that NT gives to statuses, modes, states and rights; and the kinds of pipe that cases use."""
from dataclasses import dataclass, replace


class Status(int):
    """An NTSTATUS that prints as its name."""

    names = {}

    def __repr__(self):
        return self.names.get(int(self), f"0x{int(self):08X}")

    __str__ = __repr__

    @property
    def is_error(self):
        return int(self) >> 30 == 3


_STATUSES = {
    "SUCCESS": 0x00000000, "PENDING": 0x00000103, "BUFFER_OVERFLOW": 0x80000005, "INVALID_INFO_CLASS": 0xC0000003,
    "INFO_LENGTH_MISMATCH": 0xC0000004, "INVALID_HANDLE": 0xC0000008, "NO_MORE_FILES": 0x80000006, "NO_SUCH_FILE": 0xC000000F,
    "OBJECT_NAME_COLLISION": 0xC0000035, "PRIVILEGE_NOT_HELD": 0xC0000061, "INVALID_PARAMETER": 0xC000000D,
    "INVALID_DEVICE_REQUEST": 0xC0000010, "END_OF_FILE": 0xC0000011, "ACCESS_DENIED": 0xC0000022,
    "BUFFER_TOO_SMALL": 0xC0000023, "OBJECT_TYPE_MISMATCH": 0xC0000024, "OBJECT_NAME_INVALID": 0xC0000033,
    "OBJECT_NAME_NOT_FOUND": 0xC0000034, "OBJECT_PATH_INVALID": 0xC0000039, "OBJECT_PATH_SYNTAX_BAD": 0xC000003B,
    "INVALID_SECURITY_DESCR": 0xC0000079, "BAD_IMPERSONATION_LEVEL": 0xC00000A5, "INSTANCE_NOT_AVAILABLE": 0xC00000AB,
    "PIPE_NOT_AVAILABLE": 0xC00000AC, "INVALID_PIPE_STATE": 0xC00000AD, "PIPE_BUSY": 0xC00000AE,
    "ILLEGAL_FUNCTION": 0xC00000AF, "PIPE_DISCONNECTED": 0xC00000B0, "PIPE_CLOSING": 0xC00000B1,
    "PIPE_CONNECTED": 0xC00000B2, "PIPE_LISTENING": 0xC00000B3, "INVALID_READ_MODE": 0xC00000B4,
    "IO_TIMEOUT": 0xC00000B5, "NOT_SUPPORTED": 0xC00000BB, "PIPE_EMPTY": 0xC00000D9, "INVALID_USER_BUFFER": 0xC00000E8,
    "CANNOT_IMPERSONATE": 0xC000010D, "CANCELLED": 0xC0000120, "FILE_CLOSED": 0xC0000128, "PIPE_BROKEN": 0xC000014B,
    "FS_DRIVER_REQUIRED": 0xC000019C, "NOT_FOUND": 0xC0000225,
}
Status.names = {value: name for name, value in _STATUSES.items()}
globals().update({name: Status(value) for name, value in _STATUSES.items()})

# NamedPipeType, ReadMode; CompletionMode.
BYTE, MESSAGE = 0, 1
REJECT_REMOTE = 2
QUEUE, COMPLETE = 0, 1
# ShareAccess decides the direction; NamedPipeConfiguration reports it.
OUTBOUND, INBOUND, DUPLEX = 1, 2, 3
IS_INBOUND, IS_OUTBOUND, IS_DUPLEX = 0, 1, 2
# CreateDisposition, and the Information of a create.
FILE_OPEN, FILE_CREATE, FILE_OPEN_IF = 1, 2, 3
OPENED, CREATED = 1, 2
UNLIMITED = 0xFFFFFFFF
# NamedPipeState, NamedPipeEnd.
DISCONNECTED, LISTENING, CONNECTED, CLOSING = 1, 2, 3, 4
CLIENT, SERVER = 0, 1

GENERIC_READ, GENERIC_WRITE, GENERIC_ALL, MAXIMUM_ALLOWED = 0x80000000, 0x40000000, 0x10000000, 0x02000000
READ_DATA, WRITE_DATA, CREATE_PIPE_INSTANCE = 0x1, 0x2, 0x4
READ_EA, WRITE_EA, READ_ATTRIBUTES, WRITE_ATTRIBUTES = 0x8, 0x10, 0x80, 0x100
READ_CONTROL, SYNCHRONIZE = 0x20000, 0x100000
FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_ALL_ACCESS = 0x120089, 0x120116, 0x1F01FF

FSCTL_DISCONNECT, FSCTL_LISTEN, FSCTL_PEEK, FSCTL_TRANSCEIVE = 0x110004, 0x110008, 0x11400C, 0x11C017
FSCTL_WAIT, FSCTL_FLUSH = 0x110018, 0x118040

SECOND = 10_000_000  # in NT's units of 100 ns
WAIT_DEFAULT, WAIT_FOREVER = 0, -1  # milliseconds of t.wait()

IDENTITY_REMOTE = 1


@dataclass(frozen=True)
class Kind:
    """A kind of connected pipe. SEMANTICS 10: max 1, inbound quota 6000, outbound 5000."""

    name: str
    type: int
    read_mode: int  # of both ends
    inbound_quota: int = 6000
    outbound_quota: int = 5000
    share: int = DUPLEX

    def __str__(self):
        return self.name

    def but(self, **changes):
        return replace(self, **changes)


B = Kind("B", BYTE, BYTE)
MB = Kind("MB", MESSAGE, BYTE)
MM = Kind("MM", MESSAGE, MESSAGE)
EVERY_KIND = (B, MB, MM)
MESSAGES = (MB, MM)


def pattern(size, seed=0):
    """Bytes that show where they come from: no stretch of them repeats within 64 KiB."""
    block = b"".join((i + seed * 7919).to_bytes(4, "little") for i in range(min(size, 65536) // 4 + 1))
    return (block * (size // len(block) + 1))[:size]
