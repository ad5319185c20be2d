# SPDX-License-Identifier: LGPL-2.1-or-later
"""witness.py: the file that tests/programs/checked_stream.hpp describes, as the test writes and reads it."""
import mmap
import struct

STREAMS, SERVERS, GROUPS, KINDS = 1 << 22, 64, 8, 8
COUNTED = ("messages", "flushed", "opens", "broken", "wrong")
WORD = struct.Struct("<Q")
# Numbers of streams: those of SMB clients come first, then those of probes, then 1024 for each other client.
PROBES, FIRST_OF_CLIENTS, OF_ONE_CLIENT = (1 << 21) - 4096, 1 << 21, 1024


class Witness:
    def __init__(self, path):
        self.path = str(path)
        with open(self.path, "w+b") as file:
            file.truncate((STREAMS + SERVERS + GROUPS * KINDS) * WORD.size)
            self.memory = mmap.mmap(file.fileno(), 0)
        self.probes = 0
        self.last, self.taken = 0, set()

    def __getitem__(self, word):
        return WORD.unpack_from(self.memory, word * WORD.size)[0]

    def __setitem__(self, word, value):
        WORD.pack_into(self.memory, word * WORD.size, value)

    def read_of(self, stream):
        return self[stream % STREAMS]

    def has_read(self, stream, count):
        self[stream % STREAMS] = count

    def say_deaths(self, server, count):
        self[STREAMS + server] = count

    def counts(self, group):
        first = STREAMS + SERVERS + group * KINDS
        return {name: self[first + place] for place, name in enumerate(COUNTED)}

    # ---- numbers ----

    def probe(self):
        """A stream for one message."""
        self.probes += 1
        return PROBES + self.probes % 4096

    def take(self):
        """The first of the numbers of a client that nobody else who lives has."""
        most = (STREAMS - FIRST_OF_CLIENTS) // OF_ONE_CLIENT
        while self.last in self.taken:
            self.last = (self.last + 1) % most
        self.taken.add(self.last)
        taken, self.last = self.last, (self.last + 1) % most
        return FIRST_OF_CLIENTS + taken * OF_ONE_CLIENT

    def give_back(self, stream):
        self.taken.discard((stream - FIRST_OF_CLIENTS) // OF_ONE_CLIENT)

    def close(self):
        self.memory.close()
