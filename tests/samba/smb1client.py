# SPDX-License-Identifier: LGPL-2.1-or-later
# smb1client.py: a raw SMB1 client for tests: each response can be seen, nothing is done behind the test's back.
"""
    with Smb1Client(port, "games", "secret") as client:         # connects, logs in, opens the tree IPC$
        fid = client.open("echo")                               # by NT_CREATE_ANDX; raises unless STATUS_SUCCESS
        client.write(fid, b"hello")                             # every command: a call that waits for the response,
        print(client.read(fid, 100).data)                       # (READ_ANDX and WRITE_ANDX; the old ones are core_...())
        pending = client.start_read(fid, 100)                   # and start_...(), which does not
        client.echo()                                           # smbd has seen the READ_ANDX when this is answered
        pending.cancel()                                        # NT_CANCEL
        assert pending.final().status == Status.CANCELLED
        client.peek(fid, 100).parameters                        # the subcommands of TRANSACTION

It is like smb2client.py: a response is not an exception, look at its status. Several requests may be in flight; the MID tells which
one a response belongs to. A chain of AndX commands is sent by chain([request, request...]), and its response has as many `blocks`.
A TRANSACTION (also TRANSACTION2, NT_TRANSACT) may be cut into pieces, as sizes say, and its response is put together, each byte checked
to come once.

Options: `nt_status=False` is a client that knows DOS errors only, `unicode=False` one that sends 8-bit strings; `signing`; several
sessions on one connection (another_session). No user and password: an anonymous session.
"""
import contextlib
import enum
import hashlib
import struct
import time

from smb2client import ProtocolError, Status, StatusError
from smbwire import TIMEOUT, Login, Wire

HEADER_SIZE = 32
NO_ANDX = 0xFF


class Command(enum.IntEnum):
    OPEN, CLOSE, FLUSH, READ, WRITE, LSEEK = 0x02, 0x04, 0x05, 0x0A, 0x0B, 0x12
    READ_RAW, READ_MPX, WRITE_RAW, WRITE_MPX, SET_INFORMATION2, QUERY_INFORMATION2 = 0x1A, 0x1B, 0x1D, 0x1E, 0x22, 0x23
    LOCKING_ANDX, TRANSACTION, TRANSACTION_SECONDARY, IOCTL, ECHO, WRITE_AND_CLOSE = 0x24, 0x25, 0x26, 0x27, 0x2B, 0x2C
    OPEN_ANDX, READ_ANDX, WRITE_ANDX, TRANSACTION2, TRANSACTION2_SECONDARY = 0x2D, 0x2E, 0x2F, 0x32, 0x33
    TREE_DISCONNECT, NEGOTIATE, SESSION_SETUP_ANDX, LOGOFF_ANDX, TREE_CONNECT_ANDX = 0x71, 0x72, 0x73, 0x74, 0x75
    NT_TRANSACT, NT_TRANSACT_SECONDARY, NT_CREATE_ANDX, NT_CANCEL = 0xA0, 0xA1, 0xA2, 0xA4


ANDX = {Command.LOCKING_ANDX, Command.OPEN_ANDX, Command.READ_ANDX, Command.WRITE_ANDX, Command.SESSION_SETUP_ANDX,
        Command.LOGOFF_ANDX, Command.TREE_CONNECT_ANDX, Command.NT_CREATE_ANDX}  # fmt: skip
TRANSACTIONS = {Command.TRANSACTION, Command.TRANSACTION2, Command.NT_TRANSACT}


class Trans(enum.IntEnum):
    """Subcommands of TRANSACTION."""

    SET_STATE, RAW_READ, QUERY_STATE, QUERY_INFO, PEEK, TRANSACT = 0x01, 0x11, 0x21, 0x22, 0x23, 0x26
    RAW_WRITE, READ, WRITE, WAIT, CALL = 0x31, 0x36, 0x37, 0x53, 0x54


class Trans2(enum.IntEnum):
    OPEN2, FIND_FIRST2, QUERY_FS, QUERY_PATH, SET_PATH, QUERY_FILE, SET_FILE = 0x00, 0x01, 0x03, 0x05, 0x06, 0x07, 0x08


class NtTransact(enum.IntEnum):
    CREATE, IOCTL, SET_SECURITY, NOTIFY, RENAME, QUERY_SECURITY = 1, 2, 3, 4, 5, 6


READ_DATA, WRITE_DATA, READ_ATTRIBUTES, WRITE_ATTRIBUTES = 0x1, 0x2, 0x80, 0x100
USUAL_ACCESS = 0x0012019F
PASS_THROUGH = 1000  # plus an information class: the information level that means it

FLAG_REPLY = 0x80
FLAGS2_LONG_NAMES, FLAGS2_SIGNATURE, FLAGS2_EXTENDED_SECURITY, FLAGS2_NT_STATUS, FLAGS2_UNICODE = 0x1, 0x4, 0x800, 0x4000, 0x8000
CAP_UNICODE, CAP_LARGE_FILES, CAP_NT_SMBS, CAP_STATUS32, CAP_EXTENDED_SECURITY = 0x4, 0x8, 0x10, 0x40, 0x80000000
CAP_LARGE_READ, CAP_LARGE_WRITE = 0x4000, 0x8000

WRITE_THROUGH, WRITE_WANTS_AVAILABLE, WRITE_RAW_MODE, WRITE_MESSAGE_START = 0x1, 0x2, 0x4, 0x8
RAW_START = WRITE_RAW_MODE | WRITE_MESSAGE_START

ERRDOS, ERRSRV = 1, 2
BAD_PIPE, PIPE_BUSY, PIPE_CLOSING, NOT_CONNECTED, MORE_DATA = 230, 231, 232, 233, 234


def known_command(code):
    try:
        return Command(code)
    except ValueError:
        raise ProtocolError(f"a response to command {code:#x}, which nobody sends") from None


class Block:
    """One command of a response: its words without WordCount, its bytes without ByteCount."""

    def __init__(self, command, words, data, offset):
        self.command, self.words, self.bytes, self.offset = command, words, data, offset  # `offset`: where the bytes start

    def word(self, number):
        return struct.unpack_from("<H", self.words, 2 * number)[0]


class Response:
    """One packet. `packet` is the whole of it, from the header on."""

    def __init__(self, packet):
        if packet[:4] != b"\xffSMB" or len(packet) < HEADER_SIZE + 3:
            raise ProtocolError(f"no response of SMB1: {packet[:40]!r}")
        self.packet = packet
        self.command = known_command(packet[4])
        (self.raw_status,) = struct.unpack_from("<I", packet, 5)
        self.flags, self.flags2, self.pid_high = struct.unpack_from("<BHH", packet, 9)
        self.tree_id, self.pid, self.session_id, self.mid = struct.unpack_from("<4H", packet, 24)
        self.is_dos = not self.flags2 & FLAGS2_NT_STATUS
        self.status = Status(self.raw_status)
        self.signed = bool(self.flags2 & FLAGS2_SIGNATURE)
        self.blocks = list(self.parse_blocks())
        self.parameters = self.transaction_data = b""
        self.time = time.monotonic()

    def parse_blocks(self):
        command, offset = self.command, HEADER_SIZE
        while True:
            start = offset + 1
            end = start + 2 * self.packet[offset]
            if len(self.packet) < end + 2:
                raise ProtocolError(f"{command.name}: a response that is cut off")
            (count,) = struct.unpack_from("<H", self.packet, end)
            words = self.packet[start:end]
            yield Block(command, words, self.packet[end + 2 : end + 2 + count], end + 2)
            if command not in ANDX or len(words) < 4 or words[0] == NO_ANDX:
                return
            command, next_offset = known_command(words[0]), struct.unpack_from("<H", words, 2)[0]
            if next_offset <= offset:
                raise ProtocolError("a chain that goes back")
            offset = next_offset

    def __repr__(self):
        status = f"DOS {self.dos_error}" if self.is_dos else self.status.name
        return f"<{self.command.name} {status} mid={self.mid}>"

    @property
    def dos_error(self):
        """(class, code) of a response to a client that does not know NTSTATUS."""
        return self.raw_status & 0xFF, self.raw_status >> 16

    @property
    def words(self):
        return self.blocks[0].words

    @property
    def is_error(self):
        """An error response, which has no fields of its own."""
        return not self.words

    def block(self, command):
        """The block of that command."""
        return next(block for block in self.blocks if block.command == command)

    @property
    def fid(self):
        """Of an NT_CREATE_ANDX or an OPEN_ANDX, or of the transactions that stand for them."""
        if self.command in TRANSACTIONS:
            return struct.unpack_from("<H", self.parameters, 2 if self.command == Command.NT_TRANSACT else 0)[0]
        for block in self.blocks:
            if block.command in (Command.NT_CREATE_ANDX, Command.OPEN_ANDX):
                return struct.unpack_from("<H", block.words, 5 if block.command == Command.NT_CREATE_ANDX else 4)[0]
        raise ProtocolError(f"no FID in {self}")

    @property
    def data(self):
        """Of a READ_ANDX, READ or transaction; b"" in an error response."""
        if self.command in TRANSACTIONS:
            return self.transaction_data
        for block in self.blocks:
            if block.command == Command.READ_ANDX and len(block.words) >= 24:
                length, offset, _, length_high = struct.unpack_from("<HHHH", block.words, 10)
                return self.packet[offset : offset + length + (length_high << 16)]
            if block.command == Command.READ and block.words:
                (length,) = struct.unpack_from("<H", block.bytes, 1)
                return block.bytes[3 : 3 + length]
        return b""

    @property
    def count(self):
        """Of a WRITE_ANDX, WRITE or a transaction that writes; 0 in an error response."""
        if self.command in TRANSACTIONS:
            return struct.unpack_from("<H", self.parameters)[0] if len(self.parameters) >= 2 else 0
        for block in self.blocks:
            if block.command == Command.WRITE_ANDX and len(block.words) >= 12:
                low, _, high = struct.unpack_from("<HHH", block.words, 4)
                return low | high << 16
            if block.command in (Command.WRITE, Command.WRITE_AND_CLOSE) and block.words:
                return block.word(0)
        return 0

    @property
    def available(self):
        """The word Available of a READ_ANDX or WRITE_ANDX."""
        block = next(block for block in self.blocks if block.command in (Command.READ_ANDX, Command.WRITE_ANDX))
        return block.word(2 if block.command == Command.READ_ANDX else 3)


class Pending:
    """A request that was sent."""

    def __init__(self, client, mid, command):
        self.client, self.mid, self.command = client, mid, command
        self.seqnum = None  # of the last packet that belongs to it
        self.tree_id, self.pid = client.tree_id, client.pid
        self.interim = None  # "send the rest" of a transaction in several packets
        self.has_more_packets = False
        self.parts = []  # of the response of a transaction
        self.response = None

    @property
    def over(self):
        self.client.poll()
        return self.response is not None

    def final(self, timeout=TIMEOUT):
        """Waits for the response."""
        self.client.connection.receive_until(lambda: self.response is not None, timeout)
        return self.response

    def wait_interim(self, timeout=TIMEOUT):
        """Waits for what lets the client send the secondary packets; that, or the response."""
        self.client.connection.receive_until(lambda: self.interim or self.response, timeout)
        return self.interim or self.response

    def cancel(self, **fields):
        self.client.send_cancel(self, **fields)

    def take(self, response):
        """A packet of the response. True: it was the last one."""
        if self.command not in TRANSACTIONS or response.status >= 0xC0000000 or (response.is_dos and response.is_error):
            if not (self.has_more_packets and response.raw_status == 0 and self.interim is None and response.is_error):
                self.response = response
                return True
        if response.is_error:
            if self.has_more_packets and self.interim is None and response.raw_status == 0:
                self.interim = response
                return False
            self.response = response
            return True
        self.parts.append(response)
        return self.assemble()

    def assemble(self):
        """Puts the parts of a transaction's response together. Each byte must come once."""
        is_nt = self.command == Command.NT_TRANSACT
        kinds = {"parameters": {}, "transaction_data": {}}
        totals = {}
        for part in self.parts:
            if is_nt:
                total_p, total_d, *fields = struct.unpack_from("<8I", part.words, 3)
            else:
                total_p, total_d, _, *fields = struct.unpack_from("<9H", part.words)
            totals = {"parameters": total_p, "transaction_data": total_d}
            for kind, (count, offset, displacement) in zip(kinds, (fields[:3], fields[3:]), strict=True):
                piece = part.packet[offset : offset + count]
                if len(piece) != count:
                    raise ProtocolError(f"{kind} beyond the packet's end")
                for place, byte in enumerate(piece, displacement):
                    if place in kinds[kind]:
                        raise ProtocolError(f"{kind}: byte {place} came twice")
                    kinds[kind][place] = byte
        if any(len(kinds[kind]) < totals[kind] for kind in kinds):
            return False
        last = self.response = self.parts[-1]
        for kind in kinds:
            if sorted(kinds[kind]) != list(range(totals[kind])):
                raise ProtocolError(f"{kind}: more than the total says")
            setattr(last, kind, bytes(kinds[kind][place] for place in range(totals[kind])))
        return True


class Request:
    """
    A command to be sent. `words` without WordCount and, for an AndX command, without the chain's three fields; `data` without ByteCount.
    `make` is a function that makes (words, data) of the place where the bytes will start.
    """

    def __init__(self, command, words=b"", data=b"", *, make=None, word_count=None, byte_count=None):
        self.command, self.words, self.data, self.make = command, words, data, make
        self.word_count, self.byte_count = word_count, byte_count  # other ones than are true

    def block(self, offset, andx=None):
        """The bytes from WordCount on; `andx`: (command, function of this block's length that gives the place of the next one)."""
        chained = 4 if self.command in ANDX else 0
        place = offset + 1 + chained + len(self.words) + 2
        words, data = self.make(place) if self.make else (self.words, self.data)
        word_count = (chained + len(words)) // 2 if self.word_count is None else self.word_count
        byte_count = len(data) & 0xFFFF if self.byte_count is None else self.byte_count
        length = 1 + chained + len(words) + 2 + len(data)
        chain = b""
        if chained:
            next_command, next_offset = (NO_ANDX, 0) if andx is None else (andx, offset + length + -(offset + length) % 4)
            chain = struct.pack("<BBH", next_command, 0, next_offset)
        block = bytes([word_count]) + chain + words + struct.pack("<H", byte_count) + data
        return block if andx is None else block + bytes(-(offset + length) % 4)


class RawData:
    """What a READ_RAW gives: data without any header, and without a word about errors: none of it then."""

    def __init__(self, connection):
        self.connection, self.data = connection, None

    def final(self, timeout=TIMEOUT):
        self.connection.receive_until(lambda: self.data is not None, timeout)
        return self.data


class Connection(Wire):
    """The transport connection, which several sessions may share."""

    def __init__(self, host, port):
        super().__init__(host, port)
        self.next_mid = 1
        self.pending = {}
        self.signing_key, self.next_seqnum = None, 0
        self.unasked = []  # responses that nobody has asked for
        self.raw = None  # the RawData that is waited for

    def take_mid(self):
        mid = self.next_mid
        self.next_mid = mid % 0xFFFE + 1
        while self.next_mid in self.pending:
            self.next_mid = self.next_mid % 0xFFFE + 1
        return mid

    def signature(self, packet, seqnum):
        message = packet[:14] + struct.pack("<II", seqnum, 0) + packet[22:]
        return hashlib.md5(self.signing_key + message).digest()[:8]

    def send_smb(self, packet, *, one_way=False):
        """Signs it if that is agreed. Gives its sequence number."""
        if self.signing_key is None:
            self.send_packet(packet)
            return None
        seqnum = self.next_seqnum
        self.next_seqnum += 1 if one_way else 2
        packet = bytearray(packet)
        packet[14:22] = self.signature(bytes(packet), seqnum)
        self.send_packet(bytes(packet))
        return seqnum

    def take_packet(self, packet):
        if self.raw is not None and packet[:4] != b"\xffSMB":
            self.raw.data, self.raw = packet, None
            return
        response = Response(packet)
        pending = self.pending.get(response.mid)
        if pending is None:
            raise ProtocolError(f"a response that nobody has asked for: {response}")
        if not response.flags & FLAG_REPLY:
            raise ProtocolError(f"no response: {response}")
        if self.signing_key is not None and pending.seqnum is not None:
            if self.signature(packet, pending.seqnum + 1) != packet[14:22]:
                raise ProtocolError(f"wrong signature: {response}")
        if pending.take(response):
            del self.pending[response.mid]


class Smb1Client(contextlib.AbstractContextManager):
    """A session with a tree connection."""

    def __init__(self, port, user="", password="", *, signing=False, unicode=True, nt_status=True, host="127.0.0.1", share="IPC$",
                 domain="", workstation="NTPIPETEST", capabilities=0, max_buffer=16644, pid=0xFEFF, _connection=None):  # fmt: skip
        self.user, self.password, self.domain, self.workstation = user, password, domain, workstation
        self.signing, self.unicode, self.nt_status, self.max_buffer = signing, unicode, nt_status, max_buffer
        self.capabilities = CAP_LARGE_FILES | CAP_NT_SMBS | CAP_EXTENDED_SECURITY | CAP_LARGE_READ | CAP_LARGE_WRITE | capabilities
        self.capabilities |= (CAP_UNICODE if unicode else 0) | (CAP_STATUS32 if nt_status else 0)
        self.session_id = self.tree_id = 0
        self.pid, self.session_key = pid, None
        self.host, self.port = host, port
        self.connection = _connection
        if _connection is None:
            self.connection = Connection(host, port)
            self.negotiate()
        if share is None:
            return
        response = self.log_in()
        if response.raw_status == 0:
            response = self.tree_connect(share)
        if response.raw_status != 0:
            self.drop()
            raise StatusError(response)

    def another_session(self, user, password, **options):
        """A further session on the same connection."""
        return Smb1Client(self.port, user, password, host=self.host, _connection=self.connection, **options)

    def __exit__(self, *_):
        self.drop()

    def drop(self):
        """Closes the connection without a word."""
        self.connection.drop()

    def reset(self):
        """Closes the connection with a TCP reset."""
        self.connection.reset()

    # ---- sending and receiving ----

    def header(self, command, mid, *, tree_id=None, session_id=None, pid=None, pid_high=0, flags2=None):
        if flags2 is None:
            flags2 = FLAGS2_LONG_NAMES | FLAGS2_EXTENDED_SECURITY
            flags2 |= (FLAGS2_UNICODE if self.unicode else 0) | (FLAGS2_NT_STATUS if self.nt_status else 0)
            flags2 |= FLAGS2_SIGNATURE if self.signing else 0
        target = [self.tree_id if tree_id is None else tree_id, self.pid if pid is None else pid]
        target += [self.session_id if session_id is None else session_id, mid]
        return b"\xffSMB" + struct.pack("<BIBHH8xH4H", command, 0, 0x18, flags2, pid_high, 0, *target)

    def packet(self, requests, mid, **fields):
        packet = self.header(requests[0].command, mid, **fields)
        for request, following in zip(requests, [*requests[1:], None], strict=True):
            packet += request.block(len(packet), following and following.command)
        return packet

    def begin(self, command, mid=None):
        """Notes that a response is waited for."""
        pending = Pending(self, self.connection.take_mid() if mid is None else mid, command)
        self.connection.pending[pending.mid] = pending
        return pending

    def chain(self, requests, *, mid=None, **fields):
        """Sends a chain of AndX commands in one packet; the response is one packet, too."""
        pending = self.begin(requests[0].command, mid)
        pending.seqnum = self.connection.send_smb(self.packet(requests, pending.mid, **fields))
        return pending

    def start(self, request, **fields):
        if isinstance(request, TransactionRequest):
            return self.start_pieces(request, **fields)
        return self.chain([request], **fields)

    def call(self, request, **fields):
        return self.start(request, **fields).final()

    def start_pieces(self, request, *, wait=True, **fields):
        """A transaction in one packet, or, if the request says so, in several."""
        pending = self.begin(request.command, fields.pop("mid", None))
        primary, *others = request.pieces(HEADER_SIZE)
        pending.has_more_packets = bool(others) or request.is_incomplete
        packet = self.header(request.command, pending.mid, **fields) + primary
        pending.seqnum = self.connection.send_smb(packet)
        if others and wait and pending.wait_interim() is pending.response:
            return pending
        for piece in others:
            self.send_secondary(pending, piece, **fields)
        return pending

    def send_secondary(self, pending, block, *, mid=None, **fields):
        command = {Command.TRANSACTION: Command.TRANSACTION_SECONDARY, Command.TRANSACTION2: Command.TRANSACTION2_SECONDARY,
                   Command.NT_TRANSACT: Command.NT_TRANSACT_SECONDARY}[pending.command]  # fmt: skip
        pending.seqnum = self.connection.send_smb(self.header(command, pending.mid if mid is None else mid, **fields) + block)

    def send_raw(self, command, block, *, wait=False, mid=None, **fields):
        """Any bytes behind the header."""
        pending = self.begin(command, mid)
        pending.seqnum = self.connection.send_smb(self.header(command, pending.mid, **fields) + block)
        return pending.final() if wait else pending

    def send_cancel(self, pending, **fields):
        """NT_CANCEL, which has no answer of its own."""
        fields = {"tree_id": pending.tree_id, "pid": pending.pid, **fields}
        mid = fields.pop("mid", pending.mid)
        packet = self.header(Command.NT_CANCEL, mid, **fields) + struct.pack("<BH", 0, 0)
        self.connection.send_smb(packet, one_way=True)

    def poll(self):
        """Takes in what has arrived, without waiting."""
        while self.connection.receive_some(0):
            pass

    # ---- setting up ----

    def text(self, text, place, *, raw=None):
        """A string with its end, aligned, for the place of the packet where it will be."""
        if raw is not None:
            return raw
        if self.unicode:
            return bytes(place % 2) + text.encode("utf-16le") + b"\0\0"
        return text.encode("cp850") + b"\0"

    def negotiate(self):
        response = self.call(Request(Command.NEGOTIATE, b"", b"\x02NT LM 0.12\0"), session_id=0, tree_id=0xFFFF)
        if response.is_error or len(response.words) != 34:
            raise ProtocolError(f"the server does not want NT LM 0.12: {response}")
        self.security_mode, self.max_mpx, _, self.server_buffer, self.max_raw, self.server_key, self.server_capabilities = \
            struct.unpack_from("<BHHIIII", response.words, 2)  # fmt: skip

    def setup_session(self, token):
        words = struct.pack("<HHHIHII", self.max_buffer, 50, 1, self.server_key if hasattr(self, "server_key") else 0, len(token), 0,
                            self.capabilities)  # fmt: skip

        def make(place):
            strings = token + self.text("Unix", place + len(token))
            return words, strings + self.text("ntpipe", place + len(strings))

        return self.call(Request(Command.SESSION_SETUP_ANDX, words, make=make), tree_id=0)

    def log_in(self):
        """Logs in, or, in a session that exists, authenticates again."""
        login = Login(self.user, self.password, self.domain, self.workstation)
        response = self.setup_session(login.first_token())
        if response.is_error or (self.nt_status and response.status != Status.MORE_PROCESSING_REQUIRED):
            return response
        self.session_id = response.session_id
        (length,) = struct.unpack_from("<H", response.words, 6)
        token = login.second_token(response.blocks[0].bytes[:length])
        if self.signing and self.connection.signing_key is None:
            # It signs with what the password brings about from this request on, and the server with its answer.
            self.connection.signing_key, self.connection.next_seqnum = login.session_key, 0
        response = self.setup_session(token)
        if response.raw_status == 0:
            self.session_key = login.session_key
        return response

    def tree_connect(self, share):
        path = f"\\\\{self.host}\\{share}".upper()
        words = struct.pack("<HH", 0x8, 1)  # extended response, so that access rights can be seen
        request = Request(Command.TREE_CONNECT_ANDX, words,
                          make=lambda place: (words, b"\0" + self.text(path, place + 1) + b"?????\0"))  # fmt: skip
        response = self.call(request, tree_id=0)
        if response.raw_status == 0:
            self.tree_id = response.tree_id
        return response

    # ---- the commands, as they are sent ----

    def nt_create_request(self, name, *, access=USUAL_ACCESS, impersonation=2, disposition=1, options=0, share=7, flags=0, root=0,
                          raw_name=None, name_length=None):  # fmt: skip
        """The name with its backslash, as it is sent."""
        text = self.text(name, 0, raw=raw_name)
        length = max(0, len(text) - (2 if self.unicode else 1)) if name_length is None else name_length
        words = struct.pack("<BHIIIQIIIIIB", 0, length, flags, root, access, 0, 0, share, disposition, options, impersonation, 0)
        padding = lambda place: bytes(place % 2) if self.unicode else b""  # noqa: E731: one line is enough
        return Request(Command.NT_CREATE_ANDX, words, make=lambda place: (words, padding(place) + text))

    def open_request(self, name, *, mode=0x42, open_function=1, flags=0, raw_name=None):
        """OPEN_ANDX; mode: 0 read, 1 write, 2 read and write, 0x40 deny none."""
        words = struct.pack("<HHHHIHIII", flags, mode, 0x16, 0, 0, open_function, 0, 0, 0)
        return Request(Command.OPEN_ANDX, words, make=lambda place: (words, self.text(name, place, raw=raw_name)))

    @staticmethod
    def read_request(fid, length, *, minimum=0, timeout=0, offset=0, remaining=0, offset_high=None):
        """READ_ANDX; timeout in ms, negative: -1 for ever, -2 the pipe's default."""
        words = struct.pack("<HIHHIH", fid, offset, length, minimum, timeout & 0xFFFFFFFF, remaining)
        return Request(Command.READ_ANDX, words + (b"" if offset_high is None else struct.pack("<I", offset_high)))

    @staticmethod
    def write_request(fid, data, *, mode=0, timeout=0, offset=0, remaining=0, length=None, data_offset=None):
        """WRITE_ANDX."""
        count = len(data) if length is None else length

        def make(place):
            where = place if data_offset is None else data_offset
            words = (fid, offset, timeout & 0xFFFFFFFF, mode, remaining, count >> 16, count & 0xFFFF, where)
            return struct.pack("<HIIHHHHH", *words), data

        return Request(Command.WRITE_ANDX, bytes(20), make=make)

    @staticmethod
    def core_read_request(fid, length):
        return Request(Command.READ, struct.pack("<HHIH", fid, length, 0, length))

    @staticmethod
    def core_write_request(fid, data, *, count=None):
        count = len(data) if count is None else count
        return Request(Command.WRITE, struct.pack("<HHIH", fid, count, 0, 0), b"\x01" + struct.pack("<H", len(data)) + data)

    @staticmethod
    def close_request(fid):
        return Request(Command.CLOSE, struct.pack("<HI", fid, 0xFFFFFFFF))

    @staticmethod
    def flush_request(fid):
        return Request(Command.FLUSH, struct.pack("<H", fid))

    @staticmethod
    def echo_request(data=b"echo", count=1):
        return Request(Command.ECHO, struct.pack("<H", count), data)

    def trans_request(self, setup, data=b"", parameters=b"", *, name="\\PIPE\\", max_data=4096, max_parameters=64, timeout=0, **options):
        """TRANSACTION; setup: the words, such as (Trans.PEEK, fid)."""
        return TransactionRequest(Command.TRANSACTION, setup, parameters, data, name=lambda place: self.text(name, place),
                                  max_data=max_data, max_parameters=max_parameters, timeout=timeout, **options)  # fmt: skip

    def trans2_request(self, subcommand, parameters=b"", data=b"", *, max_data=4096, **options):
        return TransactionRequest(Command.TRANSACTION2, (subcommand,), parameters, data, name=lambda place: self.text("", place),
                                  max_data=max_data, **options)  # fmt: skip

    @staticmethod
    def nt_transact_request(function, parameters=b"", data=b"", *, setup=(), max_data=4096, **options):
        return TransactionRequest(Command.NT_TRANSACT, setup, parameters, data, function=function, max_data=max_data, **options)

    def nt_transact_create_request(self, name, *, access=USUAL_ACCESS, impersonation=2, disposition=1, options=0, share=7, flags=0,
                                   **others):  # fmt: skip
        """Unlike in NT_CREATE_ANDX the name stands behind the parameters, without an end."""
        text = self.text(name, 0)[: -2 if self.unicode else -1]
        fields = (flags, 0, access, 0, 0, share, disposition, options, 0, 0, len(text), impersonation, 0)
        # The name starts at an odd place of the parameters, which start at a multiple of 4.
        padding = b"\0" if self.unicode else b""
        return self.nt_transact_request(NtTransact.CREATE, struct.pack("<IIIQIIIIIIIIB", *fields) + padding + text, **others)

    # ---- calls ----

    def start_create(self, name, **options):
        return self.start(self.nt_create_request("\\" + name, **options))

    def create(self, name, **options):
        return self.start_create(name, **options).final()

    def open(self, name, **options):
        """The FID of a pipe that must be there, by NT_CREATE_ANDX."""
        response = self.create(name, **options)
        if response.raw_status != 0:
            raise StatusError(response)
        return response.fid

    def open_andx(self, name, **options):
        return self.call(self.open_request("\\PIPE\\" + name, **options))

    def start_read(self, fid, length=4096, **options):
        """READ_ANDX that waits for ever for at least one byte, unless told otherwise."""
        return self.start(self.read_request(fid, length, **{"minimum": 1, "timeout": -1, **options}))

    def read(self, fid, length=4096, **options):
        return self.start_read(fid, length, **options).final()

    def start_raw_read(self, fid, length=4096, *, minimum=0, timeout=0):
        """READ_RAW; timeout as that of READ_ANDX. No other request may be in flight that is answered before it."""
        words = struct.pack("<HIHHIH", fid, 0, length, minimum, timeout & 0xFFFFFFFF, 0)
        self.connection.raw = raw = RawData(self.connection)
        block = Request(Command.READ_RAW, words).block(HEADER_SIZE)
        self.connection.send_smb(self.header(Command.READ_RAW, self.connection.take_mid()) + block)
        return raw

    def raw_read(self, fid, length=4096, **options):
        return self.start_raw_read(fid, length, **options).final()

    def start_write(self, fid, data, **options):
        return self.start(self.write_request(fid, data, **options))

    def write(self, fid, data, **options):
        return self.start_write(fid, data, **options).final()

    def core_read(self, fid, length=4096):
        return self.call(self.core_read_request(fid, length))

    def core_write(self, fid, data, **options):
        return self.call(self.core_write_request(fid, data, **options))

    def start_close(self, fid):
        return self.start(self.close_request(fid))

    def close(self, fid):
        return self.start_close(fid).final()

    def start_flush(self, fid):
        return self.start(self.flush_request(fid))

    def flush(self, fid):
        return self.start_flush(fid).final()

    def echo(self):
        return self.call(self.echo_request())

    def start_trans(self, subcommand, fid, data=b"", parameters=b"", **options):
        return self.start(self.trans_request((subcommand, fid), data, parameters, **options))

    def trans(self, subcommand, fid, data=b"", parameters=b"", **options):
        return self.start_trans(subcommand, fid, data, parameters, **options).final()

    def start_transceive(self, fid, data, max_data=4096, **options):
        return self.start_trans(Trans.TRANSACT, fid, data, max_data=max_data, **options)

    def transceive(self, fid, data, max_data=4096, **options):
        return self.start_transceive(fid, data, max_data, **options).final()

    def peek(self, fid, max_data=4096):
        return self.trans(Trans.PEEK, fid, max_data=max_data)

    def query_state(self, fid):
        """(the response, NMPipeStatus)"""
        response = self.trans(Trans.QUERY_STATE, fid)
        return response, struct.unpack("<H", response.parameters)[0] if response.parameters else None

    def set_state(self, fid, state):
        return self.trans(Trans.SET_STATE, fid, parameters=struct.pack("<H", state))

    def set_modes(self, fid, read_mode=1, completion_mode=0):
        """Message read mode, unless told otherwise."""
        return self.set_state(fid, (0x100 if read_mode else 0) | (0x8000 if completion_mode else 0))

    def start_wait(self, name, timeout_ms, *, priority=0, **options):
        return self.start(self.trans_request((Trans.WAIT, priority), name="\\PIPE\\" + name, timeout=timeout_ms & 0xFFFFFFFF, **options))

    def wait(self, name, timeout_ms, **options):
        return self.start_wait(name, timeout_ms, **options).final()

    def start_pipe_call(self, name, data, max_data=4096, *, timeout_ms=0, priority=0, **options):
        request = self.trans_request((Trans.CALL, priority), data, name="\\PIPE\\" + name, max_data=max_data,
                                     timeout=timeout_ms & 0xFFFFFFFF, **options)  # fmt: skip
        return self.start(request)

    def pipe_call(self, name, data, max_data=4096, **options):
        return self.start_pipe_call(name, data, max_data, **options).final()

    def query_file(self, fid, level, max_data=4096, **options):
        return self.call(self.trans2_request(Trans2.QUERY_FILE, struct.pack("<HH", fid, level), max_data=max_data, **options))

    def set_file(self, fid, level, data, **options):
        return self.call(self.trans2_request(Trans2.SET_FILE, struct.pack("<HHH", fid, level, 0), data, **options))

    def start_control(self, fid, code, data=b"", max_data=4096, *, is_fsctl=True, **options):
        """NT_TRANSACT_IOCTL."""
        setup = struct.unpack("<4H", struct.pack("<IHBB", code, fid, is_fsctl, 0))
        return self.start(self.nt_transact_request(NtTransact.IOCTL, b"", data, setup=setup, max_data=max_data, **options))

    def control(self, fid, code, data=b"", max_data=4096, **options):
        return self.start_control(fid, code, data, max_data, **options).final()

    def start_tree_disconnect(self):
        return self.start(Request(Command.TREE_DISCONNECT))

    def tree_disconnect(self):
        return self.start_tree_disconnect().final()

    def start_logoff(self):
        return self.start(Request(Command.LOGOFF_ANDX))

    def logoff(self):
        return self.start_logoff().final()


class TransactionRequest:
    """
    TRANSACTION, TRANSACTION2 or NT_TRANSACT. `first` and `pieces_of` cut it: (parameters, data) in the primary packet, and the most bytes
    of a secondary one. `totals` and `fields` lie: other totals, or {field: value} of the primary packet.
    """

    def __init__(self, command, setup, parameters, data, *, name=None, function=0, max_data=4096, max_parameters=64, timeout=0, flags=0,
                 max_setup=0, first=None, piece=1000, totals=None, setup_count=None, fields=None):  # fmt: skip
        self.command, self.setup, self.parameters, self.data = command, tuple(setup), parameters, data
        self.name, self.function, self.max_data, self.max_parameters = name, function, max_data, max_parameters
        self.timeout, self.flags, self.max_setup = timeout, flags, max_setup
        self.first, self.piece = first or (len(parameters), len(data)), piece
        self.totals = totals or (len(parameters), len(data))
        self.setup_count = len(self.setup) if setup_count is None else setup_count
        self.fields = fields or {}

    @property
    def is_incomplete(self):
        return self.totals > self.first

    def pieces(self, offset):
        """The primary packet from WordCount on, then the secondary ones."""
        parameters_sent, data_sent = self.first
        yield self.primary(offset, self.parameters[:parameters_sent], self.data[:data_sent])
        while parameters_sent < len(self.parameters) or data_sent < len(self.data):
            parameters = self.parameters[parameters_sent : parameters_sent + self.piece]
            data = b"" if parameters else self.data[data_sent : data_sent + self.piece]
            yield self.secondary(offset, parameters, parameters_sent, data, data_sent)
            parameters_sent += len(parameters)
            data_sent += len(data)

    def primary(self, offset, parameters, data):
        setup = struct.pack(f"<{len(self.setup)}H", *self.setup)
        if self.command == Command.NT_TRANSACT:
            words_size, name = 38 + len(setup), b""
        else:
            words_size, name = 28 + len(setup), None
        place = offset + 1 + words_size + 2
        start = self.name(place) if name is None else b""
        start += bytes(-(place + len(start)) % 4)
        parameters_at = place + len(start)
        middle = parameters + bytes(-len(parameters) % 4)
        values = {
            "total_parameters": self.totals[0], "total_data": self.totals[1], "max_parameters": self.max_parameters,
            "max_data": self.max_data, "parameters": len(parameters), "parameter_offset": parameters_at, "data": len(data),
            "data_offset": parameters_at + len(middle), "setup_count": self.setup_count, **self.fields,
        }  # fmt: skip
        order = ("total_parameters", "total_data", "max_parameters", "max_data", "parameters", "parameter_offset", "data", "data_offset")
        numbers = [values[name] for name in order]
        if self.command == Command.NT_TRANSACT:
            words = struct.pack("<BH8IBH", self.max_setup, self.flags, *numbers, values["setup_count"], self.function)
        else:
            words = struct.pack("<4HBBHIH4HBB", *numbers[:4], self.max_setup, 0, self.flags, self.timeout, 0, *numbers[4:],
                                values["setup_count"], 0)  # fmt: skip
        return Request(self.command, words + setup, start + middle + data).block(offset)

    def secondary(self, offset, parameters, parameters_before, data, data_before, *, fields=None):
        """One secondary packet from WordCount on."""
        is_nt = self.command == Command.NT_TRANSACT
        words_size = {Command.TRANSACTION: 16, Command.TRANSACTION2: 18, Command.NT_TRANSACT: 36}[self.command]
        place = offset + 1 + words_size + 2
        start = bytes(-place % 4)
        middle = parameters + bytes(-len(parameters) % 4)
        parameters_at = place + len(start)
        values = {
            "total_parameters": self.totals[0], "total_data": self.totals[1], "parameters": len(parameters),
            "parameter_offset": parameters_at, "parameters_before": parameters_before, "data": len(data),
            "data_offset": parameters_at + len(middle), "data_before": data_before, **(fields or {}),
        }  # fmt: skip
        words = struct.pack("<3x8Ix" if is_nt else "<8H", *values.values())
        if self.command == Command.TRANSACTION2:
            words += struct.pack("<H", 0xFFFF)
        return Request(self.command, words, start + middle + data).block(offset)
