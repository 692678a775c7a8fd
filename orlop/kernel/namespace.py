"""Namespaces: clone3, unshare, setns.

`clone` forks this interpreter, so it is safe only in a process with one thread: it skips glibc's
fork handlers and repairs the two things the child needs itself, Python's fork state
(PyOS_AfterFork_Child) and the thread id that glibc caches (CLONE_CHILD_SETTID at its address).
"""

from __future__ import annotations

import ctypes
import os

from orlop.kernel import libc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CLONE_FS = 0x200
CLONE_NEWTIME = 0x80
CLONE_PIDFD = 0x1000
CLONE_PARENT = 0x8000
CLONE_NEWNS = 0x00020000
CLONE_CHILD_CLEARTID = 0x00200000
CLONE_CHILD_SETTID = 0x01000000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
CLONE_INTO_CGROUP = 0x200000000

_SIGCHLD = 17
_PR_GET_TID_ADDRESS = 40


class _CloneArguments(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in (
            "flags",
            "pidfd",
            "child_tid",
            "parent_tid",
            "exit_signal",
            "stack",
            "stack_size",
            "tls",
            "set_tid",
            "set_tid_size",
            "cgroup",
        )
    )


def clone(flags: int, *, cgroup_fd: int | None = None) -> tuple[int, int]:
    """clone3(2) as a fork with `flags`: (pid, pidfd) in the parent, (0, -1) in the child.

    With CLONE_PARENT the child becomes our sibling (and sends what our own death would send).
    """
    pidfd = ctypes.c_int(-1)
    address = _tid_address()
    arguments = _CloneArguments(flags=flags | CLONE_PIDFD)
    arguments.pidfd = ctypes.addressof(pidfd)
    arguments.exit_signal = 0 if flags & CLONE_PARENT else _SIGCHLD
    if address:
        arguments.flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID
        arguments.child_tid = address
    if cgroup_fd is not None:
        arguments.flags |= CLONE_INTO_CGROUP
        arguments.cgroup = cgroup_fd
    size = ctypes.sizeof(arguments)
    pid = _forking(lambda: libc.call_holding_gil("clone3", ctypes.byref(arguments), size))
    return (pid, pidfd.value) if pid else (0, -1)


def clone_sibling() -> tuple[int, int]:
    """Fork a child of our own parent with the old clone(2): (pid, pidfd), or (0, -1) in it.

    For use under a seccomp filter: Docker's profile answers ENOSYS to clone3 but lets this pass.
    """
    pidfd = ctypes.c_int(-1)
    address = _tid_address()
    flags = CLONE_PARENT | CLONE_PIDFD
    if address:
        flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID
    tids: tuple[object, object] = (address, 0)
    if libc.MACHINE == "aarch64":  # tls and child_tid are swapped there
        tids = (0, address)
    pid = _forking(
        lambda: libc.call_holding_gil("clone", flags, 0, ctypes.byref(pidfd), tids[0], tids[1])
    )
    return (pid, pidfd.value) if pid else (0, -1)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _forking(call: Callable[[], int]) -> int:
    api = ctypes.pythonapi
    api.PyOS_BeforeFork()
    try:
        pid = call()
    except OSError:
        api.PyOS_AfterFork_Parent()
        raise
    if pid == 0:
        api.PyOS_AfterFork_Child()
    else:
        api.PyOS_AfterFork_Parent()
    return pid


def _tid_address() -> int:
    """Where glibc caches our thread id; 0 where the kernel cannot tell."""
    address = ctypes.c_void_p()
    if libc.LIBC.prctl(_PR_GET_TID_ADDRESS, ctypes.byref(address), 0, 0, 0) < 0:
        return 0
    return address.value or 0


def unshare(flags: int) -> None:
    libc.call("unshare", flags)


def in_directory(path: object, action: Callable[[], None]) -> None:
    """Run `action` with `path` as working directory, on a thread that shares it with nobody."""
    from orlop.kernel.ownthread import on_own_thread  # threading: only the daemon has it

    def work() -> None:
        unshare(_CLONE_FS)
        os.chdir(str(path))
        action()

    on_own_thread(work)


def setns(fd: int, flags: int) -> None:
    """Join the namespace `fd` holds, or with a pidfd all namespaces in `flags` (5.8)."""
    libc.call("setns", fd, flags)


def in_user_namespace() -> bool:
    """Some IDs of the host have no name here: we are root of less than everything."""
    try:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            return file.read().split() != ["0", "0", "4294967295"]
    except OSError:
        return False


def sethostname(name: str) -> None:
    data = os.fsencode(name)
    libc.call("sethostname", data, len(data))


def setdomainname(name: str) -> None:
    data = os.fsencode(name)
    libc.call("setdomainname", data, len(data))
