"""The context's index and spool."""

from __future__ import annotations

import io
import tarfile
import tracemalloc
from contextlib import closing
from pathlib import Path

from orlop.builder.context import Context

_HOLE = 48 << 20


def sparse(name: str, at: int, data: bytes, size: int) -> io.BytesIO:
    """A file of form GNU 0.0 in PAX: `data` at `at`, the rest a hole."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.pax_headers = {
        "GNU.sparse.size": str(size),
        "GNU.sparse.numblocks": "1",
        "GNU.sparse.offset": str(at),
        "GNU.sparse.numbytes": str(len(data)),
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(data))
    out.seek(0)
    return out


def test_holes_of_a_sparse_file_are_zeros(tmp_path: Path) -> None:
    with closing(Context(tmp_path)) as context:
        context.load(sparse("f", 5, b"data", 12))
        item = context.item("f")
        assert item is not None
        assert context.content(item, 100) == b"\0\0\0\0\0data\0\0\0"


def test_a_hole_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    with closing(Context(tmp_path)) as context:
        tracemalloc.start()
        try:
            context.load(sparse("f", _HOLE, b"end", _HOLE + 3))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert context.size == _HOLE + 3
        assert peak < _HOLE // 2
