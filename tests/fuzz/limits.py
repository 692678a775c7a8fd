"""How much is tried, from which seed, and what counts as a hang."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

FULL = os.environ.get("ORLOP_FUZZ") == "full"
EXAMPLES = int(os.environ.get("ORLOP_FUZZ_EXAMPLES", "100000")) if FULL else 150
SEED = int(os.environ.get("ORLOP_FUZZ_SEED", "1"))
HANG = 1.0  # seconds of processor time for one example


@contextmanager
def no_hang() -> Iterator[None]:
    """Processor time, for a loaded machine is nobody's hang; without the collector, which may go
    through all that the search for examples holds."""
    gc.disable()
    before = time.thread_time()
    try:
        yield
        took = time.thread_time() - before
    finally:
        gc.enable()
    assert took < HANG
