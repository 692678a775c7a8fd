"""Watch files and directories for changes (man 7 inotify)."""

from __future__ import annotations

import ctypes
import os
import struct

from orlop.kernel import libc

MODIFY = 0x2
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
OVERFLOW = 0x4000
IGNORED = 0x8000

_HEADER = struct.Struct("=iIII")


def create() -> int:
    """A new instance: a close-on-exec, non-blocking fd. Raises OSError (EMFILE: user's limit)."""
    return libc.finish(libc.LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))


def add(fd: int, path: str, mask: int) -> int:
    """Watch `path`: the watch's number, the same as before when it was watched already."""
    encoded = ctypes.c_char_p(os.fsencode(path))
    return libc.finish(libc.LIBC.inotify_add_watch(fd, encoded, ctypes.c_uint32(mask)), path)


def remove(fd: int, watch: int) -> None:
    libc.finish(libc.LIBC.inotify_rm_watch(fd, watch))


def read(fd: int) -> list[tuple[int, int, bytes]]:
    """The waiting events as (watch, mask, name); empty when there are none."""
    try:
        data = os.read(fd, 65536)
    except BlockingIOError:
        return []
    events = []
    at = 0
    while at < len(data):
        watch, mask, _, length = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        events.append((watch, mask, data[at : at + length].rstrip(b"\0")))
        at += length
    return events
