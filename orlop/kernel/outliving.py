"""A program that outlives the process that started it, and which that process does not wait for."""

from __future__ import annotations

import subprocess


class Outliving(subprocess.Popen[bytes]):
    """Being dropped while it runs is its purpose, no mistake to warn of."""

    def __del__(self, *_: object) -> None:
        if self.returncode is None:
            self.poll()  # reap it if it has ended
        self.returncode = self.returncode or 0
