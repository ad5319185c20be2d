# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_no_pipe_support.py: `nt pipe support = no` holds for native pipes, too: whoever asks hears what stock smbd says. SEMANTICS 8.1."""
import pytest
from conftest import make_smbd
from native import Server
from private_smbd import PrivateSmbd
from smb1client import Smb1Client
from smb2client import Smb2Client, Status

OFF = {"nt pipe support": "no"}
PIPE = "not-to-be-had"


def answers(smbd):
    """By SMB2, then by SMB1."""
    user = next(iter(smbd.users.items()))
    with Smb2Client(smbd.port, *user) as client:
        smb2 = client.create(PIPE), client.create("srvsvc"), client.wait(PIPE, 60_000), client.peek(bytes(16))
    with Smb1Client(smbd.port, *user) as client:
        smb1 = (client.create(PIPE), client.open_andx(PIPE), client.call(client.nt_transact_create_request("\\" + PIPE)),
                client.wait(PIPE, 60_000), client.pipe_call(PIPE, b"hello"))  # fmt: skip
    return [response.status for response in (*smb2, *smb1)]


@pytest.fixture(scope="module")
def answers_of_stock():
    with PrivateSmbd(options=OFF) as smbd:
        return answers(smbd)


@pytest.mark.parametrize("loading", ["preload", "vfs"])
def test_native_pipes_cannot_be_had(build, loading, answers_of_stock):
    with make_smbd(build, options=OFF, loading=loading) as smbd, Server(build, smbd.ntpipe_dir) as server:
        server.create(PIPE)
        told = answers(smbd)
        listings = server.call("list")["listings"]
    assert told == answers_of_stock
    assert told[:2] == [Status.ACCESS_DENIED] * 2
    assert [(listing["name"], listing["connected"]) for listing in listings] == [(PIPE, 0)]
