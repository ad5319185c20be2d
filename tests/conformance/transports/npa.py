# SPDX-License-Identifier: LGPL-2.1-or-later
"""npa.py: an smbd without our module before the gateway ntpipe-samba. The socket between the two has no room for the operations of
cases (SEMANTICS 9.3): its own cases are tests of the protocol, in tests/samba/test_ntpipe_samba.py."""
from conformance.transports.base import Transport


class Npa(Transport):
    name = "npa"
    column = "npa"
    description = "what speaks named_pipe_auth before the gateway ntpipe-samba; the server a native program"
    programs = ("samba_module/ntpipe-samba", "broker/ntpiped", "tests/ntpipe-test-agent")

    def reason_against(self, case):
        return "the socket carries whole messages and the end of the connection: no statuses, modes, states, quotas (9.3)"
