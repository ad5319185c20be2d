# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb2_data.py: READ, WRITE, TRANSCEIVE, PEEK and FLUSH over SMB2 and SMB3 on pipes of native programs."""
import struct

import pytest
from smb2client import (
    DIALECTS,
    FSCTL_PIPE_PEEK,
    READ_ATTRIBUTES,
    READ_DATA,
    USUAL_ACCESS,
    WRITE_ATTRIBUTES,
    WRITE_DATA,
    Command,
    Request,
    Smb2Client,
    Status,
)

PROTECTIONS = [
    (dialect, protection)
    for dialect in DIALECTS
    for protection in ({}, {"signing": True}, {"encryption": True})
    if dialect >= 0x300 or "encryption" not in protection
]


def protection_id(value):
    return f"{value:x}" if isinstance(value, int) else "-".join(value) or "plain"


@pytest.mark.parametrize(("dialect", "protection"), PROTECTIONS, ids=protection_id)
def test_conversation(connect, join, dialect, protection):
    client = connect(dialect=dialect, **protection)
    file_id, pipe = join(client)
    assert client.write(file_id, b"a request").count == 9
    assert pipe.read() == b"a request"
    pipe.write(b"an answer")
    assert client.read(file_id).data == b"an answer"
    pending = client.start_transceive(file_id, b"question")
    assert pipe.read() == b"question"
    pipe.write(b"reply")
    response = pending.final()
    assert (response.status, response.data) == (Status.SUCCESS, b"reply")
    waiting = client.start_read(file_id)
    assert waiting.wait_interim().is_async
    pipe.write(b"late")
    assert waiting.final().data == b"late"
    assert client.close(file_id).status == Status.SUCCESS
    pipe.await_end_of_client()


@pytest.mark.parametrize(("dialect", "protection"), PROTECTIONS, ids=protection_id)
def test_short_read_of_a_message_is_an_overflow_with_data(connect, join, dialect, protection):
    client = connect(dialect=dialect, **protection)
    file_id, pipe = join(client)
    pipe.write(b"0123456789")
    response = client.read(file_id, 4)
    assert (response.status, response.data) == (Status.BUFFER_OVERFLOW, b"0123")
    response = client.read(file_id, 4)
    assert (response.status, response.data) == (Status.BUFFER_OVERFLOW, b"4567")
    response = client.read(file_id, 4)
    assert (response.status, response.data) == (Status.SUCCESS, b"89")


def test_short_read_that_had_to_wait_is_an_overflow_with_data(client, join):
    file_id, pipe = join(client)
    pending = client.start_read(file_id, 3)
    pending.wait_interim()
    pipe.write(b"abcdef")
    response = pending.final()
    assert (response.status, response.data, response.is_async) == (Status.BUFFER_OVERFLOW, b"abc", True)
    assert client.read(file_id).data == b"def"


def test_short_transceive_is_an_overflow_with_data(client, join):
    file_id, pipe = join(client)
    pending = client.start_transceive(file_id, b"x", 4)
    pipe.read()
    pipe.write(b"0123456789")
    response = pending.final()
    assert (response.status, response.data) == (Status.BUFFER_OVERFLOW, b"0123")
    assert client.read(file_id).data == b"456789"


def test_transceive_with_unread_data_is_busy(client, join):
    file_id, pipe = join(client)
    pipe.write(b"unread")
    assert client.transceive(file_id, b"x").status == Status.PIPE_BUSY
    assert client.read(file_id).data == b"unread"


def test_transceive_in_byte_read_mode_is_refused(client, join):
    file_id, _ = join(client, client_mode=0)
    assert client.transceive(file_id, b"x").status == Status.INVALID_PIPE_STATE


def test_empty_messages_pass_both_ways(client, join):
    file_id, pipe = join(client)
    assert client.write(file_id, b"").count == 0
    assert client.write(file_id, b"next").count == 4
    assert pipe.read() == b""
    assert pipe.read() == b"next"
    pipe.write(b"")
    response = client.read(file_id)
    assert (response.status, response.data) == (Status.SUCCESS, b"")


def test_read_of_no_bytes_leaves_the_message(client, join):
    file_id, pipe = join(client)
    pipe.write(b"abc")
    response = client.read(file_id, 0)
    assert (response.status, response.data) == (Status.BUFFER_OVERFLOW, b"")
    assert client.read(file_id).data == b"abc"


def test_byte_pipe_joins_and_splits(client, join):
    file_id, pipe = join(client, type=0, read_mode=0)
    pipe.write(b"abc")
    pipe.write(b"def")
    response = client.read(file_id, 4)
    assert (response.status, response.data) == (Status.SUCCESS, b"abcd")
    assert client.read(file_id, 100).data == b"ef"
    client.write(file_id, b"one")
    client.write(file_id, b"two")
    assert pipe.read(100) == b"onetwo"


def test_large_messages_pass_both_ways(client, join):
    file_id, pipe = join(client, inbound_quota=1 << 20, outbound_quota=1 << 20)
    message = bytes(range(256)) * 1024
    assert client.write(file_id, message).count == len(message)
    assert pipe.read(1 << 20) == message
    pipe.write(message)
    assert client.read(file_id, 1 << 19).data == message


def test_reads_are_served_in_order(client, join):
    file_id, pipe = join(client)
    pending = [client.start_read(file_id) for _ in range(5)]
    pending[-1].wait_interim()
    for number in range(5):
        pipe.write(b"%d" % number)
    assert [read.final().data for read in pending] == [b"0", b"1", b"2", b"3", b"4"]


def test_write_beyond_the_quota_waits_until_it_is_read(client, join):
    file_id, pipe = join(client, inbound_quota=10)
    assert client.write(file_id, b"0123456789").status == Status.SUCCESS
    pending = client.start_write(file_id, b"more")
    pending.wait_interim()
    assert pipe.read() == b"0123456789"
    assert pending.final().count == 4
    assert pipe.read() == b"more"


def test_flush_waits_until_all_is_read(client, join):
    file_id, pipe = join(client)
    assert client.flush(file_id).status == Status.SUCCESS
    client.write(file_id, b"abc")
    pending = client.start_flush(file_id)
    pending.wait_interim()
    assert pipe.read() == b"abc"
    assert pending.final().status == Status.SUCCESS


def test_flush_of_what_is_never_read_fails(client, join):
    file_id, pipe = join(client)
    client.write(file_id, b"abc")
    pending = client.start_flush(file_id)
    pending.wait_interim()
    pipe.close()
    assert pending.final().status == Status.PIPE_BROKEN


def test_peek_tells_the_truth(client, join):
    file_id, pipe = join(client)

    def peek(length):
        response = client.peek(file_id, length)
        return response.status, struct.unpack_from("<IIII", response.data), response.data[16:]

    assert peek(100) == (Status.SUCCESS, (3, 0, 0, 0), b"")
    pipe.write(b"first")
    pipe.write(b"")
    pipe.write(b"third one")
    assert peek(100) == (Status.SUCCESS, (3, 14, 3, 5), b"first")
    assert peek(19) == (Status.BUFFER_OVERFLOW, (3, 14, 3, 5), b"fir")
    assert client.read(file_id, 2).data == b"fi"
    assert peek(100) == (Status.SUCCESS, (3, 12, 3, 3), b"rst")
    pipe.close()
    assert peek(100)[1][0] == 4
    for _ in range(3):
        client.read(file_id)
    assert client.peek(file_id).status == Status.PIPE_BROKEN


def test_peek_needs_room_for_its_fields(client, join):
    file_id, _ = join(client)
    assert client.peek(file_id, 15).status in (Status.BUFFER_TOO_SMALL, Status.INVALID_PARAMETER)
    assert client.peek(file_id, 16).status == Status.SUCCESS


def test_peek_does_not_wait_behind_a_read(client, join):
    file_id, pipe = join(client)
    pending = client.start_read(file_id)
    pending.wait_interim()
    assert client.peek(file_id).status == Status.SUCCESS
    pipe.write(b"x")
    assert pending.final().data == b"x"


def test_after_the_server_has_gone_reads_get_the_rest(client, join):
    file_id, pipe = join(client)
    pipe.write(b"last words")
    pipe.close()
    assert client.write(file_id, b"x").status == Status.PIPE_CLOSING
    assert client.read(file_id).data == b"last words"
    assert client.read(file_id).status == Status.PIPE_BROKEN


def test_pending_read_hears_of_the_end_of_the_server(client, join):
    file_id, pipe = join(client)
    pending = client.start_read(file_id)
    pending.wait_interim()
    pipe.close()
    assert pending.final().status == Status.PIPE_BROKEN


def test_disconnect_by_the_server(client, join):
    file_id, pipe = join(client)
    pending = client.start_read(file_id)
    pending.wait_interim()
    pipe.succeed("disconnect")
    assert pending.final().status == Status.PIPE_DISCONNECTED
    for response in client.read(file_id), client.write(file_id, b"x"), client.peek(file_id), client.flush(file_id):
        assert response.status == Status.PIPE_DISCONNECTED
    assert client.close(file_id).status == Status.SUCCESS


def test_complete_mode_does_not_wait(client, join):
    file_id, pipe = join(client, inbound_quota=10)
    assert client.set_modes(file_id, 1, 1).status == Status.SUCCESS
    assert client.read(file_id).status == Status.PIPE_EMPTY
    assert client.write(file_id, b"0123456789").count == 10
    assert client.write(file_id, b"x").count == 0
    assert pipe.read() == b"0123456789"


def test_access_that_was_not_asked_for_is_denied(client, server, name):
    attributes = READ_ATTRIBUTES | WRITE_ATTRIBUTES
    for access, denied in (READ_DATA, "write"), (WRITE_DATA, "read"):
        pipe = server.create(name)
        file_id = client.open(name, access=access | attributes)
        response = client.write(file_id, b"x") if denied == "write" else client.read(file_id)
        assert response.status == Status.ACCESS_DENIED, denied
        client.close(file_id)
        pipe.close()


def test_set_information_needs_its_access(client, server, name):
    server.create(name)
    file_id = client.open(name, access=READ_DATA | WRITE_DATA)
    assert client.set_modes(file_id).status == Status.ACCESS_DENIED
    assert client.query_info(file_id, 23).status == Status.ACCESS_DENIED


@pytest.mark.parametrize("length", [0x01000001, 0x02000000, 0xFFFFFFFF])
def test_more_than_the_server_allows_is_refused(client, join, length):
    file_id, _ = join(client)
    read, ioctl = client.read_command(file_id, 1), client.ioctl_command(file_id, FSCTL_PIPE_PEEK, b"", 16)
    query = client.query_info_command(file_id, 24)
    for command, place in (read, 4), (ioctl, 44), (query, 4):
        body = bytearray(command.body)
        struct.pack_into("<I", body, place, length)
        assert client.call(Request(command.command, bytes(body), 1)).status == Status.INVALID_PARAMETER, command.command


def test_sixteen_megabytes_for_one_credit_are_refused(client, join):
    file_id, _ = join(client)
    read = client.read_command(file_id, 1)
    body = bytearray(read.body)
    struct.pack_into("<I", body, 4, 16 << 20)
    assert client.call(Request(Command.READ, bytes(body), 1)).status == Status.INVALID_PARAMETER


def test_unbuffered_reads_are_for_files(connect, join):
    client = connect(dialect=0x302)
    file_id, _ = join(client)
    assert client.read(file_id, flags=1).status == Status.INVALID_PARAMETER
    assert client.read(file_id, channel=1).status == Status.INVALID_PARAMETER


def test_write_beyond_its_packet_is_refused(client, join):
    file_id, _ = join(client)
    command = client.write_command(file_id, b"abcd")
    for place, value in (4, 5), (4, 0x7FFFFFFF), (4, 0xFFFFFFFF):
        body = bytearray(command.body)
        struct.pack_into("<I", body, place, value)
        assert client.call(Request(Command.WRITE, bytes(body), 1)).status == Status.INVALID_PARAMETER


@pytest.mark.parametrize("structure_size", [48, 50, 57])
def test_wrong_structure_size_is_refused(client, join, structure_size):
    file_id, _ = join(client)
    body = bytearray(client.read_command(file_id, 1).body)
    struct.pack_into("<H", body, 0, structure_size)
    assert client.call(Request(Command.READ, bytes(body), 1)).status == Status.INVALID_PARAMETER


def test_closed_handles_stay_closed(client, join):
    file_id, _ = join(client)
    client.close(file_id)
    for response in client.read(file_id), client.write(file_id, b"x"), client.flush(file_id), client.query_info(file_id, 24):
        assert response.status == Status.FILE_CLOSED


def test_several_pipes_of_several_clients(connect, join):
    clients = [connect(dialect=dialect) for dialect in DIALECTS]
    joined = [(client, *join(client)) for client in clients for _ in range(3)]
    for number, (client, file_id, _) in enumerate(joined):
        client.write(file_id, b"%d" % number)
    for number, (client, file_id, pipe) in enumerate(joined):
        assert pipe.read() == b"%d" % number
        pipe.write(b"answer %d" % number)
        assert client.read(file_id).data == b"answer %d" % number


@pytest.mark.parametrize("access", [USUAL_ACCESS, READ_DATA | WRITE_DATA], ids=["usual", "data-only"])
def test_a_message_pipe_begins_in_message_read_mode(client, server, name, access):
    """RPC clients rely on it, also those whose handle may not set a mode."""
    pipe = server.create(name)
    file_id = client.open(name, access=access)
    pipe.write(b"ab")
    pipe.write(b"cd")
    assert client.read(file_id, 1).status == Status.BUFFER_OVERFLOW
    assert [client.read(file_id, 10).data, client.read(file_id, 10).data] == [b"b", b"cd"]
    transceive = client.start_transceive(file_id, b"question")
    assert pipe.read() == b"question"
    pipe.write(b"answer")
    assert transceive.final().data == b"answer"


def test_byte_read_mode_can_be_set(client, server, name):
    pipe = server.create(name)
    file_id = client.open(name)
    assert client.set_modes(file_id, 0).status == Status.SUCCESS
    pipe.write(b"ab")
    pipe.write(b"cd")
    response = client.read(file_id, 3)
    assert (response.status, response.data) == (Status.SUCCESS, b"abc")


def test_many_reconnects(smbd, user, server, name):
    pipe = server.create(name)
    for number in range(20):
        with Smb2Client(smbd.port, *user) as client:
            file_id = client.open(name)
            client.write(file_id, b"%d" % number)
            assert pipe.read() == b"%d" % number
        pipe.await_end_of_client()
        pipe.serve_next()
