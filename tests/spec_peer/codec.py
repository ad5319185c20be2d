# SPDX-License-Identifier: LGPL-2.1-or-later
"""codec.py: control messages as bytes and back (docs/SPEC.md, section 3), after the tables of section 4.

A message is a dictionary: field -> value. Numbers are int, text is str, bytes and identifiers of 16 bytes are bytes, a security
identifier is its text (S-1-...), a list is a list, an optional that is absent is None, a part is a dictionary again. encode() takes a
field that is not given as 0, empty or absent.
"""
import functools
import re
import struct
from dataclasses import dataclass

from spec_peer import tables

MAGIC = 0x4250544E
VERSION = 1
LAYOUT = 1
HEADER = struct.Struct("<IHH")
LARGEST_PACKET = 192 * 1024

NUMBERS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i64": "<q"}


class Malformed(Exception):
    """What was received is not a message."""


# ---- types ----


class Number:
    empty = 0

    def __init__(self, name):
        self.format = struct.Struct(NUMBERS[name])

    def encode(self, value):
        return self.format.pack(value)

    def decode(self, reader):
        return self.format.unpack(reader.take(self.format.size))[0]


class Boolean(Number):
    def __init__(self):
        super().__init__("u8")

    def decode(self, reader):
        value = super().decode(reader)
        if value > 1:
            raise Malformed("a boolean is above 1")
        return value


class Blob:
    empty = b""

    def __init__(self, limit):
        self.limit = limit

    def encode(self, value):
        return struct.pack("<I", len(value)) + bytes(value)

    def decode(self, reader):
        length = reader.number("<I")
        if self.limit is not None and length > self.limit:
            raise Malformed(f"{length} bytes where {self.limit} are allowed")
        return reader.take(length)


class Text(Blob):
    empty = ""

    def encode(self, value):
        return super().encode(value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass"))

    def decode(self, reader):
        value = super().decode(reader)
        if b"\0" in value:
            raise Malformed("NUL in a text")
        try:
            return value.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise Malformed("a text is not UTF-8") from error


class Exactly:
    def __init__(self, size):
        self.size = size
        self.empty = bytes(size)

    def encode(self, value):
        if len(value) != self.size:
            raise ValueError(f"{self.size} bytes are wanted")
        return bytes(value)

    def decode(self, reader):
        return reader.take(self.size)


class SecurityIdentifier:
    empty = "S-1-0-0"

    def encode(self, value):
        _, revision, authority, *subauthorities = value.split("-")
        return (bytes([int(revision), len(subauthorities)]) + int(authority, 0).to_bytes(6, "big")
                + struct.pack(f"<{len(subauthorities)}I", *map(int, subauthorities)))

    def decode(self, reader):
        revision, count = reader.take(2)
        authority = int.from_bytes(reader.take(6), "big")
        subauthorities = struct.unpack(f"<{count}I", reader.take(4 * count))
        if revision != 1 or count > 15:
            raise Malformed("that is no security identifier")
        return "-".join(map(str, ("S", revision, authority, *subauthorities)))


class Optional:
    empty = None

    def __init__(self, element):
        self.element = element

    def encode(self, value):
        return b"\0" if value is None else b"\1" + self.element.encode(value)

    def decode(self, reader):
        return self.element.decode(reader) if Boolean().decode(reader) else None


class List:
    empty = ()

    def __init__(self, element, limit):
        self.element = element
        self.limit = limit

    def encode(self, value):
        return struct.pack("<I", len(value)) + b"".join(map(self.element.encode, value))

    def decode(self, reader):
        count = reader.number("<I")
        if self.limit is not None and count > self.limit:
            raise Malformed(f"{count} elements where {self.limit} are allowed")
        return [self.element.decode(reader) for _ in range(count)]


class Part:
    """Fields, one after the other."""

    def __init__(self, rows):
        self.fields = {name: type_of(kind, int(limit) if limit else None) for name, kind, limit, _ in rows}

    @property
    def empty(self):
        return {}

    def encode(self, values):
        unknown = set(values) - set(self.fields)
        if unknown:
            raise TypeError(f"there is no field {', '.join(sorted(unknown))}")
        return b"".join(kind.encode(values.get(name, kind.empty)) for name, kind in self.fields.items())

    def decode(self, reader):
        return {name: kind.decode(reader) for name, kind in self.fields.items()}


def type_of(kind, limit):
    """The type that a table names."""
    if kind in NUMBERS:
        return Number(kind)
    if kind.startswith("optional "):
        return Optional(type_of(kind.removeprefix("optional "), limit))
    if kind.startswith("list of "):
        return List(type_of(kind.removeprefix("list of "), None), limit)
    if exactly := re.fullmatch(r"(\d+) bytes", kind):
        return Exactly(int(exactly[1]))
    if kind in ("text", "bytes"):
        return Text(limit) if kind == "text" else Blob(limit)
    simple = {"boolean": Boolean, "security identifier": SecurityIdentifier}.get(kind)
    return simple() if simple else Part(tables.messages()[kind].rows)


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Malformed("bytes are missing")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, kind):
        return struct.unpack(kind, self.take(struct.calcsize(kind)))[0]


# ---- messages ----


@dataclass
class Message:
    name: str
    code: int
    part: Part
    descriptors: dict


@functools.lru_cache
def messages():
    """Name -> Message."""
    found = {}
    for title, table in tables.messages().items():
        if numbered := re.fullmatch(r"(\d+) (\w+)", title):
            found[numbered[2]] = Message(numbered[2], int(numbered[1]), Part(table.rows), table.descriptors)
    return found


@functools.lru_cache
def by_code():
    return {message.code: message for message in messages().values()}


def code_of(name):
    return messages()[name].code


def fields(message, /, **values):
    """The bytes behind the header."""
    return messages()[message].part.encode(values)


def packet(code, encoded, mask=0, size=None):
    """A packet of any kind, also of one that there is not."""
    return HEADER.pack(HEADER.size + len(encoded) if size is None else size, code, mask) + encoded


def encode(message, mask=0, /, **values):
    return packet(code_of(message), fields(message, **values), mask)


def decode_fields(name, encoded):
    """The fields of a message, from the bytes behind the header."""
    reader = Reader(encoded)
    values = messages()[name].part.decode(reader)
    if reader.at != len(encoded):
        raise Malformed("bytes are left over")
    return values


def decode(data, descriptors=()):
    """(name, fields, index -> descriptor) of a packet."""
    if len(data) < HEADER.size:
        raise Malformed("the header is cut")
    size, code, mask = HEADER.unpack_from(data)
    message = by_code().get(code)
    if size != len(data) or message is None:
        raise Malformed(f"size {size} of {len(data)}, code {code}")
    indices = [index for index in range(16) if mask >> index & 1]
    if len(indices) != len(descriptors) or any(index not in message.descriptors for index in indices):
        raise Malformed("other descriptors than announced")
    return message.name, decode_fields(message.name, data[HEADER.size :]), dict(zip(indices, descriptors))
