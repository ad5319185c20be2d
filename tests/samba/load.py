# SPDX-License-Identifier: LGPL-2.1-or-later
"""load.py: many SMB clients, each of which opens and closes pipes of one name, has data sent back, and vanishes, at random.

    with EchoServer(build, smbd.ntpipe_dir, name) as server:
        load = Load(smbd, name, connections=200, seed=1)
        load.run(seconds=10)
        load.faults             what should not have been, each a text
        load.counts             how often each thing was done

Messages of a stream are numbered, and their bytes follow from that (tests/programs/checked_echo.cc, the server, checks them, too): one
that is lost, changed, doubled or another client's is seen. A time limit makes a lost one a fault, not a hang.
"""
import collections
import contextlib
import itertools
import os
import random
import struct
import subprocess
import threading
import time

from agent.driver import environment
from private_smbd import die_with_parent, wait_until
from smb2client import DIALECTS, Smb2Client, Status

QUOTA = 65536
LONGEST_BODY = 65536
INSTANCES = 100
PATIENCE = 120

# How many log in at a time: smbd's queue of connections that it has not accepted yet has 50 places, and the kernel resets the rest.
AT_THE_DOOR = 25

BUSY = (Status.PIPE_NOT_AVAILABLE, Status.PIPE_BUSY)
# What a client is told whose pipe has lost its server; the last is TRANSCEIVE's word for it.
BROKEN = (Status.PIPE_BROKEN, Status.PIPE_DISCONNECTED, Status.PIPE_CLOSING, Status.INVALID_PIPE_STATE)
# What it is told where there is no pipe, or nobody who knows of pipes.
NO_PIPE = (Status.OBJECT_NAME_NOT_FOUND, Status.PIPE_NOT_AVAILABLE, Status.PIPE_BUSY, Status.CONNECTION_DISCONNECTED, *BROKEN)


# States of a TCP connection in /proc/net/tcp.
LISTENING, TIME_WAIT = "0A", "06"


def make_table():
    state, table = 1, bytearray(2 * LONGEST_BODY)
    for place in range(len(table)):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        table[place] = state >> 56
    return bytes(table)


TABLE = make_table()


def message(stream, number, size):
    place = ((stream * 0x9E3779B97F4A7C15 + number * 0xD1B54A32D192ED03) % 2**64) >> 48
    return struct.pack("<QQ", stream, number) + TABLE[place : place + size]


class Fault(AssertionError):
    pass


class LostServer(Exception):
    """The stream's server was killed."""


class EchoServer(contextlib.AbstractContextManager):
    """checked_echo with INSTANCES instances of the name."""

    def __init__(self, build, directory, name, instances=INSTANCES):
        self.command = [os.path.join(build, "tests/checked_echo"), str(directory), name, str(instances)]
        self.faults = []
        self.deaths, self.is_down = 0, False  # counted before and after: who came between hears of it, too
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(),
                                        preexec_fn=die_with_parent)  # fmt: skip
        self.said, self.ready = [], threading.Event()
        self.reader = threading.Thread(target=self.listen, args=(self.process.stdout,), daemon=True)
        self.reader.start()
        if not self.ready.wait(PATIENCE):
            raise TimeoutError("the echo server does not come up")
        if self.process.poll() is not None:
            raise RuntimeError(f"the echo server ended with {self.process.returncode}")

    def listen(self, output):
        for line in output:
            self.said.append(line.strip())
            if line.startswith("wrong"):
                self.faults.append(f"the server says {line.strip()}")
            if line == "ready\n":
                self.ready.set()
        self.ready.set()

    @property
    def pid(self):
        return self.process.pid

    def kill_and_start(self):
        self.is_down = True
        self.deaths += 1
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()
        self.start()
        self.deaths += 1
        self.is_down = False

    def finish(self):
        """Lets it end. (streams, messages) that it has had since it was started."""
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.reader.join()
        self.process.stdout.close()
        if self.process.returncode != 0:
            self.faults.append(f"the echo server ended with {self.process.returncode}")
        counted = next((line.split() for line in self.said if line.startswith("streams ")), None)
        return counted and (int(counted[1]), int(counted[3]))

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Stream:
    """One open pipe."""

    numbers = itertools.count(1)

    def __init__(self, file_id, deaths, witness=None):
        self.file_id, self.deaths_before = file_id, deaths
        self.stream, self.sent = next(self.numbers), 0
        if witness is not None:
            witness.has_read(self.stream, 0)
        self.owed = collections.deque()  # messages that the server is still to give back

    def next_message(self, size):
        self.sent += 1
        return message(self.stream, self.sent - 1, size)

    def owed_bytes(self):
        return sum(map(len, self.owed))


class Client:
    """One connection after the other, each with a few pipes."""

    def __init__(self, load, number):
        self.load, self.random = load, random.Random(f"{load.seed} {number}")
        self.smb, self.streams, self.killed = None, [], False

    # ---- one round after the other ----

    def run(self):
        while not self.load.is_over():
            try:
                self.live()
            except ConnectionError as error:
                if not self.killed:
                    self.load.fault(f"smbd has hung up: {error!r}")
            except Exception as error:  # a thread's exception would be lost
                self.load.fault(f"{type(error).__name__}: {error}")
            finally:
                smb, self.smb = self.smb, None
                self.streams.clear()
                if smb is not None:
                    smb.drop()

    def live(self):
        self.killed = False
        options = {"dialect": self.random.choice(DIALECTS)}
        if options["dialect"] >= 0x300 and self.random.random() < 0.1:
            options["signing"] = options["encryption"] = True
        user = self.random.choice(list(self.load.smbd.users.items()))
        with self.load.door:
            self.smb = Smb2Client(self.load.smbd.port, *user, **options)
        self.load.count("connections")
        for _ in range(self.random.randrange(10, 120)):
            if self.load.is_over():
                break
            self.act()
        self.leave()

    def leave(self):
        way = self.random.choice([self.close_all, self.smb.tree_disconnect, self.smb.logoff, self.vanish, self.vanish, self.reset])
        way()
        self.load.count("left")

    def close_all(self):
        while self.streams:
            self.close(self.streams[0])

    def vanish(self):
        self.leave_something_pending()
        self.smb.drop()
        self.load.count("vanished")

    def reset(self):
        self.leave_something_pending()
        self.smb.reset()
        self.load.count("vanished")

    def leave_something_pending(self):
        for stream in self.streams:
            kind = self.random.randrange(4)
            if kind == 0:
                self.smb.start_read(stream.file_id, 100)
            elif kind == 1 and stream.owed_bytes() < QUOTA // 4:
                self.smb.start_write(stream.file_id, stream.next_message(self.random.randrange(3000)))
        if self.random.random() < 0.3:
            self.smb.connection.socket.send(b"\0\0\1")  # the beginning of a packet

    # ---- one step ----

    def act(self):
        if not self.streams or (len(self.streams) < 4 and self.random.random() < 0.1):
            self.open()
            return
        stream = self.random.choice(self.streams)
        step = self.random.choice(self.steps()) if self.random.random() > self.load.closing else self.close
        try:
            step(stream)
        except LostServer:
            self.load.count("lost servers")
            self.streams.remove(stream)
            self.smb.close(stream.file_id)

    def steps(self):
        steps = [self.transceive, self.transceive, self.send, self.receive, self.receive, self.read_first, self.peek]
        return steps + [self.flush] * (self.load.witness is not None)

    def open(self):
        deaths = self.load.server.deaths
        response = self.smb.create(self.load.name)
        if response.status in BUSY:
            self.load.count("waits")
            status = self.smb.wait(self.load.name, 500).status
            if status not in (Status.SUCCESS, Status.IO_TIMEOUT) and not self.load.excuses(status):
                raise Fault(f"WAIT gave {status.name}")
        elif response.status == Status.SUCCESS:
            stream = Stream(response.file_id, deaths, self.load.witness)
            self.streams.append(stream)
            self.load.count("opens")
            status = self.smb.set_modes(stream.file_id).status
            if status != Status.SUCCESS:
                self.streams.remove(stream)
                self.expect_alive(stream, status, "SET_INFO")
        elif self.load.excuses(response.status):
            self.load.count("opens without a server")
            time.sleep(0.05)  # nothing waits for this: others are to have the processor
        else:
            raise Fault(f"CREATE gave {response.status.name}")

    def size(self):
        dice = self.random.random()
        return self.random.randrange(200 if dice < 0.8 else 6000 if dice < 0.98 else LONGEST_BODY - 16)

    def expect_alive(self, stream, status, what):
        """A pipe breaks for no other reason than the death of its server."""
        if status in BROKEN and (self.load.server.is_down or self.load.server.deaths != stream.deaths_before):
            raise LostServer
        raise Fault(f"stream {stream.stream}: {what} gave {status.name}")

    def expect_message(self, stream, data):
        wanted = stream.owed.popleft()
        if data != wanted:
            raise Fault(f"stream {stream.stream}: {describe(data)} instead of {describe(wanted)}")
        self.load.count("messages")

    def transceive(self, stream):
        if stream.owed:  # it is for pipes without anything to be read
            self.receive(stream)
            return
        data = stream.next_message(self.size())
        stream.owed.append(data)
        response = self.smb.transceive(stream.file_id, data, len(data))
        if response.status != Status.SUCCESS:
            self.expect_alive(stream, response.status, "TRANSCEIVE")
        self.expect_message(stream, response.data)

    def send(self, stream):
        data = stream.next_message(self.size() // 4)
        if stream.owed_bytes() + len(data) > QUOTA // 2:  # else the server would wait for us, and we for it
            stream.sent -= 1
            self.receive(stream)
            return
        stream.owed.append(data)
        response = self.smb.write(stream.file_id, data)
        if response.status != Status.SUCCESS:
            self.expect_alive(stream, response.status, "WRITE")
        if response.count != len(data):
            raise Fault(f"WRITE of {len(data)} took {response.count}")

    def receive(self, stream):
        if not stream.owed:
            self.send(stream)
            return
        data, status, part = b"", Status.BUFFER_OVERFLOW, self.random.choice([64, 1000, LONGEST_BODY])
        while status == Status.BUFFER_OVERFLOW:
            response = self.smb.read(stream.file_id, part)
            status = response.status
            if status not in (Status.SUCCESS, Status.BUFFER_OVERFLOW):
                self.expect_alive(stream, status, "READ")
            data += response.data
            part = LONGEST_BODY
        self.expect_message(stream, data)

    def read_first(self, stream):
        """The READ is there before what it is to read."""
        if stream.owed:
            self.receive(stream)
            return
        reading = self.smb.start_read(stream.file_id, LONGEST_BODY)
        data = stream.next_message(self.size() // 4)
        stream.owed.append(data)
        written, read = self.smb.write(stream.file_id, data), reading.final()
        for what, response in (("WRITE", written), ("READ", read)):
            if response.status != Status.SUCCESS:
                self.expect_alive(stream, response.status, what)
        self.expect_message(stream, read.data)

    def flush(self, stream):
        """What was flushed, its reader has; it may be about to look at the last message."""
        self.send(stream)
        response = self.smb.flush(stream.file_id)
        if response.status != Status.SUCCESS:
            self.expect_alive(stream, response.status, "FLUSH")
        if self.load.witness.read_of(stream.stream) < stream.sent - 1:
            raise Fault(f"stream {stream.stream}: message {stream.sent - 2} was flushed, and nobody has it")
        self.load.count("flushed")

    def peek(self, stream):
        response = self.smb.peek(stream.file_id, 64)
        if response.status not in (Status.SUCCESS, Status.BUFFER_OVERFLOW):
            self.expect_alive(stream, response.status, "PEEK")

    def close(self, stream):
        self.streams.remove(stream)
        response = self.smb.close(stream.file_id)
        if response.status != Status.SUCCESS:
            raise Fault(f"CLOSE gave {response.status.name}")
        self.load.count("closes")


def describe(data):
    if len(data) < 16:
        return f"{len(data)} bytes"
    stream, number = struct.unpack_from("<QQ", data)
    return f"message {number} of stream {stream} ({len(data)} bytes)"


class Load:
    """
    client   the class of the clients
    witness  where the server says how far it has read each stream (tests/kill/witness.py)
    closing  how often a client does not do something with a pipe, but closes it
    """

    def __init__(self, smbd, server, name, *, connections, seed, client=Client, witness=None, closing=0.05):
        self.smbd, self.server, self.name, self.seed = smbd, server, name, seed
        self.witness, self.closing = witness, closing
        self.clients = [client(self, number) for number in range(connections)]
        self.faults, self.counts = [], collections.Counter()
        self.broker_deaths = 0
        self.lock, self.door = threading.Lock(), threading.Semaphore(AT_THE_DOOR)
        self.end = 0.0

    def run(self, seconds, meanwhile=None):
        """`meanwhile`: a function that is called, with self, while the clients are at it; it returns when it is over."""
        self.end = time.monotonic() + seconds
        threads = [threading.Thread(target=client.run, daemon=True) for client in self.clients]
        for thread in threads:
            thread.start()
        if meanwhile is not None:
            meanwhile(self)
        for thread in threads:
            thread.join(max(0.0, self.end - time.monotonic()) + PATIENCE)
            if thread.is_alive():
                self.fault("a client does not come to an end")
                return

    def is_over(self):
        return time.monotonic() > self.end or len(self.faults) > 20

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def fault(self, text):
        with self.lock:
            self.faults.append(text)

    def excuses(self, status):
        """Whether a pipe may be missing: somebody was killed, and how soon the names are back nobody promises."""
        return status in NO_PIPE and (self.broker_deaths or self.server.deaths)

    def await_end(self, but=0):
        """smbd's processes of the clients that have gone are gone, too, but for those of `but` connections that stay."""
        wait_until(lambda: self.connections() <= but, "smbd keeps connections whose clients are gone", PATIENCE)

    def connections(self):
        """How many smbd has."""
        port = f":{self.smbd.port:04X}"
        with open("/proc/net/tcp") as table:
            rows = [line.split() for line in table]
        return sum(row[1].endswith(port) and row[3] not in (LISTENING, TIME_WAIT) for row in rows)


def fresh_seed():
    """A new one each time, told by whoever fails."""
    return int(os.environ.get("NTPIPE_LOAD_SEED", time.time_ns() % 10**9))
