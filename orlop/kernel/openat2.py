"""openat2(2): open a path that cannot leave the directory it starts from."""

from __future__ import annotations

import ctypes
import errno
import os

from orlop.kernel import libc

# include/uapi/linux/openat2.h
NO_XDEV = 0x01
NO_MAGICLINKS = 0x02
NO_SYMLINKS = 0x04
BENEATH = 0x08
IN_ROOT = 0x10

_RETRIES = 1000


class _How(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def openat2(
    dirfd: int, path: bytes, flags: int, mode: int = 0, resolve: int = IN_ROOT | NO_MAGICLINKS
) -> int:
    """A close-on-exec file descriptor. Raises OSError with the path.

    The kernel answers EAGAIN when a rename or mount raced with a `..`: asked again, as its
    documentation says; a path that never settles is given up with EAGAIN.
    """
    how = _How(flags | os.O_CLOEXEC, mode, resolve)
    for _ in range(_RETRIES):
        try:
            return libc.call(
                "openat2",
                dirfd,
                ctypes.c_char_p(path or b"."),
                ctypes.byref(how),
                ctypes.sizeof(how),
                path=os.fsdecode(path),
            )
        except OSError as e:
            if e.errno not in (errno.EAGAIN, errno.EINTR):
                raise
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), os.fsdecode(path))
