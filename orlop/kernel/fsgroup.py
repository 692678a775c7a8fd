"""setfsgid(2): the group that files get which this thread makes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orlop.kernel.libc import LIBC


@contextmanager
def file_group(gid: int) -> Iterator[None]:
    """Per thread, unlike setegid(3), which glibc applies to all. Without the right, no effect."""
    old = LIBC.setfsgid(gid)  # returns the earlier one, never an error
    try:
        yield
    finally:
        LIBC.setfsgid(old)
