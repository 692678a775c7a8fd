"""Who a container's process runs as: `USER[:GROUP]` looked up in the image's passwd and group.

Both files belong to the image, so they are hostile: opened inside the rootfs only, only when
regular, read up to a bound, parsed strictly. A string is a number only if it is plain decimal;
whatever merely resembles one (" 0", "1_0", "0x0", "1e3", other scripts' digits) is no user at all,
so that no spelling becomes root by accident.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orlop.errors import SystemFailure
from orlop.paths import Root

MAXIMUM_ID = 2**31 - 1
_RANGE = f"uids and gids must be in range 0-{MAXIMUM_ID}"
_BOUND = 4 << 20  # bytes read of either file
_NOBODY = 65534
_LINE = 64 << 10  # longer lines are skipped
_DECIMAL = re.compile(r"[0-9]{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Identity:
    uid: int
    gid: int
    groups: tuple[int, ...]  # as the kernel gets them: the primary group first
    home: str


def resolve(root: Root, user: str, group_add: Sequence[str] = ()) -> Identity:
    """Raises SystemFailure with Docker's texts."""
    name, _, group = user.partition(":")
    passwd = _passwd(root, name)
    groups_text: list[list[str]] | None = None
    uid, gid, home, known = 0, 0, "/", ""
    if passwd is not None:
        known, uid, gid, home = passwd
    elif name:
        if not _DECIMAL.fullmatch(name):
            _refuse_negative(name)
            raise SystemFailure(f"unable to find user {name}: no matching entries in passwd file")
        uid = _identifier(name)
    extra: list[int] = []
    if group:
        groups_text = _groups(root)
        gid = _group(groups_text, group)
    elif known:
        groups_text = _groups(root)
        extra = [
            number
            for fields in groups_text
            if known in fields[3].split(",") and (number := _number(fields[2])) is not None
        ]
    for wanted in group_add:
        if groups_text is None:
            groups_text = _groups(root)
        extra.append(_group(groups_text, wanted))
    return Identity(uid, gid, tuple(dict.fromkeys([gid, *extra])), home or "/")


def highest_id(root: Root) -> int:
    """The largest user or group that the image's files name, nobody's 65534 aside."""
    found = 0
    for path, least, places in (("/etc/passwd", 6, (2, 3)), ("/etc/group", 4, (2,))):
        for fields in _lines(root, path, least):
            numbers = (_number(fields[place]) for place in places)
            found = max(found, *(n for n in numbers if n is not None and n != _NOBODY), 0)
    return found


def _identifier(text: str) -> int:
    number = int(text)
    if number > MAXIMUM_ID:
        raise SystemFailure(_RANGE)
    return number


def _refuse_negative(text: str) -> None:
    """Docker's text for a negative number; -0 is none, and stays a name that nobody has."""
    if text.startswith("-") and _DECIMAL.fullmatch(text[1:]) and int(text):
        raise SystemFailure(_RANGE)


def _number(text: str) -> int | None:
    if not _DECIMAL.fullmatch(text):
        return None
    number = int(text)
    return number if number <= MAXIMUM_ID else None


def numberlike(text: str) -> bool:
    """Would some program read this as a number, though it is not plain decimal?"""
    if _DECIMAL.fullmatch(text):
        return False
    if text.strip().isnumeric():
        return True
    for read in (int, lambda t: int(t, 0), float):
        try:
            read(text.strip())
        except ValueError:
            continue
        except OverflowError:
            return True
        return text.strip().lower().lstrip("+-") not in ("nan", "inf", "infinity")
    return False


def _passwd(root: Root, name: str) -> tuple[str, int, int, str] | None:
    """(name, uid, gid, home) of the first matching line; "" matches uid 0."""
    wanted = 0 if not name else _number(name)
    if wanted is None and (numberlike(name) or _DECIMAL.fullmatch(name)):
        return None
    for fields in _lines(root, "/etc/passwd", 6):
        uid, gid = _number(fields[2]), _number(fields[3])
        if uid is None or gid is None or not fields[0]:
            continue
        if uid == wanted if wanted is not None else fields[0] == name:
            return fields[0], uid, gid, fields[5]
    return None


def _groups(root: Root) -> list[list[str]]:
    return list(_lines(root, "/etc/group", 4))


def _group(groups: list[list[str]], wanted: str) -> int:
    if _DECIMAL.fullmatch(wanted):
        return _identifier(wanted)
    _refuse_negative(wanted)
    if not numberlike(wanted):
        for fields in groups:
            number = _number(fields[2])
            if fields[0] == wanted and number is not None:
                return number
    raise SystemFailure(f"unable to find group {wanted}: no matching entries in group file")


def _lines(root: Root, path: str, least: int) -> Iterator[list[str]]:
    for line in _read(root, path).split(b"\n"):
        if len(line) > _LINE or line.startswith((b"#", b"+", b"-")):
            continue
        fields = line.decode("utf-8", "surrogateescape").rstrip("\r").split(":")
        if len(fields) >= least:
            yield fields


def _read(root: Root, path: str) -> bytes:
    """At most `_BOUND` bytes; b"" when absent, not a regular file, or a link that leads nowhere."""
    try:
        fd = root.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return b""
        chunks, left = [], _BOUND
        while left > 0:
            chunk = os.read(fd, min(left, 1 << 16))
            if not chunk:
                break
            chunks.append(chunk)
            left -= len(chunk)
        return b"".join(chunks)
    except OSError:
        return b""
    finally:
        os.close(fd)
