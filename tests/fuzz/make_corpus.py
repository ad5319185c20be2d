#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: tests/fuzz/make_corpus.py

Writes the seeds in tests/fuzz/corpus anew: inputs that reach what a fuzzer would need long for. fuzz_*.cc say how an input is read.
"""
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from spec_peer import codec  # noqa: E402: found through the path just set

EVERYBODY = bytes.fromhex("0100048000000000000000000000000014000000" "02001c000100000000001400ff011f00010100000000000100000000")


def number(index):
    """In a message to the broker: the number of a pipe, a question or a session, in the order in which it has told them. 255: the last one."""
    return int.from_bytes(bytes([index]) + b"\xf6" * 7, "little")


def connection(index):
    return bytes([index]) + b"\xf5" * 15


def say(client, message, descriptors=(), /, **values):
    """A step of fuzz_broker: `descriptors` are (index, kind)."""
    body = codec.fields(message, **values)
    mask = sum(1 << index for index, _ in descriptors)
    return bytes([client, codec.code_of(message), mask, *(kind for _, kind in descriptors)]) + struct.pack("<H", len(body)) + body


def create(client, handle=5, **more):
    return say(client, "CREATE", **{"request": 7, "handle": handle, "name": "seed", "desired_access": 0xC0000000, "share_access": 3,
                                    "disposition": 3, "type": 1, "maximum_instances": 3, "inbound_quota": 100, "outbound_quota": 100,
                                    "default_timeout": -1, "secret": bytes(16), **more})  # fmt: skip


def open_pipe(client, **more):
    return say(client, "OPEN", **{"request": 8, "name": "seed", "desired_access": 0xC0000000, "disposition": 1, **more})


IDENTITY = {"sids": ["S-1-5-21-1-2-3-500", "S-1-1-0"], "uid": 1000, "gid": 100, "flags": 1, "account": "a", "authorization": b"x"}
GATEWAY = {"request": 9, "gateway": 3, "number": b"g" * 16, "label": "seed", "flags": 3, "deadline": 10**9}


def later(index):
    """Of fuzz_broker's times: 5 ms, 0.1 s, 1 s, 5 s, 10 s (the grace), 30 s (the greeting), 90 s, a day."""
    return bytes([4 * 11, index])


def dies(client):
    return bytes([4 * 10 + client])


def deaf(client):
    return bytes([4 * 15 + client])


RESTART, RESTART_AND_BACK = bytes([4 * 12, 0]), bytes([4 * 12, 1])


def come_back(client, **instance):
    instances = [{"handle": 9, "state": 2, "period": 2, "granted_access": 0x1F01FF, **instance}]
    return say(client, "COME_BACK", [(0, 5)], request=1, pipe=number(0), secret=connection(0), instances=instances)


def broker():
    pair = create(1, descriptor=EVERYBODY) + open_pipe(1)
    mixed = create(0, descriptor=EVERYBODY, maximum_instances=1) + open_pipe(1)  # of two users
    yield "pair", pair
    yield "held", pair + say(1, "TAKEN") + say(1, "OVERFLOW", connection=connection(1), size=65536) + say(1, "RELEASED", connection=connection(1))
    yield "listening", pair + say(1, "RELEASED", connection=connection(1), side=1) + say(1, "DISCONNECTED", handle=5) + say(1, "LISTENING", handle=5, period=2) + say(1, "CLOSED", handle=5)
    yield "one_way", create(1, descriptor=EVERYBODY, share_access=1) + open_pipe(1, desired_access=0x40000000) + say(1, "OVERFLOW", connection=connection(1), side=1, size=65536)
    gone = say(1, "RELEASED", connection=connection(1)) + say(0, "RELEASED", connection=connection(1), side=1)
    again = gone + say(0, "DISCONNECTED", handle=5) + say(0, "LISTENING", handle=5, period=2)
    yield "waits", mixed + b"".join(say(who, "WAIT", request=3, name="seed", timeout=time * 10**9) for who, time in ((2, 5), (1, 20))) + later(3) + say(2, "WAIT", request=4, name="seed", timeout=2**64 - 1) + say(2, "CANCEL", request=4) + say(2, "WAIT", request=5, name="seed", timeout=9 * 10**9) + again
    yield "nothing", say(2, "WAIT", request=3, name="seed", timeout=5 * 10**9) + create(1, scope=1) + create(2) + say(2, "CANCEL", request=3) + say(1, "WATCH", request=2) * 2 + say(1, "LIST", request=4, pattern="a" * 300)
    yield "stated", create(0) + open_pipe(0, identity=IDENTITY, impersonation_level=2, process_id=4) + say(0, "SET_CONTEXT", request=4, connection=connection(1), identity=IDENTITY)
    yield "contexts", mixed + say(1, "SET_CONTEXT", request=4, connection=connection(1)) + say(0, "RELEASED", connection=connection(1), side=1) + say(1, "SET_CONTEXT", request=5, connection=connection(1))
    yield "lists", create(0) + create(1, 6, name="other") + say(1, "LIST", request=2, pattern="*s*", reachable=True) + say(0, "WATCH", request=5) + say(2, "NOTIFY", request=6) + create(2, 9, name="third")
    set_by_connection = say(1, "SET_SECURITY", request=9, connection=connection(1), information=4, descriptor=EVERYBODY)
    yield "security", create(1, descriptor=EVERYBODY, desired_access=0xC00C0000) + open_pipe(1, desired_access=0xC0040000) + say(1, "SET_SECURITY", request=9, handle=5, information=4, descriptor=EVERYBODY) + set_by_connection + say(1, "CLOSED", handle=5) + set_by_connection
    gateway = say(0, "GATEWAY", **GATEWAY)
    asked = gateway + open_pipe(2, name="elsewhere")

    def served(handle):
        return create(0, handle, name="elsewhere", descriptor=EVERYBODY, gateway=3, question=number(255))

    def answered(status):
        return say(0, "ANSWERED", question=number(255), status=status)

    yield "gateway", asked + served(70) + open_pipe(2, name="elsewhere") + served(71) + say(0, "GATEWAY_GONE", gateway=3)
    yield "refused", asked + answered(0xC0000022) + open_pipe(2, name="a") + answered(0xC0000034) + open_pipe(2, name="b") + later(2) + open_pipe(2, name="c") + create(0, name="c", descriptor=EVERYBODY) + open_pipe(2, name="d") + say(2, "CANCEL", request=8)
    wait = say(2, "WAIT", request=3, name="elsewhere", timeout=5 * 10**9)
    yield "asked_to_wait", gateway + wait + answered(0x103) + later(3) + wait + answered(0) + wait + dies(0)
    yield "expected", gateway + RESTART + open_pipe(2, name="elsewhere") + gateway + answered(0xC0000034)
    yield "expected_long", gateway + RESTART + open_pipe(2, name="elsewhere") + later(4)
    yield "expected_dead", gateway + RESTART + open_pipe(2, name="elsewhere") + dies(0)
    yield "offers", say(1, "GATEWAY", **{**GATEWAY, "flags": 7}) + say(1, "OFFER", request=4, gateway=3, present=True, names=["a", "b"]) + open_pipe(1, name="a") + say(1, "OFFER", request=4, gateway=3, names=["b"]) + say(1, "LIST", request=2, pattern="*")
    others = say(1, "GATEWAY", **{**GATEWAY, "number": b"h" * 16, "flags": 7})
    offer = say(1, "OFFER", request=4, gateway=3, present=True, names=["a", "b"])
    looks = b"".join(say(who, what, request=2) for who in (0, 1) for what in ("WATCH", "NOTIFY")) + say(0, "LIST", request=2, pattern="*") + say(1, "LIST", request=2, pattern="*")
    yield "offered", gateway + others + offer + looks + create(1, name="a") + say(1, "OFFER", request=4, gateway=3, names=["b"]) + dies(1)
    yield "offered_before", others + offer + say(0, "OFFER", request=4, gateway=3, present=True, names=["c"]) + gateway + say(0, "OFFER", request=4, gateway=3, present=True, names=["c", "reserved"]) + looks + open_pipe(2, name="c") + RESTART + others
    yield "alias", create(0) + say(0, "ALIAS", request=1, alias="nick", real="seed") + open_pipe(1, name="nick") + say(0, "ALIAS", request=1, alias="nick")
    yield "returns", say(1, "COME_BACK", [(0, 4)], request=1, pipe=number(2), secret=connection(0), instances=[{"handle": 9, "state": 3, "period": 2}]) + say(1, "HELD", connection=connection(3), side=1, handle=9, pipe=number(2))
    yield "returned", create(1) + come_back(1) + say(1, "HELD", connection=connection(3), side=0, pipe=number(0))
    yield "hello", say(3, "HELLO", magic=codec.MAGIC, lowest=0, highest=9, layout=1) + say(3, "PING", request=1) + bytes([3 + 4 * 13, 5, 0]) + b"abcde" + bytes([1 + 4 * 14]) + say(1, "PING", request=1)
    yield "restart", create(1, secret=bytes(range(16))) + open_pipe(1) + RESTART + come_back(1, handle=5, state=3, period=1) + say(1, "HELD", connection=connection(1), side=1, handle=5, period=1, pipe=number(0))
    yield "restarts", create(1) + RESTART_AND_BACK + create(1) + RESTART + create(0) + open_pipe(0) + RESTART_AND_BACK + say(0, "USAGE", request=1)
    parked = create(0, descriptor=EVERYBODY) + RESTART + open_pipe(2) + create(0, 6, secret=bytes(range(16))) + create(1, 7)
    yield "parked", parked + come_back(0)
    yield "late", parked + later(4) + come_back(0, handle=10)
    yield "too_late", create(0, descriptor=EVERYBODY) + RESTART + open_pipe(2) + later(4) + come_back(0)
    yield "closed_meanwhile", parked + say(0, "COME_BACK", request=1, pipe=number(0), secret=connection(0))
    yield "dead_meanwhile", parked + dies(0)
    yield "unserved", create(0) + RESTART + come_back(0, bound=True)
    yield "lost_answer", create(0) + create(1, name="", secret=b"s" * 16) + RESTART + create(0) + create(1, name="", secret=b"s" * 16)
    yield "dead", mixed + say(1, "WAIT", request=3, name="seed", timeout=2**64 - 1) + dies(1) + dies(0)
    yield "sides", pair + say(1, "RELEASED", connection=connection(1), side=200)
    yield "lies", bytes([0x80 + 1, codec.code_of("CREATE"), 0, 1, 0, 3, 0]) + b"abc" + bytes([1])
    yield "relative", create(1, name="") + open_pipe(1, name="", instance=5) + deaf(1) + create(1, 6, name="x")
    yield "flood", say(1, "PING", request=1) * 40 + later(0) + say(1, "PING", request=2) + later(1)
    yield "silent", later(5) + say(3, "PING", request=1)
    many = b"".join(create(0, handle, name=letter * 1800) for handle, letter in enumerate("abc", 5))
    yield "unread", many + deaf(0) + say(0, "LIST", request=2, pattern="*") * 55 + deaf(0) + say(0, "PING", request=1)
    yield "too_many", b"".join(create(1, handle, maximum_instances=9) for handle in range(5, 11)) + open_pipe(1) * 5


def security():
    for name, text in (("sddl", "O:S-1-22-1-1000G:BAD:P(A;;GRGW;;;WD)(D;;0x1f;;;AN)S:AI(AU;SAFA;GA;;;WD)(ML;;NW;;;ME)"), ("null", "D:NO_ACCESS_CONTROL"),
                       ("letters", "O:SYG:BAD:(A;OICI;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BU)(A;;FRFWFX;;;CO)")):  # fmt: skip
        yield name, b"S" + bytes(range(24)) + text.encode()
    yield "binary", b"B" + bytes(range(24)) + EVERYBODY
    label = bytes.fromhex("11001400010000000101000000000010" "00300000")
    callback = bytes.fromhex("0900200001000000010100000000000100000000") + b"artx" + bytes(8)
    objects = bytes.fromhex("0500380001000000" "03000000") + bytes(32) + bytes.fromhex("010100000000000100000000")
    aces = label + callback + objects
    acl = struct.pack("<BBHHH", 4, 0, 8 + len(aces), 3, 0) + aces
    owner = bytes.fromhex("010200000000000520000000" "20020000")
    header = struct.pack("<BBHIIII", 1, 0, 0x8014, 20, 20, 20 + len(owner), 20 + len(owner))
    yield "kinds", b"B" + bytes(range(24)) + header + owner + acl


def names():
    for number_, text in enumerate(("\\\\.\\pipe\\a\\b", "\\Device\\NamedPipe\\\u00e4\U0001f600", "\\??\\pipe\\", "plain", "\\\\host\\pipe\\x")):
        yield f"name{number_}", bytes([0, 0]) + text.encode()
    yield "wait", bytes([1, 0]) + struct.pack("<qIBB", -10000, 8, 1, 0) + "seed".encode("utf-16-le")
    yield "pattern", bytes([2, 0, 5]) + b"*b?*c" + b"aabbcc"
    yield "expression", bytes([2, 0, 4]) + b'<>"*' + b"ab.c.d"


def channel():
    def input_(kind, steps, within=b""):
        return struct.pack("<H", len(within)) + within + bytes([kind]) + steps

    def act(choice, size=100, client=False, more=b""):
        return bytes([choice + 0x80 * client]) + struct.pack("<H", size) + more

    talk = act(2, 500, True) + act(0, 600) + act(2, 8000) + act(0, 100, True) + act(6, 50, True) + act(0, 8999, True)
    scribble = bytes([0]) + struct.pack("<H", 8) + bytes([32 * 3 % 256])
    yield "talk", input_(0, talk)
    yield "bytes", input_(1, talk + act(4) + act(7) + act(12, 300, more=b"\x18"))
    yield "pending", input_(8, act(2, 8999, True) * 3 + act(21, 0, True) + act(5, 0, True) + act(0, 5000) + act(14) + act(13) + act(15))
    yield "look", input_(8, act(2, 300, True) * 2 + act(8, 200) + act(8, 200) + act(9, 0x20) + act(9 + 0x20) + act(10, 20))
    yield "overflow", input_(0, act(2, 8999) * 5 + act(0, 8999, True) * 5)
    yield "complete", input_(4, act(11 + 0x40, 0) + talk + act(3, 9000))
    yield "transceive", input_(8, act(4, 80, True) + act(0, 100) + act(2, 30) + act(19, 100, True, b"\x04") + act(16))
    yield "scribbled", input_(0, talk + b"".join(act(28, 0, more=scribble) + act(0, 50) for _ in range(5)))

    def otherwise(choice, size=100, client=False, more=b""):
        return act(24, size, client, bytes([choice]) + more)

    yield "tries", input_(8, otherwise(2, 0, True, b"\7") + otherwise(1, 300) + otherwise(0, 200, True) * 3 + otherwise(1, 8999) * 2 + otherwise(2, 0, False, b"\7") + otherwise(0, 8999, True) + otherwise(1, 100))
    looked = act(8, 200) + otherwise(4, 0, True) + act(8, 200)
    yield "handed_on", input_(8, act(2, 8999, True) + act(2, 3000, True) + looked + act(21, 1) + looked + otherwise(7 + 0x80, 0, False, struct.pack("<HH", 0, 3000)) + act(0, 8999) + act(23))
    yield "handed_back", input_(8, act(2, 8999, True) + act(2, 3000, True) + act(8, 8999) + act(8, 3000) + act(21, 1) + otherwise(7, 0, False, struct.pack("<HH", 0, 9000)) + otherwise(8 + 0x80, 0, False, struct.pack("<HH", 0, 9000)) + act(9, 8000))
    yield "posted", input_(9, act(0, 500) + otherwise(4, 0, True) + act(21, 0) + act(8, 20, True) + otherwise(6, 0, True) + act(0, 500) + otherwise(4, 0, True) + act(2, 100, True))
    yield "contexts", input_(128, otherwise(13, 0, False, b"\2") + otherwise(14, 0, True, b"\2") + act(2, 50, True) + act(0, 100) + otherwise(12) + otherwise(15, 0, True) + act(2, 50, True) + act(0, 100) + otherwise(12) + otherwise(13, 0, False, b"\1"))
    yield "asks", input_(0, b"".join(otherwise(11, 50, False, bytes([name])) for name in range(6)) + b"".join(otherwise(10, 60, False, bytes([number])) for number in range(1, 8)) + otherwise(9, 8) + b"".join(otherwise(9 + 16, 40, False, bytes([number])) for number in (4, 5, 23)) + b"".join(act(12, 200, more=bytes([number])) for number in (4, 5, 9, 18, 23, 24)) + act(19, 20, more=b"\x07") + act(19, 80, more=b"\x0f"))
    yield "settles", input_(0, b"".join(otherwise(2, 0, False, bytes([number])) + act(2, 8999) for number in range(8)))
    for seed in range(4):
        within = b"".join(bytes([0] * (7 * seed + 3)) + b"\xf0" + bytes([4 * (at % 8) + at % 3]) + struct.pack("<H", 8 + at % 30) + b"\x01" * 8 for at in range(20))
        yield f"within{seed}", input_(seed & 9, talk * 3, within)


def journal():
    def text(value):
        return struct.pack("<I", len(value)) + value

    this_process = b"\xf6" * 12  # its number, and when it was started

    def entry(present, identity, name, *, server=this_process, gateway=False):
        body = struct.pack("<BQ", present, identity) + text(name) + struct.pack("<QI", 0, 0) + struct.pack("<I", 1)
        body += server + struct.pack("<IIBIq", 1, 2, 0, 5, -5) + text(EVERYBODY) + bytes(16)
        origin = bytes(16) + text(b"g") + struct.pack("<IBB", 3, 1, 1)
        body += origin + (b"\1" + origin if gateway else b"\0")
        return struct.pack("<I", len(body)) + body

    yield "pipe", entry(1, 1, b"a") + entry(1, 2, b"b") + entry(0, 1, b"")
    yield "gateway", entry(1, 1 << 63, b"", gateway=True)
    yield "foreign_number", entry(1, 5, b"", gateway=True) + entry(1, 1 << 63 | 6, b"a")
    yield "gone", entry(1, 1, b"a", server=struct.pack("<IQ", 1, 0)) + entry(1, 2, b"b")
    yield "torn", entry(1, 1, b"a") + entry(1, 2, b"b")[:-3]


def smb1():
    def request(words, data=b"", unicode=False, count=None):
        """Words are counted by the command's row, its shorter or its longer form, unless `count` is given."""
        head = b"" if count is None else bytes([count])
        return head + bytes([unicode]) + struct.pack("<H", len(data)) + words + data

    def command(code, words, data=b"", longer=False):
        return bytes([0, code, longer]) + request(words, data)

    def transaction(kind, words, data):
        return bytes([4, kind, len(words) // 2 + 0]) + request(words, data)

    def trans(subcommand, parameters=b"", data=b"", max_data=600):
        words = 16
        begin = 32 + 1 + 2 * words + 2
        body = b"\\PIPE\\seed\0" + parameters + data
        at = begin + 11
        fields = struct.pack("<HHHHBBHIHHHHHBB", len(parameters), len(data), 8, max_data, 0, 0, 0, 0, 0, len(parameters), at, len(data), at + len(parameters), 2, 0)
        return transaction(0, fields + struct.pack("<HH", subcommand, 1), body)

    def nt(function, setup, parameters, data):
        words = 19 + len(setup) // 2
        at = 32 + 1 + 2 * words + 2
        fields = struct.pack("<BHIIIIIIIIBH", 0, 0, len(parameters), len(data), 8, 500, len(parameters), at, len(data), at + len(parameters), len(setup) // 2, function)
        return transaction(2, fields + setup, parameters + data)

    def trans2(subcommand, parameters, data=b""):
        words = 15
        at = 32 + 1 + 2 * words + 2
        fields = struct.pack("<HHHHBBHIHHHHHBBH", len(parameters), len(data), 2, 600, 0, 0, 0, 0, 0, len(parameters), at, len(data), at + len(parameters), 1, 0, subcommand)
        return transaction(1, fields, parameters + data)

    written = bytes([3, 0]) + struct.pack("<H", 50)
    levels = (1, 0x101, 0x102, 0x107, 1004, 1005, 1018, 1023, 1024)
    yield "query_file", b"\0" + b"".join(trans2(7, struct.pack("<HH", 1, level)) for level in levels)
    yield "set_file", b"\0" + trans2(8, struct.pack("<HHH", 1, 1023, 0), bytes(8)) + trans2(8, struct.pack("<HHH", 1, 0x101, 0), bytes(40)) + trans2(3, b"\1\0")
    timeouts = ((0, 0), (1, 0xFFFFFFFE), (1, 5), (1, 0xFFFFFFFF), (9, 0))
    yield "read_timeouts", b"\0" + b"".join(command(4, bytes(10) + struct.pack("<HHI", 30, least, time) + bytes(6), longer=True) + command(3, bytes(6) + struct.pack("<HHIH", 30, least, time, 0)) for least, time in timeouts) + written
    yield "read", b"\0" + written + command(4, bytes(10) + struct.pack("<HHI", 30, 1, 0) + bytes(6), longer=True) + command(1, struct.pack("<HHIH", 1, 20, 0, 0))
    write = struct.pack("<HHHIIHHHHH", 0xFF, 0, 1, 0, 0, 8, 0, 0, 5, 32 + 1 + 24 + 2)
    part = struct.pack("<HHHIIHHHHH", 0xFF, 0, 1, 0, 0, 4, 0, 0, 6, 32 + 1 + 24 + 2)
    first = write.replace(b"\x08\0", b"\x0c\0", 1)
    yield "write", b"\0" + command(5, write, b"hello") + command(5, first, b"\x09\0abc") + command(5, write, b"more!") + command(2, struct.pack("<HHIH", 1, 2, 0, 0), b"\1\2\0ab")
    yield "write_parts", b"\0" + command(5, first, b"\x09\0abc") + command(5, part, b"defghi") + command(5, first, b"\x04\0abc") + command(5, part, b"defghi") + command(5, first, b"\xff\xffabc") + command(5, write, b"other")
    for subcommand in (0x01, 0x11, 0x21, 0x22, 0x23, 0x26, 0x31, 0x36, 0x37, 0x53, 0x54):
        yield f"trans{subcommand:02x}", b"\0" + written + trans(subcommand, b"\1\0", b"\3\0abc") + written
    yield "ioctl", b"\0" + written + nt(2, struct.pack("<IHBB", 0x11400C, 1, 1, 0), b"", b"") + nt(2, struct.pack("<IHBB", 0x11C017, 1, 1, 0), b"", b"question")
    yield "security", b"\0" + nt(6, b"", struct.pack("<HHI", 1, 0, 7), b"") + nt(3, b"", struct.pack("<HHI", 1, 0, 4), EVERYBODY)
    yield "opens", b"\0" + bytes([2, 0]) + request(bytes(30), b"\\PIPE\\a\0", count=15) + bytes([2, 1]) + request(bytes(48), "\\a".encode("utf-16-le") + b"\0\0", True, 24) + bytes([2, 2]) + request(b"", bytes(44) + struct.pack("<I", 4) + bytes(5) + b"\\abc", count=0)


def smb2():
    def command(index, body, data=b"", dialect=2):
        return bytes([4, index, dialect]) + struct.pack("<H", len(data)) + body + data

    written = bytes([1, 0]) + struct.pack("<H", 50)
    file_id = bytes(16)
    yield "read", b"\0" + written + command(1, struct.pack("<HBBIQ", 49, 0, 0, 30, 0) + file_id + bytes(16), b"\0")
    yield "write", b"\0" + command(2, struct.pack("<HHIQ", 49, 112, 5, 0) + file_id + bytes(16), b"hello") + command(0, struct.pack("<HHI", 24, 0, 0) + file_id)

    def ioctl(code, data):
        return command(4, struct.pack("<HHI", 57, 0, code) + b"\xff" * 16 + struct.pack("<IIIIIIII", 120, len(data), 0, 0, 0, 500, 1, 0), data or b"\0")

    yield "peek", b"\0" + written + ioctl(0x11400C, b"") + ioctl(0x11C017, b"question") + ioctl(0x110018, struct.pack("<qIBB", -10000, 8, 1, 0) + "seed".encode("utf-16-le"))
    for kind, classes in ((1, (4, 5, 9, 18, 23, 24)), (2, (1, 5)), (3, (0,))):
        queries = [command(6, struct.pack("<HBBIHHIII", 41, kind, number_, 500, 0, 0, 0, 7, 0) + file_id, b"\0") for number_ in classes]
        yield f"query{kind}", b"\0" + b"".join(queries)
    yield "set", b"\0" + command(7, struct.pack("<HBBIHHI", 33, 1, 23, 8, 96, 0, 0) + file_id, bytes(8)) + command(7, struct.pack("<HBBIHHI", 33, 3, 0, len(EVERYBODY), 96, 0, 4) + file_id, EVERYBODY)
    name = "seed".encode("utf-16-le")
    yield "create", b"\0" + bytes([0, 2]) + struct.pack("<H", 8) + bytes(44) + struct.pack("<HHII", 120, len(name), 0, 0) + name


# A request of named_pipe_auth, level 7, for root, as Samba 4.17 makes it.
NPA_REQUEST = bytes.fromhex(
    "000001f54e50414d070000000700000001000000000002000400020000000000080002000c0002000000000010000200030000000000000003000000"
    "766d00000300000000000000030000003a3a0000030000000000000003000000766d00000300000000000000030000003a3a00001400020000000000"
    "180002001c00020020000200240002000000000000000000000000004c89b87f7c4dd147888a9cbc424b5ffe00000000060000000600000001020000"
    "000000160100000000000000010200000000001602000000000000000101000000000001000000000101000000000005020000000101000000000005"
    "0b00000001020000000000162485a9790000000000000000000000000000000000000000010000000000000000000000000000000000000001000000"
    "0000000000000000000000002800020000000000000000002c0002000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000100000000100000005000000"
    "0000000005000000726f6f74000000000a000000000000000a000000554e495820555345520000003000020034000200050000000000000005000000"
    "726f6f7400000000050000000000000005000000726f6f7400"
)


def npa():
    reply = bytes.fromhex("00000020" "4e50414d" "07000000" "07000000" "0200" "ff05" "00000000" "0010000000000000" "00000000")
    yield "request", b"\0" + NPA_REQUEST + b"hello"
    yield "request_bytes", b"\1" + NPA_REQUEST + b"hello"
    yield "reply", b"\2" + reply + b"hello"
    yield "nobody", b"\0" + NPA_REQUEST[:12] + b"\3" + NPA_REQUEST[13:]


def lists():
    yield "conf", b"\0\4echo" + b"# comment\nimport = * !secret*\nexport=x\nexport = a? b\nsmb = myservice\n"
    yield "limits", b"\2\4echo" + b"[per user]\npipes = 2\nmemory = 1M\n# none\n[user 1000]\nmessages = unlimited\n[total]\nsessions = 70%\n"
    yield "limits_of", b"\2\4echo" + b"[user root]\nmemory = 10%\nsessions = 5\n[user nobody]\nmemory = 2G\nrequests = 4K\n"
    yield "export", b"\1\4echo" + b'echo, app-*:alice, "print queue":@root, "odd,""name""":*, x:0'


def relay():
    """Steps of fuzz_relay, and between them what the prefix answers: 2 is a success, 0 "later"."""
    write, read, flush = (bytes([choice]) + struct.pack("<H", 300) + b"x" for choice in (0, 1, 2))
    over, due, cancel = b"\x06\0\0" + struct.pack("<H", 300), b"\x09", b"\x05\0"
    for name, kind in ("messages", 1), ("bytes", 0), ("server", 5), ("one_way", 0x11), ("wine_thread", 0x81), ("small", 0x63):
        yield name, bytes([kind]) + (write + b"\2" + over + read + over + b"\0" + due + flush + over + due) * 3 + b"\3"
        yield name + "_late", bytes([kind]) + (write + b"\0" + over + write + b"\0" + cancel + over + read + cancel + over) * 3 + b"\4"
    # It gives a record the highest number that there is.
    yield "last_number", bytes.fromhex("01002c0178020006002c017a01012a0001000000000001007f0101300d0100090246a89fd992061b002c0109002c0178020600000100010a000000000001002c01780206002cfffeff2c01012cfffeff2c0101300d010009022c01780600002c01510903")


def main():
    for make in (broker, security, names, channel, journal, smb1, smb2, npa, lists, relay):
        folder = os.path.join(HERE, "corpus", make.__name__)
        os.makedirs(folder, exist_ok=True)
        for name, content in make():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)


if __name__ == "__main__":
    main()
