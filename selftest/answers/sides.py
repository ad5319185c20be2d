# SPDX-License-Identifier: GPL-3.0-or-later
"""sides.py: who is asked: stock smbd with a pipe behind its named pipe auth, and smbd with the module and a native pipe."""
import contextlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("selftest", "tests", "tests/samba"):
    if str(ROOT / folder) not in sys.path:
        sys.path.append(str(ROOT / folder))

from native import Server  # noqa: E402: found through the path just set
from private_smbd import RELEASE, SMBD, PrivateSmbd  # noqa: E402
from smb1client import Smb1Client  # noqa: E402
from smb2client import Smb2Client  # noqa: E402

from .npa import NpaPipe  # noqa: E402
from .table import CannotServe  # noqa: E402

OPTIONS = {"ntpipe:export": "*:*"}


def samba_version():
    if RELEASE:
        return f"that of {RELEASE}"
    return subprocess.run([SMBD, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


class Side(contextlib.AbstractContextManager):
    """
    side.smbd               the PrivateSmbd: .host, .port, .users, .share
    side.name()             a name that no other row uses
    side.serve(name, ...)   a pipe of that name, listening, for everybody; what comes back has await_client(), read(), write(),
                            await_end_of_client(), close()
    side.connect(...)       an Smb2Client on IPC$, as the first user unless told otherwise
    side.join(...)          such a client, a file id, and the pipe that it has open
    side.connect_smb1(...), side.join_smb1(...)   the same with an Smb1Client and a FID
    side.is_ours
    What is made is closed by end_row().
    """

    numbers = itertools.count()

    def __init__(self, smbd):
        self.smbd = smbd
        self.things = contextlib.ExitStack()

    def __exit__(self, *_):
        self.end_row()

    def end_row(self):
        self.things.close()

    @property
    def users(self):
        return list(self.smbd.users.items())

    def name(self):
        return f"answer-{os.getpid()}-{next(self.numbers)}"

    def connect(self, user=None, *, make=Smb2Client, **options):
        client = make(self.smbd.port, *(self.users[0] if user is None else user), **options)
        self.things.callback(client.drop)
        return client

    def connect_smb1(self, user=None, **options):
        return self.connect(user, make=Smb1Client, **options)

    def join_smb1(self, *, client=None, **options):
        return self.join(client=client or self.connect_smb1(), **options)

    def join(self, *, access=0x12019F, client=None, message_mode=True, **parameters):
        """The client reads in message mode; stock smbd refuses to be told, and has no other."""
        client = client or self.connect()
        name = self.name()
        pipe = self.serve(name, **parameters)
        file_id = client.open(name, access=access)
        pipe.await_client()
        if message_mode and parameters.get("type", 1):
            client.set_modes(file_id)
        return client, file_id, pipe


class Stock(Side):
    """smbd as the distribution has it. A pipe is a socket in <ncalrpc dir>/np."""

    is_ours = False

    def __init__(self, smbd):
        super().__init__(smbd)
        self.folder = smbd.directory / "ncalrpc/np"
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def serve(self, name, *, type=1, **others):
        """Message pipes and byte pipes, one client. Everything else: CannotServe."""
        if others:
            raise CannotServe(others)
        pipe = NpaPipe(self.folder / name.lower(), message=type == 1)
        self.things.callback(pipe.close)
        return pipe


class Ours(Side):
    """smbd with the module. A pipe is a native one; its parameters are those of a create."""

    is_ours = True

    def __init__(self, smbd, server):
        super().__init__(smbd)
        self.server = server

    def serve(self, name, **parameters):
        pipe = self.server.create(name, **{"read_mode": parameters.get("type", 1) & 1, **parameters})
        self.things.callback(pipe.close)
        return pipe


PATIENCE, PATIENCE_WITH_STOCK = 60, 2


def final(side, pending):
    """The final response; "no answer", None, is one of stock smbd's answers."""
    try:
        return pending.final(PATIENCE if side.is_ours else PATIENCE_WITH_STOCK)
    except TimeoutError:
        if side.is_ours:
            raise
        return None


@contextlib.contextmanager
def stock():
    with PrivateSmbd() as smbd, Stock(smbd) as side:
        yield side


@contextlib.contextmanager
def ours(build):
    module, broker = (os.path.join(build, path) for path in ("samba_module/ntpipe.so", "broker/ntpiped"))
    with PrivateSmbd(module=module, broker=broker, options=OPTIONS) as smbd, Server(build, smbd.ntpipe_dir) as server, \
            Ours(smbd, server) as side:
        yield side


def ask(side, rows):
    """{name of the row: the answer}"""
    answers = {}
    for each in rows:
        answers[each.name] = each.answer(side)
        side.end_row()
    return answers
