# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb2_root.py: the root of IPC$: lists the pipes that the client could open, and tells when one comes or goes. SEMANTICS 1.7, 8.4."""
import pwd
import struct

import pytest
from conftest import make_smbd
from native import Server
from private_smbd import wait_until
from smb2client import FSCTL_PIPE_PEEK, VOLUME, Command, Smb2Client, Status

DIRECTORY, FULL_DIRECTORY, BOTH_DIRECTORY, NAMES, ID_BOTH_DIRECTORY = 1, 2, 3, 12, 37
NAME_AT = {DIRECTORY: 64, FULL_DIRECTORY: 68, BOTH_DIRECTORY: 94, NAMES: 12}
LENGTH_AT = {DIRECTORY: 60, FULL_DIRECTORY: 60, BOTH_DIRECTORY: 60, NAMES: 8}
SINGLE, RESTART = 2, 1
NO_SUCH_FILE, NO_MORE_FILES, NOTIFY_CLEANUP = 0xC000000F, 0x80000006, 0x10B


@pytest.fixture(scope="module")
def shared_smbd(build):
    """One that does not export everything."""
    with make_smbd(build, options={"ntpipe:export": "shown*:*"}) as smbd:
        yield smbd


@pytest.fixture
def root(client):
    return client.open("")


def entries(data, information_class):
    """(name, instances, their maximum) of each; the last two of what has them."""
    found, at = [], 0
    while data:
        length = struct.unpack_from("<I", data, at + LENGTH_AT[information_class])[0]
        begin = at + NAME_AT[information_class]
        numbers = struct.unpack_from("<QQI", data, at + 40) if information_class != NAMES else (None, None, 0x80)
        assert numbers[2] == 0x80
        found.append((data[begin : begin + length].decode("utf-16le"), *numbers[:2]))
        (step,) = struct.unpack_from("<I", data, at)
        if not step:
            return found
        assert step % 8 == 0
        at += step
    return found


def names_in(response):
    assert response.status == Status.SUCCESS, response
    return [name for name, *_ in entries(response.data, NAMES)]


def listing(client, **options):
    file_id = client.open("")
    names = names_in(client.query_directory(file_id, NAMES, **options))
    client.close(file_id)
    return names


def test_exported_pipes_are_listed(client, root, server):
    for _ in range(2):
        server.create("shown-b", max_instances=5)
    server.create("Shown-A")
    server.create("hidden")
    for information_class in NAME_AT:
        found = entries(client.query_directory(root, information_class, flags=RESTART).data, information_class)
        assert [name for name, *_ in found] == ["Shown-A", "shown-b"]
        if information_class != NAMES:
            assert [numbers for _, *numbers in found] == [[1, 0xFFFFFFFF], [2, 5]]


@pytest.mark.parametrize("information_class", [0, 4, ID_BOTH_DIRECTORY, 60])
def test_other_classes(client, root, server, information_class):
    server.create("shown")
    assert client.query_directory(root, information_class).status == Status.INVALID_INFO_CLASS


def test_enumeration_goes_on(client, root, server):
    for number in range(5):
        server.create(f"shown-{number}")
    assert names_in(client.query_directory(root, NAMES, "shown-*", flags=SINGLE)) == ["shown-0"]
    assert names_in(client.query_directory(root, NAMES, "another pattern", length=70)) == ["shown-1", "shown-2"]
    server.create("shown-33")  # the enumeration has begun without it
    assert names_in(client.query_directory(root, NAMES)) == ["shown-3", "shown-4"]
    assert client.query_directory(root, NAMES).status == NO_MORE_FILES
    assert "shown-33" in names_in(client.query_directory(root, NAMES, flags=RESTART))


def test_nothing_matches(client, root, server):
    server.create("shown")
    assert client.query_directory(root, NAMES, "hidden*").status == NO_SUCH_FILE
    assert listing(client, pattern="SHOW?") == ["shown"]


def test_room(client, root, server):
    server.create("shown")
    assert client.query_directory(root, DIRECTORY, length=71).status == Status.INFO_LENGTH_MISMATCH
    response = client.query_directory(root, DIRECTORY, length=72)
    assert (response.status, len(response.data)) == (Status.BUFFER_OVERFLOW, 72)
    assert client.query_directory(root, NAMES, length=client.max_transact + 1).status == Status.INVALID_PARAMETER


def test_each_user_sees_the_own_scope(build, connect, smbd, server, other_user):
    server.create("shown-global")
    own = next(iter(smbd.users))
    with Server(build, smbd.ntpipe_dir, user=pwd.getpwnam(own).pw_uid) as mine:
        mine.create("shown-mine")
        assert listing(connect()) == ["shown-global", "shown-mine"]
        assert listing(connect(user=other_user)) == ["shown-global"]


def test_anonymous_clients_see_nothing(smbd):
    with Smb2Client(smbd.port) as anonymous:
        assert anonymous.create("").status == Status.ACCESS_DENIED


def test_listing_needs_the_right(client):
    file_id = client.open("", access=0x80)
    assert client.query_directory(file_id, NAMES).status == Status.ACCESS_DENIED
    assert client.change_notify(file_id).final().status == Status.ACCESS_DENIED


@pytest.mark.parametrize("access", [0x80000000, 0x02000000], ids=["generic", "maximum"])
def test_rights_are_mapped(client, server, access):
    server.create("shown")
    assert names_in(client.query_directory(client.open("", access=access), NAMES)) == ["shown"]


def test_it_is_no_pipe(client, root):
    """What NT says of such handles (1.4)."""
    assert client.read(root).status == Status.INVALID_PARAMETER
    assert client.write(root, b"hello").status == Status.INVALID_PARAMETER
    assert client.ioctl(root, FSCTL_PIPE_PEEK).status == Status.INVALID_PARAMETER
    assert client.flush(root).status == Status.INVALID_DEVICE_REQUEST
    assert client.query_info(root, 5).status == Status.INVALID_PARAMETER
    assert client.query_info(root, 4, kind=VOLUME).data == struct.pack("<II", 0x11, 0)
    assert client.query_security(root, 4).status == Status.NOT_SUPPORTED
    assert client.set_modes(root).status == Status.INVALID_PARAMETER
    assert client.close(root).status == Status.SUCCESS
    assert client.query_directory(root, NAMES).status == Status.FILE_CLOSED


def test_fields_of_the_answer_to_create(client):
    response = client.create("")
    action, allocation, size, attributes = struct.unpack_from("<4xI32xQQI", response.body)
    assert (response.status, action, allocation, size, attributes) == (Status.SUCCESS, 1, 0, 0, 0x10)


# ---- CHANGE_NOTIFY ----


def test_change_is_told(client, root, server):
    waiting = client.change_notify(root)
    waiting.wait_interim()
    server.create("hidden-from-all")
    pipe = server.create("shown")
    response = waiting.final()
    assert (response.status, response.data) == (Status.SUCCESS, b"")
    waiting = client.change_notify(root)
    waiting.wait_interim()
    pipe.close()
    assert waiting.final().status == Status.SUCCESS


def test_change_is_told_to_everybody_who_waits(connect, server):
    waiting = []
    for client in (connect(), connect()):
        file_id = client.open("")
        waiting += [client.change_notify(file_id), client.change_notify(file_id)]
    for each in waiting:
        each.wait_interim()
    server.create("shown")
    assert {each.final().status for each in waiting} == {Status.SUCCESS}


def test_waiting_for_a_change_ends(connect):
    ends = {"cancel": Status.CANCELLED, "close": NOTIFY_CLEANUP, "start_tree_disconnect": NOTIFY_CLEANUP, "start_logoff": NOTIFY_CLEANUP}
    for end, status in ends.items():
        client = connect()
        file_id = client.open("")
        waiting = client.change_notify(file_id)
        waiting.wait_interim()
        if end == "cancel":
            waiting.cancel()
        elif end == "close":
            client.close(file_id)
        else:
            getattr(client, end)()
        assert waiting.final().status == status, end


def test_connection_goes_while_somebody_waits(connect, server, smbd):
    client = connect()
    client.change_notify(client.open("")).wait_interim()
    client.reset()
    server.create("shown")
    assert listing(connect()) == ["shown"]


@pytest.mark.parametrize("filter", [0, 0x1000])
def test_filter_of_nothing(client, root, filter):
    assert client.change_notify(root, filter=filter).final().status == Status.INVALID_PARAMETER


def test_broker_that_comes_back_is_a_change(client, root, smbd, server):
    server.create("shown")
    assert names_in(client.query_directory(root, NAMES)) == ["shown"]
    waiting = client.change_notify(root)
    waiting.wait_interim()
    smbd.broker.kill()
    smbd.broker.start()
    assert waiting.final().status == Status.SUCCESS
    wait_until(lambda: listing_now(client) == ["shown"], "the pipe is not listed again", 60)


def listing_now(client):
    file_id = client.open("")
    response = client.query_directory(file_id, NAMES)
    client.close(file_id)
    return names_in(response) if response.status == Status.SUCCESS else None


def test_hostile_fields(client, root, server):
    """Places and lengths beyond the packet."""
    server.create("shown")
    good = client.query_directory_command(root, NAMES)
    for at, code, value in ((24, "<H", 0xFFFF), (24, "<H", 0), (26, "<H", 0xFFFE), (26, "<H", 3), (28, "<I", 0xFFFFFFFF)):
        body = bytearray(good.body)
        struct.pack_into(code, body, at, value)
        good_or_not = client.call(type(good)(Command.QUERY_DIRECTORY, bytes(body)))
        assert good_or_not.status >= 0xC0000000, (at, value)
    assert names_in(client.query_directory(root, NAMES)) == ["shown"]
