"""glibc's allocator: fewer arenas for a process with many threads, memory given back.

mallopt(3), malloc_trim(3). Where the C library is another one nothing happens.
"""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8


def few_arenas(count: int = 2) -> None:
    """glibc makes eight arenas per processor, each with memory that no other thread can use."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, count)


def trim() -> None:
    """Give free memory at the top of the heap back to the system."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
