# SPDX-License-Identifier: LGPL-2.1-or-later
"""part.py: a part of the set-up: who is in it, what can be done to them, and how one sees that all of it is back."""
import contextlib
import time

from conformance import vocabulary as nt

# How long anything may take that must happen. Nothing is asserted to be faster.
PATIENCE = 60
BROKEN = (nt.PIPE_BROKEN, nt.PIPE_CLOSING, nt.PIPE_DISCONNECTED, nt.INVALID_PIPE_STATE)
CONNECTION_REFUSED = 0xC0000236
ABSENT = (nt.OBJECT_NAME_NOT_FOUND, nt.PIPE_NOT_AVAILABLE, CONNECTION_REFUSED, *BROKEN)


class NotBack(Exception):
    """Something does not work again yet."""


def wait_until(condition, what):
    """`what`: a text, or what makes it."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(0.01)


class Mortal:
    """One whose death, or that of those on whom it depends, breaks pipes. `deaths` is odd while it is down."""

    def __init__(self, witness=None, server=None):
        self.witness, self.server, self.deaths = witness, server, 0

    @property
    def is_down(self):
        return self.deaths % 2 == 1

    def change(self):
        self.deaths += 1
        if self.server is not None:
            self.witness.say_deaths(self.server, self.deaths)


@contextlib.contextmanager
def down(*mortals):
    """These are killed and brought back within. Who came between hears of it, too."""
    for mortal in mortals:
        mortal.change()
    yield
    for mortal in mortals:
        mortal.change()


class Part:
    """
    name           what it is about
    kills, stops   kinds of victims, each with a weight: how often it is one of them
    lasting        whom nobody kills; of others the current one. {name: process id}
    """

    name, kills, stops = "", {}, {}

    def __init__(self, crowd):
        self.crowd, self.random, self.faults = crowd, crowd.random, []
        self.later = None

    def start(self):
        """Everything but those who come and go."""

    def begin(self):
        """Those who come and go."""

    def end(self):
        """They leave in order."""

    def kill(self, kind):
        """Kills one at random, and brings back whom others need. When that began, as time.monotonic() has it."""
        return getattr(self, f"kill_{kind}")()

    def replace(self):
        """Brings back one whom nobody needs: a client."""
        if self.later is not None:
            self.later()
            self.later = None

    def pid_of(self, kind):
        """One of that kind; None: just now there is none."""
        raise NotImplementedError

    def broker_is_killed(self):
        """Said before."""

    def probe(self):
        """Uses all of it once: NotBack if something does not work."""

    def lasting(self):
        return {}

    def counts(self):
        """{kind of clients: {what: how often}}"""
        return {}

    def finish(self):
        """What is left ends in order."""
        return {}

    def close(self):
        """Whatever is left ends."""
