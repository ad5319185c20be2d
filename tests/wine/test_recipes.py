# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_recipes.py: runs the commands of docs/recipes/*.md as they stand there, and then does what the page promises."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import threading

import pytest
from agent import driver
from wine import samba, windows

RECIPES = os.path.join(windows.TOP, "docs", "recipes")
# Some recipes start many programs one after the other, each of which takes seconds on a busy machine.
PATIENCE = 150
pytestmark = pytest.mark.timeout(300)


def blocks(page, kind="sh"):
    """What stands in the blocks of a page: its shell commands, or lines of a configuration."""
    with open(os.path.join(RECIPES, page), encoding="utf-8") as file:
        found = re.findall(rf"^```{kind}\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no block of {kind}"
    return "".join(found)


class Kitchen:
    """A place where the commands of a page run: with our build in the path, a prefix and a broker of their own."""

    def __init__(self, meeting):
        self.meeting = meeting
        self.directory = meeting.directory
        self.variables = {}
        self.shell = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self, page):
        """Runs the commands; what they start in the background goes on until close()."""
        build = self.meeting.build
        environment = self.meeting.prefix.environment(
            PATH=f"{build}/tools:{build}/samba_module:/usr/lib/wine:/usr/bin:/bin", NTPIPE_DIR=self.meeting.pipes, NTPIPE_BROKER="/nonexistent",
            **self.variables)
        self.output = open(self.path("output"), "w+", encoding="utf-8")
        self.shell = subprocess.Popen(["/bin/bash", "-euc", blocks(page) + "\nwait"], cwd=self.directory, env=environment,
                                      stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, start_new_session=True)

    def said(self):
        self.output.seek(0)
        return self.output.read()

    def wait_until(self, condition):
        for _ in range(PATIENCE * 50):
            if condition():
                return
            assert self.shell.poll() is None, self.said()
            driver.select.select([], [], [], 0.02)
        raise AssertionError(self.said())

    def open(self, name):
        """A Windows client's end of a pipe of the recipe."""
        self.wait_until(lambda: "ready" in self.said())
        client = self.meeting.windows()
        path = rf"\\.\pipe\{name}"
        made = None

        def is_open():
            nonlocal made
            made = client.call("CreateFile", name=path, access=0xC0000000)
            return made.status == 0

        self.wait_until(is_open)
        return client, made["id"]

    def close(self):
        if self.shell is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.shell.pid, signal.SIGKILL)
            self.shell.wait(driver.PATIENCE)
            self.output.close()


@pytest.fixture
def kitchen(bare_meeting):
    with contextlib.closing(Kitchen(bare_meeting)) as kitchen:
        yield kitchen


@pytest.fixture
def samba_kitchen(samba_meeting):
    """The same with a private smbd."""
    with contextlib.closing(Kitchen(samba_meeting)) as kitchen:
        kitchen.variables.update(samba.variables(samba_meeting.smbd))
        yield kitchen


@contextlib.contextmanager
def listening(path, answer):
    """A native service on a Unix socket: `answer` makes of what one client has sent what it is told."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        listener.settimeout(driver.PATIENCE)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        while data := connection.recv(65536):
                            connection.sendall(answer(data))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(driver.PATIENCE)


def ask(client, end, data, least=1):
    """What a Windows program gets for what it writes."""
    assert client.call("WriteFile", end=end, data=data).status == 0
    answer = b""
    while len(answer) < least:
        got = client.call("ReadFile", end=end, length=65536)
        assert got.status == 0, got
        answer += got.bytes()
    return answer


def test_discord(kitchen):
    """A handshake as games make it: opcode and length, four bytes each, and JSON."""
    question = b"\0\0\0\0\x1c\0\0\0" + b'{"v":1,"client_id":"123456"}'
    kitchen.variables["XDG_RUNTIME_DIR"] = kitchen.directory
    with listening(kitchen.path("discord-ipc-0"), lambda data: b"\1\0\0\0" + data[4:8] + data[8:].upper()):
        kitchen.start("discord.md")
        client, end = kitchen.open("discord-ipc-0")
        assert ask(client, end, question, len(question)) == b"\1\0\0\0\x1c\0\0\0" + b'{"V":1,"CLIENT_ID":"123456"}'


def test_ssh_agent(kitchen):
    """The distribution's own agent, asked for its keys (SSH_AGENTC_REQUEST_IDENTITIES), where it is installed."""
    path = kitchen.path("agent.sock")
    kitchen.variables["SSH_AUTH_SOCK"] = path
    question, no_keys = b"\0\0\0\1\x0b", b"\0\0\0\5\x0c\0\0\0\0"
    if not os.access("/usr/bin/ssh-agent", os.X_OK):
        with listening(path, lambda data: no_keys if data == question else b"\0\0\0\1\5"):
            kitchen.start("ssh-agent.md")
            client, end = kitchen.open("openssh-ssh-agent")
            assert ask(client, end, question, len(no_keys)) == no_keys
        return
    agent = kitchen.meeting.keep(driver.Program(["/usr/bin/ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL))
    kitchen_waits_for(path, agent)
    kitchen.start("ssh-agent.md")
    client, end = kitchen.open("openssh-ssh-agent")
    assert ask(client, end, question, len(no_keys)) == no_keys


def kitchen_waits_for(path, program):
    for _ in range(driver.PATIENCE * 50):
        if os.path.exists(path):
            return
        assert program.process.poll() is None, program.error_output()
        driver.select.select([], [], [], 0.02)
    raise AssertionError(f"{path} does not come")


def test_docker(kitchen):
    path = kitchen.path("docker.sock")
    kitchen.variables["DOCKER_HOST"] = f"unix://{path}"
    pong = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
    with listening(path, lambda data: pong if data.startswith(b"GET /_ping ") else b"HTTP/1.1 404 Not Found\r\n\r\n"):
        kitchen.start("docker.md")
        client, end = kitchen.open("docker_engine")
        assert ask(client, end, b"GET /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n", len(pong)) == pong


def test_windows_server(kitchen):
    server = kitchen.meeting.windows()
    serving = server.start("Echo", name=r"\\.\pipe\reports")
    assert server.answer(serving).pending
    kitchen.start("windows-server.md")
    answer = kitchen.path("answer.txt")
    kitchen.wait_until(lambda: os.path.exists(answer) and os.path.getsize(answer))
    with open(answer, encoding="utf-8") as file:
        assert file.read().strip() == "how many?"


def test_samba_rpc(samba_kitchen):
    """Samba's own services, called by a Win32 RPC program: binds and calls of three interfaces, large ones by the third."""
    kitchen = samba_kitchen
    os.symlink(os.path.join(windows.TOP, "examples"), kitchen.path("examples"))
    kitchen.meeting.windows()  # first: of two programs that would both start Wine's server one may find none
    kitchen.start("samba-rpc.md")
    answer = kitchen.path("answer.txt")
    kitchen.wait_until(lambda: os.path.exists(answer) and "300000" in open(answer, encoding="utf-8").read())
    with open(answer, encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert re.fullmatch(r"time \d{4}-\d\d-\d\d \d\d:\d\d UTC", lines[0])
    assert lines[1:] == ["user root", "registry 65536 bytes", "registry 300000 bytes"]


def test_windows_server_over_smb(samba_kitchen):
    kitchen, smbd = samba_kitchen, samba_kitchen.meeting.smbd
    page = "windows-server-smb.md"
    smbd.options.update(line.split(" = ", 1) for line in blocks(page, "ini").splitlines())
    smbd.write_configuration()
    user, password = next(iter(smbd.users.items()))
    kitchen.variables.update(SMB_SERVER=smbd.host, SMB_USER=user, SMB_PASSWORD=password)
    server = kitchen.meeting.windows()
    assert server.answer(server.start("Echo", name=r"\\.\pipe\reports")).pending
    kitchen.start(page)
    answer = kitchen.path("answer.txt")
    kitchen.wait_until(lambda: os.path.exists(answer) and os.path.getsize(answer))
    with open(answer, encoding="utf-8") as file:
        assert file.read() == "how many?\n"


TESTED = {"discord.md", "ssh-agent.md", "docker.md", "samba-rpc.md", "windows-server.md", "windows-server-smb.md"}


def test_every_recipe_has_a_test():
    assert set(os.listdir(RECIPES)) == TESTED
