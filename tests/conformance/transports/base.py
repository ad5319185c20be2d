# SPDX-License-Identifier: LGPL-2.1-or-later
"""base.py: what a transport is, and the party that every one has: a native program.

A transport makes environments. An environment has a `server` and a `client`: the parties that make the ends of those sides.
A party is driven as an agent is (tests/agent/main.cc says what the operations mean and what answers look like):

    start(op, **fields)   starts an operation, returns its number. It has reached the pipe when this returns
    answer(number)        the last answer that is there: pending, or with a status
    await_answer(number)  waits until it is over
    call(op, **fields)    start, and await_answer
    cancel(number)        cancels an operation
    settle()              a round of settling (settle.py)
    has_structures        whether it has the structured forms of peek and information classes besides the bytes

One environment serves many cases, one after the other, so that the processes need not be started for each; a case begins with
begin() and ends with end(), which sees to it that nothing of the case is left. After a failed case the environment is dropped.
"""
import os
import shutil
import tempfile

from agent import driver


# What only the transport of two Windows programs has.
OBJECTS_ARE_WINES = {"objects": "NT handles, events, completion ports, APCs, threads, object names and Win32 calls belong to Wine"}
# What transports without smbd lack.
NATIVE_ENDS_ONLY = {**dict.fromkeys(("SMB", "SMB1", "SMB2"), "native ends only"), **OBJECTS_ARE_WINES}


class Transport:
    """A way to the pipes."""

    name = ""
    # The column of the table (table.py) that says what applies here: its own name, or that of the transport that it is a variation of.
    column = ""
    description = ""
    # Feature (registry.FEATURES) -> why this transport does not have it.
    lacks = {}
    # Whether the server ends' rules are run here, too, when a case has no client end.
    runs_server_cases = True

    def missing(self, build):
        """Why it cannot run in this build; None if it can."""
        for program in self.programs:
            if not os.access(os.path.join(self.directory(build), program), os.X_OK):
                return f"{os.path.join(self.directory(build), program)} is not built"
        return None

    programs = ("tests/ntpipe-test-agent",)

    def directory(self, build):
        """Where the programs under test are."""
        return build

    def open(self, build):
        """A fresh environment."""
        raise NotImplementedError

    def reason_against(self, case):
        """Why the case is not run here; None if it is."""
        if case.ends == "server" and not self.runs_server_cases:
            return "no client end: what it states is the same as over the broker"
        return next((f"{self.lacks[feature]}" for feature in case.needs if feature in self.lacks), None)

    def lacks_nothing_for(self, case):
        """Whether it can express the case."""
        return not any(feature in self.lacks for feature in case.needs)

    def variants(self, case):
        """Which of the case's variants are run here."""
        return case.variants()

    def differs(self, case):
        """Why the case is known to come out otherwise than stated, and is not run; None if it is not."""
        return None

    def differs_in_part(self, case):
        """(why, variants of the case that are known to come out otherwise and are not run); None if there are none."""
        return None


class NativeParty:
    """A native program in its session with the broker, or with a namespace of its own."""

    has_structures = True
    has_aliases = True

    def __init__(self, build, loop, defaults=None, **session):
        """`defaults`: operation -> fields that it has unless the case states them."""
        self.agent = self.make_agent(build, loop)
        self.defaults = defaults or {}
        self.session_fields = session
        self.session = self.agent.call("session", **session)["id"]

    def make_agent(self, build, loop):
        return driver.Agent(build, loop)

    # Which objects an operation's session or end field names.
    SESSION_OPERATIONS = {"create", "open", "wait", "wait_control", "list", "watch", "ping", "open_directory", "alias", "pair",
                          "gateway"}

    def start(self, op, **fields):
        if op in self.SESSION_OPERATIONS:
            fields.setdefault("session", self.session)
        return self.agent.start(op, **{**self.defaults.get(op, {}), **fields})

    def answer(self, number):
        return self.agent.answer(number)

    def await_answer(self, number):
        return self.agent.await_answer(number)

    def call(self, op, **fields):
        return self.await_answer(self.start(op, **fields))

    def cancel(self, number):
        self.call("cancel", request=number)

    def settle(self):
        return self.agent.settle()

    def reserve_number(self):
        """A number for an object that a request makes besides the one that is called like it."""
        self.agent.next_id += 1
        return self.agent.next_id - 1

    @property
    def pid(self):
        return self.agent.pid

    def begin(self):
        self.agent.answers.clear()
        self.agent.events.clear()

    def end(self):
        """Frees all that a case has made."""
        self.call("free_all")
        self.session = self.agent.call("session", **self.session_fields)["id"]

    def finish(self):
        self.agent.finish()

    def stop(self):
        self.agent.stop()


class Environment:
    """The processes that cases run in."""

    def __init__(self):
        # Short, because a socket's path in it must be.
        self.directory = tempfile.mkdtemp(prefix="ntpipe-")
        self.lasting = []
        self.guests = []

    def add(self, party):
        self.lasting.append(party)
        return party

    @property
    def server(self):
        return self.lasting[0]

    @property
    def client(self):
        return self.lasting[-1]

    def make_guest(self, side):
        """A party that can make ends of that side, "server" or "client"."""
        raise NotImplementedError

    def guest(self, side):
        """Such a party for one case."""
        party = self.make_guest(side)
        self.guests.append(party)
        return party

    def kill(self, guest):
        """The sudden end of a guest's process."""
        self.guests.remove(guest)
        guest.stop()

    def parties(self):
        return [*self.lasting, *self.guests]

    def begin(self):
        for party in self.lasting:
            party.begin()

    def end(self):
        """After a case that went well: ends what it has made, and checks how guests leave."""
        for guest in self.guests:
            guest.finish()
        self.guests = []
        for party in self.lasting:
            party.end()

    def close(self):
        """After the last case: everything must be able to leave in order."""
        for party in self.parties():
            party.finish()
        self.remove_directory()

    def discard(self):
        """After a failure: everything goes at once."""
        for party in self.parties():
            party.stop()
        self.remove_directory()

    def remove_directory(self):
        shutil.rmtree(self.directory, ignore_errors=True)
