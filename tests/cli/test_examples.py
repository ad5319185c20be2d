# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_examples.py: the examples, run as a newcomer would."""
import os
import subprocess

import pytest
from installation import install

# Example -> the pkg-config module of its event loop.
OTHER_LOOPS = {"apr_pollset": "apr-1", "libuv_loop": "libuv"}
EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "examples")


@pytest.fixture
def example(place):
    """Starts an example; a server's first line says that it serves."""

    def start(name, *arguments):
        process = place.spawn(os.path.join(place.build, "examples", name), *arguments)
        if "serve" in name or "serve" in arguments:
            assert process.stdout.readline().startswith(b"serving ")
        return process

    return start


def output_of(process, data=b""):
    out, _ = process.communicate(data, timeout=60)
    assert process.returncode == 0
    return out


def test_echo_server_and_client(example, place):
    example("echo_server")
    assert output_of(example("echo_client")) == b"hello\n"
    assert output_of(example("echo_client", "echo", "something else")) == b"something else\n"
    clients = [example("echo_client", "echo", str(number)) for number in range(12)]
    assert [output_of(client) for client in clients] == [b"%d\n" % number for number in range(12)]
    assert place.ok("call", "echo", data=b"x" * 30_000) == b"x" * 30_000


def test_echo_client_without_a_server(example):
    client = example("echo_client", "nobody")
    _, error = client.communicate(timeout=60)
    assert (client.returncode, b"no pipe of that name" in error) == (1, True)


def test_hello_in_c(example):
    server = example("hello", "serve")
    assert output_of(example("hello")) == b"hello, world\n"
    assert server.wait(60) == 0


def test_c_tevent_server(example, place):
    example("c_tevent_server")
    for text in ("hello", "", "once more"):
        assert place.ok("call", "capitals", text, "--wait", "60") == text.upper().encode()
    assert place.ok("connect", "capitals", "--wait", "60", "--framing", "line", "--linger", "5", data=b"a\nb\n") == b"A\nB\n"


def test_poll_loop(example):
    example("echo_server")
    assert output_of(example("poll_loop"), b"one\ntwo\nthree\n") == b"one\ntwo\nthree\n"


def test_poll_loop_sees_the_end_of_the_server(example, place):
    server = example("echo_server")
    client = example("poll_loop")
    client.stdin.write(b"hello\n")
    client.stdin.flush()
    assert client.stdout.readline() == b"hello\n"
    server.kill()
    assert client.wait(60) == 1
    assert b"the server has gone" in client.stderr.read()


def needs_example(place, name):
    if not os.access(os.path.join(place.build, "examples", name), os.X_OK):
        pytest.skip(f"{name} was not built: its event loop is not installed")


def test_apr_pollset(example, place):
    needs_example(place, "apr_pollset")
    server = place.spawn(os.path.join(place.build, "examples", "apr_pollset"))
    assert server.stdout.readline().startswith(b"serving ")
    clients = [example("echo_client", "echo", str(number)) for number in range(12)]
    assert [output_of(client) for client in clients] == [b"%d\n" % number for number in range(12)]
    assert place.ok("call", "echo", data=b"x" * 30_000) == b"x" * 30_000
    server.stdin.write(b"more input")
    server.stdin.flush()
    assert output_of(example("echo_client")) == b"hello\n"
    assert output_of(server) == b""


def test_libuv_loop(example, place):
    needs_example(place, "libuv_loop")
    example("echo_server")
    assert output_of(example("libuv_loop", "echo", "one", "", "three")) == b"one\n\nthree\n"


def test_libuv_loop_sees_the_end_of_the_server(example, place):
    needs_example(place, "libuv_loop")
    # The shell holds the output open: a command that closes it lets its client go.
    server = place.serve("mute", "--", "sh", "-c", "cat >/dev/null; :")
    client = example("libuv_loop", "mute", "is anybody there?")
    place.settled("mute", connected=1)
    server.kill()
    _, error = client.communicate(timeout=60)
    assert (client.returncode, error != b"", b"in time" in error) == (1, True, False)


def test_two_other_loops_talk(example, place):
    for name in "apr_pollset", "libuv_loop":
        needs_example(place, name)
    server = place.spawn(os.path.join(place.build, "examples", "apr_pollset"))
    assert server.stdout.readline().startswith(b"serving ")
    texts = [str(number) * number for number in range(1, 40)]
    assert output_of(example("libuv_loop", "echo", *texts)) == "".join(f"{text}\n" for text in texts).encode()
    assert output_of(server) == b""


@pytest.mark.timeout(600)
def test_examples_build_against_an_installed_library(build, tmp_path):
    """As anybody would: pkg-config and a compiler, nothing of the source tree. `make install` is what installs."""
    install(build, tmp_path)
    (pc,) = tmp_path.rglob("ntpipe.pc")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent), "PKG_CONFIG_SYSROOT_DIR": str(tmp_path)}
    for source in sorted(os.listdir(EXAMPLES)):
        name, kind = os.path.splitext(source)
        if kind in (".c", ".cc"):
            flags = "$(pkg-config --cflags --libs ntpipe)"
            if name in OTHER_LOOPS:
                if subprocess.run(["pkg-config", "--exists", OTHER_LOOPS[name]], check=False).returncode != 0:
                    continue
                flags += f" $(env -u PKG_CONFIG_SYSROOT_DIR pkg-config --cflags --libs {OTHER_LOOPS[name]})"
            compiler = "gcc -std=gnu11" if kind == ".c" else "g++ -std=c++20"
            command = f"{compiler} -Wall -Wextra -Werror {EXAMPLES}/{source} -o {tmp_path}/{name} {flags}"
            subprocess.run(command, shell=True, env=environment, cwd=tmp_path, timeout=100, check=True)
            assert os.access(tmp_path / name, os.X_OK)
