# SPDX-License-Identifier: LGPL-2.1-or-later
"""outgoing.py: the direction that an end writes: placing records, the quota, taking back (docs/SPEC.md, section 8)."""
from collections import deque
from dataclasses import dataclass, field

from spec_peer import layout
from spec_peer.layout import (ASKED, CLAIMED, CONTINUATION, CUT, DONE, EXEMPT, KEPT, LIVE, REVOCABLE, REVOKED, SEGMENT, TENTATIVE,
                              UNCLAIMED)
from spec_peer.segment import Nonsense, Record

# A piece of a write that fits no segment is not smaller than this, unless it is the last: a record has a header.
SMALLEST_PIECE = 4096


@dataclass
class Placed:
    """A record that the reader may not have passed yet."""

    record: Record
    ends_at: int  # payload bytes of this direction up to its end
    revoked: int = 0  # bytes at its end that were taken back
    is_over: bool = False  # the reader has passed it, or it is done

    def revoked_behind(self, consumed):
        """Bytes taken back that the reader, who has come so far, has not passed."""
        return min(self.revoked, max(0, self.ends_at - consumed))


@dataclass
class Write:
    data: bytes
    is_exempt: bool = False
    placed: list = field(default_factory=list)  # of Placed
    placed_bytes: int = 0
    is_over: bool = False
    is_asked: bool = False  # who hands it on has not answered
    is_cancelled: bool = False
    needs_cut: bool = False

    @property
    def is_placed(self):
        return bool(self.placed) and self.placed_bytes == len(self.data)

    @property
    def is_begun(self):
        return bool(self.placed)


class Outgoing:
    """`ask(size)` asks the broker for an overflow segment of so many bytes; what comes of it is told by overflow_came(). False: no
    broker is there."""

    def __init__(self, ring, is_message_pipe, quota, context, largest_overflow, ask):
        self.ring = ring
        self.segments = [ring]
        self.is_message_pipe = is_message_pipe
        self.quota = quota
        self.context = context
        self.largest_overflow = largest_overflow
        self.ask = ask
        self.is_asking = False
        self.was_refused = False
        self.overflows = 0  # that were used
        self.unused = None  # an overflow segment that no record was put into
        self.next_sequence = 0
        self.written = 0  # payload bytes, of all records
        self.consumed = 0
        self.consumed_records = 0
        self.records = deque()  # Placed, not passed
        self.queue = deque()  # Write, not wholly placed
        self.pending = deque()  # Write, not over
        self.asked = []  # Write, cancelled, of which the reader claims a record

    def close(self):
        for segment in [*self.segments, *filter(None, [self.unused])]:
            segment.close()

    # ---- what the reader has done ----

    def look(self):
        """Takes in what the reader has consumed."""
        memory = self.ring.memory
        consumed = memory.load(SEGMENT.consumed_bytes)
        records = memory.load(SEGMENT.consumed_records)
        if not self.consumed <= consumed <= self.written or not self.consumed_records <= records <= self.next_sequence:
            raise Nonsense("more was consumed than was written")
        self.consumed, self.consumed_records = consumed, records
        while self.records and self.records[0].record.sequence < records:
            self.records.popleft().is_over = True
        ring, *overflows = self.segments
        for segment in overflows[:-1]:
            if segment.is_drained():
                self.segments.remove(segment)
                segment.close()

    def ledger(self):
        """[(length, whether in message mode)] of the reads that wait. What makes no sense counts as nothing."""
        memory = self.ring.memory
        resolved, posted = memory.load(SEGMENT.reads_resolved), memory.load(SEGMENT.reads_posted)
        if not resolved <= posted <= resolved + layout.LEDGER_SIZE:
            return []
        entries = [memory.load(SEGMENT.ledger + index % layout.LEDGER_SIZE * 8) for index in range(resolved, posted)]
        return [(entry & 0xFFFFFFFF, bool(entry & layout.MESSAGE_MODE)) for entry in entries if entry & layout.POSTED]

    def posted_bytes(self):
        return sum(length for length, _ in self.ledger())

    def unread_up_to(self, last):
        """u(i): unread bytes up to and including a record."""
        revoked = 0
        for placed in self.records:
            revoked += placed.revoked_behind(self.consumed)
            if placed is last:
                break
        return max(0, last.ends_at - self.consumed - revoked)

    def unread(self):
        return self.unread_up_to(self.records[-1]) if self.records else 0

    # ---- what reads that wait will take ----

    def unread_records(self):
        """[(unread bytes, whether another piece follows)] in order."""
        found = []
        before = self.consumed
        for placed in self.records:
            record = placed.record
            left = min(record.size, placed.ends_at - before)
            if not placed.revoked and not placed.is_over and not record.has(CUT):
                found.append((left, bool(record.rest)))
            before = max(before, placed.ends_at)
        return found

    def taken_by_reads(self, more=None):
        """How many of the unread bytes the reads in the ledger will take. `more`: size of a record to think of behind the last."""
        records = deque(self.unread_records())
        if more is not None:
            records.append((more, False))
        taken = 0
        for length, is_message in self.ledger():
            if not records:
                break
            taken += (take_message if is_message else take_bytes)(records, length)
        return taken

    # ---- placing ----

    def submit(self, data, is_exempt=False):
        """Begins a write; `is_over` says whether it is over."""
        write = Write(data, is_exempt)
        if not data and not self.is_message_pipe:
            write.is_over = True
            return write
        self.queue.append(write)
        self.pending.append(write)
        return write

    def advance(self):
        """Places what there is room for, and finds out which writes are over by now: those."""
        answered = self.take_in_answers()
        while self.queue and self.place(self.queue[0]):
            self.queue.popleft()
        over = [write for write in self.pending if write.is_placed and not write.is_asked and self.is_complete(write)]
        for write in over:
            write.is_over = True
            self.pending.remove(write)
        return answered + over

    def is_complete(self, write):
        if write.is_exempt or not write.data:
            return True
        unread = self.unread_up_to(write.placed[-1]) if not write.placed[-1].is_over else 0
        return unread <= self.quota or unread - self.taken_by_reads() <= self.quota

    def place(self, write):
        """Puts a write, or as many pieces of it as there is room for, into shared memory; whether it is there wholly."""
        if write.needs_cut:
            return self.ring.room() >= layout.padded(0) and self.put(self.ring, CUT, b"", 0, LIVE)
        if not write.is_begun:
            need = layout.padded(len(write.data))
            if segment := self.segment_with_room(need):
                return self.append(segment, write, len(write.data))
            if self.may_fit_later(need):
                return False
        while write.placed_bytes < len(write.data):
            left = len(write.data) - write.placed_bytes
            count = min(left, self.ring.room() // 32 * 32 - layout.padded(0))
            if count < min(left, SMALLEST_PIECE) or not self.append(self.ring, write, count):
                return False
        return True

    def segment_with_room(self, need):
        usable = [self.ring, *self.segments[1:][-1:]] if not self.unused else [self.ring, self.unused]
        return next((segment for segment in usable if segment.room() >= need), None)

    def may_fit_later(self, need):
        """Whether to wait for room: in a segment that there is, or in one that the broker is asked for here."""
        if self.is_asking:
            return True
        size = self.overflow_size(need)
        if size and not self.was_refused:
            if self.unused:
                self.begin_overflow()
            if len(self.segments) > 2:
                return True  # the one before is not drained yet
            self.is_asking = self.ask(size)
            if self.is_asking:
                return True
        return need <= max(segment.capacity for segment in self.segments[:1] + self.segments[-1:])

    def overflow_size(self, need):
        """The size of the next overflow segment, as section 12 advises; 0: there is none that would help."""
        smallest = 1 << (need + SEGMENT.size_in_bytes - 1).bit_length()
        largest = 1 << self.largest_overflow.bit_length() - 1 if self.largest_overflow else 0
        newest = self.unused or self.segments[-1]
        if newest is self.ring:
            size = min(max(smallest, 1 << (2 * self.ring.memory.size - 1).bit_length()), largest)
            return size if size >= smallest else 0
        return largest if largest >= smallest and largest > newest.memory.size else 0

    def overflow_came(self, segment):
        """None: it was refused."""
        self.is_asking = False
        if segment is None:
            self.was_refused = True
        else:
            self.unused = segment

    def begin_overflow(self):
        self.segments.append(self.unused)
        self.unused = None
        self.overflows += 1
        self.ring.memory.store(SEGMENT.overflows, self.overflows)

    def append(self, segment, write, count, state=LIVE):
        """Makes a record of the next `count` bytes of a write. False: the system is out of memory."""
        data = write.data[write.placed_bytes : write.placed_bytes + count]
        rest = len(write.data) - write.placed_bytes - count
        flags = self.flags_of(write, count, rest, state)
        if not self.put(segment, flags, data, rest, state):
            return False
        write.placed.append(self.records[-1])
        write.placed_bytes += count
        return True

    def flags_of(self, write, count, rest, state):
        flags = CONTINUATION if write.is_begun else 0
        if write.is_exempt:
            return flags | EXEMPT
        is_complete = not rest and (not count or self.unread() + count <= self.quota)
        return flags | (0 if is_complete and state == LIVE else REVOCABLE)

    def put(self, segment, flags, data, rest, state):
        if segment is self.unused:
            self.begin_overflow()
        record = Record(segment, segment.tail_seen, len(data), flags, self.next_sequence, self.context, rest)
        if not segment.append(record, data, state):
            return False
        self.next_sequence += 1
        self.written += len(data)
        self.records.append(Placed(record, self.written))
        return True

    # ---- taking back ----

    def cancel(self, write, at_once=False):
        """Takes a write back that is not over. False: the reader was faster, the write is over. None: who hands it on is asked, unless
        it is to be `at_once`."""
        came = self.revoke(write, at_once) if write.is_begun else "revoked"
        if write.is_placed and came == "asked":
            write.is_asked = True
            return None
        self.pending.remove(write)
        if write.is_placed and came == "over":
            write.is_over = True
            return False
        if came != "revoked":
            write.needs_cut = True  # it is the first of the queue
        elif write in self.queue:
            self.queue.remove(write)
        return True

    def revoke(self, write, at_once):
        """Revokes the first record of a write that can be: "revoked"; else "asked" if claimed ones were asked for, or "over"."""
        came = "over"
        for place, placed in enumerate(write.placed):
            if placed.is_over or not placed.record.has(REVOCABLE):
                placed.is_over = True
                continue
            outcome, consumed = self.revoke_record(placed.record, at_once)
            if outcome == "revoked":
                self.count_revoked(write, place, consumed)
                came = outcome
                break
            if outcome == "asked":
                came = outcome
                if write not in self.asked:
                    self.asked.append(write)
            placed.is_over = outcome == "done"
        if write in self.asked:
            self.hold(write)
        return came

    @staticmethod
    def count_revoked(write, place, consumed):
        write.placed[place].revoked = write.placed[place].record.size - consumed
        for later in write.placed[place + 1 :]:
            later.revoked = later.record.size

    @staticmethod
    def revoke_record(record, at_once):
        """("revoked", "asked", "kept" or "done"; the bytes of it that were consumed before)."""
        while True:
            state, consumed = record.progress()
            claim = UNCLAIMED if at_once else record.claim()
            if state in (DONE, REVOKED):
                return "done" if state == DONE else "revoked", consumed
            if claim in (ASKED, KEPT):
                return "asked" if claim == ASKED else "kept", consumed
            if claim == CLAIMED:
                if record.change((LIVE, consumed, CLAIMED), (LIVE, consumed, ASKED)):
                    return "asked", consumed
            elif record.change((state, consumed, record.claim() if at_once else UNCLAIMED), (REVOKED, consumed)):
                return "revoked", consumed

    def take_in_answers(self):
        """The writes of which the reader has said by now whether they are cancelled."""
        answered = []
        for write in list(self.asked):
            is_open = False
            for place, placed in enumerate(write.placed):
                if placed.record.position < placed.record.segment.used_from() or placed.revoked:
                    continue
                state, consumed = placed.record.progress()
                if state == REVOKED:
                    self.count_revoked(write, place, consumed)
                    is_open, write.is_cancelled = False, True
                    break
                is_open = is_open or (state == LIVE and placed.record.claim() == ASKED)
            if not is_open:
                self.asked.remove(write)
                if write in self.pending:
                    self.pending.remove(write)
                    write.is_asked, write.is_over = False, True
                    answered.append(write)
        for segment in self.segments:
            segment.held = None
        for write in self.asked:
            self.hold(write)
        return answered

    @staticmethod
    def hold(write):
        """What was asked for stays in its place until the answer was seen, unless that has been so before."""
        for placed in write.placed:
            segment, position = placed.record.segment, placed.record.position
            if position >= segment.head_seen:
                segment.held = position if segment.held is None else min(position, segment.held)

    def give_up(self):
        """The end closes: what is pending is taken back, so that whoever reads meanwhile finds nothing missing in the middle."""
        self.take_in_answers()
        for write in reversed(list(self.pending)):
            self.cancel(write, at_once=True)

    # ---- writing without waiting ----

    def write_now(self, data):
        """How many bytes were written (section 8.5)."""
        while True:
            self.look()
            if self.queue:
                return 0
            if not data or self.unread() + len(data) <= self.quota:
                return self.write_within_quota(data)
            count = self.acceptable(len(data))
            if not count:
                return 0
            segment = self.segment_with_room(layout.padded(count))
            write = Write(data[:count])
            if segment is None or not self.append(segment, write, count, TENTATIVE):
                self.may_fit_later(layout.padded(count))
                return 0
            placed = write.placed[0]
            self.look()
            is_fitting = self.unread() - self.taken_by_reads() <= self.quota
            if placed.record.change((TENTATIVE, 0), (LIVE if is_fitting else REVOKED, 0)) and is_fitting:
                return count
            placed.revoked = placed.record.size

    def write_within_quota(self, data):
        """Without room in shared memory nothing is written, but there will be some for the next write."""
        if not data and not self.is_message_pipe:
            return 0
        segment = self.segment_with_room(layout.padded(len(data)))
        if segment and self.append(segment, Write(data), len(data)):
            return len(data)
        self.may_fit_later(layout.padded(len(data)))
        return 0

    def acceptable(self, size):
        """How many bytes of a write the quota and the reads that wait would take."""
        unread = self.unread()
        taken = self.taken_by_reads(more=size)
        if unread + size - taken <= self.quota:
            return size
        return 0 if self.is_message_pipe else max(0, taken - unread)


def take_bytes(records, length):
    """What a read in byte mode takes from [(unread bytes, whether a piece follows)]."""
    if records[0][0] == 0 and not records[0][1]:
        records.popleft()
        return 0
    taken = 0
    while records and taken < length:
        left, more = records.popleft()
        count = min(left, length - taken)
        taken += count
        if count < left:
            records.appendleft((left - count, more))
    return taken


def take_message(records, length):
    """What a read in message mode takes."""
    taken = 0
    while records:
        left, more = records.popleft()
        count = min(left, length - taken)
        taken += count
        if count < left:
            records.appendleft((left - count, more))
            break
        if not more:
            break
    return taken
