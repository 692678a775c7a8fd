"""`DiskUsage` and `Prune`: what the build cache holds, in BuildKit's records."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from orlop.builder.builder import Builder
from orlop.builder.cache import Record
from orlop.builder.prune import prune
from orlop.buildkit.grpc import UNKNOWN, RpcFailure
from orlop.buildkit.story import stamp

Json = dict[str, Any]
_FILTER = re.compile(r"([a-z.]+)(?:(==|=|!=|~=)(.*))?", re.ASCII | re.DOTALL)
_FIELDS: dict[str, Callable[[Record], str]] = {
    "id": lambda record: record.key,
    "description": lambda record: record.text,
    "type": lambda record: "regular",
    "inuse": lambda record: "",
    "mutable": lambda record: "",
    "immutable": lambda record: "true",
    "shared": lambda record: "",
    "private": lambda record: "true",
    "parent": lambda record: "",
    "parents": lambda record: "",
}


def records(builder: Builder, filters: list[str]) -> Iterator[Json]:
    """UsageRecords. Raises RpcFailure for a filter that is none."""
    wanted = [_parsed(text) for text in filters if text]
    for record in builder.cache.records():
        if not wanted or any(_matches(record, parts) for parts in wanted):
            yield _usage(record)


def drop(builder: Builder, request: Json) -> Iterator[Json]:
    """UsageRecords of what went. Raises RpcFailure."""
    filters = [text for text in request.get("filter", ()) if text]
    known = {found["id"]: found for found in records(builder, filters)}
    options: dict[str, list[str]] = {}
    age = request.get("keep_duration", 0)
    if age:
        options["until"] = [str(int(time.time() - age / 10**9))]
    if filters:
        if not known:
            return
        options["id"] = list(known)
    keep = request.get("reserved", 0)
    gone = prune(builder, all=request.get("all", False), filters=options, keep=keep)
    for key in gone.keys:
        if key in known:
            yield known[key]


def _usage(record: Record) -> Json:
    return {
        "id": record.key, "size": record.size, "created": stamp(int(record.created * 10**9)),
        "used": stamp(int(record.used * 10**9)), "uses": record.uses, "description": record.text,
        "kind": "regular",
    }  # fmt: skip


def _parsed(text: str) -> list[tuple[str, str, str]]:
    """A filter's parts, all of which must hold. Source: containerd's filter language."""
    out = []
    for part in text.split(","):
        found = _FILTER.fullmatch(part.strip())
        if found is None or found[1] not in _FIELDS:
            raise RpcFailure(UNKNOWN, f"failed to parse prune filters {text}")
        out.append((found[1], found[2] or "", (found[3] or "").strip('"')))
    return out


def _matches(record: Record, parts: list[tuple[str, str, str]]) -> bool:
    for name, operator, wanted in parts:
        value = _FIELDS[name](record)
        if operator in ("==", "="):
            good = value == wanted
        elif operator == "!=":
            good = value != wanted
        elif operator == "~=":
            good = _found(wanted, value)
        else:
            good = bool(value)
        if not good:
            return False
    return True


def _found(pattern: str, text: str) -> bool:
    """As a plain text with `.*` between its parts: no pattern of a client's takes long."""
    at = 0
    for part in pattern.removeprefix("^").removesuffix("$").split(".*"):
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True
