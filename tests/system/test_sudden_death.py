# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_sudden_death.py: processes that are killed, stopped or forked while pipes are open."""
import os
import select
import signal

import pytest
from agent import driver
from conformance import vocabulary as nt


def await_names(native, expected):
    """Until the broker has heard of it: deaths are told by the kernel, to each process when it comes to it."""
    for _ in range(driver.PATIENCE * 100):
        if native.names() == expected:
            return
        select.select([], [], [], 0.01)
    assert native.names() == expected


def test_server_is_killed_with_a_read_pending(place):
    place.broker()
    server, _, client, end = place.pair("doomed")
    reading = client.start("read", end=end, length=100)
    server.agent.kill()
    assert client.agent.await_answer(reading).status == nt.PIPE_BROKEN
    await_names(client, [])
    assert client.call("open", name="doomed").status == nt.OBJECT_NAME_NOT_FOUND


def test_what_a_killed_server_had_written_is_read(place):
    place.broker()
    server, server_end, client, end = place.pair("testament")
    assert server.call("write", end=server_end, data=b"last").status == nt.SUCCESS
    assert server.call("write", end=server_end, data=b"words").status == nt.SUCCESS
    server.agent.kill()
    assert client.call("set_pipe_info", end=end, read_mode=nt.MESSAGE, completion_mode=nt.QUEUE).status == nt.SUCCESS
    assert client.call("read", end=end, length=100).bytes() == b"last"
    assert client.call("read", end=end, length=100).bytes() == b"words"
    assert client.call("read", end=end, length=100).status == nt.PIPE_BROKEN
    assert client.call("write", end=end, data=b"hello?").status in (nt.PIPE_BROKEN, nt.PIPE_CLOSING)


def test_client_is_killed_and_the_instance_serves_the_next_one(place):
    place.broker()
    server, server_end, client, end = place.pair("many", max_instances=1)
    assert client.call("write", end=end, data=b"one").status == nt.SUCCESS
    reading = server.start("read", end=server_end, length=100)
    assert server.agent.await_answer(reading).bytes() == b"one"
    reading = server.start("read", end=server_end, length=100)
    client.agent.kill()
    assert server.agent.await_answer(reading).status == nt.PIPE_BROKEN
    assert server.call("disconnect", end=server_end).status == nt.SUCCESS
    listening = server.start("listen", end=server_end)
    second = place.native()
    second_end = second.made("open", "many")
    assert server.agent.await_answer(listening).status in (nt.SUCCESS, nt.PIPE_CONNECTED)
    assert second.call("write", end=second_end, data=b"two").status == nt.SUCCESS
    assert server.call("read", end=server_end, length=100).bytes() == b"two"


def test_client_waits_and_the_server_dies(place):
    """WAIT on a busy pipe ends when the name goes."""
    place.broker()
    server, _, client, _ = place.pair("busy", max_instances=1)
    waiting = client.start("wait", name="busy", milliseconds=nt.WAIT_FOREVER)
    server.agent.kill()
    assert client.agent.await_answer(waiting).status in (nt.OBJECT_NAME_NOT_FOUND, nt.PIPE_NOT_AVAILABLE)


def test_stopped_server_that_is_killed_during_the_hand_over(place):
    """The client has its half already; the server never takes its own."""
    place.broker()
    server = place.native()
    server.made("create", "stopped")
    client = place.native()
    os.kill(server.pid, signal.SIGSTOP)
    end = client.made("open", "stopped")  # the server need not do anything for it
    assert client.call("write", end=end, data=b"to nobody").status == nt.SUCCESS
    reading = client.start("read", end=end, length=10)
    server.agent.kill()
    assert client.agent.await_answer(reading).status == nt.PIPE_BROKEN


def test_stopped_client_disturbs_nobody(place):
    place.broker()
    server, _, client, _ = place.pair("patient")
    os.kill(client.pid, signal.SIGSTOP)
    try:
        second_end = server.made("create", "patient")
        other = place.native()
        other_end = other.made("open", "patient")
        assert other.call("write", end=other_end, data=b"me too").status == nt.SUCCESS
        assert server.call("read", end=second_end, length=100).bytes() == b"me too"
    finally:
        os.kill(client.pid, signal.SIGCONT)


@pytest.mark.parametrize("whose", ["server", "client"])
def test_fork(place, whose):
    """A forked child can use no end that it has inherited, its session is a new one of its own, and its death ends nothing."""
    place.broker()
    server, server_end, client, client_end = place.pair("family")
    parent, end = (server, server_end) if whose == "server" else (client, client_end)
    answers = parent.call("fork", requests=[
        {"id": 1001, "op": "write", "end": end, "data": b"of the child".hex()},
        {"id": 1002, "op": "read", "end": end, "length": 10},
        {"id": 1003, "op": "query_pipe_info", "end": end},
        {"id": 1004, "op": "create", "session": parent.session, "name": "of-the-child", "blocking": True},
        {"id": 1005, "op": "list", "session": parent.session, "blocking": True},
    ])["answers"]
    outcomes = {answer["id"]: answer for answer in answers}
    for number in (1001, 1002, 1003):
        assert outcomes[number]["status"] == nt.INVALID_HANDLE
    assert outcomes[1004]["status"] == nt.SUCCESS
    owners = {listing["name"]: listing["process_id"] for listing in outcomes[1005]["listings"]}
    assert owners["family"] == server.pid
    assert owners["of-the-child"] not in (server.pid, client.pid)
    assert client.call("write", end=client_end, data=b"of the parents").status == nt.SUCCESS
    assert server.call("read", end=server_end, length=100).bytes() == b"of the parents"
    assert server.call("write", end=server_end, data=b"and back").status == nt.SUCCESS
    assert client.call("read", end=client_end, length=100).bytes() == b"and back"
    await_names(client, ["family"])


def test_child_that_lives_on_does_not_keep_the_pipe(place):
    """A forked child that holds all descriptors open is not the server."""
    place.broker()
    server, _, client, end = place.pair("orphan")
    child = server.call("fork", keep=True)["child"]
    try:
        reading = client.start("read", end=end, length=100)
        server.agent.kill()
        assert client.agent.await_answer(reading).status == nt.PIPE_BROKEN
        await_names(client, [])
    finally:
        os.kill(child, signal.SIGKILL)
