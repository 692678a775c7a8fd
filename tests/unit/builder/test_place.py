"""What COPY makes in a tree, on descriptors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.builder.context import Context
from orlop.builder.modes import Chmod
from orlop.builder.place import Placing
from orlop.builder.select import Picked
from orlop.builder.source import DIRECTORY, FILE, Item
from orlop.paths import Root
from orlop.storage import elsewhere


class Failing(Context):
    """A context whose last file cannot be read."""

    def read(self, item: Item) -> Iterator[bytes]:
        if item.path == "d/f99":
            raise OSError("broken")
        yield b""


def test_a_copy_that_fails_leaves_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mkdir_apart(directory: int, name: bytes) -> bool:
        os.mkdir(name, 0o700, dir_fd=directory)
        return True

    monkeypatch.setattr(elsewhere, "_DEAR", -1)
    monkeypatch.setattr(elsewhere, "mkdir_apart", mkdir_apart)
    tree, spool = tmp_path / "tree", tmp_path / "spool"
    tree.mkdir()
    spool.mkdir()
    source = Failing(spool)
    for item in (Item("d", DIRECTORY, 0o755), *(Item(f"d/f{n}", FILE, 0o644) for n in range(100))):
        source.put(item)
    source.settle()
    with Root(tree) as root:
        before = os.listdir("/proc/self/fd")
        placing = Placing(root, source, (os.getuid(), os.getgid()), Chmod(""), apart=True)
        top = source.item("d")
        assert top is not None
        with pytest.raises(OSError, match="broken"):
            placing.place(Picked(top, "d"), "/", into=True)
        placing.close()
        assert os.listdir("/proc/self/fd") == before
    source.close()
    assert [name for name in os.listdir(tree) if name.startswith(".orlop-")]  # it went elsewhere
