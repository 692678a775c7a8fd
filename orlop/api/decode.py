"""Bodies and queries to values; what is of the wrong type is refused with the field's name.

Texts are Go's, as Docker's clients show them. Unknown fields are ignored, null means absent.
"""

from __future__ import annotations

import json
import re
from functools import cache
from math import inf
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from orlop.api import unmarshal
from orlop.errors import InvalidArgument, SystemFailure

BODY_LIMIT = 16 << 20  # bytes of a JSON body
BODY_TIME = 120.0  # seconds for all of it

_FALSE = ("", "0", "no", "false", "none")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)


def query(text: str) -> dict[str, list[str]]:
    """Go's form of a query string: `+` is a space, a lone name has the value ""."""
    out: dict[str, list[str]] = {}
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            out.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return out


def boolean(text: str) -> bool:
    """Docker's rule: everything is true but these words."""
    return text.strip().lower() not in _FALSE


def integer(text: str, default: int) -> int:
    """Raises SystemFailure with strconv's text: Docker answers 500 here."""
    if not text:
        return default
    if not _INTEGER.fullmatch(text):
        raise SystemFailure(f'strconv.Atoi: parsing "{text}": invalid syntax')
    value = int(text)
    if not -(1 << 63) <= value < 1 << 63:
        raise SystemFailure(f'strconv.Atoi: parsing "{text}": value out of range')
    return value


def filters(text: str) -> dict[str, list[str]]:
    """Both forms: {"label": ["a"]} and, from before API 1.22, {"label": {"a": true}}."""
    if not text:
        return {}
    try:
        found = _filters().decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise InvalidArgument("invalid filter") from None
    out = {}
    for name, values in (found or {}).items():
        chosen = values if isinstance(values, list) else [v for v, on in values.items() if on]
        if chosen:
            out[name] = list(chosen)
    return out


@cache
def _filters() -> msgspec.json.Decoder[dict[str, list[str] | dict[str, bool]] | None]:
    return msgspec.json.Decoder(dict[str, list[str] | dict[str, bool]] | None)


def check_content_type(value: str) -> None:
    """A browser's form cannot say application/json: this keeps other sites' pages out."""
    kind = value.partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidArgument(
            f"unsupported Content-Type header ({value}): must be 'application/json'"
        )


def document(data: bytes, shape: type) -> Any:
    """`data` as plain values, its known fields of the types that `shape` says."""
    try:
        found = _values(data)
    except msgspec.DecodeError as error:
        raise InvalidArgument(_syntax(str(error))) from None
    except UnicodeError:
        raise InvalidArgument("invalid JSON: invalid UTF-8") from None
    except RecursionError:
        raise InvalidArgument("invalid JSON: exceeded max depth") from None
    if found is None:
        return {}
    try:
        out = unmarshal.reader(shape)(found, ())
    except unmarshal.WrongType as error:
        text = unmarshal.explain(error, data, shape)
        raise InvalidArgument(f"invalid JSON: {text}") from None
    if b"\\u0000" in data:
        _refuse_nul(out, "")
    return out


def _values(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        if "out of range" not in str(error):
            raise
    # Too large for any type: only the field's reader can say where.
    return json.loads(data, parse_float=float, parse_int=lambda t: int(t) if len(t) < 40 else inf)


def _syntax(text: str) -> str:
    if "truncated" in text:
        return "invalid JSON: unexpected EOF"
    if "trailing characters" in text:
        return "unexpected content after JSON"
    return f"invalid JSON: {text.partition(' - at ')[0]}"


def _refuse_nul(value: Any, where: str) -> None:
    """No argument of a system call can hold one, no file name, no environment."""
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidArgument(f"invalid JSON: NUL character in field {where}")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_nul(key, f"{where}.{key}".replace("\0", ""))
            _refuse_nul(item, f"{where}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _refuse_nul(item, f"{where}.{number}")


def change_lines(values: list[str]) -> list[str]:
    """`changes=`, repeated or with several instructions on lines of their own."""
    return [line for value in values for line in value.split("\n") if line.strip()]


_SECONDS = re.compile(r"(\d{1,11})(?:\.(\d{1,9}))?", re.ASCII)
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)


def moment(text: str) -> int:
    """Nanoseconds since the epoch of `seconds[.nanoseconds]` or RFC 3339; 0 for "" and "0"."""
    if not text:
        return 0
    if match := _SECONDS.fullmatch(text):
        return int(match[1]) * 10**9 + int((match[2] or "").ljust(9, "0"))
    if match := _DATE.fullmatch(text):
        from datetime import UTC, datetime, timedelta, timezone

        zone: Any = UTC
        if match[8] and match[8] != "Z":
            hours, minutes = int(match[8][1:3]), int(match[8][4:6])
            offset = timedelta(hours=hours, minutes=minutes)
            zone = timezone(-offset if match[8][0] == "-" else offset)
        year, month, day, hour, minute, second = (int(match[i] or 0) for i in range(1, 7))
        try:
            when = datetime(year, month, day, hour, minute, second, tzinfo=zone)
            seconds = int(when.timestamp())
        except ValueError:
            pass
        else:
            return seconds * 10**9 + int((match[7] or "").ljust(9, "0"))
    raise InvalidArgument(f'strconv.ParseInt: parsing "{text}": invalid syntax')


_BEGINS = tuple('{["tfn-0123456789')


def platform(text: str) -> str:
    """os/arch[/variant] of an OCI platform as JSON."""
    first = text.lstrip()[:1]
    if first not in _BEGINS:
        raise InvalidArgument(
            f"failed to parse platform: invalid character '{first}' looking for beginning of value"
        )
    try:
        found = msgspec.json.decode(text, type=dict[str, Any])
        parts = [found["os"], found["architecture"], found.get("variant") or ""]
        return "/".join(str(part) for part in parts).rstrip("/")
    except (msgspec.MsgspecError, KeyError, RecursionError):
        raise InvalidArgument("failed to parse platform") from None


def before(values: list[str]) -> int | None:
    """The `until` filter of prune: a moment, or an age such as 10m."""
    from orlop.container.filters import until

    return until(values)
