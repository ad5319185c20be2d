# SPDX-License-Identifier: GPL-3.0-or-later
"""rows_smb1.py: SMB1: SEMANTICS.md section 7."""
import struct

from smb1client import (
    HEADER_SIZE,
    PASS_THROUGH,
    RAW_START,
    WRITE_MESSAGE_START,
    WRITE_RAW_MODE,
    WRITE_WANTS_AVAILABLE,
    Command,
    Request,
    Trans,
    Trans2,
)
from smb2client import FSCTL_PIPE_PEEK, FSCTL_PIPE_TRANSCEIVE, ProtocolError

from .sides import final
from .table import CannotServe, row

TITLE = "SMB1"

NO_FID = 0x7FF7
EXTENDED_RESPONSE = 0x10
BRINGS_DATA = (Command.READ_ANDX, Command.READ, Command.TRANSACTION, Command.TRANSACTION2, Command.NT_TRANSACT)


def said(*answers):
    """The statuses (or DOS errors), the parameters of a transaction, and how many bytes came."""
    texts = []
    for answer in answers:
        if answer is None:
            texts.append("no answer")
            continue
        text = "{}/{}".format(*answer.dos_error) if answer.is_dos and answer.raw_status else answer.status.name
        if not answer.is_error:
            if answer.command == Command.TRANSACTION and answer.parameters:
                text += f" {answer.parameters.hex()}"
            if answer.command in BRINGS_DATA and (answer.data or answer.command in (Command.READ, Command.READ_ANDX)):
                text += f" {len(answer.data)}"
            if answer.command in (Command.WRITE_ANDX, Command.WRITE):
                text += f" {answer.count}"
        texts.append(text)
    return ", ".join(texts)


# ---- 7.1 names ----


@row("7.1", "OPEN_ANDX of `\\PIPE\\x`, of `x`", windows="SUCCESS, OBJECT_PATH_SYNTAX_BAD (?)", ours="SUCCESS, OBJECT_PATH_SYNTAX_BAD")
def open_names(side):
    client, name = side.connect_smb1(), side.name()
    side.serve(name)
    return said(client.open_andx(name), client.call(client.open_request(name)))


@row("7.1", "NT_CREATE_ANDX of `\\x`, in capitals", windows="SUCCESS ([MS-CIFS] 2.2.4.64)", ours="SUCCESS")
def create_name(side):
    client, name = side.connect_smb1(), side.name()
    side.serve(name)
    return said(client.create(name.upper()))


@row("7.1", "NT_TRANSACT_CREATE of `\\x`", windows="SUCCESS ([MS-CIFS] 2.2.7.1)", ours="SUCCESS")
def transact_create(side):
    client, name = side.connect_smb1(), side.name()
    side.serve(name)
    return client.call(client.nt_transact_create_request("\\" + name)).status.name


@row("7.1", "TRANSACT with the name `\\PIPE`", windows="SUCCESS 5 (?)", ours="SUCCESS 5")
def transact_by_short_name(side):
    client, fid, pipe = side.join_smb1()
    call = client.start_transceive(fid, b"question", name="\\PIPE")
    pipe.read()
    pipe.write(b"reply")
    return said(final(side, call))


@row("7.1", "NT_CREATE_ANDX of a name that is not there: a client of NTSTATUS, of DOS errors",
     windows="OBJECT_NAME_NOT_FOUND, 1/2 ([MS-CIFS] 2.2.2.4)", ours="OBJECT_NAME_NOT_FOUND, 1/230")
def create_nothing(side):
    return said(side.connect_smb1().create("nothing-there"), side.connect_smb1(nt_status=False).create("nothing-there"))


@row("7.1", "OPEN_ANDX of a name that is not there: a client of NTSTATUS, of DOS errors",
     windows="OBJECT_NAME_NOT_FOUND, 1/2 ([MS-CIFS] 2.2.2.4)", ours="OBJECT_NAME_NOT_FOUND, 1/230")
def open_nothing(side):
    return said(side.connect_smb1().open_andx("nothing-there"), side.connect_smb1(nt_status=False).open_andx("nothing-there"))


@row("7.1", "NT_CREATE_ANDX of `\\a/b`, of `\\..\\x`", windows="OBJECT_NAME_NOT_FOUND, OBJECT_NAME_NOT_FOUND (?)",
     ours="OBJECT_NAME_NOT_FOUND, OBJECT_PATH_SYNTAX_BAD")
def strange_names(side):
    client = side.connect_smb1()
    return said(client.create("a/b"), client.create("..\\x"))


# ---- 7.2, 7.3 opens ----


def create_fields(response):
    oplock, _, action = struct.unpack_from("<BHI", response.words, 4)
    attributes, allocation, size, kind, state, directory = struct.unpack_from("<IQQHHB", response.words, 43)
    times = "no times" if response.words[11:43] == bytes(32) else "times"
    return f"{oplock} {action} {times} {attributes:#x} {allocation} {size} {kind} {state:#06x} {directory}"


@row("7.3", "NT_CREATE_ANDX of a message pipe: OpLockLevel, CreateDisposition, times, attributes, AllocationSize, EndOfFile, ResourceType, "
     "NMPipeStatus, Directory", windows="0 1 no times 0x80 4096 0 2 0x05ff 0 ([MS-CIFS] 2.2.4.64.2)",
     ours="0 1 no times 0x80 4096 0 2 0x05ff 0")
def created_message_pipe(side):
    client, name = side.connect_smb1(), side.name()
    side.serve(name)
    return create_fields(client.create(name))


@row("7.3", "NT_CREATE_ANDX of a byte pipe: the same", windows="0 1 no times 0x80 4096 0 1 0x00ff 0 ([MS-CIFS] 2.2.4.64.2)",
     ours="0 1 no times 0x80 4096 0 1 0x00ff 0")
def created_byte_pipe(side):
    client, name = side.connect_smb1(), side.name()
    side.serve(name, type=0)
    return create_fields(client.create(name))


@row("7.3", "NT_CREATE_ANDX, extended response: MaximalAccessRights, GuestMaximalAccessRights", windows="? ([MS-SMB] 2.2.4.9.2)",
     ours="0x12019b 0x12019b")
def created_extended(side):
    client, name = side.connect_smb1(), side.name()
    side.serve(name)
    response = client.create(name, flags=EXTENDED_RESPONSE)
    # WordCount says 42 or 50; the words are 50.
    rights = struct.unpack_from("<II", response.packet, 33 + 92)
    return " ".join(f"{value:#x}" for value in rights)


@row("7.3", "OPEN_ANDX of a message pipe: attributes, size, AccessRights, ResourceType, NMPipeStatus, OpenResults",
     windows="? 0 2 2 0x05ff 1 ([MS-CIFS] 2.2.4.41.2)", ours="0 0 2 2 0x05ff 1")
def opened_message_pipe(side):
    client, name = side.connect_smb1(), side.name()
    side.serve(name)
    attributes, _, size, access, kind, state, results = struct.unpack_from("<HIIHHHH", client.open_andx(name).words, 6)
    return f"{attributes} {size} {access} {kind} {state:#06x} {results}"


@row("7.3", "OPEN_ANDX for reading, for writing: AccessRights", windows="0, 1 ([MS-CIFS] 2.2.4.41.2)", ours="0, 1")
def opened_with_rights(side):
    client, rights = side.connect_smb1(), []
    for mode in 0x40, 0x41:
        name = side.name()
        side.serve(name)
        rights.append(str(struct.unpack_from("<H", client.open_andx(name, mode=mode).words, 16)[0]))
    return ", ".join(rights)


# ---- 7.4 data ----


@row("7.4", "READ_ANDX of 4 bytes of a message of 10, and again", windows="BUFFER_OVERFLOW 4, SUCCESS 6 ([MS-CIFS] 3.3.5.36)",
     ours="BUFFER_OVERFLOW 4, SUCCESS 6")
def read_part_of_message(side):
    client, fid, pipe = side.join_smb1()
    pipe.write(b"0123456789")
    return said(client.read(fid, 4), client.read(fid))


@row("7.4", "the same by a client of DOS errors", windows="1/234 4, SUCCESS 6 ([MS-CIFS] 2.2.2.4)", ours="1/234 4, SUCCESS 6")
def read_part_of_message_dos(side):
    client, fid, pipe = side.join_smb1(client=side.connect_smb1(nt_status=False))
    pipe.write(b"0123456789")
    return said(client.read(fid, 4), client.read(fid))


@row("7.4", "READ_ANDX at offset 1000 of a message of 10", windows="SUCCESS 10 ([MS-CIFS] 2.2.4.42.1)", ours="SUCCESS 10")
def read_at_offset(side):
    client, fid, pipe = side.join_smb1()
    pipe.write(b"0123456789")
    return said(client.read(fid, offset=1000))


@row("7.4", "READ_ANDX of 4 bytes of a message of 10: Available", windows="6 ([MS-CIFS] 2.2.4.42.2)", ours="6")
def read_available(side):
    client, fid, pipe = side.join_smb1()
    pipe.write(b"0123456789")
    return str(client.read(fid, 4).available)


@row("7.4", "READ (0x0A) of 4 bytes of a message of 10, and again", windows="BUFFER_OVERFLOW 4, SUCCESS 6 ([MS-CIFS] 3.3.5.12)",
     ours="BUFFER_OVERFLOW 4, SUCCESS 6")
def core_read(side):
    client, fid, pipe = side.join_smb1()
    pipe.write(b"0123456789")
    return said(client.core_read(fid, 4), client.core_read(fid))


@row("7.4", "READ_RAW of 4 bytes of a message of 10, and again; nothing there: how many bytes come, without any header",
     windows="4, 6, 0 ([MS-CIFS] 2.2.4.22)", ours="4, 6, 0")
def read_raw(side):
    client, fid, pipe = side.join_smb1()
    pipe.write(b"0123456789")
    counts = []
    for _ in range(3):
        try:
            counts.append(str(len(client.raw_read(fid, 4 if not counts else 100))))
        except ProtocolError:  # a packet of SMB in place of the data
            counts.append("an error that looks like data")
    return ", ".join(counts)


@row("7.4", "WRITE_ANDX of 5 bytes, of none", windows="SUCCESS 5, SUCCESS 0 ([MS-CIFS] 2.2.4.43)", ours="SUCCESS 5, SUCCESS 0")
def write_andx(side):
    client, fid, _ = side.join_smb1()
    return said(client.write(fid, b"12345"), client.write(fid, b""))


@row("7.4", "WRITE (0x0B) of 5 bytes", windows="SUCCESS 5 ([MS-CIFS] 3.3.5.13)", ours="SUCCESS 5")
def core_write(side):
    client, fid, _ = side.join_smb1()
    return said(client.core_write(fid, b"12345"))


@row("7.4", "WRITE_ANDX, RAW_MODE and MSG_START, 03 00 and 3 bytes; only 1 byte", windows="SUCCESS 5 ([MS-CIFS] 2.2.4.43.1), ?",
     ours="SUCCESS 5, INVALID_PARAMETER")
def write_with_length(side):
    client, fid, _ = side.join_smb1()
    return said(client.write(fid, b"\x03\0abc", mode=RAW_START), client.write(fid, b"\x03", mode=RAW_START))


@row("7.4", "WRITE_ANDX of a message in two parts: MSG_START with the length 6, then RAW_MODE: what the server reads",
     windows="abcdef ([MS-CIFS] 2.2.4.43.1)", ours="abcdef")
def write_in_parts(side):
    client, fid, pipe = side.join_smb1()
    first = client.write(fid, b"\x06\0abc", mode=RAW_START)
    second = client.write(fid, b"def", mode=WRITE_RAW_MODE)
    if first.raw_status or second.raw_status:
        return said(first, second)
    return pipe.read().decode()


@row("7.4", "WRITE_ANDX with MSG_START only", windows="SUCCESS 5 (?)", ours="SUCCESS 5")
def write_message_start(side):
    client, fid, _ = side.join_smb1()
    return said(client.write(fid, b"12345", mode=WRITE_MESSAGE_START))


@row("7.4", "WRITE_ANDX with ReadBytesAvailable, 10 bytes to read: Available", windows="10 ([MS-CIFS] 2.2.4.43.2)", ours="10")
def write_wants_available(side):
    client, fid, pipe = side.join_smb1()
    pipe.write(b"0123456789")
    return str(client.write(fid, b"x", mode=WRITE_WANTS_AVAILABLE).available)


@row("7.4", "READ_ANDX pending, NT_CANCEL", windows="CANCELLED ([MS-CIFS] 3.3.5.52)", ours="CANCELLED")
def cancel_read(side):
    client, fid, _ = side.join_smb1()
    read = client.start_read(fid)
    client.echo()
    read.cancel()
    return said(final(side, read))


@row("7.4", "READ_ANDX pending, CLOSE: the read, the close", windows="PIPE_BROKEN (?), SUCCESS", ours="PIPE_BROKEN, SUCCESS")
def close_with_read(side):
    client, fid, _ = side.join_smb1()
    read = client.start_read(fid)
    client.echo()
    close = client.start_close(fid)
    return said(final(side, read), final(side, close))


@row("7.4", "CLOSE, and again", windows="SUCCESS, INVALID_HANDLE ([MS-CIFS] 3.3.5.6)", ours="SUCCESS, INVALID_HANDLE")
def close_twice(side):
    client, fid, _ = side.join_smb1()
    return said(client.close(fid), client.close(fid))


@row("7.4", "FLUSH, nothing written", windows="SUCCESS ([MS-CIFS] 3.3.5.7)", ours="SUCCESS")
def flush_nothing(side):
    client, fid, _ = side.join_smb1()
    return said(client.flush(fid))


@row("7.4", "READ_ANDX, WRITE_ANDX, FLUSH of a FID that is none",
     windows="INVALID_HANDLE, INVALID_HANDLE, INVALID_HANDLE ([MS-CIFS] 3.3.5)",
     ours="INVALID_HANDLE, INVALID_HANDLE, ACCESS_DENIED")
def without_handle(side):
    client = side.connect_smb1()
    return said(client.read(NO_FID), client.write(NO_FID, b"x"), client.flush(NO_FID))


# ---- 7.5 TRANSACTION ----


def trans_row(operation, windows, ours, **options):
    """A row of 7.5: its function gets the client, the FID and the server's end of a new message pipe."""

    def decorate(function):
        def ask(side):
            return said(*function(side, *side.join_smb1(**options)))

        ask.__name__, ask.__module__ = function.__name__, function.__module__
        return row("7.5", operation, windows=windows, ours=ours)(ask)

    return decorate


@trans_row("SET_NMPIPE_STATE 0x0100, 0x8000, 0x0000 on a message pipe", "SUCCESS, SUCCESS, SUCCESS ([MS-CIFS] 2.2.5.1)",
           "SUCCESS, SUCCESS, SUCCESS")
def set_state(side, client, fid, pipe):
    return [client.set_state(fid, state) for state in (0x0100, 0x8000, 0)]


@trans_row("SET_NMPIPE_STATE 0x0100 on a byte pipe", "INVALID_PARAMETER ([MS-CIFS] 2.2.5.1)", "INVALID_PARAMETER", type=0)
def set_state_of_byte_pipe(side, client, fid, pipe):
    return [client.set_state(fid, 0x0100)]


@trans_row("QUERY_NMPIPE_STATE in message read mode", "SUCCESS ff05 ([MS-CIFS] 2.2.5.3)", "SUCCESS ff05")
def query_state(side, client, fid, pipe):
    return [client.trans(Trans.QUERY_STATE, fid)]


@trans_row("RAW_READ_NMPIPE of 4 bytes of a message of 10, and again", "SUCCESS 4, SUCCESS 6 ([MS-CIFS] 2.2.5.2)", "SUCCESS 4, SUCCESS 6")
def raw_read(side, client, fid, pipe):
    pipe.write(b"0123456789")
    return [client.trans(Trans.RAW_READ, fid, max_data=4), client.trans(Trans.RAW_READ, fid, max_data=100)]


@trans_row("QUERY_NMPIPE_INFO, levels 1 and 2, without the name's length", "SUCCESS, INVALID_PARAMETER ([MS-CIFS] 2.2.5.4)",
           "SUCCESS, INVALID_PARAMETER")
def query_info(side, client, fid, pipe):
    answers = [client.trans(Trans.QUERY_INFO, fid, parameters=struct.pack("<H", level)) for level in (1, 2)]
    for answer in answers:
        answer.transaction_data = b""
    return answers


@trans_row("PEEK_NMPIPE of 4 bytes of a message of 11; nothing there", "BUFFER_OVERFLOW 0b000b000300 4, SUCCESS 000000000300 "
           "([MS-CIFS] 2.2.5.5)", "BUFFER_OVERFLOW 0b000b000300 4, SUCCESS 000000000300")
def peek(side, client, fid, pipe):
    pipe.write(b"hello world")
    some = client.peek(fid, 4)
    client.read(fid)
    return [some, client.peek(fid)]


@trans_row("TRANSACT_NMPIPE, reply of 100, MaxDataCount 40, READ_ANDX", "BUFFER_OVERFLOW 40, SUCCESS 60 ([MS-CIFS] 2.2.5.6)",
           "BUFFER_OVERFLOW 40, SUCCESS 60")
def transact(side, client, fid, pipe):
    call = client.start_transceive(fid, b"question", 40)
    pipe.read()
    pipe.write(bytes(100))
    return [final(side, call), client.read(fid)]


@trans_row("TRANSACT_NMPIPE with data to read", "PIPE_BUSY ([MS-CIFS] 3.3.5.57.7)", "PIPE_BUSY")
def transact_busy(side, client, fid, pipe):
    pipe.write(b"unread")
    call = client.start_transceive(fid, b"question")
    if not side.is_ours:
        pipe.read()
    return [final(side, call)]


@trans_row("TRANSACT_NMPIPE on a byte pipe", "INVALID_PARAMETER ([MS-CIFS] 3.3.5.57.7)", "INVALID_PARAMETER", type=0)
def transact_bytes(side, client, fid, pipe):
    call = client.start_transceive(fid, b"question")
    if not side.is_ours:
        pipe.read()
        pipe.write(b"reply")
    return [final(side, call)]


@trans_row("TRANSACT_NMPIPE with 3000 bytes in five packets, reply of 40000: how much came",
           "SUCCESS 40000 ([MS-CIFS] 3.2.4.1.5)", "SUCCESS 40000")
def transact_in_pieces(side, client, fid, pipe):
    request = client.trans_request((Trans.TRANSACT, fid), bytes(3000), max_data=50000, first=(0, 200), piece=700)
    call = client.start(request)
    if call.response is None:
        assert pipe.read() == bytes(3000)
        pipe.write(bytes(40000))
    return [final(side, call)]


def begin_pieces(client, fid, size, first):
    """A transaction with the first of its bytes, and a function that sends others: (how many, from where)."""
    request = client.trans_request((Trans.TRANSACT, fid), bytes(first), totals=(0, size), max_data=1000)
    call = client.start_pieces(request, wait=False)
    call.wait_interim()
    return call, lambda count, begin: client.send_secondary(call, request.secondary(HEADER_SIZE, b"", 0, bytes(count), begin))


@trans_row("TRANSACT_NMPIPE in three packets, the last part before the middle", "SUCCESS 5 ([MS-CIFS] 2.2.4.34.1)", "SUCCESS 5")
def transact_in_another_order(side, client, fid, pipe):
    call, send = begin_pieces(client, fid, 3000, 1000)
    send(1000, 2000)
    send(1000, 1000)
    if not call.over:
        assert pipe.read() == bytes(3000)
        pipe.write(b"reply")
    return [final(side, call)]


@trans_row("TRANSACT_NMPIPE in several packets, the second overlaps the first", "? (INVALID_PARAMETER)", "INVALID_PARAMETER")
def transact_with_overlap(side, client, fid, pipe):
    call, send = begin_pieces(client, fid, 3000, 1000)
    send(1500, 500)
    return [final(side, call)]


@trans_row("RAW_WRITE_NMPIPE of 03 00 and 3 bytes on a message pipe", "SUCCESS 0500 ([MS-CIFS] 2.2.5.7)", "SUCCESS 0500")
def raw_write(side, client, fid, pipe):
    return [client.trans(Trans.RAW_WRITE, fid, b"\x03\0abc")]


@trans_row("READ_NMPIPE of 4 bytes of a message of 10, and again", "BUFFER_OVERFLOW 4, SUCCESS 6 ([MS-CIFS] 2.2.5.8)",
           "BUFFER_OVERFLOW 4, SUCCESS 6")
def read(side, client, fid, pipe):
    pipe.write(b"0123456789")
    return [client.trans(Trans.READ, fid, max_data=4), client.trans(Trans.READ, fid, max_data=100)]


@trans_row("WRITE_NMPIPE of 5 bytes", "SUCCESS 0500 ([MS-CIFS] 2.2.5.9)", "SUCCESS 0500")
def write(side, client, fid, pipe):
    return [client.trans(Trans.WRITE, fid, b"12345")]


@row("7.5", "WAIT_NMPIPE: an instance is free; the name is not there", windows="SUCCESS, OBJECT_NAME_NOT_FOUND ([MS-CIFS] 2.2.5.10)",
     ours="SUCCESS, OBJECT_NAME_NOT_FOUND")
def wait(side):
    client, name = side.connect_smb1(), side.name()
    side.serve(name)
    return said(client.wait(name, 100), client.wait("nothing-there", 100))


@row("7.5", "WAIT_NMPIPE for 100 ms, the only instance has a client", windows="IO_TIMEOUT ([MS-CIFS] 2.2.5.10)", ours="IO_TIMEOUT")
def wait_for_busy(side):
    client, name = side.connect_smb1(), side.name()
    side.serve(name)
    client.open(name)
    return said(client.wait(name, 100))


@row("7.5", "CALL_NMPIPE with a reply of 5", windows="SUCCESS 5 ([MS-CIFS] 2.2.5.11)", ours="SUCCESS 5")
def call(side):
    client, name = side.connect_smb1(), side.name()
    pipe = side.serve(name)
    pending = client.start_pipe_call(name, b"question")
    if side.is_ours:
        pipe.await_client()
        pipe.read()
        pipe.write(b"reply")
    return said(final(side, pending))


@trans_row("an unknown subcommand; SetupCount 1; an unknown FID", "INVALID_PARAMETER, INVALID_PARAMETER, INVALID_HANDLE (?)",
           "INVALID_PARAMETER, INVALID_PARAMETER, INVALID_HANDLE")
def wrong_setup(side, client, fid, pipe):
    requests = (0x77, fid), (Trans.TRANSACT,), (Trans.TRANSACT, NO_FID)
    return [client.call(client.trans_request(setup, b"x")) for setup in requests]


# ---- 7.6 the rest ----


@row("7.6", "TRANS2 QUERY_FILE_INFORMATION, pass-through: classes 5, 23, 24",
     windows="SUCCESS 24, SUCCESS 8, SUCCESS 40 ([MS-SMB] 2.2.2.3.5)",
     ours="SUCCESS 24, SUCCESS 8, SUCCESS 40")
def query_pass_through(side):
    client, fid, _ = side.join_smb1()
    return said(*(client.query_file(fid, PASS_THROUGH + each) for each in (5, 23, 24)))


@row("7.6", "TRANS2 QUERY_FILE_INFORMATION, SMB_QUERY_FILE_STANDARD_INFO: AllocationSize, EndOfFile, links, DeletePending",
     windows="4096 0 1 1 ([MS-CIFS] 2.2.8.3.7)", ours="4096 0 1 1")
def query_standard(side):
    client, fid, _ = side.join_smb1()
    response = client.query_file(fid, 0x102)
    if response.raw_status:
        return said(response)
    return " ".join(map(str, struct.unpack_from("<QQIB", response.data)))


@row("7.6", "TRANS2 SET_FILE_INFORMATION, pass-through: class 23", windows="SUCCESS ([MS-SMB] 2.2.2.3.6)", ours="SUCCESS")
def set_pass_through(side):
    client, fid, _ = side.join_smb1()
    return said(client.set_file(fid, PASS_THROUGH + 23, struct.pack("<II", 1, 0)))


@row("7.6", "TRANS2 FIND_FIRST2, QUERY_PATH_INFORMATION on IPC$", windows="ACCESS_DENIED, ACCESS_DENIED (?)",
     ours="ACCESS_DENIED, ACCESS_DENIED")
def find_and_query_path(side):
    client = side.connect_smb1()
    pattern = "\\*".encode("utf-16le") + b"\0\0"
    find = client.trans2_request(Trans2.FIND_FIRST2, struct.pack("<HHHHI", 0x16, 10, 0, 0x104, 0) + pattern)
    query = client.trans2_request(Trans2.QUERY_PATH, struct.pack("<HI", 0x101, 0) + pattern)
    return said(client.call(find), client.call(query))


@row("7.6", "NT_TRANSACT_IOCTL: PIPE_PEEK of 16 bytes, nothing there", windows="SUCCESS 16 (?)", ours="SUCCESS 16")
def ioctl_peek(side):
    client, fid, _ = side.join_smb1()
    return said(client.control(fid, FSCTL_PIPE_PEEK, b"", 16))


@row("7.6", "NT_TRANSACT_IOCTL: PIPE_TRANSCEIVE", windows="SUCCESS 5 (?)", ours="SUCCESS 5")
def ioctl_transceive(side):
    client, fid, pipe = side.join_smb1()
    call = client.start_control(fid, FSCTL_PIPE_TRANSCEIVE, b"question")
    if side.is_ours:
        pipe.read()
        pipe.write(b"reply")
    return said(final(side, call))


@row("7.6", "NT_CREATE_ANDX + WRITE_ANDX in one packet: the statuses of both", windows="SUCCESS SUCCESS ([MS-CIFS] 3.3.5.3)",
     ours="SUCCESS SUCCESS")
def chain(side):
    client, name = side.connect_smb1(), side.name()
    side.serve(name)
    response = final(side, client.chain([client.nt_create_request("\\" + name), client.write_request(0xFFFF, b"12345")]))
    if response is None:
        return "no answer"
    return " ".join(["SUCCESS"] * (len(response.blocks) - 1) + [response.status.name])


@row("7.6", "NT_CREATE_ANDX + READ_ANDX in one packet, the message of 5 comes later",
     windows="SUCCESS 5 ([MS-CIFS] 3.3.5.3)", ours="SUCCESS 5")
def chain_with_wait(side):
    if not side.is_ours:
        raise CannotServe("stock smbd answers with bytes of its memory, different ones each time")
    client, name = side.connect_smb1(), side.name()
    pipe = side.serve(name)
    pending = client.chain([client.nt_create_request("\\" + name), client.read_request(0xFFFF, 100, minimum=1, timeout=-1)])
    pipe.await_client()
    pipe.write(b"reply")
    response = final(side, pending)
    return f"{response.status.name} {len(response.data)}"


@row("7.6", "LOCKING_ANDX on a pipe", windows="? (INVALID_DEVICE_REQUEST)", ours="ACCESS_DENIED")
def lock(side):
    client, fid, _ = side.join_smb1()
    return said(client.call(Request(Command.LOCKING_ANDX, struct.pack("<HBBIHH", fid, 0, 0, 0, 0, 1), struct.pack("<HII", 1, 0, 1))))


@row("7.6", "another user's session on the same connection: READ_ANDX of the first one's FID", windows="INVALID_HANDLE ([MS-CIFS] 3.3.5)",
     ours="INVALID_HANDLE")
def other_session(side):
    client, fid, pipe = side.join_smb1()
    pipe.write(b"secret")
    other = client.another_session(*side.users[1])
    return said(final(side, other.start_read(fid)))
