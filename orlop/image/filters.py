"""The `filters` of list and prune: dicts of name to values, with Docker's error texts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from orlop.errors import InvalidArgument

Filters = Mapping[str, Sequence[str]]


def check(filters: Filters, known: Collection[str]) -> None:
    """Raises InvalidArgument for a name that is not in `known`."""
    for name in filters:
        if name not in known:
            raise InvalidArgument(f"invalid filter '{name}'")


def boolean(filters: Filters, name: str, default: bool) -> bool:
    values = list(filters.get(name) or [])
    if not values:
        return default
    wishes = {_BOOLEANS[value] for value in values if value in _BOOLEANS}
    if len(wishes) != 1:  # what is no boolean does not count, as in dockerd
        raise InvalidArgument(f"invalid filter '{name}=[{' '.join(values)}]'")
    return bool(wishes.pop())


_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}


def labels_match(filters: Filters, name: str, labels: Mapping[str, str]) -> bool:
    """Every `key` or `key=value` asked for is there."""
    for wanted in filters.get(name) or []:
        key, equals, value = wanted.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True
