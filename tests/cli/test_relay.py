# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_relay.py: pipes joined with sockets, both ways, with many clients and peers that vanish."""
import concurrent.futures
import os
import socket
import socketserver
import stat
import struct
import threading

import pytest

from .conftest import LIMIT, exchange, wait_until


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


class Hangup(socketserver.BaseRequestHandler):
    """Takes a little, then resets the connection."""

    def handle(self):
        self.request.recv(10)
        if self.request.family != socket.AF_UNIX:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Gather(socketserver.BaseRequestHandler):
    """Keeps what a client sends; answers at the end of it."""

    def handle(self):
        data = b"".join(iter(lambda: self.request.recv(65536), b""))
        self.server.gathered.append(data)
        self.request.sendall(b"%d bytes" % len(data))


@pytest.fixture
def socket_server(place):
    """Starts a server of sockets. Gives its address for ntpipe."""
    servers = []

    def start(handler, family="unix"):
        if family == "unix":
            server = socketserver.ThreadingUnixStreamServer(place.path("server.sock"), handler)
            address = "unix:" + place.path("server.sock")
        else:
            server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
            address = f"tcp:127.0.0.1:{server.server_address[1]}"
        server.daemon_threads = True
        server.gathered = []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        server.address = address
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def connected(address):
    """A client of what a relay listens on."""
    kind, _, rest = address.partition(":")
    if kind == "unix":
        client = socket.socket(socket.AF_UNIX)
        client.connect(rest)
    else:
        host, _, port = rest.rpartition(":")
        client = socket.create_connection((host, int(port)))
    client.settimeout(LIMIT)
    return client


def read_all(client):
    return b"".join(iter(lambda: client.recv(65536), b""))


def read_exactly(client, length):
    data = b""
    while len(data) < length:
        part = client.recv(length - len(data))
        assert part, f"the end after {len(data)} of {length} bytes"
        data += part
    return data


# ---- a pipe that is served by a socket ----


@pytest.mark.parametrize("family", ["unix", "tcp"])
def test_pipe_clients_reach_a_socket(place, socket_server, family):
    place.relay("bridge", socket_server(Echo, family).address)
    data = os.urandom(1_000_000)
    clients = [place.start("connect", "bridge", "--wait", "60") for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        assert all(answer == data for answer in pool.map(lambda client: exchange(client, data), clients))
    place.settled("bridge", connected=0, closing=0)


@pytest.mark.parametrize("framing", ["length", "line"])
def test_messages_keep_their_boundaries_through_a_socket(place, socket_server, framing):
    place.relay("bridge", socket_server(Echo).address, "--type", "message", "--framing", framing)
    for size in (0, 1, 5000, 200_000):
        data = b"m" * size
        assert place.ok("call", "bridge", "--wait", "60", data=data) == data
    lines = b"one\n\nthree\n"
    assert exchange(place.start("connect", "bridge", "--wait", "60", "--framing", "line"), lines) == lines


def test_framing_none_says_goodbye_to_boundaries(place, socket_server):
    place.relay("bridge", socket_server(Echo).address, "--type", "message", "--framing", "none")
    assert place.ok("call", "bridge", "hello") == b"hello"


def test_what_a_pipe_client_wrote_before_it_went_reaches_the_socket(place, socket_server):
    server = socket_server(Gather)
    place.relay("bridge", server.address)
    data = os.urandom(500_000)
    place.ok("connect", "bridge", "--linger", "0", data=data)
    assert wait_until(lambda: server.gathered, "the data at the server") == [data]


@pytest.mark.parametrize("family", ["unix", "tcp"])
def test_a_socket_that_hangs_up(place, socket_server, family):
    relay = place.relay("bridge", socket_server(Hangup, family).address, "--linger", "0")
    for _ in range(3):
        client = place.start("connect", "bridge", "--wait", "60")
        client.stdin.write(b"hello")
        client.stdin.flush()
        assert client.wait(60) == 0
    assert relay.poll() is None
    place.settled("bridge", connected=0)


def test_no_server_behind_the_socket(place):
    relay = place.relay("bridge", "unix:" + place.path("nobody"))
    assert place.run("connect", "bridge", "--wait", "60").returncode in (0, 8)  # hung up at once, or before that
    assert b"cannot connect to unix:" in relay.stderr.readline()
    assert relay.poll() is None


def test_a_vanished_pipe_client(place, socket_server):
    relay = place.relay("bridge", socket_server(Echo).address)
    for _ in range(5):
        client = place.start("connect", "bridge", "--wait", "60")
        client.stdin.write(b"hello")
        client.stdin.flush()
        assert client.stdout.read1(100) == b"hello"
        client.kill()
        client.wait(60)
    place.settled("bridge", connected=0, closing=0)
    assert relay.poll() is None
    assert exchange(place.start("connect", "bridge", "--wait", "60"), b"again") == b"again"


# ---- a socket that is served by a pipe ----


@pytest.mark.parametrize("address", ["unix", "tcp:127.0.0.1:0", "tcp:[::1]:0"])
def test_sockets_reach_a_pipe(place, address):
    if "::1" in address and not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this machine has no IPv6")
    place.serve("echo", "--type", "byte")
    address = "unix:" + place.path("s") if address == "unix" else address
    relay = place.relay("echo", address, "--listen")
    address = relay.announced.replace("[::1]", "::1")
    clients = [connected(address) for _ in range(12)]
    for number, client in enumerate(clients):
        client.sendall(b"client %02d" % number)
    for number, client in enumerate(clients):
        assert read_exactly(client, 9) == b"client %02d" % number
        client.close()
    place.settled("echo", connected=0, closing=0)


def test_a_large_exchange_from_a_socket(place):
    place.serve("echo", "--type", "byte")
    relay = place.relay("echo", "unix:" + place.path("s"), "--listen")
    data = os.urandom(2_000_000)
    with connected(relay.announced) as client:
        writer = threading.Thread(target=client.sendall, args=(data,))
        writer.start()
        assert read_exactly(client, len(data)) == data
        writer.join(LIMIT)


def test_answers_come_after_the_end_of_the_request(place):
    """A half-closed socket: the pipe cannot be closed by halves, so it is open until no answer has come for some time."""
    place.serve("slow", "--type", "byte", "--", "sh", "-c", "read line; echo got $line; read more; echo never")
    relay = place.relay("slow", "unix:" + place.path("s"), "--listen", "--linger", "2")
    with connected(relay.announced) as client:
        client.sendall(b"hello\n")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"got hello\n"
    place.settled("slow", connected=0, closing=0)


@pytest.mark.parametrize("framing, wire", [("line", b"one\n\nthree\n"), ("length", b"\3\0\0\0one\0\0\0\0\5\0\0\0three")])
def test_messages_of_a_pipe_in_a_stream(place, framing, wire):
    place.serve("echo")
    relay = place.relay("echo", "unix:" + place.path("s"), "--listen", "--framing", framing)
    with connected(relay.announced) as client:
        client.sendall(wire)
        assert read_exactly(client, len(wire)) == wire


def test_a_message_pipe_wants_a_framing(place):
    place.serve("echo")
    relay = place.relay("echo", "unix:" + place.path("s"), "--listen")
    with connected(relay.announced) as client:
        assert read_all(client) == b""
    assert b"--framing" in relay.stderr.readline()


def test_no_pipe_behind_the_socket(place):
    relay = place.relay("missing", "unix:" + place.path("s"), "--listen")
    with connected(relay.announced) as client:
        assert read_all(client) == b""
    assert b"no pipe of that name" in relay.stderr.readline()
    place.serve("missing", "--type", "byte")
    with connected(relay.announced) as client:
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"


def test_a_vanished_socket_client(place):
    place.serve("echo", "--type", "byte")
    relay = place.relay("echo", "tcp:127.0.0.1:0", "--listen", "--linger", "0")
    for _ in range(5):
        client = connected(relay.announced)
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    place.settled("echo", connected=0, closing=0)
    assert relay.poll() is None


def test_a_server_that_vanishes(place):
    server = place.serve("echo", "--type", "byte")
    relay = place.relay("echo", "unix:" + place.path("s"), "--listen")
    with connected(relay.announced) as client:
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
        server.kill()
        assert read_all(client) == b""
    assert relay.poll() is None


def test_the_socket_is_private_and_goes_with_the_relay(place):
    path = place.path("s")
    relay = place.relay("echo", "unix:" + path, "--listen")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
    assert "cannot listen" in place.fails(1, "relay", "echo", "unix:" + path, "--listen")
    relay.kill()
    relay.wait(60)
    second = place.relay("echo", "unix:" + path, "--listen")  # what a dead one left is replaced
    assert place.end(second) == 0
    assert not os.path.exists(path)


def test_a_file_in_the_way_of_the_socket_stays(place):
    with open(place.path("file"), "wb") as file:
        file.write(b"precious")
    assert "cannot listen" in place.fails(1, "relay", "echo", "unix:" + place.path("file"), "--listen")
    with open(place.path("file"), "rb") as file:
        assert file.read() == b"precious"


# ---- both ----


def test_two_relays_in_a_row(place):
    """Socket, pipe, socket, pipe: nothing is lost or added on the way."""
    place.serve("last", "--type", "byte")
    place.relay("last", "unix:" + place.path("inner"), "--listen")
    place.relay("first", "unix:" + place.path("inner"))
    outer = place.relay("first", "unix:" + place.path("outer"), "--listen")
    data = os.urandom(1_000_000)
    with connected(outer.announced) as client:
        writer = threading.Thread(target=client.sendall, args=(data,))
        writer.start()
        assert read_exactly(client, len(data)) == data
        writer.join(LIMIT)


def test_a_reader_that_does_not_read_stops_the_writer(place):
    place.serve("sink", "--type", "byte", "--quota", "4096", "--", "sh", "-c", "exec sleep 1000")
    relay = place.relay("sink", "unix:" + place.path("s"), "--listen")
    with connected(relay.announced) as client:
        client.setblocking(False)
        sent = 0

        def full():
            nonlocal sent
            try:
                sent += client.send(b"x" * 65536)
            except BlockingIOError:
                with open(f"/proc/{relay.pid}/stat", encoding="ascii") as file:
                    return file.read().rpartition(")")[2].split()[0] == "S"
            return False

        wait_until(full, "the stream to be stopped")
        assert sent < 4 << 20
