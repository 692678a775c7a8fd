"""Files of a build to its client, by `FileSend/DiffCopy`: as a directory, or as one stream."""

from __future__ import annotations

import os
import queue
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from orlop.buildkit import messages as m
from orlop.buildkit.diffcopy import DATA, ERROR, FIN, REQUEST, Progress
from orlop.buildkit.grpc import UNKNOWN, Outgoing, RpcFailure
from orlop.buildkit.http2 import Broken
from orlop.buildkit.session import Session
from orlop.oci.filemode import to_go
from orlop.paths import Root
from orlop.protobuf import Malformed, decode, encode

Json = dict[str, Any]
_PATH = "/moby.filesync.v1.FileSend/DiffCopy"
_EXPORTER = "buildkit-attachable-exporter-id"
_PIECE = 32 << 10
_TOGETHER = 64  # packets that are sent at once
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY


def send_tree(session: Session, root: Root, number: int, progress: Progress) -> None:
    """`number`: of the client's outputs. Raises RpcFailure."""
    with closing(_opened(session, number)) as call:
        _Sender(call, root, progress).run()


def send_stream(session: Session, chunks: Iterator[bytes], number: int) -> None:
    """Raises RpcFailure."""
    with closing(_opened(session, number)) as call:
        try:
            for chunk in chunks:
                for at in range(0, len(chunk), 1 << 20):
                    call.send(m.CHUNK, {"data": chunk[at : at + (1 << 20)]})
            call.send_end()
        except Broken:
            pass  # the status says why
        while call.receive() is not None:
            pass


def _opened(session: Session, number: int) -> Outgoing:
    return session.open(_PATH, {_EXPORTER: [str(number)]})


class _Sender:
    def __init__(self, call: Outgoing, root: Root, progress: Progress) -> None:
        self._call = call
        self._root = root
        self._progress = progress
        self._sent = 0
        self._files: dict[int, str] = {}
        self._pending: list[bytes] = []
        self._incoming: queue.SimpleQueue[Json | RpcFailure | None] = queue.SimpleQueue()

    def run(self) -> None:
        thread = threading.Thread(target=self._read, name="orlop-send", daemon=True)
        thread.start()
        try:
            try:
                self._tell()
            except Broken:
                pass  # the client's last word says why
            self._serve()
        finally:
            self._call.close()
            thread.join()

    def _read(self) -> None:
        """What the client asks for, while we may be busy sending."""
        try:
            while (data := self._call.receive()) is not None:
                self._incoming.put(decode(m.PACKET, data))
            self._incoming.put(None)
        except Malformed as error:
            self._incoming.put(RpcFailure(UNKNOWN, f"malformed packet: {error}"))
        except RpcFailure as failure:
            self._incoming.put(failure)

    def _tell(self) -> None:
        for number, (path, status) in enumerate(_walk(self._root, "")):
            entry = self._entry(path, status)
            if stat.S_ISREG(status.st_mode):
                self._files[number] = path
            self._send({"stat": entry})
        self._send({})
        self._flush()

    def _entry(self, path: str, status: os.stat_result) -> Json:
        entry: Json = {
            "path": path, "mode": to_go(status.st_mode), "uid": status.st_uid, "gid": status.st_gid,
            "modified": status.st_mtime_ns,
        }  # fmt: skip
        if stat.S_ISREG(status.st_mode):
            entry["size"] = status.st_size
        elif stat.S_ISLNK(status.st_mode):
            fd = self._root.opath(path, follow=False)
            try:
                entry["link"] = os.fsdecode(os.readlink(b"", dir_fd=fd))
            finally:
                os.close(fd)
        elif status.st_rdev:
            entry |= {"major": os.major(status.st_rdev), "minor": os.minor(status.st_rdev)}
        return entry

    def _serve(self) -> None:
        while True:
            packet = self._incoming.get()
            if isinstance(packet, RpcFailure):
                raise packet
            if packet is None:
                raise RpcFailure(UNKNOWN, "the client ended the transfer early")
            kind = packet.get("type", 0)
            if kind == REQUEST:
                self._content(packet.get("id", 0))
            elif kind == FIN:
                self._send({"type": FIN})
                self._flush()
                self._call.send_end()
                last = self._incoming.get()
                if isinstance(last, RpcFailure):
                    raise last
                return
            elif kind == ERROR:
                text = packet.get("data", b"")[:4096].decode("utf-8", "replace")
                raise RpcFailure(UNKNOWN, f"error from receiver: {text}")

    def _content(self, number: int) -> None:
        path = self._files.pop(number, None)
        if path is None:
            raise RpcFailure(UNKNOWN, f"invalid file id {number}")
        fd = self._root.open(path, _READ, follow=False)
        try:
            while data := os.read(fd, _PIECE):
                self._send({"type": DATA, "id": number, "data": data})
        finally:
            os.close(fd)
        self._send({"type": DATA, "id": number})
        if self._incoming.empty():
            self._flush()

    def _send(self, packet: Json) -> None:
        data = encode(m.PACKET, packet)
        self._sent += len(data)
        self._pending.append(data)
        if len(self._pending) >= _TOGETHER:
            self._flush()

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        if pending:
            self._call.send_encoded(pending)
            self._progress(self._sent)


def _walk(root: Root, path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Every entry, a directory's own before those in it, in the order of the names' bytes."""
    for name in sorted(root.names(path or ".")):
        where = f"{path}/{os.fsdecode(name)}" if path else os.fsdecode(name)
        status = root.stat(where)
        yield where, status
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(root, where)
