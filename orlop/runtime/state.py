"""What the steps of one launch share."""

from __future__ import annotations

import _socket
import os

from orlop.kernel import mount


class Setup:
    """State of a container being set up; every fd in it is close-on-exec."""

    __slots__ = (
        "empty", "gate", "joins", "null", "owners", "pid", "preserved", "proc", "root", "socket",
        "sources", "states", "terminals",
    )  # fmt: skip

    def __init__(self, sock: _socket.socket, joins: dict[str, int]) -> None:
        self.socket = sock
        self.joins = joins  # container id -> pidfd, for "container:ID" namespaces
        self.sources: dict[int, int] = {}  # detached clones of bind sources, 0 the rootfs
        self.owners: dict[object, int] = {}  # mappings -> a user namespace that has them
        self.root = -1  # O_PATH of the rootfs, once attached
        self.null = -1  # a verified /dev/null, char 1:3
        self.empty = -1  # one read-only tmpfs, cloned over each masked directory
        self.terminals = -1  # O_PATH of the container's devpts
        self.proc = -1  # the host's procfs, verified
        self.pid = 0  # whom cgroup steps attach: 0 is the caller itself
        self.gate = -1  # a FIFO whose first byte lets the program be executed; -1: the socket does
        self.states = b""  # the state for hooks at the gate
        self.preserved: list[int] = []  # fds of the caller's that the program is to get

    def fds(self) -> list[int]:
        """What must survive the closing of everything else."""
        gate = [self.gate] if self.gate >= 0 else []
        own = [self.socket.fileno(), *gate, *self.joins.values(), *self.sources.values()]
        return own + self.preserved

    def host_proc(self) -> int:
        """O_PATH of /proc, checked to be a procfs: nothing else is ever written through it."""
        if self.proc < 0:
            fd = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            if mount.filesystem_magic(fd) != mount.PROC_MAGIC:
                raise OSError(22, "not a procfs", "/proc")
            self.proc = fd
        return self.proc
