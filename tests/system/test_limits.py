# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_limits.py: what a Unix user may have at most: that it is refused clearly, given back, shown, and nobody else's trouble."""
import os
import pwd
import signal

import pytest
from agent import driver
from conformance import vocabulary as nt
from system import control

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs of other users")

GAMES, NEWS = pwd.getpwnam("games"), pwd.getpwnam("news")
EVERYBODY = "D:(A;;FA;;;WD)"
QUOTA_EXCEEDED, INSUFFICIENT_RESOURCES, NOT_SUPPORTED = 0xC0000044, 0xC000009A, 0xC00000BB


def of(place, user, **options):
    """A native program of a user."""
    return place.native(popen={"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}, **options)


@pytest.fixture
def limited(place):
    """Starts a system's broker with these limits, as the text of its file."""
    def start(text):
        os.chmod(place.directory, 0o755)
        path = os.path.join(place.directory, "ntpiped.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return place.broker("--system", "--config", path)
    return start


def report(place, user=None):
    """(lines by resource, users) that root is told of a user, or of all."""
    with control.Connection(place.directory, greet=False) as connection:
        connection.send(control.hello(highest=2))
        connection.await_message(control.WELCOME)
        connection.send(control.codec.encode("USAGE", request=1, user=user))
        fields = control.codec.decode(control.codec.packet(control.USED, connection.await_message(control.USED)))[1]
    assert fields["status"] == nt.SUCCESS
    return {line["resource"]: (line["used"], line["limit"], line["refused"]) for line in fields["lines"]}, fields["users"]


def lines(place, user=None):
    return report(place, user)[0]


def used(place, user, resource):
    return lines(place, user.pw_uid)[resource][0]


def refused(place, user, resource):
    return lines(place, user.pw_uid)[resource][2]


# ---- each limit: refused at it, given again when something goes, and not for others ----

def test_pipes_and_instances(place, limited):
    limited("[per user]\npipes = 2\ninstances = 3\n")
    games, news = of(place, GAMES), of(place, NEWS)
    first = games.made("create", "one")
    games.made("create", "two")
    assert games.call("create", name="three").status == QUOTA_EXCEEDED
    games.made("create", "one")
    assert games.call("create", name="one").status == QUOTA_EXCEEDED  # the fourth instance
    news.made("create", "three")
    games.call("close", end=first)
    games.made("create", "one")
    assert used(place, GAMES, "instances") == 3


def test_connections(place, limited):
    limited("[per user]\nconnections = 2\n")
    root = place.native()
    games, news = of(place, GAMES), of(place, NEWS)
    for _ in range(4):
        root.made("create", "service", sddl=EVERYBODY)
    first = games.made("open", "service")
    games.made("open", "service")
    assert games.call("open", name="service").status == QUOTA_EXCEEDED
    news.made("open", "service")  # the instance that games did not get
    games.call("close", end=first)
    games.made("open", "service")


def test_memory_is_the_openers(place, limited):
    limited("[per user]\nmemory = 1M\n")
    root = place.native()
    games, news = of(place, GAMES), of(place, NEWS)
    for _ in range(3):
        root.made("create", "large", sddl=EVERYBODY, inbound_quota=200000, outbound_quota=200000)  # two rings of 512 KiB
    assert games.call("open", name="large").status == QUOTA_EXCEEDED
    assert news.call("open", name="large").status == QUOTA_EXCEEDED
    root.made("open", "large")
    assert used(place, GAMES, "memory") == 0
    root.made("create", "small", sddl=EVERYBODY)
    games.made("open", "small")
    assert 2 * 65536 <= used(place, GAMES, "memory") < 1 << 20


def test_overflow_memory_is_refused_and_the_data_comes_all_the_same(place, limited):
    limited("[per user]\nmemory = 300K\n")
    root, games = place.native(), of(place, GAMES)
    end = root.made("create", "pipe", sddl=EVERYBODY)
    client = games.made("open", "pipe")
    data = bytes(range(256)) * 1200  # beyond the ring; a segment for it would be beyond the limit
    writing = games.start("write", end=client, data=data)
    received = b""
    while len(received) < len(data):
        received += root.call("read", end=end, length=65536).bytes()
    assert received == data
    assert games.agent.await_answer(writing).status == nt.SUCCESS
    assert refused(place, GAMES, "memory") > 0


def test_requests(place, limited):
    limited("[per user]\nrequests = 2\n")
    root = place.native()
    games, news = of(place, GAMES), of(place, NEWS)
    end = root.made("create", "busy", sddl=EVERYBODY)
    root.made("open", "busy")
    waiting = [games.start("wait", name="busy", milliseconds=100000) for _ in range(2)]
    games.call("ping")
    assert games.call("wait", name="busy", milliseconds=100000).status == QUOTA_EXCEEDED
    others = news.start("wait", name="busy", milliseconds=100000)
    news.call("ping")
    assert news.agent.answer(others).pending
    games.call("cancel", request=waiting[0])
    assert games.agent.await_answer(waiting[0]).status == nt.CANCELLED
    waiting[0] = games.start("wait", name="busy", milliseconds=100000)
    games.call("ping")
    root.call("disconnect", end=end)
    root.start("listen", end=end)
    for native, requests in ((games, waiting), (news, [others])):
        assert [native.agent.await_answer(each).status for each in requests] == [nt.SUCCESS] * len(requests)
    assert used(place, GAMES, "requests") == 0


def test_a_refused_open_leaves_nothing(place, limited):
    """Its number may be used again, also for what has another answer."""
    limited("[per user]\nmemory = 1M\n")
    place.native().made("create", "large", sddl=EVERYBODY, inbound_quota=200000, outbound_quota=200000)
    with control.Connection(place.directory) as root:
        root.send(control.open_pipe("large", request=7, identity=remote(GAMES)))
        code, fields = root.receive()
        assert code == control.OPENED and int.from_bytes(fields[8:12], "little") == QUOTA_EXCEEDED
        root.send(control.wait("large", request=7))
        assert root.receive() == (control.DONE, control.u64(7) + control.u32(nt.SUCCESS))


def test_sessions(place, limited):
    limited("[per user]\nsessions = 2\n")
    first, second, third = (of(place, GAMES) for _ in range(3))
    assert [each.call("list").status for each in (first, second, third)] == [nt.SUCCESS, nt.SUCCESS, QUOTA_EXCEEDED]
    assert of(place, NEWS).call("list").status == nt.SUCCESS
    first.agent.finish()
    while third.call("list").status == QUOTA_EXCEEDED:  # until the broker has seen that the first has gone
        pass
    assert third.call("list").status == nt.SUCCESS


def test_watches(place, limited):
    limited("[per user]\nwatches = 1\n")
    place.native().made("create", "name", sddl=EVERYBODY)
    with control.Connection(place.directory) as root:
        for request in (1, 2):  # root, and a session that watches already
            root.send(control.codec.encode("WATCH", request=request))
            root.await_message(control.DONE)
    games, late, news = of(place, GAMES), of(place, GAMES), of(place, NEWS)
    for native in (games, late, news):
        native.start("watch")
        native.call("ping")
    games.agent.await_event("complete")
    news.agent.await_event("complete")
    assert lines(place, GAMES.pw_uid)["watches"] == (1, 1, 1)


def test_only_messages_count_as_messages(place, limited):
    """That the broker looks in vain for another one is none: who says less than may be said at once is not made to wait."""
    limited("[per user]\nmessages = 100\n")  # a tenth of that at once
    os.seteuid(GAMES.pw_uid)
    try:
        connection = control.Connection(place.directory)
    finally:
        os.seteuid(0)
    with connection:
        for request in range(8):
            connection.send(control.codec.encode("PING", request=request))
            connection.await_message(control.DONE)
        assert refused(place, GAMES, "messages") == 0


def test_total_is_for_all_but_root(place, limited):
    limited("[total]\npipes = 2\n")
    root, games, news = place.native(), of(place, GAMES), of(place, NEWS)
    games.made("create", "one")
    news.made("create", "two")
    assert games.call("create", name="three").status == INSUFFICIENT_RESOURCES
    root.made("create", "three")
    assert lines(place)["pipes"] == (2, 2, 1)


def test_limits_of_one_user(place, limited):
    limited("[per user]\npipes = 1\n[user games]\npipes = unlimited\n")
    games, news = of(place, GAMES), of(place, NEWS)
    for native, status in ((games, nt.SUCCESS), (news, QUOTA_EXCEEDED)):
        native.made("create", "one")
        assert native.call("create", name="two").status == status


def test_limits_are_read_again(place, limited):
    broker = limited("[per user]\npipes = 1\n")
    games = of(place, GAMES)
    games.made("create", "one")
    assert games.call("create", name="two").status == QUOTA_EXCEEDED
    for text, status in (("[per user]\npipes = many\n", QUOTA_EXCEEDED), ("[per user]\npipes = 2\n", nt.SUCCESS)):
        with open(os.path.join(place.directory, "ntpiped.conf"), "w", encoding="utf-8") as file:
            file.write(text)
        broker.process.send_signal(signal.SIGHUP)
        word = "stay as they were" if status else "were read again"
        while word not in broker.error_output():
            games.call("ping")
        assert games.call("create", name="two").status == status


@pytest.mark.parametrize("text, word", [
    ("[per user]\nsecrets = 1\n", "ntpiped.conf:2: 'secrets' is nothing that is limited"),
    ("[per user]\n\npipes = many\n", "ntpiped.conf:3: 'many' is no number"),
    ("[per user]\npipes = 10%\n", "'10%' is no number"),
    ("[per user]\nmemory = 99999999999G\n", "is no number"),
    ("[users]\npipes = 1\n", "there is no section [users]"),
    ("[user nobody-at-all]\npipes = 1\n", "there is no user 'nobody-at-all'"),
    ("pipes 1\n", "ntpiped.conf:1: not 'NAME = NUMBER'"),
], ids=["resource", "number", "percent", "large", "section", "user", "nonsense"])
def test_wrong_configuration(limited, text, word):
    with pytest.raises(driver.AgentFailure) as failure:
        limited(text)
    assert word in str(failure.value)


# ---- a front: what is opened for somebody is that somebody's ----

def remote(user):
    """An SMB user, as a front states it."""
    return {"sids": [f"S-1-22-1-{user.pw_uid}", "S-1-1-0"], "uid": user.pw_uid, "gid": user.pw_gid, "flags": nt.IDENTITY_REMOTE}


@pytest.mark.parametrize("front", ["root", "man"])
def test_users_of_a_front_do_not_lock_each_other_out(place, front):
    """One process opens and waits for many users, as smbd's module and the gateways do: each has an account of their own, and the front
    itself has none of what it did for them."""
    os.chmod(place.directory, 0o755)
    path = os.path.join(place.directory, "ntpiped.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write("[per user]\nconnections = 2\nrequests = 2\n")
    place.broker("--system", "--config", path, "--trusted-group", "man")
    root = place.native()
    for _ in range(5):
        root.made("create", "service", sddl=EVERYBODY)
    speaker = root if front == "root" else of(place, pwd.getpwnam(front))
    first = speaker.made("open", "service", identity=remote(GAMES))
    speaker.made("open", "service", identity=remote(GAMES))
    assert speaker.call("open", name="service", identity=remote(GAMES)).status == QUOTA_EXCEEDED
    speaker.made("open", "service", identity=remote(NEWS))
    speaker.made("open", "service", identity=remote(NEWS))
    assert speaker.call("open", name="service", identity=remote(NEWS)).status == QUOTA_EXCEEDED
    speaker.call("close", end=first)
    speaker.made("open", "service", identity=remote(GAMES))
    root.made("create", "busy", sddl=EVERYBODY, maximum_instances=1)
    root.made("open", "busy")
    waiting = [speaker.start("wait", name="busy", milliseconds=100000, identity=remote(GAMES)) for _ in range(2)]
    speaker.call("ping")
    assert speaker.call("wait", name="busy", milliseconds=100000, identity=remote(GAMES)).status == QUOTA_EXCEEDED
    others = speaker.start("wait", name="busy", milliseconds=100000, identity=remote(NEWS))
    speaker.call("ping")
    assert [speaker.agent.answer(each).pending for each in [*waiting, others]] == [True] * 3
    # Root has the client of the busy pipe, and as the server what games has closed.
    own = pwd.getpwnam(front)
    assert [used(place, own, each) for each in ("connections", "requests")] == ([2, 0] if front == "root" else [0, 0])


# ---- who sees what ----

def test_one_sees_ones_own(place, limited):
    """A process of another user asks, by hand: about itself, about somebody else, about all."""
    limited("[per user]\npipes = 7\n")
    of(place, GAMES).made("create", "one")
    assert lines(place, GAMES.pw_uid)["pipes"] == (1, 7, 0)
    pid = os.fork()
    if pid == 0:
        outcome = 1
        try:
            os.setgroups([])
            os.setgid(GAMES.pw_gid)
            os.setuid(GAMES.pw_uid)
            statuses = []
            for user in (GAMES.pw_uid, NEWS.pw_uid, None):
                with control.Connection(place.directory, greet=False) as connection:
                    connection.send(control.hello(highest=2))
                    connection.await_message(control.WELCOME)
                    connection.send(control.codec.encode("USAGE", request=1, user=user))
                    statuses.append(int.from_bytes(connection.await_message(control.USED)[8:12], "little"))
            outcome = 0 if statuses == [nt.SUCCESS, nt.ACCESS_DENIED, nt.ACCESS_DENIED] else 2
        finally:
            os._exit(outcome)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    lines_of_all, users = report(place)
    assert GAMES.pw_uid in users and lines_of_all["pipes"][0] == 1


def test_a_users_own_broker_has_no_limits(place):
    place.broker()
    place.pair()
    assert {line[1] for line in lines(place).values()} == {2**64 - 1}


# ---- everything comes back ----

def test_nothing_stays_charged(place, limited):
    """After pipes, connections, waits and sudden deaths a user has nothing any more, and nor have all together."""
    limited("")
    for sudden in (False, True):
        server, client = of(place, GAMES), of(place, NEWS)
        for _ in range(5):
            server.made("create", "pipe", sddl=EVERYBODY)
            server.made("open", "pipe")
        server.start("wait", name="pipe", milliseconds=100000)
        client.start("watch")
        client.call("ping")
        for native in (server, client):
            if sudden:
                native.agent.stop()
            else:
                native.agent.finish()
        while report(place)[1] != [0]:
            pass
        assert {line[0] for line in lines(place).values()} == {0}


def test_restart_of_the_broker(place, limited):
    """What was there before counts again, and nobody loses a pipe by it."""
    broker = limited("[per user]\npipes = 2\ninstances = 2\nconnections = 2\n")
    games = of(place, GAMES)
    for name in ("one", "two"):
        games.made("create", name)
        games.made("open", name)
    broker.kill()
    limited("[per user]\npipes = 2\ninstances = 2\nconnections = 2\n")
    assert sorted(games.names()) == ["one", "two"]
    games.call("ping")
    assert [used(place, GAMES, each) for each in ("pipes", "instances", "connections")] == [2, 2, 2]
    assert games.call("create", name="three").status == QUOTA_EXCEEDED


# ---- one who exhausts everything disturbs nobody else ----

def flood(connection, count):
    """Sends what is answered, and reads no answer, until the broker takes no more."""
    connection.socket.setblocking(False)
    sent = 0
    try:
        for sent in range(count):
            connection.send(control.list_pipes(request=sent))
    except BlockingIOError:
        pass
    return sent


def test_who_does_not_read_is_not_read_from(place, limited):
    """Answers that pile up stop the one who does not read them, and only that one; afterwards all is answered."""
    limited("")
    root = place.native()
    root.made("create", "name", sddl=EVERYBODY)
    with control.Connection(place.directory) as lazy:
        sent = flood(lazy, 100000)
        assert 0 < sent < 100000
        assert root.names() == ["name"]
        lazy.socket.settimeout(control.ANSWER_TIME)
        for _ in range(sent):
            lazy.await_message(control.LISTED)


def test_hand_overs_that_nobody_takes(place, limited):
    """A client that opens and does not read: its user's limit of descriptors under way, not the system's, is what it meets."""
    limited("[per user]\ndescriptors = 60\n")
    root = place.native()
    for _ in range(30):
        root.made("create", "pipe", sddl=EVERYBODY)
    news = of(place, NEWS)
    waiting, go = os.pipe()
    pid = os.fork()
    if pid == 0:  # a client of games, by hand
        status = 1
        try:
            os.setgroups([])
            os.setgid(GAMES.pw_gid)
            os.setuid(GAMES.pw_uid)
            connection = control.Connection(place.directory)
            for request in range(30):
                connection.send(control.open_pipe("pipe", request=request))
            os.read(waiting, 1)  # the broker has carried them out
            statuses = [int.from_bytes(connection.await_message(control.OPENED)[8:12], "little") for _ in range(30)]
            assert statuses.count(0) == 14 and statuses.count(QUOTA_EXCEEDED) == 16  # 4 each; there must be room for 6
            connection.send(control.open_pipe("pipe", request=100))  # all was read: there is room again
            assert connection.await_message(control.OPENED)[8:12] == bytes(4)
            status = 0
        finally:
            os._exit(status)
    while refused(place, GAMES, "descriptors") < 16:
        pass
    os.write(go, b"!")
    os.close(waiting)
    os.close(go)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    news.made("open", "pipe")


def wants_everything(directory):
    """What a user does who wants all that there is: sessions, pipes, instances, waits, watches, opens that nobody answers, questions
    without end. Goes on until it is killed."""
    os.setgroups([])
    os.setgid(GAMES.pw_gid)
    os.setuid(GAMES.pw_uid)
    sessions, number = [], 0
    while True:
        if len(sessions) < 40:
            try:
                sessions.append(control.Connection(directory))
                sessions[-1].send(control.codec.encode("WATCH", request=1))
                sessions[-1].socket.setblocking(False)
            except (AssertionError, OSError):
                pass  # no more sessions
        for session in list(sessions):
            try:
                for _ in range(20):
                    number += 1
                    session.send(control.create(f"pipe {number}", request=number, handle=number))
                    session.send(control.open_pipe(f"pipe {number % 100}", request=number + (1 << 32)))
                    session.send(control.wait("pipe 1", request=number + (2 << 32)))
                    session.send(control.list_pipes(request=number + (3 << 32)))
            except BlockingIOError:
                pass
            except control.Closed:
                sessions.remove(session)
                continue
            try:
                while number % 2:  # half of the time it does not read, either
                    session.receive()
            except BlockingIOError:
                pass
            except control.Closed:
                sessions.remove(session)


@pytest.mark.timeout(300)  # with a sanitizer, beside other tests, it takes half a minute
def test_who_wants_everything_disturbs_nobody(place, limited):
    """While one user exhausts each limit again and again, and asks as fast as it can, another one's programs see no error at all."""
    limited("[per user]\nsessions = 20\npipes = 150\ninstances = 200\nconnections = 50\nrequests = 100\nwatches = 10\n"
            "descriptors = 100\nmessages = 20000\nmemory = 64M\n")
    server, client = of(place, NEWS), of(place, NEWS)
    pid = os.fork()
    if pid == 0:
        try:
            wants_everything(place.directory)
        finally:
            os._exit(1)
    try:
        while not all(refused(place, GAMES, each) for each in ("sessions", "pipes", "connections", "requests", "watches")):
            pass
        errors = []

        def note(answer):
            if answer.status != nt.SUCCESS:
                errors.append(answer)
            return answer

        rounds = 20
        for number in range(rounds):
            data = f"round {number}".encode()
            creating = server.start("create", name=f"mine {number}")
            note(server.agent.await_answer(creating))
            opening = client.start("open", name=f"mine {number}")
            note(client.agent.await_answer(opening))
            note(client.call("write", end=opening, data=data))
            if note(server.call("read", end=creating, length=100)).bytes() != data:
                errors.append(data)
            note(client.call("close", end=opening))
            note(server.call("close", end=creating))
        assert os.waitpid(pid, os.WNOHANG) == (0, 0)
        assert errors == []
        assert [refused(place, NEWS, each) for each in ("sessions", "pipes", "requests", "messages")] == [0] * 4
        print(f"{rounds} rounds, {len(errors)} errors; refused meanwhile:",
              {name: line[2] for name, line in lines(place, GAMES.pw_uid).items() if line[2]})
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    while used(place, GAMES, "sessions") or used(place, GAMES, "pipes"):
        pass
