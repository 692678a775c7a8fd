"""What a seccomp program answers to a system call: its BPF, interpreted. Pure, for the daemon.

Source: linux/filter.h and seccomp(2); the instructions that libseccomp and our stub use.
"""

from __future__ import annotations

import struct

from orlop.kernel.libc import MACHINE
from orlop.kernel.namespace import (
    CLONE_CHILD_CLEARTID,
    CLONE_CHILD_SETTID,
    CLONE_PARENT,
    CLONE_PIDFD,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# AUDIT_ARCH_*; clone, sendmsg, exit_group
_LEAVING = {"x86_64": (0xC000003E, (56, 46, 231)), "aarch64": (0xC00000B7, (220, 211, 94))}

ALLOW = 0x7FFF0000
ERRNO = 0x00050000

_LD_ABS, _AND, _JA, _JEQ, _JGT, _JGE, _JSET, _RET = (
    0x20, 0x54, 0x05, 0x15, 0x25, 0x35, 0x45, 0x06,
)  # fmt: skip
_LD_IMM, _LDX_IMM, _ST, _STX, _LD_MEM, _LDX_MEM, _TAX, _TXA = (
    0x00, 0x01, 0x02, 0x03, 0x60, 0x61, 0x07, 0x87,
)  # fmt: skip


def verdict(program: bytes, arch: int, number: int, arguments: Sequence[int] = ()) -> int:
    """The SECCOMP_RET_* value. Raises ValueError for a program no kernel would load."""
    six = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("=iIQ6Q", number - (1 << 32) if number >> 31 else number, arch, 0, *six)
    code = list(struct.iter_unpack("=HBBI", program))
    accumulator = index = at = 0
    memory = [0] * 16
    while at < len(code):
        operation, yes, no, value = code[at]
        at += 1
        if operation == _RET:
            return int(value)
        if operation == _LD_ABS:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif operation == _AND:
            accumulator &= value
        elif operation == _JA:
            at += value
        elif operation in (_JEQ, _JGT, _JGE, _JSET):
            at += yes if _holds(operation, accumulator, value) else no
        elif operation == _LD_IMM:
            accumulator = value
        elif operation == _LDX_IMM:
            index = value
        elif operation == _ST:
            memory[value] = accumulator
        elif operation == _STX:
            memory[value] = index
        elif operation == _LD_MEM:
            accumulator = memory[value]
        elif operation == _LDX_MEM:
            index = memory[value]
        elif operation == _TAX:
            index = accumulator
        elif operation == _TXA:
            accumulator = index
        else:
            raise ValueError(f"instruction {operation:#x} is not expected in a seccomp program")
    raise ValueError("the program does not return")


def lets_fork(program: bytes) -> bool:
    """May a process under `program` make the sibling of an exec, tell of it and leave?"""
    arch, numbers = _LEAVING.get(MACHINE, (0, ()))
    clone = (CLONE_PARENT | CLONE_PIDFD | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,)
    return bool(numbers) and all(
        verdict(program, arch, number, clone if first else ()) == ALLOW
        for first, number in zip((True, False, False), numbers)
    )


def _holds(operation: int, accumulator: int, value: int) -> bool:
    if operation == _JEQ:
        return accumulator == value
    if operation == _JGT:
        return accumulator > value
    if operation == _JGE:
        return accumulator >= value
    return bool(accumulator & value)
