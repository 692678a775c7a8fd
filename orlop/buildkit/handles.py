"""Outcomes of builds that a client hands from one of its builds to another (bake's `target:`).

BuildKit hands on a graph of operations; ours has one, whose source names the build. Pure.
"""

from __future__ import annotations

import hashlib
from typing import Any

from orlop.buildkit import messages as m
from orlop.protobuf import Malformed, decode, encode

Json = dict[str, Any]
_SCHEME = "orlop-build://"


def definition(ref: str, id: str) -> Json:
    """That stands for build `id` of job `ref`: a source, and an edge to it, the result."""
    source = encode(m.OP, {"source": {"identifier": f"{_SCHEME}{ref}/{id}"}})
    edge = encode(m.OP, {"inputs": [{"digest": _digest(source)}]})
    return {"ops": [source, edge], "metadata": {_digest(source): {}, _digest(edge): {}}}


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def meant(found: Json) -> tuple[str, str] | None:
    """(job, build) of a definition of ours; None for another."""
    for data in found.get("ops", ()):
        try:
            name = decode(m.OP, data).get("source", {}).get("identifier", "")
        except Malformed:
            return None
        if name.startswith(_SCHEME):
            ref, _, id = name.removeprefix(_SCHEME).rpartition("/")
            return ref, id
    return None
