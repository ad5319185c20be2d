# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_broker_options.py: ntpiped's command line, and how it is started by a service manager."""
import os
import socket
import subprocess

import pytest
from agent import driver
from conformance import vocabulary as nt


def ntpiped(place, *arguments, **options):
    return subprocess.run([os.path.join(place.programs, "broker/ntpiped"), *arguments], capture_output=True, text=True,
                          env=driver.environment(**options), timeout=driver.PATIENCE, check=False)


def test_help_names_every_option(place):
    run = ntpiped(place, "--help")
    assert run.returncode == 0
    for option in ("--directory", "--system", "--on-demand", "--idle-timeout", "--grace", "--trusted-group", "--global-group", "--global-gateways", "--reserve",
                   "--log-level", "--version"):
        assert option in run.stdout, option


def test_version(place):
    run = ntpiped(place, "--version")
    assert run.returncode == 0 and run.stdout.startswith("ntpiped ")


@pytest.mark.parametrize("arguments, word", [
    (["--no-such-option"], "--no-such-option"),
    (["extra"], "no arguments"),
    (["--trusted-group", "no-such-group"], "no-such-group"),
    (["--log-level", "loud"], "loud"),
    (["--grace", "soon"], "soon"),
    (["--alias", "lsass"], "'lsass'"),
    (["--alias", "lsass="], "'lsass='"),
    (["--alias", "=a"], "'=a'"),
    (["--alias", "lsass=a,,b"], "'lsass=a,,b'"),
], ids=["unknown", "argument", "group", "level", "number", "alias", "no alias", "nameless alias", "empty alias"])
def test_wrong_usage(place, arguments, word):
    run = ntpiped(place, "--directory", place.directory, *arguments)
    assert run.returncode == 2, run.stderr
    assert word in run.stderr and "Sanitizer" not in run.stderr


@pytest.mark.parametrize("directory, word", [
    ("relative/path", "absolute"),
    ("/dev/null", "not a directory"),
    ("/nowhere/at/all", "cannot make"),
], ids=["relative", "file", "missing parent"])
def test_wrong_directory(place, directory, word):
    run = ntpiped(place, "--directory", directory)
    assert run.returncode == 1 and word in run.stderr, run.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs of other users")
def test_no_directory_known(place):
    program = os.path.join(driver.for_other_users(place.programs), "broker/ntpiped")
    run = subprocess.run([program], capture_output=True, text=True, env=driver.environment(),
                         user="games", group="games", extra_groups=[], timeout=driver.PATIENCE, check=False)
    assert run.returncode == 1 and "XDG_RUNTIME_DIR" in run.stderr


def test_second_broker_in_one_directory(place):
    place.broker()
    run = ntpiped(place, "--directory", place.directory)
    assert run.returncode == 1 and "already" in run.stderr
    assert ntpiped(place, "--directory", place.directory, "--on-demand").returncode == 0
    place.pair("untouched")


def test_reserved_name_that_is_none_is_told(place):
    broker = place.broker("--reserve", "x" * 40000)
    assert "is no pipe name" in broker.error_output()
    place.pair("good")


def test_aliases(place):
    place.broker("--alias", "lsass=netlogon,LsaRpc", "--alias", r"\\.\pipe\x=y")
    server = place.native()
    for name, aliases in (("lsass", ("NETLOGON", "lsarpc")), ("x", ("Y",))):
        for alias in aliases:
            server.made("create", name)
            client_end = server.made("open", alias)
            assert server.call("name", end=client_end)["name"] == name
    assert server.call("alias", alias="netlogon", name="other").status == nt.OBJECT_NAME_COLLISION
    assert server.call("alias", alias="netlogon").status == nt.OBJECT_NAME_NOT_FOUND


def test_very_long_directory(place):
    """Longer than the path that fits a socket's address."""
    shortest = place.directory
    place.directory = os.path.join(shortest, "d" * 150)
    place.broker()
    place.pair("deep")
    place.leave()
    place.directory = shortest


def test_activation_by_socket(place):
    """As systemd does it: descriptor 3 listens, LISTEN_FDS says so; the socket stays when the broker leaves."""
    path = os.path.join(place.directory, "broker.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen(16)
        popen = {"env": driver.environment(LISTEN_FDS="1"), "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        command = ["/bin/bash", "-c", 'fd=$1; shift; exec 3<&$fd; LISTEN_PID=$$ exec "$@"', "bash", str(listener.fileno()),
                   os.path.join(place.programs, "broker/ntpiped"), "--directory", place.directory]
        for _ in range(2):
            native = place.native()
            creating = native.start("create", name="activated")  # waits in the socket's backlog
            started = driver.Program(command, pass_fds=[listener.fileno()], **popen)
            place.running.append(started)
            assert native.agent.await_answer(creating).status == nt.SUCCESS
            native.agent.finish()
            started.terminate()
            assert os.path.exists(path)


def test_activation_by_a_wrong_socket(place):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(os.path.join(place.directory, "stream"))
        listener.listen(1)
        run = subprocess.run(["/bin/bash", "-c", 'fd=$1; shift; exec 3<&$fd; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "bash",
                              str(listener.fileno()), os.path.join(place.programs, "broker/ntpiped"), "--directory", place.directory],
                             pass_fds=[listener.fileno()], capture_output=True, text=True, env=driver.environment(), check=False)
        assert run.returncode == 1 and "ListenSequentialPacket" in run.stderr
