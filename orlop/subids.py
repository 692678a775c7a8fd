"""/etc/subuid and /etc/subgid: which IDs of the host a user may hand out (subuid(5)).

remap("default" | "USER[:GROUP]")  -> the mapping of userns-remap, by dockerd's rules and words
"""

from __future__ import annotations

import grp
import pwd
from pathlib import Path

from orlop.errors import InvalidArgument, SystemFailure
from orlop.oci.idmap import IDMap, Range

UIDS, GIDS = Path("/etc/subuid"), Path("/etc/subgid")
DEFAULT = "dockremap"
_LARGEST = 1 << 32


def ranges(path: Path, *names: str) -> list[tuple[int, int]]:
    """(first, count) of every line that names one of `names`, in the file's order."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    out = []
    for line in text.splitlines():
        fields = line.strip().split(":")
        if len(fields) != 3 or fields[0] not in names:
            continue
        if all(f.isascii() and f.isdigit() and len(f) <= 10 for f in fields[1:]):
            first, count = int(fields[1]), int(fields[2])
            if count and first + count <= _LARGEST:
                out.append((first, count))
    return out


def stacked(found: list[tuple[int, int]]) -> tuple[Range, ...]:
    """The ranges one behind the other, from 0 on."""
    out, inside = [], 0
    for first, count in found:
        out.append((inside, first, count))
        inside += count
    return tuple(out)


def remap(text: str, uids: Path = UIDS, gids: Path = GIDS) -> IDMap | None:
    """None for "" and for root, who is mapped to itself. Raises InvalidArgument, SystemFailure."""
    if not text:
        return None
    user, colon, group = text.partition(":")
    if ":" in group:
        raise InvalidArgument(f'Invalid user/group specification in --userns-remap: "{text}"')
    name, number = _user(DEFAULT if text == "default" else user, default=text == "default")
    if colon:
        _check_group(group)
    if number == 0:
        return None
    found = []
    for kind, path in (("subuid", uids), ("subgid", gids)):
        own = ranges(path, name) or ranges(path, str(number))
        if not own:
            raise SystemFailure(
                f'Can\'t create ID mappings: no {kind} ranges found for user "{name}"; add a line '
                f"such as {name}:231072:65536 to {uids} and {gids}"
            )
        found.append(stacked(own))
    return IDMap(*found)


def _user(text: str, *, default: bool) -> tuple[str, int]:
    try:
        if text.isascii() and text.isdigit():
            entry = pwd.getpwuid(int(text))
        else:
            entry = pwd.getpwnam(text)
    except (KeyError, OverflowError, ValueError):
        hint = f"; make it: useradd --system {text}" if default else ""
        if text.isascii() and text.isdigit() and len(text) < 11:
            raise SystemFailure(
                f"Uid {text} has no entry in /etc/passwd: getent unable to find entry "
                f'"{text}" in passwd database'
            ) from None
        raise SystemFailure(
            f'Error during uid lookup for "{text}": getent unable to find entry "{text}" in '
            f"passwd database{hint}"
        ) from None
    return entry.pw_name, entry.pw_uid


def _check_group(text: str) -> None:
    try:
        if text.isascii() and text.isdigit():
            grp.getgrgid(int(text))
        else:
            grp.getgrnam(text)
    except (KeyError, OverflowError, ValueError):
        raise SystemFailure(
            f'Error during groupname lookup for "{text}": getent unable to find entry "{text}" '
            "in group database"
        ) from None
