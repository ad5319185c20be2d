# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_readme.py: the server and the client that README.md shows compile as they stand there, and understand each other."""
import os
import re
import subprocess
import tempfile

import pytest
from agent import driver

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def compiled(build, directory, name, source):
    path = os.path.join(directory, f"{name}.cc")
    with open(path, "w", encoding="utf-8") as file:
        file.write(source)
    program = os.path.join(directory, name)
    headers = [f"-I{ROOT}/lib/{layer}" for layer in ("api", "status", "glue")]
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "talloc", "tevent"], capture_output=True, text=True, check=True).stdout.split()
    run = subprocess.run(["g++", "-std=c++20", "-Wall", "-Wextra", "-Werror", *headers, path, "-o", program, f"-L{build}/lib", "-lntpipe",
                          f"-Wl,-rpath,{build}/lib", *flags], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return program


def test_readme_programs(build):
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        programs = re.findall(r"```cpp\n(.*?)```", file.read(), re.DOTALL)
    assert len(programs) == 2
    with tempfile.TemporaryDirectory(prefix="ntpipe-") as directory:
        server, client = (compiled(build, directory, name, source) for name, source in zip(("server", "client"), programs))
        environment = driver.environment(NTPIPE_DIR=os.path.join(directory, "pipes"), NTPIPE_BROKER=os.path.join(build, "broker/ntpiped"))
        serving = driver.Program([server], env=environment)
        try:
            for _ in range(driver.PATIENCE * 20):
                run = subprocess.run([client], capture_output=True, text=True, env=environment, timeout=driver.PATIENCE, check=False)
                if "no pipe of that name" not in run.stderr:  # else the server is not there yet
                    break
            assert (run.returncode, run.stdout) == (0, "hello, world\n"), run.stderr
        finally:
            serving.kill()


@pytest.mark.parametrize("command", ["./bootstrap demo", "./bootstrap test"])
def test_readme_names_the_two_commands(command):
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        assert command in file.read()
