# SPDX-License-Identifier: LGPL-2.1-or-later
"""headless.py: a Wine prefix of one's own: no display, nothing of the user's, and nothing left behind."""
import os
import shutil
import signal
import subprocess

WINE = "/usr/lib/wine"
# What a prefix is made of: programs of Wine. Copies of them fill 700 MB, links do as well.
LIBRARIES = "/usr/lib/x86_64-linux-gnu/wine/x86_64-windows"


def is_installed():
    return os.path.exists(os.path.join(WINE, "wine64"))


class TookTooLong(AssertionError):
    """A program was ended because its time was over."""


class Prefix:
    """A prefix, with a home and a directory for temporary files beside it, all below one directory.

    Wine's server and services detach themselves: close() ends them. They never get a descriptor of the caller's, so nobody who
    reads the caller's output has to wait for them.
    """

    def __init__(self, directory, template=None):
        self.directory = os.path.abspath(directory)
        self.path = os.path.join(self.directory, "prefix")
        for folder in "home", "tmp":
            os.makedirs(os.path.join(self.directory, folder))
        if template is None:
            os.mkdir(self.path)
        else:
            shutil.copytree(template, self.path, symlinks=True)

    def environment(self, **more):
        """Nothing of the caller's: no display, no session, no WINE* variable."""
        return {
            "PATH": f"{WINE}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": os.path.join(self.directory, "home"),
            # Wine's server keeps its socket there, unless there is a /run/user of this user.
            "TMPDIR": os.path.join(self.directory, "tmp"),
            "WINEPREFIX": self.path, "WINEARCH": "win64", "WINEDEBUG": "-all",
            # Neither .NET nor a browser: Wine would offer to download them.
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            **more,
        }

    def run(self, *command, output, seconds, **variables):
        """Runs a program of Wine or of Windows; its output goes to that file. Its exit status."""
        with open(output, "ab") as file:
            process = subprocess.Popen(command, cwd=self.directory, env=self.environment(**variables), stdin=subprocess.DEVNULL,
                                       stdout=file, stderr=file, start_new_session=True)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired as late:
            raise TookTooLong(f"{' '.join(command)}: not over after {seconds} s") from late
        finally:
            if process.poll() is None:
                self._end_server()
                process.kill()
                process.wait()

    def wait(self, seconds):
        """Until all programs and services have ended by themselves, and the registry is written."""
        self.run("wineserver64", "-w", output=os.devnull, seconds=seconds)

    def close(self):
        """Ends everything that runs in the prefix."""
        self._end_server()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._remove_runtime_directory()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _end_server(self):
        for option in "-k", "-w":
            try:
                subprocess.run([os.path.join(WINE, "wineserver64"), option], env=self.environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20, check=False)
            except subprocess.TimeoutExpired:
                pass

    def processes(self):
        """Who runs in this prefix: everything there was started with its name in the environment."""
        mark = f"WINEPREFIX={self.path}\0".encode()
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if mark in file.read():
                        found.append(int(pid))
            except OSError:
                pass  # gone, or another user's
        return found

    def _remove_runtime_directory(self):
        """The server's directory, where it is not in TMPDIR: Wine names it after the prefix's directory and leaves it."""
        status = os.stat(self.path)
        name = f"/run/user/{os.getuid()}/wine/server-{status.st_dev:x}-{status.st_ino:x}"
        shutil.rmtree(name, ignore_errors=True)
