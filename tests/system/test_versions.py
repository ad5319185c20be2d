# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_versions.py: programs and brokers of different versions: both sides keep to the highest version that both speak, and an upgrade of
the broker takes no pipe from a server. The Python peer plays older and newer programs, a relay an older broker."""
import array
import os
import select
import shutil
import socket
import subprocess
import threading

import pytest
from agent import driver
from conformance import vocabulary as nt
from spec_peer import codec
from spec_peer.packets import ControlConnection
from system import control

REVISION_MISMATCH, NOT_SUPPORTED = 0xC0000059, 0xC00000BB
NEWEST = 2


def greet(place, lowest, highest, layout=codec.LAYOUT):
    """The connection, and (status, version) of WELCOME."""
    connection = control.Connection(place.directory, greet=False)
    connection.send(control.hello(lowest, highest, layout))
    fields = connection.await_message(control.WELCOME)
    return connection, (int.from_bytes(fields[:4], "little"), int.from_bytes(fields[4:6], "little"))


@pytest.mark.parametrize("lowest, highest, version", [(1, 1, 1), (1, NEWEST, NEWEST), (NEWEST, NEWEST, NEWEST), (1, 900, NEWEST), (NEWEST, 65535, NEWEST),
                                                      (0, 1, 1)])
def test_common_version(place, lowest, highest, version):
    place.broker()
    connection, welcome = greet(place, lowest, highest)
    with connection:
        assert welcome == (0, version)
        connection.send(control.list_pipes())
        connection.await_message(control.LISTED)


@pytest.mark.parametrize("lowest, highest, layout", [(NEWEST + 1, NEWEST + 9, codec.LAYOUT), (0, 0, codec.LAYOUT), (1, NEWEST, codec.LAYOUT + 1)],
                         ids=["too new", "too old", "layout"])
def test_no_common_version(place, lowest, highest, layout):
    """Who is refused may go on with another range, as a program does that knows several layouts; nothing else is heard before."""
    place.broker()
    connection, welcome = greet(place, lowest, highest, layout)
    with connection:
        assert welcome[0] == REVISION_MISMATCH
        connection.send(control.list_pipes())
        connection.await_close()
    place.pair()


def test_messages_of_a_version_that_was_not_agreed_upon(place):
    place.broker()
    usage = codec.encode("USAGE", request=1, user=os.geteuid())
    new, _ = greet(place, 1, NEWEST)
    with new:
        new.send(usage)
        assert new.await_message(control.USED)[8:12] == bytes(4)
    old, _ = greet(place, 1, 1)
    with old:
        old.send(usage)
        old.await_close()


def test_older_program(place, monkeypatch):
    """The second implementation as it was written for version 1, and as a later one, with native programs."""
    place.broker()
    server = place.native()
    server.made("create", "service")
    for version in (1, 900):
        monkeypatch.setattr(codec, "VERSION", version)
        if version == 1:
            old = ControlConnection(place.directory)
            old.send("LIST", request=1)
            name, fields, _ = old.receive()
            assert (name, [each["name"] for each in fields["pipes"]]) == ("LISTED", ["service"])
            old.close()
        else:
            connection, welcome = greet(place, 1, version)
            assert welcome == (0, NEWEST)
            connection.close()


class OlderBroker:
    """Stands before a broker and has it speak no more than version 1: descriptors and all else go through."""

    def __init__(self, behind, directory):
        self.broker = os.path.join(behind, "broker.sock")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(os.path.join(directory, "broker.sock"))
        self.listener.listen(8)
        self.pairs = {}
        self.versions = []
        self.stopping, self.stop = os.pipe()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while True:
            ready, _, _ = select.select([self.stopping, self.listener, *self.pairs], [], [])
            if self.stopping in ready:
                return
            for one in ready:
                if one is self.listener:
                    program, broker = self.listener.accept()[0], socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                    try:
                        broker.connect(self.broker)
                    except OSError:  # it has ended, and whoever it had comes back
                        program.close()
                        broker.close()
                        continue
                    self.pairs.update({program: broker, broker: program})
                elif one in self.pairs:
                    self.pass_on(one)

    def pass_on(self, one):
        other = self.pairs[one]
        try:
            data, ancillary, _, _ = one.recvmsg(codec.LARGEST_PACKET, socket.CMSG_SPACE(64))
            if int.from_bytes(data[4:6], "little") == control.HELLO:
                self.versions.append(int.from_bytes(data[14:16], "little"))
                data = control.hello(1, 1)
            descriptors = array.array("i", b"".join(content[:len(content) & ~3] for _, _, content in ancillary))
            if data:
                other.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)] if descriptors else [])
            for descriptor in descriptors:
                os.close(descriptor)
        except OSError:
            data = b""
        if not data:
            for each in (one, other):
                del self.pairs[each]
                each.close()

    def close(self):
        os.write(self.stop, b"!")
        self.thread.join()
        for each in [self.listener, *self.pairs]:
            each.close()
        os.close(self.stop)
        os.close(self.stopping)


def test_older_broker(place, tmp_path):
    """The library on a broker of version 1 does all that this one could, and says so of the rest."""
    place.broker()
    os.chmod(tmp_path, 0o700)
    older = OlderBroker(place.directory, str(tmp_path))
    try:
        native = driver.Agent(place.programs)
        session = native.call("session", directory=str(tmp_path), never_start_broker=True)["id"]
        end = native.start("create", session=session, name="service")
        assert native.await_answer(end).status == nt.SUCCESS
        client = native.start("open", session=session, name="service")
        assert native.await_answer(client).status == nt.SUCCESS
        assert native.call("write", end=client, data=b"hello").status == nt.SUCCESS
        assert native.call("read", end=end, length=10).bytes() == b"hello"
        assert native.call("usage", session=session).status == NOT_SUPPORTED
        assert [each["name"] for each in native.call("list", session=session)["listings"]] == ["service"]
        assert older.versions == [NEWEST]
        native.finish()
    finally:
        older.close()


def test_upgrade_to_a_broker_of_a_newer_version(place):
    """A server that has agreed upon version 1 with its broker keeps its pipes when one of a newer version follows, with the names that
    were written down, and speaks the newer version with it from then on. (The second implementation never speaks another version
    than 1: spec_peer/test_restart.py has the older server.)"""
    before = os.path.join(place.directory, "before")
    broker = driver.Broker(place.programs, before)
    place.running.append(broker)
    older = OlderBroker(before, place.directory)
    try:
        server, client = place.native(), place.native()
        end, client_end = server.made("create", "service"), client.made("open", "service")
        listening = server.made("create", "service")
        assert server.call("usage", session=server.session).status == NOT_SUPPORTED
        broker.terminate()
    finally:
        older.close()
    assert client.call("write", end=client_end, data=b"while there is none").status == nt.SUCCESS
    os.unlink(os.path.join(place.directory, "broker.sock"))
    shutil.move(os.path.join(before, "registry"), os.path.join(place.directory, "registry"))
    place.broker()
    assert server.call("read", end=end, length=100).bytes() == b"while there is none"
    opened = client.made("open", "service")
    assert client.call("write", end=opened, data=b"after it").status == nt.SUCCESS
    assert server.call("read", end=listening, length=100).bytes() == b"after it"
    assert server.call("usage", session=server.session).status == nt.SUCCESS


def test_broker_that_is_too_new(place):
    """It speaks no version of ours any more, and says so: what is asked is over with that, and nothing is tried again and again."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(os.path.join(place.directory, "broker.sock"))
        listener.listen(1)
        listener.settimeout(driver.PATIENCE)
        native = place.native()
        listing = native.start("list")
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(driver.PATIENCE)
            connection.recv(codec.LARGEST_PACKET)
            connection.send(codec.encode("WELCOME", status=REVISION_MISMATCH, layout=codec.LAYOUT + 7))
            assert native.agent.await_answer(listing).status == REVISION_MISMATCH


def test_upgrade_of_the_package(place):
    """The program is replaced as a package manager does it, and restarted as a service manager does: servers keep their pipes, connections
    live, and who waits goes on waiting."""
    installed = os.path.join(place.directory, "ntpiped")

    def install():
        shutil.copy(os.path.join(driver.for_other_users(place.programs), "broker/ntpiped"), installed + ".new")
        os.rename(installed + ".new", installed)

    def start():
        started = driver.Program([installed, "--directory", place.directory], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        place.running.append(started)
        while "serving in" not in started.error_output():
            assert started.process.poll() is None, started.error_output()
        return started

    install()
    broker = start()
    server, client = place.native(), place.native()
    end = server.made("create", "service")
    client_end = client.made("open", "service")
    waiting = client.start("wait", name="service", milliseconds=driver.PATIENCE * 1000)
    for number in range(2):
        install()
        broker.terminate()
        text = f"while there is none {number}".encode()
        assert client.call("write", end=client_end, data=text).status == nt.SUCCESS
        broker = start()
        assert server.call("read", end=end, length=100).bytes() == text
        server.call("ping")  # it is back then
        assert client.names() == ["service"] and client.agent.answer(waiting).pending
    server.made("create", "service")
    assert client.agent.await_answer(waiting).status == nt.SUCCESS
    client.made("open", "service")
    server.agent.finish()
    client.agent.finish()
    broker.terminate()
