# SPDX-License-Identifier: LGPL-2.1-or-later
"""table.py: which of the 228 cases of SEMANTICS section 10 applies to which transport, and why not where it does not.

The table is written by hand; tests/conformance/test_table.py holds the tests against it: a case that applies to a transport that is there
has a test over it, and no test runs where the table says that its case does not apply. A transport that is not there yet is waited for.
docs/CONFORMANCE.md comes from this table and the outcome of the tests (report.py).
"""
from dataclasses import dataclass

from conformance.transports.wine_differences import REASONS as wine_differences

# The transports, in the order of the table's columns, and what they join.
COLUMNS = {
    "local": "both ends in one program, on a namespace of its own",
    "broker": "two native programs and a private ntpiped",
    "spec-client": "the client end is the second implementation, the server a native program",
    "spec-server": "the server end is the second implementation, the client a native program",
    "smb2": "the client is an SMB2 client of smbd with our module, the server a native program",
    "smb1": "the same with an SMB1 client",
    "npa": "the client is smbd, or what speaks named_pipe_auth, before a gateway; the server a native program",
    "wine": "two Windows programs on the plain Wine: the oracle, none of our code takes part",
    "wine-client": "the client is a Windows program under Wine, the bridge, the server a native program",
    "wine-server": "the server is a Windows program under Wine, the bridge, the client a native program",
}

# What a cell says; each but `yes` is a reason why the case does not apply there.
APPLIES = "yes"
REASONS = {
    "wine": "NT handles, events, completion ports, APCs, threads, object names and Win32 calls belong to Wine",
    "shared": "one end shared by two processes: the channel excludes it",
    "one": "both ends are in one process",
    "server": "no client end in it: what it states is the same as over the broker",
    "handle": "the client end is opened relative to the server's handle, by the process that has that handle",
    "device": "handles of the device are each library's own matter: the protocol does not know them",
    "path": "the second implementation makes the data path and what that needs",
    "native": "an SMB client has neither native name forms and container handles, nor process ids, tokens of threads and the bytes of "
              "all of NPFS's classes",
    "control": "an SMB client may ask for TRANSCEIVE, PEEK and WAIT only (8.3)",
    "remote": "a client on another machine is meant",
    "local-only": "clients under Wine are of this machine",
    "socket": "the socket carries whole messages and the end of the connection: no statuses, modes, states, quotas (9.3)",
    "npa-none": "the gateway's clients are let in before their names are known to NPFS",
    "smb1": "about SMB1",
    "smb2": "about SMB2",
    "npa": "about named_pipe_auth",
    "grants": "Wine stores security descriptors and grants everything",
    "codes": "codes that are none of reading, writing and waiting are Wine's own matter",
    "own-device": "handles of the device are Wine's own matter",
    "forms": "neither identities nor name forms of ours",
    **{f"w-{code}": reason for code, reason in wine_differences.items()},
}

# Cases whose tests are being written: the check passes them over, docs/CONFORMANCE.md shows them as defects. Empty when all is done.
COMING = frozenset()

_TABLE = """
no.  local       broker      spec-client spec-server smb2        smb1        npa         wine        wine-client wine-server
001  yes         yes         server      yes         server      server      socket      w-names     server      server
002  yes         yes         server      yes         server      server      socket      w-names     server      server
003  yes         yes         yes         yes         native      native      socket      forms       forms       forms
004  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
005  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
006  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
007  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
008  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
009  yes         yes         server      yes         server      server      socket      yes         server      server
010  yes         yes         yes         yes         native      native      socket      forms       forms       forms
011  yes         yes         server      yes         server      server      socket      yes         server      server
012  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
013  yes         yes         server      device      server      server      socket      own-device  server      server
014  yes         yes         yes         yes         native      native      socket      forms       forms       forms
015  yes         yes         server      yes         server      server      socket      w-names     server      server
016  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
017  yes         yes         yes         yes         native      native      socket      forms       forms       forms
018  yes         yes         yes         yes         native      native      socket      forms       forms       forms
019  yes         yes         server      device      server      server      socket      own-device  server      server
020  yes         yes         server      device      server      server      socket      own-device  server      server
021  yes         yes         device      device      native      native      socket      forms       forms       forms
022  yes         yes         server      device      server      server      socket      own-device  server      server
023  yes         yes         server      device      server      server      socket      own-device  server      server
024  yes         yes         server      device      server      server      socket      own-device  server      server
025  yes         yes         server      device      server      server      socket      own-device  server      server
026  yes         yes         server      device      server      server      socket      own-device  server      server
027  yes         yes         server      device      server      server      socket      own-device  server      server
028  wine        wine        wine        wine        wine        wine        wine        w-names     wine        wine
029  yes         yes         server      device      server      server      socket      own-device  server      server
030  yes         yes         server      device      server      server      socket      own-device  server      server
031  yes         yes         server      device      server      server      socket      own-device  server      server
032  yes         yes         server      device      server      server      socket      own-device  server      server
033  yes         yes         server      device      server      server      socket      own-device  server      server
034  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
035  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
036  yes         yes         server      device      server      server      socket      own-device  server      server
037  yes         yes         device      device      native      native      socket      forms       forms       forms
038  yes         yes         device      device      native      native      socket      forms       forms       forms
039  yes         yes         server      device      server      server      socket      own-device  server      server
040  yes         yes         yes         yes         native      native      socket      forms       forms       forms
041  yes         yes         server      yes         server      server      socket      w-create    server      server
042  yes         yes         server      yes         server      server      socket      yes         server      server
043  yes         yes         server      yes         server      server      socket      yes         server      server
044  yes         yes         server      yes         server      server      socket      w-disposition server      server
045  yes         yes         server      yes         server      server      socket      yes         server      server
046  yes         yes         server      yes         server      server      socket      yes         server      server
047  yes         yes         yes         yes         yes         yes         socket      w-information yes         w-information
048  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
049  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
050  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
051  yes         yes         server      yes         server      server      socket      yes         server      server
052  yes         yes         server      yes         server      server      socket      yes         server      server
053  yes         yes         server      yes         server      server      socket      yes         server      server
054  yes         yes         server      yes         server      server      socket      w-create    server      server
055  yes         yes         server      yes         server      server      socket      yes         server      server
056  yes         yes         server      yes         server      server      socket      w-disposition server      server
057  yes         yes         server      yes         server      server      socket      w-create    server      server
058  yes         yes         server      yes         server      server      socket      w-information server      server
059  yes         yes         yes         yes         yes         yes         socket      w-quota     w-quota     w-quota
060  yes         yes         server      yes         server      server      socket      yes         server      server
061  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
062  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
063  yes         yes         server      yes         server      server      socket      w-disposition server      server
064  yes         yes         yes         yes         yes         yes         socket      w-sddl      yes         w-sddl
065  yes         yes         server      yes         server      server      socket      yes         server      server
066  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
067  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
068  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
069  yes         yes         yes         yes         control     control     socket      yes         yes         yes
070  yes         yes         yes         yes         control     control     socket      w-code      w-code      yes
071  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
072  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
073  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
074  wine        wine        wine        wine        wine        wine        wine        w-apc       wine        wine
075  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
076  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
077  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
078  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
079  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
080  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
081  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
082  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
083  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
084  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
085  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
086  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
087  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
088  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
089  yes         yes         yes         yes         yes         yes         socket      w-closed-name w-closed-name yes
090  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
091  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
092  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
093  shared      shared      shared      shared      shared      shared      shared      w-last-handle shared      shared
094  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
095  one         yes         yes         yes         yes         yes         socket      yes         yes         yes
096  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
097  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
098  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
099  yes         yes         server      yes         server      server      socket      w-disconnect server      server
100  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
101  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
102  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
103  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
104  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
105  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
106  yes         yes         yes         yes         yes         yes         socket      w-wait-gone w-wait-gone yes
107  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
108  yes         yes         yes         yes         native      native      socket      forms       forms       forms
109  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
110  yes         yes         server      yes         server      server      socket      w-listen-gone server      server
111  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
112  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
113  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
114  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
115  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
116  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
117  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
118  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
119  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
120  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
121  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
122  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
123  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
124  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
125  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
126  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
127  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
128  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
129  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
130  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
131  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
132  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
133  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
134  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
135  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
136  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
137  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
138  yes         yes         yes         yes         yes         yes         socket      w-zero-quota yes         w-zero-quota
139  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
140  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
141  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
142  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
143  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
144  yes         yes         yes         yes         yes         yes         socket      yes         w-reader    w-reader
145  yes         yes         yes         yes         yes         yes         socket      yes         w-reader    w-reader
146  yes         yes         yes         yes         yes         yes         socket      w-nowait    yes         yes
147  yes         yes         yes         yes         yes         yes         socket      yes         w-reader    w-reader
148  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
149  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
150  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
151  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
152  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
153  yes         yes         yes         yes         yes         yes         socket      w-flush     w-flush     w-flush
154  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
155  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
156  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
157  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
158  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
159  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
160  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
161  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
162  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
163  yes         yes         yes         yes         yes         yes         socket      w-code      yes         yes
164  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
165  yes         yes         yes         yes         yes         yes         socket      w-one-way   yes         w-one-way
166  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
167  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
168  yes         yes         yes         yes         yes         yes         socket      w-count     yes         yes
169  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
170  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
171  yes         yes         yes         yes         yes         yes         socket      w-count     w-count     w-count
172  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
173  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
174  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
175  yes         yes         yes         yes         yes         yes         socket      w-quota     w-quota     w-quota
176  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
177  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
178  yes         yes         server      yes         server      server      socket      w-class     server      server
179  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
180  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
181  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
182  yes         yes         yes         yes         yes         yes         socket      yes         yes         yes
183  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
184  yes         yes         yes         yes         native      native      socket      forms       forms       forms
185  yes         yes         yes         yes         native      native      socket      forms       forms       forms
186  yes         yes         yes         yes         yes         yes         socket      w-quota     w-quota     w-quota
187  yes         yes         yes         yes         yes         yes         socket      w-class     yes         yes
188  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
189  wine        wine        wine        wine        wine        wine        wine        yes         wine        wine
190  wine        wine        wine        wine        wine        wine        wine        w-signal    wine        wine
191  yes         yes         yes         yes         native      native      socket      forms       forms       forms
192  yes         yes         yes         yes         native      native      socket      forms       forms       forms
193  yes         yes         yes         yes         native      native      socket      forms       forms       forms
194  yes         yes         server      device      server      server      socket      own-device  server      server
195  yes         yes         path        path        native      native      socket      forms       forms       forms
196  yes         yes         path        path        native      native      socket      forms       forms       forms
197  yes         yes         path        path        native      native      socket      forms       forms       forms
198  yes         yes         path        path        yes         yes         socket      grants      grants      grants
199  yes         yes         path        path        native      native      socket      forms       forms       forms
200  yes         yes         path        path        native      native      socket      forms       forms       forms
201  yes         yes         path        path        native      native      socket      forms       forms       forms
202  yes         yes         path        path        native      native      socket      forms       forms       forms
203  remote      remote      remote      remote      yes         yes         npa-none    local-only  local-only  local-only
204  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1        smb1        smb1
205  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1        smb1        smb1
206  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1        smb1        smb1
207  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1        smb1        smb1
208  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1        smb1        smb1
209  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1        smb1        smb1
210  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1        smb1        smb1
211  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1        smb1        smb1
212  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1        smb1        smb1
213  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1        smb1        smb1
214  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1        smb1        smb1
215  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2        smb2        smb2
216  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2        smb2        smb2
217  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2        smb2        smb2
218  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2        smb2        smb2
219  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2        smb2        smb2
220  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2        smb2        smb2
221  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2        smb2        smb2
222  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2        smb2        smb2
223  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2        smb2        smb2
224  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2        smb2        smb2
225  npa         npa         npa         npa         npa         npa         yes         npa         npa         npa
226  npa         npa         npa         npa         npa         npa         yes         npa         npa         npa
227  npa         npa         npa         npa         npa         npa         yes         npa         npa         npa
228  npa         npa         npa         npa         npa         npa         yes         npa         npa         npa
"""


@dataclass(frozen=True)
class Cell:
    """Whether a case applies to a transport."""

    code: str

    @property
    def applies(self):
        return self.code == APPLIES

    @property
    def reason(self):
        """Why it does not apply; None if it does."""
        return None if self.applies else REASONS[self.code]


def _rows():
    header, *lines = [line.split() for line in _TABLE.strip().splitlines()]
    assert header[1:] == list(COLUMNS), "the columns have other names"
    for number, *codes in lines:
        assert len(codes) == len(COLUMNS), f"case {number}: {len(codes)} cells"
        unknown = set(codes) - {APPLIES, *REASONS}
        assert not unknown, f"case {number}: {unknown}"
        yield int(number), dict(zip(COLUMNS, map(Cell, codes)))


# number -> transport -> Cell
TABLE = dict(_rows())
LAST_CASE = 228
assert list(TABLE) == list(range(1, LAST_CASE + 1)), "each case has one row, in order"
