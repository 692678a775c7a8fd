"""Filters of volume list and prune."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from orlop.errors import InvalidArgument
from orlop.text import parse_bool
from orlop.volume.model import Volume

Filters = Mapping[str, Sequence[str]]


def check_names(filters: Filters, known: Iterable[str]) -> None:
    """Raises InvalidArgument for a filter Docker does not know."""
    for name in filters:
        if name not in known:
            raise InvalidArgument(f"invalid filter '{name}'")


def flag(filters: Filters, name: str) -> bool | None:
    """None when it is not given. Raises InvalidArgument with Docker's text."""
    values = filters.get(name)
    if not values:
        return None
    try:
        (said,) = {parse_bool(v) for v in values}
    except ValueError:
        raise InvalidArgument(f"invalid filter '{name}=[{' '.join(values)}]'") from None
    return said


def matches(volume: Volume, filters: Filters) -> bool:
    """`name` (a pattern), `driver`, `label`, `label!`."""
    names, drivers = filters.get("name"), filters.get("driver")
    if names and not any(_name(volume.name, pattern) for pattern in names):
        return False
    if drivers and volume.driver not in drivers:
        return False
    labels = volume.labels or {}
    if not all(_has(labels, wanted) for wanted in filters.get("label") or ()):
        return False
    return not any(_has(labels, unwanted) for unwanted in filters.get("label!") or ())


def _name(name: str, pattern: str) -> bool:
    if len(pattern) > 1000:
        return False
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return pattern in name


def _has(labels: Mapping[str, str], wanted: str) -> bool:
    key, separator, value = wanted.partition("=")
    return key in labels and (not separator or labels[key] == value)
