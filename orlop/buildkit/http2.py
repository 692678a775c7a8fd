"""One HTTP/2 connection over a socket that left HTTP/1.1: h2 decides, threads read and write.

The thread that calls `run` reads; streams are used from other threads. Data is acknowledged once it
was taken, so a peer may send no more than a window that nobody reads.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from orlop.errors import OrlopError

Headers = list[tuple[str, str]]
_RECEIVE = 96 << 10
_WINDOW = 1 << 20  # bytes that a peer may send ahead, per stream
_WINDOWS = 8 << 20  # and for all streams together
_FRAME = 256 << 10
_STREAMS = 64  # that a peer may open at once
_UNSENT = 16 << 20  # bytes of answers that a peer may leave unread before it is cut off
_CANCEL = int(h2.errors.ErrorCodes.CANCEL)
_REFUSED = int(h2.errors.ErrorCodes.REFUSED_STREAM)


class Broken(OrlopError):
    """The stream or its connection ended before its time."""


class Stream:
    """One call. Its methods are for one reader and one writer at a time."""

    def __init__(self, connection: Connection, id: int, headers: Headers) -> None:
        self.id = id
        self.headers = headers  # of a request
        self.answer: Headers = []  # of a response
        self.trailers: Headers = []
        self._connection = connection
        self._changed = threading.Condition(connection.lock)
        self._chunks: deque[tuple[bytes, int]] = deque()
        self._ended = False  # the peer sends no more
        self._reset = ""
        self._callbacks: list[Callable[[], object]] = []

    # --- from the reading thread, with the lock -------------------------------------------------

    def take(self, data: bytes, size: int) -> None:
        if not size:
            return  # an empty frame: no window bounds how many of these come
        self._chunks.append((data, size))
        self._changed.notify_all()

    def head(self, headers: Headers, *, trailing: bool) -> None:
        if trailing:
            self.trailers = headers
        else:
            self.answer = headers
        self._changed.notify_all()

    def end(self) -> None:
        self._ended = True
        self._changed.notify_all()

    def lose(self, why: str) -> list[Callable[[], object]]:
        """It is over; what to call, without the lock."""
        if not self._reset:
            self._reset = why
        self._changed.notify_all()
        found, self._callbacks = self._callbacks, []
        return found

    def wake(self) -> None:
        self._changed.notify_all()

    # --- for users --------------------------------------------------------------------------------

    def gone(self, callback: Callable[[], object]) -> None:
        """Call it (quickly, any thread) when the peer gives the call up; now if it has."""
        with self._connection.lock:
            if not self._reset:
                self._callbacks.append(callback)
                return
        callback()

    def receive(self) -> bytes:
        """What has come; b"" at the end. Raises Broken."""
        connection = self._connection
        with connection.lock:
            while not self._chunks:
                if self._ended:
                    return b""
                if self._reset:
                    raise Broken(self._reset)
                self._changed.wait()
            data = b"".join([chunk for chunk, _ in self._chunks])
            connection.took(self.id, self.drain())
        connection.flush()
        return data or self.receive()  # nothing but padding

    def send_headers(self, headers: Headers, *, end: bool = False) -> None:
        connection = self._connection
        with connection.lock:
            self._check()
            connection.http.send_headers(self.id, headers, end_stream=end)
        connection.flush()

    def send(self, data: bytes, *, end: bool = False) -> None:
        """All of it, as the peer takes it. Raises Broken."""
        connection = self._connection
        http, rest = connection.http, memoryview(data)
        while True:
            with connection.lock:
                self._check()
                room = http.local_flow_control_window(self.id)
                while rest and room <= 0:
                    self._changed.wait()
                    self._check()
                    room = http.local_flow_control_window(self.id)
                while rest and room > 0:
                    size = min(len(rest), room, http.max_outbound_frame_size)
                    http.send_data(self.id, bytes(rest[:size]))
                    rest, room = rest[size:], room - size
                if not rest and end:
                    http.end_stream(self.id)
            connection.flush()
            if not rest:
                return

    def close(self) -> None:
        """Give the call up, if it is not at its end; forget what was not read."""
        self._connection.forget(self)

    def drain(self) -> int:
        """Forget what was not read; its size, as the peer counts it."""
        size = sum(size for _, size in self._chunks)
        self._chunks.clear()
        return size

    def _check(self) -> None:
        if self._reset:
            raise Broken(self._reset)


class Connection:
    def __init__(
        self, sock: socket.socket, *, client: bool, serve: Callable[[Stream], None] | None = None
    ) -> None:
        """`client`: we call. `serve` gets each call of the peer, on a thread of its own."""
        self.lock = threading.RLock()
        self.http = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=client, header_encoding=None)
        )
        self.http.local_settings = h2.settings.Settings(
            client=client,
            initial_values={
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
                h2.settings.SettingCodes.MAX_FRAME_SIZE: _FRAME,
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: _STREAMS,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 1 << 16,
            },
        )
        self.http.max_inbound_frame_size = _FRAME  # h2 takes it from the settings before these
        self._socket = sock
        self._serve = serve
        self._streams: dict[int, Stream] = {}
        self._out: deque[bytes] = deque()
        self._unsent = 0
        self._writing = threading.Lock()
        self._closed = ""
        with self.lock:
            self.http.initiate_connection()
            self.http.increment_flow_control_window(_WINDOWS)

    def run(self, leftover: bytes) -> None:
        """Read until the connection ends. Never raises."""
        why = "the connection was closed"
        try:
            self.flush()
            data = leftover
            while data or (data := self._socket.recv(_RECEIVE)):
                with self.lock:
                    events = self.http.receive_data(data)
                    calls = [call for event in events for call in self._handle(event)]
                data = b""
                self.flush()
                for call in calls:
                    call()
        except h2.exceptions.ProtocolError as error:
            why = f"protocol error: {error}"
            self.flush()  # the GOAWAY that says so
        except (OSError, Broken) as error:
            why = str(error)
        finally:
            self._lose(why)

    def open(self, headers: Headers) -> Stream:
        """Begin a call. Raises Broken."""
        with self.lock:
            if self._closed:
                raise Broken(self._closed)
            try:
                id = self.http.get_next_available_stream_id()
                self.http.send_headers(id, headers)
            except h2.exceptions.ProtocolError as error:
                raise Broken(str(error)) from None
            stream = self._streams[id] = Stream(self, id, headers)
        self.flush()
        return stream

    def close(self) -> None:
        """From any thread: end it; `run` returns."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    # --- for streams ------------------------------------------------------------------------------

    def took(self, id: int, size: int) -> None:
        """With the lock: data was taken, the peer may send more."""
        if size:
            try:
                self.http.acknowledge_received_data(size, id)
            except h2.exceptions.ProtocolError:
                pass  # the connection is over

    def forget(self, stream: Stream) -> None:
        with self.lock:
            if self._streams.pop(stream.id, None) is None:
                return
            stream.lose("the call was given up")  # our own end: nobody is told
            self.took(stream.id, stream.drain())
            try:
                self.http.reset_stream(stream.id, _CANCEL)
            except h2.exceptions.ProtocolError:
                pass  # at its end
        try:
            self.flush()
        except (OSError, Broken):
            pass

    def flush(self) -> None:
        """Write what h2 has to say, in its order; one thread writes for all. Raises Broken."""
        with self.lock:
            data = self.http.data_to_send()
            if data:
                self._out.append(data)
                self._unsent += len(data)
            if self._unsent > _UNSENT:
                self.close()
                raise Broken("the peer reads no more")
        while self._out and self._writing.acquire(blocking=False):
            try:
                self._write()
            except OSError as error:
                raise Broken(self._closed or str(error)) from None
            finally:
                self._writing.release()

    def _write(self) -> None:
        while self._out:
            data = self._out.popleft()
            self._socket.sendall(data)
            with self.lock:
                self._unsent -= len(data)

    # --- events -----------------------------------------------------------------------------------

    def _handle(self, event: object) -> list[Callable[[], object]]:
        if isinstance(event, h2.events.DataReceived):
            stream = self._streams.get(event.stream_id or 0)
            if stream is None:
                self.took(event.stream_id or 0, event.flow_controlled_length or 0)
            else:
                stream.take(event.data or b"", event.flow_controlled_length or 0)
        elif isinstance(event, h2.events.RequestReceived):
            return self._begin(event)
        elif isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
            found = self._streams.get(event.stream_id or 0)
            if found is not None:
                trailing = isinstance(event, h2.events.TrailersReceived)
                found.head(_text(event.headers or []), trailing=trailing)
        elif isinstance(event, h2.events.StreamEnded):
            ended = self._streams.get(event.stream_id or 0)
            if ended is not None:
                ended.end()
        elif isinstance(event, h2.events.StreamReset):
            lost = self._streams.get(event.stream_id or 0)
            if lost is not None:
                return lost.lose("context canceled")
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            for stream in self._streams.values():
                stream.wake()
        return []  # after a GOAWAY comes the end of the stream

    def _begin(self, event: h2.events.RequestReceived) -> list[Callable[[], object]]:
        serve = self._serve
        assert serve is not None  # a client's peer opens no streams: h2 refuses
        id = event.stream_id or 0
        if len(self._streams) >= 2 * _STREAMS:  # opened and reset: threads that are still at it
            self.http.reset_stream(id, _REFUSED)
            return []
        stream = self._streams[id] = Stream(self, id, _text(event.headers or []))
        thread = threading.Thread(target=serve, args=(stream,), name="orlop-grpc", daemon=True)
        return [thread.start]

    def _lose(self, why: str) -> None:
        with self.lock:
            self._closed = why or "the connection was closed"
            calls = [call for s in self._streams.values() for call in s.lose(self._closed)]
            self._streams.clear()
            self._out.clear()
        for call in calls:
            call()
        self._socket.close()


def _text(headers: object) -> Headers:
    return [(k.decode("latin-1"), v.decode("latin-1")) for k, v in headers]  # type: ignore[attr-defined]
