"""Progress messages as dockerd streams them (`{"status", "progressDetail", "progress", "id"}`).

The `progress` text is the daemon's rendering for terminals of unknown width.
Source: moby `pkg/jsonmessage` (format), `pkg/progress` (pace: one update per 100 ms and item).
"""

from __future__ import annotations

import time
from typing import Any

_PACE = 0.1
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")

Message = dict[str, Any]


def human_size(size: float) -> str:
    """Decimal size with four significant digits, as Go's `%.4g`: 43.52kB, 1.984MB."""
    index = 0
    while size >= 1000.0 and index < len(_UNITS) - 1:
        size /= 1000.0
        index += 1
    text = f"{size:.4g}"
    if "e" in text:  # 999.96 rounds to 1e+03; Go prints the same
        mantissa, _, exponent = text.partition("e")
        text = f"{mantissa}e{exponent}"
    return text + _UNITS[index]


def bar(current: int, total: int) -> str:
    if current <= 0 and total <= 0:
        return ""
    if total <= 0:
        return f"{human_size(current):>8}"
    half = min(int(current / total * 100) // 2, 50)
    drawn = f"[{'=' * half}>{' ' * (50 - half)}] "
    if current > total:
        return drawn + f"{human_size(current):>8}"
    return drawn + f"{human_size(current):>8}/{human_size(total)}"


def status(text: str, item: str = "") -> Message:
    """A step of one item (a layer)."""
    return {"status": text, "progressDetail": {}, "id": item}


def message(text: str, item: str = "") -> Message:
    return {"status": text, "id": item} if item else {"status": text}


def moving(text: str, item: str, current: int, total: int) -> Message:
    detail = {"current": current, "total": total} if total > 0 else {"current": current}
    out: Message = {"status": text, "progressDetail": detail}
    drawn = bar(current, total)
    if drawn:
        out["progress"] = drawn
    out["id"] = item
    return out


def aux(value: dict[str, Any]) -> Message:
    return {"progressDetail": {}, "aux": value}


class Pace:
    """Lets an update through when the last one is old enough."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 0.0

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._last < _PACE:
            return False
        self._last = now
        return True
