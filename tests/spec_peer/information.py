# SPDX-License-Identifier: LGPL-2.1-or-later
"""information.py: information classes of an end (SEMANTICS.md, section 5)."""
import struct

from spec_peer.end import CLOSING, CONNECTED, READ_ATTRIBUTES, WRITE_ATTRIBUTES
from spec_peer.layout import CLIENT, PIPE
from spec_peer.status import *  # noqa: F403

BASIC_CLASS, NAME_CLASS, ALL_CLASS, PIPE_CLASS, LOCAL_CLASS = 4, 9, 18, 23, 24


def pipe_modes(end):
    """(status, read mode, completion mode)."""
    error = end.refusal(READ_ATTRIBUTES)
    return (error, 0, 0) if error else (SUCCESS, end.read_mode, end.completion_mode)


def readable(end):
    return end.guard(end.connection.available) or 0 if end.state in (CONNECTED, CLOSING) else 0


def write_quota_available(end):
    """What the quota of the direction that this end writes leaves, beside unread bytes and reads that wait."""
    quota = end.attributes["inbound_quota" if end.side == CLIENT else "outbound_quota"]
    if end.state != CONNECTED:
        return quota
    unread, posted = end.guard(end.connection.unread_and_posted) or (0, 0)
    return max(0, quota - unread - min(posted, quota))


def local(end):
    """(status, fields of FilePipeLocalInformation, in order)."""
    error = end.refusal(READ_ATTRIBUTES)
    if error:
        return error, {}
    given = end.attributes
    return SUCCESS, {
        "type": given["type"], "configuration": given["configuration"], "maximum_instances": given["maximum_instances"],
        "current_instances": end.pipe_page.load32(PIPE.current_instances), "inbound_quota": given["inbound_quota"],
        "read_data_available": readable(end), "outbound_quota": given["outbound_quota"],
        "write_quota_available": write_quota_available(end), "state": end.state, "end": end.side}


# ---- as bytes ----


def name_bytes(end):
    return end.attributes["path"].encode("utf-16-le", "surrogatepass")


def basic(end):
    return bytes(32) + struct.pack("<II", 0x80, 0)


def standard(end):
    allocation = end.attributes["inbound_quota"] + end.attributes["outbound_quota"]
    return struct.pack("<QQIBBH", allocation, readable(end), 1, 1, 0, 0)


def internal(end):
    return struct.pack("<Q", id(end))


def position(end):
    return struct.pack("<Q", readable(end))


def modes(end):
    return struct.pack("<2I", end.read_mode, end.completion_mode)


FIXED = {
    BASIC_CLASS: (READ_ATTRIBUTES, basic),
    5: (READ_ATTRIBUTES, standard),
    6: (0, internal),
    7: (0, lambda end: bytes(4)),
    8: (0, lambda end: struct.pack("<I", end.granted_access)),
    14: (0, position),
    16: (0, lambda end: struct.pack("<I", end.options)),
    17: (0, lambda end: bytes(4)),
    PIPE_CLASS: (READ_ATTRIBUTES, modes),
    LOCAL_CLASS: (READ_ATTRIBUTES, lambda end: struct.pack("<10I", *local(end)[1].values())),
}
ALL = (BASIC_CLASS, 5, 6, 7, 8, 14, 16, 17)
# Of what ends in a name the part before it counts, and for the name alone what its length is padded to.
SHORTEST_BUFFER = {BASIC_CLASS: 40, 5: 24, 6: 8, 7: 4, 8: 4, NAME_CLASS: 8, 14: 8, 16: 4, 17: 4, ALL_CLASS: 104, PIPE_CLASS: 8,
                   LOCAL_CLASS: 40}


def query(end, number, length):
    """(status, bytes). The length comes before the state and the right."""
    if length < SHORTEST_BUFFER.get(number, 0):
        return INFO_LENGTH_MISMATCH, b""
    access, make = FIXED.get(number, (READ_ATTRIBUTES if number == ALL_CLASS else 0, None))
    error = end.refusal(access)
    if error:
        return error, b""
    if number == NAME_CLASS:
        return with_name(end, b"", length)
    if number == ALL_CLASS:
        return with_name(end, b"".join(FIXED[each][1](end) for each in ALL), length)
    if make is None:
        return INVALID_PARAMETER, b""
    return SUCCESS, make(end)


def with_name(end, before, length):
    """A structure that ends with a name, as much of it as there is room for."""
    name = name_bytes(end)
    data = before + struct.pack("<I", len(name)) + name
    return SUCCESS if length >= len(data) else BUFFER_OVERFLOW, data[:length]


def set_class(end, number, data):
    if number not in (BASIC_CLASS, PIPE_CLASS):
        return end.refusal() or INVALID_PARAMETER
    error = end.refusal(WRITE_ATTRIBUTES)
    if error or len(data) < len(FIXED[number][1](end)):
        return error or INFO_LENGTH_MISMATCH
    # Times and attributes are accepted and ignored.
    return end.set_modes(*struct.unpack_from("<2I", data)) if number == PIPE_CLASS else SUCCESS
