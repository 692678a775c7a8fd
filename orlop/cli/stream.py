"""The pump between our standard streams and a hijacked connection: one poll loop, no threads.

Without a tty the bytes come in Docker's frames: stream number, three zeros, 4 bytes of length.
"""

import posix
import select

from orlop.cli.out import write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from orlop.client.transport import Connection

_BLOCK = 262144
_MSG_NOSIGNAL = 0x4000
_SHUT_WR = 1
DEFAULT_KEYS = b"\x10\x11"  # ctrl-p ctrl-q


class Detached(Exception):
    """The detach keys were typed."""


class Escape:
    """Looks for the detach sequence in what is typed, and holds back a beginning of it."""

    __slots__ = ("at", "keys")

    def __init__(self, keys: bytes) -> None:
        self.keys = keys
        self.at = 0

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """(bytes to pass on, whether the sequence is complete)."""
        passed = bytearray()
        for byte in data:
            if byte == self.keys[self.at]:
                self.at += 1
                if self.at == len(self.keys):
                    return bytes(passed), True
                continue
            passed += self.keys[: self.at]
            self.at = 0
            if byte == self.keys[0]:
                self.at = 1
            else:
                passed.append(byte)
        return bytes(passed), False


class Frames:
    """Takes Docker's frames apart and writes each to its stream. `outputs` maps 1 and 2 to fds."""

    __slots__ = ("_head", "_left", "_to", "failure", "outputs")

    def __init__(self, outputs: dict[int, int]) -> None:
        self.outputs = outputs
        self.failure = ""  # what the daemon said on stream 3
        self._head = b""
        self._left = 0
        self._to = 0

    def feed(self, data: "bytes | memoryview") -> None:
        view = memoryview(data)
        while view:
            if self._left == 0:
                need = 8 - len(self._head)
                self._head += bytes(view[:need])
                view = view[need:]
                if len(self._head) < 8:
                    return
                self._to = self._head[0]
                self._left = int.from_bytes(self._head[4:8], "big")
                self._head = b""
                continue
            piece = view[: self._left]
            view = view[len(piece) :]
            self._left -= len(piece)
            if self._to == 3:
                self.failure += bytes(piece).decode("utf-8", "replace")
            elif self._to in self.outputs:
                write(self.outputs[self._to], piece)  # type: ignore[arg-type]


class Pump:
    """Runs until the far side ends, the keys are typed, or `done` says so."""

    def __init__(
        self,
        conn: "Connection",
        *,
        tty: bool,
        stdin: bool,
        outputs: dict[int, int],
        keys: bytes = DEFAULT_KEYS,
    ) -> None:
        self.conn = conn
        self.tty = tty
        self.frames = Frames(outputs)
        self.escape = Escape(keys) if tty and stdin and keys else None
        self.others: dict[int, Callable[[], bool]] = {}  # fd: handler, True to end the loop
        self._stdin = stdin
        self._pending = b""
        self._closed = False
        self._reading = bool(outputs)

    def run(self) -> None:
        """Raises Detached."""
        poll = select.poll()
        sock = self.conn.sock
        sock.setblocking(False)
        number = sock.fileno()
        if self.conn.buffer:
            self._output(self.conn.buffer)
            self.conn.buffer = b""
        if self._stdin:
            try:
                poll.register(0, select.POLLIN)
            except (OSError, ValueError):
                self._end_input()
        else:
            # Docker half-closes at once when no stdin is attached
            self._end_input()
        for fd in self.others:
            poll.register(fd, select.POLLIN)
        block = bytearray(_BLOCK)
        view = memoryview(block)
        while self._reading or self._stdin or self._pending:
            poll.register(number, select.POLLIN | (select.POLLOUT if self._pending else 0))
            for fd, events in poll.poll():
                if fd == number:
                    if events & select.POLLOUT:
                        self._flush(poll)
                    if events & ~select.POLLOUT and not self._receive(view):
                        return
                elif fd == 0:
                    self._input(poll)
                elif self.others[fd]():
                    return

    def _receive(self, view: memoryview) -> bool:
        """False when the far side has ended."""
        sock = self.conn.sock
        while True:
            try:
                if hasattr(sock, "recv_into"):
                    got = sock.recv_into(view)
                else:
                    data = sock.recv(_BLOCK)
                    got = len(data)
                    view[:got] = data
            except (BlockingIOError, InterruptedError):
                return True
            except OSError as e:
                return bool(type(e).__name__.startswith("SSLWant"))
            if got == 0:
                return False
            self._output(view[:got])
            if got < _BLOCK:
                return True

    def _output(self, data: "bytes | memoryview") -> None:
        if self.tty:
            if 1 in self.frames.outputs:
                write(1, data)  # type: ignore[arg-type]
        else:
            self.frames.feed(data)

    def _input(self, poll: "select.poll") -> None:
        try:
            data = posix.read(0, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            poll.unregister(0)
            self._stdin = False
            if not self._pending:
                self._end_input()
            return
        if self.escape is not None:
            data, complete = self.escape.feed(data)
            if complete:
                self._send(data)
                raise Detached
        self._send(data)
        if self._pending:
            poll.unregister(0)  # until the daemon takes more

    def _send(self, data: bytes) -> None:
        if not data or self._closed:
            return
        try:
            sent = self.conn.sock.send(data, _MSG_NOSIGNAL)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._closed = True
            return
        self._pending = data[sent:]

    def _flush(self, poll: "select.poll") -> None:
        data, self._pending = self._pending, b""
        self._send(data)
        if self._pending:
            return
        if self._stdin:
            poll.register(0, select.POLLIN)
        else:
            self._end_input()

    def _end_input(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self.conn.sock.shutdown(_SHUT_WR)
        except OSError:
            pass


def parse_keys(text: str) -> bytes:
    """Detach keys such as "ctrl-p,ctrl-q" or "a,b". Raises ValueError."""
    found = bytearray()
    for part in text.split(","):
        if len(part) == 1:
            found += part.encode()
        elif part.startswith("ctrl-") and len(part) == 6 and "a" <= part[5] <= "z":
            found.append(ord(part[5]) - 96)
        elif part.startswith("ctrl-") and len(part) == 6 and part[5] in "@[\\]^_":
            found.append({"@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31}[part[5]])
        else:
            raise ValueError(f"Unknown character: '{part}'")
    return bytes(found)
