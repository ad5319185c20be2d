# SPDX-License-Identifier: GPL-3.0-or-later
"""npa.py: a pipe that a program serves to stock smbd, through a socket for Samba's named pipe auth (SEMANTICS 9)."""
import os
import socket
import struct
import threading

PATIENCE = 60

BYTE_MODE, MESSAGE_MODE = 1, 2
DEVICE_STATE = 0x5FF


def receive(connection, length):
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise ConnectionError("smbd has closed the pipe")
        data += part
    return data


class NpaPipe:
    """One instance, which takes one client at a time. It has the names of native.Pipe for what both can do."""

    def __init__(self, path, *, message=True):
        self.path, self.message = str(path), message
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        self.listener.settimeout(PATIENCE)
        self.connection, self.failure = None, None
        self.greeter = threading.Thread(target=self.greet, daemon=True)
        self.greeter.start()

    def greet(self):
        """smbd waits for this while it opens the pipe, so it must not wait for the test."""
        try:
            connection, _ = self.listener.accept()
            connection.settimeout(PATIENCE)
            (length,) = struct.unpack(">I", receive(connection, 4))
            level = receive(connection, length)[4:8]
            body = b"NPAM" + level + level + struct.pack("<HHIQI", MESSAGE_MODE if self.message else BYTE_MODE, DEVICE_STATE, 0, 4096, 0)
            connection.sendall(struct.pack(">I", len(body)) + body)
            self.connection = connection
        except OSError as failure:
            self.failure = failure

    def await_client(self):
        self.greeter.join(PATIENCE)
        if self.connection is None:
            raise ConnectionError(f"no client: {self.failure}")

    def read(self, length=65536):
        self.await_client()
        if not self.message:
            return self.connection.recv(length)
        (size,) = struct.unpack("<H", receive(self.connection, 2))
        return receive(self.connection, size)

    def write(self, data):
        self.await_client()
        self.connection.sendall((struct.pack("<H", len(data)) if self.message else b"") + data)

    def await_end_of_client(self):
        assert self.connection.recv(1) == b""

    def close(self):
        self.listener.close()
        if self.connection is not None:
            self.connection.close()
        if os.path.exists(self.path):
            os.unlink(self.path)
