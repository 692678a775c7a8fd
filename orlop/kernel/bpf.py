"""eBPF device filters on cgroup v2 (BPF_PROG_TYPE_CGROUP_DEVICE; v2 has no devices controller)."""

from __future__ import annotations

import ctypes
import os
import struct

from orlop.kernel import libc

_PROG_LOAD = 5
_PROG_ATTACH = 8
_PROG_TYPE_CGROUP_DEVICE = 15
_ATTACH_CGROUP_DEVICE = 6
_F_ALLOW_MULTI = 2
_LICENSE = b"Apache-2.0\0"


def load_device_program(instructions: bytes) -> int:
    """Load the program (8-byte eBPF instructions); its fd. Raises OSError."""
    code = ctypes.create_string_buffer(instructions, len(instructions))
    license_text = ctypes.create_string_buffer(_LICENSE)
    attributes = struct.pack(
        "=IIQQIIQII",
        _PROG_TYPE_CGROUP_DEVICE,
        len(instructions) // 8,
        ctypes.addressof(code),
        ctypes.addressof(license_text),
        0,  # log_level
        0,
        0,
        0,  # kern_version
        0,  # prog_flags
    )
    fd = libc.call("bpf", _PROG_LOAD, attributes, len(attributes))
    os.set_inheritable(fd, False)
    return fd


def attach_device_filter(cgroup_fd: int, instructions: bytes) -> None:
    """Let the program decide on every open and mknod of a device below the cgroup."""
    program = load_device_program(instructions)
    try:
        attributes = struct.pack(
            "=IIIII", cgroup_fd, program, _ATTACH_CGROUP_DEVICE, _F_ALLOW_MULTI, 0
        )
        libc.call("bpf", _PROG_ATTACH, attributes, len(attributes))
    finally:
        os.close(program)
