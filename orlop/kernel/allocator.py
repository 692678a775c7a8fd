"""glibc's allocator: keep freed memory for the next block, or give it back (man 3 mallopt)."""

from __future__ import annotations

from orlop.kernel import libc

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


def keep(size: int) -> None:
    """Up to `size` bytes stay ours when freed.

    Blocks of 64 KiB and more that come and go cost a page fault for each page else: as much again
    as what is done with them. Does nothing with another C library.
    """
    if hasattr(libc.LIBC, "mallopt"):
        libc.LIBC.mallopt(_M_TRIM_THRESHOLD, size)
        libc.LIBC.mallopt(_M_MMAP_THRESHOLD, size)


def trim() -> None:
    """Give what is kept back to the kernel."""
    if hasattr(libc.LIBC, "malloc_trim"):
        libc.LIBC.malloc_trim(0)
