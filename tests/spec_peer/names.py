# SPDX-License-Identifier: LGPL-2.1-or-later
"""names.py: the forms in which programs give names, and what goes over the wire (SEMANTICS.md, 1.1 and 1.3; docs/SPEC.md, section 2)."""
from spec_peer.status import OBJECT_NAME_INVALID, OBJECT_PATH_SYNTAX_BAD, SUCCESS

PREFIXES = ("\\\\.\\pipe\\", "\\\\?\\pipe\\", "\\??\\pipe\\", "\\dosdevices\\pipe\\", "\\device\\namedpipe\\")
# What a plain name would be looked up as, and how long a path may be.
NATIVE_PREFIX = "\\??\\pipe\\"
LONGEST_PATH = 65532


def size_in_utf16(text):
    return len(text.encode("utf-16-le", "surrogatepass"))


def parse(given):
    """(status, the name as it goes over the wire)."""
    prefix = next((prefix for prefix in PREFIXES if given.lower().startswith(prefix)), "")
    name = given[len(prefix) :]
    if not prefix:
        if given.lower() + "\\" in PREFIXES:
            return OBJECT_NAME_INVALID, ""
        if not given or given.startswith("\\\\"):
            return OBJECT_PATH_SYNTAX_BAD, ""
    too_long = size_in_utf16((prefix or NATIVE_PREFIX) + name) > LONGEST_PATH
    return (OBJECT_NAME_INVALID, "") if not name or too_long or "\0" in name else (SUCCESS, name)
