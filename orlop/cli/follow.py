"""Attached to a container from before its start until its end: `run`, `start -a`, `attach`."""

import select

from orlop.cli.out import err, is_terminal
from orlop.cli.session import Session
from orlop.cli.stream import DEFAULT_KEYS, Detached, Pump, parse_keys
from orlop.client.transport import Connection, ConnectionFailed, Response, query
from orlop.errors import OrlopError
from orlop.oci.jsonlite import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.cli.terminal import Raw, Signals

    Json = dict[str, Any]

_SIGWINCH = 28
_ENDING = ("INT", "TERM")
_PATIENCE = 3  # of these signals, then the client goes and the container stays


class Follow:
    def __init__(self, session: Session, ident: str, config: "Json", keys: str) -> None:
        self.session = session
        self.ident = ident
        self.tty = bool(config["Tty"])
        self.stdin = bool(config["AttachStdin"])
        self.proxy = True  # forward signals
        self.detached = False  # by its keys
        self._asked = 0  # how often a signal asked for the end
        self.outputs: dict[int, int] = {}
        if config["AttachStdout"]:
            self.outputs[1] = 1
        if config["AttachStderr"]:
            self.outputs[2] = 1 if self.tty else 2
        self.keys = keys or str(session.config.get("detachKeys") or "")
        self._names: dict[int, str] = {}
        self._signals: Signals | None = None
        self._waiting: Response | None = None
        self._pump: Pump | None = None
        self._raw: Raw | None = None

    def attach(self) -> None:
        """Open the streams. Raises OrlopError."""
        _, conn = self.session.client.hijack(
            "POST",
            f"/containers/{self.ident}/attach"
            + query(
                {
                    "detachKeys": self.keys,
                    "stderr": 2 in self.outputs,
                    "stdin": self.stdin,
                    "stdout": 1 in self.outputs,
                    "stream": True,
                }
            ),
        )
        self.use(conn)

    def use(self, conn: Connection) -> None:
        self._pump = Pump(
            conn,
            tty=self.tty,
            stdin=self.stdin,
            outputs=self.outputs,
            keys=self._key_bytes() if self.tty and self.stdin else b"",
        )

    def _key_bytes(self) -> bytes:
        if not self.keys:
            return DEFAULT_KEYS
        try:
            return parse_keys(self.keys)
        except ValueError as e:
            warn(f"invalid detach escape keys, using default: {e}")
            return DEFAULT_KEYS

    def wait(self, condition: str) -> None:
        self._waiting = self.session.client.open(
            "POST", f"/containers/{self.ident}/wait" + query({"condition": condition})
        )

    def abandon(self, removed: bool) -> None:
        """The start failed: close the streams, and see an automatic removal through."""
        if self._pump is not None:
            self._pump.conn.close()
        if removed and self._waiting is not None:
            try:
                self._waiting.read()
            except (OrlopError, OSError):
                pass

    def watch_signals(self) -> None:
        resize = self.tty and is_terminal(1)
        if not self.proxy and not resize:
            return
        from orlop.cli.terminal import Signals, all_signals

        if self.proxy:
            self._names = all_signals()
        numbers = set(self._names)
        if resize:
            numbers.add(_SIGWINCH)
        self._signals = Signals(numbers)

    def until_exit(self) -> int:
        """Pump until the streams end; returns the exit code, 0 when detached."""
        try:
            self.stream()
        except Detached:
            self.detached = True
            return 0
        return self.status()

    def stream(self) -> None:
        """Raises Detached."""
        pump = self._pump
        assert pump is not None
        self.watch_signals()
        if self.tty and self.stdin and is_terminal(0):
            from orlop.cli.terminal import Raw

            self._raw = Raw()
            self._raw.enter()
        try:
            if self.tty and is_terminal(1):
                self.resize(first=True)
            if self._signals is not None:
                pump.others[self._signals.fd] = self._on_signal
            if not self.outputs and self._waiting is not None:
                pump.others[self._waiting._conn.sock.fileno()] = lambda: True
            pump.run()
        finally:
            if self._raw is not None:
                self._raw.restore()
            pump.conn.close()

    def status(self) -> int:
        """The exit code once the daemon tells it; 125 when it cannot."""
        waiting = self._waiting
        assert waiting is not None
        poll = select.poll()
        number = waiting._conn.sock.fileno()
        poll.register(number, select.POLLIN)
        if self._signals is not None:
            poll.register(self._signals.fd, select.POLLIN)
        while not waiting._conn.buffer:
            ready = [fd for fd, _ in poll.poll()]
            if number in ready:
                break
            self._on_signal()
        try:
            result = loads(waiting.read())
        except (OrlopError, OSError, ValueError) as e:
            error(f"error waiting for container: {e or 'unexpected EOF'}")
            return 125
        if result.get("Error"):
            error(f"Error waiting for container: {result['Error'].get('Message', '')}")
            return 125
        return int(result["StatusCode"])

    def _on_signal(self) -> bool:
        assert self._signals is not None
        for number in self._signals.take():
            if number == _SIGWINCH and self.tty and is_terminal(1):
                self.resize()
            if self.proxy and number in self._names:
                self.forward(self._names[number])
                self._count(self._names[number])
        return False

    def _count(self, name: str) -> None:
        """Raises Failure when the user has asked often enough, as Docker's CLI does."""
        self._asked += name in _ENDING
        if self._asked >= _PATIENCE:
            from orlop.cli.failure import Failure

            raise Failure(f"\ngot {_PATIENCE} SIGTERM/SIGINTs, forcefully exiting")

    def forward(self, name: str) -> None:
        try:
            self.session.client.call(
                "POST", f"/containers/{self.ident}/kill" + query({"signal": name})
            )
        except ConnectionFailed as e:
            # the container's output goes on without a daemon, but nobody takes a signal there
            from orlop.cli.failure import Failure

            raise Failure(e.message) from None
        except OrlopError:
            pass  # it may have ended

    def resize(self, first: bool = False) -> None:
        from orlop.cli.terminal import size

        rows, columns = size(1)
        if rows or columns:
            self.resize_to(rows, columns)

    def resize_to(self, rows: int, columns: int) -> None:
        try:
            self.session.client.call(
                "POST", f"/containers/{self.ident}/resize" + query({"h": rows, "w": columns})
            )
        except OrlopError:
            pass


def _log(level: str, message: str) -> None:
    import time

    from orlop.text import go_quote

    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    err(f'time="{stamp}" level={level} msg={go_quote(message)}\n')


def warn(message: str) -> None:
    _log("warning", message)


def error(message: str) -> None:
    _log("error", message)
