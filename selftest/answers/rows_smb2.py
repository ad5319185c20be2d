# SPDX-License-Identifier: GPL-3.0-or-later
"""rows_smb2.py: SMB2 and SMB3: SEMANTICS.md section 8."""
import struct

from smb2client import FSCTL_PIPE_TRANSCEIVE, RELATED, Command, Request, Status, StatusError

from .table import row

TITLE = "SMB2 and SMB3"

PATIENCE, PATIENCE_WITH_STOCK = 60, 2


def final(side, pending):
    """The final response; "no answer" is one of stock smbd's answers."""
    try:
        return pending.final(PATIENCE if side.is_ours else PATIENCE_WITH_STOCK)
    except TimeoutError:
        if side.is_ours:
            raise
        return None


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


# ---- 8.4 the other commands ----


@row("8.4", "FLUSH, nothing written", windows="SUCCESS ([MS-SMB2] 3.3.5.11)", ours="SUCCESS")
def flush_nothing(side):
    client, file_id, _ = side.join()
    return said(client.flush(file_id))


@row("8.4", "QUERY_INFO FilePipeLocalInformation", windows="SUCCESS 40 ([MS-FSCC] 2.4.37)", ours="SUCCESS 40")
def query_local(side):
    client, file_id, _ = side.join()
    return said(client.query_info(file_id, 24))
