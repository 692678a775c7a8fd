"""What `.gitmodules` says. Pure. Source: man 5 gitmodules."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from orlop.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Submodule:
    name: str  # of its section
    path: str
    url: str
    commit: str


def named(listed: bytes) -> dict[str, tuple[str, str]]:
    """path → (name, URL), of `git config -z --list`. What leads out of the tree is left out."""
    found: dict[str, dict[str, str]] = {}
    for record in listed.split(b"\0"):
        key, newline, value = os.fsdecode(record).partition("\n")
        section, _, rest = key.partition(".")
        name, _, what = rest.rpartition(".")
        if section == "submodule" and newline and what in ("path", "url"):
            found.setdefault(name, {})[what] = value
    return {
        one["path"]: (name, one["url"])
        for name, one in found.items()
        if one.get("url") and _inside(one.get("path", "")) and _inside(name)
    }


def _inside(path: str) -> bool:
    parts = path.split("/")
    return bool(path) and not any(part in ("", ".", "..", ".git") for part in parts)


def resolved(url: str, above: str) -> str:
    """A relative URL, from that of the repository above. Raises InvalidArgument."""
    if "#" in url or "?" in url or url.startswith("-"):
        raise InvalidArgument(f"invalid submodule URL: {url}")
    if not url.startswith(("./", "../")):
        return url
    base = above.rstrip("/")
    for part in url.split("/"):
        if part == "..":
            cut = re.fullmatch(r"(.*[^/:].*)[/:][^/:]+", base)
            if cut is None or base.endswith("/"):
                raise InvalidArgument(f"cannot strip one component off url '{above}'")
            base = cut[1]
        elif part not in ("", "."):
            base += "/" + part
    return base
