"""HTTP/1.1 to a daemon: requests, streamed bodies, hijacked connections.

Idle connections are kept and used again; a client may be used from several threads. Only `_socket`,
the C half of `socket`, is imported.
"""

import _socket
import posix

from orlop.errors import OrlopError
from orlop.oci.jsonlite import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, TypeAlias

    Piece: TypeAlias = "bytes | FromFile"

API_VERSION = "1.50"
_CHUNK = 1 << 18
_LINES = 1 << 12  # read ahead: what is behind a line, and copied once more
_EIO, _EINVAL = 5, 22
_SPARE = 8  # connections kept
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


class ApiError(OrlopError):
    """The daemon answered with an error; `status` is the HTTP code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__("Error response from daemon: " + message)
        self.status = status
        self.bare = message


class ConnectionFailed(OrlopError):
    """Nobody answers at that host."""


class Broken(ConnectionFailed):
    """The message is only why: who asked says what was asked."""


def quote(text: object, safe: bytes = b"") -> str:
    """Percent-encode for a path."""
    data = str(text).encode("utf-8", "surrogateescape")
    if all(c in _SAFE for c in data):
        return data.decode("ascii")
    return "".join(chr(c) if c in _SAFE or c in safe else f"%{c:02X}" for c in data)


def query(values: "dict[str, Any]") -> str:
    """`?a=b&c=d` of the values that are neither None, False nor empty."""
    pairs: list[str] = []
    for key, value in values.items():
        if value is None or value is False or value == "":
            continue
        for one in value if isinstance(value, list | tuple) else (value,):
            text = quote("1" if one is True else one).replace("%20", "+")  # as Go's QueryEscape
            pairs.append(f"{key}={text}")
    return "?" + "&".join(pairs) if pairs else ""


class Unreadable(OrlopError):
    """A file that was to be sent."""


class FromFile:
    """A piece of a streamed body: the next `size` bytes of a regular file, zeros where it ends."""

    __slots__ = ("_fd", "_name", "_size")

    def __init__(self, fd: int, size: int, name: str) -> None:
        self._fd = fd
        self._size = size
        self._name = name  # for messages

    def __len__(self) -> int:
        return self._size

    def send(self, conn: "Connection") -> None:
        """Without a copy where the connection is a plain socket. Raises OSError, Unreadable."""
        left = self._size
        if isinstance(conn.sock, _socket.socket):
            left = self._send_pages(conn.sock.fileno(), left)
        while left:
            size = min(left, _CHUNK)
            try:
                data = posix.read(self._fd, size) or bytes(size)
            except OSError as error:
                raise Unreadable(f"read {self._name}: {(error.strerror or '').lower()}") from None
            conn.send(data)
            left -= len(data)

    def _send_pages(self, target: int, left: int) -> int:
        """How much is left: of a file that ended, or that its filesystem has to be read from."""
        while left:
            try:
                sent = posix.sendfile(target, self._fd, None, left)
            except OSError as error:
                if error.errno not in (_EINVAL, _EIO):
                    raise
                break  # of the file: reading it says so
            if not sent:
                break
            left -= sent
        return left


class Response:
    """An answer whose body is read on demand."""

    __slots__ = ("_conn", "_left", "_mode", "done", "headers", "status")

    def __init__(self, conn: "Connection", status: int, headers: dict[str, str], bare: bool):
        self._conn = conn
        self.status = status
        self.headers = headers
        self._left = 0
        self.done = bare or status in (204, 304)
        if headers.get("transfer-encoding", "").lower() == "chunked":
            self._mode = "chunked"
        elif "content-length" in headers:
            self._mode = "length"
            self._left = int(headers["content-length"])
            self.done = self.done or self._left == 0
        else:
            self._mode = "close"

    def chunks(self) -> "Iterator[bytes]":
        """Body bytes as they come. Raises ConnectionFailed when the daemon goes away."""
        while not self.done:
            data = self.read_some()
            if data:
                yield data

    def read_some(self) -> bytes:
        conn = self._conn
        if self._mode == "chunked":
            if self._left == 0 and not self._next_chunk():
                return b""
            data = conn.take(self._left)
            if not data:
                raise ConnectionFailed("unexpected EOF")
            self._left -= len(data)
            if self._left == 0:
                conn.line()
            return data
        data = conn.take(self._left if self._mode == "length" else _CHUNK)
        if self._mode == "length":
            self._left -= len(data)
            if not data:
                raise ConnectionFailed("unexpected EOF")
            self.done = self._left == 0
        else:
            self.done = not data
        return data

    def _next_chunk(self) -> bool:
        try:
            line = self._conn.line()
        except Broken:  # in the middle of a body, however far it came
            raise ConnectionFailed("unexpected EOF") from None
        try:
            self._left = int(line.split(b";")[0], 16)
        except ValueError:
            raise ConnectionFailed("unexpected EOF") from None
        if self._left == 0:
            while self._conn.line():
                pass
            self.done = True
            return False
        return True

    def read(self) -> bytes:
        return b"".join(self.chunks())

    def close(self) -> None:
        self._conn.close()

    @property
    def reusable(self) -> bool:
        if not self.done or self._mode == "close":
            return self.done and self.status in (204, 304)
        return self.headers.get("connection", "").lower() != "close"


class Connection:
    """One socket and what was read ahead."""

    __slots__ = ("buffer", "keep", "sock")

    def __init__(self, sock: "Any", keep: object = None) -> None:
        self.sock = sock
        self.buffer = b""
        self.keep = keep  # what must live as long as the socket

    def send(self, data: bytes) -> None:
        # MSG_NOSIGNAL: SIGPIPE is for our stdout, not for a daemon that hung up
        self.sock.sendall(data, _socket.MSG_NOSIGNAL)

    def take(self, limit: int) -> bytes:
        if self.buffer:
            data, self.buffer = self.buffer[:limit], self.buffer[limit:]
            return data
        got: bytes = self.sock.recv(min(limit, _CHUNK))
        return got

    def line(self) -> bytes:
        while b"\n" not in self.buffer:
            data = self.sock.recv(_LINES)
            if not data:
                raise Broken("unexpected EOF" if self.buffer else "EOF")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def response(self, bare: bool) -> Response:
        first = self.line().split(b" ", 2)
        while len(first) > 1 and first[1] == b"100":
            while self.line():
                pass
            first = self.line().split(b" ", 2)
        if len(first) < 2 or not first[0].startswith(b"HTTP/") or not first[1].isdigit():
            from orlop.text import go_quote

            said = b" ".join(first).decode("utf-8", "replace")
            raise Broken(
                "net/http: HTTP/1.x transport connection broken: malformed HTTP response "
                + go_quote(said)
            )
        headers: dict[str, str] = {}
        while line := self.line():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        return Response(self, int(first[1]), headers, bare)

    def close(self) -> None:
        self.sock.close()


def open_unix(path: str) -> Connection:
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return Connection(sock)


class Client:
    """The API of one daemon."""

    def __init__(
        self, host: str, dial: "Callable[[], Connection]", *, secure: bool = False
    ) -> None:
        self.host = host
        self.secure = secure  # by TLS
        self._dial = dial
        self.version = API_VERSION
        self.pinned = False  # the user named the version: no downgrade
        self.headers: dict[str, str] = {}
        self._idle: list[Connection] = []  # appended to and popped, each in one step

    def open(
        self,
        method: str,
        path: str,
        body: "dict[str, Any] | list[Any] | None" = None,
        *,
        headers: "Iterable[tuple[str, str]]" = (),
        stream: "Iterable[Piece] | None" = None,
        upgrade: bool = False,
    ) -> Response:
        """Send and return the answer before its body. Raises ApiError, ConnectionFailed."""
        extra = list(headers)
        data = b""
        if body is not None:
            data = dumps(body).encode("ascii")
            extra.append(("Content-Type", "application/json"))
        if upgrade:
            extra += [("Connection", "Upgrade"), ("Upgrade", "tcp")]
        response = self._exchange(method, path, data, extra, stream)
        if response.status < 300 or response.status == 304:
            return response
        if response.status < 400:
            response.close()
            raise self._failed(method, path, Broken("unexpected redirect in response"))
        message = _message(response)
        limit = message.rpartition("Maximum supported API version is ")[2]
        if response.status == 400 and "is too new" in message and not self.pinned and limit:
            self.version, self.pinned = limit.strip(), True
            return self.open(method, path, body, headers=headers, stream=stream, upgrade=upgrade)
        raise ApiError(response.status, message)

    def _exchange(
        self,
        method: str,
        path: str,
        data: bytes,
        extra: list[tuple[str, str]],
        stream: "Iterable[Piece] | None",
    ) -> Response:
        lines = [f"{method} /v{self.version}{path} HTTP/1.1", "Host: api.moby.localhost"]
        lines += [f"{k}: {v}" for k, v in self.headers.items()]
        lines += [f"{k}: {v}" for k, v in extra]
        if stream is not None:
            lines.append("Transfer-Encoding: chunked")
        elif data or method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(data)}")
        head = "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n"
        while True:
            try:
                conn, fresh = self._idle.pop(), False
            except IndexError:
                conn, fresh = self._fresh(method, path), True
            try:
                conn.send(head + data)
                if stream is not None:
                    self._send_chunks(conn, stream)
                return conn.response(method == "HEAD")
            except (ConnectionFailed, OSError) as e:
                conn.close()
                if fresh or stream is not None:
                    raise self._failed(method, path, e) from None
                # the kept connection had been closed by the daemon
            except BaseException:
                conn.close()  # the daemon must not take what it has for the whole
                raise

    def _fresh(self, method: str, path: str) -> Connection:
        try:
            return self._dial()
        except Broken as e:
            raise self._failed(method, path, e) from None

    def _failed(self, method: str, path: str, error: Exception) -> ConnectionFailed:
        from orlop.client.faults import broken

        return broken(self.host, self.secure, method, f"/v{self.version}{path}", error)

    def _send_chunks(self, conn: Connection, stream: "Iterable[Piece]") -> None:
        try:
            for piece in stream:
                if isinstance(piece, FromFile):
                    conn.send(b"%x\r\n" % len(piece))
                    piece.send(conn)
                    conn.send(b"\r\n")
                elif piece:
                    conn.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            conn.send(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused early: the answer says why

    def release(self, response: Response) -> None:
        """Keep the connection of a fully read answer."""
        if response.reusable and len(self._idle) < _SPARE:
            self._idle.append(response._conn)
        else:
            response.close()

    def close(self) -> None:
        """Let the kept connections go."""
        while self._idle:
            self._idle.pop().close()

    def raw(self, method: str, path: str, body: "Any" = None, **options: "Any") -> bytes:
        """The whole body of the answer."""
        response = self.open(method, path, body, **options)
        try:
            data = response.read()
        except OSError as e:
            response.close()
            raise self._failed(method, path, e) from None
        except ConnectionFailed:
            response.close()
            raise
        self.release(response)
        return data

    def call(self, method: str, path: str, body: "Any" = None, **options: "Any") -> "Any":
        """The decoded answer, None when it has no body."""
        data = self.raw(method, path, body, **options)
        if not data.strip():
            return None
        try:
            return loads(data)
        except (ValueError, SystemError):  # the latter by a quirk of the C scanner
            from orlop.client.faults import unreadable

            raise unreadable(data) from None

    def hijack(self, method: str, path: str, body: "Any" = None) -> tuple[Response, Connection]:
        """Take the connection over: raw bytes after the headers (101, or 200 of old daemons)."""
        response = self.open(method, path, body, upgrade=True)
        return response, response._conn


def _message(response: Response) -> str:
    try:
        data = response.read()
    except (OSError, ConnectionFailed):
        data = b""
    response.close()
    text = data.decode("utf-8", "replace").strip()
    if "json" in response.headers.get("content-type", "json"):
        try:
            found = loads(data)
            if isinstance(found, dict):
                text = str(found.get("message") or "").strip()
        except (ValueError, SystemError):
            pass
    if text:
        return text
    from orlop.client.faults import silent

    return silent(response.status)
