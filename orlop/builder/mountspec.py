"""`RUN --mount=type=…` and `RUN --device=…` as values. Pure; BuildKit's rules and texts.

Source: Dockerfile reference, "RUN --mount".
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from orlop.builder.suggest import did_you_mean
from orlop.errors import InvalidArgument

TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
_KEYS = (
    "type", "from", "source", "target", "readonly", "id", "sharing", "required", "size", "mode",
    "uid", "gid", "src", "dst", "destination", "ro", "rw", "readwrite", "env",
)  # fmt: skip
_ALIASES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_SWITCHES = ("readonly", "rw", "readwrite", "required")
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"(\d{1,12})(?:\.\d+)?\s*([kmgt]?)(?:i?b)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mount:
    type: str = "bind"
    source_stage: str = ""  # `from`: a stage, an image or a named context; "" the build context
    source: str = ""
    target: str = ""
    read_only: bool = False
    id: str = ""
    sharing: str = ""  # shared, private, locked; of a cache
    required: bool = False
    size: int = 0  # bytes of a tmpfs
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    env: str = ""  # the variable a secret goes to


def fields_of(text: str) -> list[str]:
    """Comma-separated, as CSV: a field may be quoted."""
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise InvalidArgument(f"failed to parse csv mounts: {error}") from None
    return rows[0] if rows else []


def parse_mount(text: str) -> Mount:
    """Raises InvalidArgument. Variables are expanded before."""
    values: dict[str, str] = {}
    for part in fields_of(text):
        key, equals, value = part.partition("=")
        name = _ALIASES.get(key.lower(), key.lower())
        if not equals:
            if name not in _SWITCHES:
                raise InvalidArgument(f"invalid field '{part}' must be a key=value pair")
            value = "true"
        elif name not in _KEYS:
            raise InvalidArgument(f"unexpected key '{key}' in '{part}'" + did_you_mean(name, _KEYS))
        if name in _SWITCHES:
            value = value.lower()
            if value not in ("true", "false", "1", "0"):
                raise InvalidArgument(f"invalid value for {key}: {value}")
            value = "true" if value in ("true", "1") else "false"
        values[name] = value
    kind = values.get("type", "bind").lower()
    if kind not in TYPES:
        raise InvalidArgument(f'unsupported mount type "{kind}"' + did_you_mean(kind, TYPES))
    return _checked(kind, values)


def _checked(kind: str, values: dict[str, str]) -> Mount:
    writable = values.get("rw") or values.get("readwrite")
    read_only = kind == "bind"
    if "readonly" in values:
        read_only = values["readonly"] == "true"
    if writable is not None:
        read_only = writable == "false"
    target = values.get("target", "")
    if kind not in ("secret", "ssh") and not target:
        raise InvalidArgument("target is required")
    if kind == "secret" and not (values.keys() & {"id", "source", "target", "env"}):
        raise InvalidArgument("invalid secret mount. one of source, target required")
    if "size" in values and kind != "tmpfs":
        raise InvalidArgument(f"size is not allowed for mount type {kind}")
    if values.get("sharing") and kind != "cache":
        raise InvalidArgument(f"invalid cache sharing set for {kind} mount")
    sharing = (values.get("sharing") or "shared").lower()
    if sharing not in ("shared", "private", "locked"):
        raise InvalidArgument(
            f'unsupported sharing value "{sharing}"'
            + did_you_mean(sharing, ("shared", "private", "locked"))
        )
    if values.get("env") and kind != "secret":
        raise InvalidArgument(f"env is not allowed for mount type {kind}")
    if "from" in values and kind in ("secret", "ssh"):
        raise InvalidArgument(f"{kind} mount should not have a from")
    return Mount(
        kind,
        values.get("from", ""),
        values.get("source", "") if kind != "secret" else "",
        target,
        read_only,
        values.get("id", "") or (values.get("source", "") if kind == "secret" else ""),
        sharing if kind == "cache" else "",
        values.get("required") == "true",
        _size(values["size"]) if "size" in values else 0,
        _number(values, "mode", 8),
        _number(values, "uid", 10),
        _number(values, "gid", 10),
        values.get("env", ""),
    )


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise InvalidArgument(f"invalid value for size: {text}")
    return int(match[1]) * _UNITS[match[2].lower()]


def _number(values: dict[str, str], name: str, base: int) -> int | None:
    text = values.get(name)
    if not text:
        return None
    digits = "01234567" if base == 8 else "0123456789"
    if len(text) > 10 or any(char not in digits for char in text):
        raise InvalidArgument(f"invalid value {text} for {name}")
    return int(text, base)


@dataclass(frozen=True, slots=True)
class Device:
    name: str
    required: bool = False


def parse_device(text: str) -> Device:
    """`vendor.com/device=name,required`."""
    name, required = "", False
    for number, part in enumerate(fields_of(text)):
        key, equals, value = part.partition("=")
        if key == "required":
            required = not equals or value.lower() in ("true", "1")
        elif key == "name" or (number == 0 and "/" in key) or "/" in key:
            found = value if key == "name" else part
            if name:
                raise InvalidArgument(f"device name already set to {name}")
            name = found
        elif number == 0:
            name = part
        else:
            raise InvalidArgument(f"unexpected key '{key}' in '{part}'")
    return Device(name, required)
