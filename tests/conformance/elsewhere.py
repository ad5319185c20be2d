# SPDX-License-Identifier: LGPL-2.1-or-later
"""elsewhere.py: the numbered cases of SEMANTICS section 10 that are not among cases/, and why."""

WINE = "handles, events, completion ports and Win32 calls belong to Wine"
WINE_OBJECTS = "the object manager belongs to Wine"
SECURITY = "waiting: security descriptors can be given, but neither queried nor set"
IMPERSONATION = "waiting: impersonation"
SMB1 = "waiting: SMB1"
PROTOCOL = "only the protocol shows it: tests/samba"
NPA = "waiting: the named_pipe_auth gateway"


def numbers(*items):
    """Numbers and ranges (first, last)."""
    return [number for item in items for number in (range(item[0], item[1] + 1) if isinstance(item, tuple) else [item])]


_REASONS = {
    WINE: numbers(15, 16, 62, 74, 75, 93, 94, 112, 118, 131, 135, 139, 140, 183, 184, (188, 190), 193),
    WINE_OBJECTS: numbers(28),
    SECURITY: numbers((195, 197)),
    IMPERSONATION: numbers((198, 202)),
    SMB1: numbers((204, 214)),
    PROTOCOL: numbers(216, 218, 220, 223),
    NPA: numbers((225, 228)),
}
LAST_CASE = 228

ELSEWHERE = {number: reason for reason, cases in _REASONS.items() for number in cases}
