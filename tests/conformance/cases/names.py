# SPDX-License-Identifier: LGPL-2.1-or-later
"""names.py: cases 1 to 40: names."""
import string
import struct

from conformance.registry import case
from conformance.vocabulary import *  # noqa: F403

NATIVE = "\\Device\\NamedPipe"
LONGEST_PATH = 65532  # bytes of UTF-16


def name_information(name):
    wide = ("\\" + name).encode("utf-16-le")
    return struct.pack("<I", len(wide)) + wide


@case(1, "WN:test_pipe_names T", r"given nothing; when creating `\Device\NamedPipe`; then OBJECT_NAME_INVALID", ends="server")
def no_name_without_slash(t):
    t.creating(NATIVE).done(OBJECT_NAME_INVALID)


@case(2, "WN:test_pipe_names T", r"when creating `\Device\NamedPipe\`; then OBJECT_NAME_INVALID", ends="server")
def no_name(t):
    t.creating(NATIVE + "\\").done(OBJECT_NAME_INVALID)


@case(3, "WN:test_pipe_names",
      r"when creating `\Device\NamedPipe\\`; then SUCCESS and a client with access SYNCHRONIZE opens the same path",
      needs=["native client"])
def name_of_one_backslash(t):
    t.create(NATIVE + "\\\\")
    t.open(NATIVE + "\\\\", desired_access=SYNCHRONIZE)


@case(4, "WN:test_pipe_names", r"given pipe `wine-test\`; when opening `wine-test`; then OBJECT_NAME_NOT_FOUND")
def trailing_backslash_is_missing(t):
    t.create(t.name("\\"))
    t.opening(t.name()).done(OBJECT_NAME_NOT_FOUND)


@case(5, "WN:test_pipe_names", r"given pipe `wine/test`; when opening `wine\test`; then OBJECT_NAME_NOT_FOUND")
def slash_is_no_backslash(t):
    t.create(t.name("/test"))
    t.opening(t.name("\\test")).done(OBJECT_NAME_NOT_FOUND)


@case(6, "WN:test_pipe_names", "when creating and opening `wine:test`; then SUCCESS both")
def colon(t):
    t.create(t.name(":test"))
    t.open(t.name(":test"))


@case(7, "WN:test_pipe_names", r"given `wine\.\test`; when opening `wine\test`; then OBJECT_NAME_NOT_FOUND")
def dot_is_text(t):
    t.create(t.name("\\.\\test"))
    t.opening(t.name("\\test")).done(OBJECT_NAME_NOT_FOUND)


@case(8, "WN:test_pipe_names", r"given `wine\..\test`; when opening `test`; then OBJECT_NAME_NOT_FOUND")
def dot_dot_is_text(t):
    t.create(f"{t.name()}\\..\\{t.name('test')}")
    t.opening(t.name("test")).done(OBJECT_NAME_NOT_FOUND)


@case(9, "WN:test_pipe_names", r"when creating `..\wine-test`; then SUCCESS", ends="server")
def leading_dot_dot(t):
    t.create("..\\" + t.name())


@case(10, "WN:test_pipe_names", "when creating a name made of all ASCII punctuation; then SUCCESS and it opens",
      needs=["native client"])
def punctuation(t):
    t.create(t.name(string.punctuation))
    t.open(t.name(string.punctuation))


@case(11, "WO:test_namespace_pipe",
      r"given `test\pipe` max 1; when creating `TEST\PIPE` without OBJ_CASE_INSENSITIVE; then INSTANCE_NOT_AVAILABLE",
      ends="server")
def names_ignore_case(t):
    t.create(t.name("test\\pipe"), max_instances=1)
    t.creating(t.name("TEST\\PIPE").upper()).done(INSTANCE_NOT_AVAILABLE)


@case(12, "WO:test_namespace_pipe", r"given `test\pipe`; when opening `test`; then OBJECT_NAME_NOT_FOUND")
def part_of_a_name(t):
    t.create(t.name("\\pipe"))
    t.opening(t.name()).done(OBJECT_NAME_NOT_FOUND)


@case(14, "WO:test_name_limits", "when creating a path of 65532 bytes; then SUCCESS; 65534 bytes: OBJECT_NAME_INVALID",
      needs=["native client"])
def longest_path(t):
    path = f"{NATIVE}\\{t.name()}"
    longest = path + "x" * (LONGEST_PATH // 2 - len(path))
    t.create(longest)
    t.open(longest)
    t.creating(longest + "x").done(OBJECT_NAME_INVALID)


@case(15, "WO:test_name_limits", "when ObjectName has Length 0 and no root; then OBJECT_PATH_SYNTAX_BAD; ObjectAttributes NULL: "
      "INVALID_PARAMETER; Attributes.Length wrong: INVALID_PARAMETER", ends="server", note="OBJECT_ATTRIBUTES belong to Wine")
def empty_name(t):
    t.creating("").done(OBJECT_PATH_SYNTAX_BAD)


@case(17, "WK:test_CreateNamedPipe", r'when `\\.\pipe\a<>*?|"/b` is created and opened; then success', needs=["native client"])
def wildcards_in_a_name(t):
    t.create("\\\\.\\pipe\\" + t.name('a<>*?|"/b'))
    t.open("\\\\.\\pipe\\" + t.name('a<>*?|"/b'))


@case(18, "WK:test_CreateNamedPipe",
      r"given `\\.\pipe\trailingslash\`; when opening without the last backslash; then error 2; with it: success",
      needs=["native client"])
def trailing_backslash(t):
    t.create("\\\\.\\pipe\\" + t.name("\\"))
    t.opening("\\\\.\\pipe\\" + t.name()).done(OBJECT_NAME_NOT_FOUND)
    t.open("\\\\.\\pipe\\" + t.name("\\"))


@case(34, "WN:test_file_info",
      r"FileNameInformation of S or C on pipe `\ntdll_tests_pipe.c`; then SUCCESS, length 38, Information 42, "
      "name with leading backslash", mirrored=True)
def file_name(t):
    a, _ = t.pair(name="ntdll_tests_pipe.c")
    data = struct.pack("<I", 38) + "\\ntdll_tests_pipe.c".encode("utf-16-le")
    t.equal("Information", len(data), 42)
    a.query(9).done(SUCCESS, data)


@case(35, "WN:test_file_info",
      "same with buffer 20; then BUFFER_OVERFLOW, Information 20, FileNameLength 38, 16 name bytes; buffer 4 or 0: "
      "INFO_LENGTH_MISMATCH", mirrored=True)
def file_name_in_short_buffer(t):
    a, _ = t.pair(name="ntdll_tests_pipe.c")
    a.query(9, 20).done(BUFFER_OVERFLOW, struct.pack("<I", 38) + "\\ntdll_t".encode("utf-16-le"))
    a.query(9, 4).done(INFO_LENGTH_MISMATCH)
    a.query(9, 0).done(INFO_LENGTH_MISMATCH)
