# SPDX-License-Identifier: LGPL-2.1-or-later
"""wine_differences.py: which numbered cases come out otherwise when a Windows program under Wine takes part, and why. They are not run
there; `make test-wine` runs them and fails when one of them does not differ any more."""
import functools
import os
import re
import subprocess

from wine.headless import WINE

# What Wine itself does otherwise than NT (reference: SEMANTICS.md, and Wine's own tests, where most of it is a todo).
REASONS = {
    "names": "Wine's object manager looks at names before the pipe device does, and gives its own statuses",
    "information": "Wine 8 does not say whether a create has opened or made the pipe",
    "disposition": "Wine 8 ignores the disposition of a create",
    "create": "Wine accepts modes and parameters at a create that NT refuses, and takes quotas from each instance",
    "quota": "Wine shows no write quota",
    "count": "Wine's peek counts no messages",
    "sddl": "Wine stores security descriptors and grants everything",
    "disconnect": "Wine refuses to disconnect an instance that listens",
    "closed-name": "Wine does not tell the name of a detached end",
    "wait-gone": "Wine's waiters do not learn that the last server has closed",
    "listen-gone": "a listen that is closed under itself ends with a status of Wine's own",
    "zero-quota": "Wine does not check the direction of what has no data in it",
    "nowait": "Wine's non-blocking write takes part of a message",
    "flush": "Wine's flush waits for what was written after it, too",
    "one-way": "Wine's transceive looks at the rights of the handle only",
    "code": "Wine does not know the code, or gives a status of its own to it",
    "class": "Wine does not know the class, or gives a status of its own to it",
    "apc": "Wine ends a LISTEN that an APC interrupts with STATUS_USER_APC",
    "last-handle": "Wine 8 cancels what is pending when the last handle of all processes is closed, not of this one",
    "signal": "Wine signals the event only when one is given",
    # What the bridge cannot know or undo. Each is a limit of what Wine tells (docs/wine.md, "What differs").
    "first": "of several messages that wait in the prefix Wine shows the bridge the first one only: neither a peek nor a query tells "
             "where the others begin",
    "reader": "neither side tells of reads that wait on it, so they give a non-blocking write no room on the other side of the bridge",
}

# A number: no variant of the case is run. (number, variants): those that this regular expression matches are not, the others are.
DIFFERENCES = {
    "wine": {
        "names": (1, 2, 15, 28),
        "apc": (74,),
        "last-handle": (93,),
        "signal": (190,),
        "information": (47, 58),
        "disposition": (44, 56, 63),
        "create": (41, 54, 57),
        "quota": (59, 175, 186),
        "count": (168, 171),
        "sddl": (64,),
        "disconnect": (99,),
        "closed-name": (89,),
        "wait-gone": (106,),
        "listen-gone": (110,),
        "zero-quota": (138,),
        "nowait": (146,),
        "flush": (153,),
        "one-way": (165,),
        "code": (70, 163),
        "class": (178, 187),
    },
    "wine-client": {
        "quota": (59, 175, 186),
        "count": ((168, ".*-server"), 171),
        "closed-name": (89,),
        "wait-gone": (106,),
        "flush": (153,),
        "code": (70, (163, ".*-client")),
        "class": ((187, ".*-client"),),
        "first": tuple((number, "M.-client") for number in range(120, 125)),
        "reader": (144, 145, 147),
    },
    "wine-server": {
        "information": (47,),
        "quota": (59, 175, 186),
        "count": ((168, ".*-client"), 171),
        "sddl": (64,),
        "zero-quota": (138,),
        "flush": (153,),
        "one-way": (165,),
        "code": ((163, ".*-server"),),
        "class": ((187, ".*-server"),),
        "first": tuple((number, "M.-server") for number in range(120, 125)),
        "reader": (144, 145, 147),
    },
}


# A release of Wine, and the cases that come out as they should since then.
MENDED = {10: {41, 44, 47, 56, 58, 63}}


@functools.cache
def release():
    """Of the Wine that is installed; 0 if none is."""
    server = os.path.join(WINE, "wineserver64")
    if not os.path.exists(server):
        return 0
    said = subprocess.run([server, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=True).stdout
    return int(re.search(rb"[0-9]+", said).group())


def of_transport(name):
    """number -> (reason, regular expression of the variants that differ, None: all)."""
    mended = set().union(*(numbers for since, numbers in MENDED.items() if release() >= since))
    differences = {entry if isinstance(entry, int) else entry[0]: (REASONS[code], None if isinstance(entry, int) else entry[1])
                   for code, entries in DIFFERENCES[name].items() for entry in entries}
    return {number: difference for number, difference in differences.items() if number not in mended}
