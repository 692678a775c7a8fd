"""Wait for the kernel's lock on control groups while the interpreter still loads its modules.

Whoever writes to `cgroup.procs` first waits for an RCU grace period (10 to 20 ms, of which the
processor has nothing); who comes shortly behind another does not wait again
(kernel/rcu/sync.c, cgroup_attach_lock). So a thread moves us to where we already are, which
changes nothing, and the container's process later enters its groups without a wait.
"""

from __future__ import annotations

import _thread
import os

_ONE_THREAD = 3  # links of /proc/self/task: ".", its name, a thread


class HeadStart:
    """Begins at once. `join` must come before any fork: until then there are two threads."""

    __slots__ = ("_done",)

    def __init__(self) -> None:
        self._done: _thread.LockType | None = None
        fd = _own_group()
        if fd < 0:
            return
        begun, done = _thread.allocate_lock(), _thread.allocate_lock()
        begun.acquire()
        done.acquire()
        try:
            _thread.start_new_thread(_move, (fd, begun, done))
        except RuntimeError:  # no thread to be had: then the container waits
            os.close(fd)
            return
        begun.acquire()
        self._done = done

    def join(self) -> None:
        """Wait until the thread is gone, not only its work: a fork copies the locks it holds."""
        if self._done is not None:
            self._done.acquire()
            self._done = None
            while os.stat("/proc/self/task").st_nlink > _ONE_THREAD:
                os.sched_yield()


def _move(fd: int, begun: _thread.LockType, done: _thread.LockType) -> None:
    begun.release()
    try:
        os.write(fd, b"0")
    except OSError:
        pass  # only the time was wanted
    os.close(fd)
    done.release()


def _own_group(table: str = "/proc/self/cgroup", top: str = "/sys/fs/cgroup") -> int:
    """`cgroup.procs` of a group that we are in, open to write; -1 where none is found."""
    try:
        with open(table, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return -1
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if ".." in path:
            continue  # outside of our control group namespace
        names = [controllers.removeprefix("name=")] if controllers else ["unified", "."]
        for name in names:
            try:
                return os.open(
                    f"{top}/{name}{path.rstrip('/')}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC
                )
            except OSError:
                continue
    return -1
