# SPDX-License-Identifier: LGPL-2.1-or-later
"""differences.py: where the transcripts of the walk are known to differ, and why. An entry that no longer differs is an error."""
import re
from dataclasses import dataclass

# What is compared: (way, half) -> (way of the oracle). Each half does the same calls as the oracle's.
COMPARISONS = {
    "native": (("native", "server", "wine"), ("native", "client", "wine")),
    "client": (("client", "client", "wine"), ("client", "server", "native")),
    "server": (("server", "server", "wine"), ("server", "client", "native")),
}


@dataclass(frozen=True)
class Difference:
    """Lines that differ for one reason: `scenario`, `oracle` and `other` are regular expressions that match all of the text."""

    way: str
    half: str  # empty: both
    scenario: str
    oracle: str
    other: str
    reason: str

    def covers(self, way, half, scenario, oracle, other):
        return (self.way == way and self.half in ("", half) and re.fullmatch(self.scenario, scenario) is not None
                and re.fullmatch(self.oracle, oracle, re.DOTALL) is not None and re.fullmatch(self.other, other, re.DOTALL) is not None)


ANY = ".*"

DIFFERENCES = (
    # ---- native programs and Windows programs on the plain Wine ----
    Difference("native", "", ANY, r".* available, 4294967\d{3} left of the message", r".* available, 0 left of the message",
               "Wine subtracts what was copied from the length of a message, which byte pipes have not"),
    Difference("native", "", r"empty writes \(messages as bytes\)", r".*ReadFile.*", r".*ReadFile.*",
               "Wine passes over an empty message that is read as bytes (SEMANTICS 3.3)"),
    Difference("native", "server", "before a client comes", r"server.DisconnectNamedPipe\(\): PIPE_LISTENING", r".*: ok",
               "Wine refuses to disconnect an instance that listens (SEMANTICS 2)"),
    Difference("native", "server", "before a client comes", r"server.ReadFile\(10\): PIPE_LISTENING", r".*: PIPE_NOT_CONNECTED",
               "Wine refuses to disconnect an instance that listens (SEMANTICS 2)"),

    # ---- a Windows client, the bridge, a native server ----
    Difference("client", "server", r"more than the quota \(messages.*\)", r"server.PeekNamedPipe.* 250 available.*",
               r"server.PeekNamedPipe.* 150 available.*",
               "of several messages that wait in the prefix Wine shows the bridge the first one only"),

    # ---- a native client, the bridge, a Windows server ----
    Difference("server", "client", r"more than the quota \(messages.*\)", r"client.PeekNamedPipe.* 250 available.*",
               r"client.PeekNamedPipe.* 150 available.*",
               "of several messages that wait in the prefix Wine shows the bridge the first one only"),
)
