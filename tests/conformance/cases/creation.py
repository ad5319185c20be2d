# SPDX-License-Identifier: LGPL-2.1-or-later
"""creation.py: cases 41 to 64: creating instances."""
import struct

from conformance.registry import case
from conformance.vocabulary import *  # noqa: F403


@case(41, "WN:test_create_invalid T", "create with disposition 4 or 5; then INVALID_PARAMETER", ends="server")
def overwriting_dispositions(t):
    t.creating(disposition=4).done(INVALID_PARAMETER)
    t.creating(disposition=5).done(INVALID_PARAMETER)


@case(42, "WN:test_create_invalid", "create with ShareAccess 0; then INVALID_PARAMETER", ends="server")
def no_share_access(t):
    t.creating(share_access=0).done(INVALID_PARAMETER)


@case(43, "WN:test_create_invalid", "create with access SYNCHRONIZE only; then SUCCESS; class 24 query on it: ACCESS_DENIED",
      ends="server")
def server_with_synchronize_only(t):
    t.create(desired_access=SYNCHRONIZE).query(24).done(ACCESS_DENIED)


@case(44, "WN:test_create_invalid T", "given an existing FCB unlimited; when FILE_CREATE again; then ACCESS_DENIED",
      ends="server")
def file_create_of_existing(t):
    t.create()
    t.creating(disposition=FILE_CREATE).done(ACCESS_DENIED)


@case(45, "WO:test_namespace_pipe",
      "given max 1 in use; when FILE_CREATE again; then INSTANCE_NOT_AVAILABLE (not ACCESS_DENIED)", ends="server")
def count_before_disposition(t):
    t.create(max_instances=1)
    t.creating(max_instances=1, disposition=FILE_CREATE).done(INSTANCE_NOT_AVAILABLE)


@case(46, "WN:test_pipe_local_info",
      "given outbound message pipe max 1 with its server; when FILE_CREATE inbound byte pipe; then INSTANCE_NOT_AVAILABLE",
      ends="server")
def count_before_everything(t):
    t.create(max_instances=1, share_access=OUTBOUND)
    t.creating(disposition=FILE_CREATE, share_access=INBOUND, type=BYTE).done(INSTANCE_NOT_AVAILABLE)


@case(47, "WN:test_pipe_local_info",
      "given only a CLOSING client of a former pipe; when the name is created with other attributes; then SUCCESS; old client "
      "still sees its old attributes, CurrentInstances 0")
def name_is_free_when_the_server_has_gone(t):
    s, c = t.connected(MM, inbound_quota=100, outbound_quota=200)
    s.close()
    new = t.create(type=BYTE, share_access=INBOUND, max_instances=7, inbound_quota=1, outbound_quota=2)
    t.equal("Information of the create", new.information, CREATED)
    c.shows(type=MESSAGE, configuration=IS_DUPLEX, maximum_instances=1, current_instances=0, inbound_quota=100,
            outbound_quota=200, state=CLOSING)
    new.shows(type=BYTE, configuration=IS_INBOUND, maximum_instances=7, current_instances=1, inbound_quota=1,
              outbound_quota=2, state=LISTENING)


@case(48, "WN:test_create", "share READ / WRITE / both; then NamedPipeConfiguration 1 / 0 / 2 on S and on C",
      each={"read": {"share": OUTBOUND, "configuration": IS_OUTBOUND}, "write": {"share": INBOUND, "configuration": IS_INBOUND},
            "both": {"share": DUPLEX, "configuration": IS_DUPLEX}})
def direction(t, share, configuration):
    s, c = t.connected(share_access=share)
    s.shows(configuration=configuration)
    c.shows(configuration=configuration)


@case(49, "WN:test_create",
      "outbound pipe; when client opens GENERIC_WRITE or READ|WRITE; then ACCESS_DENIED; GENERIC_READ or 0: SUCCESS")
def access_to_outbound_pipe(t):
    t.create(share_access=OUTBOUND)
    t.create(share_access=OUTBOUND, disposition=FILE_OPEN)
    t.opening(desired_access=GENERIC_WRITE).done(ACCESS_DENIED)
    t.opening(desired_access=GENERIC_READ | GENERIC_WRITE).done(ACCESS_DENIED)
    t.open(desired_access=GENERIC_READ)
    t.open(desired_access=SYNCHRONIZE | READ_ATTRIBUTES)  # what CreateFile() makes of 0


@case(50, "WN:test_create",
      "inbound pipe; when client opens GENERIC_READ; then ACCESS_DENIED; GENERIC_WRITE or 0: SUCCESS")
def access_to_inbound_pipe(t):
    t.create(share_access=INBOUND)
    t.create(share_access=INBOUND, disposition=FILE_OPEN)
    t.opening(desired_access=GENERIC_READ).done(ACCESS_DENIED)
    t.opening(desired_access=GENERIC_READ | GENERIC_WRITE).done(ACCESS_DENIED)
    t.open(desired_access=GENERIC_WRITE)
    t.open(desired_access=SYNCHRONIZE | READ_ATTRIBUTES)


@case(51, "WK:test_CreateNamedPipe_instances_must_match", "max 2, same parameters twice; then success twice", ends="server")
def two_instances(t):
    t.create(max_instances=2, disposition=FILE_OPEN_IF)
    t.create(max_instances=2, disposition=FILE_OPEN_IF)


@case(52, "WK:test_CreateNamedPipe_instances_must_match", "max 1 twice; then second error 231", ends="server")
def one_instance_only(t):
    t.create(max_instances=1, disposition=FILE_OPEN_IF)
    t.creating(max_instances=1, disposition=FILE_OPEN_IF).done(INSTANCE_NOT_AVAILABLE)


@case(53, "WK:test_CreateNamedPipe_instances_must_match", "duplex then inbound; then second error 5", ends="server")
def other_direction(t):
    t.create(share_access=DUPLEX, disposition=FILE_OPEN_IF)
    t.creating(share_access=INBOUND, disposition=FILE_OPEN_IF).done(ACCESS_DENIED)


@case(54, "WK:test_CreateNamedPipe_instances_must_match",
      "first byte/max 4/1024/1024, second message/max 3/102/24/timeout 1234; then success", ends="server")
def instances_may_differ(t):
    t.create(type=BYTE, max_instances=4, inbound_quota=1024, outbound_quota=1024, disposition=FILE_OPEN_IF)
    second = t.create(type=MESSAGE, max_instances=3, inbound_quota=102, outbound_quota=24, default_timeout=-1234 * SECOND // 1000,
                      disposition=FILE_OPEN_IF)
    second.shows(type=BYTE, maximum_instances=4, current_instances=2, inbound_quota=102, outbound_quota=24)


@case(55, "WK:test_CreateNamedPipe", "TYPE_BYTE|READMODE_MESSAGE; then error 87", ends="server")
def message_mode_on_byte_pipe(t):
    t.creating(type=BYTE, read_mode=MESSAGE).done(INVALID_PARAMETER)


@case(56, "R", "FILE_OPEN on an unknown name; then OBJECT_NAME_NOT_FOUND", ends="server")
def file_open_of_unknown(t):
    t.creating(disposition=FILE_OPEN).done(OBJECT_NAME_NOT_FOUND)


@case(57, "R", "MaximumInstances 0, or DefaultTimeout >= 0, or no timeout on a new pipe; then INVALID_PARAMETER", ends="server",
      note="the API cannot leave the timeout out")
def numbers_that_make_no_sense(t):
    t.creating(max_instances=0).done(INVALID_PARAMETER)
    t.creating(default_timeout=0).done(INVALID_PARAMETER)
    t.creating(default_timeout=10 * SECOND).done(INVALID_PARAMETER)


@case(58, "RT:NpfsCreate", "new pipe: Information 2; second instance: Information 1", ends="server")
def information_of_create(t):
    t.equal("Information of the first", t.create(disposition=FILE_OPEN_IF).information, CREATED)
    t.equal("Information of the second", t.create(disposition=FILE_OPEN_IF).information, OPENED)


@case(59, "RT:NpfsCreate", "quotas 0, 1, 4095, 524288; then class 24 reports exactly these",
      each={str(quota): quota for quota in (0, 1, 4095, 524288)})
def quotas_as_given(t, given):
    s, c = t.connected(inbound_quota=given, outbound_quota=given)
    for end in s, c:
        end.shows(inbound_quota=given, outbound_quota=given, write_quota_available=given)


@case(60, "WK:test_GetNamedPipeInfo",
      "byte/1024/1024/1; then flags 1, sizes 1024, max 1; message nowait max 3: flags 5, max 3; quotas 0; quotas 0xF000",
      ends="server")
def pipe_info(t):
    t.create(t.name("1"), type=BYTE, inbound_quota=1024, outbound_quota=1024, max_instances=1).shows(
        end=SERVER, type=BYTE, inbound_quota=1024, outbound_quota=1024, maximum_instances=1)
    t.create(t.name("2"), type=MESSAGE, completion_mode=COMPLETE, inbound_quota=1024, outbound_quota=1024, max_instances=3).shows(
        end=SERVER, type=MESSAGE, inbound_quota=1024, outbound_quota=1024, maximum_instances=3)
    t.create(t.name("3"), inbound_quota=0, outbound_quota=0).shows(inbound_quota=0, outbound_quota=0)
    t.create(t.name("4"), inbound_quota=0xF000, outbound_quota=0xF000).shows(inbound_quota=0xF000, outbound_quota=0xF000)


@case(61, "WK:test_CreateNamedPipe",
      "granted access of S: DUPLEX 0x12019F, INBOUND FILE_GENERIC_READ, OUTBOUND FILE_GENERIC_WRITE; C opened with 0: "
      "SYNCHRONIZE|READ_ATTRIBUTES",
      each={"duplex": {"share": DUPLEX, "asked": GENERIC_READ | GENERIC_WRITE, "granted": 0x12019F},
            "inbound": {"share": INBOUND, "asked": GENERIC_READ, "granted": FILE_GENERIC_READ},
            "outbound": {"share": OUTBOUND, "asked": GENERIC_WRITE, "granted": FILE_GENERIC_WRITE}})
def granted_access(t, share, asked, granted):
    s = t.create(share_access=share, desired_access=asked | SYNCHRONIZE)
    s.query(8).done(SUCCESS, struct.pack("<I", granted))
    t.equal("granted access", s.granted_access, granted)
    c = t.open(desired_access=SYNCHRONIZE | READ_ATTRIBUTES)
    c.query(8).done(SUCCESS, struct.pack("<I", SYNCHRONIZE | READ_ATTRIBUTES))


@case(63, "D", "FIRST_PIPE_INSTANCE on existing name; then error 5", ends="server")
def first_pipe_instance(t):
    t.create(disposition=FILE_OPEN_IF)
    t.creating(disposition=FILE_CREATE).done(ACCESS_DENIED)


@case(64, "R", "SD of the FCB lacks 0x4 for the caller; when creating a second instance; then ACCESS_DENIED; when opening as "
      "client with GENERIC_WRITE and 0x2,0x10,0x100,0x20000,0x100000 granted: SUCCESS")
def right_to_create_instances(t):
    t.create(sddl="D:(A;;0x120112;;;WD)")
    t.creating(disposition=FILE_OPEN_IF, desired_access=GENERIC_WRITE).done(ACCESS_DENIED)
    t.creating(disposition=FILE_OPEN_IF, desired_access=SYNCHRONIZE).done(ACCESS_DENIED)
    t.open(desired_access=GENERIC_WRITE)
