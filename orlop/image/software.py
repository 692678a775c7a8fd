"""Which packages an image's files say are installed: dpkg, apk, pip. Nothing of it is run.

Sources: man 5 deb-control, Alpine's "Apk spec", PEP 376 and 566.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from orlop.paths import Root

_LIMIT = 64 << 20  # bytes of one database
_DEPTH = 7  # directories below the top in which Python's packages are looked for
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
_PYTHON = (b"site-packages", b"dist-packages")
_ELSEWHERE = (b"proc", b"sys", b"dev", b"run")


@dataclass(frozen=True, slots=True, order=True)
class Package:
    kind: str  # deb, apk, pypi
    name: str
    version: str
    architecture: str = ""
    licence: str = ""
    supplier: str = ""
    source: str = ""


def software(root: Root) -> list[Package]:
    """Sorted. A database that cannot be read as one counts as empty."""
    found = {*_dpkg(root), *_apk(root), *_pip(root)}
    return sorted(found)


def release(root: Root) -> dict[str, str]:
    """os-release: ID, VERSION_ID, …"""
    text = _text(root, "etc/os-release") or _text(root, "usr/lib/os-release")
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def _text(root: Root, path: str) -> str:
    try:
        fd = root.open(path, _READ)
    except OSError:
        return ""
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return ""
        return file.read(_LIMIT).decode("utf-8", "replace")


def _names(root: Root, path: str | bytes) -> list[bytes]:
    try:
        return root.names(path)
    except OSError:
        return []


def _dpkg(root: Root) -> Iterator[Package]:
    texts = [_text(root, "var/lib/dpkg/status")]
    for name in _names(root, "var/lib/dpkg/status.d"):  # as distroless images have it
        if not name.endswith(b".md5sums"):
            texts.append(_text(root, f"var/lib/dpkg/status.d/{os.fsdecode(name)}"))
    for text in texts:
        for paragraph in text.split("\n\n"):
            found = _fields(paragraph)
            state = found.get("Status", "install ok installed").split()
            if found.get("Package") and found.get("Version") and state[-1] == "installed":
                source = found.get("Source", "").partition(" ")[0]
                yield Package("deb", found["Package"], found["Version"],
                              found.get("Architecture", ""), "", found.get("Maintainer", ""),
                              source)  # fmt: skip


def _fields(paragraph: str) -> dict[str, str]:
    out: dict[str, str] = {}
    for line in paragraph.split("\n"):
        key, colon, value = line.partition(":")
        if colon and key and not key[0].isspace():
            out.setdefault(key, value.strip())
    return out


def _apk(root: Root) -> Iterator[Package]:
    for path in ("lib/apk/db/installed", "usr/lib/apk/db/installed"):
        for paragraph in _text(root, path).split("\n\n"):
            found = {line[0]: line[2:] for line in paragraph.split("\n") if line[1:2] == ":"}
            if found.get("P") and found.get("V"):
                more = (found.get(key, "") for key in "ALmo")
                yield Package("apk", found["P"], found["V"], *more)


def _pip(root: Root) -> Iterator[Package]:
    for folder in _python_folders(root):
        for name in _names(root, folder):
            if not name.endswith((b".dist-info", b".egg-info")):
                continue
            here = os.fsdecode(folder + b"/" + name)
            text = _text(root, f"{here}/METADATA") or _text(root, f"{here}/PKG-INFO")
            found = _fields(text.partition("\n\n")[0])
            if found.get("Name") and found.get("Version"):
                licence = found.get("License-Expression") or found.get("License", "")
                yield Package("pypi", found["Name"], found["Version"], "", licence,
                              found.get("Author", ""))  # fmt: skip


def _python_folders(root: Root) -> Iterator[bytes]:
    todo: list[tuple[bytes, int]] = [(b"", 0)]
    while todo:
        folder, depth = todo.pop()
        for name in _names(root, folder or b"."):
            path = folder + b"/" + name if folder else name
            if depth == 0 and name in _ELSEWHERE:
                continue
            try:
                directory = stat.S_ISDIR(root.stat(path).st_mode)
            except OSError:
                continue
            if directory and name in _PYTHON:
                yield path
            elif directory and depth < _DEPTH:
                todo.append((path, depth + 1))
