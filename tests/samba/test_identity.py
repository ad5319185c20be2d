# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_identity.py: what a pipe's server gets to know of an SMB client, and whom the pipe's security descriptor lets in."""
import pwd
import subprocess
from pathlib import Path

import pytest
from agent.driver import for_other_users
from conftest import make_smbd
from native import EVERYBODY, Server
from smb2client import READ_DATA, WRITE_DATA, Status, derive_key

REMOTE, ANONYMOUS, GUEST, SIGNED, ENCRYPTED = 1, 2, 4, 8, 16
READ_AND_WRITE = READ_DATA | WRITE_DATA


@pytest.fixture
def identity_of(server, name):
    """The client as the server sees it."""

    def identify(client):
        pipe = server.create(name)
        client.open(name, access=READ_AND_WRITE)
        pipe.await_client()
        return pipe.client

    return identify


def user_sid(smbd, user):
    command = ["pdbedit", "-s", str(smbd.configuration), "-v", "-u", user]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    return next(line.split()[-1] for line in lines if line.startswith("User SID"))


def test_user(smbd, connect, user, identity_of):
    identity = identity_of(connect(workstation="OFFICE-7"))
    account = pwd.getpwnam(user[0])
    assert (identity["account"], identity["domain"]) == (user[0], "NTPIPE")
    assert (identity["uid"], identity["gid"]) == (account.pw_uid, account.pw_gid)
    assert identity["sids"][0] == user_sid(smbd, user[0])
    expected = {"S-1-1-0", "S-1-5-2", "S-1-5-11", f"S-1-22-1-{account.pw_uid}", f"S-1-22-2-{account.pw_gid}"}
    assert expected <= set(identity["sids"])
    assert (identity["address"], identity["computer"]) == (smbd.host, "office-7")
    assert identity["flags"] == REMOTE
    assert identity["process_id"] == 0xFEFF


def test_two_users_differ(smbd, connect, user, other_user, identity_of):
    first, second = (identity_of(connect(user=each)) for each in (user, other_user))
    assert [first["account"], second["account"]] == [user[0], other_user[0]]
    assert first["sids"][0] != second["sids"][0]


@pytest.mark.parametrize(("protection", "flags"), [({"signing": True}, SIGNED), ({"encryption": True}, SIGNED | ENCRYPTED)])
@pytest.mark.parametrize("dialect", [0x302, 0x311], ids=lambda value: f"{value:x}")
def test_protection_is_told(connect, identity_of, protection, flags, dialect):
    identity = identity_of(connect(dialect=dialect, **protection))
    assert identity["flags"] == REMOTE | flags


@pytest.mark.parametrize(("dialect", "cipher"), [(0x302, 1), (0x311, 2)])
def test_descriptor_can_ask_for_encryption(connect, server, name, dialect, cipher):
    """By the SID that Samba gives to encrypted connections."""
    sid = f"S-1-22-1397571891-{dialect}-2-{cipher}"
    pipe = server.create(name, sddl=f"D:(A;;FA;;;{sid})")
    for protection in {}, {"signing": True}:
        assert connect(dialect=dialect, **protection).create(name, access=READ_AND_WRITE).status == Status.ACCESS_DENIED
    assert connect(dialect=dialect, encryption=True).create(name, access=READ_AND_WRITE).status == Status.SUCCESS
    pipe.await_client()
    assert sid in pipe.client["sids"]


def test_guest(connect, identity_of):
    """`map to guest = Bad User`: an unknown name becomes the guest."""
    identity = identity_of(connect(user=("stranger", "whatever")))
    assert identity["flags"] == REMOTE | GUEST
    assert identity["uid"] == pwd.getpwnam("nobody").pw_uid
    assert "S-1-5-32-546" in identity["sids"]
    assert "S-1-5-11" not in identity["sids"]


def test_anonymous(connect, identity_of):
    """To Samba, Everyone contains those who proved nothing."""
    identity = identity_of(connect(user=("", "")))
    assert identity["flags"] == REMOTE | ANONYMOUS
    assert (identity["account"], identity["domain"]) == ("ANONYMOUS LOGON", "NT AUTHORITY")
    assert identity["sids"][0] == "S-1-5-7"
    assert "S-1-1-0" in identity["sids"]
    assert "S-1-5-11" not in identity["sids"]


SHOW_SESSION = """
import sys
from samba.dcerpc import auth
from samba.ndr import ndr_unpack
session = ndr_unpack(auth.session_info_transport, sys.stdin.buffer.read()).session_info
print(session.info.account_name, session.unix_token.uid, session.security_token.sids[0], bytes(session.session_key or []).hex())
"""


def session_in(blob, directory):
    """What Samba's own code reads in it: account, Unix user, first SID, session key."""
    command = ["/usr/bin/python3", "-c", SHOW_SESSION]
    done = subprocess.run(command, input=bytes.fromhex(blob), capture_output=True, timeout=60, cwd=directory)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().rstrip("\n").split(" ")


@pytest.mark.parametrize("dialect", [0x210, 0x302], ids=lambda value: f"{value:x}")
def test_original_session_comes_along(smbd, connect, user, identity_of, tmp_path, dialect):
    """What Samba's own services get; the session key in that part only which is for trusted servers. This one is root's."""
    if smbd.root != Path("/"):
        pytest.skip("its form belongs to the version of Samba, and Samba's Python is that of the installed one")
    client = connect(dialect=dialect)
    key = client.session_key if dialect < 0x300 else derive_key(client.session_key, b"SMB2APP\0", b"SmbRpc\0")
    identity = identity_of(client)
    known = [user[0], str(pwd.getpwnam(user[0]).pw_uid), identity["sids"][0]]
    assert session_in(identity["authorization"], tmp_path) == [*known, ""]
    assert session_in(identity["secret_authorization"], tmp_path) == [*known, key.hex()]


@pytest.mark.parametrize("level", [0, 1])
def test_session_key_is_not_for_whom_the_client_does_not_let_act(connect, server, name, level):
    pipe = server.create(name)
    assert connect().create(name, impersonation=level).status == Status.SUCCESS
    pipe.await_client()
    assert pipe.client["authorization"] and not pipe.client["secret_authorization"]


def test_session_key_is_not_for_servers_of_others(build, smbd, connect, name):
    stranger = pwd.getpwnam("nobody")
    with Server(for_other_users(build), smbd.ntpipe_dir, user=stranger.pw_uid) as server:
        pipe = server.create(name, scope=0)
        client = connect(user=("stranger", "whatever"))  # the guest, who is nobody: pipes of others are not seen
        client.open(name, access=READ_AND_WRITE)
        pipe.await_client()
        assert pipe.client["authorization"] and not pipe.client["secret_authorization"]


# ---- security descriptors ----


@pytest.mark.parametrize("who", ["S-1-22-1-{uid}", "{sid}", "AU", "NU"])
def test_descriptor_lets_the_named_user_in(smbd, connect, server, name, user, who):
    who = who.format(uid=pwd.getpwnam(user[0]).pw_uid, sid=user_sid(smbd, user[0]))
    server.create(name, sddl=f"D:(A;;FA;;;{who})")
    assert connect().create(name, access=READ_AND_WRITE).status == Status.SUCCESS


def test_descriptor_keeps_others_out(smbd, connect, server, name, user, other_user):
    server.create(name, sddl=f"D:(A;;FA;;;{user_sid(smbd, user[0])})")
    for stranger in other_user, ("stranger", "whatever"), ("", ""):
        assert connect(user=stranger).create(name, access=READ_AND_WRITE).status == Status.ACCESS_DENIED
    assert connect().create(name, access=READ_AND_WRITE).status == Status.SUCCESS


def test_deny_entries_count(connect, server, name, user, other_user):
    uid = pwd.getpwnam(other_user[0]).pw_uid
    server.create(name, sddl=f"D:(D;;FA;;;S-1-22-1-{uid})(A;;FA;;;WD)")
    assert connect(user=other_user).create(name, access=READ_AND_WRITE).status == Status.ACCESS_DENIED
    assert connect().create(name, access=READ_AND_WRITE).status == Status.SUCCESS


def test_reading_only(connect, server, name):
    pipe = server.create(name, sddl="D:(A;;FR;;;WD)")
    client = connect()
    assert client.create(name, access=READ_AND_WRITE).status == Status.ACCESS_DENIED
    file_id = client.open(name, access=READ_DATA)
    pipe.await_client()
    pipe.write(b"public")
    assert client.read(file_id).data == b"public"
    assert client.write(file_id, b"x").status == Status.ACCESS_DENIED


def test_maximum_allowed_is_what_the_descriptor_allows(connect, server, name):
    pipe = server.create(name, sddl="D:(A;;FR;;;WD)")
    client = connect()
    file_id = client.open(name, access=0x02000000)
    pipe.await_client()
    pipe.write(b"public")
    assert client.read(file_id).data == b"public"
    assert client.write(file_id, b"x").status == Status.ACCESS_DENIED


def test_default_descriptor_lets_users_read_only(connect, server, name):
    server.create(name, sddl=None)
    client = connect()
    assert client.create(name, access=READ_AND_WRITE).status == Status.ACCESS_DENIED
    assert client.create(name, access=READ_DATA).status == Status.SUCCESS


def test_pipes_for_this_machine_only(connect, server, name):
    reject_remote_clients = 2
    server.create(name, type=1 | reject_remote_clients, sddl=EVERYBODY)
    assert connect().create(name, access=READ_AND_WRITE).status == Status.ACCESS_DENIED


def test_wrong_password_is_no_guest(smbd, connect, user):
    with pytest.raises(Exception, match="LOGON_FAILURE"):
        connect(user=(user[0], "wrong"))


def test_no_anonymous_where_samba_says_so(build):
    with make_smbd(build, options={"restrict anonymous": "2"}) as smbd:
        command = ["smbclient", f"//{smbd.host}/IPC$", "-N", "-p", str(smbd.port), "-s", str(smbd.configuration), "-c", "exit"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode != 0
