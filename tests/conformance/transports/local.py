# SPDX-License-Identifier: LGPL-2.1-or-later
"""local.py: both ends in one process, on a namespace of its own: no broker, no sockets."""
import os

from conformance.transports.base import NATIVE_ENDS_ONLY, Environment, NativeParty, Transport


class LocalEnvironment(Environment):
    def __init__(self, build, loop):
        super().__init__()
        self.add(NativeParty(build, loop, local=True))


class Local(Transport):
    name = column = "local"
    description = "both ends in one program, on ntpipe_namespace_create_local()"
    loop = "tevent"
    lacks = {
        "two processes": "both ends are in one process",
        **NATIVE_ENDS_ONLY,
    }

    def open(self, build):
        return LocalEnvironment(self.directory(build), self.loop)


class LocalPoll(Local):
    name = "local-poll"
    description = "the same, driven through ntpipe_session_fd() and ntpipe_session_dispatch()"
    loop = "poll"


class LocalAsan(Local):
    name = "local-asan"
    description = "local, with the address and undefined behaviour sanitizers"

    def directory(self, build):
        return os.path.join(build, "asan")
