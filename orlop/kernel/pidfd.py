"""Processes held by file descriptor: no signal to a foreign process after a pid was reused."""

from __future__ import annotations

import fcntl
import os
import select
import struct

from orlop.kernel import libc

_GET_INFO = (3 << 30) | (64 << 16) | (0xFF << 8) | 11  # _IOWR(0xFF, 11, 64 bytes), kernel 6.13
_INFO_EXIT = 1 << 3  # kernel 6.15


def pidfd_open(pid: int) -> int:
    return os.pidfd_open(pid)


def send_signal(pidfd: int, signo: int) -> None:
    """Signal the process. Raises ProcessLookupError when it is gone."""
    libc.call("pidfd_send_signal", pidfd, signo, None, 0)


def has_ended(pidfd: int) -> bool:
    """Also a zombie that nobody reaps. Not select(2), which takes no descriptor above 1023."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def wait(pidfd: int, *, block: bool = False) -> int | None:
    """Reap our child: its raw wait status, None while it lives. Raises ChildProcessError."""
    found = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | (0 if block else os.WNOHANG))
    if found is None:
        return None
    if found.si_code == os.CLD_EXITED:
        return found.si_status << 8
    return found.si_status | (0x80 if found.si_code == os.CLD_DUMPED else 0)


def exit_status(pidfd: int) -> int | None:
    """Raw wait status of a process that is not our child, once it is reaped (kernel 6.15).

    None while it runs or is not yet reaped. Raises OSError (ENOTTY, EINVAL) on older kernels,
    ProcessLookupError when it was reaped with no one keeping the information.
    """
    request = bytearray(struct.pack("=Q", _INFO_EXIT).ljust(64, b"\0"))
    fcntl.ioctl(pidfd, _GET_INFO, request)
    (mask,) = struct.unpack_from("=Q", request, 0)
    if not mask & _INFO_EXIT:
        return None
    (status,) = struct.unpack_from("=i", request, 60)
    return int(status)


def process_id(pidfd: int) -> int:
    """The pid behind a pidfd in our pid namespace; -1 once it was reaped."""
    with open(f"/proc/self/fdinfo/{pidfd}", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("Pid:"):
                return int(line[4:])
    return -1
