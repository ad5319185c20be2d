#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: tests/fuzz/make_corpus.py

Writes the seeds in tests/fuzz/corpus anew: inputs that reach what a fuzzer would need long for. fuzz_*.cc say how an input is read.
"""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
EVERYBODY = bytes.fromhex("0100048000000000000000000000000014000000" "02001c000100000000001400ff011f00010100000000000100000000")


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
    yield "scribbled", input_(0, talk + b"".join(act(24, 0, more=scribble) + act(0, 50) for _ in range(5)))
    for seed in range(4):
        within = b"".join(bytes([0] * (7 * seed + 3)) + b"\xf0" + bytes([4 * (at % 8) + at % 3]) + struct.pack("<H", 8 + at % 30) + b"\x01" * 8 for at in range(20))
        yield f"within{seed}", input_(seed & 9, talk * 3, within)


def journal():
    def text(value):
        return struct.pack("<I", len(value)) + value

    def entry(present, identity, name, *, pid=1, gateway=False):
        body = struct.pack("<BQ", present, identity) + text(name) + struct.pack("<QI", 0, 0) + struct.pack("<I", 1)
        body += struct.pack("<IQ", pid, 0) + struct.pack("<IIBIq", 1, 2, 0, 5, -5) + text(EVERYBODY) + bytes(16)
        origin = bytes(16) + text(b"g") + struct.pack("<IBB", 3, 1, 1)
        body += origin + (b"\1" + origin if gateway else b"\0")
        return struct.pack("<I", len(body)) + body

    yield "pipe", entry(1, 1, b"a") + entry(1, 2, b"b") + entry(0, 1, b"")
    yield "gateway", entry(1, 1 << 63, b"", gateway=True)
    yield "torn", entry(1, 1, b"a") + entry(1, 2, b"b")[:-3]


def main():
    for make in (security, names, channel, journal):
        folder = os.path.join(HERE, "corpus", make.__name__)
        os.makedirs(folder, exist_ok=True)
        for name, content in make():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)


if __name__ == "__main__":
    main()
