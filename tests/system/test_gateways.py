# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_gateways.py: gateways: whom they are asked for, what their answers do, what they are told, and what becomes of it all when
somebody dies, stops or is slow."""
import os
import pwd
import signal
import subprocess

import pytest
from agent import driver
from conformance import vocabulary as nt
from system import control
from system.test_users import EVERYBODY, entries, of

PUBLISH, RESOLVE, OFFERED_ONLY = 1, 2, 4
LONG = 30000

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs of other users")
GAMES, NEWS = pwd.getpwnam("games"), pwd.getpwnam("news")


class Gateway:
    """A native program that is a gateway."""

    def __init__(self, native, label="elsewhere", what=RESOLVE, **options):
        self.native = native
        self.agent = native.agent
        options.setdefault("deadline_ms", LONG)
        answer = native.call("gateway", label=label, what=what, **options)
        assert answer.status == nt.SUCCESS
        self.number = answer["id"]
        self.agent.await_event("registered", gateway=self.number)

    def asked(self, **fields):
        return self.agent.await_event("asked", gateway=self.number, **fields)

    def answer(self, question, status):
        return self.native.call("answer_question", question=question["question"], answer=status).status

    def serve(self, question, **create):
        """The number of the end that it serves."""
        number = self.native.start("serve", question=question["question"], **create)
        assert self.agent.await_answer(number).status == nt.SUCCESS
        return number

    def refuses(self, question):
        assert self.answer(question, nt.OBJECT_NAME_NOT_FOUND) == nt.SUCCESS

    def published(self, **fields):
        return self.agent.await_event("published", gateway=self.number, **fields)


@pytest.fixture
def ours(place):
    """A broker of this user alone."""
    place.broker()
    return place


@pytest.fixture
def system(place):
    os.chmod(place.directory, 0o755)
    place.broker("--system")
    return place


def outcome(client, number):
    return client.agent.await_answer(number).status


# ---- opens ----


def test_open_is_served_for_exactly_that_client(ours):
    gateway = Gateway(ours.native())
    client, other = ours.native(), ours.native()
    opening = client.start("open", name="Far\\Away", desired_access=nt.GENERIC_READ | nt.GENERIC_WRITE)
    question = gateway.asked(name="Far\\Away", wait=False)
    assert question["identity"]["process_id"] == client.pid
    assert question["desired_access"] == nt.GENERIC_READ | nt.GENERIC_WRITE and question["deadline_ms"] == LONG
    end = gateway.serve(question, name="FAR\\away", inbound_quota=100)
    assert outcome(client, opening) == nt.SUCCESS
    assert client.agent.answer(opening)["name"] == "FAR\\away"
    assert gateway.native.call("listen", end=end).status in (nt.SUCCESS, nt.PIPE_CONNECTED)
    assert client.call("write", end=opening, data=b"over there").status == nt.SUCCESS
    assert gateway.native.call("read", end=end, length=100).bytes() == b"over there"
    [listing] = other.call("list")["listings"]
    assert (listing["origin"], listing["offered"], listing["connected"]) == ("elsewhere", False, 1)
    # Somebody else is not connected with it, but asked for again.
    second = other.start("open", name="far\\away")
    gateway.refuses(gateway.asked(name="far\\away"))
    assert outcome(other, second) == nt.PIPE_NOT_AVAILABLE
    # And it never listens for others.
    client.call("close", end=opening)
    assert gateway.native.call("disconnect", end=end).status == nt.SUCCESS
    assert gateway.native.call("listen", end=end).status == nt.CONNECTION_DISCONNECTED
    third = other.start("open", name="far\\away")
    gateway.refuses(gateway.asked())
    assert outcome(other, third) == nt.PIPE_NOT_AVAILABLE
    gateway.native.call("free", end=end)
    assert other.names() == []


def test_statuses_and_the_next_gateway(ours):
    first, second = Gateway(ours.native(), "first"), Gateway(ours.native(), "second")
    client = ours.native()
    opening = client.start("open", name="a")
    first.refuses(first.asked())
    question = second.asked()
    assert second.answer(question, nt.SUCCESS) == nt.INVALID_PARAMETER  # an open needs an instance
    assert second.answer(question, nt.ACCESS_DENIED) == nt.SUCCESS
    assert second.answer(question, nt.ACCESS_DENIED) == nt.NOT_FOUND  # one answer counts
    assert outcome(client, opening) == nt.ACCESS_DENIED
    opening = client.start("open", name="a")
    assert first.answer(first.asked(), nt.PIPE_NOT_AVAILABLE) == nt.SUCCESS
    assert outcome(client, opening) == nt.PIPE_NOT_AVAILABLE
    # One that dies says no, and so does one that lets go of the question.
    opening = client.start("open", name="a")
    first.asked()
    first.agent.stop()
    question = second.asked()
    second.native.call("free_question", question=question["question"])
    assert outcome(client, opening) == nt.OBJECT_NAME_NOT_FOUND


def test_descriptor_of_what_is_served_counts(ours):
    gateway, client = Gateway(ours.native()), ours.native()
    opening = client.start("open", name="a")
    question = gateway.asked()
    serving = gateway.native.start("serve", question=question["question"], sddl="D:")
    assert gateway.agent.await_answer(serving).status == nt.ACCESS_DENIED
    assert outcome(client, opening) == nt.ACCESS_DENIED
    assert client.names() == []


def test_native_pipe_that_comes_first_is_taken(ours):
    gateway, client, server = Gateway(ours.native()), ours.native(), ours.native()
    opening = client.start("open", name="a")
    question = gateway.asked()
    server.made("create", "A")
    assert outcome(client, opening) == nt.SUCCESS
    gateway.agent.await_event("over", question=question["question"])
    assert gateway.native.call("serve", question=question["question"]).status == nt.NOT_FOUND
    assert gateway.native.call("gateway_create", gateway=gateway.number, name="a").status == nt.OBJECT_NAME_COLLISION


def test_questions_that_are_over(ours):
    gateway, client, dying = Gateway(ours.native()), ours.native(), ours.native()
    opening = client.start("open", name="a")
    question = gateway.asked()
    client.call("cancel", request=opening)
    assert outcome(client, opening) == nt.CANCELLED
    gateway.agent.await_event("over", question=question["question"])
    assert gateway.answer(question, nt.ACCESS_DENIED) == nt.NOT_FOUND
    dying.start("open", name="a")
    question = gateway.asked()
    dying.agent.stop()
    gateway.agent.await_event("over", question=question["question"])
    # A question outlives its gateway, and its session.
    opening = client.start("open", name="a")
    question = gateway.asked()
    gateway.native.call("close_gateway", gateway=gateway.number)
    assert outcome(client, opening) == nt.OBJECT_NAME_NOT_FOUND
    gateway.agent.await_event("over", question=question["question"])
    gateway.native.call("close_session", session=gateway.native.session)
    assert gateway.answer(question, nt.ACCESS_DENIED) == nt.NOT_FOUND
    gateway.native.call("free_question", question=question["question"])


def test_deadline_and_a_stopped_gateway(ours):
    stopped = Gateway(ours.native(), "stopped", deadline_ms=300)
    client, server = ours.native(), ours.native()
    server.made("create", "here")
    assert client.call("open", name="nowhere").status == nt.OBJECT_NAME_NOT_FOUND
    question = stopped.asked()
    stopped.agent.await_event("over", question=question["question"])
    os.kill(stopped.agent.pid, signal.SIGSTOP)
    try:
        waiting = [client.start("open", name=f"nowhere{i}") for i in range(100)]  # more than it is asked at a time
        assert client.call("open", name="here").status == nt.SUCCESS
        assert {outcome(client, number) for number in waiting} == {nt.OBJECT_NAME_NOT_FOUND}
    finally:
        os.kill(stopped.agent.pid, signal.SIGCONT)


def test_so_many_questions_at_a_time(ours):
    gateway, client = Gateway(ours.native()), ours.native()
    opens = [client.start("open", name=f"a{i}") for i in range(70)]
    questions = [gateway.asked() for _ in range(64)]
    gateway.native.call("ping")
    assert not [event for event in gateway.agent.events if event["event"] == "asked"]
    gateway.refuses(questions[0])
    questions = questions[1:] + [gateway.asked()]
    for _ in range(5):
        gateway.refuses(questions.pop())
        questions.insert(0, gateway.asked())
    for question in questions:
        gateway.refuses(question)
    assert {outcome(client, number) for number in opens} == {nt.OBJECT_NAME_NOT_FOUND}


# ---- waits ----


def test_waits(ours):
    gateway, client = Gateway(ours.native()), ours.native()
    waiting = client.start("wait", name="a", milliseconds=LONG)
    question = gateway.asked(name="a", wait=True)
    assert 0 < question["timeout_ms"] <= LONG
    assert gateway.native.call("serve", question=question["question"]).status == nt.INVALID_PARAMETER
    assert gateway.answer(question, nt.SUCCESS) == nt.SUCCESS
    assert outcome(client, waiting) == nt.SUCCESS
    assert client.names() == []
    # A wait that is shorter than the way to the gateway is answered by it all the same.
    waiting = client.start("wait", name="a", milliseconds=1)
    gateway.refuses(gateway.asked())
    assert outcome(client, waiting) == nt.OBJECT_NAME_NOT_FOUND
    # Held: its own time counts.
    waiting = client.start("wait", name="a", milliseconds=200)
    question = gateway.asked()
    assert gateway.native.call("hold_question", question=question["question"]).status == nt.SUCCESS
    assert outcome(client, waiting) == nt.IO_TIMEOUT
    gateway.agent.await_event("over", question=question["question"])
    waiting = client.start("wait", name="a", milliseconds=-1)
    question = gateway.asked(timeout_ms=-1)
    gateway.native.call("hold_question", question=question["question"])
    gateway.native.made("gateway_create", "a", gateway=gateway.number)
    assert outcome(client, waiting) == nt.SUCCESS
    assert client.call("open", name="a").status == nt.SUCCESS


# ---- what is told ----


def test_publishing(ours):
    server = ours.native()
    server.made("create", "before", max_instances=3, inbound_quota=100, outbound_quota=200, share_access=2, type=2, read_mode=0)
    one, two = Gateway(ours.native(), "one", PUBLISH | RESOLVE), Gateway(ours.native(), "two", PUBLISH)
    told = one.published(name="before")
    expected = {"origin": "", "offered": False, "reject_remote": True, "owner": os.geteuid(), "type": 0, "configuration": 0,
                "maximum_instances": 3, "inbound_quota": 100, "outbound_quota": 200, "current_instances": 1, "listening_instances": 1}
    assert {name: told[name] for name in expected} == expected
    assert one.agent.await_event("complete")
    end = server.made("create", "before", max_instances=3, share_access=2, type=2, read_mode=0)
    one.published(pipe=told["pipe"], current_instances=2, listening_instances=2)
    client = ours.native()
    client.made("open", "before", desired_access=nt.GENERIC_WRITE)
    one.published(pipe=told["pipe"], current_instances=2, listening_instances=1)
    server.call("free", end=end)
    one.published(pipe=told["pipe"], current_instances=1, listening_instances=0)
    # What comes from a gateway the others hear of, and itself not.
    end = one.native.made("gateway_create", "from one", gateway=one.number)
    assert two.published(name="from one")["origin"] == "one"
    assert server.call("create", name="from one").status == nt.ACCESS_DENIED
    one.native.call("offer", gateway=one.number, name="offered by one")
    told = two.published(name="offered by one")
    assert (told["offered"], told["origin"], told["current_instances"]) == (True, "one", 0)
    one.native.call("free", end=end)
    two.agent.await_event("gone")
    one.native.call("withdraw", gateway=one.number, name="OFFERED by one")
    two.agent.await_event("gone", pipe=told["pipe"])
    one.native.call("ping")
    assert not [event for event in one.agent.events if event.get("origin") == "one"]


def test_offered_names_are_shown(ours):
    gateway, client = Gateway(ours.native(), what=RESOLVE | OFFERED_ONLY), ours.native()
    client.call("watch")
    client.agent.await_event("complete")
    assert gateway.native.call("offer", gateway=gateway.number, name="Middle").status == nt.SUCCESS
    told = client.agent.await_event("appeared", name="Middle")
    assert told["offered"] and told["owner"] == os.geteuid()
    client.made("create", "After")
    client.made("create", "Before")
    listings = client.call("list")["listings"]
    assert [(listing["name"], listing["offered"], listing["origin"]) for listing in listings] == [
        ("After", False, ""), ("Before", False, ""), ("Middle", True, "elsewhere")]
    assert entries(client, "*") == [("After", 1), ("Before", 1), ("Middle", 0)]
    # Only for what it offers; and a pipe takes the place of the offer.
    assert client.call("open", name="other").status == nt.OBJECT_NAME_NOT_FOUND
    opening = client.start("open", name="middle")
    end = gateway.serve(gateway.asked(name="middle"))
    assert outcome(client, opening) == nt.SUCCESS
    assert [listing["offered"] for listing in client.call("list", pattern="m*")["listings"]] == [False]
    gateway.native.call("free", end=end)
    assert [listing["offered"] for listing in client.call("list", pattern="m*")["listings"]] == [True]
    gateway.agent.stop()
    client.agent.await_event("gone", pipe=told["pipe"])
    assert client.names() == ["After", "Before"]


def command_line(place, *words):
    run = subprocess.run([os.path.join(place.programs, "tools/ntpipe"), *words], capture_output=True, text=True, check=True,
                         env=driver.environment(NTPIPE_DIR=place.directory), timeout=driver.PATIENCE)
    return run.stdout


def test_command_line_shows_where_a_pipe_comes_from(ours):
    gateway = Gateway(ours.native())
    gateway.native.call("offer", gateway=gateway.number, name="offered")
    gateway.native.made("gateway_create", "there", gateway=gateway.number)
    ours.native().made("create", "native")
    lines = {line.split()[0]: line.split() for line in command_line(ours, "ls").splitlines()}
    assert [(lines[name][3], lines[name][-1]) for name in ("NAME", "native", "offered", "there")] == [
        ("INSTANCES", "ORIGIN"), ("1/unlimited", "-"), ("offered", "elsewhere"), ("1/unlimited", "elsewhere")]
    assert "elsewhere" in command_line(ours, "info", "there")
    assert "elsewhere" in command_line(ours, "info", "offered")


def test_many_offered_names(ours):
    gateway, client = Gateway(ours.native()), ours.native()
    names = [f"name{i:04}" for i in range(600)]
    for name in names:
        gateway.native.agent.send("offer", gateway=gateway.number, name=name)
    gateway.native.call("ping")
    client.made("create", "name0300x")
    assert client.names() == sorted([*names, "name0300x"])


# ---- loops ----


def test_nothing_goes_round_in_a_circle(ours):
    one, two = Gateway(ours.native(), "one"), Gateway(ours.native(), "two")
    first = one.native.start("open", name="a")
    question = two.asked()  # and not itself
    assert two.native.call("open", name="A").status == nt.OBJECT_NAME_NOT_FOUND
    assert two.native.call("wait", name="A", milliseconds=LONG).status == nt.OBJECT_NAME_NOT_FOUND
    other = two.native.start("open", name="b")
    one.refuses(one.asked(name="b"))
    assert outcome(two.native, other) == nt.OBJECT_NAME_NOT_FOUND
    two.refuses(question)
    assert outcome(one.native, first) == nt.OBJECT_NAME_NOT_FOUND


# ---- users ----


@needs_root
def test_users_have_gateways_of_their_own(system):
    games, news, root = of(system, GAMES), of(system, NEWS), system.native()
    own, everybodys = Gateway(of(system, GAMES), "own"), Gateway(system.native(), "everybodys")
    opening = news.start("open", name="a")  # the one of games does not hear of it
    question = everybodys.asked(**{"global": True})
    assert question["identity"]["uid"] == NEWS.pw_uid
    end = everybodys.serve(question, sddl=EVERYBODY)
    assert outcome(news, opening) == nt.SUCCESS
    assert games.call("list")["listings"][0]["global"]
    everybodys.native.call("free", end=end)
    opening = games.start("open", name="a")
    end = own.serve(own.asked(**{"global": False}))
    assert outcome(games, opening) == nt.SUCCESS
    assert (news.names(), root.names()) == ([], ["a"])
    assert own.native.call("offer", gateway=own.number, name="offered").status == nt.SUCCESS
    own.native.call("ping")
    assert news.names() == [] and "offered" in games.names()
    assert not [event for event in own.agent.events if event["event"] == "asked"]
    # Of Samba's names a user's gateway is not asked; of root's, by those who are there themselves.
    opening = games.start("open", name="LsaRpc")
    everybodys.refuses(everybodys.asked(name="LsaRpc"))
    assert outcome(games, opening) == nt.OBJECT_NAME_NOT_FOUND
    stated = {"sids": ["S-1-22-1-5", "S-1-1-0"], "uid": GAMES.pw_uid, "gid": GAMES.pw_gid, "flags": 1}
    assert root.call("open", name="lsarpc", identity=stated).status == nt.OBJECT_NAME_NOT_FOUND
    everybodys.native.made("gateway_create", "lsarpc", gateway=everybodys.number, sddl=EVERYBODY)
    assert root.call("open", name="lsarpc", identity=stated).status == nt.OBJECT_NAME_NOT_FOUND
    opening = root.start("open", name="b", identity=stated)
    own.refuses(own.asked(name="b"))
    everybodys.refuses(everybodys.asked(name="b"))
    assert outcome(root, opening) == nt.OBJECT_NAME_NOT_FOUND
    games.made("open", "lsarpc")


@needs_root
def test_configuration_may_let_a_gateway_resolve_for_everybody(place):
    os.chmod(place.directory, 0o755)
    place.broker("--system", "--global-gateways", "news")
    gateway, games = Gateway(of(place, NEWS)), of(place, GAMES)
    opening = games.start("open", name="a")
    gateway.serve(gateway.asked(**{"global": True}), sddl=EVERYBODY)
    assert outcome(games, opening) == nt.SUCCESS
    assert games.call("open", name="lsarpc").status == nt.OBJECT_NAME_NOT_FOUND


# ---- the broker's death ----


def test_broker_comes_back(place):
    broker = place.broker()
    gateway, client, late = Gateway(place.native(), what=PUBLISH | RESOLVE), place.native(), place.native()
    gateway.native.call("offer", gateway=gateway.number, name="offered")
    late.call("ping")
    served = client.start("open", name="served")
    end = gateway.serve(gateway.asked())
    assert outcome(client, served) == nt.SUCCESS
    opening = client.start("open", name="a")
    question = gateway.asked(name="a")
    os.kill(gateway.agent.pid, signal.SIGSTOP)  # it is not back when the others are
    try:
        broker.kill()
        place.broker()
        early = late.start("open", name="b")
        late.call("ping")
        assert late.agent.answer(early).pending
    finally:
        os.kill(gateway.agent.pid, signal.SIGCONT)
    gateway.agent.await_event("reset")
    gateway.agent.await_event("over", question=question["question"])
    gateway.agent.await_event("registered")
    gateway.refuses(gateway.asked(name="b"))
    assert outcome(late, early) == nt.OBJECT_NAME_NOT_FOUND
    gateway.serve(gateway.asked(name="a"))
    assert outcome(client, opening) == nt.SUCCESS
    # What it served is still its own, and for nobody else.
    [listing] = late.call("list", pattern="served")["listings"]
    assert (listing["origin"], listing["connected"]) == ("elsewhere", 1)
    assert client.call("write", end=served, data=b"x").status == nt.SUCCESS
    assert gateway.native.call("read", end=end, length=10).bytes() == b"x"
    client.call("close", end=served)
    gateway.native.call("disconnect", end=end)
    assert gateway.native.call("listen", end=end).status == nt.CONNECTION_DISCONNECTED
    assert [listing["offered"] for listing in late.call("list", pattern="offered")["listings"]] == [True]
    assert not [event for event in gateway.agent.events if event.get("name") == "served"]


@needs_root
def test_who_offers_hears_what_is_not_shown(place):
    os.chmod(place.directory, 0o755)
    broker = place.broker("--system")
    gateway = Gateway(of(place, GAMES))

    def offers(name):
        assert gateway.native.call("offer", gateway=gateway.number, name=name).status == nt.SUCCESS

    def shown():
        gateway.native.call("ping")
        return sorted(gateway.native.names())

    offers("LsaRpc")
    told = gateway.agent.await_event("not_offered", gateway=gateway.number)
    assert (told["name"], told["status"]) == ("LsaRpc", nt.ACCESS_DENIED)
    # In one message, when there is a broker again: those around it are shown all the same.
    broker.kill()
    gateway.agent.await_event("reset")
    for name in ("a", "lsarpc", "m", "samr", "z"):
        offers(name)
    broker = place.broker("--system")
    gateway.agent.await_event("registered")
    told = [gateway.agent.await_event("not_offered", gateway=gateway.number) for _ in range(2)]
    assert [(event["name"], event["status"]) for event in told] == [("lsarpc", nt.ACCESS_DENIED), ("samr", nt.ACCESS_DENIED)]
    assert shown() == ["a", "m", "z"]
    # It is not offered again by itself.
    broker.kill()
    gateway.agent.await_event("reset")
    place.broker("--system")
    gateway.agent.await_event("registered")
    assert shown() == ["a", "m", "z"]
    assert not [event for event in gateway.agent.events if event["event"] == "not_offered"]


def test_gateway_that_does_not_come_back(place):
    broker = place.broker()
    gateway, client = Gateway(place.native()), place.native()
    client.call("ping")
    broker.kill()
    os.kill(gateway.agent.pid, signal.SIGSTOP)
    place.broker()
    opening = client.start("open", name="a")
    client.call("ping")
    assert client.agent.answer(opening).pending
    gateway.agent.kill()
    assert outcome(client, opening) == nt.OBJECT_NAME_NOT_FOUND


# ---- bad words ----


def test_nonsense_from_a_gateway(ours):
    def status_of(connection, message):
        connection.send(message)
        fields = connection.await_message(control.DONE)
        return int.from_bytes(fields[8:12], "little")

    encode = control.codec.encode
    good = {"request": 1, "gateway": 1, "number": bytes(16), "label": "x", "flags": 2, "deadline": 10**9}
    with control.Connection(ours.directory) as connection:
        for wrong in ({"label": ""}, {"label": "a b"}, {"label": "\u00e4"}, {"flags": 0}, {"flags": 4}, {"flags": 8 | 2}, {"deadline": 0},
                      {"deadline": 31 * 10**9}):
            assert status_of(connection, encode("GATEWAY", **{**good, **wrong})) == nt.INVALID_PARAMETER, wrong
        assert status_of(connection, encode("GATEWAY", **good)) == nt.SUCCESS
        assert status_of(connection, encode("GATEWAY", **good)) == nt.INVALID_PARAMETER  # the number is in use
        assert status_of(connection, encode("OFFER", request=2, gateway=7, present=1, names=["a"])) == nt.INVALID_HANDLE
        assert status_of(connection, encode("OFFER", request=2, gateway=1, present=1, names=["a", ""])) == nt.OBJECT_NAME_INVALID
        assert status_of(connection, encode("OFFER", request=2, gateway=1, present=0, names=["never"])) == nt.SUCCESS
        connection.send(encode("ANSWERED", question=12345, status=0))  # over, for all it knows
        assert status_of(connection, encode("PING", request=3)) == nt.SUCCESS
        for number in range(2, 65):
            assert status_of(connection, encode("GATEWAY", **{**good, "gateway": number})) == nt.SUCCESS
        assert status_of(connection, encode("GATEWAY", **{**good, "gateway": 65})) == nt.QUOTA_EXCEEDED
        connection.send(encode("GATEWAY_GONE", gateway=1))
        assert status_of(connection, encode("GATEWAY", **good)) == nt.SUCCESS
    for bad in (encode("GATEWAY_GONE", gateway=1), control.packet(control.ASKED, b""), control.packet(control.GATEWAY, b"x")):
        with control.Connection(ours.directory) as connection:
            connection.send(bad)
            connection.await_close()


def test_another_gateways_question_cannot_be_answered(ours):
    gateway, client = Gateway(ours.native()), ours.native()
    opening = client.start("open", name="a")
    question = gateway.asked()
    # Its number is not told to the agent's driver; the broker's numbers are consecutive, so some near ones are tried.
    with control.Connection(ours.directory) as thief:
        good = {"request": 1, "gateway": 1, "number": bytes(16), "label": "thief", "flags": 2, "deadline": 10**9}
        thief.send(control.codec.encode("GATEWAY", **good))
        thief.await_message(control.DONE)
        client.start("open", name="b")
        gateway.refuses(gateway.asked(name="b"))
        fields = thief.await_message(control.ASKED)
        number = int.from_bytes(fields[8:16], "little")
        thief.send(control.codec.encode("ANSWERED", question=number - 2, status=nt.ACCESS_DENIED))
        thief.await_close()
    assert client.agent.answer(opening).pending
    gateway.refuses(question)
    assert outcome(client, opening) == nt.OBJECT_NAME_NOT_FOUND
