"""A frontend's attributes (`build-arg:X`, `target`, `no-cache`, …) as values. Pure.

Source: github.com/moby/buildkit, frontend/dockerui (names and forms).
"""

from __future__ import annotations

import csv
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orlop.errors import InvalidArgument

Json = dict[str, Any]
_NETWORKS = {"": "", "none": "none", "host": "host", "sandbox": ""}
_LIMITS = {
    "memory": "Memory", "memswap": "MemorySwap", "cpushares": "CpuShares",
    "cpuperiod": "CpuPeriod", "cpuquota": "CpuQuota", "shm-size": "ShmSize",
}  # fmt: skip
_NAMES = {"cpusetcpus": "CpusetCpus", "cpusetmems": "CpusetMems", "cgroup-parent": "CgroupParent"}


@dataclass(slots=True)
class Attributes:
    filename: str = "Dockerfile"
    context: str = ""  # "" the client's files, else a URL
    subdirectory: str = ""
    context_name: str = "context"  # what the client calls its directories
    dockerfile_name: str = "dockerfile"
    own_dockerfile: bool = False  # it comes from there even if the context comes from elsewhere
    target: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    contexts: dict[str, str] = field(default_factory=dict)  # name → local:…, docker-image://…, URL
    platform: str = ""
    no_cache: bool = False
    no_cache_stages: frozenset[str] = frozenset()
    pull: bool = False
    network: str = ""
    host: Json = field(default_factory=dict)  # a HostConfig's part
    cache_from: tuple[str, ...] = ()
    cache_kinds: tuple[str, ...] = ()  # of all caches to be asked
    sessions: dict[str, str] = field(default_factory=dict)  # directory → the session that has it
    request: str = ""  # a subrequest: frontend.lint, …


def attributes(found: Mapping[str, str]) -> Attributes:
    """Raises InvalidArgument."""
    out = Attributes(
        filename=found.get("filename") or "Dockerfile",
        context=found.get("context", ""),
        subdirectory=found.get("contextsubdir", ""),
        context_name=found.get("contextkey") or "context",
        dockerfile_name=found.get("dockerfilekey") or "dockerfile",
        own_dockerfile="dockerfilekey" in found,
        target=found.get("target", ""),
        arguments=_prefixed(found, "build-arg:"),
        labels=_prefixed(found, "label:"),
        contexts=_prefixed(found, "context:"),
        platform=found.get("platform", ""),
        sessions=_prefixed(found, "local-sessionid:"),
        request=found.get("requestid", ""),
        cache_from=_cache_from(found),
        cache_kinds=tuple(str(one.get("Type", "")) for one in _cache_imports(found)),
    )
    if "," in out.platform:
        raise InvalidArgument("multiple platforms are not supported by this builder")
    if "no-cache" in found:
        names = [n.lower() for n in found["no-cache"].split(",") if n]
        out.no_cache, out.no_cache_stages = not names, frozenset(names)
    mode = found.get("image-resolve-mode", "")
    if mode not in ("", "default", "pull", "local"):
        raise InvalidArgument(f"invalid image-resolve-mode: {mode}")
    out.pull = mode == "pull"
    network = found.get("force-network-mode", "")
    if network not in _NETWORKS:
        raise InvalidArgument(f"invalid netmode {network}")
    out.network = _NETWORKS[network]
    out.host = _host(found)
    return out


def _prefixed(found: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {k[len(prefix) :]: v for k, v in found.items() if k.startswith(prefix)}


def fields(text: str) -> list[str]:
    """Comma-separated, as CSV. Raises InvalidArgument."""
    try:
        return next(iter(csv.reader([text], strict=True)), [])
    except csv.Error as error:
        raise InvalidArgument(f"invalid list {text}: {error}") from None


def _host(found: Mapping[str, str]) -> Json:
    out: Json = {}
    for name, key in _LIMITS.items():
        if found.get(name):
            out[key] = _number(name, found[name])
    for name, key in _NAMES.items():
        if found.get(name):
            out[key] = found[name]
    hosts = [_extra_host(text) for text in fields(found.get("add-hosts", ""))]
    if hosts:
        out["ExtraHosts"] = hosts
    limits = [_ulimit(text) for text in fields(found.get("ulimit", ""))]
    if limits:
        out["Ulimits"] = limits
    return out


def _number(name: str, text: str) -> int:
    try:
        return int(text[:20])
    except ValueError:
        raise InvalidArgument(f"invalid {name} value: {text}") from None


def _extra_host(text: str) -> str:
    name, equals, address = text.lower().partition("=")
    if not equals:
        raise InvalidArgument(f"failed to parse additional hosts: invalid key-value pair {text}")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise InvalidArgument(
            f"failed to parse additional hosts: failed to parse IP {address}"
        ) from None
    return f"{name}:{address}"


def _ulimit(text: str) -> Json:
    name, equals, rest = text.partition("=")
    soft, _, hard = rest.partition(":")
    try:
        low = int(soft[:20])
        high = int(hard[:20]) if hard else low
    except ValueError:
        raise InvalidArgument(f"failed to parse ulimit: invalid ulimit argument: {text}") from None
    if not equals or not name:
        raise InvalidArgument(f"failed to parse ulimit: invalid ulimit argument: {text}")
    return {"Name": name, "Soft": low, "Hard": high}


def _cache_from(found: Mapping[str, str]) -> tuple[str, ...]:
    """Images; caches of other kinds are not asked, as no build depends on one."""
    out = [name for name in found.get("cache-from", "").split(",") if name]
    for entry in _cache_imports(found):
        attrs = entry.get("Attrs")
        if isinstance(attrs, dict) and isinstance(attrs.get("ref"), str):
            out.append(attrs["ref"])
    return tuple(dict.fromkeys(out))


def _cache_imports(found: Mapping[str, str]) -> list[Json]:
    """[{Type, Attrs}]. Raises InvalidArgument."""
    text = found.get("cache-imports", "")
    if not text:
        return []
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"failed to unmarshal cache-imports: {error}") from None
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
