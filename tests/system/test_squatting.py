# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_squatting.py: nobody takes a name from its owner: not while it is served, not in the moment after a restart of the broker, and
not by way of the file system, as with pipes that are socket files (dotnet/runtime 131203, 131200)."""
import os
import pwd
import signal
import socket

import pytest
from agent import driver
from conformance import vocabulary as nt
from system import control

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs of other users")
GAMES, NEWS = pwd.getpwnam("games"), pwd.getpwnam("news")
GLOBAL = 2
FILE_CREATE = 2  # FILE_FLAG_FIRST_PIPE_INSTANCE
ONLY_READ = "D:(A;;FR;;;WD)"
CONNECTION_DISCONNECTED = 0xC000020C


def of(place, user):
    """A native program of a user."""
    return place.native(popen={"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []})


@pytest.fixture
def shared(place):
    """A system's broker on which two users may create global pipes; a function starts it anew."""
    def start(*options):
        os.chmod(place.directory, 0o755)
        return place.broker("--system", "--global-group", "games", *options)
    return start


def member(place, user):
    """A program of a user who is in the group of those who may create global pipes."""
    return place.native(popen={"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [GAMES.pw_gid]})


@as_root
def test_name_of_a_running_server(place, shared):
    shared()
    games, news = member(place, GAMES), member(place, NEWS)
    end = games.made("create", "service", scope=GLOBAL, sddl=ONLY_READ)
    for disposition in (1, FILE_CREATE, 3):
        assert news.call("create", name="SERVICE", scope=GLOBAL, disposition=disposition).status == nt.ACCESS_DENIED
    client_end = of(place, NEWS).made("open", "service", desired_access=nt.GENERIC_READ | nt.SYNCHRONIZE)
    assert client_end and games.call("listen", end=end).status == nt.PIPE_CONNECTED


def test_first_instance(place):
    """A server that asks to be the first is, or it is refused: also by another process of its own user."""
    place.broker()
    first, second = place.native(), place.native()
    first.made("create", "service", disposition=FILE_CREATE)
    assert second.call("create", name="service", disposition=FILE_CREATE).status == nt.ACCESS_DENIED
    second.made("create", "service")  # who does not ask that joins it, as on Windows: it is the same user
    third = place.native()
    assert third.call("create", name="service", disposition=FILE_CREATE).status == nt.ACCESS_DENIED


@as_root
def test_moment_after_a_restart(place, shared):
    """The server sleeps while the broker is away. Its name waits for it, whoever else comes first."""
    broker = shared()
    games, news = member(place, GAMES), member(place, NEWS)
    end = games.made("create", "service", scope=GLOBAL, sddl=ONLY_READ)
    os.kill(games.pid, signal.SIGSTOP)
    broker.kill()
    shared("--grace", "3600")
    assert news.call("create", name="service", scope=GLOBAL).status == nt.ACCESS_DENIED
    assert news.call("create", name="service", scope=GLOBAL, disposition=FILE_CREATE).status == nt.ACCESS_DENIED
    client = of(place, NEWS)
    opening = client.start("open", name="service", desired_access=nt.GENERIC_READ | nt.SYNCHRONIZE)
    client.call("ping")
    assert client.agent.answer(opening).pending
    os.kill(games.pid, signal.SIGCONT)
    assert client.agent.await_answer(opening).status == nt.SUCCESS
    assert games.call("listen", end=end).status == nt.PIPE_CONNECTED
    assert news.call("create", name="service", scope=GLOBAL).status == nt.ACCESS_DENIED


@as_root
def test_server_that_died_meanwhile(place, shared):
    """Nobody will come back for the name, so it is free at once."""
    broker = shared("--grace", "3600")
    games, news = member(place, GAMES), member(place, NEWS)
    games.made("create", "service", scope=GLOBAL)
    os.kill(games.pid, signal.SIGSTOP)
    broker.kill()
    shared("--grace", "3600")
    assert news.call("create", name="service", scope=GLOBAL).status == nt.ACCESS_DENIED
    games.agent.stop()
    while news.call("create", name="service", scope=GLOBAL).status != nt.SUCCESS:
        pass


@as_root
def test_server_that_comes_too_late(place, shared):
    """After the grace time somebody else may have the name; the one before is told that it has lost it."""
    broker = shared()
    games, news = member(place, GAMES), member(place, NEWS)
    end = games.made("create", "service", scope=GLOBAL)
    os.kill(games.pid, signal.SIGSTOP)
    broker.kill()
    shared("--grace", "0")
    while news.call("create", name="service", scope=GLOBAL).status != nt.SUCCESS:
        pass
    os.kill(games.pid, signal.SIGCONT)
    games.call("ping")
    assert games.call("listen", end=end).status == CONNECTION_DISCONNECTED
    assert [listing["owner"] for listing in news.call("list")["listings"]] == [NEWS.pw_uid]


@as_root
def test_proof_is_needed_to_come_back(place, shared):
    """Who only knows the number of a pipe gets nothing by saying that it was its own."""
    broker = shared()
    games = member(place, GAMES)
    games.made("create", "service", scope=GLOBAL, sddl=ONLY_READ)
    os.kill(games.pid, signal.SIGSTOP)
    with control.Connection(place.directory) as watching:
        watching.send(control.codec.encode("WATCH", request=1))
        pipe = int.from_bytes(watching.await_message(control.NAME)[:8], "little")
    broker.kill()
    shared("--grace", "3600")
    with control.Connection(place.directory) as thief:
        instance = {"handle": 1, "state": 2, "period": 1, "inbound_quota": 4096, "outbound_quota": 4096, "granted_access": 0x1F01FF}
        thief.send(control.codec.encode("COME_BACK", request=7, pipe=pipe, secret=bytes(16), instances=[instance]))
        assert int.from_bytes(thief.await_message(control.DONE)[8:12], "little") == nt.ACCESS_DENIED
    os.kill(games.pid, signal.SIGCONT)
    assert games.names() == ["service"]


@as_root
def test_sambas_names_are_roots(place, shared):
    shared()
    games = member(place, GAMES)
    for name in ("srvsvc", "LSARPC", "samr", "netlogon"):
        for scope in (1, GLOBAL):
            assert games.call("create", name=name, scope=scope).status == nt.ACCESS_DENIED, name
    place.native().made("create", "srvsvc")


# ---- by way of the file system ----

@as_root
def test_no_file_to_replace(place, shared):
    """dotnet/runtime 131203: there a second process removes the socket file of a pipe, puts its own in its place, and has the clients.
    Here a pipe has no file; the broker's own cannot be removed, replaced or joined by others, and a second broker is refused."""
    shared()
    games = member(place, GAMES)
    files = sorted(os.listdir(place.directory))
    end = games.made("create", "service", scope=GLOBAL, sddl="D:(A;;FA;;;WD)")
    assert sorted(os.listdir(place.directory)) == files
    pid = os.fork()
    if pid == 0:
        outcome = 1
        try:
            os.setgroups([])
            os.setgid(NEWS.pw_gid)
            os.setuid(NEWS.pw_uid)
            denied = 0
            for path in ("broker.sock", "broker.lock", "registry", "service"):
                path = os.path.join(place.directory, path)
                for attack in (lambda: os.unlink(path), lambda: os.rename(path, path + ".old"), lambda: os.symlink("/tmp", path),
                               lambda: socket.socket(socket.AF_UNIX).bind(path)):
                    try:
                        attack()
                    except OSError:
                        denied += 1
            outcome = 0 if denied == 16 else 2
        finally:
            os._exit(outcome)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    with pytest.raises(driver.AgentFailure, match="runs in .* already"):
        shared()
    news = of(place, NEWS)
    news.made("open", "service")
    assert games.call("client_info", end=end)["identity"]["uid"] == NEWS.pw_uid


def test_name_is_no_path(place, tmp_path):
    """dotnet/runtime 131200: there a name that is an absolute path makes the server delete that file. Here a name is text."""
    place.broker()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    files = sorted(os.listdir(place.directory))
    server = place.native()
    above = "../" * 20
    for name in (str(victim), f"{above}{victim}", str(victim).replace("/", "\\"), f"..\\..\\{victim.name}", "../registry", "broker.sock", "."):
        end = server.made("create", name)
        server.made("open", name)
        server.call("close", end=end)
        assert victim.read_text() == "precious", name
    assert sorted(os.listdir(place.directory)) == files
    assert sorted(each.name for each in tmp_path.iterdir()) == ["victim"]
