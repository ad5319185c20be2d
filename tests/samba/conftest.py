# SPDX-License-Identifier: LGPL-2.1-or-later
"""conftest.py: a private smbd with our module and a broker, shared by the tests of one worker process, and what tests do with it."""
import functools
import itertools
import os
import shlex
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in (HERE, os.path.join(HERE, "../../selftest")):
    if folder not in sys.path:
        sys.path.insert(0, os.path.abspath(folder))

from native import Server  # noqa: E402: found through the path just set
from private_smbd import RELEASE, PrivateSmbd  # noqa: E402
from smb1client import Smb1Client  # noqa: E402
from smb2client import Smb2Client  # noqa: E402

MODULE, BROKER = "samba_module/ntpipe.so", "broker/ntpiped"

TOP = os.path.abspath(os.path.join(HERE, "../.."))


class InstalledRelease:
    """The Samba of this system."""

    @staticmethod
    def place(build):
        """The build directory of the module, and the root of that Samba."""
        return build, "/"


class UnpackedRelease:
    """The Samba of another release of Debian, unpacked by selftest/libraries."""

    def __init__(self, name):
        self.name = name

    def place(self, build):
        folder, root = os.path.join(build, self.name), os.path.join(TOP, ".deps", self.name, "root")
        if not (os.path.exists(os.path.join(folder, MODULE)) and os.path.exists(root)):
            pytest.skip(f"the module is not built for {self.name}: selftest/libraries {self.name}, make build-{self.name}")
        return folder, root


@functools.cache
def may_mount():
    command = ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


RELEASES = {"installed": InstalledRelease(), "trixie": UnpackedRelease("trixie")}



def build_for_release(build):
    """The build directory of the module that the tests are about: NTPIPE_SAMBA_RELEASE says of which release."""
    return RELEASES[RELEASE or "installed"].place(build)[0]


# Ways in which smbd can have the module: which Samba, and what stands in smb.conf. The tests of these files run
# with more than the first.
WAYS = {
    "installed": ("installed", "preload"),
    "vfs": ("installed", "vfs"),
    "trixie": ("trixie", "preload"),
    "trixie-both": ("trixie", "both"),
}
CORE = {
    "test_smb2_data": list(WAYS),
    "test_smb2_cancel": ["installed", "vfs", "trixie"],
    "test_smb2_information": ["installed", "trixie"],
    "test_identity": ["installed", "trixie"],
    "test_smb1_data": ["installed", "trixie"],
    "test_smb1_trans": ["installed", "trixie"],
    "test_smb1_pending": ["installed", "trixie"],
    "test_smb1_chain": ["installed", "trixie"],
    "test_smb1_hostile": ["installed", "trixie"],
    "test_smb1_information": ["installed", "trixie"],
    "test_smb1_open": ["installed", "trixie"],
}

numbers = itertools.count()


def pytest_generate_tests(metafunc):
    file = metafunc.module.__name__.rpartition(".")[2]
    if "shared_smbd" in metafunc.fixturenames and file in CORE:
        metafunc.parametrize("shared_smbd", CORE[file], indirect=True, scope="session")


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
    A private smbd that exports every pipe of everybody, those of tests to anonymous clients as well, unless told otherwise. The environment variable NTPIPE_SMBD_WRAPPER is a
    command to put in front of smbd: "valgrind --log-file=/tmp/valgrind.%p" finds what tests cannot see.
    """
    if PrivateSmbd.mounts(options.get("root", "/"), options.get("loading", "preload")) and not may_mount():
        pytest.skip("no mount namespaces here")
    settings = {"ntpipe:export": "*:*", "ntpipe:null session pipes": "test-* ntpipe-example", **options.pop("options", {})}
    module = options.pop("module", os.path.join(build, MODULE))
    broker = os.path.join(build, BROKER)
    wrapper = shlex.split(os.environ.get("NTPIPE_SMBD_WRAPPER", ""))
    return PrivateSmbd(module=module, broker=broker, options=settings, wrapper=wrapper, **options)


@pytest.fixture(scope="session")
def shared_smbd(build, request):
    options = {}
    if hasattr(request, "param"):
        release, loading = WAYS[request.param]
        folder, root = RELEASES[release].place(build)
        options = {"module": os.path.join(folder, MODULE), "root": root, "loading": loading}
    with make_smbd(build, **options) as smbd:
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


def maker_of_clients(kind, smbd, user):
    clients = []

    def make(**options):
        clients.append(kind(smbd.port, *options.pop("user", user), **options))
        return clients[-1]

    yield make
    for client in clients:
        client.drop()


@pytest.fixture
def connect(smbd, user):
    """Makes clients: connect(dialect=..., signing=...). They are disconnected after the test."""
    yield from maker_of_clients(Smb2Client, smbd, user)


@pytest.fixture
def client(connect):
    return connect()


@pytest.fixture
def connect_smb1(smbd, user):
    """The same for SMB1."""
    yield from maker_of_clients(Smb1Client, smbd, user)


@pytest.fixture
def smb1(connect_smb1):
    return connect_smb1()


@pytest.fixture
def join(server, name):
    """Opens a new pipe for a client: join(client, type=0) is the file id and the native end."""
    counter = itertools.count()

    def make(client, *, client_mode=1, access=None, **parameters):
        own_name = f"{name}-{next(counter)}"
        pipe = server.create(own_name, **parameters)
        file_id = client.open(own_name) if access is None else client.open(own_name, access=access)
        pipe.await_client()
        if parameters.get("type", 1) and client_mode is not None:
            assert client.set_modes(file_id, client_mode).status == 0
        return file_id, pipe

    return make
