# SPDX-License-Identifier: LGPL-2.1-or-later
"""settle.py: how the suite tells "pending" from "not yet", without a clock.

An operation is pending if it is still not over when nothing is left to happen. Everything that makes an operation end is a
wake-up of some process: a byte in the doorbell socket of a connection, a message to or from the broker, the end of a process.
Each of these is a system call that has returned before its cause is reported to the test, so the wake-up is there to be seen by
the process that it is meant for: its descriptor is readable. No process waits for time to pass (operations with timeouts are the
exception, and cases say how they wait for them).

A round asks each process in turn to serve what is ready until nothing is, to make a round trip to the broker, and again to serve
what is ready. It reports how many events it has served since the round before, without those of the round trip. The broker has
one thread and carries out a session's messages in order, so the answer to a round trip says that all that the process had told
the broker before was carried out, and that what came of it has been sent to whomever it concerns.

Two quiet rounds in a row mean that nothing is left:
  * After the round trip of a process in the first quiet round the broker has nothing from it left to do, except for what was
    sent during that round trip, when an event came in just then. What the broker sends because of that reaches another process,
    which counts it, or the same one, which counts it at its next turn at the latest: both are before the end of the second round.
  * A doorbell that was rung during a turn is ready when the turn is over. The process that it is for counts it in this round or
    in the next.
  So whoever could still wake somebody would have been counted.

What comes in during a round trip is not counted by itself, because it cannot be told from the answer; what it does to others is.
A chain of events can avoid being counted only if every link of it falls into a round trip, and no chain between an end, its
peer and the broker does: each second link is a doorbell or an operation's end, which count.

A process that speaks to the pipes through a server of another protocol (smbd) sends it a request that changes nothing (SMB2 ECHO)
instead, twice: the server serves its descriptors in the order in which they became ready, so what the broker and the
other end had sent before is served before the answer, and what came of it before the second one.
"""

# A number that no chain of events of a test comes near: more rounds mean that two processes wake each other for ever.
MOST_ROUNDS = 20000
QUIET_ROUNDS = 2


class NeverQuiet(AssertionError):
    """Two processes keep waking each other."""


def settle(parties):
    """Returns when nothing is left to happen."""
    quiet = 0
    for _ in range(MOST_ROUNDS):
        progress = sum(party.settle() for party in parties)
        quiet = 0 if progress else quiet + 1
        if quiet == QUIET_ROUNDS:
            return
    raise NeverQuiet(f"something keeps happening after {MOST_ROUNDS} rounds")
