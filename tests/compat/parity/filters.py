"""What the seccomp filter of a container's process answers, number by number, in the three ABIs.

The program is read out of the kernel (PTRACE_SECCOMP_GET_FILTER), so it is the one that holds.
"""

from __future__ import annotations

import ctypes
import os

from orlop.runtime.verdict import verdict
from parity.scenes import IMAGE, Docker

_ATTACH, _DETACH, _GET_FILTER = 16, 17, 0x420C
_ABIS = {"x86_64": (0xC000003E, 0), "x32": (0xC000003E, 0x40000000), "i386": (0x40000003, 0)}
NUMBERS = 1024
# (number on x86_64, arguments): calls whose answer depends on what they are given
_ARGUED = {
    "clone newuser": (56, (0x10000000,)),
    "clone plain": (56, (0x11,)),
    "unshare newuser": (272, (0x10000000,)),
    "socket inet": (41, (2, 1, 0)),
    "socket alg": (41, (38, 5, 0)),
    "socket vsock": (41, (40, 1, 0)),
    "socket netlink": (41, (16, 3, 0)),
    "personality 0": (135, (0,)),
    "personality 8": (135, (8,)),
    "personality 20000": (135, (0x20000,)),
    "personality 4": (135, (4,)),
    "personality ask": (135, (0xFFFFFFFF,)),
    "ioctl tiocsti": (16, (0, 0x5412)),
}
# name: flags of run, flags of exec (None: the first process)
SCENES: dict[str, tuple[str, str | None]] = {
    "default": ("", None),
    "user": ("-u 1000", None),
    "cap-add-admin": ("--cap-add SYS_ADMIN", None),
    "cap-add-more": ("--cap-add SYS_PTRACE --cap-add SYS_TIME --cap-add BPF", None),
    "cap-add-all": ("--cap-add ALL", None),
    "cap-drop-all": ("--cap-drop ALL", None),
    "privileged": ("--privileged", None),
    "unconfined": ("--security-opt seccomp=unconfined", None),
    "no-new-privileges": ("--security-opt no-new-privileges", None),
    "exec": ("", ""),
    "exec-privileged": ("", "--privileged"),
}


def program(pid: int) -> bytes:
    """The BPF of a process's newest filter; b"" without one. Raises OSError."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    ptrace.restype = ctypes.c_long
    if ptrace(_ATTACH, pid, None, None):
        raise OSError(ctypes.get_errno(), f"ptrace {pid}")
    try:
        os.waitpid(pid, 0x40000000)  # __WALL
        count = ptrace(_GET_FILTER, pid, 0, None)
        if count < 0:
            return b""
        buffer = ctypes.create_string_buffer(count * 8)
        ptrace(_GET_FILTER, pid, 0, buffer)
        return buffer.raw
    finally:
        ptrace(_DETACH, pid, None, None)


def answers(code: bytes) -> dict[str, list[str]]:
    """{ABI: ["first-last answer", …]}, and the argued calls."""
    if not code:
        return {"filter": ["none"]}
    out = {}
    for name, (arch, bit) in _ABIS.items():
        runs: list[list[int]] = []
        for number in range(NUMBERS):
            found = verdict(code, arch, number | bit)
            if runs and runs[-1][2] == found:
                runs[-1][1] = number
            else:
                runs.append([number, number, found])
        out[name] = [f"{first}-{last} {found:08x}" for first, last, found in runs]
    out["argued"] = [
        f"{name}: {verdict(code, _ABIS['x86_64'][0], number, words):08x}"
        for name, (number, words) in _ARGUED.items()
    ]
    return out


def filters_of(docker: Docker) -> dict[str, dict[str, list[str]]]:
    out = {}
    for name, (flags, inner) in SCENES.items():
        id = docker("run", "-d", "--network", "none", *flags.split(), IMAGE, "sleep", "300").strip()
        try:
            pid = int(docker("inspect", "-f", "{{.State.Pid}}", id))
            if inner is not None:
                docker("exec", "-d", *inner.split(), id, "sleep", "299")
                pid = _exec_pid(docker, id)
            out[name] = answers(program(pid))
        finally:
            docker("rm", "-f", id)
    return out


def _exec_pid(docker: Docker, id: str) -> int:
    for _ in range(1000):
        for line in docker("top", id, "-eo", "pid,args").splitlines()[1:]:
            pid, _, command = line.strip().partition(" ")
            if command.strip() == "sleep 299":
                return int(pid)
    raise AssertionError("the exec does not show")
