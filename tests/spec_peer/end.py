# SPDX-License-Identifier: LGPL-2.1-or-later
"""end.py: what the operations on an end of a pipe do, by SEMANTICS.md, sections 2 and 3."""
from dataclasses import dataclass

from spec_peer import layout
from spec_peer.connection import MESSAGE_TYPE, Connection
from spec_peer.incoming import Read
from spec_peer.layout import CLIENT, SERVER, WANTS_DATA, WANTS_ROOM, WANTS_SPACE
from spec_peer.segment import Nonsense
from spec_peer.status import *  # noqa: F403

DISCONNECTED, LISTENING, CONNECTED, CLOSING = 1, 2, 3, 4
QUEUE, COMPLETE = 0, 1
BYTE_MODE, MESSAGE_MODE = 0, 1
DUPLEX = 2
READ_DATA, WRITE_DATA, APPEND_DATA, READ_ATTRIBUTES, WRITE_ATTRIBUTES = 0x1, 0x2, 0x4, 0x80, 0x100
# The configuration of a one-way pipe on which an end reads, or writes: 0 inbound, 1 outbound.
READS, WRITES = {SERVER: 0, CLIENT: 1}, {SERVER: 1, CLIENT: 0}
NO_LOGIN_SESSION = 0xFFFFFFFF
PEEK_HEADER = 16


class Operation:
    """Something that an end was asked to do. `status` is None while it is under way; `when_over` is called once it is."""

    def __init__(self, kind):
        self.kind = kind
        self.status = None
        self.data = b""
        self.count = 0
        self.when_over = None
        self.read = None
        self.waits = True
        self.is_leaving = False  # a read that is to be cancelled when its writer does not count on it
        self.write = None
        self.after = None  # flush: the sequence number that the reader must reach, and the writes not placed before it

    def finish(self, status, data=b"", count=0):
        self.status, self.data, self.count = status, bytes(data), count
        if self.when_over:
            self.when_over(self)
        return self


@dataclass
class Peeked:
    status: int
    state: int = 0
    available: int = 0
    messages: int = 0
    length: int = 0
    data: bytes = b""


class End:
    """What both ends have in common."""

    side = None

    def __init__(self, session, attributes, read_mode=BYTE_MODE, completion_mode=QUEUE, options=0):
        self.session = session
        self.attributes = attributes
        self.read_mode = read_mode
        self.completion_mode = completion_mode
        self.options = options
        self.connection = None
        self.state = LISTENING
        self.is_closed = False
        self.is_broken = False  # the peer has written nonsense
        self.reads = []  # Operation, in order, transceives among them
        self.writes = []
        self.flushes = []

    # ---- what it is ----

    @property
    def granted_access(self):
        return self.attributes["granted_access"]

    @property
    def is_message_pipe(self):
        return self.attributes["type"] == MESSAGE_TYPE

    @property
    def is_detached(self):
        return self.side == CLIENT and self.state == DISCONNECTED

    def refusal(self, access=0):
        """Why no operation that needs this access can be; None if it can. Takes in what has happened first."""
        if self.is_closed:
            return FILE_CLOSED
        if self.granted_access & access != access:
            return ACCESS_DENIED
        self.look()
        return PIPE_DISCONNECTED if self.is_detached else None

    def missing_direction(self, one_way):
        """What an end says that would use a direction which the pipe does not have; `one_way`: the configuration where it has."""
        return None if self.attributes["configuration"] in (DUPLEX, one_way[self.side]) else INVALID_PARAMETER

    def state_error(self):
        """What reads and writes say to a server without a client."""
        return {LISTENING: PIPE_LISTENING, DISCONNECTED: PIPE_DISCONNECTED}.get(self.state)

    # ---- reading ----

    def read_operation(self, length):
        op = Operation("read")
        error = self.refusal(READ_DATA) or self.missing_direction(READS) or self.state_error()
        return op.finish(error) if error else self.start_read(op, length, self.read_mode == MESSAGE_MODE)

    def start_read(self, op, length, is_message):
        op.read = Read(min(length, 0xFFFFFFFF), is_message)
        op.waits = self.completion_mode == QUEUE or op.kind == "transceive"
        self.reads.append(op)
        self.serve()
        if op.status is None and not op.waits:
            self.cancel(op, PIPE_EMPTY)
        return op

    def peek(self, room):
        error = self.refusal(READ_DATA) or self.missing_direction(READS)
        if error:
            return Peeked(error)
        if self.state not in (CONNECTED, CLOSING):
            return Peeked(INVALID_PIPE_STATE)
        found = self.guard(lambda: self.connection.incoming.peek(room)) or (0, 0, 0, b"")
        available, messages, length, data = found
        if self.state == CLOSING and not available and not messages:
            return Peeked(PIPE_BROKEN)
        is_more = length > len(data) if self.is_message_pipe else not room and available
        return Peeked(BUFFER_OVERFLOW if is_more else SUCCESS, self.state, available, messages, length, data)

    # ---- writing ----

    def write_operation(self, data):
        op = Operation("write")
        error = self.refusal(WRITE_DATA) or self.missing_direction(WRITES) or self.state_error()
        if error or self.state == CLOSING:
            return op.finish(error or PIPE_CLOSING)
        if self.completion_mode == COMPLETE:
            count = self.guard(lambda: self.connection.outgoing.write_now(data)) or 0
            self.connection.ring_always()  # what was taken back only the reader can free
            return op.finish(SUCCESS, count=count)
        return self.start_write(op, data)

    def start_write(self, op, data):
        op.write = self.connection.outgoing.submit(data)
        op.count = len(data)
        self.writes.append(op)
        self.serve()
        return op

    def flush_operation(self):
        op = Operation("flush")
        error = self.refusal(0 if self.granted_access & APPEND_DATA else WRITE_DATA)
        outgoing = self.connection.outgoing if self.connection else None
        if error or self.state != CONNECTED or not outgoing:
            return op.finish(error or SUCCESS)
        op.after = (outgoing.next_sequence, list(outgoing.queue))
        self.flushes.append(op)
        self.serve()
        return op

    def transceive_operation(self, data, length):
        op = Operation("transceive")
        error = self.refusal(READ_DATA | WRITE_DATA)
        if not error and (self.state != CONNECTED or self.attributes["configuration"] != DUPLEX or self.read_mode != MESSAGE_MODE):
            error = INVALID_PIPE_STATE
        if not error and (self.reads or self.guard(self.connection.incoming.front)):
            error = PIPE_BUSY
        if error:
            return op.finish(error)
        self.connection.outgoing.submit(data, is_exempt=True)
        return self.start_read(op, length, is_message=True)

    # ---- cancelling ----

    def cancel(self, op, status=CANCELLED):
        """Cancels what is under way; it may turn out to be over."""
        if op in self.reads:
            self.cancel_read(op, status)
        elif op in self.writes:
            is_cancelled = self.connection.outgoing.cancel(op.write)
            if is_cancelled is not None:
                self.writes.remove(op)
                op.finish(status) if is_cancelled else op.finish(SUCCESS, count=op.count)
            self.connection.ring_always()  # the reader may wait in the middle of it, and only the reader frees its room
        elif op in self.flushes:
            self.flushes.remove(op)
            op.finish(status)
        self.serve()

    def cancel_read(self, op, status):
        incoming = self.connection.incoming
        was_posted = op.read.index is not None
        if not op.read.data and not incoming.withdraw(op.read):
            op.is_leaving = True
            self.connection.ring_always()
            return
        incoming.settle(op.read)
        if was_posted:
            incoming.revoke_tentative()
            self.connection.ring(WANTS_SPACE | WANTS_DATA)
            self.serve_read(op)
        if op.status is None:
            self.reads.remove(op)
            op.finish(BUFFER_OVERFLOW, op.read.data) if op.read.data else op.finish(status)

    # ---- what happens meanwhile ----

    def look(self):
        """Takes in what the peer has done."""
        self.serve()

    def serve(self):
        """Does what can be done, until there is nothing left that the peer would not be heard about."""
        while self.connection and not self.is_closed:
            self.guard(self.advance)
            if not self.connection or not self.connection.want(self.wants()):
                return

    def wants(self):
        return (WANTS_DATA if self.reads else 0) | (WANTS_SPACE if self.writes or self.flushes or self.has_queue() else 0)

    def has_queue(self):
        outgoing = self.connection.outgoing
        return bool(outgoing and outgoing.queue)

    def guard(self, action):
        """Does something that nonsense of the peer may stop."""
        try:
            return action()
        except Nonsense:
            self.is_broken = True
            self.connection.add_state(layout.closed_bit(self.side))
            self.peer_is_gone()
            return None

    def advance(self):
        connection = self.connection
        if self.take_in_state():
            return
        if connection.incoming:
            self.advance_reads()
        if connection.outgoing and self.state == CONNECTED:
            self.advance_writes()

    def take_in_state(self):
        """The state word, and the hang-up. True: the connection is over."""
        if self.state == CONNECTED and (self.is_broken or self.connection.has_hung_up or self.connection.peer_has_closed()):
            self.peer_is_gone()
        return False

    def peer_is_gone(self):
        if self.state != CONNECTED:
            return
        has_died = not self.connection.peer_has_closed() and not self.is_broken
        self.state = CLOSING
        self.end_all(self.writes + self.flushes, PIPE_BROKEN)
        self.writes, self.flushes = [], []
        if has_died and self.connection.incoming:
            self.receive_overflow()
            self.guard(lambda: self.connection.incoming.revoke_unfinished(self.connection.quota_in))

    def receive_overflow(self):
        if self.connection.incoming.lacks_overflow():
            self.session.take_in()

    def advance_reads(self):
        incoming = self.connection.incoming
        self.receive_overflow()
        while self.reads and self.serve_read(self.reads[0]):
            pass
        for op in [op for op in self.reads if op.is_leaving and (op.read.data or incoming.is_released(op.read))]:
            incoming.settle(op.read)
            incoming.revoke_tentative()
            self.reads.remove(op)
            op.finish(BUFFER_OVERFLOW, op.read.data) if op.read.data else op.finish(CANCELLED)
        if not self.reads:
            incoming.front()
        for op in self.reads:
            if op.read.index is None:
                if not (op.waits and incoming.post(op.read)):
                    break
                self.connection.ring(WANTS_ROOM)
        self.connection.tell_posted(sum(op.read.room for op in self.reads))
        if incoming.publish():
            self.connection.ring(WANTS_SPACE)

    def serve_read(self, op):
        """Gives a read what is there; whether it is over."""
        status = None if self.is_broken else self.connection.incoming.serve(op.read)
        if status is None:
            if self.state != CLOSING:
                return False
            status = BUFFER_OVERFLOW if op.read.data else PIPE_BROKEN
        self.reads.remove(op)
        self.connection.incoming.settle(op.read)
        op.finish(status, op.read.data)
        return True

    def advance_writes(self):
        outgoing = self.connection.outgoing
        outgoing.look()
        before = outgoing.next_sequence
        outgoing.advance()
        self.connection.tell_unread()
        if outgoing.next_sequence != before:
            self.connection.ring(WANTS_DATA)
        for op in [op for op in self.writes if op.write.is_over]:
            self.writes.remove(op)
            op.finish(CANCELLED) if op.write.is_cancelled else op.finish(SUCCESS, count=op.count)
        for op in [op for op in self.flushes if self.is_flushed(op)]:
            self.flushes.remove(op)
            op.finish(SUCCESS)

    def is_flushed(self, op):
        outgoing = self.connection.outgoing
        sequence, queued = op.after
        if any(write in outgoing.queue for write in queued):
            return False
        last = max([sequence, *(placed.record.sequence + 1 for write in queued for placed in write.placed)])
        return all(placed.revoked or placed.is_over for placed in outgoing.records if placed.record.sequence < last)

    def end_all(self, operations, status):
        for op in operations:
            op.finish(status)

    def end_everything(self, status):
        """Ends what is under way."""
        operations = self.reads + self.writes + self.flushes
        self.reads, self.writes, self.flushes = [], [], []
        self.end_all(operations, status)

    # ---- its own end ----

    def let_go(self, bit):
        """Tells the peer, and releases the connection."""
        connection, self.connection = self.connection, None
        connection.add_state(bit)
        connection.release()

    def close(self):
        if self.is_closed:
            return
        self.is_closed = True
        if self.connection:
            if self.connection.outgoing and self.state == CONNECTED:
                self.guard(self.connection.outgoing.give_up)
                self.connection.tell_unread()
            self.let_go(layout.closed_bit(self.side))
        self.closed()
        self.session.forget(self)
        self.end_everything(PIPE_BROKEN)

    def closed(self):
        """What else belongs to it."""

    # ---- modes ----

    def set_modes(self, read_mode, completion_mode):
        error = self.refusal(WRITE_ATTRIBUTES)
        if error:
            return error
        if read_mode > MESSAGE_MODE or completion_mode > COMPLETE or (read_mode == MESSAGE_MODE and not self.is_message_pipe):
            return INVALID_PARAMETER
        if completion_mode == COMPLETE and self.completion_mode == QUEUE and (self.reads or self.writes):
            return PIPE_BUSY
        self.read_mode, self.completion_mode = read_mode, completion_mode
        for op in self.reads:
            if op.kind == "read":
                op.read.is_message = read_mode == MESSAGE_MODE
                self.connection.incoming.repost(op.read)
        if self.connection:
            self.serve()
        return SUCCESS

    # ---- who ----

    def client_info(self):
        """(status, identity)."""
        error = self.refusal()
        if not error and not self.connection:
            error = NOT_FOUND
        return (error, None) if error else (SUCCESS, self.connection.identity)

    def server_process(self):
        """(status, process id)."""
        raise NotImplementedError

    def server_login_session(self):
        """(status, number of the login session)."""
        raise NotImplementedError


class ClientEnd(End):
    side = CLIENT

    def __init__(self, session, fields, connection):
        super().__init__(session, fields["attributes"])
        self.server_process_id = fields["server_process"]
        self.server_session_id = fields["server_login_session"]
        self.connection = connection
        self.state = CONNECTED
        connection.end = self

    def take_in_state(self):
        if not self.connection.state() & layout.DISCONNECTED:
            return super().take_in_state()
        connection, self.connection = self.connection, None
        self.state = DISCONNECTED
        connection.release()
        self.end_everything(PIPE_DISCONNECTED)
        return True

    def listen_operation(self):
        return Operation("listen").finish(FILE_CLOSED if self.is_closed else ILLEGAL_FUNCTION)

    def disconnect(self):
        return FILE_CLOSED if self.is_closed else ILLEGAL_FUNCTION

    def server_process(self):
        error = self.refusal()
        return (error, 0) if error else (SUCCESS, self.server_process_id)

    def server_login_session(self):
        error = self.refusal()
        return (error, 0) if error else (SUCCESS, self.server_session_id)


class ServerEnd(End):
    side = SERVER

    def __init__(self, session, handle, attributes, secret, **modes):
        super().__init__(session, attributes, **modes)
        self.handle = handle
        self.secret = secret  # the pipe's proof
        self.is_orphan = False  # the name was lost while the broker was away
        self.period = 1
        self.half = None  # handed over, its client is not seen yet
        self.listens = []
        self.process_id = session.process_id

    # ---- becoming connected ----

    def handed_over(self, fields, descriptors):
        """CONNECTED: the broker has matched a client with this instance."""
        connection = Connection(SERVER, fields, self.attributes, descriptors, self.session)
        connection.end = self
        if self.state != LISTENING or fields["period"] != self.period or self.half:
            self.refuse(connection)
            return
        self.half = connection
        self.look_for_client()

    @staticmethod
    def refuse(connection, bit=layout.DISCONNECTED):
        """Withdraws a hand-over; a client that was faster is told otherwise."""
        if not connection.withdraw():
            connection.add_state(bit)
        connection.release()

    def look_for_client(self):
        """Becomes connected when the client has attached."""
        if self.half is None:
            return
        if self.half.state() & layout.ATTACHED:
            self.connect()
        elif self.half.has_hung_up:
            half, self.half = self.half, None
            if half.withdraw():
                half.release()
                self.listen_again()
            else:
                self.half = half
                self.connect()

    def connect(self):
        self.connection, self.half = self.half, None
        self.state = CONNECTED
        listens, self.listens = self.listens, []
        self.end_all(listens, SUCCESS)
        self.serve()

    def look(self):
        if self.state == LISTENING:
            self.session.take_in()
            self.look_for_client()
        super().look()

    def serve(self):
        self.look_for_client()
        super().serve()

    # ---- what a server may do ----

    def listen_operation(self):
        op = Operation("listen")
        error = self.refusal() or {CONNECTED: PIPE_CONNECTED, CLOSING: PIPE_CLOSING}.get(self.state)
        if error or self.is_orphan:
            return op.finish(error or CONNECTION_DISCONNECTED)
        if self.state == DISCONNECTED:
            self.state = LISTENING
            self.listen_again()
        if self.completion_mode == COMPLETE:
            return op.finish(PIPE_LISTENING)
        self.listens.append(op)
        return op

    def listen_again(self):
        self.period += 1
        self.session.send("LISTENING", handle=self.handle, period=self.period)

    def disconnect(self):
        error = self.refusal()
        if error or self.state == DISCONNECTED:
            return error or PIPE_DISCONNECTED
        self.state = DISCONNECTED
        if self.half:
            half, self.half = self.half, None
            self.refuse(half)
        if self.connection:
            self.let_go(layout.DISCONNECTED)
        self.session.send("DISCONNECTED", handle=self.handle)
        self.end_everything(PIPE_DISCONNECTED)
        return SUCCESS

    def end_everything(self, status):
        listens, self.listens = self.listens, []
        super().end_everything(status)
        self.end_all(listens, status)

    def cancel(self, op, status=CANCELLED):
        if op in self.listens:
            self.listens.remove(op)
            op.finish(status)
        else:
            super().cancel(op, status)

    def closed(self):
        if self.half:
            half, self.half = self.half, None
            self.refuse(half, layout.SERVER_CLOSED)
        self.session.instances.pop(self.handle, None)
        self.session.send("CLOSED", handle=self.handle)

    def server_process(self):
        error = self.refusal()
        return (error, 0) if error else (SUCCESS, self.process_id)

    def server_login_session(self):
        error = self.refusal()
        with open("/proc/self/sessionid", encoding="ascii") as file:
            session = int(file.read())
        return (error, 0) if error else (SUCCESS, 0 if session == NO_LOGIN_SESSION else session)

    # ---- another broker ----

    def returned(self):
        """The instance as COME_BACK tells it."""
        return {"handle": self.handle, "state": self.state, "period": self.period,
                **{field: self.attributes[field] for field in ("inbound_quota", "outbound_quota", "granted_access")}}

    def orphan(self):
        """The next broker does not have the pipe any more."""
        self.is_orphan = True
        listens, self.listens = self.listens, []
        self.end_all(listens, CONNECTION_DISCONNECTED)
