# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb2_channels.py: a session of several connections (SMB 3, multichannel): whichever dies, nothing is lost that another can read."""
import os

import pytest
from private_smbd import wait_until
from smb2client import FSCTL_PIPE_TRANSCEIVE, Status

PATIENCE, QUOTA = 60, 4096
DIALECTS = [0x300, 0x302, 0x311]


@pytest.fixture(params=DIALECTS, ids=hex)
def channels(request, connect):
    first = connect(dialect=request.param, client_guid=os.urandom(16), signing=True)
    second = first.another_channel()
    yield first, second
    second.drop()


@pytest.fixture(params=["first", "second"])
def dying_and_living(request, channels):
    return channels if request.param == "first" else channels[::-1]


def room_in(pipe):
    """A read that waits counts as room that is taken (SEMANTICS 5.2)."""
    return pipe.succeed("query_local_info")["write_quota_available"]


def await_no_reader(pipe):
    wait_until(lambda: room_in(pipe) == QUOTA, "somebody still waits for data", PATIENCE)


def test_pipe_is_the_same_on_each_channel(channels, join):
    first, second = channels
    file_id, pipe = join(first)
    second.write(file_id, b"by the second")
    assert pipe.read() == b"by the second"
    pipe.write(b"to whom it concerns")
    pipe.write(b"and more")
    assert second.read(file_id).data == b"to whom it concerns"
    assert first.read(file_id).data == b"and more"
    waiting = second.start_read(file_id)
    waiting.wait_interim()
    assert first.close(file_id).status == Status.SUCCESS
    assert waiting.final().status == Status.PIPE_BROKEN


def test_read_of_a_dead_channel_takes_nothing(dying_and_living, join):
    dying, living = dying_and_living
    file_id, pipe = join(living, outbound_quota=QUOTA)
    dying.start_read(file_id, 1000).wait_interim()
    assert room_in(pipe) < QUOTA
    dying.drop()
    await_no_reader(pipe)
    pipe.write(b"for the living")
    assert living.read(file_id).data == b"for the living"


def test_transceive_of_a_dead_channel_takes_no_reply(dying_and_living, join):
    dying, living = dying_and_living
    file_id, pipe = join(living, outbound_quota=QUOTA)
    dying.start_ioctl(file_id, FSCTL_PIPE_TRANSCEIVE, b"question", 1000).wait_interim()
    assert pipe.read() == b"question" and room_in(pipe) < QUOTA
    dying.reset()
    await_no_reader(pipe)
    pipe.write(b"answer")
    assert living.read(file_id).data == b"answer"


def test_pipe_is_closed_with_the_last_channel(channels, join):
    first, second = channels
    file_id, pipe = join(first)
    second.start_read(file_id).wait_interim()
    first.drop()
    second.write(file_id, b"still here")
    assert pipe.read() == b"still here"
    second.drop()
    pipe.await_end_of_client()


def test_wait_of_a_dead_channel(channels, server, name):
    """It has no handle with which it would end."""
    first, second = channels
    pipe = server.create(name, max_instances=1)
    first.open(name)
    pipe.await_client()
    second.start_wait(name, 3_600_000).wait_interim()
    second.drop()
    assert first.echo().status == Status.SUCCESS
    assert first.create(name).status == Status.PIPE_NOT_AVAILABLE
