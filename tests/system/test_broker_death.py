# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_broker_death.py: the broker is killed and comes back: connections live on, names stay their owners', servers return."""
import json
import os
import select
import signal
import subprocess
import time

import pytest
from agent import driver
from conformance import vocabulary as nt

# NTPIPE_TEST_STREAM_SECONDS=10 is the long form.
STREAM_SECONDS = int(os.environ.get("NTPIPE_TEST_STREAM_SECONDS", "3"))


def await_listing(native, name):
    """The listing of a name as soon as it is there again."""
    for _ in range(driver.PATIENCE * 100):
        found = [listing for listing in native.call("list")["listings"] if listing["name"] == name]
        if found:
            return found[0]
        select.select([], [], [], 0.01)
    raise AssertionError(f"{name} does not come back")


class Streamer(driver.Program):
    """One side of tests/programs/numbered_stream.cc."""

    def __init__(self, place, *arguments):
        super().__init__([os.path.join(place.programs, "tests/numbered_stream"), place.directory, *arguments],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def line(self):
        """What it says next, as JSON."""
        text = self.process.stdout.readline()
        if not text:
            self.process.wait()
            raise AssertionError(self.died("to say something"))
        return json.loads(text)

    def finish(self):
        self.process.stdin.close()
        self.wait()
        self.process.stdout.close()


def test_stream_over_two_deaths(place, record_property):
    """Numbered messages between two processes while the broker is killed twice: none lost, none twice, none changed."""
    broker = place.broker()
    server = Streamer(place, "serve", "stream")
    client = None
    try:
        assert server.line() == {"ready": True}
        client = Streamer(place, "send", "stream")
        assert client.line() == {"connected": True}
        for _ in range(2):
            time.sleep(STREAM_SECONDS / 3)  # the stream is to run for a while before each death
            broker.kill()
            broker = place.broker()
            back = time.monotonic()
            watcher = place.native()
            listing = await_listing(watcher, "stream")
            record_property("listed_after_seconds", round(time.monotonic() - back, 3))
            assert listing["connected"] == 1
            watcher.agent.finish()
        time.sleep(STREAM_SECONDS / 3)
        client.process.stdin.close()
        sent = client.line()
        received = server.line()
        assert sent["status"] == nt.SUCCESS and sent["flush"] == nt.SUCCESS
        assert received == {"received": sent["sent"], "wrong": 0, "status": nt.PIPE_BROKEN}
        assert sent["sent"] > 1000
        # The instance that came back serves the next client, by the new broker.
        assert client.line() == {"again": nt.SUCCESS}
        assert server.line() == {"again": nt.SUCCESS}
        client.finish()
        server.finish()
    finally:
        for program in filter(None, (server, client)):
            program.kill()
            program.process.stdin.close()
            program.process.stdout.close()


def test_listening_server_returns_and_is_opened(place):
    broker = place.broker()
    server = place.native()
    end = server.made("create", "home", max_instances=3, sddl="D:(A;;FA;;;WD)")
    broker.kill()
    place.broker()
    client = place.native()
    client_end = client.made("open", "home")
    assert client.call("write", end=client_end, data=b"you are back").status == nt.SUCCESS
    assert server.call("read", end=end, length=100).bytes() == b"you are back"
    assert client.call("query_local_info", end=client_end)["maximum_instances"] == 3


def test_overflow_request_that_is_never_answered(place):
    """The broker dies with a writer's request for memory unanswered: the message goes through the ring in pieces."""
    broker = place.broker()
    server, server_end, client, client_end = place.pair("large")
    assert client.call("set_pipe_info", end=client_end, read_mode=nt.MESSAGE, completion_mode=nt.QUEUE).status == nt.SUCCESS
    data = nt.pattern(300000)
    os.kill(broker.pid, signal.SIGSTOP)
    writing = server.start("write", end=server_end, data=data)
    reading = client.start("read", end=client_end, length=len(data))
    assert server.agent.answer(writing).pending and client.agent.answer(reading).pending
    broker.kill()
    assert client.agent.await_answer(reading).bytes() == data
    assert server.agent.await_answer(writing).status == nt.SUCCESS
    # With the next broker there is memory again: the whole message is there at once.
    place.broker()
    await_listing(client, "large")
    for each in (server, client):
        each.call("ping")
    writing = server.start("write", end=server_end, data=data)
    each = client.call("read", end=client_end, length=1000)
    assert each.status == nt.BUFFER_OVERFLOW and each.bytes() == data[:1000]
    rest = client.call("read", end=client_end, length=len(data))
    assert rest.bytes() == data[1000:]
    assert server.agent.await_answer(writing).status == nt.SUCCESS


def test_wait_goes_on_over_a_death(place):
    broker = place.broker()
    server, _, client, _ = place.pair("busy")
    waiting = client.start("wait", name="busy", milliseconds=nt.WAIT_FOREVER)
    broker.kill()
    place.broker()
    await_listing(client, "busy")
    assert client.agent.answer(waiting).pending
    server.made("create", "busy")
    assert client.agent.await_answer(waiting).status == nt.SUCCESS


def test_pipe_without_a_name_comes_back(place):
    broker = place.broker()
    native = place.native()
    root = native.made("open_directory", "\\\\.\\pipe\\")
    server_end = native.made("create", "", directory=root)
    client_end = native.made("open", "", relative_to=server_end)
    broker.kill()
    place.broker()
    native.call("ping")
    assert native.call("write", end=client_end, data=b"on").status == nt.SUCCESS
    assert native.call("read", end=server_end, length=10).bytes() == b"on"
    assert native.call("disconnect", end=server_end).status == nt.SUCCESS
    listening = native.start("listen", end=server_end)
    second = native.made("open", "", relative_to=server_end)
    assert native.agent.await_answer(listening).status == nt.SUCCESS
    assert native.call("write", end=second, data=b"again").status == nt.SUCCESS
    assert native.call("read", end=server_end, length=10).bytes() == b"again"


def test_aliases_come_back_with_their_session(place):
    broker = place.broker()
    native = place.native()
    assert native.call("alias", alias="other", name="real").status == nt.SUCCESS
    broker.kill()
    place.broker()
    native.call("ping")
    native.made("create", "real")
    client = place.native()
    client.made("open", "other")
    native.agent.finish()
    server = place.native()
    server.made("create", "real")
    assert client.call("open", name="other").status == nt.OBJECT_NAME_NOT_FOUND


def test_notification_does_not_outlive_the_broker(place):
    """What changes while there is none nobody would tell: whoever waits is to look anew."""
    broker = place.broker()
    native = place.native()
    root = native.made("open_directory", "\\\\.\\pipe\\")
    waiting = native.start("notify", directory=root, filter=3)
    native.call("ping")
    assert native.agent.answer(waiting).pending
    broker.kill()
    assert native.agent.await_answer(waiting).status == nt.SUCCESS
    waiting = native.start("notify", directory=root, filter=3)
    assert native.agent.answer(waiting).pending
    place.broker()
    native.call("ping")
    native.made("create", "new")
    assert native.agent.await_answer(waiting).status == nt.SUCCESS


def test_security_over_a_death(place):
    """What was set lives on, and can be set again; a client is still whom it said it was."""
    broker = place.broker()
    rights = nt.GENERIC_READ | nt.GENERIC_WRITE | nt.READ_CONTROL | 0xC0000  # WRITE_DAC, WRITE_OWNER
    server, client = place.native(), place.native()
    server_end = server.made("create", "guarded", desired_access=rights, sddl="D:(A;;FA;;;WD)")
    client_end = client.made("open", "guarded", desired_access=rights, dynamic_tracking=True)

    def group(native, end):
        data = native.call("query_security", end=end, information=2).bytes()
        return native.call("descriptor_to_sddl", data=data)["sddl"]

    def set_group(native, end, sddl):
        data = native.call("sddl_to_descriptor", sddl=sddl)["data"]
        return native.agent.call("set_security", end=end, information=2, data=bytes.fromhex(data)).status

    assert set_group(client, client_end, "G:WD") == nt.SUCCESS
    assert group(server, server_end) == "G:WD"
    broker.kill()
    place.broker()
    await_listing(client, "guarded")
    for each in (server, client):
        each.call("ping")
    assert group(server, server_end) == group(client, client_end) == "G:WD"
    assert set_group(server, server_end, "G:SY") == nt.SUCCESS
    assert group(client, client_end) == "G:SY"
    assert client.call("set_client_context", end=client_end).status == nt.SUCCESS
    assert client.call("write", end=client_end, data=b"x").status == nt.SUCCESS
    assert server.call("read", end=server_end, length=10).status == nt.SUCCESS
    answer = server.call("impersonate", end=server_end)
    assert (answer.status, answer["identity"]["process_id"]) == (nt.SUCCESS, client.pid)


def test_requests_without_a_broker_wait_for_the_next_one(place):
    broker = place.broker()
    server, _, client, _ = place.pair("first")
    broker.kill()
    creating = server.start("create", name="second")
    opening = client.start("open", name="first")
    assert server.agent.answer(creating).pending and client.agent.answer(opening).pending
    place.broker()
    assert server.agent.await_answer(creating).status == nt.SUCCESS
    assert client.agent.await_answer(opening).status == nt.PIPE_NOT_AVAILABLE


def test_name_is_kept_for_a_server_that_is_late(place):
    """Nobody else gets a name in the moment after a restart; another user is refused, the same user waits."""
    broker = place.broker()
    server = place.native()
    server.made("create", "mine")
    server.call("deaf", on=True)
    broker.kill()
    place.broker()
    thief = place.native()
    stealing = thief.start("create", name="mine", disposition=nt.FILE_CREATE)
    thief.call("ping")
    assert thief.agent.answer(stealing).pending
    opening = thief.start("open", name="mine")
    thief.call("ping")
    assert thief.agent.answer(opening).pending
    server.call("deaf", on=False)
    assert thief.agent.await_answer(stealing).status == nt.ACCESS_DENIED
    assert thief.agent.await_answer(opening).status == nt.SUCCESS


def test_name_of_a_server_that_died_meanwhile_is_free(place):
    broker = place.broker()
    server = place.native()
    server.made("create", "free")
    broker.kill()
    server.agent.kill()
    place.broker()
    successor = place.native()
    answer = successor.call("create", name="free", disposition=nt.FILE_CREATE)
    assert (answer.status, answer["information"]) == (nt.SUCCESS, nt.CREATED)


@pytest.mark.parametrize("last_moment", [False, True], ids=["without a broker", "in its last moment"])
def test_name_of_a_pipe_that_was_closed_meanwhile_is_free(place, last_moment):
    """Its server is back, and has it no more. Nobody waits for the end of the grace time."""
    broker = place.broker()
    server = place.native()
    first, second = server.made("create", "closed"), server.made("create", "kept")
    other = server.made("create", "kept")
    if last_moment:
        os.kill(broker.pid, signal.SIGSTOP)
    else:
        broker.kill()
    for end in first, other:
        server.call("close", end=end)
    broker.kill()
    place.broker("--grace", "1000")
    client = place.native()
    assert client.call("open", name="closed").status == nt.OBJECT_NAME_NOT_FOUND
    client.made("open", "kept")
    answer = client.call("create", name="closed", disposition=nt.FILE_CREATE)
    assert (answer.status, answer["information"]) == (nt.SUCCESS, nt.CREATED)
    server.call("close", end=second)


def test_name_of_a_server_that_never_returns_is_free_after_the_grace_time(place):
    broker = place.broker()
    server = place.native()
    server.made("create", "late")
    server.call("deaf", on=True)
    broker.kill()
    place.broker("--grace", "1")
    successor = place.native()
    begin = time.monotonic()
    answer = successor.call("create", name="late", disposition=nt.FILE_CREATE)
    assert (answer.status, answer["information"]) == (nt.SUCCESS, nt.CREATED)
    assert time.monotonic() - begin >= 0.5
    server.call("deaf", on=False)


def test_broker_that_is_asked_to_leave(place):
    """SIGTERM is a restart as well."""
    broker = place.broker()
    server, server_end, client, client_end = place.pair("orderly")
    broker.terminate()
    assert client.call("write", end=client_end, data=b"no broker").status == nt.SUCCESS
    assert server.call("read", end=server_end, length=100).bytes() == b"no broker"
    place.broker()
    assert await_listing(client, "orderly")["connected"] == 1


def test_disconnect_and_close_without_a_broker(place):
    broker = place.broker()
    server, server_end, client, client_end = place.pair("quiet")
    other_end = server.made("create", "quiet")
    broker.kill()
    assert server.call("disconnect", end=server_end).status == nt.SUCCESS
    assert client.call("read", end=client_end, length=1).status == nt.PIPE_DISCONNECTED
    server.call("close", end=other_end)
    listening = server.start("listen", end=server_end)
    place.broker()
    again = client.made("open", "quiet")
    assert server.agent.await_answer(listening).status in (nt.SUCCESS, nt.PIPE_CONNECTED)
    assert client.call("query_local_info", end=again)["current_instances"] == 1


@pytest.mark.parametrize("registry", [b"", b"nonsense\n", b"{" * 5000, bytes(4096)], ids=["empty", "text", "braces", "zeros"])
def test_damaged_registry(place, registry):
    """It is put aside with a word of warning; the names in it are lost, nothing else."""
    broker = place.broker()
    server, server_end, client, client_end = place.pair("kept")
    files = [name for name in os.listdir(place.directory) if name not in ("broker.sock", "broker.lock")]
    broker.kill()
    assert files, "the broker writes no registry"
    for name in files:
        with open(os.path.join(place.directory, name), "wb") as file:
            file.write(registry)
    place.broker()
    assert client.call("write", end=client_end, data=b"data").status == nt.SUCCESS
    assert server.call("read", end=server_end, length=100).bytes() == b"data"
    place.pair("new")


def test_no_broker_at_all(place):
    native = place.native()
    assert native.call("list").status == 0xC0000236  # STATUS_CONNECTION_REFUSED


def test_started_on_demand_and_gone_when_idle(place):
    """As for a user: the first program starts it, the last one's end is its end."""
    popen = {"env": driver.environment(NTPIPE_BROKER=os.path.join(place.programs, "broker/ntpiped"))}
    first = place.native(popen=popen, never_start_broker=False)
    first.made("create", "by-demand")
    second = place.native(popen=popen, never_start_broker=False)
    second.made("open", "by-demand")
    first.agent.finish()
    second.agent.finish()
    for _ in range(driver.PATIENCE * 10):
        if not os.path.exists(os.path.join(place.directory, "broker.sock")):
            break
        select.select([], [], [], 0.1)
    assert not os.path.exists(os.path.join(place.directory, "broker.sock"))
