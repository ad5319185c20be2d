# SPDX-License-Identifier: LGPL-2.1-or-later
"""smb2.py: the client end speaks SMB2 to a private smbd with our module; the server end is a native program, as everywhere."""
from conformance.transports.base import OBJECTS_ARE_WINES
from conformance.transports.smb import Smb, SmbParty
from conformance.vocabulary import FILE_OPEN, WAIT_DEFAULT, WAIT_FOREVER

FOREVER_IN_MILLISECONDS = 10**12


class Smb2Party(SmbParty):
    def __init__(self, smbd):
        import smb2client

        self.smb2client = smb2client
        super().__init__(smbd, smb2client.Smb2Client)

    def start_open(self, name, desired_access, impersonation_level=2, disposition=FILE_OPEN):
        command = self.client.create_command(name, access=desired_access, impersonation=impersonation_level,
                                             disposition=disposition)
        return self.opened(self.client.start(command))

    def start_close(self, end):
        return self.client.start_close(self.file(end)), self.nothing

    def start_read(self, end, length):
        return self.client.start_read(self.file(end), length), self.data

    def start_write(self, end, data):
        return self.client.start_write(self.file(end), data), self.count

    def start_transceive(self, end, data, length):
        return self.client.start_transceive(self.file(end), data, length), self.data

    def start_control(self, end, code, input, length):
        return self.client.start_ioctl(self.file(end), code, input, length), self.data

    def start_flush(self, end):
        return self.client.start_flush(self.file(end)), self.nothing

    def start_wait(self, name, milliseconds):
        timeout = {WAIT_DEFAULT: None, WAIT_FOREVER: FOREVER_IN_MILLISECONDS}.get(milliseconds, milliseconds)
        return self.client.start_wait(name, timeout), self.nothing

    def start_query_information(self, end, length, **fields):
        command = self.client.query_info_command(self.file(end), fields["class"], length)
        return self.client.start(command), self.data

    def start_set_information(self, end, data, **fields):
        return self.client.start(self.client.set_info_command(self.file(end), fields["class"], data)), self.nothing

    def id_in(self, response):
        return response.file_id

    def close_open(self, response):
        if response.command == self.smb2client.Command.CREATE and response.status == self.smb2client.Status.SUCCESS:
            self.client.close(response.file_id)


class Smb2(Smb):
    name = column = "smb2"
    description = "the client is an SMB2 client of smbd with our module, the server a native program"
    make_party = Smb2Party
    lacks = {
        **OBJECTS_ARE_WINES,
        "native client": "an SMB2 client has neither native name forms, nor process ids, nor the bytes of NPFS's own classes",
        "client listens": "only TRANSCEIVE, PEEK and WAIT are for SMB2 clients (8.3)",
        "SMB1": "the client end speaks SMB2",
    }
