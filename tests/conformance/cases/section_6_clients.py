# SPDX-License-Identifier: LGPL-2.1-or-later
"""section_6_clients.py: rules of section 6 about who the client is, which no numbered case states as ntpipe tells it."""
import os
import pwd

from conformance.registry import rule
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403


@rule("6.4", "native client", "a server and its client are told who the client is: the user and the process that opened the pipe",
      mirrored=True, needs=["native client"])
def native_client(t):
    a, _ = t.pair()
    identity = a.client_identity()
    t.equal("user", identity["uid"], os.getuid())
    t.equal("process", identity["process_id"], t.environment.client.pid)
    t.equal("came over the network", identity["flags"] & IDENTITY_REMOTE, 0)


@rule("6.4", "remote client", "a client of smbd is the user who has logged in, not smbd", needs=["SMB"])
def remote_client(t):
    s, _ = t.connected()
    identity = s.client_identity()
    user = t.environment.client.user
    t.equal("account", identity["account"], user)
    t.equal("user", identity["uid"], pwd.getpwnam(user).pw_uid)
    t.equal("came over the network", identity["flags"] & IDENTITY_REMOTE, IDENTITY_REMOTE)


@rule("6.4", "no client", "before the first client and after a disconnect nobody is there: NOT_FOUND", ends="server")
def no_client(t):
    s = t.create()
    s.asking_for_client().done(NOT_FOUND)
    t.equal("server's process", s.server_process(), t.environment.server.pid)


@rule("6.4", "identity stays", "the identity of a client that has closed is known until the server disconnects it")
def identity_of_a_client_that_closed(t):
    s, c = t.connected()
    before = s.client_identity()
    c.close()
    t.settle()
    t.equal("identity", s.client_identity(), before)
    s.disconnect().done(SUCCESS)
    s.asking_for_client().done(NOT_FOUND)


@rule("6.3", "rights of a client", "a client gets what the pipe's descriptor grants, and ACCESS_DENIED for more")
def rights_of_a_client(t):
    t.create(sddl="D:(A;;0x120089;;;WD)")
    t.opening(desired_access=GENERIC_READ | GENERIC_WRITE).done(ACCESS_DENIED)
    c = t.open(desired_access=GENERIC_READ)
    c.write(b"x").done(ACCESS_DENIED)
    c.transceive(b"x", 10).done(ACCESS_DENIED)
    c.set_modes(MESSAGE, QUEUE).done(ACCESS_DENIED)
    c.peek().done(SUCCESS, Peek(available=0))
