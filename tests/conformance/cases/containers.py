# SPDX-License-Identifier: LGPL-2.1-or-later
"""containers.py: cases 13, 19 to 33, 36 to 40, 194, and section 1.4 to 1.8: handles that are no pipes, pipes without a name,
enumeration, notification, aliases, volume information."""
import struct

from conformance.registry import case, rule
from conformance.vocabulary import *  # noqa: F403

ROOT = "\\\\.\\pipe\\"
VOLUME = "\\\\.\\pipe"
CONTAINERS = {"volume": VOLUME, "root": ROOT}

FSCTL_ASSIGN_EVENT, FSCTL_QUERY_EVENT, FSCTL_IMPERSONATE = 0x110000, 0x110010, 0x11001C
FSCTL_SET_CLIENT_PROCESS, FSCTL_QUERY_CLIENT_PROCESS, FSCTL_GET_CONNECTION_ATTRIBUTE = 0x110020, 0x110024, 0x110030
FSCTL_SILO_ARRIVAL, FSCTL_CREATE_SYMLINK, FSCTL_DELETE_SYMLINK = 0x118048, 0x11004C, 0x110050

DIRECTORY_INFORMATION, FULL_DIRECTORY, BOTH_DIRECTORY, NAMES = 1, 2, 3, 12
RESTART, SINGLE = 1, 2
NAME_OFFSETS = {DIRECTORY_INFORMATION: 64, FULL_DIRECTORY: 68, BOTH_DIRECTORY: 94, NAMES: 12}
CHANGE_NAME, CHANGE_ATTRIBUTES = 0x3, 0x4


def wait_buffer(name, milliseconds):
    wide = name.encode("utf-16-le")
    return struct.pack("<qIBB", -10000 * milliseconds, len(wide), 1, 0) + wide


def entries(data, information_class):
    """[(name, EndOfFile, AllocationSize, FileAttributes)] of a directory buffer; None for what the class does not have."""
    found, at = [], 0
    while True:
        next_offset = struct.unpack_from("<I", data, at)[0]
        offset = at + NAME_OFFSETS[information_class]
        if information_class == NAMES:
            (length,), sizes = struct.unpack_from("<I", data, at + 8), (None, None, None)
        else:
            times = struct.unpack_from("<4q", data, at + 8)
            end, allocation, attributes, length = struct.unpack_from("<QQII", data, at + 40)
            assert times == (0, 0, 0, 0)
            sizes = (end, allocation, attributes)
        found.append((data[offset:offset + length].decode("utf-16-le"), *sizes))
        if next_offset == 0:
            return found
        assert next_offset % 8 == 0
        at += next_offset


def listing(t, directory, pattern, information_class=DIRECTORY_INFORMATION, flags=0, length=65536):
    return entries(directory.enumerate(information_class, pattern, flags, length).some(), information_class)


# ---- the two handles ----

@case(13, "WO:test_namespace_pipe", r"when opening `\??\pipe\` or `\??\pipe`; then SUCCESS", ends="server",
      each={"root": "\\??\\pipe\\", "volume": "\\??\\pipe", "win32-root": ROOT, "win32-volume": VOLUME,
            "device-root": "\\Device\\NamedPipe\\", "device": "\\Device\\NamedPipe", "dos": "\\DosDevices\\PIPE\\"}, needs=["device"])
def containers_open(t, given):
    directory = t.directory(given)
    t.equal("name of the object", directory.object_name,
            "\\Device\\NamedPipe" + ("\\" if given.endswith("\\") else ""))


@case(19, "WN:test_empty_name T",
      r"given a handle on `\Device\NamedPipe`; when creating with it as root and empty name; then OBJECT_NAME_INVALID",
      ends="server", needs=["device"])
def unnamed_in_the_volume(t):
    volume = t.directory(VOLUME)
    t.creating("", directory=volume.number).done(OBJECT_NAME_INVALID)


@case(20, "WN:test_empty_name", r"same root; when creating `test3\pipe`; then OBJECT_NAME_INVALID", ends="server", needs=["device"])
def relative_to_the_volume(t):
    volume = t.directory(VOLUME)
    t.creating(t.name("\\pipe"), directory=volume.number).done(OBJECT_NAME_INVALID)
    t.opening(t.name("\\pipe"), by=t.environment.server, directory=volume.number).done(OBJECT_NAME_INVALID)


@case(21, "WN:test_empty_name",
      r"given a handle on `\Device\NamedPipe\`; when creating relative `test3\pipe`; then SUCCESS and `\\.\pipe\test3\pipe` opens",
      needs=["native client", "device"])
def relative_to_the_root(t):
    root = t.directory()
    t.create(t.name("\\pipe"), directory=root.number, max_instances=2, disposition=FILE_OPEN_IF)
    t.open(ROOT + t.name("\\pipe"))
    t.create(t.name("\\pipe"), disposition=FILE_OPEN)
    t.open(t.name("\\pipe"), by=t.environment.server, directory=root.number)


@case(22, "WN:test_empty_name",
      "root directory handle, empty name, FILE_CREATE, twice; then two SUCCESS, two unrelated pipes", ends="server", needs=["device"])
def unnamed_pipes(t):
    root = t.directory()
    first = t.create("", directory=root.number, max_instances=1)
    second = t.create("", directory=root.number, max_instances=1)
    third = t.create("", directory=root.number, max_instances=1, disposition=FILE_OPEN_IF)
    for server in (first, second, third):
        t.equal("Information of the create", server.information, CREATED)
        server.shows(current_instances=1, maximum_instances=1)


@case(23, "WN:test_empty_name T", "same, FILE_OPEN; then OBJECT_NAME_NOT_FOUND", ends="server", needs=["device"])
def unnamed_pipe_that_must_exist(t):
    root = t.directory()
    t.create("", directory=root.number)
    t.creating("", directory=root.number, disposition=FILE_OPEN).done(OBJECT_NAME_NOT_FOUND)


def unnamed(t, **parameters):
    return t.create("", directory=t.directory().number, **parameters)


def opening_client_of(t, server, name="", **parameters):
    return t.opening(name, by=t.environment.server, relative_to=server.number, **parameters)


def client_of(t, server, **parameters):
    return t.open("", by=t.environment.server, relative_to=server.number, **parameters)


@case(24, "WN:test_empty_name",
      "given an unnamed server; when opening relative to it name `a`; then OBJECT_NAME_INVALID; empty name: SUCCESS", ends="server", needs=["device"])
def client_of_an_unnamed_pipe(t):
    server = unnamed(t)
    opening_client_of(t, server, "a").done(OBJECT_NAME_INVALID)
    client = client_of(t, server)
    client.write(b"data").done(SUCCESS, 4)
    server.read(4).done(SUCCESS, b"data")


@case(25, "WN:test_empty_name",
      "given a connected unnamed server; when opening again relative to it with GENERIC_READ or GENERIC_WRITE; then "
      "PIPE_NOT_AVAILABLE", ends="server", each={"read": GENERIC_READ, "write": GENERIC_WRITE, "nothing": 0, "all": GENERIC_ALL}, needs=["device"])
def second_client_of_an_unnamed_pipe(t, given):
    server = unnamed(t)
    client = client_of(t, server)
    opening_client_of(t, server, desired_access=given).done(PIPE_NOT_AVAILABLE)
    opening_client_of(t, client, desired_access=given).done(PIPE_NOT_AVAILABLE)


@case(26, "WN:test_empty_name",
      "given two unnamed pipes with clients; when each client writes 4 bytes; then each server reads its own client's bytes",
      ends="server", needs=["device"])
def two_unnamed_pipes(t):
    servers = [unnamed(t), unnamed(t)]
    clients = [client_of(t, server) for server in servers]
    clients[1].write(b"two2").done(SUCCESS, 4)
    clients[0].write(b"one1").done(SUCCESS, 4)
    servers[0].read(10).done(SUCCESS, b"one1")
    servers[1].read(10).done(SUCCESS, b"two2")


@case(27, "WN:test_empty_name",
      "when querying ObjectNameInformation of unnamed server or client; then OBJECT_PATH_INVALID; type name `File`", ends="server",
      note="the type of the object is NT's object manager's word for it", needs=["device"])
def name_of_an_unnamed_pipe(t):
    server = unnamed(t)
    client = client_of(t, server)
    server.object_name().done(OBJECT_PATH_INVALID)
    client.object_name().done(OBJECT_PATH_INVALID)
    t.create(t.name("\\x")).object_name().done(SUCCESS, "\\Device\\NamedPipe\\" + t.name("\\x"))


@case(29, "WN:subtest_empty_name_pipe_operations T", "on volume or root handle, read and write; then INVALID_PARAMETER",
      ends="server", each=CONTAINERS, needs=["device"])
def transfers_on_containers(t, given):
    directory = t.directory(given)
    directory.read().done(INVALID_PARAMETER)
    directory.write().done(INVALID_PARAMETER)
    without = t.directory(given, desired_access=SYNCHRONIZE)
    without.read().done(ACCESS_DENIED)
    without.write().done(ACCESS_DENIED)


@case(30, "WN:subtest... T",
      "on either container handle PEEK and GET_CONNECTION_ATTRIBUTE(ClientProcessId); then INVALID_PARAMETER", ends="server",
      each=CONTAINERS, needs=["device"])
def questions_to_containers(t, given):
    directory = t.directory(given)
    directory.control(FSCTL_PEEK).done(INVALID_PARAMETER)
    directory.control(FSCTL_GET_CONNECTION_ATTRIBUTE, b"ClientProcessId\0").done(INVALID_PARAMETER)
    t.directory(given, desired_access=SYNCHRONIZE).control(FSCTL_PEEK).done(ACCESS_DENIED)


@case(31, "WN:subtest... T",
      "DISCONNECT and TRANSCEIVE on either; then PIPE_DISCONNECTED; LISTEN and IMPERSONATE: ILLEGAL_FUNCTION", ends="server",
      each=CONTAINERS, needs=["device"])
def states_of_containers(t, given):
    directory = t.directory(given)
    directory.control(FSCTL_DISCONNECT).done(PIPE_DISCONNECTED)
    directory.control(FSCTL_TRANSCEIVE, b"data").done(PIPE_DISCONNECTED)
    directory.control(FSCTL_LISTEN).done(ILLEGAL_FUNCTION)
    directory.control(FSCTL_IMPERSONATE).done(ILLEGAL_FUNCTION)


@case(32, "WN:subtest...",
      "ASSIGN_EVENT, QUERY_EVENT, SET_CLIENT_PROCESS on either; then NOT_SUPPORTED; QUERY_CLIENT_PROCESS: INVALID_PARAMETER",
      ends="server", each=CONTAINERS, needs=["device"])
def old_codes_on_containers(t, given):
    directory = t.directory(given)
    directory.control(FSCTL_ASSIGN_EVENT, bytes(16)).done(NOT_SUPPORTED)
    directory.control(FSCTL_QUERY_EVENT, bytes(8)).done(NOT_SUPPORTED)
    directory.control(FSCTL_SET_CLIENT_PROCESS, bytes(16)).done(NOT_SUPPORTED)
    directory.control(FSCTL_QUERY_CLIENT_PROCESS).done(INVALID_PARAMETER)


@case(33, "WN:test_empty_name",
      r'FSCTL WAIT("nonexistent_pipe", timeout 0) on `\Device\NamedPipe`; then ILLEGAL_FUNCTION; on `\Device\NamedPipe\`: '
      "OBJECT_NAME_NOT_FOUND", ends="server", needs=["device"])
def wait_on_containers(t):
    t.directory(VOLUME).control(FSCTL_WAIT, wait_buffer(t.name(), 0)).done(ILLEGAL_FUNCTION)
    t.directory(ROOT).control(FSCTL_WAIT, wait_buffer(t.name(), 0)).done(OBJECT_NAME_NOT_FOUND)


@rule("1.4", "wait on the root", "FSCTL_PIPE_WAIT works on the root directory: pending until an instance listens, cancellable",
      ends="server", needs=["device"])
def wait_on_the_root(t):
    root = t.directory()
    root.control(FSCTL_WAIT, wait_buffer(t.name(), 10_000)[:13]).done(INVALID_PARAMETER)
    t.create(max_instances=1)
    root.control(FSCTL_WAIT, wait_buffer(t.name(), 10_000)).done(SUCCESS)
    client = t.open(by=t.environment.server)
    waiting = root.control(FSCTL_WAIT, wait_buffer(t.name(), 1_000_000)).pending()
    waiting.cancel()
    waiting.done(CANCELLED)
    client.close()


@case(36, "WN:test_file_info T", r"FileNameInformation on handle of `\\.\pipe`, large buffer; then INVALID_PARAMETER", ends="server", needs=["device"])
def name_of_the_volume(t):
    volume = t.directory(VOLUME)
    volume.query(9).done(INVALID_PARAMETER)
    volume.query(9, 0).done(INFO_LENGTH_MISMATCH)
    volume.query(9, 4).done(INFO_LENGTH_MISMATCH)


@rule("1.4", "information of containers",
      r"FileNameInformation of the root is `\`; other file information INVALID_PARAMETER, but what the I/O manager answers", ends="server", needs=["device"])
def information_of_containers(t):
    root = t.directory(options=0x20)
    root.query(9).done(SUCCESS, struct.pack("<I", 2) + "\\".encode("utf-16-le"))
    root.query(9, 4).done(INFO_LENGTH_MISMATCH)
    root.query(16).done(SUCCESS, struct.pack("<I", 0x20))
    root.query(8).done(SUCCESS, struct.pack("<I", root.granted_access))
    for directory in (root, t.directory(VOLUME)):
        for information_class in (4, 5, 6, 14, 18, 23, 24, 25, 34):
            directory.query(information_class).done(INVALID_PARAMETER)
        directory.set(23, bytes(8)).done(INVALID_PARAMETER)


@rule("1.4", "enumeration of the volume", "directory enumeration and notification on the volume: INVALID_PARAMETER; without the right "
      "to list: ACCESS_DENIED", ends="server", needs=["device"])
def enumeration_of_the_volume(t):
    volume = t.directory(VOLUME)
    volume.enumerate(NAMES).done(INVALID_PARAMETER)
    volume.notify(CHANGE_NAME).done(INVALID_PARAMETER)
    without = t.directory(ROOT, desired_access=SYNCHRONIZE)
    without.enumerate(NAMES).done(ACCESS_DENIED)
    without.notify(CHANGE_NAME).done(ACCESS_DENIED)


# ---- pipes without a name ----

@rule("1.5", "unnamed pipes", "an unnamed pipe is in no listing and cannot be waited for; its FCB goes with its server", ends="server", needs=["device"])
def unnamed_pipe_is_hidden(t):
    t.create(t.name("named"))
    root = t.directory()
    seen = listing(t, root, "", NAMES)
    server = unnamed(t)
    client = client_of(t, server)
    t.equal("listing", listing(t, root, "", NAMES, RESTART), seen)
    server.shows(current_instances=1)
    server.close()
    t.settle()
    client.shows(state=CLOSING, current_instances=0)


@rule("1.5", "relative to a named pipe",
      "an empty relative open works on an ordinary pipe, too, and connects that instance though another has listened longer",
      ends="server", needs=["device"])
def relative_to_a_named_pipe(t):
    first = t.create(disposition=FILE_OPEN_IF)
    second = t.create(disposition=FILE_OPEN)
    client = client_of(t, second)
    client.write(b"x").done(SUCCESS, 1)
    second.read(1).done(SUCCESS, b"x")
    first.shows(state=LISTENING)
    first.disconnect().done(SUCCESS)
    opening_client_of(t, first).done(PIPE_NOT_AVAILABLE)


@rule("1.5", "unnamed pipe again", "an unnamed instance listens again after DISCONNECT", ends="server", needs=["device"])
def unnamed_pipe_again(t):
    server = unnamed(t)
    client = client_of(t, server)
    server.disconnect().done(SUCCESS)
    opening_client_of(t, server).done(PIPE_NOT_AVAILABLE)
    listening = server.listen().pending()
    second = client_of(t, server)
    listening.done(SUCCESS)
    second.write(b"x").done(SUCCESS, 1)
    server.read(1).done(SUCCESS, b"x")
    client.write(b"x").done(PIPE_DISCONNECTED)


@case(194, "WK:test_CreatePipe", "CreatePipe(0): flags server 1/client 0, quotas 4096/4096, max 1; CreatePipe(1): quotas 1/1",
      ends="server", each={"default": (0, 4096), "one": (1, 1), "more": (100_000, 100_000)}, needs=["device"])
def create_pipe(t, given):
    size, quota = given
    reader, writer = t.pair_without_name(size)
    for end, side in ((reader, SERVER), (writer, CLIENT)):
        end.shows(end=side, state=CONNECTED, type=BYTE, configuration=IS_INBOUND, maximum_instances=1, inbound_quota=quota,
                  outbound_quota=quota)
    writer.write(b"x").done(SUCCESS, 1)
    reader.read(10).done(SUCCESS, b"x")
    reader.write(b"x").done(ACCESS_DENIED)
    writer.read(1).done(ACCESS_DENIED)
    writer.set_modes(BYTE, QUEUE).done(ACCESS_DENIED)
    reader.set_modes(BYTE, COMPLETE).done(SUCCESS)


# ---- enumeration ----

@case(39, "R", "enumeration of the root with pipes `a` (2 of 5 instances) and `b` (unlimited); then entries `a` EndOfFile 2 "
      "AllocationSize 5, `b` AllocationSize low part 0xFFFFFFFF; attributes 0x80", ends="server",
      each={"directory": DIRECTORY_INFORMATION, "full": FULL_DIRECTORY, "both": BOTH_DIRECTORY, "names": NAMES}, needs=["device"])
def enumeration(t, given):
    t.create(t.name("b"))
    t.create(t.name("A"), max_instances=5)
    t.create(t.name("a"), disposition=FILE_OPEN)
    found = listing(t, t.directory(), t.name("*"), given)
    if given == NAMES:
        t.equal("entries", found, [(t.name("A"), None, None, None), (t.name("b"), None, None, None)])
    else:
        t.equal("entries", found, [(t.name("A"), 2, 5, 0x80), (t.name("b"), 1, 0xFFFFFFFF, 0x80)])


@rule("1.7", "classes and room", "other classes INVALID_INFO_CLASS; no room for the fixed part INFO_LENGTH_MISMATCH; a name that does "
      "not fit is cut with BUFFER_OVERFLOW", ends="server", needs=["device"])
def enumeration_room(t):
    t.create(t.name("cut"))
    root = t.directory()
    for information_class in (0, 4, 5, 9, 37, 38):
        root.enumerate(information_class).done(INVALID_INFO_CLASS)
    for information_class, shortest in ((DIRECTORY_INFORMATION, 72), (FULL_DIRECTORY, 72), (BOTH_DIRECTORY, 96), (NAMES, 16)):
        directory = t.directory()
        directory.enumerate(information_class, t.name("cut"), length=shortest - 1).done(INFO_LENGTH_MISMATCH)
        data = directory.enumerate(information_class, t.name("cut"), length=shortest + 4).some()
        t.equal("length", len(data), shortest + 4)
        wide = t.name("cut").encode("utf-16-le")
        offset = NAME_OFFSETS[information_class]
        t.equal("length of the whole name", struct.unpack_from("<I", data, 8 if information_class == NAMES else 60)[0], len(wide))
        directory.enumerate(information_class, flags=RESTART, length=shortest + 4).done(BUFFER_OVERFLOW, data)
        t.equal("part of the name", data[offset:], wide[:len(data) - offset])
        directory.enumerate(information_class, length=1000).done(NO_MORE_FILES, b"")


@rule("1.7", "going on", "calls go on one behind the other; SINGLE_ENTRY one entry; RESTART_SCAN from the start; nothing matches: "
      "NO_SUCH_FILE on the first call, NO_MORE_FILES after that; the first call's pattern counts", ends="server", needs=["device"])
def enumeration_goes_on(t):
    for letter in "dbcae":
        t.create(t.name(letter))
    root = t.directory()
    names = [listing(t, root, t.name("*"), NAMES, SINGLE)[0][0][-1] for _ in range(2)]
    t.equal("one by one", names, ["a", "b"])
    t.equal("the rest", [name[-1] for name, *_ in listing(t, root, "nothing", NAMES)], ["c", "d", "e"])
    root.enumerate(NAMES).done(NO_MORE_FILES, b"")
    t.equal("from the start", [name[-1] for name, *_ in listing(t, root, "", NAMES, RESTART)], list("abcde"))
    root.enumerate(NAMES).done(NO_MORE_FILES, b"")
    t.directory().enumerate(NAMES, t.name("x*")).done(NO_SUCH_FILE)
    other = t.directory()
    entry = 16 + len(t.name("a")) * 2
    room = (entry + 7) // 8 * 8 * 2 + 4
    t.equal("as many as fit", [name[-1] for name, *_ in listing(t, other, t.name("*"), NAMES, length=room)], ["a", "b"])
    t.equal("then the next", [name[-1] for name, *_ in listing(t, other, t.name("*"), NAMES, length=room)], ["c", "d"])


@rule("1.7", "while names come and go", "an enumeration goes on behind the last name, whether that is still there or not", ends="server", needs=["device"])
def enumeration_of_what_changes(t):
    servers = {letter: t.create(t.name(letter)) for letter in "bdf"}
    root = t.directory()
    t.equal("first", listing(t, root, t.name("*"), NAMES, SINGLE)[0][0], t.name("b"))
    servers["b"].close()
    servers["d"].close()
    t.create(t.name("a"))
    t.create(t.name("e"))
    t.settle()
    t.equal("the rest", [name[-1] for name, *_ in listing(t, root, "", NAMES)], ["e", "f"])


@rule("1.7", "patterns", "the pattern is a wildcard expression on the upcased name", ends="server",
      each={"star": ("*.a", "xy.a"), "question": ("?y.a", "xy.a"), "case": ("X?.A", "xy.a"), "dos-star": ("<.a", "xy.a"),
            "dos-star-no-extension": ("<", "xy"), "dos-question": ("x>>>", "xy"), "dos-dot": ('xy"a', "xy.a"),
            "dos-dot-end": ('xy"', "xy"), "exact": ("xy", "xy")}, needs=["device"])
def enumeration_patterns(t, given):
    pattern, match = given
    for name in ("xy", "xy.a", "zz\\b.c"):
        t.create(t.name("-") + name)
    found = [name.removeprefix(t.name("-")) for name, *_ in listing(t, t.directory(), t.name("-") + pattern, NAMES)]
    t.equal("matches", found, [match])


# ---- change notification ----

@rule("1.7", "notification of names", "one list completes when a pipe name appears or disappears, SUCCESS with nothing", ends="server", needs=["device"])
def notification_of_names(t):
    root = t.directory()
    appearing = root.notify(CHANGE_NAME).pending()
    server = t.create(max_instances=3)
    appearing.done(SUCCESS)
    quiet = root.notify(CHANGE_NAME).pending()
    second = t.create(disposition=FILE_OPEN)
    client = t.open(by=t.environment.server)
    server.disconnect().done(SUCCESS)
    second.close()
    client.close()
    quiet.pending()
    server.close()
    quiet.done(SUCCESS)


@rule("1.7", "notification of states", "the other list completes on any instance or state change", ends="server",
      each={"instance": "instance", "connect": "connect", "disconnect": "disconnect", "listen": "listen", "client closes": "client",
            "server closes": "server"}, needs=["device"])
def notification_of_states(t, given):
    root = t.directory()
    first = t.create(max_instances=3)
    server = t.create(disposition=FILE_OPEN)
    client = None
    if given != "connect":
        client = t.open(by=t.environment.server)
    if given == "listen":
        first.disconnect().done(SUCCESS)
    changing = root.notify(CHANGE_NAME | CHANGE_ATTRIBUTES).pending()
    names = root.notify(CHANGE_NAME).pending()
    if given == "instance":
        t.create(disposition=FILE_OPEN)
    elif given == "connect":
        t.open(by=t.environment.server)
    elif given == "disconnect":
        first.disconnect().done(SUCCESS)
    elif given == "listen":
        first.listen().pending()
    elif given == "client":
        client.close()
    else:
        server.close()
    changing.done(SUCCESS)
    names.pending()
    names.cancel()
    names.done(CANCELLED)


@rule("1.7", "notification filter", "an empty or unknown completion filter: INVALID_PARAMETER; each completes all that wait",
      ends="server", needs=["device"])
def notification_filter(t):
    root = t.directory()
    root.notify(0).done(INVALID_PARAMETER)
    root.notify(0x1000).done(INVALID_PARAMETER)
    waiting = [root.notify(0xFFF).pending(), t.directory().notify(0x1).pending(), t.directory().notify(0x2).pending()]
    t.create()
    for op in waiting:
        op.done(SUCCESS)


# ---- volume information ----

DEVICE_NAMED_PIPE = 0x11


def volume_questions(t):
    s = t.create()
    c = t.open()
    return {"server": s, "client": c, "root": t.directory(), "volume": t.directory(VOLUME)}


@case(37, "WN:test_volume_info",
      "FileFsDeviceInformation on either end; then 8/SUCCESS, type 0x11, characteristics 0 (bit 0x20000 tolerated)",
      needs=["native client", "device"])
def device_information(t):
    for handle in volume_questions(t).values():
        handle.volume(4).done(SUCCESS, struct.pack("<2I", DEVICE_NAMED_PIPE, 0))
        handle.volume(4, 7).done(INFO_LENGTH_MISMATCH)


@case(38, "RT:NpfsVolumeInfo",
      "FileFsVolumeInformation; then label `NamedPipe`, serial 0; FileFsAttributeInformation: 0x2, 0xFFFFFFFF, `NPFS`, "
      "Information 20", needs=["native client", "device"])
def volume_information(t):
    label = "NamedPipe".encode("utf-16-le")
    volume = struct.pack("<qIIBB", 0, 0, len(label), 0, 0) + label
    attributes = struct.pack("<3I", 2, 0xFFFFFFFF, 8) + "NPFS".encode("utf-16-le")
    for handle in volume_questions(t).values():
        handle.volume(1).done(SUCCESS, volume)
        handle.volume(1, 30).done(BUFFER_OVERFLOW, volume[:30])
        handle.volume(1, 23).done(INFO_LENGTH_MISMATCH)
        handle.volume(5).done(SUCCESS, attributes)
        handle.volume(5, 16).done(BUFFER_OVERFLOW, attributes[:16])


@rule("1.8", "other volume classes", "FileFsSize and FileFsFullSize are empty, with units of 1; others NOT_SUPPORTED",
      needs=["native client", "device"])
def other_volume_classes(t):
    for handle in volume_questions(t).values():
        handle.volume(3).done(SUCCESS, struct.pack("<qqII", 0, 0, 1, 1))
        handle.volume(7).done(SUCCESS, bytes(32))
        for information_class in (0, 2, 6, 8, 9):
            handle.volume(information_class).done(NOT_SUPPORTED)


# ---- aliases ----

@case(40, "OSR", "alias table lsass <- {netlogon, lsarpc, samr}, server pipe `lsass`; when a client opens `SAMR`; then it connects to "
      "`lsass`", needs=["native client"])
def aliases(t):
    for alias in ("netlogon", "lsarpc", "samr"):
        t.alias(t.name(alias), t.name("lsass")).done(SUCCESS)
    t.opening(t.name("SAMR")).done(OBJECT_NAME_NOT_FOUND)
    s = t.create(t.name("lsass"))
    c = t.open(t.name("SAMR"))
    c.write(b"x").done(SUCCESS, 1)
    s.read(1).done(SUCCESS, b"x")
    wide = ("\\" + t.name("lsass")).encode("utf-16-le")
    c.query(9).done(SUCCESS, struct.pack("<I", len(wide)) + wide)


@rule("1.6", "aliases", "aliases are for clients: waits resolve them, creates do not, listings do not show them; they come and go",
      needs=["native client", "device"])
def aliases_elsewhere(t):
    t.alias(t.name("alias"), t.name("real")).done(SUCCESS)
    t.alias(t.name("ALIAS"), t.name("other")).done(OBJECT_NAME_COLLISION)
    t.wait(t.name("alias"), 10).done(OBJECT_NAME_NOT_FOUND)
    t.create(t.name("real"))
    t.wait(t.name("Alias"), 10).done(SUCCESS)
    t.equal("names", [name for name, *_ in listing(t, t.directory(), t.name("*"), NAMES)], [t.name("real")])
    t.create(t.name("alias"), max_instances=1)
    t.open(t.name("alias")).shows(maximum_instances=UNLIMITED)
    t.alias(t.name("alias")).done(SUCCESS)
    t.alias(t.name("alias")).done(OBJECT_NAME_NOT_FOUND)
    t.open(t.name("alias")).shows(maximum_instances=1)


def symlink(name, real, flags=2):
    wide_name, wide_real = name.encode("utf-16-le"), real.encode("utf-16-le")
    return struct.pack("<4HI", 12, len(wide_name), 12 + len(wide_name), len(wide_real), flags) + wide_name + wide_real


@rule("4", "symbolic links", "CREATE_SYMLINK and DELETE_SYMLINK on the root make and remove an alias; on the volume ILLEGAL_FUNCTION; "
      "a structure that is cut INVALID_PARAMETER", needs=["native client", "device"])
def symbolic_links(t):
    root = t.directory()
    data = symlink(t.name("link"), t.name("real"))
    t.directory(VOLUME).control(FSCTL_CREATE_SYMLINK, data).done(ILLEGAL_FUNCTION)
    root.control(FSCTL_CREATE_SYMLINK, data[:11]).done(INVALID_PARAMETER)
    root.control(FSCTL_CREATE_SYMLINK, data[:-2]).done(INVALID_PARAMETER)
    root.control(FSCTL_CREATE_SYMLINK, symlink(t.name("link"), t.name("real"), 4)).done(INVALID_PARAMETER)
    root.control(FSCTL_CREATE_SYMLINK, data).done(SUCCESS)
    root.control(FSCTL_CREATE_SYMLINK, symlink(t.name("other"), "\\Device\\NamedPipe\\" + t.name("real"), 1)).done(SUCCESS)
    t.create(t.name("real"), max_instances=2)
    t.create(t.name("real"), disposition=FILE_OPEN)
    t.open(t.name("link"))
    t.open(t.name("other"))
    wide = t.name("link").encode("utf-16-le")
    root.control(FSCTL_DELETE_SYMLINK, struct.pack("<2H", 4, len(wide)) + wide).done(SUCCESS)
    root.control(FSCTL_DELETE_SYMLINK, struct.pack("<2H", 4, len(wide)) + wide).done(OBJECT_NAME_NOT_FOUND)
    root.control(FSCTL_SILO_ARRIVAL, bytes(8)).done(NOT_SUPPORTED)
