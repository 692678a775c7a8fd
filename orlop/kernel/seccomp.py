"""Load a seccomp filter (man 2 seccomp)."""

from __future__ import annotations

import ctypes
import struct

from orlop.kernel import libc

_SET_MODE_FILTER = 1
FLAG_LOG = 2
FLAG_SPEC_ALLOW = 4
FLAG_NEW_LISTENER = 8


def load(program: bytes, flags: int = 0) -> int:
    """Install a BPF `program` (8-byte instructions) on this thread, for good.

    The fd of its listener with FLAG_NEW_LISTENER, else -1. Needs no_new_privs or CAP_SYS_ADMIN.
    Raises OSError.
    """
    code = ctypes.create_string_buffer(program, len(program))
    count = len(program) // 8
    header = struct.pack("=H6xQ", count, ctypes.addressof(code))
    made = libc.call("seccomp", _SET_MODE_FILTER, flags, header)
    return made if flags & FLAG_NEW_LISTENER else -1
