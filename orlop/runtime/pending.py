"""A container (or exec) between clone3 and execve, as its keeper sees it."""

from __future__ import annotations

import _socket
import os

from orlop.kernel import pidfd as pidfds
from orlop.runtime import sync

WAITING = "waiting"
RUNNING = "running"
FAILED = "failed"

_SIGKILL = 9

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Pending:
    """What `launch.begin` and `exec.begin` return.

    `pid`, `pidfd`: the process. For an exec they are valid once `receive` says "running"; before
    that they name the helper that joins the namespaces. `error_fd`: poll it for reading and call
    `receive` each time. `release_fd` is the same socket: never close either, call `close`.
    `master`: the pty's master once it came (take it: set None). `failure`: (stage, errno, path,
    message). `notes`: what was tolerated, e.g. a clamped rlimit.
    """

    __slots__ = (
        "_adopt", "_relay", "_socket", "error_fd", "failure", "listener",
        "master", "notes", "pid", "pidfd",
    )  # fmt: skip

    def __init__(
        self,
        sock: _socket.socket,
        pid: int,
        pidfd: int,
        adopt: Callable[[int], None] | None = None,
    ) -> None:
        self._adopt = adopt  # what a process that a helper made needs from us
        self._socket = sock
        self._relay = -1
        self.error_fd = sock.fileno()
        self.pid = pid
        self.pidfd = pidfd
        self.master: int | None = None
        self.listener: int | None = None
        self.failure: sync.Frame | None = None
        self.notes: list[str] = []

    @property
    def release_fd(self) -> int:
        return self.error_fd

    @property
    def born(self) -> bool:
        """`pid` is the container's: not yet while a helper joins namespaces for it."""
        return self._adopt is None or self._relay >= 0

    def release(self) -> None:
        """The network is ready: let the child go on. Raises OSError when it is gone."""
        self._socket.send(sync.GO)

    def answer(self, data: bytes) -> None:
        """After "hooks": let the child go on to its own, with the states for them."""
        self._socket.send(data)

    def receive(self) -> str:
        """Take what the child sent: "waiting", "running" (execve happened), "failed".

        From a plan of orlop-runtime also "hooks" and "created".
        """
        while True:
            try:
                frame, fd = sync.receive(self._socket)
            except BlockingIOError:
                return WAITING
            except ConnectionResetError:
                continue  # it left before it read our word; what it sent comes with the next call
            if frame is None:
                return FAILED if self.failure else RUNNING
            stage, number, _, message = frame
            if stage == sync.NOTE:
                self.notes.append(message)
            elif stage == sync.TERMINAL and fd is not None:
                self.master = fd
            elif stage == sync.PROCESS and fd is not None:
                self._relay, self.pid, self.pidfd = self.pidfd, number, fd
                if self._adopt is not None:
                    self._adopt(number)
            elif stage in (sync.HOOKS, sync.CREATED):
                return stage
            elif stage == sync.LISTENER and fd is not None:
                self.listener = fd
            else:
                self.failure = frame
                return FAILED

    def kill(self) -> None:
        """SIGKILL to what was begun; its death shows on `pidfd`."""
        for fd in (self._relay, self.pidfd):
            if fd >= 0:
                try:
                    pidfds.send_signal(fd, _SIGKILL)
                except ProcessLookupError:
                    pass

    def close(self) -> None:
        """Close the socket (before release: the child leaves) and reap an exec's helper.

        `pidfd` and a `master` that came stay open: they are the caller's.
        """
        if self.error_fd >= 0:
            self._socket.close()
            self.error_fd = -1
        if self._relay >= 0:
            pidfds.wait(self._relay, block=True)  # it left right after it sent the process
            os.close(self._relay)
            self._relay = -1
