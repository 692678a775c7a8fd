"""The input and output of a process in a container, over a hijacked connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from orlop.client.transport import Connection
from orlop.wire import STDERR, STDOUT, Frames

_SHUT_WR = 1
_CHUNK = 1 << 16


class Stdio:
    """Iterate for (stream, data): 1 is output, 2 is errors; with a terminal all is 1."""

    def __init__(self, connection: Connection, *, tty: bool) -> None:
        self._connection = connection
        self._tty = tty

    def write(self, data: bytes) -> None:
        """To the process's standard input."""
        self._connection.send(data)

    def close_stdin(self) -> None:
        """The process reads end of file; output goes on."""
        self._connection.sock.shutdown(_SHUT_WR)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        frames = Frames()
        while data := self._connection.take(_CHUNK):
            if self._tty:
                yield STDOUT, data
            else:
                yield from frames.feed(data)

    def communicate(self, input: bytes = b"") -> tuple[bytes, bytes]:
        """Write all of `input`, read to the end: (output, errors)."""
        writer = threading.Thread(target=self._feed, args=(input,), daemon=True)
        writer.start()
        found: dict[int, list[bytes]] = {STDOUT: [], STDERR: []}
        for stream, data in self:
            found.setdefault(stream, []).append(data)
        self.close()
        writer.join()
        return b"".join(found[STDOUT]), b"".join(found[STDERR])

    def _feed(self, data: bytes) -> None:
        try:
            if data:
                self.write(data)
            self.close_stdin()
        except OSError:
            pass  # the process ended without reading it

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Stdio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
