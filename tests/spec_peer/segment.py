# SPDX-License-Identifier: LGPL-2.1-or-later
"""segment.py: a segment and the records in it (docs/SPEC.md, 7.1 and 7.2)."""
import struct
from dataclasses import dataclass

from spec_peer import layout
from spec_peer.layout import RECORD, SEGMENT
from spec_peer.memory import Memory, Unacceptable

HEADER = struct.Struct("<IIQQII")


class Nonsense(Exception):
    """The peer has written what cannot be: the connection is broken."""


@dataclass
class Record:
    """A copy of a record's header, and where the record is. `progress` is read from the memory each time."""

    segment: object
    position: int
    size: int
    flags: int
    sequence: int
    context: int
    rest: int

    @property
    def end(self):
        return self.position + layout.padded(self.size)

    def has(self, flag):
        return bool(self.flags & flag)

    @property
    def progress_offset(self):
        return self.segment.offset(self.position) + RECORD.progress

    def progress(self):
        """(state, bytes consumed)."""
        state, consumed = layout.split_progress(self.segment.memory.load(self.progress_offset))
        if consumed > self.size:
            raise Nonsense("more was consumed than there is")
        return state, consumed

    def claim(self):
        return layout.claim(self.segment.memory.load(self.progress_offset))

    def change(self, old, new):
        """Changes (state, consumed), or with a claim as the third, from `old` to `new` unless it is something else; whether it did."""
        return self.segment.memory.compare_exchange(self.progress_offset, layout.progress(*old), layout.progress(*new))[0]

    def set_progress(self, state, consumed):
        self.segment.memory.store(self.progress_offset, layout.progress(state, consumed))

    def payload(self, start, count):
        return self.segment.copy_out(self.position + RECORD.size_in_bytes + start, count)


class Segment:
    """Positions count bytes since its birth."""

    def __init__(self, memory):
        if not layout.SMALLEST_SEGMENT <= memory.size <= layout.LARGEST_SEGMENT:
            raise Unacceptable(f"a segment of {memory.size} bytes")
        self.memory = memory
        self.capacity = self.memory.size - SEGMENT.size_in_bytes
        self.tail_seen = 0
        self.head_seen = 0
        self.held = None  # as a writer: the position of a record that must stay as it is

    @classmethod
    def of(cls, descriptor):
        """One that has memory of its own. Takes the descriptor over."""
        return cls(Memory(descriptor, layout.SMALLEST_SEGMENT, layout.LARGEST_SEGMENT))

    def close(self):
        self.memory.close()

    def offset(self, position):
        return SEGMENT.size_in_bytes + position % self.capacity

    def copy_out(self, position, count):
        first = min(count, self.capacity - position % self.capacity)
        data = self.memory.read(self.offset(position), first)
        return data + self.memory.read(SEGMENT.size_in_bytes, count - first) if count > first else data

    def copy_in(self, position, data):
        first = self.capacity - position % self.capacity
        self.memory.write(self.offset(position), data[:first])
        if len(data) > first:
            self.memory.write(SEGMENT.size_in_bytes, data[first:])

    def make_sure(self, position):
        """Whether the memory up to a position is really there."""
        return self.memory.make_sure(min(SEGMENT.size_in_bytes + position, self.memory.size))

    # ---- the reader's view ----

    def tail(self, head):
        """The position behind the last record, checked."""
        tail = self.memory.load(SEGMENT.tail)
        if tail < self.tail_seen or tail > head + self.capacity or tail % 32:
            raise Nonsense(f"tail {tail} after {self.tail_seen}")
        self.tail_seen = tail
        if not self.make_sure(tail):
            raise Nonsense("the system is out of memory")
        return tail

    def record(self, position, tail):
        """The record at a position."""
        size, flags, sequence, _, context, rest = HEADER.unpack(self.memory.read(self.offset(position), HEADER.size))
        if flags & ~layout.KNOWN_FLAGS or position + layout.padded(size) > tail:
            raise Nonsense(f"record of {size} bytes with flags {flags}")
        return Record(self, position, size, flags, sequence, context, rest)

    def release(self, position):
        self.memory.store(SEGMENT.head, position)

    # ---- the writer's view ----

    def head(self):
        """The position of the first record that is not released, checked."""
        head = self.memory.load(SEGMENT.head)
        if not self.head_seen <= head <= self.tail_seen:
            raise Nonsense(f"head {head} after {self.head_seen}, before {self.tail_seen}")
        self.head_seen = head
        return head

    def room(self):
        return self.capacity - (self.tail_seen - self.used_from())

    def used_from(self):
        return self.head() if self.held is None else min(self.head(), self.held)

    def is_drained(self):
        return self.used_from() == self.tail_seen

    def append(self, record, data, state):
        """Puts a record behind the last one, for which there is room, and makes it visible. False: the system is out of memory."""
        if not self.make_sure(record.end):
            return False
        header = HEADER.pack(record.size, record.flags, record.sequence, layout.progress(state, 0), record.context, record.rest)
        self.memory.write(self.offset(record.position), header)
        self.copy_in(record.position + HEADER.size, data)
        self.tail_seen = record.end
        self.memory.store(SEGMENT.tail, record.end)
        return True
