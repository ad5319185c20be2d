# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb2_wait.py: FSCTL_PIPE_WAIT over SMB2."""
import struct
import time

import pytest
from smb2client import FSCTL_PIPE_WAIT, RELATED, Status


@pytest.fixture
def busy(client, server, name):
    """A pipe whose only instance has a client."""
    pipe = server.create(name)
    file_id = client.open(name)
    return pipe, file_id


def test_free_pipe_is_there_at_once(client, server, name):
    server.create(name)
    assert client.wait(name, 60000).status == Status.SUCCESS
    assert client.wait(name.upper(), 60000).status == Status.SUCCESS


def test_unknown_pipe_is_not_found_at_once(client, name):
    assert client.wait(name, 60000).status == Status.OBJECT_NAME_NOT_FOUND


def test_busy_pipe_times_out_not_too_early(client, busy, name):
    begin = time.monotonic()
    pending = client.start_wait(name, 300)
    assert pending.wait_interim().is_async
    assert pending.final().status == Status.IO_TIMEOUT
    assert time.monotonic() - begin >= 0.3


def test_no_time_at_all(client, busy, name):
    timeout = struct.pack("<qIBB", 0, len(name) * 2, 1, 0) + name.encode("utf-16le")
    assert client.ioctl(RELATED, FSCTL_PIPE_WAIT, timeout, 0).status == Status.IO_TIMEOUT


def test_positive_time_is_a_duration(client, busy, name):
    timeout = struct.pack("<qIBB", 100 * 10000, len(name) * 2, 1, 0) + name.encode("utf-16le")
    begin = time.monotonic()
    assert client.ioctl(RELATED, FSCTL_PIPE_WAIT, timeout, 0).status == Status.IO_TIMEOUT
    assert time.monotonic() - begin >= 0.1


def test_default_timeout_is_the_pipes(client, server, name):
    server.create(name, default_timeout=-200 * 10000)
    client.open(name)
    begin = time.monotonic()
    assert client.wait(name).status == Status.IO_TIMEOUT
    assert time.monotonic() - begin >= 0.2


def test_new_instance_ends_the_wait(client, server, busy, name):
    pending = client.start_wait(name, 60000)
    pending.wait_interim()
    server.create(name)
    assert pending.final().status == Status.SUCCESS
    assert client.create(name).status == Status.SUCCESS


def test_listening_again_ends_the_wait(client, busy, name):
    pipe, file_id = busy
    pending = client.start_wait(name, 60000)
    pending.wait_interim()
    client.close(file_id)
    pipe.await_end_of_client()
    pipe.serve_next()
    assert pending.final().status == Status.SUCCESS


def test_end_of_the_pipe_ends_the_wait(client, busy, name):
    pipe, file_id = busy
    pending = client.start_wait(name, 60000)
    pending.wait_interim()
    pipe.close()
    client.close(file_id)
    assert pending.final().status == Status.OBJECT_NAME_NOT_FOUND


@pytest.mark.parametrize("by_message_id", [False, True], ids=["async-id", "message-id"])
def test_cancel(client, busy, name, by_message_id):
    pending = client.start_wait(name, 60000)
    pending.wait_interim()
    pending.cancel(by_message_id)
    assert pending.final().status == Status.CANCELLED


def test_other_requests_go_on_during_a_wait(client, busy, join, name):
    pending = client.start_wait(name, 60000)
    pending.wait_interim()
    file_id, pipe = join(client)
    pipe.write(b"x")
    assert client.read(file_id).data == b"x"
    assert not pending.over
    pending.cancel()
    pending.final()


def test_no_handle_may_be_given(client, busy, name):
    _, file_id = busy
    assert client.wait(name, 0, file_id=file_id).status == Status.INVALID_PARAMETER


@pytest.mark.parametrize("length", range(15))
def test_cut_structures_are_refused(client, busy, name, length):
    whole = struct.pack("<qIBB", -1, len(name) * 2, 1, 0) + name.encode("utf-16le")
    assert client.ioctl(RELATED, FSCTL_PIPE_WAIT, whole[:length], 0).status == Status.INVALID_PARAMETER


@pytest.mark.parametrize("name_length", [1, 3, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF])
def test_names_that_do_not_fit_are_refused(client, busy, name, name_length):
    assert client.wait(name, 60000, name_length=name_length).status == Status.INVALID_PARAMETER


def test_create_of_a_busy_pipe(client, busy, name):
    assert client.create(name).status == Status.PIPE_NOT_AVAILABLE
