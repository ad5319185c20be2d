# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_sandbox.py: what the broker gives up: system calls, rights of root; and what it checks before it serves."""
import os
import pwd
import shutil
import socket
import subprocess
import tempfile

import pytest
from agent import driver
from conformance import vocabulary as nt

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs of other users")
GAMES, NEWS = pwd.getpwnam("games"), pwd.getpwnam("news")


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def refused(place, *options, **more):
    """What a broker that does not start says."""
    command = [os.path.join(place.programs, "broker/ntpiped"), "--directory", place.directory, *options]
    run = subprocess.run(command, capture_output=True, text=True, env=driver.environment(**more), timeout=driver.PATIENCE, check=False)
    assert run.returncode == 1, run.stderr
    return run.stderr


# ---- system calls ----

@as_root
def test_forbidden_calls_are_refused(place):
    """The filter is on by default. What it does is shown by a program that takes the same one and then tries."""
    if driver.instrumented(place.programs):
        pytest.skip("a sanitizer needs calls that the filter forbids")
    broker = place.broker()
    assert status_of(broker.pid)["Seccomp"] == "2" and status_of(broker.pid)["NoNewPrivs"] == "1"
    probe = os.path.join(place.programs, "tests/ntpipe-test-sandbox")
    run = subprocess.run([probe], capture_output=True, text=True, env=driver.environment(), timeout=driver.PATIENCE, check=False)
    assert (run.returncode, run.stderr) == (0, ""), run.stdout
    for call in ("execve", "fork", "ptrace", "socket(AF_INET)", "setuid", "mount", "kill", "bpf", "mmap(PROT_EXEC)", "mprotect(PROT_EXEC)"):
        assert f"{call}: EPERM" in run.stdout, run.stdout
    for call in ("socket(AF_UNIX)", "memfd_create", "pidfd_open", "mmap"):
        assert f"{call}: done" in run.stdout, run.stdout


def test_filter_can_be_left_out(place):
    broker = place.broker("--no-seccomp")
    assert status_of(broker.pid)["Seccomp"] == "0"
    place.pair()


# ---- rights ----

@as_root
def test_broker_of_all_users_as_one_of_its_own(place):
    """Root makes the socket, the broker is somebody without rights, programs of root and of others trust it, also after a restart."""
    os.chmod(place.directory, 0o755)
    state = os.path.join(place.directory, "state")
    options = ["--system", "--user", "news", "--state", state]
    broker = place.broker(*options)
    status = status_of(broker.pid)
    assert status["Uid"].split() == [str(NEWS.pw_uid)] * 4 and status["Gid"].split() == [str(NEWS.pw_gid)] * 4
    assert status["Groups"].strip() == "" and int(status["CapEff"], 16) == 0 and int(status["CapPrm"], 16) == 0
    assert (os.stat(state).st_uid, os.stat(state).st_mode & 0o777) == (NEWS.pw_uid, 0o700)
    assert os.stat(os.path.join(place.directory, "broker.sock")).st_uid == 0
    server = place.native(root_only=True)
    end = server.made("create", "service", sddl="D:(A;;FA;;;WD)")
    client = place.native(popen={"user": GAMES.pw_uid, "group": GAMES.pw_gid, "extra_groups": []})
    client_end = client.made("open", "service")
    broker.kill()
    place.broker(*options)
    server.call("ping")  # it is back then
    assert client.names() == ["service"]
    assert client.call("write", end=client_end, data=b"still here").status == nt.SUCCESS
    assert server.call("read", end=end, length=100).bytes() == b"still here"
    server.made("create", "service")
    client.made("open", "service")
    assert client.call("query_local_info", end=client_end)["current_instances"] == 2


@as_root
def test_state_directory_is_not_taken_from_others(place):
    os.chmod(place.directory, 0o755)
    state = os.path.join(place.directory, "state")
    os.mkdir(state)
    os.chown(state, GAMES.pw_uid, GAMES.pw_gid)
    options = ["--system", "--user", "news", "--state", state]
    assert "is no directory of root's" in refused(place, *options)
    os.rmdir(state)
    os.symlink("/etc", state)
    assert "is no directory of root's" in refused(place, *options)
    assert os.stat("/etc").st_uid == 0


# ---- directories and sockets ----

def test_directory_above_that_others_may_write_in(place):
    parent, place.directory = place.directory, os.path.join(place.directory, "below")
    try:
        os.chmod(parent, 0o777)
        assert f"others may write in {parent}" in refused(place)
        os.chmod(parent, 0o1777)  # as /tmp
        place.broker()
        place.pair()
        place.leave()
    finally:
        place.directory = parent


@as_root
def test_directory_above_of_another_user(place):
    parent, place.directory = place.directory, os.path.join(place.directory, "below")
    try:
        os.chmod(parent, 0o755)
        os.chown(parent, GAMES.pw_uid, GAMES.pw_gid)
        assert f"{parent} belongs to another user" in refused(place, "--system")
    finally:
        place.directory = parent


@as_root
def test_directory_of_another_user(place):
    os.chown(place.directory, GAMES.pw_uid, GAMES.pw_gid)
    assert "belongs to another user" in refused(place)


@pytest.mark.parametrize("directory_mode, socket_mode, word", [(0o777, 0o600, "others may write in"), (0o755, 0o666, "others may connect")],
                         ids=["directory", "socket"])
def test_socket_of_a_service_manager_that_others_reach(place, directory_mode, socket_mode, word):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, tempfile.TemporaryDirectory(prefix="ntpipe-") as other:
        path = os.path.join(other, "broker.sock")
        listener.bind(path)
        listener.listen(16)
        os.chmod(path, socket_mode)
        os.chmod(other, directory_mode)
        command = ["/bin/bash", "-c", 'fd=$1; shift; exec 3<&$fd; LISTEN_PID=$$ exec "$@"', "bash", str(listener.fileno()),
                   os.path.join(place.programs, "broker/ntpiped"), "--directory", place.directory]
        run = subprocess.run(command, capture_output=True, text=True, env=driver.environment(LISTEN_FDS="1"), pass_fds=[listener.fileno()],
                             timeout=driver.PATIENCE, check=False)
        assert run.returncode == 1 and word in run.stderr, run.stderr
        os.chmod(other, 0o700)


# ---- the units ----

@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_exposure_of_the_unit(build, tmp_path):
    """As systemd rates it: 0 is nothing, 10 everything."""
    for name in ("ntpiped.service", "ntpiped.socket"):
        shutil.copy(os.path.join(build, "packaging", name), tmp_path)
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=10", tmp_path / "ntpiped.service"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=driver.PATIENCE, check=False)
    assert run.returncode == 0, run.stdout + run.stderr  # in tenths: 1.0
