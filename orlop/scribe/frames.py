"""Messages between daemon, keeper and scribe: marshal'd dicts over SOCK_SEQPACKET, with fds.

A frame above 64 KiB travels in a sealed memory file, passed as the first fd. Both ends are root's
own processes of one version of Python; a client's or container's bytes never come this way.
"""

from __future__ import annotations

import _socket
import marshal
import os
import struct

from orlop.kernel import memfd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Frame = dict[str, Any]

LARGEST_INLINE = 65536
LARGEST = 256 << 20
MOST_FDS = 250  # SCM_MAX_FD is 253, one may be the memory file
_SPACE = _socket.CMSG_SPACE((MOST_FDS + 1) * 4)
_BUFFER = LARGEST_INLINE + 64


class Hangup(Exception):
    """The other end closed the connection."""


def pack(frame: Frame) -> tuple[bytes, int]:
    """(bytes to send, memory file to send first and close, or -1)."""
    data = marshal.dumps(frame)
    if len(data) <= LARGEST_INLINE:
        return data, -1
    return marshal.dumps({"memfd": True}), memfd.sealed("orlop-frame", data)


def send(sock: _socket.socket, frame: Frame, fds: Sequence[int] = ()) -> None:
    """Send whole or raise OSError (BlockingIOError when the queue is full)."""
    data, extra = pack(frame)
    try:
        transmit(sock, data, fds if extra < 0 else (extra, *fds))
    finally:
        if extra >= 0:
            os.close(extra)


def transmit(sock: _socket.socket, data: bytes, fds: Sequence[int]) -> None:
    if fds:
        rights = struct.pack(f"{len(fds)}i", *fds)
        sock.sendmsg([data], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
    else:
        sock.send(data)


def receive(sock: _socket.socket) -> tuple[Frame, list[int]]:
    """The next frame and its fds, which are the caller's. Raises Hangup, BlockingIOError."""
    try:
        data, rights, flags, _ = sock.recvmsg(_BUFFER, _SPACE, _socket.MSG_CMSG_CLOEXEC)
    except ConnectionResetError:
        raise Hangup from None
    fds: list[int] = []
    for level, kind, payload in rights:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            count = len(payload) // 4
            fds += struct.unpack(f"{count}i", payload[: count * 4])
    try:
        if not data:
            raise Hangup
        if flags & (_socket.MSG_TRUNC | _socket.MSG_CTRUNC):
            raise ValueError("frame was cut: too long, or no room for its descriptors")
        frame: Frame = marshal.loads(data)
        if frame.get("memfd"):
            source = fds.pop(0)
            try:
                frame = marshal.loads(memfd.read_sealed(source, LARGEST))
            finally:
                os.close(source)
        return frame, fds
    except BaseException:
        close_all(fds)
        raise


def close_all(fds: Sequence[int]) -> None:
    for fd in fds:
        try:
            os.close(fd)
        except OSError:
            pass


def listen(path: str) -> _socket.socket:
    """A listening socket at `path`, 0600 from the moment it appears; a stale one is replaced."""
    sock = _socket.socket(
        _socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK
    )
    temporary = path + ".new"
    for stale in (temporary, path):
        try:
            os.unlink(stale)
        except FileNotFoundError:
            pass
    mask = os.umask(0o177)
    try:
        sock.bind(temporary)
    finally:
        os.umask(mask)
    sock.listen(64)
    os.rename(temporary, path)
    return sock


def connect(path: str) -> _socket.socket:
    """A blocking connection. Raises OSError (FileNotFoundError, ConnectionRefusedError)."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    try:
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock
