"""List networks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orlop.errors import InvalidArgument
from orlop.network import bringup
from orlop.network.model import Network
from orlop.network.networks import Networks
from orlop.text import parse_bool

Json = dict[str, Any]
Filters = Mapping[str, Sequence[str]]

_KNOWN = ("dangling", "driver", "id", "label", "name", "scope", "type")


def list_(networks: Networks, filters: Filters) -> list[Json]:
    """Docker's network objects, newest definitions last. Raises InvalidArgument."""
    for name in filters:
        if name not in _KNOWN:
            raise InvalidArgument(f"invalid filter '{name}'")
    bringup.standing_or_none(networks)
    dangling = _dangling(filters)
    found = []
    for network in networks.all():
        if network.name == "bridge" and networks.config.bridge == "none":
            continue
        if _matches(network, filters):
            unused = not network.predefined and not networks.endpoints(network.id)
            if dangling is None or dangling == unused:
                found.append(network.to_json())
    return found


def _dangling(filters: Filters) -> bool | None:
    values = filters.get("dangling")
    if not values:
        return None
    try:
        (said,) = {parse_bool(v) for v in values}
    except ValueError:
        raise InvalidArgument(
            'invalid value for filter \'dangling\', must be "true" (or "1"), or "false" (or "0")'
        ) from None
    return said


def _matches(network: Network, filters: Filters) -> bool:
    tests: dict[str, Callable[[str], bool]] = {
        "driver": lambda v: network.driver == v,
        "id": lambda v: _search(v, network.id),
        "name": lambda v: _search(v, network.name),
        "scope": lambda v: v == network.scope,
        "type": lambda v: _type(network, v),
    }
    for name, test in tests.items():
        values = filters.get(name)
        if values and not any(test(v) for v in values):
            return False
    return labels_match(network.labels, filters)


def labels_match(labels: Mapping[str, str], filters: Filters) -> bool:
    def has(wanted: str) -> bool:
        key, separator, value = wanted.partition("=")
        return key in labels and (not separator or labels[key] == value)

    return all(has(w) for w in filters.get("label") or ()) and not any(
        has(w) for w in filters.get("label!") or ()
    )


def _type(network: Network, value: str) -> bool:
    if value not in ("builtin", "custom"):
        raise InvalidArgument(f"invalid filter: 'type'='{value}'")
    return network.predefined == (value == "builtin")


def _search(pattern: str, text: str) -> bool:
    if pattern in text:
        return True
    try:
        return len(pattern) <= 1000 and re.search(pattern, text) is not None
    except re.error:
        return False
