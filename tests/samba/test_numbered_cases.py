# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_numbered_cases.py: those cases of SEMANTICS section 10 that only the SMB2 protocol shows, one test each."""
import struct

from conformance.numbered import number
from smb2client import RELATED, Request, Status

READ_UNBUFFERED = 0x01
DIALECT_311 = 0x311
DISK_SHARE = "tmp"
BATCH_OPLOCK = 9
PLACE_OF_OPLOCK = 3  # in the body of a CREATE request


@number(216)
def test_216(connect, server, name):
    """READ_UNBUFFERED on a pipe; then INVALID_PARAMETER; access without READ_DATA: ACCESS_DENIED."""
    client = connect(dialect=DIALECT_311)
    server.create(name)
    file_id = client.open(name)
    assert client.read(file_id, flags=READ_UNBUFFERED).status == Status.INVALID_PARAMETER
    client.close(file_id)
    other = f"{name}-write-only"
    server.create(other)
    assert client.read(client.open(other, access=0x100102)).status == Status.ACCESS_DENIED


@number(218)
def test_218(connect, join):
    """TRANSCEIVE on a disk share; then NOT_SUPPORTED; Flags 0: NOT_SUPPORTED."""
    client = connect(share=DISK_SHARE)
    file_id = client.open("transceive-is-for-pipes", access=0x12019F, disposition=3)
    assert client.transceive(file_id, b"request").status == Status.NOT_SUPPORTED
    client.close(file_id)
    client = connect()
    file_id, _ = join(client)
    assert client.ioctl(file_id, 0x11C017, b"request", flags=0).status == Status.NOT_SUPPORTED


@number(220)
def test_220(client, server, name):
    """WAIT, FileId all ones, name listening; then SUCCESS; FileId of an open: INVALID_PARAMETER; unknown name: NOT_FOUND."""
    assert RELATED == b"\xff" * 16
    server.create(name)
    assert client.wait(name, 10_000, file_id=RELATED).status == Status.SUCCESS
    assert client.wait(name, 10_000, file_id=client.open(name)).status == Status.INVALID_PARAMETER
    assert client.wait(f"{name}-unknown", 10_000).status == Status.OBJECT_NAME_NOT_FOUND


@number(223)
def test_223(client, server, name):
    """CREATE with batch oplock on a pipe; then OplockLevel 0."""
    server.create(name)
    command = client.create_command(name)
    body = bytearray(command.body)
    body[PLACE_OF_OPLOCK] = BATCH_OPLOCK
    response = client.call(Request(command.command, bytes(body), command.charge))
    assert (response.status, struct.unpack_from("<B", response.body, 2)) == (Status.SUCCESS, (0,))
