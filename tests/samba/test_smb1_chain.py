# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb1_chain.py: several AndX commands in one packet, on pipes."""
import contextlib
import struct

import pytest
from smb1client import Command, Request
from smb2client import ProtocolError, Status

CHAIN = 0xFFFF  # the FID that the chain's open brings; servers look at it in no case


def commands(response):
    return [block.command for block in response.blocks]


def test_open_and_write(smb1, server, name):
    pipe = server.create(name)
    response = smb1.chain([smb1.nt_create_request("\\" + name), smb1.write_request(CHAIN, b"hello")]).final()
    pipe.await_client()
    assert (response.status, commands(response)) == (Status.SUCCESS, [Command.NT_CREATE_ANDX, Command.WRITE_ANDX])
    assert response.count == 5
    assert pipe.read() == b"hello"
    smb1.write(response.fid, b"by its FID")
    assert pipe.read() == b"by its FID"


def test_open_write_and_read(smb1, server, name):
    """The read waits, and with it the response of all."""
    pipe = server.create(name)
    pending = smb1.chain([smb1.open_request("\\PIPE\\" + name), smb1.write_request(CHAIN, b"question"),
                          smb1.read_request(CHAIN, 100, minimum=1, timeout=-1)])  # fmt: skip
    pipe.await_client()
    assert pipe.read() == b"question"
    assert smb1.echo().status == Status.SUCCESS
    assert not pending.over
    pipe.write(b"answer")
    response = pending.final()
    assert (response.status, response.data, response.count) == (Status.SUCCESS, b"answer", 8)
    assert commands(response) == [Command.OPEN_ANDX, Command.WRITE_ANDX, Command.READ_ANDX]
    smb1.write(response.fid, b"the FID is good")
    assert pipe.read() == b"the FID is good"


def test_write_and_read(smb1, join):
    fid, pipe = join(smb1)
    pipe.write(b"there already")
    response = smb1.chain([smb1.write_request(fid, b"hello"), smb1.read_request(fid, 100, minimum=1, timeout=-1)]).final()
    assert (response.status, response.count, response.data) == (Status.SUCCESS, 5, b"there already")
    assert pipe.read() == b"hello"


def test_read_of_a_part_at_the_end(smb1, join):
    fid, pipe = join(smb1)
    pipe.write(b"0123456789")
    response = smb1.chain([smb1.write_request(fid, b"hello"), smb1.read_request(fid, 4, minimum=1, timeout=-1)]).final()
    assert (response.status, response.data) == (Status.BUFFER_OVERFLOW, b"0123")
    assert smb1.read(fid).data == b"456789"


def test_two_reads(smb1, join):
    """The second one waits for the first."""
    fid, pipe = join(smb1)
    pending = smb1.chain([smb1.read_request(fid, 100, minimum=1, timeout=-1), smb1.read_request(fid, 100, minimum=1, timeout=-1)])
    smb1.echo()
    pipe.write(b"one")
    smb1.echo()
    assert not pending.over
    pipe.write(b"two")
    response = pending.final()
    assert response.status == Status.SUCCESS
    parts = [response.packet[offset : offset + length] for length, offset in
             (struct.unpack_from("<HH", block.words, 10) for block in response.blocks)]  # fmt: skip
    assert parts == [b"one", b"two"]


def test_failing_open_ends_the_chain(smb1, name):
    response = smb1.chain([smb1.nt_create_request("\\" + name), smb1.write_request(CHAIN, b"hello")]).final()
    assert response.status == Status.OBJECT_NAME_NOT_FOUND
    assert Command.WRITE_ANDX not in commands(response)


def test_failing_write_after_an_open(smb1, server, name):
    server.create(name)
    request = smb1.nt_create_request("\\" + name, access=0x00120089)
    response = smb1.chain([request, smb1.write_request(CHAIN, b"hello")]).final()
    assert response.status == Status.ACCESS_DENIED
    assert commands(response)[0] == Command.NT_CREATE_ANDX
    assert response.fid


def test_memory_of_smbd_is_not_told(smb1, server, name):
    """A chain whose end fails is answered with what went before; stock smbd tells what lay in its memory."""
    pipe = server.create(name)
    response = smb1.chain([smb1.nt_create_request("\\" + name), smb1.read_request(CHAIN, 4096, minimum=0, timeout=0)]).final()
    assert response.status == Status.PIPE_EMPTY
    assert commands(response)[0] == Command.NT_CREATE_ANDX and len(response.packet) < 400
    pipe.await_client()
    smb1.write(response.fid, b"the FID is good")
    assert pipe.read() == b"the FID is good"


def test_cancel_in_a_chain(smb1, join):
    fid, pipe = join(smb1)
    pending = smb1.chain([smb1.write_request(fid, b"hello"), smb1.read_request(fid, 100, minimum=1, timeout=-1)])
    assert pipe.read() == b"hello"
    smb1.echo()
    pending.cancel()
    assert pending.final().status == Status.CANCELLED
    pipe.write(b"later")
    assert smb1.read(fid).data == b"later"


def test_close_while_a_chain_waits(smb1, join):
    fid, pipe = join(smb1)
    pending = smb1.chain([smb1.write_request(fid, b"hello"), smb1.read_request(fid, 100, minimum=1, timeout=-1)])
    assert pipe.read() == b"hello"
    assert smb1.close(fid).status == Status.SUCCESS
    assert pending.final().status in (Status.PIPE_BROKEN, Status.CANCELLED)
    pipe.await_end_of_client()


def test_chain_ends_with_a_core_command(smb1, join):
    """READ_ANDX followed by CLOSE."""
    fid, pipe = join(smb1)
    pipe.write(b"data")
    response = smb1.chain([smb1.read_request(fid, 100, minimum=1, timeout=-1), smb1.close_request(fid)]).final()
    assert (response.status, response.data) == (Status.SUCCESS, b"data")
    pipe.await_end_of_client()


def test_log_off_after_a_write(smb1, join):
    fid, pipe = join(smb1)
    response = smb1.chain([smb1.write_request(fid, b"hello"), Request(Command.LOGOFF_ANDX)]).final()
    assert response.status == Status.SUCCESS
    assert pipe.read() == b"hello"
    pipe.await_end_of_client()


@pytest.mark.parametrize("where", [0, 1, 32, 36, 0xFFFF, 0x7FFF])
def test_chain_that_leads_nowhere(connect_smb1, smb1, join, where):
    """AndXOffset points into the header, at the command itself, beyond the packet: Samba's own code answers, with a packet of sorts."""
    client = connect_smb1()
    fid, pipe = join(client)
    block = bytearray(client.write_request(fid, b"hello").block(32, Command.READ_ANDX))
    struct.pack_into("<H", block, 3, where)
    pending = client.send_raw(Command.WRITE_ANDX, bytes(block))
    with contextlib.suppress(ConnectionError, ProtocolError):
        pending.final()
    client.drop()
    pipe.drain()
    assert smb1.echo().status == Status.SUCCESS
