# SPDX-License-Identifier: LGPL-2.1-or-later
"""spec_peer: a second implementation of both sides of ntpipe, written from docs/SPEC.md and docs/SEMANTICS.md alone.

It shows that the text is enough. Nothing here was taken from lib/ or broker/, and nothing here may be: where this code and libntpipe
disagree, the text decides, and where the text does not, it is the text that must be mended.

    tables.py       the tables of docs/SPEC.md, as data
    codec.py        control messages as bytes (sections 3 and 4)
    memory.py       shared memory and atomic operations
    layout.py       offsets and flags (section 7)
    segment.py      records in a segment (7.1, 7.2)
    outgoing.py     the direction that an end writes (section 8)
    incoming.py     the direction that an end reads (section 9)
    connection.py   the page of a connection, its doorbell, its end (sections 6, 10, 11)
    end.py          what the operations on an end do (SEMANTICS 2 and 3)
    information.py  information classes (SEMANTICS 5)
    packets.py      the control connection: the broker found and trusted, packets (section 3)
    session.py      requests, hand-over, overflow, the way back to another broker (sections 3.4, 5, 6, 12, 13)
    names.py        forms of names (section 2)
    agent.py        a program that a test drives as it drives ntpipe-test-agent
"""
