"""Log drivers and their options: what create refuses, what start hands to scribe and courier."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orlop.container import couriers, logremote, logtag
from orlop.container.logremote import boolean, size
from orlop.container.model import Container
from orlop.errors import InvalidArgument, OrlopError, SystemFailure

Json = dict[str, Any]

FILES = ("json-file", "local")
REMOTE = ("syslog", "fluentd", "gelf", "journald")
DRIVERS = (*FILES, "none", *REMOTE)
JOURNAL = "/run/systemd/journal/socket"
_JSON_FILE = logremote.COMMON | {"max-file", "max-size", "compress"}
_LOCAL = ("max-file", "max-size", "compress")
_EVERYWHERE = (
    "mode", "max-buffer-size",
    "cache-disabled", "cache-max-size", "cache-max-file", "cache-compress",
)  # fmt: skip
_LOCAL_SIZE, _LOCAL_FILES = 20 << 20, 5
_SPOOL_SIZE = 4 << 20  # of records on their way, when nothing is to be kept


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
    if "max-buffer-size" in options:
        if mode == "blocking":
            raise InvalidArgument(
                "logger: max-buffer-size option is only supported with 'mode=non-blocking'"
            )
        try:
            size(options["max-buffer-size"])
        except InvalidArgument as error:
            raise InvalidArgument(
                f"error parsing option max-buffer-size: {error.message}"
            ) from None
    _cached(options)
    own = _own(options)
    if driver in REMOTE:
        logremote.parse(driver, own)
    for key in own:
        if driver == "json-file" and key not in _JSON_FILE:
            raise InvalidArgument(f"unknown log opt '{key}' for json-file log driver")
        if driver == "local" and key not in _LOCAL:
            raise InvalidArgument(f"unknown log opt '{key}' for log driver local")


def _own(options: Json) -> dict[str, str]:
    return {k: str(v) for k, v in options.items() if k not in _EVERYWHERE}


def _cached(options: Json) -> bool:
    """Whether what a remote driver sends can be read here as well."""
    text = options.get("cache-disabled")
    if not text:
        return True
    try:
        return not boolean(text)
    except InvalidArgument:
        raise InvalidArgument(f"invalid value for option cache-disabled: {text}") from None


@dataclass(frozen=True, slots=True)
class LogPlan:
    """`scribe`: the `log` member of the keeper's spawn request. `job`: the courier's, or None."""

    scribe: Json
    job: Json | None = None


def readable(container: Container) -> tuple[Path, bool] | None:
    """(log, whether it is in the local driver's format) of what `docker logs` can read."""
    log = container.host_config["LogConfig"]
    driver = log["Type"]
    if driver == "json-file":
        return container.log_path, False
    if driver == "local":
        return container.directory / "local-logs" / "container.log", True
    if driver in REMOTE and _cached(log["Config"] or {}):
        return container.directory / "container-cached.log", True
    return None


def is_remote(container: Container) -> bool:
    return container.host_config["LogConfig"]["Type"] in REMOTE


def plan(container: Container, record: Json, spool: Path) -> LogPlan:
    """What a start needs. `spool`: directory for records that are kept nowhere else.

    Raises SystemFailure with Docker's text for values that cannot be used, and where nobody
    answers.
    """
    log = container.host_config["LogConfig"]
    try:
        made = _plan(container, record, log["Type"], log["Config"] or {}, spool)
        if made.job is not None:
            couriers.probe(made.job)
        return made
    except OrlopError as error:
        raise SystemFailure(
            "failed to create task for container: failed to initialize logging driver: "
            + error.message
        ) from None


def scribe(container: Container, record: Json, spool: Path) -> Json:
    """What the scribe does for a container that runs already: nobody else is asked."""
    log = container.host_config["LogConfig"]
    return _plan(container, record, log["Type"], log["Config"] or {}, spool).scribe


def _plan(container: Container, record: Json, driver: str, options: Json, spool: Path) -> LogPlan:
    own = _own(options)
    if driver == "none":
        return LogPlan({"driver": "none", "path": ""})
    found = readable(container)
    path = found[0] if found is not None else spool / "log"
    subject = logtag.info(container, record, options, str(path) if driver == "json-file" else "")
    if driver == "json-file":
        attrs = attributes(own, record["Config"])
        name = logtag.tag(own.get("tag", ""), subject)
        if name:
            attrs["tag"] = name
        return LogPlan({"driver": driver, "path": str(path), **_json_file(own), "attrs": attrs})
    if driver == "local":
        return LogPlan({"driver": "local", "path": str(path), **_local(own)})
    if driver == "journald" and not os.path.exists(JOURNAL):
        raise SystemFailure("journald is not enabled on this host")
    job = {
        "driver": driver,
        "path": str(path),
        "keep": found is not None,
        "endpoint": logremote.parse(driver, own),
        "tag": logtag.tag(own.get("tag") or logtag.DEFAULT, subject),
        "attrs": attributes(own, record["Config"]),
        "info": {k: subject[k] for k in _TOLD},
    }
    limits = _cache(options) if found is not None else _SPOOL
    return LogPlan({"driver": "local", "path": str(path), **limits}, job)


_TOLD = ("ID", "FullID", "Name", "ContainerName", "ImageFullID", "ImageName", "Command",
         "ContainerCreated", "Hostname")  # fmt: skip
_SPOOL = {"max_size": _SPOOL_SIZE, "max_file": 2, "compress": False}


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII):
        raise SystemFailure(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def _json_file(options: dict[str, str]) -> Json:
    max_size = 0
    if options.get("max-size"):
        max_size = size(options["max-size"])
        if max_size <= 0:
            raise SystemFailure("max-size must be a positive number")
    max_file = _integer(options.get("max-file") or "1")
    if max_file < 1:
        raise SystemFailure("max-file cannot be less than 1")
    compress = boolean(options.get("compress") or "false")
    if compress and (max_file == 1 or max_size == 0):
        raise SystemFailure(
            "compress cannot be true when max-file is less than 2 or max-size is not set"
        )
    return {"max_size": max_size, "max_file": max_file, "compress": compress}


def _local(options: dict[str, str]) -> Json:
    out: Json = {"max_size": _LOCAL_SIZE, "max_file": _LOCAL_FILES, "compress": True}
    for key, name, read, prefix in (
        ("max-size", "max_size", size, "invalid value for max-size: {}: "),
        ("max-file", "max_file", _integer, "invalid value for max-file: {}: "),
        ("compress", "compress", boolean, "error reading compress log option: "),
    ):
        text = options.get(key)
        if text:
            try:
                out[name] = read(text)
            except OrlopError as error:
                raise SystemFailure(prefix.format(text) + error.message) from None
    if out["max_file"] < 0:
        raise SystemFailure("max file count cannot be less than 0")
    if out["compress"] and out["max_file"] <= 1:
        raise SystemFailure("compression cannot be enabled when max file count is 1")
    out["max_file"] = max(1, out["max_file"])
    return out


def _cache(options: Json) -> Json:
    """Limits of the copy that is kept for reading; as dockerd, bad values mean the defaults."""
    named = {k.removeprefix("cache-"): v for k, v in options.items() if k.startswith("cache-")}
    try:
        return _local(named)
    except OrlopError:
        return _local({})


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
            expression = _regex(pattern)
            out.update({n: v for n, v in source.items() if expression.search(n)})
    return out


def _regex(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        text = {
            "missing ), unterminated subpattern": "missing closing )",
            "unbalanced parenthesis": "unexpected )",
            "unterminated character set": "missing closing ]",
            "nothing to repeat": "missing argument to repetition operator",
        }.get(error.msg, error.msg)
        raise SystemFailure(f"error parsing regexp: {text}: `{pattern}`") from None
