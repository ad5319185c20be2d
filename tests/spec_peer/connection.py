# SPDX-License-Identifier: LGPL-2.1-or-later
"""connection.py: one half of a connection: the page that both ends share, the doorbell, the two directions (docs/SPEC.md, 6, 10, 11)."""
import os
import select
import socket

from spec_peer import layout
from spec_peer.incoming import Incoming
from spec_peer.layout import CLIENT, CONNECTION, INBOUND, OUTBOUND, SERVER
from spec_peer.memory import Memory, Part
from spec_peer.outgoing import Outgoing
from spec_peer.segment import Segment

MESSAGE_TYPE = 1
QUOTAS = {INBOUND: "inbound_quota", OUTBOUND: "outbound_quota"}


class Connection:
    """Takes the descriptors of a hand-over: index of the message -> descriptor. Indices 2 and 3 are rings that this end alone uses."""

    def __init__(self, side, fields, attributes, descriptors, session):
        self.side = side
        self.id = fields["connection"]
        self.session = session
        self.peer_reads, self.peer_writes = bool(fields["peer_reads"]), bool(fields["peer_writes"])
        self.identity = fields["identity"]
        self.doorbell = socket.socket(fileno=descriptors.pop(0))
        self.doorbell.setblocking(False)
        self.process = descriptors.pop(4)
        self.memory = self.page = self.incoming = self.outgoing = None
        self.has_hung_up = False
        self.writes, self.reads = (INBOUND, OUTBOUND) if side == CLIENT else (OUTBOUND, INBOUND)
        try:
            inbound, outbound = fields["inbound_ring"], fields["outbound_ring"]
            size = CONNECTION.size_in_bytes + inbound + outbound
            self.memory = Memory(descriptors.pop(1), size, size)
            self.page = Part(self.memory, 0, CONNECTION.size_in_bytes)
            rings = {direction: Segment.of(descriptors.pop(index)) for index, direction in ((2, INBOUND), (3, OUTBOUND))
                     if index in descriptors}
            if inbound:
                rings[INBOUND] = Segment(Part(self.memory, CONNECTION.size_in_bytes, inbound))
            if outbound:
                rings[OUTBOUND] = Segment(Part(self.memory, CONNECTION.size_in_bytes + inbound, outbound))
        except BaseException:
            self.release()
            raise
        is_message = attributes["type"] == MESSAGE_TYPE
        self.quota_in = attributes[QUOTAS[self.reads]]
        if self.reads in rings:
            self.incoming = Incoming(rings[self.reads], is_message)
        if self.writes in rings:
            self.outgoing = Outgoing(rings[self.writes], is_message, attributes[QUOTAS[self.writes]], fields.get("context", 0),
                                     session.largest_overflow, self.ask_for_overflow)
        session.watch(self)

    # ---- the state word ----

    def state(self):
        return self.page.load32(CONNECTION.state)

    def attach(self):
        """The client begins. False: the server has withdrawn."""
        done, _ = self.page.compare_exchange32(CONNECTION.state, 0, layout.ATTACHED)
        self.ring_always()
        return done

    def withdraw(self):
        """The server takes no client from this hand-over. False: the client was faster."""
        return self.page.compare_exchange32(CONNECTION.state, 0, layout.WITHDRAWN)[0]

    def add_state(self, bit):
        self.page.fetch_or32(CONNECTION.state, bit)
        self.ring_always()

    def peer_has_closed(self):
        return bool(self.state() & layout.closed_bit(SERVER if self.side == CLIENT else CLIENT))

    # ---- the doorbell ----

    def want(self, bits):
        """Asks to be woken for something; whether that is news, so that the end must look once more."""
        return self.page.fetch_or32(layout.wants(self.side), bits) & bits != bits

    def ring(self, bit):
        """Wakes the peer if it wants to be woken for that."""
        offset = layout.wants(SERVER if self.side == CLIENT else CLIENT)
        if self.page.load32(offset) & bit:
            self.page.exchange32(offset, 0)
            self.ring_always()

    def ring_always(self):
        try:
            self.doorbell.send(b"\0", socket.MSG_NOSIGNAL)
        except OSError:
            pass  # the buffer is full of rings already, or nobody is there

    def hear(self):
        """Takes in the doorbell's bytes; whether there were any."""
        heard = False
        try:
            while self.doorbell.recv(4096):
                heard = True
            self.has_hung_up = True
        except BlockingIOError:
            pass
        except OSError:
            self.has_hung_up = True
        if not self.has_hung_up and select.select([self.process], [], [], 0)[0]:
            self.has_hung_up = True
        return heard or self.has_hung_up

    # ---- what an end that does not map the other one's rings is told ----

    def tell_unread(self):
        if self.outgoing and not self.peer_reads:
            self.page.store(layout.unread(self.writes), self.outgoing.unread())

    def tell_posted(self, total):
        if self.incoming and not self.peer_writes:
            self.page.store(layout.posted(self.reads), total)

    def available(self):
        """Unread bytes for this end."""
        return self.incoming.available() if self.incoming else self.page.load(layout.unread(self.reads))

    def unread_and_posted(self):
        """Of the direction that this end writes: (unread bytes, bytes that the peer's reads wait for)."""
        if self.outgoing:
            self.outgoing.look()
            return self.outgoing.unread(), self.outgoing.posted_bytes()
        return 0, self.page.load(layout.posted(self.writes))

    # ---- overflow ----

    def ask_for_overflow(self, size):
        return self.session.ask_for_overflow(self, size)

    def forget_overflow_request(self):
        """Another broker may grant what this one has not answered, or has refused."""
        if self.outgoing:
            self.outgoing.is_asking = self.outgoing.was_refused = False

    def overflow_came(self, direction, descriptor):
        """SEGMENT: a segment for one of the directions; None: it was refused."""
        segment = None if descriptor is None else Segment.of(descriptor)
        if direction == self.writes and self.outgoing:
            self.outgoing.overflow_came(segment)
        elif direction == self.reads and self.incoming and segment:
            self.incoming.add_overflow(segment)
        elif segment:
            segment.close()

    # ---- its end ----

    def release(self):
        """Lets go of everything."""
        self.session.unwatch(self)
        self.doorbell.close()
        if self.process is not None:
            os.close(self.process)
            self.process = None
        for part in self.page, self.incoming, self.outgoing, self.memory:
            if part:
                part.close()
        self.session.released(self)
