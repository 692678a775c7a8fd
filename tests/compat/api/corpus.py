"""The API corpus: every operation with valid and with invalid input, in the order they are sent.

Names begin with `apic`. A case: method, path and, where needed, body, headers, keep (names for
later paths: place in the answer), show (values, shape, keys, size, none), since (API version).
"""

from __future__ import annotations

import json

from cases import Case
from container_cases import CONTAINERS, END, EXEC
from create_cases import CREATE
from engine_cases import SWARM, SYSTEM
from object_cases import IMAGES, NETWORKS, VOLUMES

ALL: list[Case] = [*SYSTEM, *NETWORKS, *VOLUMES, *IMAGES, *CREATE, *CONTAINERS, *EXEC, *SWARM, *END]


def of(version: str) -> list[tuple[str, Case]]:
    """(name, case) of what is asked at an API version."""
    known = tuple(int(n) for n in version.split("."))
    out = []
    for number, item in enumerate(ALL):
        since = tuple(int(n) for n in item.get("since", "1.24").split("."))
        if known >= since:
            out.append((_name(number, item), item))
    return out


def _name(number: int, item: Case) -> str:
    body = item.get("body")
    if isinstance(body, bytes):
        body = repr(body[:20])
    elif body is not None and not isinstance(body, str):
        body = json.dumps(body)
    return f"{number:03d} {item['method']} {item['path']} {body or ''}".strip()
