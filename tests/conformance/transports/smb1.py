# SPDX-License-Identifier: LGPL-2.1-or-later
"""smb1.py: the client end speaks SMB1 to a private smbd with our module; the server end is a native program, as everywhere.

Reads and writes are the subcommands of TRANSACTION, which say what NPFS's operations say; READ_ANDX and WRITE_ANDX, with their own
counts and timeouts, have cases of their own (cases/smb1.py) and tests (tests/samba/test_smb1_data.py).
"""
import struct

from conformance.transports.base import OBJECTS_ARE_WINES
from conformance.transports.smb import Smb, SmbParty
from conformance.vocabulary import FILE_OPEN, FSCTL_TRANSCEIVE, WAIT_DEFAULT, WAIT_FOREVER

# What 16 bits can say.
LARGEST_COUNT = 0xFFFF
# What surely fits into one packet to a server that has told its usual MaxBufferSize.
ONE_PACKET = 16000
TIMEOUT_DEFAULT, TIMEOUT_FOREVER = 0, 0xFFFFFFFF


class Smb1Party(SmbParty):
    def __init__(self, smbd):
        import smb1client

        self.smb1client = smb1client
        super().__init__(smbd, smb1client.Smb1Client)

    def start_open(self, name, desired_access, impersonation_level=2, disposition=FILE_OPEN):
        return self.opened(self.client.start_create(name, access=desired_access, impersonation=impersonation_level, disposition=disposition))

    def start_close(self, end):
        return self.client.start_close(self.file(end)), self.nothing

    def transaction(self, end, subcommand, data=b"", length=0):
        first = (0, min(len(data), ONE_PACKET))
        request = self.client.trans_request((subcommand, self.file(end)), data, max_data=min(length, LARGEST_COUNT), first=first,
                                            piece=ONE_PACKET)
        return self.client.start(request)

    def start_read(self, end, length):
        return self.transaction(end, self.smb1client.Trans.READ, length=length), self.data

    def start_write(self, end, data):
        return self.transaction(end, self.smb1client.Trans.WRITE, data), self.count

    def start_transceive(self, end, data, length):
        """The control code, whose statuses are NPFS's; TRANSACT_NMPIPE has its own."""
        return self.start_control(end, FSCTL_TRANSCEIVE, data, length)

    def start_control(self, end, code, input, length):
        """By NT_TRANSACT_IOCTL."""
        pieces = {"first": (0, min(len(input), ONE_PACKET)), "piece": ONE_PACKET}
        return self.client.start_control(self.file(end), code, input, length, **pieces), self.data

    def start_flush(self, end):
        return self.client.start_flush(self.file(end)), self.nothing

    def start_wait(self, name, milliseconds):
        timeout = {WAIT_DEFAULT: TIMEOUT_DEFAULT, WAIT_FOREVER: TIMEOUT_FOREVER}.get(milliseconds, milliseconds)
        return self.client.start_wait(name, timeout), self.nothing

    def start_query_information(self, end, length, **fields):
        client = self.client
        parameters = struct.pack("<HH", self.file(end), self.smb1client.PASS_THROUGH + fields["class"])
        return client.start(client.trans2_request(self.smb1client.Trans2.QUERY_FILE, parameters, max_data=length)), self.data

    def start_set_information(self, end, data, **fields):
        client = self.client
        parameters = struct.pack("<HHH", self.file(end), self.smb1client.PASS_THROUGH + fields["class"], 0)
        return client.start(client.trans2_request(self.smb1client.Trans2.SET_FILE, parameters, data)), self.nothing

    # ---- what only SMB1 has ----

    def start_trans(self, end, setup, data=b"", parameters=b"", length=1024):
        """Any TRANSACTION; setup: its words, "fid" stands for the end's."""
        words = [self.file(end) if word == "fid" else word for word in setup]
        return self.client.start(self.client.trans_request(words, data, parameters, max_data=length)), self.both

    def start_read_andx(self, end, length):
        return self.client.start_read(self.file(end), length), self.data

    def start_write_andx(self, end, data, mode):
        return self.client.start_write(self.file(end), data, mode=mode), self.count

    def start_pipe_call(self, name, data, length):
        return self.client.start_pipe_call(name, data, length), self.data

    @staticmethod
    def both(response):
        return {"parameters": response.parameters.hex(), "data": response.data.hex()}

    def id_in(self, response):
        return response.fid

    def close_open(self, response):
        if response.command == self.smb1client.Command.NT_CREATE_ANDX and response.status == self.smb1client.Status.SUCCESS:
            self.client.close(response.fid)


class Smb1(Smb):
    name = column = "smb1"
    description = "the same with an SMB1 client"
    make_party = Smb1Party
    lacks = {
        **OBJECTS_ARE_WINES,
        "native client": "an SMB1 client has neither native name forms, nor process ids, nor the bytes of NPFS's own classes",
        "client listens": "only TRANSCEIVE, PEEK and WAIT are for SMB clients (8.3)",
        "large counts": "the counts of an SMB1 client's reads and writes have 16 bits",
        "SMB2": "the client end speaks SMB1",
    }
