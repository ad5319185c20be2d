# SPDX-License-Identifier: LGPL-2.1-or-later
"""table.py: which of the 228 cases of SEMANTICS section 10 applies to which transport, and why not where it does not.

The table is written by hand; tests/conformance/test_table.py holds the tests against it: a case that applies to a transport that is there
has a test over it, and no test runs where the table says that its case does not apply. A transport that is not there yet is waited for.
docs/CONFORMANCE.md comes from this table and the outcome of the tests (report.py).
"""
from dataclasses import dataclass

# The transports, in the order of the table's columns, and what they join.
COLUMNS = {
    "local": "both ends in one program, on a namespace of its own",
    "broker": "two native programs and a private ntpiped",
    "spec-client": "the client end is the second implementation, the server a native program",
    "spec-server": "the server end is the second implementation, the client a native program",
    "smb2": "the client is an SMB2 client of smbd with our module, the server a native program",
    "smb1": "the same with an SMB1 client",
    "npa": "the client is smbd, or what speaks named_pipe_auth, before a gateway; the server a native program",
    "wine": "Windows programs under Wine, whose pipes are ours",
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
}

# Cases whose tests are being written: the check passes them over, docs/CONFORMANCE.md shows them as defects. Empty when all is done.
COMING = frozenset()

_TABLE = """
no.  local       broker      spec-client spec-server smb2        smb1        npa         wine
001  yes         yes         server      yes         server      server      socket      yes
002  yes         yes         server      yes         server      server      socket      yes
003  yes         yes         yes         yes         native      native      socket      yes
004  yes         yes         yes         yes         yes         yes         socket      yes
005  yes         yes         yes         yes         yes         yes         socket      yes
006  yes         yes         yes         yes         yes         yes         socket      yes
007  yes         yes         yes         yes         yes         yes         socket      yes
008  yes         yes         yes         yes         yes         yes         socket      yes
009  yes         yes         server      yes         server      server      socket      yes
010  yes         yes         yes         yes         native      native      socket      yes
011  yes         yes         server      yes         server      server      socket      yes
012  yes         yes         yes         yes         yes         yes         socket      yes
013  yes         yes         server      device      server      server      socket      yes
014  yes         yes         yes         yes         native      native      socket      yes
015  yes         yes         server      yes         server      server      socket      yes
016  wine        wine        wine        wine        wine        wine        wine        yes
017  yes         yes         yes         yes         native      native      socket      yes
018  yes         yes         yes         yes         native      native      socket      yes
019  yes         yes         server      device      server      server      socket      yes
020  yes         yes         server      device      server      server      socket      yes
021  yes         yes         device      device      native      native      socket      yes
022  yes         yes         server      device      server      server      socket      yes
023  yes         yes         server      device      server      server      socket      yes
024  yes         yes         server      device      server      server      socket      yes
025  yes         yes         server      device      server      server      socket      yes
026  yes         yes         server      device      server      server      socket      yes
027  yes         yes         server      device      server      server      socket      yes
028  wine        wine        wine        wine        wine        wine        wine        yes
029  yes         yes         server      device      server      server      socket      yes
030  yes         yes         server      device      server      server      socket      yes
031  yes         yes         server      device      server      server      socket      yes
032  yes         yes         server      device      server      server      socket      yes
033  yes         yes         server      device      server      server      socket      yes
034  yes         yes         yes         yes         yes         yes         socket      yes
035  yes         yes         yes         yes         yes         yes         socket      yes
036  yes         yes         server      device      server      server      socket      yes
037  yes         yes         device      device      native      native      socket      yes
038  yes         yes         device      device      native      native      socket      yes
039  yes         yes         server      device      server      server      socket      yes
040  yes         yes         yes         yes         native      native      socket      yes
041  yes         yes         server      yes         server      server      socket      yes
042  yes         yes         server      yes         server      server      socket      yes
043  yes         yes         server      yes         server      server      socket      yes
044  yes         yes         server      yes         server      server      socket      yes
045  yes         yes         server      yes         server      server      socket      yes
046  yes         yes         server      yes         server      server      socket      yes
047  yes         yes         yes         yes         yes         yes         socket      yes
048  yes         yes         yes         yes         yes         yes         socket      yes
049  yes         yes         yes         yes         yes         yes         socket      yes
050  yes         yes         yes         yes         yes         yes         socket      yes
051  yes         yes         server      yes         server      server      socket      yes
052  yes         yes         server      yes         server      server      socket      yes
053  yes         yes         server      yes         server      server      socket      yes
054  yes         yes         server      yes         server      server      socket      yes
055  yes         yes         server      yes         server      server      socket      yes
056  yes         yes         server      yes         server      server      socket      yes
057  yes         yes         server      yes         server      server      socket      yes
058  yes         yes         server      yes         server      server      socket      yes
059  yes         yes         yes         yes         yes         yes         socket      yes
060  yes         yes         server      yes         server      server      socket      yes
061  yes         yes         yes         yes         yes         yes         socket      yes
062  wine        wine        wine        wine        wine        wine        wine        yes
063  yes         yes         server      yes         server      server      socket      yes
064  yes         yes         yes         yes         yes         yes         socket      yes
065  yes         yes         server      yes         server      server      socket      yes
066  yes         yes         yes         yes         yes         yes         socket      yes
067  yes         yes         yes         yes         yes         yes         socket      yes
068  yes         yes         yes         yes         yes         yes         socket      yes
069  yes         yes         yes         yes         control     control     socket      yes
070  yes         yes         yes         yes         control     control     socket      yes
071  yes         yes         yes         yes         yes         yes         socket      yes
072  yes         yes         yes         yes         yes         yes         socket      yes
073  yes         yes         yes         yes         yes         yes         socket      yes
074  wine        wine        wine        wine        wine        wine        wine        yes
075  wine        wine        wine        wine        wine        wine        wine        yes
076  yes         yes         yes         yes         yes         yes         socket      yes
077  yes         yes         yes         yes         yes         yes         socket      yes
078  yes         yes         yes         yes         yes         yes         socket      yes
079  yes         yes         yes         yes         yes         yes         socket      yes
080  yes         yes         yes         yes         yes         yes         socket      yes
081  yes         yes         yes         yes         yes         yes         socket      yes
082  yes         yes         yes         yes         yes         yes         socket      yes
083  yes         yes         yes         yes         yes         yes         socket      yes
084  yes         yes         yes         yes         yes         yes         socket      yes
085  yes         yes         yes         yes         yes         yes         socket      yes
086  yes         yes         yes         yes         yes         yes         socket      yes
087  yes         yes         yes         yes         yes         yes         socket      yes
088  yes         yes         yes         yes         yes         yes         socket      yes
089  yes         yes         yes         yes         yes         yes         socket      yes
090  yes         yes         yes         yes         yes         yes         socket      yes
091  yes         yes         yes         yes         yes         yes         socket      yes
092  yes         yes         yes         yes         yes         yes         socket      yes
093  shared      shared      shared      shared      shared      shared      shared      shared
094  wine        wine        wine        wine        wine        wine        wine        yes
095  one         yes         yes         yes         yes         yes         socket      yes
096  yes         yes         yes         yes         yes         yes         socket      yes
097  yes         yes         yes         yes         yes         yes         socket      yes
098  yes         yes         yes         yes         yes         yes         socket      yes
099  yes         yes         server      yes         server      server      socket      yes
100  yes         yes         yes         yes         yes         yes         socket      yes
101  yes         yes         yes         yes         yes         yes         socket      yes
102  yes         yes         yes         yes         yes         yes         socket      yes
103  yes         yes         yes         yes         yes         yes         socket      yes
104  yes         yes         yes         yes         yes         yes         socket      yes
105  yes         yes         yes         yes         yes         yes         socket      yes
106  yes         yes         yes         yes         yes         yes         socket      yes
107  yes         yes         yes         yes         yes         yes         socket      yes
108  yes         yes         yes         yes         native      native      socket      yes
109  yes         yes         yes         yes         yes         yes         socket      yes
110  yes         yes         server      yes         server      server      socket      yes
111  yes         yes         yes         yes         yes         yes         socket      yes
112  wine        wine        wine        wine        wine        wine        wine        yes
113  yes         yes         yes         yes         yes         yes         socket      yes
114  yes         yes         yes         yes         yes         yes         socket      yes
115  yes         yes         yes         yes         yes         yes         socket      yes
116  yes         yes         yes         yes         yes         yes         socket      yes
117  yes         yes         yes         yes         yes         yes         socket      yes
118  wine        wine        wine        wine        wine        wine        wine        yes
119  yes         yes         yes         yes         yes         yes         socket      yes
120  yes         yes         yes         yes         yes         yes         socket      yes
121  yes         yes         yes         yes         yes         yes         socket      yes
122  yes         yes         yes         yes         yes         yes         socket      yes
123  yes         yes         yes         yes         yes         yes         socket      yes
124  yes         yes         yes         yes         yes         yes         socket      yes
125  yes         yes         yes         yes         yes         yes         socket      yes
126  yes         yes         yes         yes         yes         yes         socket      yes
127  yes         yes         yes         yes         yes         yes         socket      yes
128  yes         yes         yes         yes         yes         yes         socket      yes
129  yes         yes         yes         yes         yes         yes         socket      yes
130  yes         yes         yes         yes         yes         yes         socket      yes
131  wine        wine        wine        wine        wine        wine        wine        yes
132  yes         yes         yes         yes         yes         yes         socket      yes
133  yes         yes         yes         yes         yes         yes         socket      yes
134  yes         yes         yes         yes         yes         yes         socket      yes
135  wine        wine        wine        wine        wine        wine        wine        yes
136  yes         yes         yes         yes         yes         yes         socket      yes
137  yes         yes         yes         yes         yes         yes         socket      yes
138  yes         yes         yes         yes         yes         yes         socket      yes
139  wine        wine        wine        wine        wine        wine        wine        yes
140  wine        wine        wine        wine        wine        wine        wine        yes
141  yes         yes         yes         yes         yes         yes         socket      yes
142  yes         yes         yes         yes         yes         yes         socket      yes
143  yes         yes         yes         yes         yes         yes         socket      yes
144  yes         yes         yes         yes         yes         yes         socket      yes
145  yes         yes         yes         yes         yes         yes         socket      yes
146  yes         yes         yes         yes         yes         yes         socket      yes
147  yes         yes         yes         yes         yes         yes         socket      yes
148  yes         yes         yes         yes         yes         yes         socket      yes
149  yes         yes         yes         yes         yes         yes         socket      yes
150  yes         yes         yes         yes         yes         yes         socket      yes
151  yes         yes         yes         yes         yes         yes         socket      yes
152  yes         yes         yes         yes         yes         yes         socket      yes
153  yes         yes         yes         yes         yes         yes         socket      yes
154  yes         yes         yes         yes         yes         yes         socket      yes
155  yes         yes         yes         yes         yes         yes         socket      yes
156  yes         yes         yes         yes         yes         yes         socket      yes
157  yes         yes         yes         yes         yes         yes         socket      yes
158  yes         yes         yes         yes         yes         yes         socket      yes
159  yes         yes         yes         yes         yes         yes         socket      yes
160  yes         yes         yes         yes         yes         yes         socket      yes
161  yes         yes         yes         yes         yes         yes         socket      yes
162  yes         yes         yes         yes         yes         yes         socket      yes
163  yes         yes         yes         yes         yes         yes         socket      yes
164  yes         yes         yes         yes         yes         yes         socket      yes
165  yes         yes         yes         yes         yes         yes         socket      yes
166  yes         yes         yes         yes         yes         yes         socket      yes
167  yes         yes         yes         yes         yes         yes         socket      yes
168  yes         yes         yes         yes         yes         yes         socket      yes
169  yes         yes         yes         yes         yes         yes         socket      yes
170  yes         yes         yes         yes         yes         yes         socket      yes
171  yes         yes         yes         yes         yes         yes         socket      yes
172  yes         yes         yes         yes         yes         yes         socket      yes
173  yes         yes         yes         yes         yes         yes         socket      yes
174  yes         yes         yes         yes         yes         yes         socket      yes
175  yes         yes         yes         yes         yes         yes         socket      yes
176  yes         yes         yes         yes         yes         yes         socket      yes
177  yes         yes         yes         yes         yes         yes         socket      yes
178  yes         yes         server      yes         server      server      socket      yes
179  yes         yes         yes         yes         yes         yes         socket      yes
180  yes         yes         yes         yes         yes         yes         socket      yes
181  yes         yes         yes         yes         yes         yes         socket      yes
182  yes         yes         yes         yes         yes         yes         socket      yes
183  wine        wine        wine        wine        wine        wine        wine        yes
184  yes         yes         yes         yes         native      native      socket      yes
185  yes         yes         yes         yes         native      native      socket      yes
186  yes         yes         yes         yes         yes         yes         socket      yes
187  yes         yes         yes         yes         yes         yes         socket      yes
188  wine        wine        wine        wine        wine        wine        wine        yes
189  wine        wine        wine        wine        wine        wine        wine        yes
190  wine        wine        wine        wine        wine        wine        wine        yes
191  yes         yes         yes         yes         native      native      socket      yes
192  yes         yes         yes         yes         native      native      socket      yes
193  yes         yes         yes         yes         native      native      socket      yes
194  yes         yes         server      device      server      server      socket      yes
195  yes         yes         path        path        native      native      socket      yes
196  yes         yes         path        path        native      native      socket      yes
197  yes         yes         path        path        native      native      socket      yes
198  yes         yes         path        path        yes         yes         socket      yes
199  yes         yes         path        path        native      native      socket      yes
200  yes         yes         path        path        native      native      socket      yes
201  yes         yes         path        path        native      native      socket      yes
202  yes         yes         path        path        native      native      socket      yes
203  remote      remote      remote      remote      yes         yes         npa-none    local-only
204  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1
205  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1
206  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1
207  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1
208  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1
209  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1
210  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1
211  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1
212  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1
213  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1
214  smb1        smb1        smb1        smb1        smb1        yes         smb1        smb1
215  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2
216  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2
217  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2
218  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2
219  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2
220  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2
221  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2
222  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2
223  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2
224  smb2        smb2        smb2        smb2        yes         smb2        smb2        smb2
225  npa         npa         npa         npa         npa         npa         yes         npa
226  npa         npa         npa         npa         npa         npa         yes         npa
227  npa         npa         npa         npa         npa         npa         yes         npa
228  npa         npa         npa         npa         npa         npa         yes         npa
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
