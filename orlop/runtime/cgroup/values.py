"""Conversions between the values of v1, which OCI speaks, and those of v2. Pure."""

from __future__ import annotations

import math

UNLIMITED = -1


def weight_of_shares(shares: int) -> int:
    """cpu.shares [2, 262144] to cpu.weight [1, 10000]; 1024 is 100, as runc since 1.3.2.

    The quadratic in log2 goes through the minimum, the default and the maximum of both scales.
    """
    if shares == 0:
        return 0
    if shares <= 2:
        return 1
    if shares >= 262144:
        return 10000
    log = math.log2(shares)
    return math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))


def io_weight_of_blkio(weight: int) -> int:
    """blkio.weight [10, 1000] to io.weight [1, 10000]."""
    return 0 if weight == 0 else 1 + (weight - 10) * 9999 // 990


def maximum(value: int) -> str:
    """A byte or task count for v2: -1 (and below) is "max"."""
    return "max" if value < 0 else str(value)


def swap_maximum(memory: int, memory_and_swap: int) -> str | None:
    """memory.swap.max from OCI's memory+swap; None says nothing. Raises ValueError."""
    if memory_and_swap == 0:
        return "max" if memory == UNLIMITED else None
    if memory_and_swap < 0:
        return "max"
    if memory <= 0:
        raise ValueError("unable to set swap limit without memory limit")
    if memory_and_swap < memory:
        raise ValueError("memory+swap limit should be >= memory limit")
    return str(memory_and_swap - memory)


def cpu_maximum(quota: int, period: int) -> str | None:
    """cpu.max from the CFS quota and period, in microseconds."""
    if quota == 0 and period == 0:
        return None
    text = str(quota) if quota > 0 else "max"
    return f"{text} {period or 100000}"
