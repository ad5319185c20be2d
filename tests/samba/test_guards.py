# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_guards.py: smbd goes on without a module that does not fit it, or that is told nonsense, and says why in one line."""
import os
import subprocess

import pytest
from agent.driver import for_other_users
from conftest import BROKER, MODULE, build_for_release, make_smbd
from native import Server
from private_smbd import PrivateSmbd, wait_until
from smb2client import Smb2Client, Status


@pytest.fixture
def patched_module(build, tmp_path):
    """Makes a module with bytes replaced, as if it had been built for something else."""

    def make(old, new):
        place = os.path.join(build_for_release(build), MODULE)
        whole = open(place, "rb").read()
        assert len(old) == len(new) and old in whole
        # The library that it needs is beside it, as in the build directory.
        path = tmp_path / os.path.relpath(place, build)
        path.parent.mkdir(parents=True)
        (tmp_path / "lib").symlink_to(os.path.join(build, "lib"))
        path.write_bytes(whole.replace(old, new))
        return path

    return make


# The test's, and the one with which PrivateSmbd finds out that smbd listens.
CONNECTIONS = 2


def only_line(smbd, mark="ntpipe: "):
    """What the module has logged: one line in each connection's process, always the same."""
    lines = [line for line in smbd.log().splitlines() if mark in line]
    assert len(lines) in range(1, CONNECTIONS + 1) and len(set(lines)) == 1, smbd.log()
    assert "INTERNAL ERROR" not in smbd.log()
    return lines[0]


def check_that_smbd_serves(smbd):
    """Samba's own pipe can be opened. One connection."""
    with Smb2Client(smbd.port, *next(iter(smbd.users.items()))) as client:
        assert client.create("srvsvc").status == Status.SUCCESS
        assert client.create("test").status == Status.OBJECT_NAME_NOT_FOUND


def check_refusal(module, reason):
    with PrivateSmbd(module=module, options={"ntpipe:export": "*"}) as smbd:
        check_that_smbd_serves(smbd)
        assert reason in only_line(smbd)


def built_for(build):
    with open(os.path.join(build_for_release(build), "samba_module/built_for.hpp"), encoding="utf-8") as file:
        return file.read()


def test_module_for_another_version(build, patched_module):
    version = built_for(build).partition('"')[2].partition('"')[0].encode()
    other = version[:-1] + b"?"
    check_refusal(patched_module(version + b"\0", other + b"\0"), f"built for Samba {other.decode()}, but this is {version.decode()}")


def built_for_build_id(build):
    return bytes(int(word, 16) for word in built_for(build).rpartition("{")[2].partition("}")[0].split(","))


def test_module_for_another_build(build, patched_module):
    build_id = built_for_build_id(build)
    other = bytes(byte ^ 1 for byte in build_id)
    check_refusal(patched_module(build_id, other), f"built for libsmbd-base {other.hex()}, but this is {build_id.hex()}")


def test_module_for_another_library_version(patched_module):
    """The loader itself refuses it: the symbol version is another."""
    with PrivateSmbd(module=patched_module(b"\0SAMBA_4.", b"\0SAMBA_5."), options={"ntpipe:export": "*"}) as smbd:
        check_that_smbd_serves(smbd)
        assert "SAMBA_5." in smbd.log()
        assert "INTERNAL ERROR" not in smbd.log()


def test_objects_of_another_layout(patched_module):
    """Found at the first request. The name of a type stands for its size here: both are compared."""
    check_refusal(patched_module(b"\0struct smbXsrv_tcon\0", b"\0struct smbXsrv_tcom\0"), "smbd's objects have other sizes")


def test_module_that_is_not_there(tmp_path):
    with PrivateSmbd(module=tmp_path / "no.so", options={"ntpipe:export": "*"}) as smbd:
        check_that_smbd_serves(smbd)


def test_functions_that_are_redirected_already(build, patched_module):
    """The same module a second time, as another file."""
    copy = patched_module(b"ntpipe: %s", b"second: %s")
    first = os.path.join(build_for_release(build), MODULE)
    with PrivateSmbd(module=first, options={"preload modules": f"{first} {copy}"}) as smbd:
        check_that_smbd_serves(smbd)
        assert "has been redirected by somebody else" in only_line(smbd, "second: ")


def test_module_named_twice(build):
    first = os.path.join(build_for_release(build), MODULE)
    with make_smbd(build, options={"preload modules": f"{first} {first}"}) as smbd:
        with Server(build, smbd.ntpipe_dir) as server, Smb2Client(smbd.port, *next(iter(smbd.users.items()))) as client:
            server.create("test")
            assert client.create("test").status == Status.SUCCESS


# ---- the configuration ----


@pytest.fixture(scope="module")
def own_smbd(build):
    """One whose configuration the tests change: each connection reads it anew."""
    with make_smbd(build) as smbd:
        yield smbd


@pytest.fixture
def own_server(build, own_smbd):
    with Server(build, own_smbd.ntpipe_dir) as server:
        yield server


@pytest.fixture
def opening(own_smbd):
    """opening(name, options): the status of a CREATE under those options, and what the module has logged meanwhile."""

    def open_with(name, user=0, **options):
        unset = {"ntpipe_export": None, "ntpipe_override": None, "ntpipe_directory": None, "ntpipe_null_session_pipes": None}
        own_smbd.set_options(**{**unset, **options})
        before = len(own_smbd.log())
        with Smb2Client(own_smbd.port, *(list(own_smbd.users.items())[user] if isinstance(user, int) else user)) as client:
            status = client.create(name).status
        return status, [line for line in own_smbd.log()[before:].splitlines() if "ntpipe:" in line]

    return open_with


def test_nothing_is_exported_by_default(own_server, opening, name):
    own_server.create(name)
    assert opening(name) == (Status.OBJECT_NAME_NOT_FOUND, [])
    assert opening(name, ntpipe_export="") == (Status.OBJECT_NAME_NOT_FOUND, [])


@pytest.mark.parametrize("pattern", ["{}", "*", "test-*", "x, {}", "{}:root", "{}:0", "{}:*", "{}:@root", "TEST-*", '"{}"', "a b {} c"])
def test_patterns_that_export(own_server, opening, name, pattern):
    own_server.create(name)
    assert opening(name, ntpipe_export=pattern.format(name)) == (Status.SUCCESS, [])


@pytest.mark.parametrize("pattern", ["x{}", "{}x", "?", "{}:games", "{}:5", "{}:@games", "other"])
def test_patterns_that_do_not_export(own_server, opening, name, pattern):
    own_server.create(name)
    assert opening(name, ntpipe_export=pattern.format(name)) == (Status.OBJECT_NAME_NOT_FOUND, [])


def test_names_with_separators_are_quoted(own_server, opening, name):
    odd = f"{name} with, some: \"odd"
    own_server.create("\\\\.\\pipe\\" + odd)
    quoted = f'"{name} with, some: ""odd"'
    assert opening(odd, ntpipe_export=f"x, {quoted}:root")[0] == Status.SUCCESS


WRONG = {
    "{}:nobody-of-this-name": "names an unknown user",
    "{}:@nogroup-of-this-name": "names an unknown group",
    "{}:": "has a colon, but no owner behind it",
    ":root": "has no name",
    '"{}': "a quote is not closed",
}


@pytest.mark.parametrize("pattern", WRONG)
def test_wrong_patterns_are_told_once(own_server, opening, name, pattern):
    own_server.create(name)
    status, lines = opening(name, ntpipe_export=pattern.format(name))
    assert status == Status.OBJECT_NAME_NOT_FOUND
    assert len(lines) == 1 and WRONG[pattern] in lines[0] and "ntpipe:export" in lines[0], lines


def test_right_patterns_work_beside_wrong_ones(own_server, opening, name):
    own_server.create(name)
    status, lines = opening(name, ntpipe_export=f"x:nobody-of-this-name, {name}")
    assert (status, len(lines)) == (Status.SUCCESS, 1)


@pytest.mark.parametrize("directory", ["relative/path", "/nowhere/at/all", "/tmp"])
def test_wrong_directories_are_told_once(own_server, opening, name, directory):
    own_server.create(name)
    status, lines = opening(name, ntpipe_export="*", ntpipe_directory=directory)
    assert status == Status.OBJECT_NAME_NOT_FOUND
    assert len(lines) == 1 and directory in lines[0], lines


def reload_until(smbd, client, condition, **options):
    """Changes options and has the client's smbd read them, as `systemctl reload smbd` does."""
    smbd.set_options(**options)
    process = smbd.connection_process(client.connection.socket.getsockname()[1])
    command = ["smbcontrol", "-s", str(smbd.configuration), str(process), "reload-config"]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    wait_until(condition, "smbd has not read its configuration", 30)


def test_connections_see_a_reload(own_smbd, own_server, name):
    pipe = own_server.create(name)
    own_smbd.set_options(ntpipe_export=None, ntpipe_directory=None)
    with Smb2Client(own_smbd.port, *next(iter(own_smbd.users.items()))) as client:
        assert client.create(name).status == Status.OBJECT_NAME_NOT_FOUND
        opened = []

        def can_open():
            opened.append(client.create(name))
            return opened[-1].status == Status.SUCCESS

        reload_until(own_smbd, client, can_open, ntpipe_export=name)
        reload_until(own_smbd, client, lambda: client.create(name).status == Status.OBJECT_NAME_NOT_FOUND, ntpipe_export=None)
        pipe.write(b"what is open goes on")
        assert client.read(opened[-1].file_id).data == b"what is open goes on"


# ---- clients without a user ----

ANONYMOUS, GUEST = ("", ""), ("stranger", "whatever")


def test_null_sessions_open_nothing_by_default(own_server, opening, name):
    """As with Windows' NullSessionPipes. A guest has a user, and so has everybody else."""
    own_server.create(name)
    assert opening(name, user=ANONYMOUS, ntpipe_export="*:*") == (Status.ACCESS_DENIED, [])
    assert opening(name, user=GUEST, ntpipe_export="*:*") == (Status.SUCCESS, [])


@pytest.mark.parametrize("pattern", ["{}", "x, {}", "TEST-*", '"{}"'])
def test_null_sessions_open_what_is_named(own_server, opening, name, pattern):
    own_server.create(name)
    options = {"ntpipe_export": "*:*", "ntpipe_null_session_pipes": pattern.format(name)}
    assert opening(name, user=ANONYMOUS, **options) == (Status.SUCCESS, [])


@pytest.mark.parametrize("pattern", ["x{}", "{}x", "?", '"{}'])
def test_null_sessions_open_nothing_else(own_server, opening, name, pattern):
    own_server.create(name)
    options = {"ntpipe_export": "*:*", "ntpipe_null_session_pipes": pattern.format(name)}
    status, lines = opening(name, user=ANONYMOUS, **options)
    assert status == Status.ACCESS_DENIED
    assert len(lines) == (1 if '"' in pattern else 0) and all("null session pipes: a quote" in line for line in lines)


def test_null_sessions_need_an_export_and_the_descriptor_too(own_server, opening, name):
    own_server.create(name)
    assert opening(name, user=ANONYMOUS, ntpipe_null_session_pipes="*") == (Status.OBJECT_NAME_NOT_FOUND, [])
    own_server.create(f"{name}-users", sddl="D:(A;;FA;;;AU)")
    options = {"ntpipe_export": "*:*", "ntpipe_null_session_pipes": "*"}
    assert opening(f"{name}-users", user=ANONYMOUS, **options) == (Status.ACCESS_DENIED, [])
    assert opening(f"{name}-users", user=GUEST, **options) == (Status.ACCESS_DENIED, [])
    assert opening(f"{name}-users", user=0, **options) == (Status.SUCCESS, [])


def test_null_sessions_cannot_wait_for_other_pipes(own_server, own_smbd, name):
    own_smbd.set_options(ntpipe_export="*:*", ntpipe_null_session_pipes=None)
    own_server.create(name)
    with Smb2Client(own_smbd.port) as client:
        assert client.wait(name, 100).status == Status.ACCESS_DENIED
    own_smbd.set_options(ntpipe_null_session_pipes=name)
    with Smb2Client(own_smbd.port) as client:
        assert client.wait(name, 100).status == Status.SUCCESS


def test_pipes_for_this_machine_only_are_refused_to_everybody(own_server, opening, name):
    """REJECT_REMOTE: no option changes that."""
    reject_remote_clients = 2
    own_server.create(name, type=1 | reject_remote_clients)
    for user in 0, GUEST, ANONYMOUS:
        options = {"ntpipe_export": "*:*", "ntpipe_null_session_pipes": "*"}
        assert opening(name, user=user, **options) == (Status.ACCESS_DENIED, [])


# ---- owners and scopes ----


def uid_of(name):
    import pwd

    return pwd.getpwnam(name).pw_uid


def test_pipes_of_users_are_exported_by_their_owner(build, own_smbd, opening, name):
    with Server(build, own_smbd.ntpipe_dir, user=uid_of("games")) as server:
        server.create(name)
        for owner in "games", str(uid_of("games")), "@games", "*":
            assert opening(name, ntpipe_export=f"{name}:{owner}")[0] == Status.SUCCESS, owner
            server.create(name)
        for owner in "root", "news", "@news":
            assert opening(name, ntpipe_export=f"{name}:{owner}")[0] == Status.OBJECT_NAME_NOT_FOUND, owner
        assert opening(name, ntpipe_export=name)[0] == Status.OBJECT_NAME_NOT_FOUND, "without an owner: root's only"


def test_clients_see_the_scope_of_their_unix_user(build, own_smbd, opening, name):
    with Server(build, own_smbd.ntpipe_dir, user=uid_of("games")) as server:
        server.create(name)
        assert opening(name, user=1, ntpipe_export="*:*")[0] == Status.OBJECT_NAME_NOT_FOUND
        assert opening(name, user=0, ntpipe_export="*:*")[0] == Status.SUCCESS


def test_own_scope_comes_before_the_global_one(build, own_smbd, own_server, opening, name):
    global_pipe = own_server.create(name)
    with Server(build, own_smbd.ntpipe_dir, user=uid_of("games")) as server:
        pipe = server.create(name)
        assert opening(name, user=0, ntpipe_export="*:*")[0] == Status.SUCCESS
        pipe.await_end_of_client()
        assert opening(name, user=1, ntpipe_export="*:*")[0] == Status.SUCCESS
        global_pipe.await_end_of_client()


# ---- the broker's directory ----


def test_no_broker_at_all(build):
    with PrivateSmbd(module=os.path.join(build, MODULE), options={"ntpipe:export": "*"}) as smbd:
        check_that_smbd_serves(smbd)
        assert str(smbd.ntpipe_dir) in only_line(smbd)


def test_broker_of_somebody_else_is_not_trusted(build):
    """A directory of a user's, with a broker of that user."""
    with PrivateSmbd(module=os.path.join(build, MODULE), options={"ntpipe:export": "*"}) as smbd:
        smbd.ntpipe_dir.mkdir(mode=0o755)
        os.chown(smbd.ntpipe_dir, uid_of("games"), -1)
        command = [os.path.join(for_other_users(build), BROKER), "--directory", str(smbd.ntpipe_dir)]
        with subprocess.Popen(command, user="games", group="games", extra_groups=[], stderr=subprocess.PIPE, text=True) as broker:
            try:
                assert "serving in" in broker.stderr.readline()
                check_that_smbd_serves(smbd)
                assert "ACCESS_DENIED" in only_line(smbd)
            finally:
                broker.terminate()
