"""Run from an interpreter that no container can write, at the cost of one look.

`selfexe` executes us again from a read-only clone, which costs a start of Python. So the first call
after a boot leaves such a clone mounted below /run, from where the launcher starts the next ones.
"""

from __future__ import annotations

import os
import sys

DIRECTORY = "/run/orlop-runtime.python"


def protect(script: str) -> None:
    """Returns when the file we run from is on a read-only mount, or nothing can be done.

    The launcher tells where the interpreter really is with -X orlop=PATH.
    """
    told = sys._xoptions.get("orlop")
    real = os.path.realpath(told if isinstance(told, str) else sys.executable)
    if _is_protected() and (told is None or os.path.samefile("/proc/self/exe", real)):
        return
    if os.geteuid() == 0:
        from orlop.runtime import selfexe

        if told is not None:
            keep_clone(real)
        selfexe.protect([real, "-I", "-S", script, *sys.argv[1:]])


def _is_protected() -> bool:
    return bool(os.statvfs("/proc/self/exe").f_flag & os.ST_RDONLY)


def keep_clone(real: str) -> None:
    """Mount the interpreter read-only at DIRECTORY/python for the launcher. Never fails."""
    from orlop.kernel import mount

    place = f"{DIRECTORY}/python"
    try:
        os.makedirs(DIRECTORY, 0o700, exist_ok=True)
        found = os.stat(DIRECTORY)
        if found.st_uid != 0 or found.st_mode & 0o022:
            return
        if not os.path.lexists(place):
            # Nothing that can be executed: the launcher must not take it for the clone.
            os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        elif os.statvfs(place).f_flag & os.ST_RDONLY:
            mount.umount(place, mount.MNT_DETACH)  # of another version of Python
        made = mount.open_tree(-100, real)
        mount.mount_setattr(made, set=mount.ATTR_RDONLY, propagation=mount.MS_PRIVATE)
        target = os.open(place, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        mount.move_mount(made, target)
        os.close(target)
        os.close(made)
    except OSError:
        pass  # then each call executes itself anew
