# SPDX-License-Identifier: LGPL-2.1-or-later
# fuzz_smb.py: recorded conversations of SMB1 and SMB2 clients with pipes, sent again with something changed.
"""
    with Fuzzer(smbd, server, SMB1, seed=5) as fuzzer:
        fuzzer.run(seconds=10)                 # raises Broken if smbd or the bystander has come to harm

First an honest client says all that can be said about pipes; its packets are kept. Then, round after round, a client logs in, opens a pipe,
and sends packets from that conversation, in another order, some of them changed, and leaves. A round depends on the seed and its
number only: `first_round` repeats it. Each packet gets the session, tree, message and file ids of the client that sends it, before it
is changed.

All the time a bystander, a client with a connection of its own, must read exactly what its pipe's server writes, and the other way round,
and nobody else may be sent what it says. smbd's process must answer a last ECHO or hang up; it must never crash.
"""
import contextlib
import os
import random
import struct
import time

from smb1client import PASS_THROUGH, RAW_START, Smb1Client, Trans, Trans2
from smb2client import FLAG_SIGNED, FSCTL_PIPE_PEEK, FSCTL_PIPE_TRANSCEIVE, RELATED, Smb2Client

PATIENCE = 60
# What smbd or its libraries log when a process ends otherwise than by its own will.
TROUBLE = ("INTERNAL ERROR", "PANIC", "unclean shutdown", "terminate called", "Assertion")
NUMBERS = [0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF,
           0x80000000, 0xFFFFFFFE, 0xFFFFFFFF]  # fmt: skip


class Broken(AssertionError):
    """What must never happen."""


def drain(pipe):
    """Reads all that is there."""
    while pipe.call("peek", length=10)[1]["messages"]:
        pipe.read()


class Smb1:
    """How conversations are held over SMB1."""

    name = "smb1"
    header_size = 32
    options = ({}, {"unicode": False}, {"nt_status": False}, {"max_buffer": 4356})
    plain = {}
    make = Smb1Client
    place_of_mid = 30

    @staticmethod
    def converse(client, open_pipe, name):
        """Says everything once. `open_pipe`: makes a pipe and gives (file id, server's end)."""
        fid, pipe = open_pipe(client)
        for data in b"", b"a message", bytes(5000):
            pipe.write(data)
        for request in (client.read_request(fid, 4, minimum=1), client.read_request(fid, 9, minimum=1, timeout=100, offset_high=0),
                        client.core_read_request(fid, 50)):  # fmt: skip
            client.call(request)
        for subcommand in Trans.PEEK, Trans.QUERY_INFO, Trans.QUERY_STATE, Trans.READ, Trans.RAW_READ, Trans.SET_STATE:
            client.trans(subcommand, fid, parameters=b"\0\x01" if subcommand == Trans.SET_STATE else b"\1\0", max_data=700)
        for write in (client.write_request(fid, b"written"), client.write_request(fid, b"\x08\0part", mode=RAW_START),
                      client.write_request(fid, b"rest", mode=4), client.core_write_request(fid, b"core")):  # fmt: skip
            client.call(write)
        client.trans(Trans.WRITE, fid, b"written", first=(0, 3), piece=2)
        client.trans(Trans.RAW_WRITE, fid, b"\x03\0abc")
        drain(pipe)
        client.query_file(fid, PASS_THROUGH + 24)
        client.query_file(fid, 0x102)
        client.set_file(fid, PASS_THROUGH + 23, struct.pack("<II", 1, 0))
        client.call(client.trans2_request(Trans2.SET_FILE, struct.pack("<HHH", fid, PASS_THROUGH + 23, 0), bytes(8), first=(6, 3), piece=3))
        client.control(fid, FSCTL_PIPE_PEEK, b"", 100)
        for pending in client.start_transceive(fid, b"question", 3), client.start_control(fid, FSCTL_PIPE_TRANSCEIVE, b"question"):
            pending.cancel()
            pending.final()
        client.wait(name, 1)
        client.wait("nothing", 1)
        client.pipe_call("nothing", b"question", timeout_ms=1)
        client.call(client.nt_create_request("\\" + name, flags=0x10))
        client.call(client.open_request("\\PIPE\\" + name))
        client.call(client.nt_transact_create_request("\\" + name))
        client.chain([client.nt_create_request("\\" + name), client.write_request(0xFFFF, b"chained"),
                      client.read_request(0xFFFF, 10)]).final()  # fmt: skip
        client.chain([client.write_request(fid, b"chained"), client.read_request(fid, 10)]).final()
        drain(pipe)
        client.flush(fid)
        client.tree_connect("IPC$")
        client.close(fid)
        return fid

    @staticmethod
    def adapt(packet, client, old, new):
        """The packet as that client's: `old` and `new` are the file ids."""
        packet = bytearray(packet[:32] + packet[32:].replace(struct.pack("<H", old), struct.pack("<H", new)))
        struct.pack_into("<4H", packet, 24, client.tree_id, client.pid, client.session_id, client.connection.take_mid())
        return packet

    @staticmethod
    def credits_of(packet):
        return 0

    @classmethod
    def farewell(cls, client):
        """(the packet of an ECHO, whether a response is its)"""
        mid = client.connection.take_mid()
        packet = client.packet([client.echo_request()], mid)
        return packet, lambda response: response[4] == packet[4] and response[30:32] == packet[30:32]


class Smb2:
    """The same for SMB2 and SMB3."""

    name = "smb2"
    header_size = 64
    options = ({"dialect": 0x202}, {"dialect": 0x210}, {"dialect": 0x302}, {"dialect": 0x311})
    plain = {"dialect": 0x302}
    make = Smb2Client
    place_of_mid = 24

    @staticmethod
    def converse(client, open_pipe, name):
        file_id, pipe = open_pipe(client)
        for data in b"", b"a message", bytes(5000):
            pipe.write(data)
        for length in 10, 4, 60000:
            client.read(file_id, length)
        client.write(file_id, b"written")
        client.peek(file_id, 100)
        for information_class in 4, 5, 9, 18, 23, 24:
            client.query_info(file_id, information_class)
        client.query_info(file_id, 5, kind=2)
        client.query_info(file_id, 0, kind=3)
        client.set_modes(file_id)
        client.wait(name, 1)
        client.wait("nothing", 1)
        drain(pipe)
        for pending in client.start_transceive(file_id, b"question", 3), client.start_read(file_id, 10):
            pending.cancel()
            pending.final()
        drain(pipe)
        client.flush(file_id)
        client.create(name)
        chain = [client.create_command(name), client.write_command(RELATED, b"chained"), client.query_info_command(RELATED, 24),
                 client.close_command(RELATED)]  # fmt: skip
        for pending in client.send(chain, related=True):
            pending.final()
        client.echo()
        client.close(file_id, 1)
        return file_id

    @staticmethod
    def adapt(packet, client, old, new):
        packet = bytearray(packet.replace(old, new))
        place = 0
        while True:
            (charge,) = struct.unpack_from("<H", packet, place + 6)
            is_cancel = struct.unpack_from("<H", packet, place + 12)[0] == 12
            (flags,) = struct.unpack_from("<I", packet, place + 16)
            struct.pack_into("<I", packet, place + 16, flags & ~FLAG_SIGNED)
            if not is_cancel:
                struct.pack_into("<Q", packet, place + 24, client.connection.next_message_id)
                client.connection.next_message_id += max(1, charge)
                client.connection.credits -= max(1, charge)
            if not flags & 2:  # no AsyncId
                struct.pack_into("<I", packet, place + 36, client.tree_id)
            struct.pack_into("<Q", packet, place + 40, client.session_id)
            (next_command,) = struct.unpack_from("<I", packet, place + 20)
            if not next_command:
                return packet
            place += next_command

    @staticmethod
    def credits_of(packet):
        return struct.unpack_from("<H", packet, 14)[0] if len(packet) >= 16 else 0

    @classmethod
    def farewell(cls, client):
        packet = client.connection.header(13, client.session_id, client.tree_id) + struct.pack("<HH", 4, 0)
        return packet, lambda response: response[12:14] == packet[12:14] and response[24:32] == packet[24:32]


class Bystander:
    """A client whose pipe must not notice anything."""

    def __init__(self, dialect, smbd, server, name):
        self.client = dialect.make(smbd.port, *list(smbd.users.items())[1], **dialect.plain)
        self.pipe = server.create(name, max_instances=1)
        self.file_id = self.client.open(name)
        self.pipe.await_client()
        assert self.client.set_modes(self.file_id).status == 0
        self.marker = b"only for the bystander: " + os.urandom(16)
        self.count = 0

    def check(self):
        self.count += 1
        message = self.marker + struct.pack("<Q", self.count)
        self.pipe.write(message)
        read = self.client.read(self.file_id)
        if (read.status, read.data) != (0, message):
            raise Broken(f"the bystander has read {read.status.name} {read.data!r}")
        written = self.client.write(self.file_id, message[::-1])
        if (written.status, written.count) != (0, len(message)) or self.pipe.read() != message[::-1]:
            raise Broken(f"the bystander has written {written}")
        left = self.pipe.call("peek", length=100)[1]["available"]
        if left:
            raise Broken(f"{left} bytes that nobody has written came to the bystander's pipe")


class Fuzzer(contextlib.AbstractContextManager):
    def __init__(self, smbd, server, dialect, *, seed, name):
        self.smbd, self.server, self.dialect, self.seed, self.name = smbd, server, dialect, seed, name
        self.user = next(iter(smbd.users.items()))
        self.rounds, self.sent, self.hung_up = 0, 0, 0
        self.bystander = Bystander(dialect, smbd, server, f"{name}-bystander")
        self.read_of_log = len(smbd.log())
        self.record()

    def __exit__(self, *_):
        self.bystander.client.drop()

    # ---- the conversation ----

    def open_pipe(self, client):
        name = f"{self.name}-{client.connection.socket.fileno()}-{self.rounds}"
        pipe = self.server.create(name, inbound_quota=20_000, outbound_quota=20_000)
        file_id = client.open(name)
        pipe.await_client()
        return file_id, pipe

    def record(self):
        self.packets = []
        pipes = self.instances_for_all(5)
        with self.dialect.make(self.smbd.port, *self.user, **self.dialect.plain) as client:
            client.connection.recorder = self.packets.append
            self.file_id = self.dialect.converse(client, self.open_pipe, self.name)
        for pipe in pipes:
            pipe.close()
        self.rounds += 1

    def instances_for_all(self, count):
        """Instances of the pipe that the conversations open by its name."""
        return [self.server.create(self.name) for _ in range(count)]

    # ---- changes ----

    def spoil(self, packet, chance):
        """Changes one to four places, more often behind the header than in it."""
        packet = bytearray(packet)
        for _ in range(chance.choice([1, 1, 1, 2, 4])):
            start = self.dialect.header_size if chance.random() < 0.9 else 4
            if len(packet) <= start:
                break
            place = chance.randrange(start, len(packet))
            kind = chance.randrange(8)
            if kind < 4:
                size = chance.choice([1, 2, 2, 4, 8])
                packet[place : place + size] = (chance.choice(NUMBERS) & (1 << 8 * size) - 1).to_bytes(size, "little")
            elif kind == 4:
                packet[place] ^= 1 << chance.randrange(8)
            elif kind == 5:
                del packet[place:]
            elif kind == 6:
                packet[place:place] = chance.randbytes(chance.choice([1, 2, 100, 3000]))
            else:
                other = chance.choice(self.packets)
                packet[place:] = other[min(place, len(other)) :]
        return packet

    def play(self, client, file_id, chance):
        """Sends packets until it has enough, or has no credits left."""
        is_spoiler = chance.random() < 0.9
        for _ in range(chance.randrange(5, 60)):
            if self.dialect is SMB2 and client.connection.credits < 8:
                break
            packet = self.dialect.adapt(chance.choice(self.packets), client, self.file_id, file_id)
            if is_spoiler and chance.random() < 0.6:
                packet = self.spoil(packet, chance)
            client.connection.send_packet(bytes(packet))
            self.sent += 1
            if chance.random() < 0.3:
                client.poll()

    def round(self):
        chance = random.Random(f"{self.seed} {self.rounds}")
        received, pipes = [], self.instances_for_all(2)
        with self.dialect.make(self.smbd.port, *self.user, **chance.choice(self.dialect.options)) as client:
            file_id, pipe = self.open_pipe(client)
            for _ in range(chance.randrange(4)):
                pipe.write(bytes(chance.randrange(3000)))

            def take(packet):
                received.append(packet)
                client.connection.credits = getattr(client.connection, "credits", 0) + self.dialect.credits_of(packet)

            client.connection.take_packet = take
            try:
                self.play(client, file_id, chance)
                if chance.random() < 0.3:
                    pipe.call("disconnect")
                if chance.random() < 0.8:
                    self.await_farewell(client, received)
            except ConnectionError:
                self.hung_up += 1
        for each in pipe, *pipes:
            each.close()
        self.bystander.check()
        if any(self.bystander.marker in packet for packet in received):
            raise Broken("what the bystander said was told to another client")
        self.check_log()
        self.rounds += 1

    def await_farewell(self, client, received):
        packet, is_answer = self.dialect.farewell(client)
        client.connection.send_packet(packet)
        try:
            client.connection.receive_until(lambda: any(map(is_answer, received[-1000:])), PATIENCE)
        except TimeoutError:
            raise Broken("smbd neither answers nor hangs up") from None

    def check_log(self):
        log = self.smbd.log()
        new, self.read_of_log = log[self.read_of_log :], len(log)
        if any(word in new for word in TROUBLE):
            raise Broken(f"smbd is in trouble\n{new}")
        if self.smbd.process.poll() is not None:
            raise Broken("smbd has ended")

    def run(self, seconds, first_round=1):
        """Rounds until the time is over, at least one."""
        end = time.monotonic() + seconds
        self.rounds = first_round
        while True:
            try:
                self.round()
            except Exception as failure:
                raise Broken(f"{self.dialect.name}, seed {self.seed}, round {self.rounds}: {failure}") from failure
            if time.monotonic() >= end:
                return


SMB1, SMB2 = Smb1, Smb2
