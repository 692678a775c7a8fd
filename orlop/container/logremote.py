"""Options of the log drivers that send records away: syslog, fluentd, gelf, journald.

Pure but for the files that the options name. Errors are Docker's texts; `parse` gives what the
courier needs to know of an endpoint.
"""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import urlsplit

from orlop.errors import InvalidArgument, SystemFailure
from orlop.image.times import duration_ns
from orlop.text import parse_bool

Json = dict[str, Any]

COMMON = frozenset(("env", "env-regex", "labels", "labels-regex", "tag"))
KNOWN = {
    "syslog": COMMON
    | {
        "syslog-address",
        "syslog-facility",
        "syslog-format",
        "syslog-tls-ca-cert",
        "syslog-tls-cert",
        "syslog-tls-key",
        "syslog-tls-skip-verify",
    },
    "fluentd": COMMON
    | {
        "fluentd-address",
        "fluentd-async",
        "fluentd-async-reconnect-interval",
        "fluentd-buffer-limit",
        "fluentd-max-retries",
        "fluentd-request-ack",
        "fluentd-retry-wait",
        "fluentd-sub-second-precision",
        "fluentd-write-timeout",
    },
    "journald": COMMON,
}
FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "", "", "", "", *(f"local{n}" for n in range(8)),
)  # fmt: skip
_FORMATS = ("", "rfc3164", "rfc5424", "rfc5424micro")
_LARGEST = 1 << 64
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?", re.ASCII | re.IGNORECASE)
_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def size(text: str) -> int:
    """Bytes of `10m`, `1.5g`, `42`. Raises InvalidArgument."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise InvalidArgument(f"invalid size: '{text}'")
    return int(float(match[1]) * 1024 ** _UNITS[match[2].lower()])


def boolean(text: str) -> bool:
    """strconv.ParseBool. Raises InvalidArgument."""
    try:
        return parse_bool(text)
    except ValueError as error:
        raise InvalidArgument(str(error)) from None


def duration(text: str) -> int:
    """Nanoseconds. Raises InvalidArgument with Go's text."""
    value = duration_ns(text)
    if value is None:
        raise InvalidArgument(f'time: invalid duration "{text}"')
    return value


def parse(driver: str, options: dict[str, str]) -> Json:
    """What the courier is told of the options. Raises InvalidArgument, SystemFailure."""
    if driver == "gelf":
        return _gelf(options)
    for key in options:
        if key not in KNOWN[driver]:
            raise InvalidArgument(f"unknown log opt '{key}' for {driver} log driver")
    if driver == "syslog":
        return _syslog(options)
    if driver == "fluentd":
        return _fluentd(options)
    return {}


def _syslog(options: dict[str, str]) -> Json:
    scheme, address = _syslog_address(options.get("syslog-address", ""))
    facility = options.get("syslog-facility", "") or "daemon"
    if facility in FACILITIES:
        number = FACILITIES.index(facility)
    elif re.fullmatch(r"\d{1,2}", facility, re.ASCII) and int(facility) <= 23:
        number = int(facility)
    else:
        raise InvalidArgument("invalid syslog facility")
    form = options.get("syslog-format", "")
    if form not in _FORMATS:
        raise InvalidArgument("Invalid syslog format")
    tls = {}
    if scheme == "tcp+tls":
        tls = {
            "ca": options.get("syslog-tls-ca-cert", ""),
            "cert": options.get("syslog-tls-cert", ""),
            "key": options.get("syslog-tls-key", ""),
            # Docker takes the option's presence for a yes
            "skip_verify": "syslog-tls-skip-verify" in options,
        }
    return {"scheme": scheme, "address": address, "facility": number, "format": form, "tls": tls}


def _syslog_address(text: str) -> tuple[str, str]:
    if not text:
        return "", ""
    url = split(text)
    if url.scheme in ("unix", "unixgram"):
        if not os.path.exists(url.path):
            raise SystemFailure(f"stat {url.path}: no such file or directory")
        return url.scheme, url.path
    if url.scheme not in ("udp", "tcp", "tcp+tls"):
        raise InvalidArgument(f"unsupported scheme: '{url.scheme}'")
    host = url.netloc.rpartition("@")[2]
    return url.scheme, host if re.search(r":\d*$", host) else f"{host}:514"


def split(text: str) -> Any:
    """urlsplit with Go's words. Raises InvalidArgument."""
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        port = re.search(r"(:[^:/]*)$", text.partition("://")[2].partition("/")[0])
        shown = port[1] if port else text
        raise InvalidArgument(f'parse "{text}": invalid port "{shown}" after host') from None
    return url


def _fluentd(options: dict[str, str]) -> Json:
    given = options.get("fluentd-address", "")
    try:
        scheme, address = _fluentd_address(given)
    except InvalidArgument as error:
        raise InvalidArgument(f"invalid fluentd-address ({given}): {error.message}") from None
    out: Json = {"scheme": scheme, "address": address}
    if options.get("fluentd-buffer-limit"):
        size(options["fluentd-buffer-limit"])
    wait = options.get("fluentd-retry-wait")
    out["retry_wait"] = duration(wait) / 1e9 if wait else 1.0
    retries = options.get("fluentd-max-retries")
    if retries and not re.fullmatch(r"\d{1,10}", retries, re.ASCII):
        raise InvalidArgument(f'strconv.ParseUint: parsing "{retries}": invalid syntax')
    out["max_retries"] = int(retries) if retries else (1 << 31) - 1
    for key in ("async", "sub-second-precision", "request-ack"):
        text = options.get(f"fluentd-{key}")
        out[key.replace("-", "_")] = boolean(text) if text else False
    _reconnect_interval(options.get("fluentd-async-reconnect-interval"))
    out["write_timeout"] = _write_timeout(options.get("fluentd-write-timeout"))
    return out


def _reconnect_interval(text: str | None) -> None:
    name = "invalid value for fluentd-async-reconnect-interval: "
    if not text:
        return
    try:
        value = duration(text)
    except InvalidArgument as error:
        raise InvalidArgument(name + error.message) from None
    if value and not 100_000_000 <= value <= 10_000_000_000:
        raise InvalidArgument(f'{name}value ("{text}") must be between 100ms and 10s')


def _write_timeout(text: str | None) -> float:
    name = "invalid value for fluentd-write-timeout: value must be a duration"
    if not text:
        return 0.0
    try:
        value = duration(text)
    except InvalidArgument as error:
        raise InvalidArgument(f"{name}: {error.message}") from None
    if value < 0:
        raise InvalidArgument(f"{name} that is non-negative")
    return value / 1e9


def _fluentd_address(text: str) -> tuple[str, str]:
    if not text:
        return "tcp", "127.0.0.1:24224"
    url = split(text if "://" in text else f"tcp://{text}")
    if url.scheme == "unix":
        if not url.path.lstrip("/"):
            raise InvalidArgument("path is empty")
        return "unix", url.path
    if url.scheme not in ("tcp", "tls"):
        raise InvalidArgument(f"unsupported scheme: '{url.scheme}'")
    if url.path:
        raise InvalidArgument("should not contain a path element")
    host = url.hostname or "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return url.scheme, f"{shown}:{24224 if url.port is None else url.port}"


def _gelf(options: dict[str, str]) -> Json:
    text = options.get("gelf-address", "")
    if not text:
        raise InvalidArgument("gelf-address is a required parameter")
    url = split(text)
    if url.scheme not in ("udp", "tcp"):
        raise InvalidArgument("gelf: endpoint needs to be TCP or UDP")
    if url.port is None:
        raise InvalidArgument("gelf: please provide gelf-address as proto://host:port")
    kind, level = "gzip", "1"
    for key, value in options.items():
        if key in COMMON or key == "gelf-address":
            continue
        if key in ("gelf-compression-type", "gelf-compression-level"):
            if url.scheme != "udp":
                raise InvalidArgument("compression is only supported on UDP")
            kinds = key.endswith("type")
            wanted = r"gzip|zlib|none" if kinds else r"-1|[0-9]"
            if not re.fullmatch(wanted, value, re.ASCII):
                raise InvalidArgument(
                    f'unknown value "{value}" for log opt "{key}" for gelf log driver'
                )
            kind, level = (value, level) if kinds else (kind, value)
        elif key in ("gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay"):
            if url.scheme != "tcp":
                raise InvalidArgument(f'"{key}" is only valid for TCP')
            if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
                raise InvalidArgument(f'"{key}" must be a positive integer')
        else:
            raise InvalidArgument(f"unknown log opt '{key}' for gelf log driver")
    return {
        "scheme": url.scheme,
        "address": url.netloc.rpartition("@")[2],
        "compression": kind,
        "level": int(level),
    }
