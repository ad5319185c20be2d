# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_data.py: ls, info, call, peek, wait, connect: what they do and print."""
import base64
import json
import os
import pty
import signal
import time

import pytest

from .conftest import exchange, wait_until


def test_ls_lists_what_is_there(place):
    first = place.serve("first", "--type", "byte", "--instances", "3")
    place.serve("Second")
    first.pipes = place.settled("first", listening=3)
    assert first.pipes == {
        "name": "first",
        "scope": "global",
        "type": "byte",
        "direction": "duplex",
        "owner_uid": os.getuid(),
        "owner": "root" if os.getuid() == 0 else first.pipes["owner"],
        "process_id": first.pid,
        "instances": 3,
        "maximum_instances": 3,
        "listening": 3,
        "connected": 0,
        "closing": 0,
        "disconnected": 0,
        "origin": None,
        "offered": False,
    }
    assert [pipe["name"] for pipe in place.json("ls")] == ["first", "Second"]
    assert [pipe["name"] for pipe in place.json("ls", "SE*")] == ["Second"]
    assert place.json("ls", "nothing*") == []
    assert place.listing("Second")["maximum_instances"] is None
    header, *lines = place.ok("ls").decode().splitlines()
    assert header.split()[:4] == ["NAME", "TYPE", "DIRECTION", "INSTANCES"]
    assert [line.split()[:4] for line in lines][0] == ["first", "byte", "duplex", "3/3"]
    place.end(first)
    assert wait_until(lambda: [pipe["name"] for pipe in place.json("ls")] == ["Second"], "the end of first")


def test_info(place):
    server = place.serve("known", "--quota", "1234", "--instances", "2")
    place.settled("known", listening=2)
    info = place.json("info", "KNOWN")
    assert (info["name"], info["instances"]) == ("known", 2) and "inbound_quota" not in info
    info = place.json("info", "known", "--open")
    assert (info["inbound_quota"], info["outbound_quota"], info["state"]) == (1234, 1234, "connected")
    assert (info["server_process_id"], info["granted_access"]) == (server.pid, "0x0012019b")
    assert b"maximum instances  2\n" in place.ok("info", "known").replace(b"      ", b"")
    assert place.json("info") == {"directory": place.environment["NTPIPE_DIR"], "pipes": 1}


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 3_000_000])
def test_call_with_messages_of_all_sizes(place, size):
    place.serve("echo")
    data = os.urandom(size)
    assert place.ok("call", "echo", data=data) == data


def test_call_with_an_argument_and_json(place):
    place.serve("echo")
    assert place.ok("call", "echo", "hello") == b"hello"
    assert place.ok("call", "echo", "--", "--hello") == b"--hello"
    assert place.json("call", "echo", "gr\u00fcn") == {"size": 5, "base64": base64.b64encode("gr\u00fcn".encode()).decode(), "text": "gr\u00fcn"}


def test_call_with_bytes_that_are_no_text(place):
    place.serve("echo")
    result = json.loads(place.ok("call", "echo", "--json", data=b"\xff\0x"))
    assert (result["size"], base64.b64decode(result["base64"]), result["text"]) == (3, b"\xff\0x", None)


def test_call_on_a_byte_pipe_says_what_to_use(place):
    place.serve("bytes", "--type", "byte")
    assert "ntpipe connect" in place.fails(1, "call", "bytes", "x")


def test_call_has_a_time_limit(place):
    place.serve("talks", "--", "cat")
    place.serve("mute", "--", "sh", "-c", "cat >/dev/null")
    assert "no answer" in place.fails(5, "call", "mute", "hello", "--timeout", "0.1")
    assert place.ok("call", "talks", "hello", "--timeout", "30") == b"hello"


def test_call_to_a_server_that_hangs_up(place):
    place.serve("rude", "--", "true")
    place.fails(8, "call", "rude", "hello")


def test_a_message_beyond_the_limit(place):
    place.serve("echo")
    assert "--max-message" in place.fails(1, "call", "echo", "--max-message", "10", data=b"x" * 11)


def test_busy_and_waiting_for_an_instance(place):
    place.serve("single", "--instances", "1")
    first = place.start("connect", "single")
    place.settled("single", connected=1)
    assert "--wait" in place.fails(4, "call", "single", "x")
    place.fails(5, "call", "single", "x", "--wait", "0.1")
    place.fails(5, "wait", "single", "--timeout", "0.1")
    waiting = place.start("call", "single", "hello", "--wait", "60")
    first.stdin.close()
    assert (waiting.wait(60), waiting.stdout.read()) == (0, b"hello")
    assert first.wait(60) == 0
    assert place.ok("wait", "single", "--timeout", "60") == b""


def test_one_instance_serves_many_one_after_the_other(place):
    place.serve("single", "--instances", "1")
    for number in range(20):
        assert place.ok("call", "single", str(number), "--wait", "60") == str(number).encode()


def test_wait_for_a_pipe_that_comes(place):
    waiting = place.start("wait", "later", "--exists")
    place.serve("other")
    place.serve("later")
    assert waiting.wait(60) == 0
    place.fails(5, "wait", "never", "--exists", "--timeout", "0.1")


def test_peek(place):
    place.serve("greeting", "--framing", "line", "--", "sh", "-c", "echo hello; echo second one; exec cat")
    seen = place.json("peek", "greeting", "--timeout", "60")
    assert seen["state"] == "connected"
    assert (seen["message_length"], seen["data"]["text"][:5]) == (5, "hello")
    assert place.json("peek", "greeting", "--timeout", "60", "--size", "2")["data"]["text"] == "he"
    assert b"first message  5 bytes\n" in place.ok("peek", "greeting", "--timeout", "60")
    place.serve("quiet")
    assert place.json("peek", "quiet")["read_data_available"] == 0
    assert "nothing" in place.fails(5, "peek", "quiet", "--timeout", "0.1")


def test_connect_copies_both_ways(place):
    place.serve("echo", "--type", "byte")
    data = os.urandom(2_000_000)
    assert exchange(place.start("connect", "echo"), data) == data


def test_connect_waits_for_answers_after_the_end_of_the_input(place):
    place.serve("echo", "--type", "byte")
    assert place.ok("connect", "echo", "--linger", "5", data=b"hello") == b"hello"


def test_connect_reads_and_writes_files(place):
    place.serve("echo")
    data = os.urandom(100_000)
    with open(place.path("in"), "wb") as file:
        file.write(data)
    with open(place.path("in"), "rb") as source, open(place.path("out"), "wb") as target:
        assert place.start("connect", "echo", stdin=source, stdout=target).wait(60) == 0
    with open(place.path("out"), "rb") as file:
        assert file.read() == data


@pytest.mark.parametrize(
    "framing, data",
    [("line", b"one\n\nthree\n"), ("length", b"\3\0\0\0one\0\0\0\0" + b"\x40\x0d\x03\0" + b"x" * 200000)],
    ids=["line", "length"],
)
def test_connect_keeps_messages_apart(place, framing, data):
    place.serve("echo")
    assert exchange(place.start("connect", "echo", "--framing", framing), data) == data


def test_a_last_line_without_an_end_is_a_message(place):
    place.serve("echo")
    assert place.ok("connect", "echo", "--framing", "line", data=b"one\ntwo") == b"one\ntwo\n"


def test_framing_that_does_not_fit(place):
    place.serve("bytes", "--type", "byte")
    place.serve("echo")
    assert "byte pipe" in place.fails(2, "connect", "bytes", "--framing", "line")
    assert "--max-message" in place.fails(1, "connect", "echo", "--framing", "length", data=b"\xff\xff\xff\xff")
    assert "middle" in place.fails(1, "connect", "echo", "--framing", "length", data=b"\3\0")


def test_connect_ends_when_the_server_does(place):
    server = place.serve("echo")
    client = place.start("connect", "echo")
    client.stdin.write(b"hello")
    client.stdin.flush()
    assert client.stdout.read1(100) == b"hello"
    server.kill()
    assert client.wait(60) == 0


def test_connect_on_a_terminal_sends_lines(place):
    place.serve("echo", "--verbose")
    master, slave = pty.openpty()
    try:
        client = place.start("connect", "echo", stdin=slave, stdout=slave)
        os.write(master, b"hello\n")
        seen = b""
        end = time.monotonic() + 60
        while seen.count(b"hello\r\n") < 2:  # the terminal's echo, and the server's
            assert time.monotonic() < end
            seen += os.read(master, 100)
        os.write(master, b"\x04")
        assert client.wait(60) == 0
    finally:
        os.close(slave)
        os.close(master)


def test_connect_when_its_reader_has_gone(place):
    place.serve("echo")
    client = place.start("connect", "echo")
    client.stdout.close()
    client.stdin.write(b"hello")
    client.stdin.flush()
    assert client.wait(60) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_client(place, number):
    place.serve("echo")
    client = place.start("connect", "echo")
    place.settled("echo", connected=1)
    assert place.end(client, number) == 128 + number
    assert client.stderr.read() == b""
    place.settled("echo", connected=0, closing=0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_server_as_wanted(place, number):
    server = place.serve("echo")
    assert place.end(server, number) == 0
    assert server.stderr.read() == b""
    assert wait_until(lambda: place.json("ls") == [], "the end of the pipe")


def test_a_stopped_and_continued_client_goes_on(place):
    place.serve("echo")
    client = place.start("connect", "echo")
    client.stdin.write(b"hello")
    client.stdin.flush()
    assert client.stdout.read1(100) == b"hello"
    client.send_signal(signal.SIGSTOP)
    client.send_signal(signal.SIGCONT)
    client.stdin.write(b"again")
    client.stdin.close()
    assert client.stdout.read() == b"again"
    assert client.wait(60) == 0
