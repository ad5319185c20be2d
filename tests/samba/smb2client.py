# SPDX-License-Identifier: LGPL-2.1-or-later
# smb2client.py: a raw SMB2 client for tests: each response can be seen, nothing is done behind the test's back.
"""
    with Smb2Client(port, "games", "secret") as client:         # connects, logs in, opens the tree IPC$
        pipe = client.open("echo")                              # a file id; raises unless STATUS_SUCCESS
        client.write(pipe, b"hello")                            # every command: a call that waits for the response,
        print(client.read(pipe, 100).data)
        pending = client.start_read(pipe, 100)                  # and start_...(), which does not
        pending.wait_interim()                                  # STATUS_PENDING has come
        pending.cancel()
        assert pending.final().status == Status.CANCELLED

A response is not an exception: look at its status. Exceptions: TimeoutError, ConnectionError (the server hung up), and ProtocolError
for what a server must never do (wrong signature, plain response in an encrypted session).

Dialects 2.0.2 to 3.1.1 (DIALECTS), signing, encryption, compounds, several sessions on one connection, re-authentication. No user
and password: an anonymous session. `poll()` takes in what has arrived without waiting, `Pending.over` says whether it is there.
"""
import contextlib
import enum
import hashlib
import hmac
import math
import os
import struct
import time

from Cryptodome.Cipher import AES
from Cryptodome.Hash import CMAC
from smbwire import TIMEOUT, Login, Wire

DIALECTS = (0x202, 0x210, 0x300, 0x302, 0x311)

# The file id that stands for "the one of the previous command" in a compound, and for none in FSCTL_PIPE_WAIT.
RELATED = b"\xff" * 16

FSCTL_PIPE_WAIT = 0x110018
FSCTL_PIPE_PEEK = 0x11400C
FSCTL_PIPE_TRANSCEIVE = 0x11C017

READ_DATA, WRITE_DATA, READ_ATTRIBUTES, WRITE_ATTRIBUTES = 0x1, 0x2, 0x80, 0x100
USUAL_ACCESS = 0x0012019F


SESSION_BINDING = 1

# Kinds of information: the third is that of security descriptors.
VOLUME, SECURITY = 2, 3


class Command(enum.IntEnum):
    NEGOTIATE, SESSION_SETUP, LOGOFF, TREE_CONNECT, TREE_DISCONNECT, CREATE, CLOSE, FLUSH, READ, WRITE = range(10)
    LOCK, IOCTL, CANCEL, ECHO, QUERY_DIRECTORY, CHANGE_NOTIFY, QUERY_INFO, SET_INFO, OPLOCK_BREAK = range(10, 19)


class Status(enum.IntEnum):
    """NTSTATUS values; those without a name here are shown as numbers."""

    SUCCESS = 0
    PENDING = 0x00000103
    BUFFER_OVERFLOW = 0x80000005
    NOT_IMPLEMENTED = 0xC0000002
    INVALID_INFO_CLASS = 0xC0000003
    INFO_LENGTH_MISMATCH = 0xC0000004
    INVALID_HANDLE = 0xC0000008
    INVALID_PARAMETER = 0xC000000D
    INVALID_DEVICE_REQUEST = 0xC0000010
    END_OF_FILE = 0xC0000011
    MORE_PROCESSING_REQUIRED = 0xC0000016
    ACCESS_DENIED = 0xC0000022
    BUFFER_TOO_SMALL = 0xC0000023
    OBJECT_NAME_INVALID = 0xC0000033
    OBJECT_NAME_NOT_FOUND = 0xC0000034
    LOGON_FAILURE = 0xC000006D
    BAD_IMPERSONATION_LEVEL = 0xC00000A5
    OBJECT_PATH_SYNTAX_BAD = 0xC000003B
    PIPE_NOT_AVAILABLE = 0xC00000AC
    INVALID_PIPE_STATE = 0xC00000AD
    PIPE_BUSY = 0xC00000AE
    PIPE_DISCONNECTED = 0xC00000B0
    PIPE_CLOSING = 0xC00000B1
    INVALID_READ_MODE = 0xC00000B4
    IO_TIMEOUT = 0xC00000B5
    NOT_SUPPORTED = 0xC00000BB
    NETWORK_NAME_DELETED = 0xC00000C9
    BAD_NETWORK_NAME = 0xC00000CC
    PIPE_EMPTY = 0xC00000D9
    INTERNAL_ERROR = 0xC00000E5
    NAME_TOO_LONG = 0xC0000106
    CANCELLED = 0xC0000120
    FILE_CLOSED = 0xC0000128
    INVALID_LEVEL = 0xC0000148
    PIPE_BROKEN = 0xC000014B
    ILLEGAL_CHARACTER = 0xC0000161
    FS_DRIVER_REQUIRED = 0xC000019C
    USER_SESSION_DELETED = 0xC0000203
    CONNECTION_DISCONNECTED = 0xC000020C
    CONNECTION_REFUSED = 0xC0000236
    NETWORK_SESSION_EXPIRED = 0xC000035C

    @classmethod
    def _missing_(cls, value):
        unnamed = int.__new__(cls, value)
        unnamed._name_, unnamed._value_ = f"0x{value:08X}", value
        return unnamed


class ProtocolError(Exception):
    pass


class StatusError(Exception):
    """The status of a call that had to succeed."""

    def __init__(self, response):
        super().__init__(f"{response.command.name} gave {response.status.name}")
        self.status = response.status


FLAG_RESPONSE, FLAG_ASYNC, FLAG_RELATED, FLAG_SIGNED = 0x1, 0x2, 0x4, 0x8
HEADER_SIZE = 64
ERROR_BODY_SIZE = 9


class Response:
    """One response, interim ones included. `packet` is the whole of it, from the SMB2 header on."""

    def __init__(self, packet, encrypted):
        self.packet, self.body, self.encrypted = packet, packet[HEADER_SIZE:], encrypted
        status, command, self.credits, self.flags, _, self.message_id = struct.unpack_from("<IHHIIQ", packet, 8)
        self.status, self.command = Status(status), Command(command)
        self.is_async, self.signed = bool(self.flags & FLAG_ASYNC), bool(self.flags & FLAG_SIGNED)
        (self.async_id,) = struct.unpack_from("<Q", packet, 32) if self.is_async else (None,)
        self.tree_id, self.session_id = struct.unpack_from("<IQ", packet, 36)
        self.time = time.monotonic()

    def __repr__(self):
        return f"<{self.command.name} {self.status.name} mid={self.message_id}{' async' if self.is_async else ''}>"

    @property
    def is_error(self):
        """An error response, which has no fields of its own."""
        has_error_body = struct.unpack_from("<H", self.body)[0] == ERROR_BODY_SIZE
        return self.status >= 0xC0000000 or (has_error_body and self.command in (Command.READ, Command.IOCTL))

    @property
    def file_id(self):
        """Of a CREATE."""
        return self.body[64:80]

    @property
    def data(self):
        """Of a READ, IOCTL or QUERY_INFO; b"" in an error response."""
        if self.is_error:
            return b""
        if self.command == Command.READ:
            offset, length = self.body[2], struct.unpack_from("<I", self.body, 4)[0]
        elif self.command == Command.IOCTL:
            offset, length = struct.unpack_from("<II", self.body, 32)
        else:
            offset, length = struct.unpack_from("<HI", self.body, 2)
        return self.packet[offset : offset + length]

    @property
    def count(self):
        """Of a WRITE."""
        return struct.unpack_from("<I", self.body, 4)[0]


class Pending:
    """A request that was sent."""

    def __init__(self, client, message_id):
        self.client, self.message_id = client, message_id
        self.interim = None  # the STATUS_PENDING response, once it is there
        self.response = None  # the final one

    @property
    def over(self):
        self.client.poll()
        return self.response is not None

    def final(self, timeout=TIMEOUT):
        """Waits for the final response."""
        self.client.connection.receive_until(lambda: self.response is not None, timeout)
        return self.response

    def wait_interim(self, timeout=TIMEOUT):
        """Waits for the interim response."""
        self.client.connection.receive_until(lambda: self.interim or self.response, timeout)
        if self.interim is None:
            raise ProtocolError(f"no interim response, but {self.response}")
        return self.interim

    def cancel(self, by_message_id=False):
        """By the AsyncId if there was an interim response, as clients do."""
        self.client.send_cancel(self, by_message_id)


class Request:
    """A command to be sent, from behind the header on."""

    def __init__(self, command, body, charge=1):
        self.command, self.body, self.charge = command, body, charge


def charge_for(length):
    return max(1, math.ceil(length / 65536))


def derive_key(key, label, context):
    message = b"\0\0\0\1" + label + b"\0" + context + struct.pack(">I", 128)
    return hmac.new(key, message, hashlib.sha256).digest()[:16]


class Keys:
    """The keys of a session."""

    def __init__(self, dialect, session_key, preauth_hash):
        if dialect == 0x311:
            names = (b"SMBSigningKey\0", b"SMBC2SCipherKey\0", b"SMBS2CCipherKey\0")
            self.signing, self.encryption, self.decryption = (derive_key(session_key, name, preauth_hash) for name in names)
        elif dialect >= 0x300:
            self.signing = derive_key(session_key, b"SMB2AESCMAC\0", b"SmbSign\0")
            self.encryption = derive_key(session_key, b"SMB2AESCCM\0", b"ServerIn \0")
            self.decryption = derive_key(session_key, b"SMB2AESCCM\0", b"ServerOut\0")
        else:
            self.signing = session_key
        self.dialect = dialect

    def signature(self, packet):
        message = bytes(packet[:48]) + bytes(16) + bytes(packet[64:])
        if self.dialect >= 0x300:
            return CMAC.new(self.signing, message, ciphermod=AES).digest()
        return hmac.new(self.signing, message, hashlib.sha256).digest()[:16]


class Connection(Wire):
    """The transport connection, which several sessions may share."""

    AES_128_CCM, AES_128_GCM = 1, 2

    def __init__(self, host, port, dialect):
        super().__init__(host, port)
        self.dialect = dialect
        self.next_message_id, self.credits = 0, 1
        self.pending, self.sessions = {}, {}
        self.preauth_hash = bytes(64)
        self.cipher = self.AES_128_GCM if dialect == 0x311 else self.AES_128_CCM

    # ---- sending ----

    def header(self, command, session_id, tree_id, *, flags=0, charge=1, message_id=None, async_id=None, process_id=0xFEFF):
        if message_id is None:
            message_id = self.next_message_id
            self.next_message_id += charge
            self.credits -= charge
        charge = charge if self.dialect > 0x202 else 0
        target = struct.pack("<II", process_id, tree_id) if async_id is None else struct.pack("<Q", async_id)
        start = struct.pack("<HHIHHIIQ", HEADER_SIZE, charge, 0, command, 64 + charge, flags, 0, message_id)
        return b"\xfeSMB" + start + target + struct.pack("<Q", session_id) + bytes(16)

    def encrypted(self, packet, keys, session_id):
        nonce = os.urandom(11 if self.cipher == self.AES_128_CCM else 12)
        header = nonce.ljust(16, b"\0") + struct.pack("<IHHQ", len(packet), 0, 1, session_id)
        cipher = self.cipher_of(keys.encryption, nonce)
        cipher.update(header)
        text, tag = cipher.encrypt_and_digest(bytes(packet))
        return b"\xfdSMB" + tag + header + text

    def cipher_of(self, key, nonce):
        mode = AES.MODE_CCM if self.cipher == self.AES_128_CCM else AES.MODE_GCM
        return AES.new(key, mode, nonce=nonce, mac_len=16)

    # ---- receiving ----

    def take_packet(self, packet):
        encrypted = packet[:4] == b"\xfdSMB"
        if encrypted:
            packet = self.decrypted(packet)
        while packet:
            (next_offset,) = struct.unpack_from("<I", packet, 20)
            self.take_response(packet[: next_offset or None], encrypted)
            packet = packet[next_offset:] if next_offset else b""

    def decrypted(self, packet):
        keys = self.sessions[struct.unpack_from("<Q", packet, 44)[0]].keys
        nonce = packet[20 : 31 if self.cipher == self.AES_128_CCM else 32]
        cipher = self.cipher_of(keys.decryption, nonce)
        cipher.update(packet[20:52])
        return cipher.decrypt_and_verify(packet[52:], packet[4:20])

    def take_response(self, packet, encrypted):
        response = Response(packet, encrypted)
        session = self.sessions.get(response.session_id)
        if session is not None:
            session.check_protection(response)
        self.credits += response.credits
        pending = self.pending.get(response.message_id)
        if pending is None:
            raise ProtocolError(f"a response that nobody has asked for: {response}")
        if response.status == Status.PENDING and response.is_async:
            if pending.interim is not None:
                raise ProtocolError("a second interim response")
            pending.interim = response
            return
        del self.pending[response.message_id]
        pending.response = response
        if self.dialect == 0x311 and response.command in (Command.NEGOTIATE, Command.SESSION_SETUP):
            if response.status != Status.SUCCESS or response.command == Command.NEGOTIATE:
                self.add_to_preauth_hash(packet)

    def add_to_preauth_hash(self, packet):
        self.preauth_hash = hashlib.sha512(self.preauth_hash + packet).digest()


class Smb2Client(contextlib.AbstractContextManager):
    """A session with a tree connection."""

    def __init__(self, port, user="", password="", *, dialect=0x302, signing=False, encryption=False, host="127.0.0.1",
                 share="IPC$", domain="", workstation="NTPIPETEST", previous_session=0, client_guid=None, _connection=None):  # fmt: skip
        self.user, self.password, self.domain, self.workstation = user, password, domain, workstation
        self.signing, self.encryption = signing, encryption
        self.session_id = self.tree_id = self.session_flags = 0
        self.keys, self.session_key, self.protected = None, None, False
        self.host, self.port, self.dialect = host, port, dialect
        # Who says which one it is may have several connections for a session.
        self.client_guid, self.has_channels = client_guid or os.urandom(16), client_guid is not None
        self.connection = _connection
        if _connection is None:
            self.connection = Connection(host, port, dialect)
            self.negotiate()
        if share is None:
            return
        response = self.log_in(previous_session=previous_session)
        if response.status == Status.SUCCESS:
            response = self.tree_connect(share)
        if response.status != Status.SUCCESS:
            self.drop()
            raise StatusError(response)

    def another_session(self, user, password, **options):
        """A further session on the same connection."""
        return Smb2Client(self.port, user, password, host=self.host, dialect=self.dialect, _connection=self.connection, **options)

    def another_channel(self):
        """A further connection for this session and its tree; it signs what it sends. SMB 3, and the client has said its client_guid."""
        channel = Smb2Client(self.port, self.user, self.password, dialect=self.dialect, signing=True, host=self.host, share=None,
                             client_guid=self.client_guid)  # fmt: skip
        channel.session_id, channel.tree_id, channel.keys = self.session_id, self.tree_id, self.keys
        response = channel.log_in(flags=SESSION_BINDING)
        if response.status != Status.SUCCESS:
            channel.drop()
            raise StatusError(response)
        channel.begin_session(response, *channel.channel_secrets)
        return channel

    def __exit__(self, *_):
        self.drop()

    def drop(self):
        """Closes the connection without a word."""
        self.connection.drop()

    def reset(self):
        """Closes the connection with a TCP reset."""
        self.connection.reset()

    # ---- sending and receiving ----

    def send(self, commands, *, related=False, process_id=0xFEFF, plain=False):
        """Sends commands in one packet. Gives a Pending for each."""
        pending, parts = [], []
        for number, command in enumerate(commands):
            header = self.connection.header(
                command.command,
                self.session_id,
                self.tree_id,
                charge=command.charge,
                flags=FLAG_RELATED if related and number else 0,
                process_id=process_id,
            )
            part = bytearray(header + command.body)
            if number < len(commands) - 1:
                part += bytes(-len(part) % 8)
                struct.pack_into("<I", part, 20, len(part))
            pending.append(Pending(self, struct.unpack_from("<Q", header, 24)[0]))
            self.connection.pending[pending[-1].message_id] = pending[-1]
            parts.append(part)
        self.send_parts(parts, plain)
        return pending

    def send_parts(self, parts, plain=False):
        if self.protected and self.encryption and not plain:
            self.connection.send_packet(self.connection.encrypted(b"".join(parts), self.keys, self.session_id))
            return
        if self.keys is not None and self.signing and not plain:
            for part in parts:
                struct.pack_into("<I", part, 16, struct.unpack_from("<I", part, 16)[0] | FLAG_SIGNED)
                part[48:64] = self.keys.signature(part)
        self.connection.send_packet(b"".join(parts))

    def start(self, command, **options):
        return self.send([command], **options)[0]

    def call(self, command, **options):
        return self.start(command, **options).final()

    def poll(self):
        """Takes in what has arrived, without waiting."""
        while self.connection.receive_some(0):
            pass

    def check_protection(self, response):
        if self.protected and self.encryption and not response.encrypted:
            raise ProtocolError(f"not encrypted: {response}")
        if self.protected and self.signing and not self.encryption and not response.signed and not response.status == Status.PENDING:
            raise ProtocolError(f"not signed: {response}")
        if response.signed and not response.encrypted and self.keys is not None:
            if self.keys.signature(response.packet) != response.packet[48:64]:
                raise ProtocolError(f"wrong signature: {response}")

    # ---- setting up ----

    def negotiate(self):
        capabilities = 0x44 if self.dialect >= 0x300 else 0x04  # large MTU; encryption
        capabilities |= 0x08 if self.has_channels else 0
        body = struct.pack("<HHHHI", 36, 1, 1, 0, capabilities) + self.client_guid
        if self.dialect == 0x311:
            salt = struct.pack("<HHI HHH", 1, 38, 0, 1, 32, 1) + os.urandom(32) + bytes(2)
            ciphers = struct.pack("<HHI HH", 2, 4, 0, 1, self.connection.cipher)
            body += struct.pack("<IHHHH", HEADER_SIZE + 40, 2, 0, self.dialect, 0) + salt + ciphers
        else:
            body += bytes(8) + struct.pack("<H", self.dialect)
        header = self.connection.header(Command.NEGOTIATE, 0, 0)
        packet = header + body
        self.connection.add_to_preauth_hash(packet)
        pending = self.connection.pending[0] = Pending(self, 0)
        self.connection.send_packet(packet)
        response = pending.final()
        if response.status != Status.SUCCESS:
            raise StatusError(response)
        self.max_transact, self.max_read, self.max_write = struct.unpack_from("<III", response.body, 28)

    def setup_session(self, token, previous_session, flags):
        body = struct.pack("<HBBIIHHQ", 25, flags, 1, 0, 0, 88, len(token), previous_session) + token
        packet = bytearray(self.connection.header(Command.SESSION_SETUP, self.session_id, 0) + body)
        pending = Pending(self, struct.unpack_from("<Q", packet, 24)[0])
        self.connection.pending[pending.message_id] = pending
        self.send_parts([packet])
        self.connection.add_to_preauth_hash(bytes(packet))
        return pending.final()

    def log_in(self, *, previous_session=0, between=None, flags=0):
        """Logs in, or, in a session that exists, authenticates again; `between` is called in the middle of it."""
        preauth_of_connection = self.connection.preauth_hash
        login = Login(self.user, self.password, self.domain, self.workstation)
        response = self.setup_session(login.first_token(), previous_session, flags)
        if response.status != Status.MORE_PROCESSING_REQUIRED:
            return response
        if between is not None:
            between()
        first_time = self.session_id == 0
        self.session_id = response.session_id
        offset, length = struct.unpack_from("<HH", response.packet, HEADER_SIZE + 4)
        second = login.second_token(response.packet[offset : offset + length])
        response = self.setup_session(second, previous_session, flags)
        self.channel_secrets = login.session_key, self.connection.preauth_hash
        if response.status == Status.SUCCESS and first_time:
            self.begin_session(response, *self.channel_secrets)
        self.connection.preauth_hash = preauth_of_connection
        return response

    def begin_session(self, response, session_key, preauth_hash):
        (self.session_flags,) = struct.unpack_from("<H", response.body, 2)
        is_guest_or_null = self.session_flags & 3
        if not is_guest_or_null:
            self.session_key = session_key
            self.keys = Keys(self.dialect, session_key, preauth_hash)
            self.protected = self.signing or self.encryption
        self.connection.sessions[self.session_id] = self

    def tree_connect(self, share):
        path = f"\\\\{self.host}\\{share}".encode("utf-16le")
        # 3.1.1 wants this one signed, whatever else is.
        signing, self.signing = self.signing, self.signing or (self.dialect == 0x311 and self.keys is not None)
        pending = self.start(Request(Command.TREE_CONNECT, struct.pack("<HHHH", 9, 0, 72, len(path)) + path))
        self.signing = signing
        response = pending.final()
        if response.status == Status.SUCCESS:
            self.tree_id = response.tree_id
        return response

    # ---- the commands, as they are sent ----

    @staticmethod
    def create_command(name, *, access=USUAL_ACCESS, impersonation=2, disposition=1, options=0, share=7, contexts=b"", raw_name=None):
        text = name.encode("utf-16le") if raw_name is None else raw_name
        offset = HEADER_SIZE + 56
        fields = (57, 0, 0, impersonation, 0, 0, access, 0, share, disposition, options, offset, len(text))
        body = struct.pack("<HBBIQQIIIIIHH", *fields)
        if not contexts:
            return Request(Command.CREATE, body + struct.pack("<II", 0, 0) + (text or b"\0"))
        padding = bytes(-(offset + len(text)) % 8)
        place = struct.pack("<II", offset + len(text) + len(padding), len(contexts))
        return Request(Command.CREATE, body + place + text + padding + contexts)

    @staticmethod
    def read_command(file_id, length, *, minimum=0, flags=0, channel=0):
        body = struct.pack("<HBBIQ", 49, 0x50, flags, length, 0) + file_id + struct.pack("<IIIHHB", minimum, channel, 0, 0, 0, 0)
        return Request(Command.READ, body, charge_for(length))

    @staticmethod
    def write_command(file_id, data):
        body = struct.pack("<HHIQ", 49, HEADER_SIZE + 48, len(data), 0) + file_id + bytes(16) + (data or b"\0")
        return Request(Command.WRITE, body, charge_for(len(data)))

    @staticmethod
    def ioctl_command(file_id, code, data=b"", max_output=4096, *, flags=1, input_length=None):
        length = len(data) if input_length is None else input_length
        offset = HEADER_SIZE + 56 if length else 0
        tail = struct.pack("<IIIIIIII", offset, length, 0, 0, 0, max_output, flags, 0)
        body = struct.pack("<HHI", 57, 0, code) + file_id + tail + (data or b"\0")
        return Request(Command.IOCTL, body, charge_for(max(length, max_output)))

    @staticmethod
    def wait_command(name, timeout_ms=None, *, file_id=RELATED, name_length=None):
        """FSCTL_PIPE_WAIT; timeout None: the pipe's default."""
        text = name.encode("utf-16le")
        length = len(text) if name_length is None else name_length
        data = struct.pack("<qIBB", -(timeout_ms or 0) * 10000, length, timeout_ms is not None, 0) + text
        return Smb2Client.ioctl_command(file_id, FSCTL_PIPE_WAIT, data, 0)

    @staticmethod
    def close_command(file_id, flags=0):
        return Request(Command.CLOSE, struct.pack("<HHI", 24, flags, 0) + file_id)

    @staticmethod
    def flush_command(file_id):
        return Request(Command.FLUSH, struct.pack("<HHI", 24, 0, 0) + file_id)

    @staticmethod
    def query_info_command(file_id, information_class, length=4096, *, kind=1, parts=0):
        body = struct.pack("<HBBIHHIII", 41, kind, information_class, length, 0, 0, 0, parts, 0) + file_id + b"\0"
        return Request(Command.QUERY_INFO, body, charge_for(length))

    @staticmethod
    def set_info_command(file_id, information_class, data, *, kind=1, parts=0):
        body = struct.pack("<HBBIHHI", 33, kind, information_class, len(data), HEADER_SIZE + 32, 0, parts) + file_id + (data or b"\0")
        return Request(Command.SET_INFO, body)

    @staticmethod
    def query_directory_command(file_id, information_class, pattern="*", *, flags=0, length=4096):
        text = pattern.encode("utf-16le")
        body = struct.pack("<HBBI", 33, information_class, flags, 0) + file_id
        return Request(Command.QUERY_DIRECTORY, body + struct.pack("<HHI", HEADER_SIZE + 32, len(text), length) + (text or b"\0"),
                       charge_for(length))  # fmt: skip

    @staticmethod
    def change_notify_command(file_id, *, filter=0xFFF, length=1000):
        return Request(Command.CHANGE_NOTIFY, struct.pack("<HHI", 32, 0, length) + file_id + struct.pack("<II", filter, 0))

    @staticmethod
    def echo_command():
        return Request(Command.ECHO, struct.pack("<HH", 4, 0))

    # ---- calls ----

    def start_create(self, name, **options):
        return self.start(self.create_command(name, **options))

    def create(self, name, **options):
        return self.start_create(name, **options).final()

    def open(self, name, **options):
        """The file id of a pipe that must be there."""
        response = self.create(name, **options)
        if response.status != Status.SUCCESS:
            raise StatusError(response)
        return response.file_id

    def start_read(self, file_id, length=4096, **options):
        return self.start(self.read_command(file_id, length, **options))

    def read(self, file_id, length=4096, **options):
        return self.start_read(file_id, length, **options).final()

    def start_write(self, file_id, data):
        return self.start(self.write_command(file_id, data))

    def write(self, file_id, data):
        return self.start_write(file_id, data).final()

    def start_ioctl(self, file_id, code, data=b"", max_output=4096, **options):
        return self.start(self.ioctl_command(file_id, code, data, max_output, **options))

    def ioctl(self, file_id, code, data=b"", max_output=4096, **options):
        return self.start_ioctl(file_id, code, data, max_output, **options).final()

    def start_transceive(self, file_id, data, max_output=4096):
        return self.start_ioctl(file_id, FSCTL_PIPE_TRANSCEIVE, data, max_output)

    def transceive(self, file_id, data, max_output=4096):
        return self.start_transceive(file_id, data, max_output).final()

    def peek(self, file_id, max_output=4096):
        return self.ioctl(file_id, FSCTL_PIPE_PEEK, b"", max_output)

    def start_wait(self, name, timeout_ms=None, **options):
        return self.start(self.wait_command(name, timeout_ms, **options))

    def wait(self, name, timeout_ms=None, **options):
        return self.start_wait(name, timeout_ms, **options).final()

    def start_flush(self, file_id):
        return self.start(self.flush_command(file_id))

    def flush(self, file_id):
        return self.start_flush(file_id).final()

    def start_close(self, file_id, flags=0):
        return self.start(self.close_command(file_id, flags))

    def close(self, file_id, flags=0):
        return self.start_close(file_id, flags).final()

    def query_info(self, file_id, information_class, length=4096, **options):
        return self.call(self.query_info_command(file_id, information_class, length, **options))

    def set_info(self, file_id, information_class, data, **options):
        return self.call(self.set_info_command(file_id, information_class, data, **options))

    def query_directory(self, file_id, information_class, pattern="*", **options):
        return self.call(self.query_directory_command(file_id, information_class, pattern, **options))

    def change_notify(self, file_id, **options):
        """CHANGE_NOTIFY, which waits."""
        return self.start(self.change_notify_command(file_id, **options))

    def query_security(self, file_id, parts, length=4096):
        return self.query_info(file_id, 0, length, kind=SECURITY, parts=parts)

    def set_security(self, file_id, parts, descriptor):
        return self.set_info(file_id, 0, descriptor, kind=SECURITY, parts=parts)

    def set_modes(self, file_id, read_mode=1, completion_mode=0):
        """FilePipeInformation: message read mode, unless told otherwise."""
        return self.set_info(file_id, 23, struct.pack("<II", read_mode, completion_mode))

    def send_cancel(self, pending, by_message_id=False, plain=False):
        by_async_id = pending.interim is not None and not by_message_id
        packet = self.connection.header(
            Command.CANCEL,
            self.session_id,
            self.tree_id,
            message_id=pending.message_id,
            flags=FLAG_ASYNC if by_async_id else 0,
            async_id=pending.interim.async_id if by_async_id else None,
        )
        self.send_parts([bytearray(packet + struct.pack("<HH", 4, 0))], plain)

    def start_tree_disconnect(self):
        return self.start(Request(Command.TREE_DISCONNECT, struct.pack("<HH", 4, 0)))

    def tree_disconnect(self):
        return self.start_tree_disconnect().final()

    def start_logoff(self):
        return self.start(Request(Command.LOGOFF, struct.pack("<HH", 4, 0)))

    def logoff(self):
        return self.start_logoff().final()

    def echo(self):
        return self.call(self.echo_command())
