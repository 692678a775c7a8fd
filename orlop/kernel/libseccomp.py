"""libseccomp.so.2 through ctypes: rules in, a BPF program out. For the daemon, never the keeper.

Source: seccomp.h of libseccomp 2.5.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import lru_cache

from orlop.errors import SystemFailure

ARCHES = {
    "SCMP_ARCH_X86": 0x40000003,
    "SCMP_ARCH_X86_64": 0xC000003E,
    "SCMP_ARCH_X32": 0x4000003E,
    "SCMP_ARCH_ARM": 0x40000028,
    "SCMP_ARCH_AARCH64": 0xC00000B7,
}
OPERATORS = {
    "SCMP_CMP_NE": 1,
    "SCMP_CMP_LT": 2,
    "SCMP_CMP_LE": 3,
    "SCMP_CMP_EQ": 4,
    "SCMP_CMP_GE": 5,
    "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}
ACTIONS = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_NOTIFY": 0x7FC00000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
ERROR = -1  # __NR_SCMP_ERROR: no such system call
_CTL_OPTIMIZE = 8
_CTL_NNP = 3

Argument = tuple[int, int, int, int]  # index, operator, value, second value


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def action(name: str, errno: int | None) -> int:
    """SCMP_ACT_* by its name in profiles. Raises KeyError."""
    if name == "SCMP_ACT_ERRNO":
        return 0x00050000 | ((1 if errno is None else errno) & 0xFFFF)
    if name == "SCMP_ACT_TRACE":
        return 0x7FF00000 | ((errno or 0) & 0xFFFF)
    return ACTIONS[name]


_loaded: ctypes.CDLL | None = None


def library() -> ctypes.CDLL:
    """Raises SystemFailure that says which package is missing."""
    global _loaded
    if _loaded is None:
        try:
            lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        except OSError as e:
            raise SystemFailure(
                "libseccomp.so.2 is missing: install the package libseccomp2, "
                "or run with --security-opt seccomp=unconfined"
            ) from e
        lib.seccomp_init.restype = ctypes.c_void_p
        lib.seccomp_init.argtypes = [ctypes.c_uint32]
        lib.seccomp_release.argtypes = [ctypes.c_void_p]
        lib.seccomp_arch_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        lib.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
        lib.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
        lib.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
        lib.seccomp_syscall_resolve_name_arch.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
        lib.seccomp_syscall_resolve_num_arch.argtypes = [ctypes.c_uint32, ctypes.c_int]
        lib.seccomp_syscall_resolve_num_arch.restype = ctypes.c_void_p
        lib.seccomp_rule_add_array.argtypes = [
            ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p,
        ]  # fmt: skip
        _loaded = lib
    return _loaded


class _Version(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint), ("minor", ctypes.c_uint), ("micro", ctypes.c_uint),
    )  # fmt: skip


@lru_cache(maxsize=1)
def version() -> str:
    """Asked for at every start: ctypes keeps each pointer type it makes for ever."""
    lib = library()
    lib.seccomp_version.restype = ctypes.POINTER(_Version)
    found = lib.seccomp_version().contents
    return f"{found.major}.{found.minor}.{found.micro}"


def number(name: str) -> int:
    """The native number, a negative pseudo number, or ERROR."""
    return int(library().seccomp_syscall_resolve_name(name.encode()))


def number_on(arch: int, name: str) -> int:
    return int(library().seccomp_syscall_resolve_name_arch(arch, name.encode()))


def newest_known(arch: int, limit: int = 1024) -> int:
    """The largest number the library has a name for."""
    lib = library()
    libc = ctypes.CDLL(None)
    libc.free.argtypes = [ctypes.c_void_p]
    newest = 0
    base = 0x40000000 if arch == ARCHES["SCMP_ARCH_X32"] else 0
    for candidate in range(limit):
        name = lib.seccomp_syscall_resolve_num_arch(arch, base + candidate)
        if name:
            libc.free(name)
            newest = candidate
    return newest


class Filter:
    """A filter under construction. Use as a context manager."""

    def __init__(self, default: int, arches: Sequence[int]) -> None:
        self._lib = library()
        self._context = self._lib.seccomp_init(default)
        if not self._context:
            raise SystemFailure("seccomp_init failed")
        for arch in arches:
            code = self._lib.seccomp_arch_add(self._context, arch)
            if code not in (0, -17):  # EEXIST: the native one
                self.close()
                raise OSError(-code, os.strerror(-code), "seccomp_arch_add")
        self._lib.seccomp_attr_set(self._context, _CTL_OPTIMIZE, 2)  # binary tree
        self._lib.seccomp_attr_set(self._context, _CTL_NNP, 0)

    def __enter__(self) -> Filter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._context:
            self._lib.seccomp_release(self._context)
            self._context = None

    def add(self, action: int, number: int, arguments: Sequence[Argument] = ()) -> None:
        comparisons = (_Comparison * max(1, len(arguments)))(
            *(_Comparison(*argument) for argument in arguments)
        )
        code = self._lib.seccomp_rule_add_array(
            self._context, action, number, len(arguments), comparisons
        )
        # EDOM: a system call that this architecture lacks; EACCES: the default action anyway
        if code not in (0, -33, -13):
            raise OSError(-code, os.strerror(-code), f"seccomp rule for {number}")

    def export(self) -> bytes:
        fd = os.memfd_create("seccomp", os.MFD_CLOEXEC)
        try:
            code = self._lib.seccomp_export_bpf(self._context, fd)
            if code:
                raise OSError(-code, os.strerror(-code), "seccomp_export_bpf")
            size = os.lseek(fd, 0, os.SEEK_END)
            return os.pread(fd, size, 0)
        finally:
            os.close(fd)
