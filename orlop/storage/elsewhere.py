"""New files of a layer, made in another part of the disk when they become dear where they belong.

ext4 without a journal passes by inodes that were freed within the last minutes, one by one: among
those of a removed layer a file takes up to 700 µs of processor time to make instead of 15. A file
lies where the directory is that it was made in, and stays there when it is renamed: so it is made
in a directory of its own, which is far away (kernel/spread.py), and moved to its place. Only in a
tree that nobody else sees yet. Source: Linux, fs/ext4/ialloc.c, recently_deleted().
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from time import thread_time_ns

from orlop.kernel.spread import mkdir_apart

_DEAR = 80_000  # ns of processor time for a file
_SAMPLE = 16  # files
_MOST = 16  # places to try
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
_NEW = b"new"
HANDED_ON = "system.posix_acl_default"


class Elsewhere:
    """`root`: the top of the tree, open; it stays the caller's."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._hub = -1
        self._hubs: list[bytes] = []
        self._spent = 0  # ns, by the last `_count` files
        self._count = 0
        self._tired = False

    def make(self, directory: int, name: bytes, make: Callable[[int, bytes], int]) -> int:
        """What `make(directory, name)` returns, after it made `name`. Raises its OSError."""
        if self._count == _SAMPLE:
            if self._spent > _SAMPLE * _DEAR and not self._tired:
                self._go()
            self._spent = self._count = 0
        begin = thread_time_ns()
        if self._hub < 0:
            made = make(directory, name)
        else:
            made = self._move(directory, name, make)
        self._spent += thread_time_ns() - begin
        self._count += 1
        return made

    def _move(self, directory: int, name: bytes, make: Callable[[int, bytes], int]) -> int:
        if _there(directory, name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fsdecode(name))
        made = make(self._hub, _NEW)
        try:
            os.rename(_NEW, name, src_dir_fd=self._hub, dst_dir_fd=directory)
        except BaseException:
            if made >= 0:
                os.close(made)
            raise
        return made

    def _go(self) -> None:
        self._tired = len(self._hubs) == _MOST
        if self._tired:
            return
        name = b".orlop-" + os.urandom(16).hex().encode()
        status = os.fstat(self._root)
        if not mkdir_apart(self._root, name):
            self._tired = True
            return
        self._hubs.append(name)
        os.utime(self._root, ns=(status.st_atime_ns, status.st_mtime_ns))
        self._leave()
        self._hub = os.open(name, _DIRECTORY, dir_fd=self._root)
        if has_default_acl(self._hub):
            self.stop()
        else:
            os.fchmod(self._hub, 0o700)  # the top may have handed on its group

    def stop(self) -> None:
        """From now on only in place: what a directory hands on to new files must reach them."""
        self._leave()
        self._tired = True

    def _leave(self) -> None:
        if self._hub >= 0:
            os.close(self._hub)
            self._hub = -1

    def close(self) -> None:
        self._leave()
        status = os.fstat(self._root)
        for name in self._hubs:
            os.rmdir(name, dir_fd=self._root)
        os.utime(self._root, ns=(status.st_atime_ns, status.st_mtime_ns))


def has_default_acl(directory: int) -> bool:
    """Access for others that it hands on to what is made in it; `directory` is open to read."""
    try:
        return HANDED_ON in os.listxattr(directory)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        return False  # FUSE without attributes has no ACL either


def _there(directory: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
