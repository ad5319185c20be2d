# SPDX-License-Identifier: LGPL-2.1-or-later
"""security.py: cases 195 to 203: the pipe's security descriptor, and acting for the client."""
import struct

from conformance.registry import case, rule
from conformance.vocabulary import *  # noqa: F403

OWNER_PART, GROUP_PART, DACL_PART, SACL_PART = 1, 2, 4, 8
WRITE_DAC, WRITE_OWNER = 0x40000, 0x80000
SECURED = GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE | READ_CONTROL | WRITE_DAC | WRITE_OWNER
EVERYONE = bytes.fromhex("010100000000000100000000")
NATIVE = {"needs": ["native client", "security"]}


def with_group(sid):
    return struct.pack("<BBHIIII", 1, 0, 0x8000, 0, 20, 0, 0) + sid


def secured(t, **client):
    s = t.create(desired_access=SECURED, sddl="D:(A;;FA;;;WD)", max_instances=UNLIMITED)
    return s, t.open(desired_access=SECURED, **client)


def query(end, part=GROUP_PART):
    return end._start("query_security", f"query_security({part})", lambda answer: answer.bytes(), information=part)


def set_group(end, sid=EVERYONE):
    return end._start("set_security", "set_security(group)", information=GROUP_PART, data=with_group(sid))


@case(195, "WN:test_security_info", "set group through S; then C reads it, and vice versa; a new instance has the same group",
      **NATIVE)
def one_descriptor(t):
    s, c = secured(t)
    set_group(s).done(SUCCESS)
    query(c).done(SUCCESS, with_group(EVERYONE))
    system = bytes.fromhex("010100000000000512000000")
    set_group(c, system).done(SUCCESS)
    query(s).done(SUCCESS, with_group(system))
    query(t.create(desired_access=SECURED, disposition=FILE_OPEN_IF)).done(SUCCESS, with_group(system))


@case(196, "WN:test_security_info", "S closed: C still queries the SD; after DISCONNECT: S queries, C query and set PIPE_DISCONNECTED",
      **NATIVE)
def descriptor_outlives_the_server(t):
    s, c = secured(t)
    s.disconnect().done(SUCCESS)
    t.settle()
    set_group(s).done(SUCCESS)
    query(s).done(SUCCESS, with_group(EVERYONE))
    query(c).done(PIPE_DISCONNECTED)
    set_group(c).done(PIPE_DISCONNECTED)
    c.close()
    s.control(FSCTL_LISTEN).pending()
    c = t.open(desired_access=SECURED)
    t.settle()
    s.close()
    t.settle()
    query(c).done(SUCCESS, with_group(EVERYONE))
    system = bytes.fromhex("010100000000000512000000")
    set_group(c, system).done(SUCCESS)
    query(c).done(SUCCESS, with_group(system))


@case(197, "WN:test_security_info T ?", "existing pipe, new instance with explicit SD and WRITE_OWNER; then ACCESS_DENIED", **NATIVE,
      note="section 11, D8: by default such a descriptor is ignored")
def descriptor_of_a_later_instance(t):
    s = t.create(desired_access=SECURED, sddl="O:BAG:BAD:(A;;FA;;;WD)", max_instances=2)
    before = query(s).some()
    later = t.create(desired_access=SECURED, sddl="O:BAG:WD", disposition=FILE_OPEN)
    t.equal("information", later.information, OPENED)
    query(later).done(SUCCESS, before)


@rule("3.9", "security in each state", "query and set: SUCCESS in every state of a server end and of a client end but the detached one: "
      "PIPE_DISCONNECTED", **NATIVE)
def security_in_each_state(t):
    s = t.create(desired_access=SECURED, sddl="D:(A;;FA;;;WD)")

    def allowed(*ends):
        for end in ends:
            set_group(end).done(SUCCESS)
            query(end).done(SUCCESS, with_group(EVERYONE))

    allowed(s)
    c = t.open(desired_access=SECURED)
    t.settle()
    allowed(s, c)
    c.write(b"left").done(SUCCESS, 4)
    c.close()
    t.settle()
    s.shows(state=CLOSING)
    allowed(s)
    s.disconnect().done(SUCCESS)
    allowed(s)
    listening = s.listen().pending()
    detached = t.open(desired_access=SECURED)
    listening.done(SUCCESS)
    s.disconnect().done(SUCCESS)
    t.settle()
    query(detached).done(PIPE_DISCONNECTED)
    set_group(detached).done(PIPE_DISCONNECTED)


@rule("6.2", "rights", "query needs READ_CONTROL, set WRITE_OWNER or WRITE_DAC of the handle; a short buffer: BUFFER_TOO_SMALL", **NATIVE)
def rights_for_security(t):
    t.create(sddl="D:(A;;FA;;;WD)")
    c = t.open(desired_access=READ_DATA | SYNCHRONIZE)
    query(c).done(ACCESS_DENIED)
    set_group(c).done(ACCESS_DENIED)
    t.create(t.name("2"), sddl="D:(A;;FA;;;WD)")
    c = t.open(t.name("2"), desired_access=READ_CONTROL)
    short = c._start("query_security_buffer", "query_security_buffer()", information=DACL_PART, length=10)
    t.equal("needed", short.done(BUFFER_TOO_SMALL).answer["needed"], 20 + 8 + 20)


def impersonate(end):
    return end._start("impersonate", "impersonate()")


@case(198, "WK:test_ImpersonateNamedPipeClient", "IMPERSONATE before reading; then CANNOT_IMPERSONATE; after a read of client data: "
      "SUCCESS, level Impersonation; again after the client closed: SUCCESS", needs=["security"])
def impersonate_after_a_read(t):
    s, c = t.connected(MM)
    impersonate(s).done(CANNOT_IMPERSONATE)
    c.write(b"x").done(SUCCESS, 1)
    s.peek().some()
    impersonate(s).done(CANNOT_IMPERSONATE)
    s.read(10).done(SUCCESS, b"x")
    t.equal("level", impersonate(s).done(SUCCESS).answer["level"], 2)
    s.control(FSCTL_IMPERSONATE).done(SUCCESS, b"")
    c.close()
    t.settle()
    impersonate(s).done(SUCCESS)


IDENTITY = {"uid": 0, "gid": 0, "sids": ["S-1-5-21-1-2-3-1000", "S-1-1-0"], "account": "alice", "privileges": 0x18000000,
            "disabled_privileges": 0x18000000}


def opened(t, **fields):
    s = t.create(sddl="D:(A;;FA;;;WD)", read_mode=MESSAGE)
    return s, t.open(**fields)


def account_after(t, s, c):
    c.write(b"x").done(SUCCESS, 1)
    s.read(10).done(SUCCESS, b"x")
    return impersonate(s).done(SUCCESS).answer["identity"]["account"]


def become(c, name):
    return c._start("set_client_context", f"set_client_context({name})", identity={**IDENTITY, "account": name})


@case(199, "WK:test_no_sqos_no_token T", "client without SQoS, all privileges disabled; then impersonation token has 0 privileges "
      "(effective only)", **NATIVE)
def effective_only(t):
    s, c = opened(t, identity=IDENTITY)
    c.write(b"x").done(SUCCESS, 1)
    s.read(10).done(SUCCESS, b"x")
    t.equal("privileges", impersonate(s).done(SUCCESS).answer["identity"]["privileges"], 0)


@case(200, "WK:test_static_context_revert T", "static SQoS, client token changed before the second write; then token of the open time",
      **NATIVE)
def static_tracking(t):
    s, c = opened(t, identity=IDENTITY, dynamic_tracking=False)
    t.equal("first", account_after(t, s, c), "alice")
    become(c, "bob").done(SUCCESS)
    t.equal("second", account_after(t, s, c), "alice")


@case(201, "WK:test_dynamic_context T", "dynamic: token of the time of the write last read", **NATIVE)
def dynamic_tracking(t):
    s, c = opened(t, identity=IDENTITY, dynamic_tracking=True)
    t.equal("first", account_after(t, s, c), "alice")
    c.write(b"old").done(SUCCESS, 3)
    become(c, "bob").done(SUCCESS)
    s.read(10).done(SUCCESS, b"old")
    t.equal("old", impersonate(s).done(SUCCESS).answer["identity"]["account"], "alice")
    t.equal("new", account_after(t, s, c), "bob")
    c._start("set_client_context", "set_client_context()").done(SUCCESS)
    t.equal("own", account_after(t, s, c), "")
    c.control(FSCTL_DISABLE_IMPERSONATE).done(SUCCESS, b"")
    c.write(b"x").done(SUCCESS, 1)
    s.read(10).done(SUCCESS, b"x")
    impersonate(s).done(CANNOT_IMPERSONATE)


@case(202, "[R]", "IMPERSONATE on C; then ILLEGAL_FUNCTION; after DISCONNECT or LISTEN on S: CANNOT_IMPERSONATE", **NATIVE)
def impersonate_elsewhere(t):
    s, c = t.connected(MM)
    impersonate(c).done(ILLEGAL_FUNCTION)
    c.control(FSCTL_IMPERSONATE).done(ILLEGAL_FUNCTION)
    c.write(b"x").done(SUCCESS, 1)
    s.read(10).done(SUCCESS, b"x")
    s.disconnect().done(SUCCESS)
    impersonate(s).done(CANNOT_IMPERSONATE)
    s.control(FSCTL_LISTEN).pending()
    impersonate(s).done(CANNOT_IMPERSONATE)


@case(203, "D", "pipe with REJECT_REMOTE; open over SMB fails, local open succeeds", needs=["SMB"], note="with ACCESS_DENIED (D17)")
def remote_clients_are_rejected(t):
    t.create(type=MESSAGE | REJECT_REMOTE)
    t.opening().done(ACCESS_DENIED)
    t.open(by=t.environment.server)


@rule("6.4", "anonymous", "level Anonymous: the server acts for nobody", **NATIVE)
def anonymous_level(t):
    s, c = opened(t, identity=IDENTITY, impersonation_level=0)
    t.equal("account", account_after(t, s, c), "")
    t.equal("level", impersonate(s).done(SUCCESS).answer["level"], 0)
