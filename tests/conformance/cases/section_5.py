# SPDX-License-Identifier: LGPL-2.1-or-later
"""section_5.py: rules of section 5, information classes, that no numbered case states: every class, its rights and its sizes."""
import struct

from conformance.registry import rule
from conformance.vocabulary import *  # noqa: F403

BASIC, STANDARD, INTERNAL, EA, ACCESS, NAME = 4, 5, 6, 7, 8, 9
POSITION, MODE, ALIGNMENT, ALL = 14, 16, 17, 18
PIPE, PIPE_LOCAL, PIPE_REMOTE = 23, 24, 25
SIZES = {BASIC: 40, STANDARD: 24, INTERNAL: 8, EA: 4, ACCESS: 4, POSITION: 8, MODE: 4, ALIGNMENT: 4, PIPE: 8, PIPE_LOCAL: 40}
ALL_FIXED = 100  # FileAllInformation before the name
SYNCHRONOUS_IO_NONALERT = 0x20
WRITE_THROUGH = 0x2

# Classes of files that pipes do not have: to query, to set.
NO_QUERY = {"alternate-name": 21, "stream": 22, "compression": 28, "network-open": 34, "attribute-tag": 35, "remote": PIPE_REMOTE,
            "directory": 1, "rename": 10, "0": 0, "255": 255}
NO_SET = {"rename": 10, "link": 11, "disposition": 13, "position": POSITION, "mode": MODE, "allocation": 19, "end-of-file": 20,
          "local": PIPE_LOCAL, "remote": PIPE_REMOTE, "standard": STANDARD, "name": NAME, "all": ALL, "255": 255}
NEEDS = ["native client"]


def name_bytes(t):
    wide = ("\\" + t.name()).encode("utf-16-le")
    return struct.pack("<I", len(wide)) + wide


def standard(size, readable):
    return struct.pack("<QQIBBH", size, readable, 1, 1, 0, 0)


def basic():
    return bytes(32) + struct.pack("<II", 0x80, 0)


# ---- 5.1: the pipe's own classes ----


@rule("5.1", "sizes of set", "class 23 takes eight bytes: fewer are INFO_LENGTH_MISMATCH, and set nothing", mirrored=True, needs=NEEDS)
def short_set_of_modes(t):
    a, _ = t.pair(MM)
    for length in 0, 4, 7:
        a.set(PIPE, struct.pack("<2I", BYTE, QUEUE)[:length]).done(INFO_LENGTH_MISMATCH)
    a.has_modes(MESSAGE, QUEUE)
    a.set(PIPE, struct.pack("<2I", BYTE, QUEUE)).done(SUCCESS)
    a.has_modes(BYTE, QUEUE)


@rule("5.1", "rights of a client", "class 23: FILE_READ_ATTRIBUTES to query, FILE_WRITE_ATTRIBUTES to set; checked before the values")
def rights_of_modes(t):
    for name, access, query, change in (("r", READ_ATTRIBUTES, SUCCESS, ACCESS_DENIED), ("w", WRITE_ATTRIBUTES, ACCESS_DENIED, SUCCESS)):
        t.create(t.name(name))
        c = t.open(t.name(name), desired_access=SYNCHRONIZE | access)
        for kind in PIPE, PIPE_LOCAL:
            if query == SUCCESS:
                c.query(kind).some()
            else:
                c.query(kind).done(query)
        c.set_modes(MESSAGE, QUEUE).done(change)
        c.set_modes(7, 7).done(INVALID_PARAMETER if change == SUCCESS else change)


@rule("5.1", "values", "a mode above 1 is none, alone or beside a valid one; nothing changes", mirrored=True,
      each={"2-0": (2, 0), "0-2": (0, 2), "2-1": (2, 1), "1-ffffffff": (1, 0xFFFFFFFF)})
def values_of_modes(t, given):
    a, _ = t.pair(MB)
    a.set_modes(*given).done(INVALID_PARAMETER)
    a.has_modes(BYTE, QUEUE)


@rule("5.1", "instances", "CurrentInstances is that of the pipe, on every end", mirrored=True)
def current_instances(t):
    ends = [t.create(disposition=FILE_OPEN_IF, max_instances=5) for _ in range(3)]
    c = t.open()
    t.settle()
    seen_by = ends[0] if t.a_is == "server" else c
    seen_by.shows(current_instances=3, maximum_instances=5)
    ends[2].close()
    t.settle()
    seen_by.shows(current_instances=2)
    t.create(disposition=FILE_OPEN)
    t.settle()
    seen_by.shows(current_instances=3)


@rule("5.1", "write quota and readers", "a reader of more than the quota leaves nothing of it; one that is served gives it back",
      kinds=EVERY_KIND, mirrored=True)
def write_quota_and_readers(t, kind):
    a, b = t.pair(kind)
    read = b.read(a.quota + 1).pending()
    a.shows(write_quota_available=0)
    a.write(b"x").done(SUCCESS, 1)
    read.done(SUCCESS, b"x")
    a.shows(write_quota_available=a.quota)
    reads = [b.read(10).pending(), b.read(20).pending()]
    a.shows(write_quota_available=a.quota - 30)
    reads[0].cancel().done(CANCELLED)
    a.shows(write_quota_available=a.quota - 20)


@rule("5.1", "without a client", "a listening or disconnected instance: nothing to read, all of its quota free", ends="server")
def local_information_without_a_client(t):
    s = t.create(inbound_quota=100, outbound_quota=200)
    for state in LISTENING, DISCONNECTED:
        s.shows(state=state, read_data_available=0, write_quota_available=200, inbound_quota=100, outbound_quota=200, end=SERVER)
        if state == LISTENING:
            s.disconnect().done(SUCCESS)


# ---- 5.2: the others ----


@rule("5.2", "values", "every other class: its bytes on either end", mirrored=True, needs=NEEDS)
def values_of_classes(t):
    a, b = t.pair(MB)
    b.write(b"0123456789").done(SUCCESS, 10)
    a.query(BASIC).done(SUCCESS, basic())
    a.query(STANDARD).done(SUCCESS, standard(11000, 10))
    a.query(EA).done(SUCCESS, bytes(4))
    a.query(ACCESS).done(SUCCESS, struct.pack("<I", a.granted_access))
    a.query(NAME).done(SUCCESS, name_bytes(t))
    a.query(POSITION).done(SUCCESS, struct.pack("<Q", 10))
    a.query(MODE).done(SUCCESS, bytes(4))
    a.query(ALIGNMENT).done(SUCCESS, bytes(4))


@rule("5.2", "index number", "FileInternalInformation: some number that is not 0, the same each time, another for another end", needs=NEEDS)
def index_number(t):
    s, c = t.connected()
    numbers = []
    for end in s, s, c:
        numbers.append(struct.unpack("<Q", end.query(INTERNAL).some())[0])
    t.equal("the same each time", numbers[0], numbers[1])
    t.equal("not 0, and another for another end", 0 in numbers or numbers[0] == numbers[2], False)


@rule("5.2", "create options", "FileModeInformation: the create options of that end", ends="server")
def create_options(t):
    t.create(options=SYNCHRONOUS_IO_NONALERT | WRITE_THROUGH).query(MODE).done(
        SUCCESS, struct.pack("<I", SYNCHRONOUS_IO_NONALERT | WRITE_THROUGH))


@rule("5.2", "all at once", "FileAllInformation: the other classes one behind the other, the name last; cut in the name: BUFFER_OVERFLOW",
      mirrored=True, needs=NEEDS)
def all_information(t):
    a, b = t.pair(MB)
    b.write(b"0123456789").done(SUCCESS, 10)
    internal = a.query(INTERNAL).some()
    expected = b"".join([basic(), standard(11000, 10), internal, bytes(4), struct.pack("<I", a.granted_access), struct.pack("<Q", 10),
                         bytes(4), bytes(4), name_bytes(t)])
    t.equal("where the name begins", expected[ALL_FIXED:], ("\\" + t.name()).encode("utf-16-le"))
    a.query(ALL).done(SUCCESS, expected)
    a.query(ALL, len(expected)).done(SUCCESS, expected)
    a.query(ALL, ALL_FIXED + 10).done(BUFFER_OVERFLOW, expected[: ALL_FIXED + 10])
    a.query(ALL, ALL_FIXED - 1).done(INFO_LENGTH_MISMATCH)


@rule("5.2", "short buffers", "a buffer shorter than the class: INFO_LENGTH_MISMATCH, and nothing in it", mirrored=True, needs=NEEDS,
      each={str(number): number for number in SIZES})
def short_buffers(t, given):
    a, _ = t.pair()
    a.query(given, SIZES[given] - 1).done(INFO_LENGTH_MISMATCH)
    a.query(given, 0).done(INFO_LENGTH_MISMATCH)
    t.equal("bytes of the class", len(a.query(given, SIZES[given]).some()), SIZES[given])


@rule("5.2", "no such class", "a class that pipes do not have: INVALID_PARAMETER", mirrored=True, each=NO_QUERY, needs=NEEDS)
def no_such_class(t, given):
    a, _ = t.pair()
    a.query(given).done(INVALID_PARAMETER)


@rule("5.2", "nothing to set", "a class that cannot be set: INVALID_PARAMETER", mirrored=True, each=NO_SET, needs=NEEDS)
def nothing_to_set(t, given):
    a, _ = t.pair()
    a.set(given, bytes(64)).done(INVALID_PARAMETER)


@rule("5.2", "set of times", "FileBasicInformation is accepted and changes nothing; it needs FILE_WRITE_ATTRIBUTES", needs=NEEDS)
def set_of_times(t):
    s, c = t.connected()
    for end in s, c:
        end.set(BASIC, b"\x11" * 40).done(SUCCESS)
        end.query(BASIC).done(SUCCESS, basic())
        end.set(BASIC, bytes(39)).done(INFO_LENGTH_MISMATCH)
    t.create(t.name("2"))
    t.open(t.name("2"), desired_access=GENERIC_READ).set(BASIC, bytes(40)).done(ACCESS_DENIED)


@rule("5.2", "rights", "without FILE_READ_ATTRIBUTES only those classes that tell of the handle itself", needs=NEEDS)
def rights_of_classes(t):
    t.create()
    c = t.open(desired_access=SYNCHRONIZE)
    for number in BASIC, STANDARD, ALL, PIPE, PIPE_LOCAL:
        c.query(number).done(ACCESS_DENIED)
    c.query(ACCESS).done(SUCCESS, struct.pack("<I", SYNCHRONIZE))
    c.query(NAME).done(SUCCESS, name_bytes(t))
    c.query(EA).done(SUCCESS, bytes(4))


@rule("5.2", "detached client", "every class of a detached client, to query or to set: PIPE_DISCONNECTED", needs=NEEDS)
def classes_of_a_detached_client(t):
    s, c = t.connected()
    s.disconnect().done(SUCCESS)
    for number in [*SIZES, NAME, ALL, *NO_QUERY.values()]:
        c.query(number).done(PIPE_DISCONNECTED)
    for number in BASIC, PIPE, *NO_SET.values():
        c.set(number, bytes(64)).done(PIPE_DISCONNECTED)
