# SPDX-License-Identifier: LGPL-2.1-or-later
"""conftest.py: a private place with a broker and native programs, for the tests of what processes do to each other."""
import contextlib
import os
import shutil
import tempfile

import pytest
from agent import driver
from conformance import vocabulary as nt
from conformance.transports.base import NativeParty


class Native:
    """A native program in its session with the broker of a directory."""

    IN_SESSION = NativeParty.SESSION_OPERATIONS

    def __init__(self, programs, directory, popen=None, loop="tevent", **session):
        self.agent = driver.Agent(programs, loop, **(popen or {}))
        self.session = self.agent.call("session", directory=str(directory), **{"never_start_broker": True, **session})["id"]

    @property
    def pid(self):
        return self.agent.pid

    def start(self, op, **fields):
        if op in self.IN_SESSION:
            fields.setdefault("session", self.session)
        return self.agent.start(op, **fields)

    def call(self, op, **fields):
        return self.agent.await_answer(self.start(op, **fields))

    def made(self, op, *arguments, **fields):
        """Creates or opens, and returns the number of the end."""
        number = self.start(op, name=arguments[0], **fields)
        assert self.agent.await_answer(number).status == nt.SUCCESS
        return number

    def names(self):
        return [listing["name"] for listing in self.call("list")["listings"]]


class Place:
    """A directory for a broker, and everything that was started for it."""

    def __init__(self, programs):
        self.programs = programs
        self.directory = tempfile.mkdtemp(prefix="ntpipe-")
        self.running = []

    def broker(self, *options, **popen):
        started = driver.Broker(self.programs, self.directory, *options, **popen)
        self.running.append(started)
        return started

    def native(self, **options):
        started = Native(self.programs, self.directory, **options)
        self.running.append(started.agent)
        return started

    def pair(self, name="pair", **create):
        """A server and a client, connected: (server, its end, client, its end)."""
        server = self.native()
        client = self.native()
        server_end = server.made("create", name, **create)
        client_end = client.made("open", name)
        return server, server_end, client, client_end

    def leave(self):
        """Everything that is still there must be able to leave in order; programs first, then brokers."""
        for program in sorted((each for each in self.running if not each.checked), key=lambda each: isinstance(each, driver.Broker)):
            if isinstance(program, driver.Agent):
                program.finish()
            else:
                program.terminate()

    def remove(self):
        for program in self.running:
            program.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


@pytest.fixture(params=["release", "asan"])
def programs(build, request):
    """The build directory whose programs are under test."""
    directory = build if request.param == "release" else os.path.join(build, request.param)
    if not os.path.exists(os.path.join(directory, "broker/ntpiped")):
        pytest.skip(f"{directory} is not built (make build-{request.param})")
    return directory


@contextlib.contextmanager
def own_place(build):
    made = Place(build)
    try:
        yield made
        made.leave()
    finally:
        made.remove()


@pytest.fixture
def place(programs):
    with own_place(programs) as made:
        yield made
