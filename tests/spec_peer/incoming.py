# SPDX-License-Identifier: LGPL-2.1-or-later
"""incoming.py: the direction that an end reads: its records in order, what reads take of them, the ledger (docs/SPEC.md, section 9)."""
import copy
from dataclasses import dataclass

from spec_peer import layout
from spec_peer.layout import CONTINUATION, CUT, DONE, LIVE, REVOCABLE, REVOKED, SEGMENT, TENTATIVE
from spec_peer.segment import Nonsense

SUCCESS, BUFFER_OVERFLOW = 0, 0x80000005
CLAIM_BITS = layout.READ_IS_CLAIMED | layout.READ_IS_ASKED


@dataclass
class Place:
    """The next record of a segment that was not passed."""

    segment: object
    number: int = 0  # of the overflow segment, from 1; 0: the ring
    position: int = 0


class Cursor:
    """A walk over the records of all segments, in order."""

    def __init__(self, ring):
        self.places = [Place(ring)]
        self.sequence = 0
        self.passed_bytes = 0
        self.rest = 0  # bytes of the write that the last record was a piece of, which are still to come
        self.is_cut = False  # no more of them will come

    def copy(self):
        other = copy.copy(self)
        other.places = [copy.copy(place) for place in self.places]
        return other

    def next_record(self):
        """The record with the expected sequence number, whatever its state: (place, record), or None."""
        for place in self.places:
            tail = place.segment.tail(place.position)
            if place.position < tail:
                record = place.segment.record(place.position, tail)
                if record.sequence < self.sequence:
                    raise Nonsense(f"record {record.sequence} after {self.sequence}")
                if record.sequence == self.sequence:
                    return place, record
        return None

    def front(self):
        """(the next record that a read may take, bytes of it that were consumed), or None. Passes what is not there for reads."""
        while found := self.next_record():
            place, record = found
            if self.is_cut and record.has(CONTINUATION):
                self.pass_over(place, record)
                continue
            self.check_pieces(record)
            state, consumed = record.progress()
            if state == TENTATIVE:
                return None
            if state == DONE:
                raise Nonsense("a record was consumed by nobody")
            if state == REVOKED or record.has(CUT):
                self.pass_over(place, record)
                self.is_cut = True
                continue
            return record, consumed
        return None

    def check_pieces(self, record):
        if record.has(CUT):
            if record.size or record.rest:
                raise Nonsense("a cut with bytes")
        elif record.has(CONTINUATION):
            if self.rest != record.size + record.rest:
                raise Nonsense("pieces do not add up")
        elif self.rest and not self.is_cut:
            raise Nonsense("a piece is missing")

    def pass_over(self, place, record):
        """Goes behind a record."""
        place.position = record.end
        self.sequence += 1
        self.passed_bytes += record.size
        self.rest = 0 if record.has(CUT) else record.rest
        self.is_cut = False if not record.has(CONTINUATION) else self.is_cut

    def pass_front(self, record):
        """Goes behind the record that front() gave."""
        self.is_cut = False
        place = next(place for place in self.places if place.segment is record.segment)
        self.pass_over(place, record)


class Read:
    """A read that was asked for."""

    def __init__(self, length, is_message):
        self.length = length
        self.is_message = is_message
        self.data = bytearray()
        self.index = None  # in the ledger

    @property
    def room(self):
        return self.length - len(self.data)


class Incoming:
    def __init__(self, ring, is_message_pipe):
        self.ring = ring
        self.is_message_pipe = is_message_pipe
        self.cursor = Cursor(ring)
        self.partly = 0  # bytes of the front record that were consumed
        self.published = (0, 0)
        self.overflows = 0  # segments that were received
        self.posted = 0  # ledger index of the next read
        self.resolved = 0

    def close(self):
        for place in self.cursor.places:
            place.segment.close()

    # ---- overflow ----

    def add_overflow(self, segment):
        self.overflows += 1
        self.cursor.places.append(Place(segment, self.overflows))

    def lacks_overflow(self):
        """Whether the writer has begun to use a segment that has not been received."""
        return self.ring.memory.load(SEGMENT.overflows) > self.overflows

    def drop_drained(self):
        """A segment goes when it is drained and the writer has begun to use the one after it."""
        used = self.ring.memory.load(SEGMENT.overflows)
        for place in [place for place in self.cursor.places if 0 < place.number < used]:
            if place.position == place.segment.tail(place.position):
                self.cursor.places.remove(place)
                place.segment.close()

    # ---- consuming ----

    def take(self, record, consumed, count):
        """The bytes; None if the record was revoked meanwhile."""
        data = record.payload(consumed, count)
        is_whole = consumed + count == record.size
        if record.has(REVOCABLE):
            if not record.change((LIVE, consumed), (DONE if is_whole else LIVE, consumed + count)):
                return None
        elif not is_whole:
            record.set_progress(LIVE, consumed + count)
        self.partly = 0 if is_whole else consumed + count
        if is_whole:
            self.cursor.pass_front(record)
        return data

    def pass_empty(self, record):
        """An empty message was read."""
        if record.has(REVOCABLE):
            record.change((LIVE, 0), (DONE, 0))
        self.cursor.pass_front(record)

    def publish(self):
        """Tells the writer how far the reader has come; whether that is news."""
        now = (self.cursor.sequence, self.cursor.passed_bytes + self.partly)
        if now == self.published:
            return False
        self.published = now
        memory = self.ring.memory
        memory.store(SEGMENT.consumed_bytes, now[1])
        memory.store(SEGMENT.consumed_records, now[0])
        for place in self.cursor.places:
            place.segment.release(place.position)
        self.drop_drained()
        return True

    # ---- reads ----

    def front(self):
        """(record, bytes consumed) of what the next read takes from, or None."""
        found = self.cursor.front()
        self.partly = found[1] if found else 0
        return found

    def serve(self, read):
        """Gives a read what is there for it; its status if it is over by that."""
        return self.serve_message(read) if read.is_message else self.serve_bytes(read)

    def serve_bytes(self, read):
        found = self.front()
        if not found:
            return None
        if found[0].size == 0:
            self.pass_empty(found[0])
            return SUCCESS
        while read.room and found:
            record, consumed = found
            if record.size == 0:
                self.pass_empty(record)
            else:
                read.data += self.take(record, consumed, min(read.room, record.size - consumed)) or b""
            found = self.front()
        return SUCCESS if read.data or not read.length else None

    def serve_message(self, read):
        while True:
            found = self.front()
            is_next = not found or not found[0].has(CONTINUATION)
            if read.data and is_next and self.message_has_ended():
                return BUFFER_OVERFLOW
            if not found:
                return None
            record, consumed = found
            if record.size == 0:
                self.pass_empty(record)
                return SUCCESS
            left = record.size - consumed + record.rest
            data = self.take(record, consumed, min(read.room, record.size - consumed))
            if data is None:
                continue
            read.data += data
            self.repost(read)
            if len(data) == left:
                return SUCCESS
            if not read.room:
                return BUFFER_OVERFLOW

    def message_has_ended(self):
        """Whether no more pieces will come of the message that was begun."""
        return self.cursor.is_cut or not self.cursor.rest

    # ---- looking ----

    def walk(self):
        """(record, bytes consumed) of each record that is there for reads."""
        cursor = self.cursor.copy()
        while found := cursor.front():
            yield found
            cursor.pass_front(found[0])

    def available(self):
        return sum(record.size - consumed for record, consumed in self.walk())

    def peek(self, room):
        """(bytes available, messages, length of the first, data)."""
        available = messages = length = 0
        data = bytearray()
        for record, consumed in self.walk():
            left = record.size - consumed
            is_first = not messages
            messages += is_first or not record.has(CONTINUATION)
            if is_first:
                length = left + record.rest
            if messages == 1 or not self.is_message_pipe:
                data += record.payload(consumed, min(left, room - len(data)))
            available += left
        if not self.is_message_pipe:
            messages = length = 0
        return available, messages, length, bytes(data)

    # ---- the ledger ----

    def entry(self, index):
        return SEGMENT.ledger + index % layout.LEDGER_SIZE * 8

    def post(self, read):
        """Tells the writer that a read waits. False: the ledger is full."""
        if self.posted - self.resolved >= layout.LEDGER_SIZE:
            return False
        read.index = self.posted
        self.repost(read)
        self.posted += 1
        self.ring.memory.store(SEGMENT.reads_posted, self.posted)
        return True

    def repost(self, read):
        """Tells the writer what a posted read still has room for, and its mode."""
        if read.index is None:
            return
        value = read.room | layout.POSTED | (layout.MESSAGE_MODE if read.is_message else 0)
        self.change_entry(read.index, lambda seen: value | (seen & CLAIM_BITS if seen & layout.POSTED else 0))

    def change_entry(self, index, change):
        """The entry as it was."""
        memory = self.ring.memory
        while True:
            seen = memory.load(self.entry(index))
            if memory.compare_exchange(self.entry(index), seen, change(seen))[0]:
                return seen

    def withdraw(self, read):
        """A posted read is to be cancelled. False: its writer hands on and was asked whether it counts on it."""
        if read.index is None:
            return True
        if self.change_entry(read.index, lambda seen: seen | layout.READ_IS_ASKED if seen & layout.READ_IS_CLAIMED else 0) & layout.READ_IS_CLAIMED:
            return False
        self.settle(read)
        return True

    def is_released(self, read):
        return not self.ring.memory.load(self.entry(read.index)) & layout.READ_IS_CLAIMED

    def settle(self, read):
        """A posted read is over."""
        if read.index is None:
            return
        self.ring.memory.store(self.entry(read.index), 0)
        read.index = None
        while self.resolved < self.posted and not self.ring.memory.load(self.entry(self.resolved)):
            self.resolved += 1
        self.ring.memory.store(SEGMENT.reads_resolved, self.resolved)

    # ---- records that must not stay ----

    def revoke_tentative(self):
        """A read was taken out of the ledger: the writer must decide anew about a record that may have relied on it."""
        cursor = self.cursor.copy()
        while found := cursor.front():
            cursor.pass_front(found[0])
        if found := cursor.next_record():
            record = found[1]
            if record.progress()[0] == TENTATIVE:
                record.change((TENTATIVE, 0), (REVOKED, 0))

    def revoke_unfinished(self, quota):
        """The writer has died: its pending writes go with it."""
        for records in self.writes():
            last, _, unread = records[-1]
            is_whole = last.rest == 0
            if not is_whole or (unread > quota and any(record.has(REVOCABLE) for record, _, _ in records)):
                for record, consumed, _ in records:
                    record.change((LIVE, consumed), (REVOKED, consumed))
        self.revoke_tentative()

    def writes(self):
        """The unread writes, each a list of (record, bytes consumed, bytes unread up to its end)."""
        found = []
        unread = 0
        for record, consumed in self.walk():
            unread += record.size - consumed
            if not found or not record.has(CONTINUATION):
                found.append([])
            found[-1].append((record, consumed, unread))
        return found
