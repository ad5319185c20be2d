# SPDX-License-Identifier: LGPL-2.1-or-later
"""smb.py: what the transports over SMB share: a private smbd with our module, and a client of it that acts as an agent does; the server end is a
native program, as everywhere."""
import importlib.util
import os
import sys

from agent import driver
from conformance.transports.base import Environment, NativeParty, Transport

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
MODULE = "samba_module/ntpipe.so"
# NPFS's default descriptor lets other users read only; cases state who may do what where it matters.
EVERYBODY = "D:(A;;FA;;;WD)"
EVERY_PIPE_OF_EVERYBODY = "*:*"


def private_smbd():
    """The module of that name; from then on the clients can be imported, too."""
    for folder in "selftest", "tests/samba":
        path = os.path.join(ROOT, folder)
        if path not in sys.path:
            sys.path.insert(0, path)
    import private_smbd

    return private_smbd


class SmbParty:
    """
    A client of smbd, in the way of an agent. A request has reached the pipe when the ECHO sent after it was answered.
    Each dialect has start_OPERATION(), which gives (Pending, how its response becomes an answer).
    """

    has_structures = False

    def __init__(self, smbd, make_client):
        self.smbd = smbd
        self.user, password = next(iter(smbd.users.items()))
        self.client = make_client(smbd.port, self.user, password)
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

    def opened(self, pending):
        """
        What start_open() gives. An open ends by itself: if the name is none of ours, other processes of Samba have a say, and settle() cannot
        ask them.
        """
        response = pending.final(driver.PATIENCE)
        if int(response.status) == 0:
            # The cases are about ends as programs open them; an SMB server opens them in message mode. Fails on a handle that may not.
            self.client.set_modes(self.id_in(response), 0)
        return pending, self.nothing

    def id_in(self, response):
        """The FID or file id that an open has brought."""
        raise NotImplementedError

    def file(self, number):
        return self.id_in(self.response_of(number))

    def close_open(self, response):
        """Closes what an open has brought, if the response is of one."""
        raise NotImplementedError

    @staticmethod
    def nothing(_):
        return {}

    @staticmethod
    def data(response):
        return {"data": response.data.hex()}

    @staticmethod
    def count(response):
        return {"count": response.count}

    def response_of(self, number):
        return self.requests[number][0].final(driver.PATIENCE)

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
            self.close_open(response)
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


class SmbEnvironment(Environment):
    """`make_party`: makes a client of that smbd."""

    def __init__(self, build, make_party):
        super().__init__()
        self.build = build
        self.make_party = make_party
        self.smbd = None
        try:
            # smbd runs for one environment: it is entered here and left in close() or discard().
            self.smbd = private_smbd().PrivateSmbd(
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
            return self.make_party(self.smbd)
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


class Smb(Transport):
    """What it needs of the machine."""

    programs = ("tests/ntpipe-test-agent", "broker/ntpiped", MODULE)
    runs_server_cases = False
    make_party = None

    def missing(self, build):
        if os.geteuid() != 0:
            return "smbd needs root"
        if not os.access("/usr/sbin/smbd", os.X_OK):
            return "there is no smbd"
        if importlib.util.find_spec("impacket") is None:
            return "python3-impacket is not installed"
        return super().missing(build)

    def open(self, build):
        return SmbEnvironment(build, self.make_party)
