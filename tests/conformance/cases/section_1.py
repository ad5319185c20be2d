# SPDX-License-Identifier: LGPL-2.1-or-later
"""section_1.py: rules of section 1, names, that no numbered case states."""
import struct

from conformance.registry import rule
from conformance.vocabulary import *  # noqa: F403

FORMS = {
    "native": "\\Device\\NamedPipe\\", "native-lower": "\\device\\namedpipe\\", "dos": "\\??\\pipe\\", "dos-upper": "\\??\\PIPE\\",
    "dos-devices": "\\DosDevices\\pipe\\", "win32": "\\\\.\\pipe\\", "win32-upper": "\\\\.\\PIPE\\", "verbatim": "\\\\?\\pipe\\",
}


def name_information(name):
    wide = ("\\" + name).encode("utf-16-le")
    return struct.pack("<I", len(wide)) + wide


@rule("1.1", "forms", "every form of a name leads to the same pipe, in any case of its prefix", each=FORMS, needs=["native client"])
def forms_of_a_name(t, given):
    s = t.create(given + t.name())
    t.open(t.name())
    s.query(9).done(SUCCESS, name_information(t.name()))
    t.create("\\\\.\\pipe\\" + t.name(), disposition=FILE_OPEN)
    t.open(given + t.name())


@rule("1.1", "other machines", "a path on another machine is none of a pipe's: OBJECT_PATH_SYNTAX_BAD", needs=["native client"],
      each={"server": "\\\\server\\pipe\\x", "other-device": "\\\\.\\mailslot\\x"})
def path_that_is_no_pipes(t, given):
    t.creating(given).done(OBJECT_PATH_SYNTAX_BAD)
    t.opening(given).done(OBJECT_PATH_SYNTAX_BAD)


@rule("1.2", "case", "names are compared without case, beyond ASCII, too; ss is not sharp s",
      each={"ascii": ("Name", "nAME"), "latin": ("\u00c4\u00d6\u00dc", "\u00e4\u00f6\u00fc"), "greek": ("\u03a9\u03b1", "\u03c9\u0391"),
            "cyrillic": ("\u0416", "\u0436")})
def names_without_case(t, given):
    first, second = given
    t.create(t.name(first))
    t.open(t.name(second))
    t.create(t.name("stra\u00dfe"))
    t.opening(t.name("STRASSE")).done(OBJECT_NAME_NOT_FOUND)


@rule("1.2", "spelling", "the first creator's spelling is kept, and shown to every end", mirrored=True)
def spelling_of_the_creator(t):
    name = t.name("-MixedCase")
    t.create(name, max_instances=3)
    s = t.create(name.upper(), disposition=FILE_OPEN)
    t.open(name.lower())
    c = t.open(name.upper())
    (s if t.a_is == "server" else c).query(9).done(SUCCESS, name_information(name))


@rule("1.2", "part of a name", "a pipe is not found by what its name begins with, nor by what begins with its name")
def prefix_of_a_name(t):
    t.create(t.name("abc"))
    t.opening(t.name("ab")).done(OBJECT_NAME_NOT_FOUND)
    t.opening(t.name("abcd")).done(OBJECT_NAME_NOT_FOUND)
    t.opening(t.name("abc\\d")).done(OBJECT_NAME_NOT_FOUND)
    t.open(t.name("abc"))


@rule("1.2", "slashes at the end", "a trailing backslash is part of the name: `x` and `x\\` are two pipes")
def two_pipes_that_differ_in_a_slash(t):
    with_slash, without = t.create(t.name("x\\")), t.create(t.name("x"))
    t.open(t.name("x"))
    t.settle()
    without.shows(state=CONNECTED)
    with_slash.shows(state=LISTENING)


@rule("1.3", "malformed", "nothing behind the prefix, or the volume: OBJECT_NAME_INVALID", needs=["native client"],
      each={"nothing-behind-the-prefix": "\\\\.\\pipe\\", "volume": "\\\\.\\pipe"})
def malformed_name(t, given):
    t.creating(given).done(OBJECT_NAME_INVALID)
