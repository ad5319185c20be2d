# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_install.py: ntpipe wine install, status, uninstall in a prefix of Wine's, and the bridge as its service."""
import os
import shlex
import signal
import subprocess

from agent import driver

LIMIT = 100


def tool(meeting, *arguments):
    """ntpipe wine to its end: (exit status, what it said)."""
    command = [os.path.join(meeting.build, "tools", "ntpipe"), "wine", *arguments, "--prefix", meeting.prefix.path]
    with open(os.path.join(meeting.directory, "said"), "w+", encoding="utf-8") as file:
        status = subprocess.run(command, env=meeting.prefix.environment(NTPIPE_BROKER="/nonexistent"), stdin=subprocess.DEVNULL, stdout=file,
                                stderr=file, timeout=LIMIT, check=False).returncode
        file.seek(0)
        return status, file.read()


def opens(client, name, said=""):
    """`said`: what the bridge has said, to be called when it fails."""
    for _ in range(driver.PATIENCE * 60):
        made = client.call("CreateFile", name=rf"\\.\pipe\{name}", access=0xC0000000)
        if made.status == 0:
            return
        driver.select.select([], [], [], 0.05)
    raise driver.AgentFailure(f"{name}: {made}\n{said and said()}")


def test_service(bare_meeting):
    meeting = bare_meeting
    native = meeting.native()
    meeting.serve(native, "served")
    status, text = tool(meeting, "install", "--directory", meeting.pipes)
    assert status == 0, text
    assert "installed: service 'ntpipe', \"z:" in text and f'--directory "{meeting.pipes}"' in text, text

    # It comes with the first program of the prefix.
    client = meeting.windows()
    opens(client, "served")
    status, text = tool(meeting, "status")
    assert status == 0 and "served" in text, text
    with open(os.path.join(meeting.prefix.path, "ntpipe.log"), encoding="utf-8") as file:
        assert "ready" in file.read()

    # Once more: the old one is replaced.
    status, text = tool(meeting, "install", "--directory", meeting.pipes)
    assert status == 0, text
    meeting.serve(native, "served-again")
    opens(client, "served-again")

    status, text = tool(meeting, "uninstall")
    assert status == 0 and "uninstalled" in text, text
    for _ in range(driver.PATIENCE * 20):
        status, text = tool(meeting, "status")
        if status == 1:
            break
        driver.select.select([], [], [], 0.05)
    assert status == 1 and "does not run" in text, text
    status, text = tool(meeting, "uninstall")
    assert status == 3 and "is not installed" in text, text


def test_leaves_with_the_prefix(bare_meeting):
    """The service does not keep Wine's server: when the last program has gone, everything goes."""
    status, text = tool(bare_meeting, "install", "--directory", bare_meeting.pipes)
    assert status == 0, text
    client = bare_meeting.windows()
    client.finish()
    bare_meeting.prefix.wait(LIMIT)
    for _ in range(driver.PATIENCE * 20):
        if not bare_meeting.prefix.processes():
            break
        driver.select.select([], [], [], 0.05)
    assert bare_meeting.prefix.processes() == []


def test_unit_of_a_service_manager(bare_meeting):
    """What ntpipe-wine@.service starts is the bridge, and ends when it is told to, so that it is not started again."""
    meeting = bare_meeting
    with open(os.path.join(meeting.build, "packaging", "user", "ntpipe-wine@.service"), encoding="utf-8") as file:
        settings = dict(line.strip().split("=", 1) for line in file if "=" in line and not line.startswith("#"))
    assert settings["Restart"] == "on-failure"
    program, *arguments = shlex.split(settings["ExecStart"])
    assert os.path.basename(program) == "ntpipe"
    meeting.serve(meeting.native(), "served")
    command = [os.path.join(meeting.build, "tools", "ntpipe"), *(meeting.prefix.path if word == "%f" else word for word in arguments)]
    client = meeting.windows()  # first: of two programs that would both start Wine's server one may find none
    bridge = meeting.keep(driver.Program(command, env=meeting.prefix.environment(NTPIPE_DIR=meeting.pipes, NTPIPE_BROKER="/nonexistent")))
    opens(client, "served", lambda: f"{bridge.process.poll()}\n{bridge.error_output()}")
    bridge.process.send_signal(signal.SIGTERM)
    bridge.wait(expected=0)
