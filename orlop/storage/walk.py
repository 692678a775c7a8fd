"""What lies below a directory, on descriptors and without recursion."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 1000  # levels, a descriptor each; who nests deeper hides from the sizes, nothing else

Entered = Callable[[os.stat_result], bool]


def walk(fd: int, enter: Entered) -> Iterator[os.stat_result]:
    """Of every entry below `fd`, which stays the caller's; into directories that `enter` takes.

    What goes meanwhile is left out.
    """
    stack = [(fd, os.listdir(fd))]
    try:
        while stack:
            at, names = stack[-1]
            if not names:
                stack.pop()
                if stack:
                    os.close(at)
                continue
            name = names.pop()
            try:
                status = os.stat(name, dir_fd=at, follow_symlinks=False)
                yield status
                if stat.S_ISDIR(status.st_mode) and len(stack) < _DEEPEST and enter(status):
                    below = os.open(name, _DIRECTORY, dir_fd=at)
                    stack.append((below, []))
                    stack[-1] = (below, os.listdir(below))
            except (FileNotFoundError, NotADirectoryError):
                continue
    finally:
        for below, _ in stack[1:]:
            os.close(below)
