"""A command under a pseudo-terminal: type, wait for text, see the exit code."""

from __future__ import annotations

import os
import pty
import select
import time


class Terminal:
    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execvpe(argv[0], argv, {**os.environ, **env, "TERM": "xterm"})
            finally:
                os._exit(255)
        self.seen = b""

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def read(self, timeout: float) -> bool:
        """One read; False at the end."""
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if not ready:
            raise AssertionError(f"nothing more than {self.seen!r}")
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False  # EIO: the last user of the terminal left
        self.seen += data
        return bool(data)

    def expect(self, text: str, timeout: float = 20) -> str:
        """Wait for `text`; what came up to it is consumed and returned."""
        wanted = text.encode()
        deadline = time.monotonic() + timeout
        while wanted not in self.seen:
            if not self.read(max(0.01, deadline - time.monotonic())):
                break
        before, found, self.seen = self.seen.partition(wanted)
        assert found, f"{text!r} did not come: {before!r}"
        return (before + found).decode("utf-8", "replace")

    def close(self) -> tuple[str, int]:
        """The rest of the output and the exit code."""
        while True:
            try:
                if not self.read(20):
                    break
            except OSError:
                break
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return self.seen.decode("utf-8", "replace"), os.waitstatus_to_exitcode(status)
