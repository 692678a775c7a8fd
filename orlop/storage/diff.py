"""The changes of a container as a layer archive (OCI image-spec `layer.md`)."""

from __future__ import annotations

import os
from collections.abc import Iterator

from orlop.paths import Root
from orlop.storage.changes import DELETED, Change
from orlop.storage.pack import END, Header, entry

_WHITEOUT = b".wh."


def diff_tar(upper: Root, changes: list[Change]) -> Iterator[bytes]:
    """`changes` sorted by path; contents come from the upper directory. The same changes give the
    same bytes: whiteouts carry no time."""
    seen: dict[tuple[int, int], bytes] = {}
    for change in changes:
        path = os.fsencode(change.path).lstrip(b"/")
        if change.kind == DELETED:
            head, slash, name = path.rpartition(b"/")
            yield Header(head + slash + _WHITEOUT + name, mode=0).encode()
            continue
        try:
            fd = upper.opath(path, follow=False)
        except FileNotFoundError:
            continue  # a running container that was not frozen removed it
        try:
            yield from entry(fd, os.fstat(fd), path, seen)
        finally:
            os.close(fd)
    yield END
