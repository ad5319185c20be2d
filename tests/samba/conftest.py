# SPDX-License-Identifier: LGPL-2.1-or-later
"""conftest.py: a private smbd with our module and a broker, shared by the tests of one worker process, and what tests do with it."""
import itertools
import os
import shlex
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in (HERE, os.path.join(HERE, "../../selftest")):
    if folder not in sys.path:
        sys.path.insert(0, os.path.abspath(folder))

from native import Server  # noqa: E402: found through the path just set
from private_smbd import PrivateSmbd  # noqa: E402
from smb2client import Smb2Client  # noqa: E402

MODULE, BROKER = "samba_module/ntpipe.so", "broker/ntpiped"

numbers = itertools.count()


def pytest_collection_modifyitems(config, items):
    """Without the module, or without being root, there is nothing to test here."""
    built = os.path.exists(os.path.join(config.stash_build, MODULE))
    reason = "smbd needs root" if os.geteuid() != 0 else None if built else "built without the Samba module"
    if reason:
        for item in items:
            if str(item.path).startswith(HERE):
                item.add_marker(pytest.mark.skip(reason=reason))


def make_smbd(build, **options):
    """
    A private smbd that exports every pipe of everybody, unless told otherwise. The environment variable NTPIPE_SMBD_WRAPPER is a
    command to put in front of smbd: "valgrind --log-file=/tmp/valgrind.%p" finds what tests cannot see.
    """
    settings = {"ntpipe:export": "*:*", **options.pop("options", {})}
    broker = os.path.join(build, BROKER)
    wrapper = shlex.split(os.environ.get("NTPIPE_SMBD_WRAPPER", ""))
    return PrivateSmbd(module=os.path.join(build, MODULE), broker=broker, options=settings, wrapper=wrapper, **options)


@pytest.fixture(scope="session")
def shared_smbd(build):
    with make_smbd(build) as smbd:
        yield smbd


@pytest.fixture
def smbd(shared_smbd):
    """The shared one. A test that has seen smbd panic fails."""
    yield shared_smbd
    assert "INTERNAL ERROR" not in shared_smbd.log()


@pytest.fixture
def server(build, smbd):
    """A native process as the superuser, whose pipes everybody may open."""
    with Server(build, smbd.ntpipe_dir) as server:
        yield server


@pytest.fixture
def name():
    """A name that no other test uses."""
    return f"test-{os.getpid()}-{next(numbers)}"


@pytest.fixture
def user(smbd):
    """A user and the password."""
    return next(iter(smbd.users.items()))


@pytest.fixture
def other_user(smbd):
    return list(smbd.users.items())[1]


@pytest.fixture
def connect(smbd, user):
    """Makes clients: connect(dialect=..., signing=...). They are disconnected after the test."""
    clients = []

    def make(**options):
        clients.append(Smb2Client(smbd.port, *options.pop("user", user), **options))
        return clients[-1]

    yield make
    for client in clients:
        client.drop()


@pytest.fixture
def client(connect):
    return connect()


@pytest.fixture
def join(server, name):
    """Opens a new pipe for a client: join(client, type=0) is the file id and the native end."""
    counter = itertools.count()

    def make(client, *, client_mode=1, access=None, **parameters):
        own_name = f"{name}-{next(counter)}"
        pipe = server.create(own_name, **parameters)
        file_id = client.open(own_name) if access is None else client.open(own_name, access=access)
        pipe.await_client()
        if client_mode and parameters.get("type", 1):
            assert client.set_modes(file_id, client_mode).status == 0
        return file_id, pipe

    return make
