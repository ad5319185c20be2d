# SPDX-License-Identifier: GPL-3.0-or-later
"""ntpipe_samba.py: the gateway ntpipe-samba for tests, and an smbd without the module for it."""
import contextlib
import os
import subprocess

import pytest
from agent.driver import Program
from conftest import build_for_release
from private_smbd import MARK, SANITIZER_OPTIONS, PrivateSmbd, wait_until

GATEWAY, BROKER = "samba_module/ntpipe-samba", "broker/ntpiped"
# What needs samba-dcerpcd to start may take long on a busy machine.
PATIENCE = 60


class Gateway(Program):
    """ntpipe-samba for a private smbd."""

    def __init__(self, build, smbd, *options, environment=None):
        self.np = smbd.directory / "ncalrpc" / "np"
        program = os.path.abspath(os.path.join(build_for_release(build), GATEWAY))
        super().__init__([*smbd.inside(), program, "-s", smbd.configuration, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         env={**smbd.environment, **SANITIZER_OPTIONS, MARK: str(smbd.directory), **(environment or {})})

    def await_registration(self, native):
        """Of what Samba's programs serve, tests use that of three."""
        wait_until(lambda: {"lsarpc", "srvsvc", "winreg"} <= set(names_of(native)), "the gateway offers nothing", PATIENCE)

    def await_socket(self, name, present=True):
        wait_until(lambda: (self.np / name).exists() == present, f"{name} is not what it should be", PATIENCE)


def names_of(native):
    return [listing["name"] for listing in native.call("list")["listings"]]


@contextlib.contextmanager
def gateway_of(gateway, native):
    """Until the end of the block, when it must end in good order."""
    try:
        gateway.await_registration(native)
        yield gateway
        gateway.terminate()
    finally:
        gateway.kill()


@contextlib.contextmanager
def private_smbd_without_module(build, **options):
    if not os.path.exists(os.path.join(build_for_release(build), GATEWAY)):
        pytest.skip("built without the gateway")
    with PrivateSmbd(broker=os.path.join(build, BROKER), options=options) as smbd:
        yield smbd
