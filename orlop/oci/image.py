"""Image configs: checked once, then plain dicts; the JSON text as Go writes it.

Source: OCI image-spec `config.md`; Docker's "Image Specification v1".
"""

from __future__ import annotations

import json
from typing import Any

from orlop.errors import InvalidArgument
from orlop.oci.digest import DiffID, parse_digest
from orlop.oci.manifest import MAX_CONFIG
from orlop.oci.strictjson import loads_object

_MAX_LAYERS = 1024
_TEXT = ("architecture", "os", "variant", "created", "author", "comment", "docker_version")
_RUN_TEXT = ("User", "WorkingDir", "StopSignal", "Hostname", "Domainname", "Image")
_RUN_LISTS = ("Env", "Cmd", "Entrypoint", "OnBuild", "Shell")
_RUN_SETS = ("ExposedPorts", "Volumes")
_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def parse_config(raw: bytes) -> dict[str, Any]:
    """The config as a dict whose known fields have the right types. Raises InvalidArgument."""
    if len(raw) > MAX_CONFIG:
        raise InvalidArgument(f"invalid image config: too large: {len(raw)} bytes")
    config = loads_object(raw, what="invalid image config")
    diff_ids(config)
    for key in _TEXT:
        _want(config, key, str)
    _want(config, "history", list)
    for entry in config.get("history") or []:
        if not isinstance(entry, dict):
            raise InvalidArgument("invalid image config: history")
        for key in ("created", "created_by", "author", "comment"):
            _want(entry, key, str)
        _want(entry, "empty_layer", bool)
    for key in ("config", "container_config"):
        _want(config, key, dict)
        _check_run(config.get(key) or {})
    return config


def _want(holder: dict[str, Any], key: str, kind: type) -> None:
    value = holder.get(key)
    if value is not None and not isinstance(value, kind):
        raise InvalidArgument(f"invalid image config: {key}")


def _check_run(run: dict[str, Any]) -> None:
    for key in _RUN_TEXT:
        _want(run, key, str)
    for key in _RUN_LISTS:
        _want(run, key, list)
        if not all(isinstance(v, str) for v in run.get(key) or []):
            raise InvalidArgument(f"invalid image config: {key}")
    for key in _RUN_SETS:
        _want(run, key, dict)
    for key in ("Labels", "Healthcheck"):
        _want(run, key, dict)
    if not all(isinstance(v, str) for v in (run.get("Labels") or {}).values()):
        raise InvalidArgument("invalid image config: Labels")
    health = run.get("Healthcheck") or {}
    _want(health, "Test", list)
    for key in ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"):
        _want(health, key, int)


def diff_ids(config: dict[str, Any]) -> tuple[DiffID, ...]:
    """Bottom first. Raises InvalidArgument."""
    rootfs = config.get("rootfs")
    if not isinstance(rootfs, dict):
        raise InvalidArgument("invalid image JSON, no RootFS key")
    if rootfs.get("type") not in (None, "layers"):
        raise InvalidArgument("invalid image config: rootfs type")
    ids = rootfs.get("diff_ids") or []
    if not isinstance(ids, list) or len(ids) > _MAX_LAYERS:
        raise InvalidArgument("invalid image config: diff_ids")
    if not all(isinstance(i, str) for i in ids):
        raise InvalidArgument("invalid image config: diff_ids")
    return tuple(DiffID(parse_digest(i)) for i in ids)


def go_json(value: Any) -> bytes:
    """JSON as Go's encoder writes it: compact, `<>&` escaped, key order as given."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for char, escape in _HTML.items():
        if char in text:
            text = text.replace(char, escape)
    try:
        return text.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8
        shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return shown.encode()
