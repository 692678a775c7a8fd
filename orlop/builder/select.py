"""Which items a COPY or ADD means: wildcards, exclusions, `--parents`; and their content's digest.

Pure over a `Source`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from orlop.builder.source import DIRECTORY, FILE, LINK, Item, Source, clean, resolve
from orlop.errors import InvalidArgument
from orlop.oci.glob import glob_match
from orlop.oci.ignore import Ignore

_WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Picked:
    """One top item: a file, or a directory whose content is meant."""

    item: Item
    name: str  # what a file is called at a destination that is a directory
    parents: str = ""  # directories to make first (`--parents`)


def has_wildcards(path: str) -> bool:
    """A character that Go's filepath.Match reads specially and that is not escaped."""
    at = 0
    while at < len(path):
        if path[at] == "\\":
            at += 1
        elif path[at] in _WILD:
            return True
        at += 1
    return False


def pick(source: Source, path: str, *, parents: bool = False) -> list[Picked]:
    """Raises LookupError with the path for one that is not there (not for a wildcard)."""
    pivot, rest = "", path
    if parents and "/./" in path:
        pivot, rest = path.split("/./", 1)
        path = f"{pivot}/{rest}"
    if not has_wildcards(path):
        found = resolve(source, path)
        if found is None:
            raise LookupError(path)
        return [_picked(found, path, pivot, parents)]
    out = []
    for matched in sorted(set(_match(source, clean(path)))):
        found = resolve(source, matched)
        if found is not None:
            out.append(_picked(found, matched, pivot, parents))
    return out


def _picked(found: Item, path: str, pivot: str, parents: bool) -> Picked:
    name = clean(path).rpartition("/")[2]
    if not parents:
        return Picked(found, name)
    inner = clean(path)
    if pivot:
        inner = inner.removeprefix(clean(pivot)).lstrip("/")
    above, _, name = inner.rpartition("/")
    if found.kind == DIRECTORY:
        above, name = inner, ""
    return Picked(found, name, above)


def _match(source: Source, pattern: str) -> Iterator[str]:
    """Paths that a pattern matches, component by component; `**` is as `*`."""
    found = [""]
    for part in pattern.split("/"):
        following = []
        for folder in found:
            inside = resolve(source, folder)
            if inside is None or inside.kind != DIRECTORY:
                continue
            if not has_wildcards(part):
                names = [part.replace("\\", "")]
                if source.item(clean(f"{inside.path}/{names[0]}")) is None:
                    continue
            else:
                names = [n for n in source.names(inside.path) if _glob(part, n)]
            following += [f"{folder}/{name}".lstrip("/") for name in names]
        found = following
    yield from found


def _glob(pattern: str, name: str) -> bool:
    try:
        return glob_match(pattern, name)
    except InvalidArgument:
        raise InvalidArgument(f"invalid pattern: {pattern}: syntax error in pattern") from None


def walk(source: Source, top: Item, ignore: Ignore | None = None) -> Iterator[tuple[str, Item]]:
    """(path below `top`, item) of everything in it: parents first, sorted."""
    stack: list[tuple[str, str]] = [("", top.path)]
    while stack:
        below, path = stack.pop()
        pending = []
        for name in source.names(path):
            where = f"{below}/{name}" if below else name
            item = source.item(f"{path}/{name}" if path else name)
            if item is None:
                continue
            left_out = ignore is not None and ignore.ignored(where)
            if not left_out:
                yield where, item
            if item.kind == DIRECTORY and not (left_out and not _may_keep(ignore)):
                pending.append((where, item.path))
        stack += pending[::-1]


def _may_keep(ignore: Ignore | None) -> bool:
    return ignore is not None and ignore.exclusions


def describe(source: Source, item: Item) -> list[object]:
    """What of an item is its content: no time, no owner of a client's file."""
    out: list[object] = [item.kind, item.mode if item.kind != LINK else 0]
    if item.kind == FILE:
        out += [item.size, item.digest or source.digest(item)]
        if item.xattrs:
            out.append([[k, v.hex()] for k, v in item.xattrs])
    elif item.kind == LINK:
        out.append(item.link)
    if source.owned:
        out += [item.uid, item.gid]
    return out


def contents(
    source: Source, picked: list[Picked], ignore: Ignore | None = None
) -> dict[str, list[object]]:
    """Path → description of everything that is meant: what a cache key and `--explain` need."""
    out: dict[str, list[object]] = {}
    for one in picked:
        prefix = one.item.path
        if one.item.kind != DIRECTORY:
            if ignore is None or not ignore.ignored(one.name):
                out[prefix] = [one.name, one.parents, *describe(source, one.item)]
            continue
        out[f"{prefix}/"] = [one.parents]
        for below, item in walk(source, one.item, ignore):
            out[f"{prefix}/{below}"] = describe(source, item)
    return out


def digest_of(found: dict[str, list[object]]) -> str:
    text = json.dumps(sorted(found.items()), ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
