# SPDX-License-Identifier: LGPL-2.1-or-later
"""section_4.py: control codes by their numbers: the access that a code asks for, attributes, processes, internal transfers."""
import struct

from conformance.registry import rule
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403

NATIVE = {"needs": ["native client", "control codes"]}


# ---- access ----

NEED_READ = {"PEEK": FSCTL_PEEK, "INTERNAL_READ": FSCTL_INTERNAL_READ, "INTERNAL_READ_OVFLOW": FSCTL_INTERNAL_READ_OVFLOW}
NEED_WRITE = {"FLUSH": FSCTL_FLUSH, "INTERNAL_WRITE": FSCTL_INTERNAL_WRITE, "SILO_ARRIVAL": FSCTL_SILO_ARRIVAL}
NEED_BOTH = {"TRANSCEIVE": FSCTL_TRANSCEIVE, "INTERNAL_TRANSCEIVE": FSCTL_INTERNAL_TRANSCEIVE}


@rule("4", "read access", "a code with access 1 or 3 needs FILE_READ_DATA: else ACCESS_DENIED, before the state is looked at",
      each={**NEED_READ, **NEED_BOTH}, **NATIVE)
def code_needs_read(t, given):
    t.create()
    c = t.open(desired_access=WRITE_DATA | SYNCHRONIZE)
    c.control(given, b"x").done(ACCESS_DENIED)


@rule("4", "write access", "a code with access 2 or 3 needs FILE_WRITE_DATA: else ACCESS_DENIED, before the state is looked at",
      each={**NEED_WRITE, **NEED_BOTH}, ends="server", needs=["control codes"])
def code_needs_write(t, given):
    s = t.create(desired_access=READ_DATA | SYNCHRONIZE)
    s.control(given, b"x").done(ACCESS_DENIED)


@rule("4", "access of unknown codes", "the access bits of a code that nobody knows count, too", ends="server", needs=["control codes"])
def unknown_code(t):
    s = t.create(desired_access=READ_DATA | SYNCHRONIZE)
    s.control(0x11BFFC).done(ACCESS_DENIED)
    s.control(0x113FFC).done(NOT_SUPPORTED)
    s.control(0x117FFC).done(NOT_SUPPORTED)


# ---- codes for other handles, and for the kernel ----

@rule("4", "other handles", "WAIT on a pipe: ILLEGAL_FUNCTION; what belongs to the root: NOT_SUPPORTED", mirrored=True, **NATIVE)
def codes_of_the_root(t):
    a, _ = t.pair()
    a.control(FSCTL_WAIT, bytes(16)).done(ILLEGAL_FUNCTION)
    for code in FSCTL_SILO_ARRIVAL, FSCTL_CREATE_SYMLINK, FSCTL_DELETE_SYMLINK:
        a.control(code, bytes(16)).done(NOT_SUPPORTED)


@rule("4", "kernel only", "events and SET_CLIENT_PROCESS: NOT_SUPPORTED; setting an attribute: ACCESS_DENIED", mirrored=True, **NATIVE)
def codes_of_the_kernel(t):
    a, _ = t.pair()
    for code in FSCTL_ASSIGN_EVENT, FSCTL_QUERY_EVENT, FSCTL_SET_CLIENT_PROCESS:
        a.control(code, bytes(16)).done(NOT_SUPPORTED)
    for code in FSCTL_SET_PIPE_ATTRIBUTE, FSCTL_SET_CONNECTION_ATTRIBUTE, FSCTL_SET_HANDLE_ATTRIBUTE:
        a.control(code, b"ClientProcessId\0" + bytes(4)).done(ACCESS_DENIED)
    a.attribute("ClientProcessId", 4).done(SUCCESS, struct.pack("<I", t.environment.client.pid))


# ---- attributes ----

@rule("4.2", "unknown name", "a name that there is not: NOT_FOUND; names differ by case", mirrored=True, **NATIVE)
def unknown_attribute(t):
    a, _ = t.pair()
    for name in "Nonsense", "clientprocessid", "ClientProcessIdx", "ClientProcessI":
        a.attribute(name).done(NOT_FOUND)
    for code in FSCTL_GET_PIPE_ATTRIBUTE, FSCTL_GET_HANDLE_ATTRIBUTE:
        a.control(code, b"ClientProcessId\0").done(NOT_FOUND)


@rule("4.2", "malformed name", "a name without its NUL, or with something behind it: INVALID_PARAMETER", mirrored=True, **NATIVE)
def malformed_attribute(t):
    a, _ = t.pair()
    for name in b"", b"ClientProcessId", b"ClientProcessId\0x", b"Client\0ProcessId\0":
        for code in FSCTL_GET_CONNECTION_ATTRIBUTE, FSCTL_GET_PIPE_ATTRIBUTE, FSCTL_GET_HANDLE_ATTRIBUTE:
            a.control(code, name).done(INVALID_PARAMETER)


@rule("4.2", "no client yet", "LISTENING: what is the client's NOT_FOUND, what is the server's SUCCESS", ends="server", needs=["control codes"])
def attributes_without_client(t):
    s = t.create()
    for name in "ClientProcessId", "ClientSessionId", "ClientComputerName":
        s.attribute(name).done(NOT_FOUND)
    s.attribute("ServerProcessId").done(SUCCESS, struct.pack("<I", t.environment.server.pid))


@rule("4.2", "computer name of a local client", "a local client has none: NOT_FOUND", mirrored=True, **NATIVE)
def computer_of_a_local_client(t):
    a, _ = t.pair()
    a.attribute("ClientComputerName").done(NOT_FOUND)


@rule("4.2", "computer name", "a remote client's computer name is UTF-16 with its NUL", needs=["SMB"])
def computer_of_a_remote_client(t):
    s, _ = t.connected()
    wide = s.client_identity()["computer"].encode("utf-16-le") + bytes(2)
    s.attribute("ClientComputerName", len(wide)).done(SUCCESS, wide)
    s.attribute("ClientComputerName", len(wide) - 1).done(BUFFER_TOO_SMALL)


@rule("4.2", "client access", "attributes need no access right", **NATIVE)
def attributes_need_no_right(t):
    t.create()
    c = t.open(desired_access=SYNCHRONIZE)
    c.attribute("ServerProcessId").done(SUCCESS, struct.pack("<I", t.environment.server.pid))


# ---- processes ----

@rule("4.1", "client process", "QUERY_CLIENT_PROCESS: 16 bytes, with room for it 56 with the computer's name; less: INVALID_PARAMETER",
      mirrored=True, **NATIVE)
def client_process(t):
    a, _ = t.pair()
    session = struct.unpack("<I", a.attribute("ClientSessionId").some())[0]
    short = struct.pack("<2Q", session, t.environment.client.pid)
    a.control(FSCTL_QUERY_CLIENT_PROCESS, length=15).done(INVALID_PARAMETER)
    a.control(FSCTL_QUERY_CLIENT_PROCESS, length=16).done(SUCCESS, short)
    a.control(FSCTL_QUERY_CLIENT_PROCESS, length=55).done(SUCCESS, short)
    a.control(FSCTL_QUERY_CLIENT_PROCESS, length=56).done(SUCCESS, short + bytes(40))
    a.control(FSCTL_QUERY_CLIENT_PROCESS_V2, length=15).done(INVALID_PARAMETER)
    a.control(FSCTL_QUERY_CLIENT_PROCESS_V2, length=100).done(SUCCESS, short)


@rule("4.1", "no client process", "a server end without a client: PIPE_DISCONNECTED; a detached client likewise", **NATIVE)
def no_client_process(t):
    s, c = t.connected()
    s.disconnect().done(SUCCESS)
    t.settle()
    s.control(FSCTL_QUERY_CLIENT_PROCESS).done(PIPE_DISCONNECTED)
    c.control(FSCTL_QUERY_CLIENT_PROCESS).done(PIPE_DISCONNECTED)


# ---- internal transfers ----

@rule("4", "internal transfers", "INTERNAL_WRITE writes and INTERNAL_READ reads as the plain calls do", mirrored=True, **NATIVE)
def internal_transfers(t):
    a, b = t.pair(MM)
    read = a.control(FSCTL_INTERNAL_READ, length=4).pending()
    write = b.control(FSCTL_INTERNAL_WRITE, b"0123456789", 0).done(SUCCESS, b"")
    t.equal("bytes written", write.answer["information"], 10)
    read.done(BUFFER_OVERFLOW, b"0123")
    a.control(FSCTL_INTERNAL_READ, length=100).done(SUCCESS, b"456789")


@rule("4", "internal transceive", "INTERNAL_TRANSCEIVE is TRANSCEIVE", mirrored=True, **NATIVE)
def internal_transceive(t):
    a, b = t.pair(MM)
    exchange = a.control(FSCTL_INTERNAL_TRANSCEIVE, b"question", 100).pending()
    b.read(100).done(SUCCESS, b"question")
    b.write(b"answer").done(SUCCESS, 6)
    exchange.done(SUCCESS, b"answer")


@rule("4", "overflowing read", "INTERNAL_READ_OVFLOW of a message that does not fit: BUFFER_OVERFLOW, and nothing is consumed",
      mirrored=True, **NATIVE)
def overflowing_read(t):
    a, b = t.pair(MM)
    b.write(b"0123456789").done(SUCCESS, 10)
    a.control(FSCTL_INTERNAL_READ_OVFLOW, length=9).done(BUFFER_OVERFLOW, b"")
    a.peek().done(SUCCESS, Peek(available=10, messages=1, data=b"0123456789"))
    a.control(FSCTL_INTERNAL_READ_OVFLOW, length=10).done(SUCCESS, b"0123456789")


@rule("4", "pending overflowing read", "the same for a read that waits: a message that fits is taken, another one stays",
      mirrored=True, **NATIVE)
def pending_overflowing_read(t):
    a, b = t.pair(MM)
    read = a.control(FSCTL_INTERNAL_READ_OVFLOW, length=4).pending()
    b.write(b"1234").done(SUCCESS, 4)
    read.done(SUCCESS, b"1234")
    read = a.control(FSCTL_INTERNAL_READ_OVFLOW, length=4).pending()
    b.write(b"12345").done(SUCCESS, 5)
    read.done(BUFFER_OVERFLOW, b"")
    a.read(100).done(SUCCESS, b"12345")


@rule("4", "overflowing read of bytes", "in byte read mode INTERNAL_READ_OVFLOW takes what fits", mirrored=True, **NATIVE)
def overflowing_read_of_bytes(t):
    a, b = t.pair(B)
    b.write(b"0123456789").done(SUCCESS, 10)
    a.control(FSCTL_INTERNAL_READ_OVFLOW, length=4).done(SUCCESS, b"0123")
