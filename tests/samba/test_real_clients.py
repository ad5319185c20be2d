# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_real_clients.py: clients that are not ours: smbclient and impacket."""
import subprocess
import threading

import pytest
from impacket.smb import SMB_DIALECT
from impacket.smb3structs import FILE_OPEN, FILE_READ_DATA, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_WRITE_DATA
from impacket.smb3structs import SMB2_DIALECT_002, SMB2_DIALECT_21, SMB2_DIALECT_30
from impacket.smbconnection import SMBConnection

TIMEOUT = 60


class Echo(threading.Thread):
    """Serves one client on a pipe: each message comes back reversed."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.failure = pipe, None

    def run(self):
        try:
            self.pipe.await_client()
            while True:
                status, answer = self.pipe.call("read", length=65536)
                if status != 0:
                    return
                self.pipe.write(answer.bytes()[::-1])
        except AssertionError as failure:
            self.failure = failure

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.join(TIMEOUT)
        assert not self.is_alive() and self.failure is None, self.failure


@pytest.fixture
def echo(server, name):
    with Echo(server.create(name)) as echo:
        yield echo


# ---- smbclient ----

SMBCLIENT = {
    "NT1": ["-m", "NT1"],
    "SMB2_02": ["-m", "SMB2_02"],
    "SMB2_10": ["-m", "SMB2_10"],
    "SMB3": ["-m", "SMB3"],
    "signed": ["--client-protection=sign"],
    "encrypted": ["--client-protection=encrypt"],
}


@pytest.mark.parametrize("how", SMBCLIENT)
def test_smbclient(smbd, server, name, user, tmp_path, how):
    """`put` writes a file's bytes into the pipe, as one who knows no better would do it."""
    pipe = server.create(name, type=0, read_mode=0)
    (tmp_path / "file").write_bytes(b"written by smbclient")
    command = ["smbclient", f"//{smbd.host}/IPC$", "-U", "%".join(user), "-p", str(smbd.port), "-s", str(smbd.configuration)]
    command += [*SMBCLIENT[how], "-c", f"lcd {tmp_path}; put file {name}"]
    client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        pipe.await_client()
        read = b""
        while len(read) < 20:
            read += pipe.read()
        assert read == b"written by smbclient"
        output, _ = client.communicate(timeout=TIMEOUT)
    finally:
        client.kill()
        client.wait()
    assert f"\\{name}" in output, output


# ---- impacket ----

DIALECTS = {"1": SMB_DIALECT, "2.0.2": SMB2_DIALECT_002, "2.1": SMB2_DIALECT_21, "3.0": SMB2_DIALECT_30}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_impacket(smbd, echo, name, user, dialect):
    client = SMBConnection(smbd.host, smbd.host, sess_port=smbd.port, preferredDialect=DIALECTS[dialect], timeout=TIMEOUT)
    try:
        client.login(*user)
        tree = client.connectTree("IPC$")
        client.waitNamedPipe(tree, name)  # raises unless it succeeds
        pipe = client.openFile(tree, name, desiredAccess=FILE_READ_DATA | FILE_WRITE_DATA, shareMode=FILE_SHARE_READ | FILE_SHARE_WRITE,
                               creationDisposition=FILE_OPEN)  # fmt: skip
        client.writeFile(tree, pipe, b"abc")
        assert client.readFile(tree, pipe, singleCall=True) == b"cba"
        client.writeNamedPipe(tree, pipe, b"0123456789", waitAnswer=True)
        assert client.readNamedPipe(tree, pipe) == b"9876543210"
        client.closeFile(tree, pipe)
    finally:
        client.close()
