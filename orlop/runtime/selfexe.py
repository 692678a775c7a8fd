"""Run from an interpreter that nothing inside a container could ever write (CVE-2019-5736).

Between clone3 and execve a container's first process *is* our Python, so `/proc/self/exe` in it
names the host's interpreter. The keeper therefore executes itself again from a detached, read-only
clone of that file: whoever reopens it through /proc gets EROFS, root or not.
"""

from __future__ import annotations

import os
import sys

from orlop.kernel import mount, process

_ST_RDONLY = 1
_AT_FDCWD = -100


def is_protected() -> bool:
    """Is the file we run from on a read-only mount?"""
    fd = os.open("/proc/self/exe", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return bool(os.fstatvfs(fd).f_flag & _ST_RDONLY)
    finally:
        os.close(fd)


def protect(argv: list[str]) -> None:
    """Execute `argv` (its first word a path) from the protected interpreter; returns if it is
    protected already, or where the kernel or our rights do not allow it.
    """
    try:
        if is_protected():
            return
        fd = mount.open_tree(_AT_FDCWD, os.path.realpath(argv[0]))
        mount.mount_setattr(fd, set=mount.ATTR_RDONLY)
        os.set_inheritable(fd, False)
        process.execveat(fd, argv, dict(os.environ))
    except OSError as error:
        # without CAP_SYS_ADMIN (rootless) the interpreter is not ours to write anyway
        sys.stderr.write(f"orlop: interpreter not protected: {error}\n")
