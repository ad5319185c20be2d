# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb1_trans.py: the subcommands of TRANSACTION, in one packet and in several. SEMANTICS 7.5."""
import struct
import time

import pytest
from smb1client import BAD_PIPE, ERRDOS, HEADER_SIZE, MORE_DATA, Command, Trans
from smb2client import Status

NO_FID = 0x7FF7
NONBLOCKING, MESSAGE_MODE, MESSAGE_PIPE = 0x8000, 0x0100, 0x0400
DEFAULT_TIMEOUT, FOR_EVER = 0, -1


def pattern(size):
    return (b"".join(number.to_bytes(4, "little") for number in range(size // 4 + 1)))[:size]


# ---- SET_NMPIPE_STATE, QUERY_NMPIPE_STATE ----


def test_state(smb1, join):
    fid, _ = join(smb1, client_mode=0, max_instances=5)
    response, state = smb1.query_state(fid)
    assert (response.status, response.data, state) == (Status.SUCCESS, b"", MESSAGE_PIPE | 5)
    assert smb1.set_state(fid, NONBLOCKING | MESSAGE_MODE).status == Status.SUCCESS
    assert smb1.query_state(fid)[1] == NONBLOCKING | MESSAGE_MODE | MESSAGE_PIPE | 5


def test_set_state_is_what_the_modes_are(smb1, join):
    fid, pipe = join(smb1, client_mode=0)
    pipe.write(b"abc")
    smb1.set_state(fid, MESSAGE_MODE)
    assert smb1.read(fid, 2).status == Status.BUFFER_OVERFLOW
    smb1.set_state(fid, 0)
    assert smb1.read(fid, 1).status == Status.SUCCESS


def test_set_state_on_a_byte_pipe(smb1, join):
    fid, _ = join(smb1, type=0)
    assert smb1.set_state(fid, MESSAGE_MODE).status == Status.INVALID_PARAMETER
    assert smb1.query_state(fid)[1] & (MESSAGE_MODE | MESSAGE_PIPE) == 0
    assert smb1.set_state(fid, NONBLOCKING).status == Status.SUCCESS
    assert smb1.trans(Trans.READ, fid).status == Status.PIPE_EMPTY


@pytest.mark.parametrize("length", [0, 1])
def test_set_state_that_is_cut_off(smb1, join, length):
    fid, _ = join(smb1)
    assert smb1.trans(Trans.SET_STATE, fid, parameters=bytes(length)).status == Status.INVALID_PARAMETER


def test_set_state_needs_the_right(smb1, server, name):
    server.create(name)
    fid = smb1.open(name, access=0x00100003)  # no FILE_WRITE_ATTRIBUTES
    assert smb1.set_state(fid, MESSAGE_MODE).status == Status.ACCESS_DENIED


# ---- QUERY_NMPIPE_INFO ----


def parse_info(data):
    outbound, inbound, maximum, current, length = struct.unpack_from("<HHBBB", data)
    return outbound, inbound, maximum, current, length, data[7:]


@pytest.mark.parametrize("unicode", [True, False], ids=["unicode", "oem"])
def test_info(connect_smb1, server, name, unicode):
    client = connect_smb1(unicode=unicode)
    server.create(name, inbound_quota=100, outbound_quota=200, max_instances=9)
    fid = client.open(name)
    server.create(name)
    response = client.trans(Trans.QUERY_INFO, fid, parameters=b"\1\0")
    assert (response.status, response.parameters) == (Status.SUCCESS, b"")
    *numbers, length, text = parse_info(response.data)
    assert numbers == [200, 100, 9, 2]
    alphabet = "utf-16le" if unicode else "cp850"
    assert text[-length:].decode(alphabet).lower() == f"\\pipe\\{name}\0".lower()


def test_info_saturates(smb1, server, name):
    server.create(name, inbound_quota=100_000, outbound_quota=70_000, max_instances=0xFFFFFFFF)
    response = smb1.trans(Trans.QUERY_INFO, smb1.open(name), parameters=b"\1\0")
    assert parse_info(response.data)[:3] == (0xFFFF, 0xFFFF, 0xFF)


@pytest.mark.parametrize("level", [0, 2, 0x100, 0xFFFF])
def test_info_has_one_level(smb1, join, level):
    fid, _ = join(smb1)
    assert smb1.trans(Trans.QUERY_INFO, fid, parameters=struct.pack("<H", level)).status == Status.INVALID_PARAMETER


@pytest.mark.parametrize("room", [0, 3, 7, 12])
def test_info_without_room(smb1, join, room):
    fid, _ = join(smb1)
    whole = smb1.trans(Trans.QUERY_INFO, fid, parameters=b"\1\0").data
    response = smb1.trans(Trans.QUERY_INFO, fid, parameters=b"\1\0", max_data=room)
    assert (response.status, response.data) == (Status.BUFFER_OVERFLOW, whole[:room])


# ---- PEEK_NMPIPE ----


def test_peek(smb1, join):
    fid, pipe = join(smb1)
    assert smb1.peek(fid).parameters == struct.pack("<HHH", 0, 0, 3)
    pipe.write(b"hello")
    pipe.write(b"world!")
    response = smb1.peek(fid)
    assert (response.status, response.parameters, response.data) == (Status.SUCCESS, struct.pack("<HHH", 11, 5, 3), b"hello")
    response = smb1.peek(fid, 2)
    assert (response.status, response.parameters, response.data) == (Status.BUFFER_OVERFLOW, struct.pack("<HHH", 11, 5, 3), b"he")
    assert smb1.read(fid).data == b"hello"


def test_peek_of_a_byte_pipe(smb1, join):
    fid, pipe = join(smb1, type=0)
    pipe.write(b"hello")
    response = smb1.peek(fid, 2)
    assert struct.unpack("<HHH", response.parameters) == (5, 0, 3)
    assert response.data == b"he"


def test_peek_with_no_room_at_all(smb1, join):
    fid, pipe = join(smb1)
    pipe.write(b"hello")
    response = smb1.peek(fid, 0)
    assert (response.parameters, response.data) == (struct.pack("<HHH", 5, 5, 3), b"")
    assert response.status in (Status.SUCCESS, Status.BUFFER_OVERFLOW)


def test_peek_says_what_16_bits_can_say(smb1, join):
    fid, pipe = join(smb1, outbound_quota=200_000)
    pipe.write(pattern(100_000))
    assert struct.unpack("<HHH", smb1.peek(fid, 0).parameters) == (0xFFFF, 0xFFFF, 3)


def test_peek_in_other_states(smb1, join):
    fid, pipe = join(smb1)
    pipe.write(b"last words")
    pipe.close()
    assert struct.unpack("<HHH", smb1.peek(fid).parameters) == (10, 10, 4)
    smb1.read(fid)
    assert smb1.peek(fid).status == Status.PIPE_BROKEN
    fid, pipe = join(smb1)
    pipe.succeed("disconnect")
    assert smb1.peek(fid).status == Status.PIPE_DISCONNECTED


# ---- TRANSACT_NMPIPE ----


def test_transact(smb1, join):
    fid, pipe = join(smb1)
    pending = smb1.start_transceive(fid, b"question")
    assert pipe.read() == b"question"
    pipe.write(b"answer")
    assert (pending.final().status, pending.final().data) == (Status.SUCCESS, b"answer")


def test_transact_with_a_long_reply(smb1, join):
    fid, pipe = join(smb1)
    pending = smb1.start_transceive(fid, b"question", 40)
    pipe.read()
    pipe.write(pattern(100))
    assert (pending.final().status, pending.final().data) == (Status.BUFFER_OVERFLOW, pattern(100)[:40])
    assert smb1.read(fid).data == pattern(100)[40:]


def test_transact_with_a_long_reply_for_dos(connect_smb1, join):
    client = connect_smb1(nt_status=False)
    fid, pipe = join(client)
    pending = client.start_transceive(fid, b"question", 40)
    pipe.read()
    pipe.write(pattern(100))
    assert (pending.final().dos_error, pending.final().data) == ((ERRDOS, MORE_DATA), pattern(100)[:40])


def test_transact_refused(smb1, join):
    fid, _ = join(smb1, type=0)
    assert smb1.transceive(fid, b"question").status == Status.INVALID_PARAMETER
    fid, pipe = join(smb1)
    pipe.write(b"unread")
    assert smb1.transceive(fid, b"question").status == Status.PIPE_BUSY
    assert smb1.read(fid).data == b"unread"


def test_transact_with_an_empty_message(smb1, join):
    fid, pipe = join(smb1)
    pending = smb1.start_transceive(fid, b"")
    assert pipe.read() == b""
    pipe.write(b"")
    assert (pending.final().status, pending.final().data) == (Status.SUCCESS, b"")


@pytest.mark.parametrize("path", ["\\PIPE\\", "\\PIPE", "\\pipe\\"])
def test_names_of_the_transaction(smb1, join, path):
    fid, pipe = join(smb1)
    pending = smb1.start_transceive(fid, b"question", name=path)
    pipe.read()
    pipe.write(b"answer")
    assert pending.final().data == b"answer"


def test_remote_administration_is_sambas(smb1):
    """RAP: NetShareEnum of level 1 on \\PIPE\\LANMAN."""
    parameters = struct.pack("<H", 0) + b"WrLeh\0" + b"B13BWz\0" + struct.pack("<HH", 1, 4096)
    response = smb1.call(smb1.trans_request((), parameters=parameters, name="\\PIPE\\LANMAN"))
    assert response.status == Status.SUCCESS
    assert struct.unpack_from("<H", response.parameters)[0] == 0


# ---- RAW_READ, RAW_WRITE ----


def test_raw_read_knows_no_messages(smb1, join):
    fid, pipe = join(smb1)
    pipe.write(b"abc")
    pipe.write(b"defg")
    first = smb1.trans(Trans.RAW_READ, fid, max_data=5)
    assert (first.status, first.data) == (Status.SUCCESS, b"abcde")
    assert smb1.trans(Trans.RAW_READ, fid, max_data=5).data == b"fg"
    assert smb1.query_state(fid)[1] & MESSAGE_MODE


def test_raw_write_on_a_message_pipe(smb1, join):
    fid, pipe = join(smb1)
    response = smb1.trans(Trans.RAW_WRITE, fid, b"\x03\0abc")
    assert (response.status, response.count) == (Status.SUCCESS, 5)
    assert pipe.read() == b"abc"
    assert smb1.trans(Trans.RAW_WRITE, fid, b"\0\0").status == Status.SUCCESS
    assert pipe.read() == b""


def test_raw_write_on_a_byte_pipe(smb1, join):
    fid, pipe = join(smb1, type=0)
    assert smb1.trans(Trans.RAW_WRITE, fid, b"\x03\0abc").count == 5
    assert pipe.read() == b"\x03\0abc"


@pytest.mark.parametrize("subcommand", [Trans.RAW_READ, Trans.RAW_WRITE])
def test_raw_is_not_for_nonblocking_pipes(smb1, join, subcommand):
    fid, pipe = join(smb1)
    pipe.write(b"data")
    smb1.set_state(fid, NONBLOCKING | MESSAGE_MODE)
    assert smb1.trans(subcommand, fid, b"\x01\0a" if subcommand == Trans.RAW_WRITE else b"").status == Status.INVALID_PARAMETER


# ---- READ_NMPIPE, WRITE_NMPIPE ----


def test_read(smb1, join):
    fid, pipe = join(smb1)
    pipe.write(b"0123456789")
    first, second = smb1.trans(Trans.READ, fid, max_data=4), smb1.trans(Trans.READ, fid, max_data=100)
    assert (first.status, first.data, second.status, second.data) == (Status.BUFFER_OVERFLOW, b"0123", Status.SUCCESS, b"456789")


def test_read_waits(smb1, join):
    fid, pipe = join(smb1)
    pending = smb1.start_trans(Trans.READ, fid)
    smb1.echo()
    assert not pending.over
    pipe.write(b"late")
    assert pending.final().data == b"late"


def test_write(smb1, join):
    fid, pipe = join(smb1, inbound_quota=10)
    response = smb1.trans(Trans.WRITE, fid, b"0123456789")
    assert (response.status, response.count) == (Status.SUCCESS, 10)
    pending = smb1.start_trans(Trans.WRITE, fid, b"more")
    smb1.echo()
    assert not pending.over
    assert pipe.read() == b"0123456789"
    assert pending.final().count == 4


def test_nonblocking_write_may_be_short(smb1, join):
    fid, pipe = join(smb1, type=0, inbound_quota=10)
    smb1.set_state(fid, NONBLOCKING)
    response = smb1.trans(Trans.WRITE, fid, bytes(20_000), first=(0, 10_000), piece=10_000)
    assert response.status == Status.SUCCESS and response.count < 20_000


# ---- WAIT_NMPIPE ----


def test_wait(smb1, server, name):
    server.create(name)
    assert smb1.wait(name, 60000).status == Status.SUCCESS
    assert smb1.wait(name.upper(), 60000).status == Status.SUCCESS
    assert smb1.wait(f"{name}-unknown", 60000).status == Status.OBJECT_NAME_NOT_FOUND


def test_wait_times_out(smb1, server, name):
    server.create(name)
    smb1.open(name)
    begin = time.monotonic()
    assert smb1.wait(name, 200).status == Status.IO_TIMEOUT
    assert time.monotonic() - begin >= 0.2


def test_wait_as_long_as_the_pipe_says(smb1, server, name):
    server.create(name, default_timeout=-200 * 10000)
    smb1.open(name)
    begin = time.monotonic()
    assert smb1.wait(name, DEFAULT_TIMEOUT).status == Status.IO_TIMEOUT
    assert time.monotonic() - begin >= 0.2


@pytest.mark.parametrize("timeout", [60000, FOR_EVER])
def test_wait_ends_with_an_instance(smb1, server, name, timeout):
    server.create(name)
    smb1.open(name)
    pending = smb1.start_wait(name, timeout)
    smb1.echo()
    assert not pending.over
    server.create(name)
    assert pending.final().status == Status.SUCCESS


def test_wait_is_cancelled(smb1, server, name):
    server.create(name)
    smb1.open(name)
    pending = smb1.start_wait(name, FOR_EVER)
    smb1.echo()
    pending.cancel()
    assert pending.final().status == Status.CANCELLED


# ---- CALL_NMPIPE ----


def test_call(smb1, server, name):
    pipe = server.create(name)
    pending = smb1.start_pipe_call(name, b"question")
    pipe.await_client()
    assert pipe.read() == b"question"
    pipe.write(b"answer")
    assert (pending.final().status, pending.final().data) == (Status.SUCCESS, b"answer")
    pipe.await_end_of_client()


def test_call_with_a_long_reply(smb1, server, name):
    pipe = server.create(name)
    pending = smb1.start_pipe_call(name, b"question", 4)
    pipe.await_client()
    pipe.read()
    pipe.write(b"0123456789")
    assert (pending.final().status, pending.final().data) == (Status.BUFFER_OVERFLOW, b"0123")
    pipe.await_end_of_client()


def test_call_of_nothing(smb1, connect_smb1, name):
    assert smb1.pipe_call(name, b"question").status == Status.OBJECT_NAME_NOT_FOUND
    assert connect_smb1(nt_status=False).pipe_call(name, b"question").dos_error[0] == ERRDOS


def test_call_of_a_byte_pipe(smb1, server, name):
    pipe = server.create(name, type=0)
    assert smb1.pipe_call(name, b"question").status == Status.INVALID_PARAMETER
    pipe.await_end_of_client()


def test_call_waits_for_an_instance(smb1, server, name):
    server.create(name)
    smb1.open(name)
    pending = smb1.start_pipe_call(name, b"question", timeout_ms=60000)
    smb1.echo()
    assert not pending.over
    pipe = server.create(name)
    pipe.await_client()
    assert pipe.read() == b"question"
    pipe.write(b"answer")
    assert pending.final().data == b"answer"


def test_call_does_not_wait_for_ever_for_an_instance(smb1, server, name):
    server.create(name)
    smb1.open(name)
    assert smb1.pipe_call(name, b"question", timeout_ms=100).status in (Status.PIPE_NOT_AVAILABLE, Status.IO_TIMEOUT)


def test_call_is_cancelled(smb1, server, name):
    pipe = server.create(name)
    pending = smb1.start_pipe_call(name, b"question")
    pipe.await_client()
    assert pipe.read() == b"question"
    pending.cancel()
    assert pending.final().status == Status.CANCELLED
    pipe.await_end_of_client()


# ---- whose pipe ----


@pytest.mark.parametrize("subcommand", [Trans.SET_STATE, Trans.RAW_READ, Trans.QUERY_STATE, Trans.QUERY_INFO, Trans.PEEK, Trans.TRANSACT,
                                        Trans.RAW_WRITE, Trans.READ, Trans.WRITE], ids=lambda value: value.name)  # fmt: skip
def test_unknown_fid(smb1, subcommand):
    assert smb1.trans(subcommand, NO_FID, b"\1\0a", b"\1\0").status == Status.INVALID_HANDLE


@pytest.mark.parametrize("setup_count", [0, 1, 3])
def test_setup_count(smb1, join, setup_count):
    fid, _ = join(smb1)
    setup = (Trans.PEEK, fid, 0)[:setup_count]
    assert smb1.call(smb1.trans_request(setup)).status == Status.INVALID_PARAMETER


@pytest.mark.parametrize("subcommand", [0x00, 0x02, 0x24, 0x38, 0x52, 0x55, 0x100, 0xFFFF])
def test_unknown_subcommand(smb1, join, subcommand):
    fid, _ = join(smb1)
    assert smb1.trans(subcommand, fid).status == Status.INVALID_PARAMETER


def test_dos_error_of_a_wrong_fid(connect_smb1):
    client = connect_smb1(nt_status=False)
    assert client.peek(NO_FID).dos_error == (ERRDOS, 6)


def test_dos_errors_of_pipes(connect_smb1, join):
    """SEMANTICS 0.2: busy 231, closing 232, not connected 233, broken 109."""
    client = connect_smb1(nt_status=False)
    fid, pipe = join(client)
    pipe.write(b"unread")
    assert client.transceive(fid, b"question").dos_error == (ERRDOS, 231)
    client.read(fid)
    pipe.close()
    assert client.read(fid).dos_error == (ERRDOS, 109)
    assert client.write(fid, b"x").dos_error == (ERRDOS, 232)
    fid, pipe = join(client)
    pipe.succeed("disconnect")
    assert client.read(fid).dos_error == (ERRDOS, 233)
    assert BAD_PIPE == 230


# ---- several packets ----


PIECES = {"two": (1000, 2000), "many": (0, 100), "odd": (333, 777)}


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_request_in_several_packets(smb1, join, pieces):
    fid, pipe = join(smb1)
    data = pattern(3000)
    first, piece = pieces
    request = smb1.trans_request((Trans.TRANSACT, fid), data, first=(0, first), piece=piece)
    pending = smb1.start(request)
    assert pipe.read() == data
    pipe.write(b"answer")
    assert pending.final().data == b"answer"
    assert pending.interim is not None


@pytest.mark.parametrize("subcommand", [Trans.WRITE, Trans.RAW_WRITE, Trans.TRANSACT])
def test_each_writer_in_several_packets(smb1, join, subcommand):
    fid, pipe = join(smb1, inbound_quota=70_000)
    data = pattern(60_000)
    sent = struct.pack("<H", len(data)) + data if subcommand == Trans.RAW_WRITE else data
    pending = smb1.start(smb1.trans_request((subcommand, fid), sent, first=(0, 10_000), piece=16_000))
    assert pipe.read(70_000) == data
    if subcommand == Trans.TRANSACT:
        pipe.write(b"answer")
        assert pending.final().data == b"answer"
    else:
        assert pending.final().count == len(sent)


def test_parameters_come_later_than_the_data(smb1, join):
    fid, _ = join(smb1)
    request = smb1.trans_request((Trans.SET_STATE, fid), parameters=struct.pack("<H", NONBLOCKING), first=(0, 0))
    assert smb1.call(request).status == Status.SUCCESS
    assert smb1.query_state(fid)[1] & NONBLOCKING


def test_call_in_several_packets(smb1, server, name):
    pipe = server.create(name)
    data = pattern(3000)
    pending = smb1.start_pipe_call(name, data, first=(0, 500), piece=1000)
    pipe.await_client()
    assert pipe.read() == data
    pipe.write(data)
    assert pending.final().data == data


def test_all_secondary_packets_at_once(smb1, join):
    """Before "send the rest" has come."""
    fid, pipe = join(smb1)
    data = pattern(3000)
    request = smb1.trans_request((Trans.WRITE, fid), data, first=(0, 1000))
    pending = smb1.start_pieces(request, wait=False)
    assert pipe.read() == data
    assert pending.final().count == 3000


@pytest.mark.parametrize("subcommand", [Trans.TRANSACT, Trans.READ, Trans.RAW_READ, Trans.PEEK], ids=lambda value: value.name)
@pytest.mark.parametrize("size", [4000, 16_500, 40_000, 65_535])
def test_response_in_several_packets(connect_smb1, join, subcommand, size):
    """A client that can take 4356 bytes at once."""
    client = connect_smb1(max_buffer=4356)
    fid, pipe = join(client, outbound_quota=70_000)
    data = pattern(size)
    if subcommand != Trans.TRANSACT:
        pipe.write(data)
    pending = client.start_trans(subcommand, fid, b"question" if subcommand == Trans.TRANSACT else b"", max_data=65_535)
    if subcommand == Trans.TRANSACT:
        pipe.read()
        pipe.write(data)
    response = pending.final()
    assert (response.status, response.data) == (Status.SUCCESS, data)
    assert all(len(part.packet) <= 4356 for part in pending.parts)
    assert len(pending.parts) >= size / 4356


def test_overflow_in_several_packets(connect_smb1, join):
    """Each packet of it has the status."""
    client = connect_smb1(max_buffer=4356)
    fid, pipe = join(client, outbound_quota=70_000)
    pipe.write(pattern(60_000))
    pending = client.start_trans(Trans.READ, fid, max_data=20_000)
    assert pending.final().data == pattern(60_000)[:20_000]
    assert {part.status for part in pending.parts} == {Status.BUFFER_OVERFLOW}
    assert client.read(fid, 65_535).data == pattern(60_000)[20_000:]


def test_two_transactions_side_by_side(smb1, join):
    """Their secondary packets come in turn."""
    joined = [join(smb1) for _ in range(2)]
    halves = []
    for fid, _ in joined:
        request = smb1.trans_request((Trans.WRITE, fid), pattern(3000), first=(0, 1500), piece=1500)
        pieces = list(request.pieces(32))
        pending = smb1.start_pieces(smb1.trans_request((Trans.WRITE, fid), pattern(3000)[:1500], totals=(0, 3000)), wait=False)
        assert pending.wait_interim() is pending.interim
        halves.append((pending, pieces[1]))
    for pending, piece in reversed(halves):
        smb1.send_secondary(pending, piece)
    for (pending, _), (_, pipe) in zip(halves, joined, strict=True):
        assert pending.final().count == 3000
        assert pipe.read() == pattern(3000)


def begun(client, fid, data, sizes, subcommand=Trans.WRITE):
    """A transaction of which the first piece was sent, and the blocks of the others."""
    first, *others = sizes
    request = client.trans_request((subcommand, fid), data[:first], totals=(0, len(data)))
    pending = client.start_pieces(request, wait=False)
    pending.wait_interim()
    blocks, begin = [], first
    for size in others:
        blocks.append(request.secondary(HEADER_SIZE, b"", 0, data[begin : begin + size], begin))
        begin += size
    return pending, blocks


@pytest.mark.parametrize("order", [(3, 2, 1, 0), (1, 3, 0, 2)], ids=["reversed", "mixed"])
def test_secondary_packets_in_any_order(smb1, join, order):
    """Each says where it belongs."""
    fid, pipe = join(smb1)
    pending, blocks = begun(smb1, fid, pattern(3000), (200, 700, 700, 700, 700))
    for number in order:
        smb1.send_secondary(pending, blocks[number])
    assert pending.final().count == 3000
    assert pipe.read() == pattern(3000)


def test_parameters_behind_the_data(smb1, join):
    """Of CALL_NMPIPE there are none; QUERY_NMPIPE_INFO has its level in the very last packet."""
    fid, _ = join(smb1)
    request = smb1.trans_request((Trans.QUERY_INFO, fid), b"", b"", totals=(2, 4))
    pending = smb1.start_pieces(request, wait=False)
    pending.wait_interim()
    smb1.send_secondary(pending, request.secondary(HEADER_SIZE, b"", 0, b"data", 0))
    smb1.send_secondary(pending, request.secondary(HEADER_SIZE, b"\0", 1, b"", 0))
    smb1.send_secondary(pending, request.secondary(HEADER_SIZE, b"\1", 0, b"", 0))
    assert pending.final().status == Status.SUCCESS


@pytest.mark.parametrize("begin", [0, 999, 1001, 1999], ids=str)
def test_secondary_packets_that_overlap(smb1, join, begin):
    """The transaction is over with an error, and nothing of it is written."""
    fid, pipe = join(smb1)
    request = smb1.trans_request((Trans.WRITE, fid), pattern(3000)[:1000], totals=(0, 3000))
    pending = smb1.start_pieces(request, wait=False)
    pending.wait_interim()
    smb1.send_secondary(pending, request.secondary(HEADER_SIZE, b"", 0, bytes(500), 1500))
    smb1.send_secondary(pending, request.secondary(HEADER_SIZE, b"", 0, bytes(600), begin))
    assert pending.final().status == Status.INVALID_PARAMETER
    assert smb1.trans(Trans.WRITE, fid, b"another").status == Status.SUCCESS
    assert pipe.read() == b"another"


def test_rest_that_never_comes_is_cancelled(smb1, join):
    """NT_CANCEL forgets what has come; what comes afterwards belongs to nothing."""
    fid, pipe = join(smb1)
    pending, blocks = begun(smb1, fid, pattern(3000), (1500, 1500))
    pending.cancel()
    smb1.send_secondary(pending, blocks[0])
    assert smb1.trans(Trans.WRITE, fid, b"another").status == Status.SUCCESS
    assert pipe.read() == b"another"


def test_rest_that_comes_after_the_pipe_was_closed(smb1, join):
    fid, pipe = join(smb1)
    pending, blocks = begun(smb1, fid, pattern(3000), (1500, 1500))
    smb1.close(fid)
    pipe.await_end_of_client()
    smb1.send_secondary(pending, blocks[0])
    assert pending.final().status == Status.INVALID_HANDLE


@pytest.mark.parametrize("end", ["tree_disconnect", "logoff"])
def test_rest_that_never_comes_before_the_end(connect_smb1, join, end):
    client = connect_smb1()
    fid, pipe = join(client)
    begun(client, fid, pattern(3000), (1500, 1500))
    assert getattr(client, end)().status == Status.SUCCESS
    pipe.await_end_of_client()


def test_transact_without_the_right_to_ask_for_modes(smb1, server, name):
    """Whether it reads by message comes with the open, and needs no FILE_READ_ATTRIBUTES."""
    pipe = server.create(name)
    fid = smb1.open(name, access=0x00100003)
    pipe.await_client()
    pending = smb1.start_transceive(fid, b"question")
    assert pipe.read() == b"question"
    pipe.write(b"answer")
    assert pending.final().data == b"answer"
    pipe.write(b"0123456789")
    assert smb1.read(fid, 4).status == Status.BUFFER_OVERFLOW
    assert smb1.query_state(fid)[0].status == Status.ACCESS_DENIED


def test_one_way_transaction_of_nobody(smb1):
    """Secondary packets without a primary one are not answered with anything that harms."""
    request = smb1.trans_request((Trans.WRITE, NO_FID), pattern(100), first=(0, 50), piece=50)
    pieces = list(request.pieces(32))
    pending = smb1.begin(Command.TRANSACTION)
    smb1.send_secondary(pending, pieces[1])
    assert smb1.echo().status == Status.SUCCESS
