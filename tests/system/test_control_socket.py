# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_control_socket.py: what the broker does with processes that do not keep to the protocol. Honest ones must not notice."""
import itertools
import os
import random
import socket
import struct
import tempfile

import pytest
from agent import driver
from conformance import vocabulary as nt
from system import control


@pytest.fixture
def broker(place):
    return place.broker()


@pytest.fixture
def honest(place, broker):
    """A connected pair that must go on as if nothing were; and afterwards a new pair must be able to meet."""
    server, server_end, client, client_end = place.pair("honest")
    yield
    assert client.call("write", end=client_end, data=b"still here").status == nt.SUCCESS
    assert server.call("read", end=server_end, length=100).bytes() == b"still here"
    place.pair("later")
    assert broker.process.poll() is None


def fields_of(packet):
    return packet[8:]


def message(code, fields):
    return pytest.param(control.packet(code, fields), id=f"{code}")


MALFORMED = {
    "nothing but a size": control.u32(4),
    "a header that is cut": b"\x08\0\0\0\x01\0",
    "a size that is too small": control.packet(control.LIST, fields_of(control.list_pipes()), size=8),
    "a size that is too large": control.packet(control.LIST, fields_of(control.list_pipes()), size=4096),
    "code 0": control.packet(0, b""),
    "a code that nobody knows": control.packet(999, b""),
    "a message that only the broker sends": control.packet(control.DONE, control.u64(1) + control.u32(0)),
    "a second HELLO": control.hello(),
    "bytes left over": control.packet(control.LIST, fields_of(control.list_pipes()) + b"\0"),
    "a byte missing": control.packet(control.LIST, fields_of(control.list_pipes())[:-1]),
    "a text that reaches beyond the packet": control.packet(control.LIST, control.u64(1) + control.u32(0xFFFFFFFF)),
    "a text with NUL": control.packet(control.LIST, control.u64(1) + control.text(b"a\0b") + control.text("") + control.u64(0)),
    "a name beyond the limit": control.open_pipe("x" * 98299),
    "a boolean that is none": control.packet(control.WAIT, control.u64(1) + control.text("a") + control.u8(7) + control.u64(0) + control.absent()),
    "descriptors that were announced and did not come": control.packet(control.LIST, fields_of(control.list_pipes()), mask=3),
    "a release of a side that is none": control.packet(control.RELEASED, bytes(16) + control.u8(2)),
    "an instance that it does not have": control.packet(control.LISTENING, control.u64(77) + control.u64(2)),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=[name.replace(" ", "-") for name in MALFORMED])
def test_malformed_message(place, honest, data):
    with control.Connection(place.directory) as connection:
        connection.send(data)
        connection.await_close()


def test_message_before_hello(place, honest):
    with control.Connection(place.directory, greet=False) as connection:
        connection.send(control.list_pipes())
        connection.await_close()


def test_wrong_magic(place, honest):
    with control.Connection(place.directory, greet=False) as connection:
        connection.send(control.hello(magic=0x50505050))
        connection.await_close()


@pytest.mark.parametrize("greeting", [control.hello(lowest=3, highest=9), control.hello(layout=2)], ids=["protocol", "layout"])
def test_other_version_is_told(place, honest, greeting):
    with control.Connection(place.directory, greet=False) as connection:
        connection.send(greeting)
        code, fields = connection.receive()
        assert code == control.WELCOME
        assert struct.unpack_from("<I", fields)[0] == 0xC0000059  # STATUS_REVISION_MISMATCH


def test_newer_program_gets_the_common_version(place, honest):
    with control.Connection(place.directory, greet=False) as connection:
        connection.send(control.hello(lowest=1, highest=77))
        code, fields = connection.receive()
        status, version = struct.unpack_from("<IH", fields)
        assert (code, status, version) == (control.WELCOME, 0, 2)


def test_silent_connections(place, honest):
    """Many that connect and say nothing."""
    silent = [control.Connection(place.directory, greet=False) for _ in range(200)]
    with control.Connection(place.directory) as connection:
        connection.send(control.list_pipes())
        assert connection.await_message(control.LISTED)
    for connection in silent:
        connection.close()


def test_descriptors_that_nobody_asked_for(place, honest, broker):
    """They are closed, whatever they are, and with them the connection."""
    before = len(os.listdir(f"/proc/{broker.pid}/fd"))
    with control.Connection(place.directory) as connection, tempfile.TemporaryFile() as file:
        connection.send(control.list_pipes(), [file.fileno()] * 20)
        connection.await_close()
    with control.Connection(place.directory) as connection:
        connection.send(control.list_pipes())
        connection.await_message(control.LISTED)
        assert len(os.listdir(f"/proc/{broker.pid}/fd")) <= before + 4  # of this connection itself


def test_socket_that_is_passed_to_itself(place, honest):
    """A descriptor of the control connection in flight on it."""
    with control.Connection(place.directory) as connection:
        connection.send(control.list_pipes(), [connection.socket.fileno()])
        connection.await_close()


def test_too_large_packet(place, honest):
    with control.Connection(place.directory) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        connection.send(control.packet(control.LIST, fields_of(control.list_pipes()) + bytes(200 * 1024)))
        connection.await_close()


def test_claim_to_speak_for_others(place, honest, programs):
    """In this build the test is root; so it gives up root for the connect, which is what counts."""
    if os.geteuid() != 0:
        pytest.skip("root may take another user's rights, others may not")
    os.chmod(place.directory, 0o755)
    os.chmod(os.path.join(place.directory, "broker.sock"), 0o666)
    identity = {"sids": ["S-1-5-18"]}
    os.seteuid(65534)
    try:
        connection = control.Connection(place.directory)
    finally:
        os.seteuid(0)
    with connection:
        connection.send(control.open_pipe("honest", identity=identity))
        fields = connection.await_message(control.OPENED)
        assert struct.unpack_from("<QI", fields) == (1, nt.ACCESS_DENIED)


def test_proof_that_is_none(place, honest):
    """COME_BACK to a pipe of somebody else."""
    code_of_come_back = 23
    with control.Connection(place.directory) as connection, tempfile.TemporaryFile() as file:
        connection.send(control.list_pipes())
        connection.await_message(control.LISTED)
        connection.send(control.packet(code_of_come_back, control.u64(5) + control.u64(1) + bytes(16) + control.u32(0)), [file.fileno()])
        connection.await_close()  # announced no descriptor


def test_connections_of_others(place, honest):
    """Releases and overflow requests for connections that are not one's own do nothing."""
    with control.Connection(place.directory) as connection:
        for side, number in itertools.product((0, 1), range(50)):
            connection.send(control.packet(control.RELEASED, number.to_bytes(16, "little") + control.u8(side)))
            connection.send(control.packet(control.OVERFLOW, number.to_bytes(16, "little") + control.u8(side) + control.u64(1 << 40)))
        connection.send(control.list_pipes())
        connection.await_message(control.LISTED)


def test_requests_of_one_number(place, honest):
    """A number in use once more: each is answered, or the connection ends; the broker lives."""
    with control.Connection(place.directory) as connection:
        connection.send(control.create("busy"))
        connection.await_message(control.CREATED)
        connection.send(control.open_pipe("busy", request=9))
        connection.await_message(control.OPENED)
        try:
            for _ in range(10):
                connection.send(control.wait("busy", request=7))
            connection.send(control.packet(control.CANCEL, control.u64(7)))
            connection.await_message(control.DONE)
        except control.Closed:
            pass


def test_names_that_are_none(place, honest):
    for name, status in ((b"\xff\xfe", nt.OBJECT_NAME_INVALID), ("y" * 32758, nt.OBJECT_NAME_INVALID)):
        with control.Connection(place.directory) as connection:
            connection.send(control.create(name))
            fields = connection.await_message(control.CREATED)
            assert struct.unpack_from("<QI", fields) == (1, status), name


def test_client_that_does_not_read(place, honest):
    """It may ask as much as it likes: the broker's memory for its answers is bounded, since nothing more is read from it until it has read."""
    with control.Connection(place.directory) as connection:
        connection.socket.settimeout(1)  # ends the test; a broker that is slow ends it earlier
        with pytest.raises(TimeoutError):
            for number in range(1_000_000):
                connection.send(control.packet(control.CANCEL, control.u64(0)) if number % 2 else control.list_pipes(request=number))


def mutations(seed):
    """Valid messages with something wrong."""
    source = random.Random(seed)
    valid = [control.hello(), control.create("fuzz"), control.open_pipe("fuzz"), control.wait("fuzz", nanoseconds=0), control.list_pipes(),
             control.packet(control.CANCEL, control.u64(1)), control.packet(control.TAKEN, b""),
             control.packet(control.LISTENING, control.u64(1) + control.u64(2)), control.packet(control.DISCONNECTED, control.u64(1)),
             control.packet(control.CLOSED, control.u64(1)), control.packet(control.RELEASED, bytes(17)),
             control.packet(control.OVERFLOW, bytes(17) + control.u64(65536))]
    for code in range(20, 26):
        valid.append(control.packet(code, source.randbytes(source.randrange(64))))
    while True:
        data = bytearray(source.choice(valid))
        for _ in range(source.randrange(4)):
            at = source.randrange(len(data))
            kind = source.randrange(4)
            if kind == 0:
                data[at] = source.randrange(256)
            elif kind == 1:
                data[at] ^= 1 << source.randrange(8)
            elif kind == 2:
                del data[at:at + source.randrange(1, 9)]
            else:
                data[at:at] = source.randbytes(source.randrange(1, 9))
            if not data:
                break
        if len(data) >= 4 and source.randrange(8):
            data[:4] = control.u32(len(data))  # so that more than the first check is reached
        if data:
            yield bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_random_messages(place, honest, seed):
    wrong = mutations(seed)
    closed = 0
    while closed < 150:
        with control.Connection(place.directory) as connection, tempfile.TemporaryFile() as file:
            try:
                for number in range(200):
                    connection.send(next(wrong), [file.fileno()] if number % 17 == 16 else [])
                connection.send(control.packet(0, b""))
                connection.await_close()
            except control.Closed:
                pass
            closed += 1
