"""The files of many Debian packages as one archive.

/bin, /lib, /lib64 and /sbin are links into /usr (merged /usr), so members below them are renamed.
Source: deb(5); Debian's merged-/usr layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from orlop.image import ar
from orlop.storage import compression, tar
from orlop.storage.pack import DIRECTORY, END, LINK, SYMLINK, Header, padding

_MERGED = (b"bin", b"lib", b"lib32", b"lib64", b"libx32", b"sbin")


def merged(debs: Sequence[Path]) -> Iterator[bytes]:
    """One archive with every package's data. Raises InvalidArgument for a damaged package."""
    folders: set[bytes] = set()
    links: set[bytes] = set()
    for deb in debs:
        with deb.open("rb") as file:
            reader = tar.TarReader(compression.decompressed(ar.member(file, "data.tar")))
            while (entry := reader.next()) is not None:
                yield from _links(entry.name, folders, links)
                header = _header(entry)
                if not header.name or (header.type == DIRECTORY and header.name in folders):
                    continue
                if header.type == DIRECTORY:
                    folders.add(header.name)
                yield header.encode()
                yield from reader.data()
                if header.size % tar.BLOCK:
                    yield padding(header.size)
    yield END


def _links(name: bytes, folders: set[bytes], links: set[bytes]) -> Iterator[bytes]:
    """The link /lib -> usr/lib, before the first member below it."""
    top = _clean(name).partition(b"/")[0]
    if top not in _MERGED or top in links:
        return
    links.add(top)
    for folder in (b"usr/", b"usr/" + top + b"/"):
        if folder not in folders:
            folders.add(folder)
            yield Header(folder, mode=0o755, type=DIRECTORY).encode()
    yield Header(top, mode=0o777, type=SYMLINK, link=b"usr/" + top).encode()


def _header(entry: tar.Entry) -> Header:
    name = _moved(_clean(entry.name))
    kind = tar.FILE if entry.type in (b"\0", b"7") else entry.type
    if kind == DIRECTORY and name:
        name += b"/"
    link = _moved(_clean(entry.link)) if kind == LINK else entry.link
    return Header(
        name,
        mode=entry.mode,
        uid=entry.uid,
        gid=entry.gid,
        size=entry.size,
        mtime_ns=entry.mtime_ns,
        type=kind,
        link=link,
        major=entry.major,
        minor=entry.minor,
    )


def _clean(name: bytes) -> bytes:
    while name.startswith((b"./", b"/")):
        name = name[2:] if name.startswith(b"./") else name[1:]
    return b"" if name == b"." else name.rstrip(b"/")


def _moved(name: bytes) -> bytes:
    top = name.partition(b"/")[0]
    return b"usr/" + name if top in _MERGED else name
