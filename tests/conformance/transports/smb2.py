# SPDX-License-Identifier: LGPL-2.1-or-later
"""smb2.py: the client end speaks SMB2 to a private smbd with our module; the server end is a native program, as everywhere."""
import importlib.util
import os
import sys

from agent import driver
from conformance.transports.base import Environment, NativeParty, Transport
from conformance.vocabulary import FILE_OPEN, WAIT_DEFAULT, WAIT_FOREVER

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
MODULE = "samba_module/ntpipe.so"
# NPFS's default descriptor lets other users read only; cases state who may do what where it matters.
EVERYBODY = "D:(A;;FA;;;WD)"
EVERY_PIPE_OF_EVERYBODY = "*:*"
FOREVER_IN_MILLISECONDS = 10**12


def tools():
    """(the module of the private smbd, the module of the SMB2 client)."""
    for folder in "selftest", "tests/samba":
        path = os.path.join(ROOT, folder)
        if path not in sys.path:
            sys.path.insert(0, path)
    import private_smbd
    import smb2client

    return private_smbd, smb2client


class Smb2Party:
    """A client of smbd, in the way of an agent. A request has reached the pipe when the ECHO sent after it was answered."""

    has_structures = False

    def __init__(self, smbd, smb2client):
        self.smb2client = smb2client
        self.smbd = smbd
        self.user, password = next(iter(smbd.users.items()))
        self.client = smb2client.Smb2Client(smbd.port, self.user, password)
        self.next_number = 1
        self.reset()

    def reset(self):
        self.requests = {}  # number -> (Pending, how its response becomes an answer)
        self.counted = set()  # of the requests: whose end settle() has told

    # ---- operations ----

    def start(self, op, **fields):
        number = self.next_number
        self.next_number += 1
        pending, convert = getattr(self, f"start_{op}")(**fields)
        self.requests[number] = (pending, convert)
        self.client.echo()
        return number

    def start_open(self, name, desired_access, impersonation_level=2, disposition=FILE_OPEN):
        command = self.client.create_command(name, access=desired_access, impersonation=impersonation_level,
                                             disposition=disposition)
        pending = self.client.start(command)
        # It ends by itself. If the name is none of ours, other processes of Samba have a say, which settle() cannot ask.
        pending.final(driver.PATIENCE)
        return pending, self.nothing

    def start_close(self, end):
        return self.client.start_close(self.file(end)), self.nothing

    def start_read(self, end, length):
        return self.client.start_read(self.file(end), length), self.data

    def start_write(self, end, data):
        return self.client.start_write(self.file(end), data), lambda response: {"count": response.count}

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

    @staticmethod
    def nothing(_):
        return {}

    @staticmethod
    def data(response):
        return {"data": response.data.hex()}

    def file(self, number):
        """The file id that an open has brought."""
        return self.requests[number][0].final().file_id

    # ---- answers ----

    def answer(self, number):
        pending, convert = self.requests[number]
        if not pending.over:
            return driver.Answer(pending=True)
        return self.converted(pending, convert)

    def await_answer(self, number):
        pending, convert = self.requests[number]
        pending.final(driver.PATIENCE)
        return self.converted(pending, convert)

    @staticmethod
    def converted(pending, convert):
        response = pending.response
        is_error = int(response.status) >> 30 == 3
        fields = {"data": "", "count": 0} if is_error else convert(response)
        return driver.Answer(status=int(response.status), **fields)

    def call(self, op, **fields):
        return self.await_answer(self.start(op, **fields))

    def cancel(self, number):
        self.client.send_cancel(self.requests[number][0])
        self.client.echo()

    def settle(self):
        self.client.echo()
        self.client.echo()
        over = {number for number, (pending, _) in self.requests.items() if pending.over}
        progress = len(over - self.counted)
        self.counted = over
        return progress

    # ---- between cases ----

    def begin(self):
        self.reset()

    def end(self):
        """Ends what is pending and closes what is open."""
        for pending, _ in self.requests.values():
            if not pending.over:
                self.client.send_cancel(pending)
        for response in [pending.final() for pending, _ in self.requests.values()]:
            if response.command == self.smb2client.Command.CREATE and response.status == self.smb2client.Status.SUCCESS:
                self.client.close(response.file_id)
        self.reset()

    def finish(self):
        self.client.drop()

    def stop(self):
        """The connection is lost. Returns when the smbd that had it has gone, and with it the ends of pipes."""
        port = self.client.connection.socket.getsockname()[1]
        process = self.smbd.connection_process(port)
        self.client.drop()
        if process is not None:
            driver.await_end_of(process)


class Smb2Environment(Environment):
    def __init__(self, build):
        super().__init__()
        private_smbd, self.smb2client = tools()
        self.build = build
        self.smbd = None
        try:
            # smbd runs for one environment: it is entered here and left in close() or discard().
            self.smbd = private_smbd.PrivateSmbd(
                module=os.path.join(build, MODULE), broker=os.path.join(build, "broker/ntpiped"),
                options={"ntpipe:export": EVERY_PIPE_OF_EVERYBODY})
            self.smbd.__enter__()
            self.add(self.make_guest("server"))
            self.add(self.make_guest("client"))
        except BaseException:
            self.discard()
            raise

    def make_guest(self, side):
        if side == "client":
            return Smb2Party(self.smbd, self.smb2client)
        return NativeParty(self.build, "tevent", {"create": {"sddl": EVERYBODY}}, directory=str(self.smbd.ntpipe_dir),
                           never_start_broker=True)

    def end(self):
        super().end()
        self.check()

    def check(self):
        if self.smbd.process.poll() is not None or "INTERNAL ERROR" in self.smbd.log():
            raise driver.AgentFailure(f"smbd is in trouble\n{self.smbd.log()}")

    def close(self):
        super().close()
        self.check()
        self.smbd.close()

    def discard(self):
        super().discard()
        if self.smbd is not None:
            self.smbd.close()


class Smb2(Transport):
    name = column = "smb2"
    description = "the client is an SMB2 client of smbd with our module, the server a native program"
    programs = ("tests/ntpipe-test-agent", "broker/ntpiped", MODULE)
    runs_server_cases = False
    lacks = {
        "native client": "an SMB2 client has neither native name forms, nor process ids, nor the bytes of NPFS's own classes",
        "client listens": "only TRANSCEIVE, PEEK and WAIT are for SMB2 clients (8.3)",
    }

    def missing(self, build):
        if os.geteuid() != 0:
            return "smbd needs root"
        if not os.access("/usr/sbin/smbd", os.X_OK):
            return "there is no smbd"
        if importlib.util.find_spec("impacket") is None:
            return "python3-impacket is not installed"
        return super().missing(build)

    def open(self, build):
        return Smb2Environment(build)
