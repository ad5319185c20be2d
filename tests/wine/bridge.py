# SPDX-License-Identifier: LGPL-2.1-or-later
"""bridge.py: the bridge between a prefix and a broker, started by a test."""
import os

from agent import driver
from wine import headless, windows


class Bridge(driver.Program):
    """The bridge in the foreground. Made when it says that it is ready."""

    def __init__(self, build, prefix, directory, environment=None, **options):
        self.prefix = prefix
        super().__init__([os.path.join(headless.WINE, "wine64"), windows.bridge_of(build)], cwd=prefix.directory,
                         env=prefix.environment(NTPIPE_DIR=str(directory), **(environment or {})), **options)
        self.await_line("ready")

    def await_line(self, text):
        """Returns when its log has that text."""
        for _ in range(driver.PATIENCE * 100):
            if text in self.error_output():
                return
            if self.process.poll() is not None:
                break
            driver.select.select([], [], [], 0.01)
        failure = driver.AgentFailure(f"the bridge does not say {text!r}\n{self.error_output()}")
        self.kill()
        raise failure
