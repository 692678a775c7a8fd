"""The first instructions of a seccomp program: system calls that libseccomp does not know. Pure.

A number newer than both profile and library answers ENOSYS, so that programs fall back as glibc
does; one that is known and not allowed answers the profile's default (runc's rule). One that the
profile allows by name but the library is too old for is allowed here.
"""

from __future__ import annotations

import struct

from orlop.kernel import libseccomp
from orlop.runtime.verdict import ALLOW, ERRNO

# linux/bpf_common.h: classes; offsets in struct seccomp_data
_LD_ABS, _JA, _JEQ, _JGT, _JGE, _RET = 0x20, 0x05, 0x15, 0x25, 0x35, 0x06
_NR, _ARCH = 0, 4
ENOSYS = ERRNO | 38

X32_BIT = 0x40000000
_X64 = libseccomp.ARCHES["SCMP_ARCH_X86_64"]
_X32 = libseccomp.ARCHES["SCMP_ARCH_X32"]

# Since 424 a new system call has the same number everywhere (asm-generic/unistd.h).
_UNIFIED = {
    "statmount": 457,
    "listmount": 458,
    "lsm_get_self_attr": 459,
    "lsm_set_self_attr": 460,
    "lsm_list_modules": 461,
    "mseal": 462,
    "setxattrat": 463,
    "getxattrat": 464,
    "listxattrat": 465,
    "removexattrat": 466,
    "open_tree_attr": 467,
    "file_getattr": 468,
    "file_setattr": 469,
    "listns": 470,
}
_X64_ONLY = {"uretprobe": 335}


def number_on(arch: int, name: str) -> int:
    """The number without the x32 bit, from the library or our table; negative for none."""
    number = libseccomp.number_on(arch, name)
    if number >= 0:
        return number & ~X32_BIT
    if number == libseccomp.ERROR:
        extra = _X64_ONLY.get(name, -1) if arch == _X64 else -1
        return _UNIFIED.get(name, extra)
    return number


def stub(arches: list[int], names: set[str], allowed: set[str]) -> bytes:
    """`names`: all that the profile mentions; `allowed`: those it allows and the library lacks."""
    code = [_op(_LD_ABS, _ARCH)]
    for arch in arches:
        if arch == _X32:
            continue  # the kernel reports x86-64; a bit in the number tells them apart
        tests = _native(arch, names, allowed)
        if arch == _X64:
            x32 = _X32 if _X32 in arches else arch
            foreign = [*_native(x32, names, allowed, X32_BIT), _op(_JA, len(tests))]
            tests = [_op(_JGE, X32_BIT, 0, len(foreign)), *foreign, *tests]
        block = [_op(_LD_ABS, _NR), *tests, _op(_LD_ABS, _ARCH)]
        code += [_op(_JEQ, arch, 0, len(block)), *block]
    return b"".join(code)


def _native(arch: int, names: set[str], allowed: set[str], bit: int = 0) -> list[bytes]:
    """Tests of the number in the accumulator; what they do not decide falls through."""
    newest = max(libseccomp.newest_known(arch), *(number_on(arch, name) for name in names), 0)
    code: list[bytes] = []
    for number in sorted({number_on(arch, name) for name in allowed}):
        if number >= 0:
            code += [_op(_JEQ, bit + number, 0, 1), _op(_RET, ALLOW)]
    return [*code, _op(_JGT, bit + newest, 0, 1), _op(_RET, ENOSYS)]


def _op(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)
