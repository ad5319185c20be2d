# SPDX-License-Identifier: GPL-3.0-or-later
"""rows_smb2.py: SMB2 and SMB3: SEMANTICS.md section 8."""
import struct

from smb2client import (
    FSCTL_PIPE_PEEK,
    FSCTL_PIPE_TRANSCEIVE,
    FSCTL_PIPE_WAIT,
    HEADER_SIZE,
    RELATED,
    Command,
    Request,
    Status,
)

from .sides import final
from .table import CannotServe, row

TITLE = "SMB2 and SMB3"


def said(*answers, size=True):
    """The statuses, and how many bytes came with those that can bring some."""
    texts = []
    for answer in answers:
        text = "no answer" if answer is None else answer.status.name
        if size and answer is not None and answer.command in (Command.READ, Command.IOCTL, Command.QUERY_INFO) and not answer.is_error:
            text += f" {len(answer.data)}"
        if size and answer is not None and answer.command == Command.WRITE and answer.status == Status.SUCCESS:
            text += f" {answer.count}"
        texts.append(text)
    return ", ".join(texts)


# ---- 8.1 CREATE ----


@row("8.1", "CREATE of `x`, of `\\x`, of the empty name", windows="SUCCESS ([MS-SMB2] 2.2.13), ?, ? (SUCCESS: the root)",
     ours="SUCCESS, OBJECT_NAME_NOT_FOUND, SUCCESS")
def create_names(side):
    client, name = side.connect(), side.name()
    side.serve(name)
    return said(client.create(name), client.create("\\" + name), client.create(""))


@row("8.1", "CREATE of a name in capitals", windows="SUCCESS ([MS-FSA] 2.1.5.1)", ours="SUCCESS")
def create_capitals(side):
    client, name = side.connect(), side.name()
    side.serve(name)
    return said(client.create(name.upper()))


@row("8.1", "CREATE with ImpersonationLevel 4", windows="BAD_IMPERSONATION_LEVEL ([MS-SMB2] 3.3.5.9)", ours="BAD_IMPERSONATION_LEVEL")
def create_wrong_level(side):
    client, name = side.connect(), side.name()
    side.serve(name)
    return said(client.create(name, impersonation=4))


@row("8.1", "CREATE: OplockLevel for a batch oplock, CreateAction, times, AllocationSize, EndOfFile, attributes",
     windows="0 1 no times 4096 0 0x80 (?)", ours="0 1 no times 4096 0 0x80")
def create_fields(side):
    client, name = side.connect(), side.name()
    side.serve(name)
    command = client.create_command(name)
    body = bytearray(command.body)
    body[3] = 9
    response = client.call(Request(command.command, bytes(body)))
    oplock, action, *times, allocation, size, attributes = struct.unpack_from("<xxBxI6QI", response.body)
    return f"{oplock} {action} {'times' if any(times) else 'no times'} {allocation} {size} {attributes:#x}"


@row("8.1", "CREATE with FILE_CREATE, with FILE_OPEN_IF, of a pipe that is there", windows="SUCCESS, SUCCESS (?)", ours="SUCCESS, SUCCESS")
def create_dispositions(side):
    client, answers = side.connect(), []
    for disposition in 2, 3:
        name = side.name()
        side.serve(name)
        answers.append(client.create(name, disposition=disposition))
    return said(*answers)


def context(tag, data):
    tail = struct.pack("<HHHI", 4, 0, 24, len(data)) + tag + bytes(4) + data
    return struct.pack("<IH", 0, 16) + tail


@row("8.1", "CREATE with a request for a durable handle", windows="SUCCESS ([MS-SMB2] 3.3.5.9.6)", ours="SUCCESS")
def create_durable(side):
    client, name = side.connect(), side.name()
    side.serve(name)
    return said(client.create(name, contexts=context(b"DHnQ", bytes(16))))


@row("8.1", "CREATE with MxAc: status and rights", windows="0x0 and all that the user may ([MS-SMB2] 3.3.5.9.5)", ours="0x0 0x1f01fb")
def create_maximal_access(side):
    client, name = side.connect(), side.name()
    side.serve(name)
    response = client.create(name, contexts=context(b"MxAc", b""))
    place = response.packet.find(b"MxAc", HEADER_SIZE)
    if place < 0:
        return f"{response.status.name}, no context"
    return "{:#x} {:#x}".format(*struct.unpack_from("<II", response.packet, place + 8))


@row("8.1", "CREATE of a pipe whose only instance has a client", windows="PIPE_NOT_AVAILABLE ([MS-FSA] 2.1.5.1)", ours="PIPE_NOT_AVAILABLE")
def create_busy(side):
    if not side.is_ours:
        raise CannotServe("a socket takes any number of clients")
    client, name = side.connect(), side.name()
    side.serve(name)
    client.open(name)
    return said(client.create(name))


@row("8.1", "CREATE of a name that is not there", windows="OBJECT_NAME_NOT_FOUND ([MS-SMB2] 3.3.5.9)", ours="OBJECT_NAME_NOT_FOUND")
def create_nothing(side):
    return said(side.connect().create("nothing-there"))


@row("8.1", "CREATE by an anonymous session", windows="ACCESS_DENIED unless the pipe is named for null sessions (6.3)", ours="ACCESS_DENIED")
def create_anonymous(side):
    name = side.name()
    side.serve(name)
    return said(side.connect(("", "")).create(name))


@row("8.1", "CREATE in an encrypted session, WRITE", windows="SUCCESS, SUCCESS 5", ours="SUCCESS, SUCCESS 5")
def create_encrypted(side):
    client, name = side.connect(encryption=True, dialect=0x311), side.name()
    side.serve(name)
    created = client.create(name)
    return said(created, client.write(created.file_id, b"12345"))


@row("8.1", "CREATE for FILE_WRITE_DATA only: READ; for FILE_READ_DATA only: WRITE", windows="ACCESS_DENIED, ACCESS_DENIED "
     "([MS-SMB2] 3.3.5.12, 3.3.5.13)", ours="ACCESS_DENIED, ACCESS_DENIED")
def granted_access(side):
    client, write_only, pipe = side.join(access=0x100102)
    pipe.write(b"data")
    _, read_only, _ = side.join(access=0x100081, client=client)
    return said(client.read(write_only), client.write(read_only, b"x"))


# ---- 8.2 READ, WRITE, FLUSH, CANCEL ----


@row("8.2", "READ of 4 bytes of a message of 10, and again", windows="BUFFER_OVERFLOW 4, SUCCESS 6 ([MS-SMB2] 3.3.4.4)",
     ours="BUFFER_OVERFLOW 4, SUCCESS 6")
def read_part_of_message(side):
    client, file_id, pipe = side.join()
    pipe.write(b"0123456789")
    return said(client.read(file_id, 4), client.read(file_id, 100))


@row("8.2", "READ pending, CANCEL by AsyncId", windows="CANCELLED ([MS-SMB2] 3.3.5.16)", ours="CANCELLED")
def cancel_read(side):
    client, file_id, _ = side.join()
    read = client.start_read(file_id)
    read.wait_interim()
    read.cancel()
    return said(final(side, read))


@row("8.2", "READ pending, CANCEL by MessageId", windows="CANCELLED ([MS-SMB2] 3.3.5.16)", ours="CANCELLED")
def cancel_read_by_message_id(side):
    client, file_id, _ = side.join()
    read = client.start_read(file_id)
    read.wait_interim()
    read.cancel(by_message_id=True)
    return said(final(side, read))


@row("8.2", "READ of an id that is none", windows="FILE_CLOSED ([MS-SMB2] 3.3.5.12)", ours="FILE_CLOSED")
def read_without_handle(side):
    return said(side.connect().read(b"\x42" * 16))


@row("8.2", "READ with a Length beyond MaxReadSize", windows="INVALID_PARAMETER ([MS-SMB2] 3.3.5.12)", ours="INVALID_PARAMETER")
def read_too_much(side):
    client, file_id, pipe = side.join()
    pipe.write(b"data")
    return said(client.call(Request(Command.READ, client.read_command(file_id, client.max_read + 1).body)))


@row("8.2", "READ_UNBUFFERED in 3.1.1", windows="INVALID_PARAMETER ([MS-SMB2] 3.3.5.12)", ours="INVALID_PARAMETER")
def read_unbuffered(side):
    client, file_id, pipe = side.join(client=side.connect(dialect=0x311))
    pipe.write(b"data")
    return said(client.read(file_id, flags=1))


@row("8.2", "READ with the channel RDMA_V1 on TCP", windows="INVALID_PARAMETER ([MS-SMB2] 3.3.5.12)", ours="INVALID_PARAMETER")
def read_rdma(side):
    client, file_id, pipe = side.join()
    pipe.write(b"data")
    return said(client.read(file_id, channel=1))


@row("8.2", "READ at offset 1000", windows="SUCCESS 4 ([MS-SMB2] 2.2.19)", ours="SUCCESS 4")
def read_at_offset(side):
    client, file_id, pipe = side.join()
    pipe.write(b"data")
    command = client.read_command(file_id, 100)
    body = bytearray(command.body)
    struct.pack_into("<Q", body, 8, 1000)
    return said(client.call(Request(command.command, bytes(body))))


@row("8.2", "READ with MinimumCount 10 of a message of 4", windows="? ([MS-SMB2] 3.3.5.12: END_OF_FILE, said of files)", ours="SUCCESS 4")
def read_minimum(side):
    client, file_id, pipe = side.join()
    pipe.write(b"data")
    return said(client.read(file_id, minimum=10))


@row("8.2", "READ of an empty message", windows="? (SUCCESS 0)", ours="SUCCESS 0")
def read_empty_message(side):
    if not side.is_ours:
        raise CannotServe("smbd takes an empty message for the end")
    client, file_id, pipe = side.join()
    pipe.write(b"")
    return said(client.read(file_id))


@row("8.2", "WRITE of 5 bytes, of none, with WRITE_THROUGH", windows="SUCCESS 5, SUCCESS 0, SUCCESS 5 ([MS-SMB2] 3.3.5.13)",
     ours="SUCCESS 5, SUCCESS 0, SUCCESS 5")
def write(side):
    client, file_id, _ = side.join()
    through = client.write_command(file_id, b"12345")
    body = bytearray(through.body)
    struct.pack_into("<I", body, 44, 1)
    return said(client.write(file_id, b"12345"), client.write(file_id, b""), client.call(Request(through.command, bytes(body))))


@row("8.2", "WRITE with a Length beyond MaxWriteSize", windows="INVALID_PARAMETER ([MS-SMB2] 3.3.5.13)", ours="INVALID_PARAMETER")
def write_too_much(side):
    client, file_id, _ = side.join(client=side.connect(dialect=0x202))
    return said(client.call(Request(Command.WRITE, client.write_command(file_id, bytes(client.max_write + 1)).body)))


@row("8.2", "WRITE in non-blocking mode of more than there is room for: Count", windows="SUCCESS 0 (3.4)", ours="SUCCESS 0")
def write_short(side):
    client, file_id, _ = side.join(inbound_quota=10)
    client.set_modes(file_id, 1, 1)
    return said(client.write(file_id, bytes(100_000)))


@row("8.2", "READ that waits: interim response; then data comes",
     windows="PENDING, SUCCESS 4 ([MS-SMB2] 3.3.4.2)", ours="PENDING, SUCCESS 4")
def read_interim(side):
    client, file_id, pipe = side.join()
    read = client.start_read(file_id)
    interim = read.wait_interim()
    pipe.write(b"data")
    return f"{interim.status.name}, {said(final(side, read))}"


# ---- 8.3 IOCTL ----


@row("8.3", "TRANSCEIVE, reply of 100, MaxOutputResponse 40, READ", windows="BUFFER_OVERFLOW 40, SUCCESS 60 ([MS-SMB2] 3.3.5.15.3)",
     ours="BUFFER_OVERFLOW 40, SUCCESS 60")
def transceive_long_reply(side):
    client, file_id, pipe = side.join()
    call = client.start_transceive(file_id, b"question", 40)
    pipe.read()
    pipe.write(bytes(100))
    return said(final(side, call), client.read(file_id))


@row("8.3", "PEEK of 16 bytes, nothing there", windows="SUCCESS 16 ([MS-SMB2] 3.3.5.15.4, [MS-FSCC] 2.3.46)", ours="SUCCESS 16")
def peek_empty(side):
    client, file_id, _ = side.join()
    return said(client.peek(file_id, 16))


@row("8.3", "IOCTL that is no FSCTL (Flags 0)", windows="NOT_SUPPORTED ([MS-SMB2] 3.3.5.15)", ours="NOT_SUPPORTED")
def no_fsctl(side):
    client, file_id, _ = side.join()
    return said(client.ioctl(file_id, FSCTL_PIPE_TRANSCEIVE, b"question", flags=0))


@row("8.3", "TRANSCEIVE on a disk share", windows="NOT_SUPPORTED ([MS-SMB2] 3.3.5.15.3)", ours="NOT_SUPPORTED")
def transceive_on_disk(side):
    client = side.connect(share=side.smbd.share)
    return said(client.transceive(client.open("answers", disposition=3), b"question"))


@row("8.3", "TRANSCEIVE with data to read", windows="PIPE_BUSY (3.7)", ours="PIPE_BUSY")
def transceive_busy(side):
    client, file_id, pipe = side.join()
    pipe.write(b"unread")
    call = client.start_transceive(file_id, b"question")
    if not side.is_ours:
        pipe.read()
    return said(final(side, call))


@row("8.3", "TRANSCEIVE pending, CANCEL; TRANSCEIVE pending, CLOSE", windows="CANCELLED, PIPE_BROKEN (?)", ours="CANCELLED, PIPE_BROKEN")
def end_transceive(side):
    client, file_id, _ = side.join()
    call = client.start_transceive(file_id, b"question")
    call.wait_interim()
    call.cancel()
    cancelled = final(side, call)
    client, file_id, _ = side.join()
    call = client.start_transceive(file_id, b"question")
    call.wait_interim()
    client.start_close(file_id)
    return said(cancelled, final(side, call))


@row("8.3", "PEEK of 20 bytes, a message of 10 there", windows="BUFFER_OVERFLOW 20 ([MS-SMB2] 3.3.5.15.4)", ours="BUFFER_OVERFLOW 20")
def peek_part(side):
    client, file_id, pipe = side.join()
    pipe.write(b"0123456789")
    return said(client.peek(file_id, 20))


@row("8.3", "WAIT: an instance is free; the name is not there; FileId of an open",
     windows="SUCCESS 0, OBJECT_NAME_NOT_FOUND, INVALID_PARAMETER ([MS-SMB2] 3.2.4.20.9)",
     ours="SUCCESS 0, OBJECT_NAME_NOT_FOUND, INVALID_PARAMETER")
def wait(side):
    client, file_id, _ = side.join()
    name = side.name()
    side.serve(name)
    return said(client.wait(name, 100), client.wait("nothing-there", 100), client.wait(name, 100, file_id=file_id))


@row("8.3", "WAIT for 100 ms, the only instance has a client", windows="IO_TIMEOUT ([MS-SMB2] 3.2.4.20.9)", ours="IO_TIMEOUT")
def wait_for_busy(side):
    client, name = side.connect(), side.name()
    side.serve(name)
    client.open(name)
    return said(client.wait(name, 100))


@row("8.3", "WAIT with an input that is one byte too short", windows="INVALID_PARAMETER ([MS-FSCC] 2.3.49)", ours="INVALID_PARAMETER")
def wait_cut_off(side):
    client, name = side.connect(), side.name()
    side.serve(name)
    data = struct.pack("<qIBB", -1_000_000, 2 * len(name), 1, 0) + name.encode("utf-16le")
    return said(client.ioctl(RELATED, FSCTL_PIPE_WAIT, data[:-1], 0))


@row("8.3", "LISTEN, DISCONNECT, IMPERSONATE", windows="? (NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED)",
     ours="NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED")
def other_controls(side):
    client, file_id, _ = side.join()
    return said(*(client.ioctl(file_id, code) for code in (0x110008, 0x110004, 0x11001C)))


@row("8.3", "PEEK of an id that is none", windows="FILE_CLOSED ([MS-SMB2] 3.3.5.15)", ours="FILE_CLOSED")
def peek_without_handle(side):
    return said(side.connect().ioctl(b"\x42" * 16, FSCTL_PIPE_PEEK))


# ---- 8.4 the other commands ----


@row("8.4", "FLUSH, nothing written", windows="SUCCESS ([MS-SMB2] 3.3.5.11)", ours="SUCCESS")
def flush_nothing(side):
    client, file_id, _ = side.join()
    return said(client.flush(file_id))


@row("8.4", "QUERY_INFO FilePipeLocalInformation", windows="SUCCESS 40 ([MS-FSCC] 2.4.37)", ours="SUCCESS 40")
def query_local(side):
    client, file_id, _ = side.join()
    return said(client.query_info(file_id, 24))


@row("8.4", "QUERY_INFO classes 4, 5, 6, 7, 14, 23", windows="SUCCESS each (section 5)",
     ours="SUCCESS 40, SUCCESS 24, SUCCESS 8, SUCCESS 4, SUCCESS 8, SUCCESS 8")
def query_classes(side):
    client, file_id, _ = side.join()
    return said(*(client.query_info(file_id, each) for each in (4, 5, 6, 7, 14, 23)))


@row("8.4", "QUERY_INFO FilePipeLocalInformation into 39 bytes",
     windows="INFO_LENGTH_MISMATCH ([MS-FSA] 2.1.5.11)", ours="INFO_LENGTH_MISMATCH")
def query_short(side):
    client, file_id, _ = side.join()
    return said(client.query_info(file_id, 24, 39))


@row("8.4", "QUERY_INFO FilePipeRemoteInformation", windows="? (INVALID_PARAMETER)", ours="INVALID_PARAMETER")
def query_remote(side):
    client, file_id, _ = side.join()
    return said(client.query_info(file_id, 25))


@row("8.4", "QUERY_INFO FilePipeLocalInformation: NamedPipeEnd, state", windows="0 3 ([MS-FSCC] 2.4.37)", ours="0 3")
def query_end(side):
    client, file_id, _ = side.join()
    response = client.query_info(file_id, 24)
    if response.is_error:
        return said(response)
    return "{1} {0}".format(*struct.unpack_from("<II", response.data, 32))


@row("8.4", "QUERY_INFO of the file system: FileFsDeviceInformation", windows="SUCCESS 8 (1.8)", ours="SUCCESS 8")
def query_volume(side):
    client, file_id, _ = side.join()
    return said(client.query_info(file_id, 4, kind=2))


@row("8.4", "QUERY_INFO of the security descriptor (owner, group, DACL)", windows="SUCCESS (6.2)", ours="SUCCESS")
def query_security(side):
    client, file_id, _ = side.join(access=0x12019F | 0x20000)
    command = client.query_info_command(file_id, 0, 4096, kind=3)
    body = bytearray(command.body)
    struct.pack_into("<I", body, 16, 7)
    return said(client.call(Request(command.command, bytes(body))), size=False)


@row("8.4", "SET_INFO FilePipeInformation; by a handle without FILE_WRITE_ATTRIBUTES", windows="SUCCESS, ACCESS_DENIED ([MS-FSA] 2.1.5.14)",
     ours="SUCCESS, ACCESS_DENIED")
def set_modes(side):
    client, file_id, _ = side.join()
    _, limited, _ = side.join(access=0x100083, client=client, message_mode=False)
    return said(client.set_modes(file_id), client.set_modes(limited))


@row("8.4", "SET_INFO FilePipeInformation of 7 bytes", windows="INFO_LENGTH_MISMATCH (?)", ours="INFO_LENGTH_MISMATCH")
def set_short(side):
    client, file_id, _ = side.join()
    return said(client.set_info(file_id, 23, bytes(7)))


@row("8.4", "FLUSH with unread data, the server reads; the server closes", windows="SUCCESS, PIPE_BROKEN ([MS-SMB2] 3.3.5.11)",
     ours="SUCCESS, PIPE_BROKEN")
def flush_waits(side):
    answers = []
    for way_out in ("read", "close"):
        client, file_id, pipe = side.join()
        client.write(file_id, b"data")
        flush = client.start_flush(file_id)
        if side.is_ours:
            flush.wait_interim()
        getattr(pipe, way_out)()
        answers.append(final(side, flush))
    return said(*answers)


@row("8.4", "CLOSE with POSTQUERY_ATTRIB: AllocationSize, EndOfFile, attributes", windows="4096 0 0x80 (?)", ours="4096 0 0x80")
def close_attributes(side):
    client, file_id, _ = side.join()
    allocation, size, attributes = struct.unpack_from("<QQI", client.close(file_id, flags=1).body, 40)
    return f"{allocation} {size} {attributes:#x}"


@row("8.4", "READ pending, CLOSE: the read, the close", windows="PIPE_BROKEN (?), SUCCESS", ours="PIPE_BROKEN, SUCCESS")
def close_with_read(side):
    client, file_id, _ = side.join()
    read = client.start_read(file_id)
    read.wait_interim()
    close = client.start_close(file_id)
    return said(final(side, read), final(side, close))


@row("8.4", "CHANGE_NOTIFY on a pipe", windows="? (INVALID_PARAMETER)", ours="INVALID_PARAMETER")
def notify(side):
    client, file_id, _ = side.join()
    return said(client.change_notify(file_id).final())


@row("8.4", "QUERY_DIRECTORY on a pipe", windows="? (INVALID_PARAMETER)", ours="INVALID_PARAMETER")
def query_directory(side):
    client, file_id, _ = side.join()
    return said(client.query_directory(file_id, 1))


@row("8.4", "CREATE of the root (the empty name), QUERY_DIRECTORY with FileDirectoryInformation, with FileIdBothDirectoryInformation",
     windows="? (SUCCESS, SUCCESS, INVALID_INFO_CLASS: as locally, 1.7)", ours="SUCCESS, SUCCESS, INVALID_INFO_CLASS")
def query_root(side):
    client = side.connect()
    side.serve(side.name())
    root = client.create("")
    if root.status != Status.SUCCESS:
        return said(root)
    return said(root, client.query_directory(root.file_id, 1), client.query_directory(root.file_id, 37, flags=1))


@row("8.4", "CHANGE_NOTIFY on the root, a pipe appears; CHANGE_NOTIFY, CANCEL; CHANGE_NOTIFY, CLOSE",
     windows="? (SUCCESS without records, CANCELLED, NOTIFY_CLEANUP)", ours="SUCCESS, CANCELLED, 0x0000010B")
def notify_of_root(side):
    client = side.connect()
    root = client.create("")
    if root.status != Status.SUCCESS:
        return said(root)
    waiting = []
    for end in (lambda _: side.serve(side.name()), lambda call: call.cancel(), lambda _: client.close(root.file_id)):
        waiting.append(client.change_notify(root.file_id))
        waiting[-1].wait_interim()
        end(waiting[-1])
        final(side, waiting[-1])
    return said(*(each.response for each in waiting))


@row("8.4", "LOCK on a pipe", windows="? (INVALID_DEVICE_REQUEST)", ours="INVALID_DEVICE_REQUEST")
def lock(side):
    client, file_id, _ = side.join()
    body = struct.pack("<HHI", 48, 1, 0) + file_id + struct.pack("<QQII", 0, 1, 0x12, 0)
    return said(client.call(Request(Command.LOCK, body)))


@row("8.4", "READ pending, tree disconnect; READ pending, log-off: the reads", windows="PIPE_BROKEN (?), PIPE_BROKEN (?)",
     ours="PIPE_BROKEN, PIPE_BROKEN")
def end_of_tree(side):
    answers = []
    for end in ("start_tree_disconnect", "start_logoff"):
        client, file_id, _ = side.join()
        read = client.start_read(file_id)
        read.wait_interim()
        getattr(client, end)()
        answers.append(final(side, read))
    return said(*answers)
