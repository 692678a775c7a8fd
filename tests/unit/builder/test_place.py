"""What COPY makes in a tree, on descriptors."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def test_a_copy_failed_where_no_attributes_can_be_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on FUSE filesystems that know none."""

    def without(path: int) -> list[str]:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "listxattr", without)
    tree = tmp_path / "tree"
    tree.mkdir()
    source = Context(tmp_path)
    source.add_file("f", b"content")
    with Root(tree) as root:
        placing = Placing(root, source, (os.getuid(), os.getgid()), Chmod(""), apart=True)
        item = source.item("f")
        assert item is not None
        placing.place(Picked(item, "f"), "/", into=True)
        placing.finish()
        placing.close()
    source.close()
    assert (tree / "f").read_bytes() == b"content"


def test_files_go_straight_into_a_directory_that_hands_its_group_on_by_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was looked at when it was opened; a later source of the same COPY sets the bit."""
    tree, spool = tmp_path / "tree", tmp_path / "spool"
    tree.mkdir()
    spool.mkdir()
    source = Context(spool)
    for top, mode in (("a", 0o755), ("b", 0o2755)):
        source.put(Item(top, DIRECTORY, 0o755))
        source.put(Item(f"{top}/sub", DIRECTORY, mode))
        source.add_file(f"{top}/sub/of-{top}", b"content")
    source.settle()
    apart: list[bytes] = []
    make = elsewhere.Elsewhere.make

    def seen(self: elsewhere.Elsewhere, fd: int, name: bytes, how: Any) -> int:
        apart.append(name)
        return make(self, fd, name, how)

    monkeypatch.setattr(elsewhere.Elsewhere, "make", seen)
    with Root(tree) as root:
        placing = Placing(root, source, (os.getuid(), os.getgid()), Chmod(""), apart=True)
        for top in ("a", "b"):
            item = source.item(top)
            assert item is not None
            placing.place(Picked(item, top), "/", into=True)
        placing.finish()
        placing.close()
    source.close()
    assert sorted(os.listdir(tree / "sub")) == ["of-a", "of-b"]
    assert apart == [b"of-a"]
