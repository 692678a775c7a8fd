"""User namespaces made only to carry ID mappings, and the mappings of a child."""

from __future__ import annotations

import os

from orlop.kernel import namespace
from orlop.kernel import pidfd as pidfds

Ranges = list[tuple[int, int, int]]  # (inside, outside, count)


def user_namespace(uids: Ranges, gids: Ranges) -> int:
    """The fd of a new user namespace with these mappings; nothing lives in it."""
    reader, writer = os.pipe()
    pid, pidfd = namespace.clone(namespace.CLONE_NEWUSER)
    if pid == 0:
        os.close(writer)
        os.read(reader, 1)  # until our parent has what it wants
        os._exit(0)
    try:
        os.close(reader)
        seen = pidfds.process_id(pidfd)  # as /proc counts: we may be in another PID namespace
        write_mappings(seen, uids, gids)
        return os.open(f"/proc/{seen}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(writer)
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
        os.close(pidfd)


def write_mappings(pid: int, uids: Ranges, gids: Ranges) -> None:
    """Fill uid_map and gid_map of the child `pid`, once; needs the rights over the outer ids."""
    if os.geteuid() != 0:
        _write(f"/proc/{pid}/setgroups", "deny")
    for name, ranges in (("gid_map", gids), ("uid_map", uids)):
        _write(f"/proc/{pid}/{name}", "".join(f"{a} {b} {n}\n" for a, b, n in ranges))


def _write(path: str, text: str) -> None:
    if not text:
        return
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.close(fd)
