"""Log drivers and their options: what create refuses, what start hands to the scribe."""

from __future__ import annotations

import re
from typing import Any

from orlop.errors import InvalidArgument, SystemFailure

Json = dict[str, Any]

DRIVERS = ("json-file", "none")
_KNOWN = {
    "env",
    "env-regex",
    "labels",
    "labels-regex",
    "max-file",
    "max-size",
    "compress",
    "tag",
    "mode",
    "max-buffer-size",
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?", re.ASCII | re.IGNORECASE)
_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def check(driver: str, options: Json) -> None:
    """At create. Raises InvalidArgument with Docker's texts."""
    if driver not in DRIVERS:
        raise InvalidArgument(
            f'error looking up logging plugin {driver}: plugin "{driver}" not found'
        )
    if driver == "none":
        return
    mode = options.get("mode") or "blocking"
    if mode not in ("blocking", "non-blocking"):
        raise InvalidArgument(f"logger: logging mode not supported: {mode}")
    if mode == "blocking" and "max-buffer-size" in options:
        raise InvalidArgument(
            "logger: max-buffer-size option is only supported with 'mode=non-blocking'"
        )
    for key in options:
        if key not in _KNOWN:
            raise InvalidArgument(f"unknown log opt '{key}' for {driver} log driver")


def size(text: str) -> int:
    """Bytes of `10m`, `1.5g`, `42`. Raises SystemFailure."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise SystemFailure(f"invalid size: '{text}'")
    return int(float(match[1]) * 1024 ** _UNITS[match[2].lower()])


def for_scribe(driver: str, options: Json, path: str, config: Json) -> Json:
    """The `log` member of the keeper's spawn request. Raises SystemFailure for bad values."""
    prefix = "failed to create task for container: failed to initialize logging driver: "
    try:
        max_size = size(options["max-size"]) if options.get("max-size") else 0
    except SystemFailure as error:
        raise SystemFailure(prefix + error.message) from None
    text = str(options.get("max-file") or "1")
    if not re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
        raise SystemFailure(f'{prefix}strconv.Atoi: parsing "{text}": invalid syntax')
    max_file = int(text)
    if max_file < 1:
        raise SystemFailure(prefix + "max-file cannot be less than 1")
    compress = str(options.get("compress") or "false").lower() in ("true", "1", "t")
    if compress and (max_file == 1 or max_size == 0):
        raise SystemFailure(
            prefix + "compress cannot be true when max-file is less than 2 or max-size is not set"
        )
    return {
        "driver": driver,
        "path": path,
        "max_size": max_size,
        "max_file": max_file,
        "compress": compress,
        "attrs": attributes(options, config),
    }


def attributes(options: Json, config: Json) -> dict[str, str]:
    """What `--details` shows: the labels and variables that the options name."""
    out: dict[str, str] = {}
    labels = config.get("Labels") or {}
    env = dict(e.partition("=")[::2] for e in config.get("Env") or ())
    for source, key in ((labels, "labels"), (env, "env")):
        for name in str(options.get(key) or "").split(","):
            if name and name in source:
                out[name] = source[name]
        pattern = options.get(f"{key}-regex")
        if pattern:
            try:
                expression = re.compile(pattern)
            except re.error as error:
                raise SystemFailure(f"invalid {key}-regex: {error}") from None
            out.update({n: v for n, v in source.items() if expression.search(n)})
    return out
