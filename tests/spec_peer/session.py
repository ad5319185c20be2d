# SPDX-License-Identifier: LGPL-2.1-or-later
"""session.py: a process's session with the broker: requests, hand-over, overflow, and the way back to another broker (docs/SPEC.md,
sections 3.4, 5, 6, 12 and 13)."""
import os
import socket
import time

from spec_peer import layout
from spec_peer.connection import Connection
from spec_peer.end import ClientEnd, ServerEnd
from spec_peer.layout import PIPE
from spec_peer.memory import Memory
from spec_peer.packets import ControlConnection, Lost, Refused
from spec_peer.status import CANCELLED, CONNECTION_REFUSED, SUCCESS

FOREVER = 2**64 - 1


class Request:
    """`answered` is called with the fields of the answer, and with its descriptors, which it may take."""

    def __init__(self, message, fields, answered):
        self.message = message
        self.fields = fields
        self.answered = answered
        self.is_cancelled = False
        self.began = time.monotonic_ns()

    def fields_now(self):
        """What is sent: of a WAIT's timeout what is left."""
        timeout = self.fields.get("timeout")
        if self.message != "WAIT" or timeout in (None, FOREVER):
            return self.fields
        return {**self.fields, "timeout": max(0, timeout - (time.monotonic_ns() - self.began))}


class Session:
    """`wire` is the control connection; None before the first one, and while the broker is away."""

    def __init__(self, directory):
        self.directory = directory
        self.process_id = os.getpid()
        self.wire = None
        self.is_lost = False  # it was there, and is not now
        self.is_receiving = False
        self.largest_overflow = 0
        self.next_number = 1
        self.requests = {}  # number -> Request
        self.instances = {}  # handle -> ServerEnd
        self.connections = set()
        self.ends = set()

    # ---- the control connection ----

    def connect(self):
        self.wire = ControlConnection(self.directory)
        self.largest_overflow = self.wire.welcome["maximum_overflow"]

    def close(self):
        """Closes all that came from it."""
        for end in list(self.ends):
            end.close()
        for connection in list(self.connections):
            connection.release()
        self.requests.clear()
        self.is_lost = False
        if self.wire is not None:
            self.wire.close()
            self.wire = None

    def send(self, message, descriptors=None, **fields):
        if self.wire is not None:
            try:
                self.wire.send(message, descriptors, **fields)
            except Lost:
                self.lose()

    def take_in(self):
        """Carries out what the broker has said so far; how many messages that were."""
        count = 0
        if self.is_receiving:
            return count
        self.is_receiving = True
        while self.wire is not None:
            try:
                message = self.wire.receive(socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except Lost:
                self.lose()
                break
            count += 1
            self.carry_out(*message)
        self.is_receiving = False
        return count

    def carry_out(self, name, fields, descriptors):
        try:
            {"CONNECTED": self.on_connected, "SEGMENT": self.on_segment}.get(name, self.on_answer)(fields, descriptors)
        finally:
            for descriptor in descriptors.values():  # that nobody took over
                os.close(descriptor)

    # ---- requests and statements ----

    def request(self, message, answered, **fields):
        """Sends a request; its number."""
        if self.wire is None and not self.is_lost:
            self.connect()
        number = self.next_number
        self.next_number += 1
        self.requests[number] = Request(message, fields, answered)
        self.send(message, request=number, **fields)
        return number

    def cancel(self, number):
        if number not in self.requests:
            return
        self.requests[number].is_cancelled = True
        self.send("CANCEL", request=number)
        if self.is_lost:
            self.end_cancelled()

    def end_cancelled(self):
        """Nobody is there to answer what was cancelled."""
        for number in [number for number, request in self.requests.items() if request.is_cancelled]:
            self.requests.pop(number).answered({"status": CANCELLED, "information": 0, "pipes": [], "more": 0}, {})

    def on_answer(self, fields, descriptors):
        request = self.requests.pop(fields.get("request"), None)
        if request is not None:
            request.answered(fields, descriptors)

    # ---- creating and opening ----

    def create(self, answered, read_mode, completion_mode, options, **fields):
        """answered(status, end, fields of CREATED)."""
        handle = self.next_number
        modes = {"read_mode": read_mode, "completion_mode": completion_mode, "options": options}

        def created(answer, descriptors):
            end = self.make_instance(handle, answer, descriptors, modes) if answer["status"] == SUCCESS else None
            answered(answer["status"], end, answer)

        return self.request("CREATE", created, handle=handle, secret=os.urandom(16), **modes, **fields)

    def make_instance(self, handle, answer, descriptors, modes):
        end = ServerEnd(self, handle, answer["attributes"], answer["secret"], **modes)
        end.pipe_page = self.pipe_page(descriptors.pop(0))
        self.instances[handle] = end
        self.ends.add(end)
        return end

    def open(self, answered, **fields):
        """answered(status, end)."""
        def opened(answer, descriptors):
            if answer["status"] != SUCCESS:
                answered(answer["status"], None)
            elif end := self.make_client(answer, descriptors):
                answered(SUCCESS, end)
            else:
                self.open(answered, **fields)  # the server has withdrawn

        return self.request("OPEN", opened, **fields)

    def make_client(self, answer, descriptors):
        page = self.pipe_page(descriptors.pop(5))
        connection = Connection(layout.CLIENT, answer, answer["attributes"], descriptors, self)
        if not connection.attach():
            connection.release()
            page.close()
            return None
        end = ClientEnd(self, answer, connection)
        end.pipe_page = page
        self.ends.add(end)
        return end

    @staticmethod
    def pipe_page(descriptor):
        return Memory(descriptor, PIPE.size_in_bytes, PIPE.size_in_bytes, writable=False)

    # ---- what the broker tells ----

    def on_connected(self, fields, descriptors):
        end = self.instances.get(fields["handle"])
        try:
            if end is not None:
                end.handed_over(fields, descriptors)
        finally:
            self.send("TAKEN")

    def on_segment(self, fields, descriptors):
        for connection in list(self.connections):
            if (connection.id, connection.side) == (fields["connection"], fields["side"]):
                connection.overflow_came(fields["direction"], descriptors.pop(0, None))
                if connection.end:
                    connection.end.serve()

    def ask_for_overflow(self, connection, size):
        """False: no broker is there."""
        self.send("OVERFLOW", connection=connection.id, side=connection.side, size=size)
        return self.wire is not None

    # ---- what belongs to it ----

    def watch(self, connection):
        connection.end = None
        self.connections.add(connection)

    def unwatch(self, connection):
        self.connections.discard(connection)

    def released(self, connection):
        self.send("RELEASED", connection=connection.id, side=connection.side)

    def forget(self, end):
        """An end is closed."""
        self.ends.discard(end)
        end.pipe_page.close()

    # ---- another broker ----

    def lose(self):
        """The broker has gone. What it was told, and what it was asked, waits for the next one."""
        self.wire.close()
        self.wire = None
        self.is_lost = True
        self.requests = {number: request for number, request in self.requests.items() if request.message != "COME_BACK"}
        self.end_cancelled()
        for connection in self.connections:
            connection.forget_overflow_request()

    def try_again(self):
        """Connects with the next broker, if it is there, and brings everything back."""
        try:
            self.connect()
        except Refused as error:
            if error.status != CONNECTION_REFUSED:
                raise
            return
        self.is_lost = False
        waiting = dict(self.requests)
        for instances in self.instances_by_pipe().values():
            self.bring_back(instances)
        for connection in self.connections:
            self.hold(connection)
        for number, request in waiting.items():
            self.send(request.message, request=number, **request.fields_now())
        for end in list(self.ends):
            end.serve()

    def instances_by_pipe(self):
        pipes = {}
        for end in self.instances.values():
            if not end.is_orphan:
                pipes.setdefault(end.attributes["pipe"], []).append(end)
        return pipes

    def bring_back(self, instances):
        first = instances[0]

        def came_back(answer, _):
            for end in instances if answer["status"] != SUCCESS else []:
                end.orphan()

        number = self.next_number
        self.next_number += 1
        returned = [end.returned() for end in instances]
        self.requests[number] = Request("COME_BACK", {}, came_back)
        self.send("COME_BACK", {0: first.pipe_page.descriptor}, request=number, pipe=first.attributes["pipe"], secret=first.secret,
                  instances=returned)

    def hold(self, connection):
        end = connection.end
        of_server = {"handle": end.handle, "period": end.period} if isinstance(end, ServerEnd) else {}
        self.send("HELD", connection=connection.id, side=connection.side, reads=connection.incoming is not None,
                  writes=connection.outgoing is not None, **of_server)
