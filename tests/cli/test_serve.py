# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_serve.py: servers made by the command line: instances, commands and their ends."""
import os
import signal
import subprocess

import pytest

from .conftest import exchange, is_alive, wait_until


def test_many_clients_at_once(place):
    place.serve("echo")
    clients = [place.start("call", "echo", f"client {number}", "--wait", "60") for number in range(20)]
    for number, client in enumerate(clients):
        assert (client.wait(60), client.stdout.read()) == (0, f"client {number}".encode())
    place.settled("echo", connected=0, closing=0)


def test_clients_that_stay(place):
    place.serve("echo")
    clients = [place.start("connect", "echo", "--wait", "60") for _ in range(12)]
    for number, client in enumerate(clients):
        client.stdin.write(b"%d" % number)
        client.stdin.flush()
    assert [client.stdout.read1(100) for client in clients] == [b"%d" % number for number in range(12)]
    assert place.settled("echo", connected=12)["listening"] >= 1
    for client in clients:
        client.stdin.close()
        assert client.wait(60) == 0


def test_clients_that_vanish_leave_nothing(place):
    server = place.serve("echo")
    before = len(os.listdir(f"/proc/{server.pid}/fd"))
    for _ in range(10):
        client = place.start("connect", "echo", "--wait", "60")
        client.stdin.write(b"x" * 1000)
        client.stdin.flush()
        assert client.stdout.read1(1) == b"x"
        client.kill()
        client.wait(60)
    place.settled("echo", connected=0, closing=0)
    wait_until(lambda: len(os.listdir(f"/proc/{server.pid}/fd")) <= before + 12, "the descriptors of clients that have gone")
    assert place.ok("call", "echo", "hello", "--wait", "60") == b"hello"


def test_a_second_server_must_say_that_it_joins(place):
    first = place.serve("shared")
    assert "--join" in place.fails(6, "serve", "shared")
    second = place.serve("shared", "--join")
    place.settled("shared", instances=8)
    place.end(first)
    assert place.settled("shared", instances=4)["process_id"] == second.pid
    assert place.ok("call", "shared", "hello") == b"hello"


def test_the_security_descriptor_counts(place):
    place.serve("read-only", "--instances", "1", "--sddl", "D:(A;;0x120089;;;WD)")
    place.fails(6, "call", "read-only", "hello")
    assert place.json("peek", "read-only", "--wait", "60")["state"] == "connected"


@pytest.mark.parametrize("kind", ["byte", "message"])
def test_a_command_for_each_client(place, kind):
    place.serve("cat", "--type", kind, "--", "sh", "-c", "echo $$ $NTPIPE_CLIENT_UID $NTPIPE_NAME; exec cat")
    clients = [place.start("connect", "cat", "--wait", "60") for _ in range(6)]
    greetings = [client.stdout.readline().split() for client in clients]
    assert {greeting[1] for greeting in greetings} == {str(os.getuid()).encode()}
    assert {greeting[2] for greeting in greetings} == {b"cat"}
    processes = [int(greeting[0]) for greeting in greetings]
    assert len(set(processes)) == 6
    for client in clients:
        assert exchange(client, b"hello") == b"hello"
    for process in processes:
        wait_until(lambda pid=process: not os.path.exists(f"/proc/{pid}"), "the command to be reaped")


def test_what_a_client_wrote_before_it_went_reaches_the_command(place):
    data = os.urandom(300_000)
    place.serve("log", "--type", "byte", "--", "tee", "log")
    place.ok("connect", "log", "--linger", "0", data=data)
    log = place.path("log")
    wait_until(lambda: os.path.exists(log) and os.path.getsize(log) == len(data), "the log")
    with open(log, "rb") as file:
        assert file.read() == data


def test_the_answer_of_a_command_that_has_ended_is_still_read(place):
    data = os.urandom(300_000)
    with open(place.path("big"), "wb") as file:
        file.write(data)
    place.serve("file", "--type", "byte", "--", "cat", "big")
    client = place.start("connect", "file")
    assert client.stdout.read() == data
    assert client.wait(60) == 0


def test_a_message_for_each_line(place):
    place.serve("upper", "--framing", "line", "--", "sed", "-u", "s/.*/<&>/")
    assert place.ok("call", "upper", "hello") == b"<hello>"
    client = place.start("connect", "upper", "--framing", "line")
    client.stdin.write(b"a\n\nb\n")
    client.stdin.flush()
    assert [client.stdout.readline() for _ in range(3)] == [b"<a>\n", b"<>\n", b"<b>\n"]


def test_a_command_that_is_not_there(place):
    server = place.serve("broken", "--", "/nonexistent/command")
    place.fails(8, "call", "broken", "hello")
    assert b"cannot run '/nonexistent/command'" in server.stderr.readline()
    assert server.poll() is None


def test_a_command_that_fails_is_reported(place):
    server = place.serve("failing", "--", "sh", "-c", "exit 3")
    place.fails(8, "call", "failing", "hello")
    assert server.stderr.readline() == b"ntpipe: sh: exit status 3\n"


def test_a_command_that_writes_without_end_is_ended_with_its_client(place):
    server = place.serve("endless", "--type", "byte", "--", "sh", "-c", "echo $$; exec yes")
    client = place.start("connect", "endless", stdin=subprocess.PIPE)
    process = int(client.stdout.readline())
    client.kill()
    client.wait(60)
    wait_until(lambda: not os.path.exists(f"/proc/{process}"), "the end of the command")
    assert server.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_commands_end_with_the_server(place, number):
    server = place.serve("sleepy", "--", "sh", "-c", "echo $$; exec sleep 1000")
    client = place.start("connect", "sleepy")
    process = int(client.stdout.readline())
    assert place.end(server, number) == 0
    assert not is_alive(process)
    assert client.wait(60) == 0


def test_a_command_does_not_inherit_what_the_server_holds(place):
    place.serve("fds", "--type", "byte", "--", "sh", "-c", "ls /proc/self/fd")
    client = place.start("connect", "fds")
    assert client.stdout.read().split() == [b"0", b"1", b"2", b"3"]  # 3 is the directory that ls reads


def test_a_reader_that_does_not_read_stops_the_writer(place):
    place.serve("flood", "--type", "byte", "--quota", "4096", "--", "sh", "-c", "echo $$; exec yes")
    client = place.start("connect", "flood")
    process = int(client.stdout.readline())

    def asleep():  # in a write to a full pipe, and it does not wake up again
        with open(f"/proc/{process}/wchan", encoding="ascii") as file:
            return "pipe" in file.read()

    wait_until(asleep, "the writer to be stopped")
    client.kill()
    client.wait(60)
    wait_until(lambda: not is_alive(process), "the end of the writer")


def test_the_server_goes_on_when_the_broker_is_started_again(place):
    place.serve("steady")
    client = place.start("connect", "steady")
    client.stdin.write(b"before")
    client.stdin.flush()
    assert client.stdout.read1(100) == b"before"
    place.broker.kill()
    place.broker.wait(60)
    place.start_broker()
    assert exchange(client, b"after") == b"after"
    assert place.ok("call", "steady", "hello", "--wait", "60") == b"hello"
