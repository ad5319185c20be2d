# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb1_data.py: READ_ANDX, WRITE_ANDX, READ, WRITE, READ_RAW and FLUSH on pipes. SEMANTICS 7.4."""
import time

import pytest
from smb1client import (
    ERRDOS,
    MORE_DATA,
    RAW_START,
    WRITE_MESSAGE_START,
    WRITE_RAW_MODE,
    WRITE_THROUGH,
    WRITE_WANTS_AVAILABLE,
    Command,
    Request,
)
from smb2client import Status

DEFAULT_TIMEOUT, FOR_EVER = -2, -1
WRITE_ONLY = 0x00120116


def pattern(size):
    return (b"".join(number.to_bytes(4, "little") for number in range(size // 4 + 1)))[:size]


# ---- reads ----


@pytest.mark.parametrize("core", [False, True], ids=["READ_ANDX", "READ"])
def test_part_of_a_message(smb1, join, core):
    fid, pipe = join(smb1)
    pipe.write(b"0123456789")
    read = smb1.core_read if core else smb1.read
    first, second = read(fid, 4), read(fid, 100)
    assert (first.status, first.data) == (Status.BUFFER_OVERFLOW, b"0123")
    assert (second.status, second.data) == (Status.SUCCESS, b"456789")


@pytest.mark.parametrize("core", [False, True], ids=["READ_ANDX", "READ"])
def test_part_of_a_message_for_dos(connect_smb1, join, core):
    client = connect_smb1(nt_status=False)
    fid, pipe = join(client)
    pipe.write(b"0123456789")
    read = client.core_read if core else client.read
    first, second = read(fid, 4), read(fid, 100)
    assert (first.dos_error, first.data) == ((ERRDOS, MORE_DATA), b"0123")
    assert (second.raw_status, second.data) == (0, b"456789")


def test_byte_read_mode_joins_messages(smb1, join):
    fid, pipe = join(smb1, client_mode=0)
    pipe.write(b"abc")
    pipe.write(b"def")
    assert smb1.read(fid, 4).data == b"abcd"
    assert (smb1.read(fid, 4).status, smb1.peek(fid).data) == (Status.SUCCESS, b"")


def test_empty_message(smb1, join):
    fid, pipe = join(smb1)
    pipe.write(b"")
    pipe.write(b"next")
    response = smb1.read(fid)
    assert (response.status, response.data) == (Status.SUCCESS, b"")
    assert smb1.read(fid).data == b"next"


@pytest.mark.parametrize("offset", [0, 1, 4096, 0xFFFFFFFF])
def test_offset_means_nothing(smb1, join, offset):
    fid, pipe = join(smb1)
    pipe.write(b"data")
    assert smb1.read(fid, offset=offset).data == b"data"
    assert smb1.write(fid, b"data", offset=offset).count == 4


def test_word_available(smb1, join):
    fid, pipe = join(smb1)
    pipe.write(b"0123456789")
    assert smb1.read(fid, 4).available in (6, 0xFFFF)
    assert smb1.read(fid, 100).available in (0, 0xFFFF)


@pytest.mark.parametrize("size", [1, 4280, 16384, 60000, 65535])
def test_sizes(smb1, join, size):
    fid, pipe = join(smb1, inbound_quota=100_000, outbound_quota=100_000)
    data = pattern(size)
    assert smb1.write(fid, data).count == size
    assert pipe.read(100_000) == data
    pipe.write(data)
    response = smb1.read(fid, 65535)
    assert (response.status, response.data) == (Status.SUCCESS, data)


def test_large_write(smb1, join):
    """DataLengthHigh is used."""
    fid, pipe = join(smb1, inbound_quota=200_000)
    data = pattern(100_000)
    assert smb1.write(fid, data).count == len(data)
    assert pipe.read(200_000) == data


def test_message_longer_than_the_largest_read(smb1, join):
    fid, pipe = join(smb1, outbound_quota=200_000)
    data = pattern(100_000)
    pipe.write(data)
    first, second = smb1.read(fid, 65535), smb1.read(fid, 65535)
    assert (first.status, second.status) == (Status.BUFFER_OVERFLOW, Status.SUCCESS)
    assert first.data + second.data == data


# ---- MinCount and Timeout ----


def test_no_time_and_no_minimum(smb1, join):
    fid, pipe = join(smb1)
    assert smb1.read(fid, minimum=0, timeout=0).status == Status.PIPE_EMPTY
    pipe.write(b"x")
    assert smb1.read(fid, minimum=0, timeout=0).data == b"x"


def test_read_waits_for_ever(smb1, join):
    fid, pipe = join(smb1)
    pending = smb1.start_read(fid, timeout=FOR_EVER)
    smb1.echo()
    assert not pending.over
    pipe.write(b"late")
    assert pending.final().data == b"late"


def test_read_waits_no_longer_than_it_says(smb1, join):
    fid, pipe = join(smb1)
    begin = time.monotonic()
    response = smb1.read(fid, minimum=1, timeout=200)
    assert time.monotonic() - begin >= 0.2
    assert response.data == b"" and response.status in (Status.SUCCESS, Status.IO_TIMEOUT)
    pipe.write(b"not lost")
    assert smb1.read(fid).data == b"not lost"


def test_read_waits_as_long_as_the_pipe_says(smb1, join):
    fid, _ = join(smb1, default_timeout=-200 * 10000)
    begin = time.monotonic()
    assert smb1.read(fid, minimum=1, timeout=DEFAULT_TIMEOUT).data == b""
    assert time.monotonic() - begin >= 0.2


def test_minimum_on_a_byte_pipe(smb1, join):
    fid, pipe = join(smb1, type=0)
    pending = smb1.start_read(fid, 100, minimum=6, timeout=FOR_EVER)
    pipe.write(b"abc")
    smb1.echo()
    assert not pending.over
    pipe.write(b"defg")
    assert pending.final().data == b"abcdefg"


def test_minimum_that_is_there_at_once(smb1, join):
    fid, pipe = join(smb1, type=0)
    pipe.write(b"abcdef")
    assert smb1.read(fid, 100, minimum=3, timeout=FOR_EVER).data == b"abcdef"


def test_minimum_above_the_maximum(smb1, join):
    fid, pipe = join(smb1, type=0)
    pipe.write(b"abcdef")
    assert smb1.read(fid, 4, minimum=100, timeout=FOR_EVER).data == b"abcd"


def test_a_message_is_enough_for_any_minimum(smb1, join):
    fid, pipe = join(smb1)
    pipe.write(b"abc")
    pipe.write(b"def")
    assert smb1.read(fid, 100, minimum=50, timeout=FOR_EVER).data == b"abc"
    assert smb1.read(fid).data == b"def"


def test_minimum_when_the_server_goes(smb1, join):
    fid, pipe = join(smb1, type=0)
    pending = smb1.start_read(fid, 100, minimum=6, timeout=FOR_EVER)
    pipe.write(b"abc")
    smb1.echo()
    pipe.close()
    response = pending.final()
    assert (response.status, response.data) in ((Status.SUCCESS, b"abc"), (Status.PIPE_BROKEN, b""))
    assert smb1.read(fid).status == Status.PIPE_BROKEN


# ---- writes ----


def test_empty_message_is_written(smb1, join):
    fid, pipe = join(smb1)
    assert smb1.write(fid, b"").status == Status.SUCCESS
    smb1.write(fid, b"next")
    assert pipe.read() == b""
    assert pipe.read() == b"next"


@pytest.mark.parametrize("mode", [0, WRITE_THROUGH, WRITE_MESSAGE_START, WRITE_RAW_MODE], ids=["none", "through", "start", "raw"])
def test_modes_that_change_nothing(smb1, join, mode):
    fid, pipe = join(smb1)
    response = smb1.write(fid, b"hello", mode=mode)
    assert (response.status, response.count) == (Status.SUCCESS, 5)
    assert pipe.read() == b"hello"


def test_available_after_a_write(smb1, join):
    fid, pipe = join(smb1)
    pipe.write(b"0123456789")
    assert smb1.write(fid, b"x", mode=WRITE_WANTS_AVAILABLE).available == 10


def test_write_waits_for_room(smb1, join):
    fid, pipe = join(smb1, inbound_quota=10)
    assert smb1.write(fid, b"0123456789").count == 10
    pending = smb1.start_write(fid, b"more")
    smb1.echo()
    assert not pending.over
    assert pipe.read() == b"0123456789"
    assert pending.final().count == 4
    assert pipe.read() == b"more"


def test_nonblocking_write_may_be_short(smb1, join):
    fid, pipe = join(smb1, type=0, inbound_quota=10)
    assert smb1.set_state(fid, 0x8000).status == Status.SUCCESS
    response = smb1.write(fid, bytes(100_000))
    assert response.status == Status.SUCCESS and response.count < 100_000
    total = 0
    while total < response.count:
        total += len(pipe.read(100_000))
    assert total == response.count


def test_core_write(smb1, join):
    fid, pipe = join(smb1)
    assert smb1.core_write(fid, b"hello").count == 5
    assert pipe.read() == b"hello"


# ---- messages in several WRITE_ANDX ----


def start_of(data, size):
    return size.to_bytes(2, "little") + data


def test_message_in_one_part(smb1, join):
    fid, pipe = join(smb1)
    assert smb1.write(fid, start_of(b"abc", 3), mode=RAW_START).count == 5
    assert pipe.read() == b"abc"


@pytest.mark.parametrize("mode", [0, WRITE_RAW_MODE], ids=["none", "raw"])
def test_message_in_parts(smb1, join, mode):
    fid, pipe = join(smb1, inbound_quota=20_000)
    data = pattern(10_000)
    counts = [smb1.write(fid, start_of(data[:4000], len(data)), mode=RAW_START).count]
    assert smb1.peek(fid).status == Status.SUCCESS
    counts += [smb1.write(fid, part, mode=mode).count for part in (data[4000:4001], data[4001:9000], data[9000:])]
    assert counts == [4002, 1, 4999, 1000]
    assert pipe.read() == data
    smb1.write(fid, b"and then an ordinary one")
    assert pipe.read() == b"and then an ordinary one"


def test_nothing_is_seen_of_a_message_that_is_not_whole(smb1, join):
    fid, pipe = join(smb1)
    smb1.write(fid, start_of(b"abc", 6), mode=RAW_START)
    status, answer = pipe.call("peek", length=100)
    assert (status, answer["available"]) == (Status.SUCCESS, 0)
    smb1.write(fid, b"def", mode=WRITE_RAW_MODE)
    assert pipe.read() == b"abcdef"


def test_message_that_is_begun_anew(smb1, join):
    fid, pipe = join(smb1)
    smb1.write(fid, start_of(b"abc", 6), mode=RAW_START)
    smb1.write(fid, start_of(b"hello", 5), mode=RAW_START)
    assert pipe.read() == b"hello"


def test_more_than_the_message_has(smb1, join):
    fid, pipe = join(smb1)
    assert smb1.write(fid, start_of(b"abcdef", 3), mode=RAW_START).status == Status.INVALID_PARAMETER
    smb1.write(fid, start_of(b"abc", 4), mode=RAW_START)
    assert smb1.write(fid, b"def", mode=WRITE_RAW_MODE).status == Status.INVALID_PARAMETER
    smb1.write(fid, b"ordinary")
    assert pipe.read() == b"ordinary"


@pytest.mark.parametrize("data", [b"", b"\x03"], ids=["nothing", "one-byte"])
def test_length_that_is_cut_off(smb1, join, data):
    fid, _ = join(smb1)
    assert smb1.write(fid, data, mode=RAW_START).status == Status.INVALID_PARAMETER


def test_empty_message_with_its_length(smb1, join):
    fid, pipe = join(smb1)
    assert smb1.write(fid, b"\0\0", mode=RAW_START).count == 2
    assert pipe.read() == b""


def test_messages_of_two_pipes_are_not_mixed(smb1, join):
    (one, one_pipe), (two, two_pipe) = join(smb1), join(smb1)
    smb1.write(one, start_of(b"abc", 6), mode=RAW_START)
    smb1.write(two, start_of(b"123", 6), mode=RAW_START)
    smb1.write(one, b"def", mode=WRITE_RAW_MODE)
    smb1.write(two, b"456", mode=WRITE_RAW_MODE)
    assert (one_pipe.read(), two_pipe.read()) == (b"abcdef", b"123456")


def test_message_without_its_end(smb1, join):
    fid, pipe = join(smb1)
    smb1.write(fid, start_of(b"abc", 6), mode=RAW_START)
    assert smb1.close(fid).status == Status.SUCCESS
    pipe.await_end_of_client()


# ---- FLUSH ----


def test_flush_waits_for_the_reader(smb1, join):
    fid, pipe = join(smb1)
    assert smb1.flush(fid).status == Status.SUCCESS
    smb1.write(fid, b"data")
    pending = smb1.start_flush(fid)
    smb1.echo()
    assert not pending.over
    assert pipe.read() == b"data"
    assert pending.final().status == Status.SUCCESS


def test_flush_when_the_server_goes(smb1, join):
    fid, pipe = join(smb1)
    smb1.write(fid, b"data")
    pending = smb1.start_flush(fid)
    smb1.echo()
    pipe.close()
    assert pending.final().status == Status.PIPE_BROKEN


# ---- states ----


def test_closed_server(smb1, join):
    fid, pipe = join(smb1)
    pipe.write(b"last words")
    pipe.close()
    assert smb1.read(fid).data == b"last words"
    assert smb1.read(fid).status == Status.PIPE_BROKEN
    assert smb1.write(fid, b"x").status == Status.PIPE_CLOSING


def test_disconnected(smb1, join):
    fid, pipe = join(smb1)
    pipe.succeed("disconnect")
    assert smb1.read(fid).status == Status.PIPE_DISCONNECTED
    assert smb1.write(fid, b"x").status == Status.PIPE_DISCONNECTED
    assert smb1.core_read(fid).status == Status.PIPE_DISCONNECTED
    assert smb1.core_write(fid, b"x").status == Status.PIPE_DISCONNECTED


def test_nonblocking_read(smb1, join):
    fid, _ = join(smb1)
    assert smb1.set_state(fid, 0x8100).status == Status.SUCCESS
    assert smb1.read(fid).status == Status.PIPE_EMPTY
    assert smb1.core_read(fid).status == Status.PIPE_EMPTY


# ---- several at once ----


def test_many_in_flight(smb1, join):
    fid, pipe = join(smb1)
    reads = [smb1.start_read(fid) for _ in range(20)]
    smb1.echo()
    for number in range(20):
        pipe.write(b"%d" % number)
    assert [read.final().data for read in reads] == [b"%d" % number for number in range(20)]


def test_reads_of_different_pipes_end_in_any_order(smb1, join):
    joined = [join(smb1) for _ in range(5)]
    reads = [smb1.start_read(fid) for fid, _ in joined]
    smb1.echo()
    for number in (3, 1, 4, 0, 2):
        joined[number][1].write(b"%d" % number)
        assert reads[number].final().data == b"%d" % number


def test_locking_is_refused(smb1, join):
    fid, pipe = join(smb1)
    words = fid.to_bytes(2, "little") + bytes(8) + b"\x01\0"
    response = smb1.call(Request(Command.LOCKING_ANDX, words, bytes(10)))
    assert response.status in (Status.INVALID_DEVICE_REQUEST, Status.ACCESS_DENIED)
    pipe.write(b"goes on")
    assert smb1.read(fid).data == b"goes on"


# ---- READ_RAW ----


def test_raw_read_is_data_alone(smb1, join):
    """Where a message is too long, what follows is the next one's data: nothing tells."""
    fid, pipe = join(smb1)
    pipe.write(b"0123456789")
    pipe.write(b"next")
    assert [smb1.raw_read(fid, length) for length in (4, 100, 100)] == [b"0123", b"456789", b"next"]


def test_raw_read_of_a_byte_pipe(smb1, join):
    fid, pipe = join(smb1, type=0, outbound_quota=70_000)
    data = bytes(range(250)) * 260
    pipe.write(data)
    assert smb1.raw_read(fid, 60_000) + smb1.raw_read(fid, 60_000) == data


@pytest.mark.parametrize("timeout", [0, 1])
def test_raw_read_of_nothing(smb1, join, timeout):
    fid, pipe = join(smb1)
    assert smb1.raw_read(fid, 100, minimum=timeout, timeout=timeout) == b""
    pipe.write(b"later")
    assert smb1.raw_read(fid, 100) == b"later"


def test_raw_read_waits(smb1, join):
    fid, pipe = join(smb1)
    waiting = smb1.start_raw_read(fid, 100, minimum=1, timeout=FOR_EVER)
    smb1.echo()
    assert waiting.data is None
    pipe.write(b"hello")
    assert waiting.final() == b"hello"


def test_raw_read_waits_for_the_minimum(smb1, join):
    fid, pipe = join(smb1, type=0)
    pipe.write(b"abc")
    waiting = smb1.start_raw_read(fid, 100, minimum=5, timeout=FOR_EVER)
    smb1.echo()
    assert waiting.data is None
    pipe.write(b"defg")
    assert waiting.final() == b"abcdefg"


def test_raw_read_ends_with_its_pipe(smb1, join):
    fid, pipe = join(smb1)
    waiting = smb1.start_raw_read(fid, 100, minimum=1, timeout=FOR_EVER)
    smb1.echo()
    pipe.close()
    assert waiting.final() == b""
    assert smb1.raw_read(fid, 100) == b""


def test_raw_read_needs_the_right(smb1, join):
    fid, pipe = join(smb1, access=WRITE_ONLY, client_mode=None)
    pipe.write(b"secret")
    assert smb1.raw_read(fid, 100) == b""
