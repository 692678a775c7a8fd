"""The parts of list and prune filters that have nothing to do with one container."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence

from orlop.container.times import nanoseconds
from orlop.errors import InvalidArgument

_DURATION = re.compile(r"(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9}
_UNITS["h"] = 3600 * 10**9
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def check_names(filters: dict[str, list[str]], known: Iterable[str]) -> None:
    """Raises InvalidArgument for a filter Docker does not know."""
    for name in filters:
        if name not in known:
            raise InvalidArgument(f"invalid filter '{name}'" if name else "invalid filter")


def until(values: Sequence[str]) -> int | None:
    """Nanoseconds since the epoch of a timestamp, Unix time, or age such as 10m."""
    if not values:
        return None
    if len(values) > 1:
        raise InvalidArgument("more than one until filter specified")
    text = values[0]
    wrong = InvalidArgument(f'failed to parse value as time or duration: "{text}"')
    if _DURATION.fullmatch(text):
        age = sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(text))
        return time.time_ns() - int(age)
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text, re.ASCII):
        whole, _, rest = text.partition(".")
        return int(whole) * 10**9 + int(rest.ljust(9, "0") or 0)
    try:
        if _DAY.fullmatch(text):
            return nanoseconds(f"{text}T00:00:00Z")
        if text.count(":") == 2 and not re.search(r"(Z|[+-]\d\d:\d\d)$", text):
            text += "Z"
        return nanoseconds(text)
    except (InvalidArgument, ValueError):
        raise wrong from None


def labels_match(labels: dict[str, str], filters: dict[str, list[str]]) -> bool:
    """Every `label` holds and no `label!` does; `key` or `key=value`."""
    wanted, unwanted = filters.get("label") or (), filters.get("label!") or ()
    return all(_has(labels, w) for w in wanted) and not any(_has(labels, w) for w in unwanted)


def _has(labels: dict[str, str], wanted: str) -> bool:
    key, separator, value = wanted.partition("=")
    return key in labels and (not separator or labels[key] == value)
