"""What the command says: errors on stderr and in the log file that the caller named."""

from __future__ import annotations

import os
import time

from orlop.errors import InvalidArgument
from orlop.oci.jsonlite import dumps


class Log:
    """`--log FILE --log-format text|json`; without a file errors go to stderr alone."""

    def __init__(self, path: str, form: str) -> None:
        self.path = path
        self.form = form
        self._fd = -1
        if path:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            try:
                self._fd = os.open(path, flags, 0o644)
            except OSError as error:
                told = f"unable to open log file {path}: {error.strerror}"
                raise InvalidArgument(told) from None

    def error(self, text: str) -> None:
        self._write("error", text)
        os.write(2, os.fsencode(f"orlop-runtime: {text}\n"))

    def warning(self, text: str) -> None:
        self._write("warning", text)
        if not self.path:
            os.write(2, os.fsencode(f"orlop-runtime: warning: {text}\n"))

    def note(self, text: str) -> None:
        """What was tolerated: for the log, not for the container's stderr."""
        self._write("warning", text)

    def _write(self, level: str, text: str) -> None:
        if self._fd < 0:
            return
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        if self.form == "json":
            line = dumps({"level": level, "msg": text, "time": when})
        else:
            line = f'time="{when}" level={level} msg={dumps(text)}'
        try:
            os.write(self._fd, line.encode() + b"\n")
        except OSError:
            pass  # a log that cannot be written must not decide over a container


def show(text: str) -> None:
    """Onto standard output, whole."""
    view = memoryview(os.fsencode(text))
    while view:
        view = view[os.write(1, view) :]
