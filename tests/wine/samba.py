# SPDX-License-Identifier: GPL-3.0-or-later
"""samba.py: a private smbd with the module, and a prefix that is joined with the same broker."""
import os
import sys

import pytest
from agent import driver
from wine import windows

MODULE, GATEWAY = "samba_module/ntpipe.so", "samba_module/ntpipe-samba"

for folder in "tests/samba", "selftest":
    if os.path.join(windows.TOP, folder) not in sys.path:
        sys.path.append(os.path.join(windows.TOP, folder))

from private_smbd import MARK, PrivateSmbd  # noqa: E402: found through the path just set
from smb1client import Smb1Client  # noqa: E402, F401: for tests
from smb2client import Smb2Client, Status  # noqa: E402, F401


def missing(build):
    """Why there is no such smbd; None if there is."""
    if os.geteuid() != 0:
        return "smbd needs root"
    if not os.path.exists(os.path.join(str(build), MODULE)):
        return "built without the Samba module"
    return None


def start_smbd(build, **options):
    """A private smbd and its broker. It exports what the prefix of its own user's offers."""
    reason = missing(build)
    if reason:
        pytest.skip(reason)
    return PrivateSmbd(module=os.path.join(str(build), MODULE), broker=os.path.join(str(build), "broker/ntpiped"), options=options)


def variables(smbd):
    """For what is started beside it and starts Samba's daemons: they end with it."""
    return {MARK: str(smbd.directory), "SMB_CONF": str(smbd.configuration), "SMB_PORT": str(smbd.port)}


class Gateway(driver.Program):
    """ntpipe-samba: offers Samba's own pipes."""

    def __init__(self, build, smbd):
        super().__init__([os.path.join(str(build), GATEWAY), "--configfile", smbd.configuration],
                         env={**smbd.environment, **variables(smbd)})
