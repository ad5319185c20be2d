# SPDX-License-Identifier: GPL-3.0-or-later
"""smb2_transact.py: FSCTL_PIPE_TRANSCEIVE over SMB2: a native server behind smbd with the module, beside an echo server behind stock
smbd's named pipe auth socket.

Each smbd serves one client, which this process logs in and smb2_caller drives: it sends a request that was built beforehand over
dialect 2.0.2 without signing, so that little of the time is its own. Rounds of the one and of the other take turns.
"""
import contextlib
import os
import select
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "selftest"), str(ROOT / "tests/samba")]

import private_smbd  # noqa: E402: found through the path just set
import smb2client  # noqa: E402

PIPE = "bench-echo"
START_TIME = 20


@contextlib.contextmanager
def program(command, ready, **options):
    """A server that is there when `ready` says so, and is ended afterwards."""
    process = subprocess.Popen([str(word) for word in command], preexec_fn=private_smbd.die_with_parent, **options)
    try:
        private_smbd.wait_until(ready, f"{command[0]} does not start", START_TIME)
        yield
    finally:
        process.terminate()
        process.wait()


class Caller:
    """Repeats one transceive as fast as it can, by smb2_caller: the packet is built beforehand, but for the number of the message."""

    def __init__(self, build, smbd, size):
        self.program = build / "bench/smb2_caller"
        user, password = next(iter(smbd.users.items()))
        self.client = smb2client.Smb2Client(smbd.port, user, password, dialect=0x202)
        pipe = self.client.open(PIPE)
        self.client.set_modes(pipe)  # to message mode; stock smbd refuses, and has no other
        self.data = os.urandom(size)
        answer = self.client.transceive(pipe, self.data, size)
        assert answer.status == smb2client.Status.SUCCESS and answer.data == self.data, answer
        command = self.client.ioctl_command(pipe, smb2client.FSCTL_PIPE_TRANSCEIVE, self.data, size)
        packet = self.client.connection.header(command.command, self.client.session_id, self.client.tree_id) + command.body
        self.packet = struct.pack(">I", len(packet)) + packet
        self.socket = self.client.connection.socket
        self.socket.settimeout(None)
        self.client.connection.next_message_id -= 1  # this one was not sent

    def call(self, count):
        """Microseconds per call."""
        connection = self.client.connection
        command = [self.program, str(self.socket.fileno()), str(connection.next_message_id), str(count)]
        result = subprocess.run(command, input=self.packet, stdout=subprocess.PIPE, pass_fds=[self.socket.fileno()], check=True)
        connection.next_message_id += count
        return float(result.stdout)

    def close(self):
        self.client.drop()


def measure(build, size, rounds, calls):
    """Rounds of {"ours", "peer"} in microseconds per call."""
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(private_smbd.PrivateSmbd(
            module=build / "samba_module/ntpipe.so", broker=build / "broker/ntpiped", options={"ntpipe:export": PIPE}))
        peer = stack.enter_context(private_smbd.PrivateSmbd())
        sockets = peer.directory / "ncalrpc/np"
        sockets.mkdir(mode=0o700, exist_ok=True)
        stack.enter_context(program([build / "bench/npa_echo", sockets / PIPE], (sockets / PIPE).is_socket))
        output, told = os.pipe()
        stack.callback(os.close, output)
        server = [build / "bench/pipe_echo", PIPE]
        stack.enter_context(program(server, lambda: select.select([output], [], [], 0)[0], stdout=told, env=ours.environment))
        os.close(told)
        callers = {}
        for name, smbd in (("ours", ours), ("peer", peer)):
            callers[name] = Caller(build, smbd, size)
            stack.callback(callers[name].close)
            callers[name].call(calls)  # warms up
        return [{name: round(caller.call(calls), 3) for name, caller in callers.items()} for _ in range(rounds)]
