# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_users.py: a system's broker with programs of several Unix users: scopes, owners, access, identity."""
import os
import pwd
import struct

import pytest
from agent import driver
from conformance import vocabulary as nt
from system import control

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs of other users")

# Accounts of every Debian that own nothing and run nothing.
GAMES, NEWS = pwd.getpwnam("games"), pwd.getpwnam("news")
EVERYBODY = "D:(A;;FA;;;WD)"


def of(place, user, **options):
    """A native program of a user."""
    return place.native(popen={"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}, **options)


def identity_at(native, end):
    """Who an end's client is."""
    answer = native.call("client_info", end=end)
    assert answer.status == nt.SUCCESS
    return answer["identity"]


@pytest.fixture
def system(place):
    os.chmod(place.directory, 0o755)
    place.broker("--system")
    return place


def test_names_of_users_do_not_meet(system):
    games, news = of(system, GAMES), of(system, NEWS)
    games_end = games.made("create", "editor")
    news_end = news.made("create", "editor")
    assert (games.names(), news.names()) == (["editor"], ["editor"])
    for user, end in ((games, games_end), (news, news_end)):
        client_end = user.made("open", "editor")
        assert user.call("query_local_info", end=client_end)["current_instances"] == 1
        assert identity_at(user, end)["uid"] == (GAMES if user is games else NEWS).pw_uid


def test_global_name_is_seen_by_all_and_a_users_own_comes_first(system):
    root = system.native()
    root.made("create", "service", sddl=EVERYBODY)
    games, news = of(system, GAMES), of(system, NEWS)
    assert news.names() == ["service"]
    own = games.made("create", "service")
    client_end = games.made("open", "service")
    assert games.call("write", end=client_end, data=b"to mine").status == nt.SUCCESS
    assert games.call("read", end=own, length=100).bytes() == b"to mine"
    assert news.call("open", name="service").status == nt.SUCCESS


def entries(native, pattern):
    """(name, number of instances) of a directory enumeration."""
    root = native.made("open_directory", "\\\\.\\pipe\\")
    data = native.call("enumerate", directory=root, length=65536, pattern=pattern, **{"class": 1}).bytes()
    found, at, step = [], 0, 1
    while step:
        step, instances, length = (struct.unpack_from(form, data, at + offset)[0]
                                   for form, offset in (("<I", 0), ("<Q", 40), ("<I", 60)))
        found.append((data[at + 64:at + 64 + length].decode("utf-16-le"), instances))
        at += step
    return found


def test_directory_shows_what_an_open_finds(system):
    """Each name once: a user's own pipe hides the global one of its name, and nobody sees what belongs to others."""
    root, games, news = system.native(), of(system, GAMES), of(system, NEWS)
    for _ in range(2):
        root.made("create", "service")
    root.made("create", "other")
    games.made("create", "SERVICE")
    news.made("create", "secret")
    assert entries(games, "*") == [("other", 1), ("SERVICE", 1)]
    assert entries(news, "s*") == [("secret", 1), ("service", 2)]
    assert entries(root, "*") == [("other", 1), ("service", 2)]


def test_notifications_are_of_what_one_sees(system):
    games, news = of(system, GAMES), of(system, NEWS)
    root = games.made("open_directory", "\\\\.\\pipe\\")
    waiting = games.start("notify", directory=root, filter=3)
    games.call("ping")
    news.made("create", "hidden")
    games.call("ping")
    assert games.agent.answer(waiting).pending
    games.made("create", "mine")
    assert games.agent.await_answer(waiting).status == nt.SUCCESS


def test_aliases_are_for_root(system):
    games = of(system, GAMES)
    assert games.call("alias", alias="a", name="b").status == nt.PRIVILEGE_NOT_HELD
    system.native().made("create", "service", sddl=EVERYBODY)
    root = system.native()
    assert root.call("alias", alias="a", name="service").status == nt.SUCCESS
    assert games.call("alias", alias="a").status == nt.PRIVILEGE_NOT_HELD
    games.made("open", "A")


def test_global_names_are_for_root(system):
    assert of(system, GAMES).call("create", name="service", scope=2).status == nt.ACCESS_DENIED


def test_members_of_the_global_group_may_create_global_names(place):
    os.chmod(place.directory, 0o755)
    place.broker("--system", "--global-group", "news")
    of(place, NEWS).made("create", "service", scope=2)
    assert of(place, GAMES).call("create", name="service", scope=2).status == nt.ACCESS_DENIED


def test_reserved_name(place):
    os.chmod(place.directory, 0o755)
    place.broker("--system", "--reserve", "Spoolss", "--global-group", "games")
    assert of(place, GAMES).call("create", name="SPOOLSS", scope=2).status == nt.ACCESS_DENIED
    assert of(place, GAMES).call("create", name="spoolss").status == nt.ACCESS_DENIED
    place.native().made("create", "spoolss")


def test_security_descriptor_decides(system):
    root = system.native()
    root.made("create", "private", sddl="D:(A;;FA;;;SY)(A;;FA;;;BA)")
    root.made("create", "for-games", sddl=f"D:(A;;FA;;;S-1-22-1-{GAMES.pw_uid})")
    games, news = of(system, GAMES), of(system, NEWS)
    assert games.call("open", name="private").status == nt.ACCESS_DENIED
    assert games.call("open", name="for-games").status == nt.SUCCESS
    assert news.call("open", name="for-games").status == nt.ACCESS_DENIED


def test_default_descriptor_lets_others_read_only(system):
    root = system.native()
    end = root.made("create", "news")
    games = of(system, GAMES)
    assert games.call("open", name="news").status == nt.ACCESS_DENIED  # asks for reading and writing
    client_end = games.made("open", "news", desired_access=nt.GENERIC_READ | nt.SYNCHRONIZE)
    assert root.call("write", end=end, data=b"all is well").status == nt.SUCCESS
    assert games.call("read", end=client_end, length=100).bytes() == b"all is well"
    assert games.call("write", end=client_end, data=b"no").status == nt.ACCESS_DENIED


def shared_memory(pid):
    """The memory of pipes that a process has mapped: name, permissions and KiB of each mapping."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        lines = [line.split(maxsplit=5) for line in file if "/memfd:ntpipe-" in line]
    def kibibytes(bounds):
        start, end = (int(bound, 16) for bound in bounds.split("-"))
        return (end - start) // 1024

    return sorted((fields[5].split()[0].removeprefix("/memfd:ntpipe-"), fields[1], kibibytes(fields[0])) for fields in lines)


def test_who_may_only_read_cannot_touch_what_the_server_reads(system):
    """One ring is mapped, the outbound one, behind the page; the other one is the server's alone. The pipe's page can only be read, and
    nothing can be executed."""
    root = system.native()
    end = root.made("create", "news")
    games = of(system, GAMES)
    assert shared_memory(games.pid) == []
    games.made("open", "news", desired_access=nt.GENERIC_READ | nt.SYNCHRONIZE)
    shared = [("connection", "rw-s", 4 + 64), ("pipe", "r--s", 72)]
    assert shared_memory(games.pid) == shared
    assert root.call("write", end=end, data=b"all is well").status == nt.SUCCESS  # it has taken in that there is a client
    assert shared_memory(root.pid) == [*shared, ("ring", "rw-s", 64)]


def test_identity_is_the_kernels_word(system):
    root = system.native()
    end = root.made("create", "who", sddl=EVERYBODY)
    games = of(system, GAMES)
    games.made("open", "who")
    client = identity_at(root, end)
    assert (client["uid"], client["gid"], client["process_id"]) == (GAMES.pw_uid, GAMES.pw_gid, games.pid)
    assert f"S-1-22-1-{GAMES.pw_uid}" in client["sids"] and "S-1-1-0" in client["sids"]
    assert "S-1-5-18" not in client["sids"] and "S-1-5-32-544" not in client["sids"]
    assert client["flags"] & nt.IDENTITY_REMOTE == 0


def test_nobody_but_a_trusted_front_speaks_for_others(place):
    os.chmod(place.directory, 0o755)
    place.broker("--system", "--trusted-group", "news")
    root = place.native()
    end = root.made("create", "who", sddl=EVERYBODY)
    identity = {"sids": ["S-1-5-21-1-2-3-1000", "S-1-1-0"], "uid": 4711, "gid": 4711, "flags": nt.IDENTITY_REMOTE,
                "account": "somebody", "domain": "ELSEWHERE", "computer": "far", "address": "192.0.2.1"}
    assert of(place, GAMES).call("open", name="who", identity=identity).status == nt.ACCESS_DENIED
    assert of(place, NEWS).call("open", name="who", identity=identity).status == nt.SUCCESS
    client = identity_at(root, end)
    assert (client["account"], client["domain"], client["uid"], client["address"]) == ("somebody", "ELSEWHERE", 4711, "192.0.2.1")


def test_directory_that_others_may_write_in_is_refused(place):
    """By the broker at its start, and by programs."""
    broker = place.broker()
    os.chmod(place.directory, 0o777)
    native = place.native()
    assert native.call("list").status == nt.ACCESS_DENIED
    broker.terminate()
    with pytest.raises(driver.AgentFailure, match="others may write"):
        place.broker()


def test_broker_of_another_user_is_not_believed(place):
    """Root trusts root's broker only if it says so; a user never trusts another user's."""
    os.chown(place.directory, GAMES.pw_uid, GAMES.pw_gid)
    place.broker(user=GAMES.pw_uid, group=GAMES.pw_gid, extra_groups=[])
    assert of(place, GAMES).call("list").status == nt.SUCCESS
    os.chmod(place.directory, 0o755)
    os.chmod(os.path.join(place.directory, "broker.sock"), 0o666)
    assert of(place, NEWS).call("list").status == nt.ACCESS_DENIED
    assert place.native(root_only=True).call("list").status == nt.ACCESS_DENIED


def test_private_broker_serves_its_user_only(place):
    """Even when somebody has opened the directory and the socket to all."""
    place.broker()
    os.chmod(place.directory, 0o755)
    os.chmod(os.path.join(place.directory, "broker.sock"), 0o666)
    place.native().made("create", "of-root")
    games = of(place, GAMES)
    assert games.call("open", name="of-root").status == nt.ACCESS_DENIED
    with control.Connection(place.directory) as connection:
        connection.send(control.list_pipes())
        connection.await_message(control.LISTED)
