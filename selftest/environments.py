# SPDX-License-Identifier: GPL-3.0-or-later
"""environments.py: the servers that suites are run against, each a private smbd that is made when the first suite needs it.

    stock      the distribution's smbd as it is
    preload    the same with the module, by `preload modules`, every native pipe exported
    vfs        the same with the module by `vfs objects` of IPC$
    asan       as preload, with the module that is instrumented by the address sanitizer (make build-asan)
    native     the same, and Samba's own lsarpc is overridden by a native pipe, at which a program listens
"""
import contextlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
for folder in ("selftest", "tests", "tests/samba"):
    if str(ROOT / folder) not in sys.path:
        sys.path.append(str(ROOT / folder))

from native import Server  # noqa: E402: found through the path just set
from private_smbd import RELEASE, PrivateSmbd  # noqa: E402

# What smbd or a sanitizer says when it has found itself at fault.
ALARMS = ("INTERNAL ERROR", "PANIC", "Sanitizer", "runtime error:")

# A command that smbd has for smbtorture only.
FOR_TORTURE = {"smbd:FSCTL_SMBTORTURE": "yes"}

# More than any suite opens: each is for one client.
INSTANCES = 16


def with_module(build, loading="preload", **options):
    module, broker = (os.path.join(build, path) for path in ("samba_module/ntpipe.so", "broker/ntpiped"))
    return PrivateSmbd(module=module, broker=broker, options={"ntpipe:export": "*:*", **FOR_TORTURE, **options}, loading=loading)


@contextlib.contextmanager
def stock(build):
    with PrivateSmbd(options=FOR_TORTURE) as smbd:
        yield smbd


@contextlib.contextmanager
def preload(build):
    with with_module(build) as smbd:
        yield smbd


@contextlib.contextmanager
def vfs(build):
    with with_module(build, loading="vfs") as smbd:
        yield smbd


@contextlib.contextmanager
def asan(build):
    with with_module(instrumented(build)) as smbd:
        yield smbd


def instrumented(build):
    """The build directory of the variant with the address sanitizer."""
    return os.path.join(build, "asan")


@contextlib.contextmanager
def native(build):
    with with_module(build, **{"ntpipe:override": "lsarpc"}) as smbd, Server(build, smbd.ntpipe_dir) as server:
        for _ in range(INSTANCES):
            server.create("lsarpc")
        yield smbd


ENVIRONMENTS = {"stock": stock, "preload": preload, "vfs": vfs, "asan": asan, "native": native}


def missing(name, build):
    """Why there cannot be such an environment; None: there can."""
    if name == "asan" and RELEASE:
        return f"the sanitizer's library of this release does not go into the smbd of {RELEASE}"
    if name == "asan" and not os.path.exists(os.path.join(instrumented(build), "samba_module/ntpipe.so")):
        return "the module is not built with the address sanitizer: make build-asan"
    return None


def alarms(smbd):
    """The lines of smbd's log in which it says that it went wrong."""
    return [line for line in smbd.log().splitlines() if any(alarm in line for alarm in ALARMS)]


class Running(contextlib.AbstractContextManager):
    """The environments that are there by now: running["preload"] starts it if need be."""

    def __init__(self, build):
        self.build, self.stack, self.made = build, contextlib.ExitStack(), {}

    def __getitem__(self, name):
        if name not in self.made:
            self.made[name] = self.stack.enter_context(ENVIRONMENTS[name](self.build))
        return self.made[name]

    def __exit__(self, *failure):
        return self.stack.__exit__(*failure)
