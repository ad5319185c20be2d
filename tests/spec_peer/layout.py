# SPDX-License-Identifier: LGPL-2.1-or-later
"""layout.py: the offsets, bits and sizes of section 7 of docs/SPEC.md. Offsets come from the text's tables, bits stand here."""
from types import SimpleNamespace

from spec_peer import tables


def structure(name):
    """An object with the offset of each field, and `size_in_bytes`."""
    size, fields = tables.layout()[name]
    return SimpleNamespace(size_in_bytes=size, **{field.replace(" ", "_"): offset for field, offset in fields.items()})


RECORD = structure("Record header")
SEGMENT = structure("Segment header")
CONNECTION = structure("Page of a connection")
PIPE = structure("Page of a pipe")

# Record header: flags, and the states in progress.
CONTINUATION, REVOCABLE, EXEMPT, CUT = 1, 2, 4, 8
KNOWN_FLAGS = 15
LIVE, TENTATIVE, REVOKED, DONE = range(4)
# Claims on a live record, in progress.
UNCLAIMED, CLAIMED, ASKED, KEPT = range(4)

LEDGER_SIZE = 64
MESSAGE_MODE, POSTED = 1 << 32, 1 << 33
READ_IS_CLAIMED, READ_IS_ASKED = 1 << 34, 1 << 35

# Page of a connection: the state word, and what an end wants to be woken for.
ATTACHED, WITHDRAWN, CLIENT_CLOSED, SERVER_CLOSED, DISCONNECTED = 1, 2, 4, 8, 16
WANTS_DATA, WANTS_SPACE, WANTS_ROOM = 1, 2, 4

CLIENT, SERVER = 0, 1
INBOUND, OUTBOUND = 0, 1

SMALLEST_SEGMENT, LARGEST_SEGMENT = 4096, 1 << 30
PIPE_MAGIC = 0x5050544E


def wants(side):
    return CONNECTION.wants_of_the_server if side == SERVER else CONNECTION.wants_of_the_client


def unread(direction):
    return CONNECTION.inbound_unread if direction == INBOUND else CONNECTION.outbound_unread


def posted(direction):
    return CONNECTION.inbound_posted if direction == INBOUND else CONNECTION.outbound_posted


def closed_bit(side):
    return SERVER_CLOSED if side == SERVER else CLIENT_CLOSED


def progress(state, consumed, claim=0):
    return claim << 34 | state << 32 | consumed


def split_progress(value):
    """(state, bytes consumed)."""
    return value >> 32 & 3, value & 0xFFFFFFFF


def claim(value):
    return value >> 34 & 3


def padded(size):
    """What a record with so much payload takes in a segment."""
    return RECORD.size_in_bytes + (size + 31) // 32 * 32
