"""daemon.json's members have Go types: what does not fit is refused in Go's words."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

from orlop.config import Config
from orlop.errors import InvalidArgument

_ADDRESSES = ("dns", "ip", "default-gateway", "default-gateway-v6", "host-gateway-ip",
              "host-gateway-ips")  # fmt: skip
_BOOLEANS = ("allow-direct-routing", "experimental", "ip6tables", "raw-logs", "rootless")
_SIZE = re.compile(r"\d+(?:\.\d+)? ?[kmgtp]?i?b?", re.ASCII | re.IGNORECASE)


def check(document: Mapping[str, Any]) -> None:
    """Raises InvalidArgument."""
    fields = {f.name: f.type for f in dataclasses.fields(Config)}
    for key, value in document.items():
        if value is None:
            continue
        if key in _ADDRESSES:
            _addresses(value)
        elif key == "features":
            _map(key, value, bool)
        elif key == "default-shm-size":
            if isinstance(value, str) and not _SIZE.fullmatch(value):
                raise InvalidArgument(f"invalid JSON: invalid size: '{value}'")
        elif key == "default-address-pools":
            _pools(value)
        elif key in ("default-ulimits", "runtimes"):
            _objects(key, value)
        elif key in _BOOLEANS:
            _scalar(f"Config.{key}", value, bool)
        else:
            _plain(key, value, str(fields.get(key.replace("-", "_"), "")))


def _plain(key: str, value: Any, kind: str) -> None:
    if kind in ("bool", "int", "str", "Path"):
        _scalar(f"Config.{key}", value, {"bool": bool, "int": int}.get(kind, str))
    elif kind.startswith("tuple[str"):
        if not isinstance(value, list):
            raise _cannot(value, f"Config.{key}", "[]string")
        for one in value:
            _scalar(f"Config.{key}", one, str)
    elif kind.startswith("Mapping[str, str"):
        _map(key, value, str)


def _scalar(where: str, value: Any, kind: type) -> None:
    right = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    if not right:
        raise _cannot(value, where, {bool: "bool", int: "int", str: "string"}[kind])


def _map(key: str, value: Any, kind: type) -> None:
    if not isinstance(value, dict):
        raise _cannot(value, f"Config.{key}", f"map[string]{'bool' if kind is bool else 'string'}")
    for name, one in value.items():
        _scalar(f"Config.{key}.{name}", one, kind)


def _objects(key: str, value: Any) -> None:
    inner = {"default-ulimits": "units.Ulimit", "runtimes": "system.Runtime"}[key]
    if not isinstance(value, dict):
        raise _cannot(value, f"Config.{key}", f"map[string]*{inner}")
    for name, one in value.items():
        if not isinstance(one, dict):
            raise _cannot(one, f"Config.{key}.{name}", inner)


def _addresses(value: Any) -> None:
    for one in value if isinstance(value, list) else [value]:
        try:
            ipaddress.ip_address(one if isinstance(one, str) else "")
        except ValueError:
            if one != "" or isinstance(value, list):
                raise InvalidArgument(f"invalid JSON: invalid IP address: {one}") from None


def _pools(value: Any) -> None:
    if not isinstance(value, list):
        raise _cannot(value, "Config.default-address-pools", "[]*ipamutils.NetworkToSplit")
    for pool in value:
        base = pool.get("base") if isinstance(pool, dict) else None
        if isinstance(base, str) and "/" not in base:
            raise InvalidArgument(f"invalid JSON: netip.ParsePrefix({json.dumps(base)}): no '/'")


def _cannot(value: Any, where: str, kind: str) -> InvalidArgument:
    name = {bool: "bool", int: "number", float: "number", str: "string", list: "array"}.get(
        type(value), "object"
    )
    return InvalidArgument(
        f"invalid JSON: json: cannot unmarshal {name} into Go struct field {where} of type {kind}"
    )
