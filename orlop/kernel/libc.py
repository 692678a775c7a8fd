"""libc and raw system calls through ctypes, with errno turned into OSError.

`call` releases the GIL (CDLL); `call_holding_gil` keeps it (PyDLL), which clone3 needs: the child
must come back into an interpreter whose lock it owns.
"""

from __future__ import annotations

import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)
_PYLIBC = ctypes.PyDLL(None, use_errno=True)
for _lib in (LIBC, _PYLIBC):
    _lib.syscall.restype = ctypes.c_long

MACHINE = os.uname().machine

# System call numbers, the one table: (x86_64, aarch64). From 424 on they are the same everywhere.
_NUMBERS: dict[str, tuple[int, int]] = {
    "rt_sigaction": (13, 134),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "unshare": (272, 97),
    "setns": (308, 268),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "capget": (125, 90),
    "capset": (126, 91),
    "keyctl": (250, 219),
    "syncfs": (306, 267),
    "fallocate": (285, 47),
    "seccomp": (317, 277),
    "bpf": (321, 280),
    "clone": (56, 220),
    "execveat": (322, 281),
    "gettid": (186, 178),
    "personality": (135, 92),
    "ioprio_set": (251, 30),
    "sched_setattr": (314, 274),
    "set_mempolicy": (238, 237),
    "prlimit64": (302, 261),
    "pidfd_send_signal": (424, 424),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "pidfd_open": (434, 434),
    "clone3": (435, 435),
    "close_range": (436, 436),
    "openat2": (437, 437),
    "pidfd_getfd": (438, 438),
    "mount_setattr": (442, 442),
}
_COLUMN = {"x86_64": 0, "aarch64": 1}.get(MACHINE)


def number(name: str) -> int:
    """The system call number of `name` on this machine. Raises OSError on unknown machines."""
    if _COLUMN is None:
        raise OSError(38, f"system call table: unknown machine {MACHINE}")
    return _NUMBERS[name][_COLUMN]


def _finish(result: int, path: object) -> int:
    if result < 0:
        code = ctypes.get_errno()
        if path is None:
            raise OSError(code, os.strerror(code))
        raise OSError(code, os.strerror(code), path)
    return result


def call(name: str, *args: object, path: object = None) -> int:
    """System call `name`; `path` only labels the OSError. Integers are passed as 64-bit."""
    return _finish(LIBC.syscall(number(name), *(_word(a) for a in args)), path)


def call_holding_gil(name: str, *args: object) -> int:
    return _finish(_PYLIBC.syscall(number(name), *(_word(a) for a in args)), None)


def _word(value: object) -> object:
    # ctypes passes a bare int as 32-bit; system calls take full registers.
    return ctypes.c_long(value) if isinstance(value, int) else value


def finish(result: int, path: object = None) -> int:
    """Turn the -1/errno result of a libc function into OSError."""
    return _finish(result, path)
