# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb1_hostile.py: SMB1 requests that no honest client sends. Any answer will do where none is stated, but smbd must neither crash nor
harm others, nor tell anybody what is not his."""
import contextlib
import random
import struct

import pytest
from smb1client import HEADER_SIZE, PASS_THROUGH, RAW_START, Command, Request, Trans, TransactionRequest
from smb2client import ProtocolError, Status

FSCTL_PIPE_PEEK, FSCTL_PIPE_TRANSCEIVE = 0x11400C, 0x11C017
INTERESTING = [0, 1, 2, 3, 15, 31, 32, 63, 64, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFF0, 0xFFFF]
SECRET = b"this is nobody else's business"


class Bystander:
    """Another client, whose pipe goes on."""

    def __init__(self, client, join):
        self.client = client
        self.fid, self.pipe = join(client)

    def check(self):
        self.pipe.write(SECRET)
        assert self.client.read(self.fid).data == SECRET
        assert self.client.write(self.fid, SECRET).count == len(SECRET)
        assert self.pipe.read() == SECRET


@pytest.fixture
def bystander(connect_smb1, join):
    """Checked at the end of the test."""
    other = Bystander(connect_smb1(), join)
    yield other
    other.check()


def survive(client, action):
    """What smbd answers; None if it hangs up, which is its right."""
    with contextlib.suppress(ConnectionError, ProtocolError):
        answer = action()
        client.echo()
        return answer
    return None


def honest_requests(client, fid, name):
    """(command, block) of each request on pipes."""
    simple = [client.read_request(fid, 100, minimum=0, timeout=0), client.read_request(fid, 100, offset_high=0),
              client.write_request(fid, b"0123456789"), client.write_request(fid, b"\x05\0ab", mode=RAW_START),
              client.core_read_request(fid, 100), client.core_write_request(fid, b"0123456789"), client.flush_request(fid),
              client.nt_create_request("\\" + name), client.open_request("\\PIPE\\" + name), client.close_request(0x7FF7)]  # fmt: skip
    transactions = [client.trans_request((subcommand, fid), b"\x01\0a", b"\1\0", max_data=100) for subcommand in list(Trans)[:9]]
    transactions += [client.trans_request((subcommand, 0), b"question", name="\\PIPE\\" + name, timeout=10)
                     for subcommand in (Trans.WAIT, Trans.CALL)]  # fmt: skip
    transactions += [client.trans2_request(7, struct.pack("<HH", fid, PASS_THROUGH + 24)),
                     client.trans2_request(8, struct.pack("<HHH", fid, PASS_THROUGH + 23, 0), struct.pack("<II", 1, 0)),
                     client.nt_transact_create_request("\\" + name)]  # fmt: skip
    for code in FSCTL_PIPE_PEEK, FSCTL_PIPE_TRANSCEIVE:
        setup = struct.unpack("<4H", struct.pack("<IHBB", code, fid, 1, 0))
        transactions.append(client.nt_transact_request(2, b"", b"question", setup=setup))
    for request in simple:
        yield request.command, request.block(HEADER_SIZE)
    for request in transactions:
        yield request.command, next(iter(request.pieces(HEADER_SIZE)))


def spoil(block, chance):
    """Some field of the request becomes something else."""
    block = bytearray(block)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(0, len(block))
        value, size = chance.choice(INTERESTING), chance.choice([1, 2, 2])
        block[place : place + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    if chance.random() < 0.15:
        del block[chance.randrange(0, len(block)) :]
    return bytes(block)


@pytest.mark.parametrize("seed", range(12))
def test_spoilt_requests(connect_smb1, join, server, name, bystander, seed):
    chance = random.Random(seed)
    for number in range(6):
        client = connect_smb1(unicode=chance.random() < 0.7, nt_status=chance.random() < 0.7, max_buffer=chance.choice([4356, 16644]))
        own_name = f"{name}-{number}"
        server.create(own_name)
        fid, pipe = join(client)
        pipe.write(b"something to read")

        def attack(client=client, fid=fid, own_name=own_name):
            for command, block in honest_requests(client, fid, own_name):
                client.send_raw(command, spoil(block, chance))
                client.poll()

        survive(client, attack)
        client.drop()
    bystander.check()


@pytest.mark.parametrize("command", [each for each in Command if each != Command.NT_CANCEL], ids=lambda value: value.name)
def test_requests_that_are_too_short(connect_smb1, join, bystander, command):
    for words in (0, 1, 5, 8, 12, 17, 255):
        client = connect_smb1()
        fid, _ = join(client)
        block = bytes([words]) + (struct.pack("<HHH", 0xFF, 0, fid) + bytes(510))[: 2 * min(words, 20)] + b"\0\0"
        survive(client, lambda client=client, block=block: client.send_raw(command, block).final())
        client.drop()


# ---- fields, one by one ----


def other_fids(fid):
    """Not one that differs in the highest bit alone: smbd's table of them (lib/util/idtree.c) can take that for the same."""
    return [0, 1, fid ^ 0x4000, (fid + 1) & 0xFFFF, 0xFFFE, 0xFFFF]


def test_wrong_fids(smb1, join, bystander):
    """0xFFFF means the chain's, and there is none."""
    fid, pipe = join(smb1)
    pipe.write(SECRET)
    for wrong in other_fids(fid):
        for request in (smb1.read_request(wrong, 100), smb1.write_request(wrong, b"x"), smb1.core_read_request(wrong, 100),
                        smb1.core_write_request(wrong, b"x"), smb1.close_request(wrong),
                        *(smb1.trans_request((each, wrong), b"\1\0x", b"\1\0") for each in list(Trans)[:9])):  # fmt: skip
            response = smb1.call(request)
            refusals = [Status.INVALID_HANDLE]
            if request.command in (Command.READ, Command.WRITE):
                refusals.append(Status.ACCESS_DENIED)  # Samba's own code: nobody may read and write files on IPC$
            assert response.status in refusals, (request.command, wrong)
            assert response.data == b""
    assert smb1.read(fid).data == SECRET


@pytest.mark.parametrize("length", [11, 100, 0xFFFF, 0x10000, 0xFFFFFFFF])
def test_write_longer_than_its_packet(smb1, join, bystander, length):
    fid, pipe = join(smb1)
    response = survive(smb1, lambda: smb1.write(fid, b"0123456789", length=length))
    assert response is None or response.status >= 0xC0000000
    if response is not None:
        smb1.write(fid, b"goes on")
        assert pipe.read() == b"goes on"


@pytest.mark.parametrize("offset", [0, 10, 31, 63, 65, 1000, 0xFFFF])
def test_write_from_elsewhere(smb1, join, bystander, offset):
    """DataOffset within the packet tells the server what the client has sent anyway; beyond it: an error."""
    fid, pipe = join(smb1)
    response = survive(smb1, lambda: smb1.write(fid, b"0123456789", data_offset=offset))
    if response is not None and response.status == Status.SUCCESS:
        assert len(pipe.read()) == 10
    assert offset < 1000 or response is None or response.status >= 0xC0000000


@pytest.mark.parametrize("count", [11, 0xFFFF])
def test_core_write_longer_than_its_packet(smb1, join, bystander, count):
    fid, pipe = join(smb1)
    response = survive(smb1, lambda: smb1.core_write(fid, b"0123456789", count=count))
    assert response is None or response.status >= 0xC0000000 or response.count <= 10


FIELDS = {
    "data": [0xFFFF, 1000, 0x8000],
    "data_offset": [0, 1, 31, 0xFFFF, 0x8000],
    "parameters": [0xFFFF, 1000],
    "parameter_offset": [0, 1, 31, 0xFFFF],
    "total_data": [0, 1, 9],
    "total_parameters": [0, 1],
    "setup_count": [0, 1, 3, 100, 255],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in FIELDS.items() for value in values])
@pytest.mark.parametrize("kind", ["trans", "trans2", "nttrans"])
def test_fields_of_a_transaction(connect_smb1, join, bystander, kind, field, value):
    """The server of the pipe gets ten bytes that came from the client, or nothing."""
    client = connect_smb1()
    fid, pipe = join(client, inbound_quota=200_000)
    fields = {field: value}
    if kind == "trans":
        request = client.trans_request((Trans.WRITE, fid), b"0123456789", b"\1\0", fields=fields)
    elif kind == "trans2":
        request = client.trans2_request(8, struct.pack("<HHH", fid, PASS_THROUGH + 23, 0), struct.pack("<II", 1, 0), fields=fields)
    else:
        setup = struct.unpack("<4H", struct.pack("<IHBB", FSCTL_PIPE_TRANSCEIVE, fid, 1, 0))
        request = client.nt_transact_request(2, b"", b"0123456789", setup=setup, fields=fields)
    pending = client.start_pieces(request, wait=False)
    survive(client, client.poll)
    client.drop()
    while (answer := pipe.call("read", length=100_000))[0] == Status.SUCCESS:
        assert len(answer[1].bytes()) <= 10
    assert answer[0] == Status.PIPE_BROKEN, pending


SECONDARY_FIELDS = {
    "data_before": [0, 1, 999, 1001, 2000, 0xFFFF],
    "data": [0, 999, 1001, 5000, 0xFFFF],
    "data_offset": [0, 1, 0xFFFF],
    "total_data": [0, 1000, 1999, 0xFFFF],
    "parameters": [1, 0xFFFF],
    "parameters_before": [1, 0xFFFF],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in SECONDARY_FIELDS.items() for value in values])
@pytest.mark.parametrize("command", [Command.TRANSACTION, Command.NT_TRANSACT], ids=lambda value: value.name)
def test_fields_of_secondary_packets(connect_smb1, join, bystander, command, field, value):
    """They overlap, are beyond the total, or lie about themselves."""
    client = connect_smb1()
    fid, pipe = join(client, inbound_quota=200_000)
    data = bytes(range(200)) * 10
    if command == Command.TRANSACTION:
        request = client.trans_request((Trans.WRITE, fid), data[:1000], totals=(0, 2000))
    else:
        setup = struct.unpack("<4H", struct.pack("<IHBB", FSCTL_PIPE_TRANSCEIVE, fid, 1, 0))
        request = client.nt_transact_request(2, b"", data[:1000], setup=setup, totals=(0, 2000))

    def attack():
        pending = client.start_pieces(request, wait=False)
        pending.wait_interim()
        client.send_secondary(pending, request.secondary(HEADER_SIZE, b"", 0, data[1000:], 1000, fields={field: value}))

    survive(client, attack)
    client.drop()
    while (answer := pipe.call("read", length=100_000))[0] == Status.SUCCESS:
        assert len(answer[1].bytes()) <= 2000
    assert answer[0] == Status.PIPE_BROKEN


def test_transactions_that_never_come_to_an_end(connect_smb1, join, bystander):
    """As many as smbd allows."""
    client = connect_smb1()
    fid, pipe = join(client)
    statuses = set()
    for _ in range(100):
        request = client.trans_request((Trans.WRITE, fid), b"half", totals=(0, 60_000))
        response = survive(client, lambda request=request: client.start_pieces(request, wait=False).wait_interim())
        if response is None:
            break
        statuses.add(response.status)
    assert Status.SUCCESS in statuses
    client.drop()
    pipe.await_end_of_client()


def test_secondary_of_another_users_transaction(smb1, join, other_user, bystander):
    fid, pipe = join(smb1)
    other = smb1.another_session(*other_user)
    request = smb1.trans_request((Trans.WRITE, fid), b"half", totals=(0, 8))
    pending = smb1.start_pieces(request, wait=False)
    pending.wait_interim()
    other.send_secondary(pending, request.secondary(HEADER_SIZE, b"", 0, b"evil", 4))
    other.echo()
    if pending.over:
        assert pending.response.status >= 0xC0000000
        return
    smb1.send_secondary(pending, request.secondary(HEADER_SIZE, b"", 0, b"good", 4))
    assert pending.final().count == 8
    assert pipe.read() == b"halfgood"


@pytest.mark.parametrize("raw_name", [b"", b"\0", b"\\", b"\xff" * 31, b"\0\xd8" * 10, b"\\\0P\0I\0P\0E\0", b"A" * 3000])
@pytest.mark.parametrize("command", ["nt-create", "open-andx"])
def test_names_that_are_none(connect_smb1, bystander, command, raw_name):
    client = connect_smb1()
    make = client.nt_create_request if command == "nt-create" else client.open_request
    response = survive(client, lambda: client.call(make("", raw_name=raw_name)))
    assert response is None or response.status >= 0xC0000000


@pytest.mark.parametrize("length", [0, 1, 3, 1000, 0xFFFF])
def test_wrong_length_of_a_name(connect_smb1, server, name, bystander, length):
    server.create(name)
    client = connect_smb1()
    survive(client, lambda: client.call(client.nt_create_request("\\" + name, name_length=length)))


@pytest.mark.parametrize("parameters", [0, 1, 44, 52, 53, 54])
def test_nt_transact_create_that_is_cut_off(connect_smb1, server, name, bystander, parameters):
    server.create(name)
    client = connect_smb1()
    request = client.nt_transact_create_request("\\" + name)
    request.parameters = request.parameters[:parameters]
    request.first, request.totals = (parameters, 0), (parameters, 0)
    response = survive(client, lambda: client.call(request))
    assert response is None or response.status >= 0xC0000000


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x80000000, 1000, 1])
def test_nt_transact_create_with_a_wrong_length(connect_smb1, server, name, bystander, length):
    server.create(name)
    client = connect_smb1()
    request = client.nt_transact_create_request("\\" + name)
    request.parameters = request.parameters[:44] + struct.pack("<I", length) + request.parameters[48:]
    survive(client, lambda: client.call(request))


def test_word_and_byte_counts_that_lie(connect_smb1, join, bystander):
    for counts in {"word_count": 0}, {"word_count": 255}, {"byte_count": 0}, {"byte_count": 0xFFFF}, {"byte_count": 3}:
        client = connect_smb1()
        fid, _ = join(client)
        requests = [Request(Command.READ_ANDX, client.read_request(fid, 10).words, **counts),
                    Request(Command.WRITE, client.core_write_request(fid, b"x" * 9).words, b"\1\x09\0" + b"x" * 9, **counts),
                    Request(Command.FLUSH, struct.pack("<H", fid), **counts)]  # fmt: skip
        for request in requests:
            survive(client, lambda client=client, request=request: client.call(request))
        client.drop()


def test_transactions_with_huge_counts_of_what_is_wanted(smb1, join, bystander):
    fid, pipe = join(smb1, outbound_quota=200_000)
    pipe.write(bytes(100_000))
    response = smb1.trans(Trans.READ, fid, max_data=0xFFFF)
    assert (response.status, len(response.data)) == (Status.BUFFER_OVERFLOW, 0xFFFF)
    setup = struct.unpack("<4H", struct.pack("<IHBB", FSCTL_PIPE_PEEK, fid, 1, 0))
    response = survive(smb1, lambda: smb1.call(smb1.nt_transact_request(2, b"", b"", setup=setup, max_data=0xFFFFFFFF)))
    assert response is None or len(response.data) <= 100_016


def test_requests_without_a_session(connect_smb1, join, bystander):
    """UID and TID of nobody."""
    client = connect_smb1()
    fid, pipe = join(client)
    pipe.write(SECRET)
    for fields in {"session_id": 0}, {"session_id": 0xFFFE}, {"tree_id": 0}, {"tree_id": 0xFFFE}:
        for request in client.read_request(fid, 100), client.trans_request((Trans.READ, fid)):
            response = survive(client, lambda request=request, fields=fields: client.call(request, **fields))
            assert response is None or (response.raw_status and response.data == b"")


def test_transaction_request_is_as_it_says():
    """The tests' own tool: pieces put together are the whole."""
    request = TransactionRequest(Command.TRANSACTION, (1, 2), b"", bytes(3000), name=lambda place: b"\\PIPE\\\0", first=(0, 100), piece=700)
    assert len(list(request.pieces(HEADER_SIZE))) == 1 + -(-2900 // 700)
