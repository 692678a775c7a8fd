"""Archives out of and into directories: what goes out comes back, and nothing leaves."""

from __future__ import annotations

import io
import os
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.cli import untar
from orlop.cli.buildcontext import Spooled
from orlop.cli.failure import Failure
from orlop.cli.tarwriter import pack


def _tree(base: Path) -> Path:
    top = base / "src"
    (top / "sub" / ("d" * 120)).mkdir(parents=True)
    (top / "file").write_text("content")
    (top / "empty").write_text("")
    os.link(top / "file", top / "hard")
    os.symlink("file", top / "link")
    os.symlink("x" * 150, top / "far")
    (top / "sub" / ("d" * 120) / ("n" * 200)).write_text("deep")
    os.mkfifo(top / "pipe")
    (top / "file").chmod(0o4750)
    os.utime(top / "file", (1000, 1000))
    return top


def test_an_archive_is_read_back_by_others(tmp_path: Path) -> None:
    top = _tree(tmp_path)
    data = b"".join(pack(str(top), "called", False))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = {m.name: m for m in tar}
        assert members["called/file"].mode == 0o4750
        assert members["called/file"].mtime == 1000
        assert tar.extractfile("called/file").read() == b"content"  # type: ignore[union-attr]
        assert members["called/hard"].islnk()
        assert members["called/hard"].linkname == "called/file"
        assert members["called/link"].linkname == "file"
        assert members["called/far"].linkname == "x" * 150
        assert members["called/pipe"].isfifo()
        deep = f"called/sub/{'d' * 120}/{'n' * 200}"
        assert tar.extractfile(deep).read() == b"deep"  # type: ignore[union-attr]
    assert len(data) % 512 == 0


def test_a_tree_goes_out_and_comes_back(tmp_path: Path) -> None:
    top = _tree(tmp_path)
    (tmp_path / "to").mkdir()
    untar.unpack(iter(pack(str(top), "called", False)), str(tmp_path / "to"), "called", "new")
    found = tmp_path / "to/new"
    assert (found / "file").read_text() == "content"
    assert (found / "file").stat().st_mode & 0o7777 == 0o4750
    assert (found / "hard").stat().st_ino == (found / "file").stat().st_ino
    assert os.readlink(found / "link") == "file"


def _archive(*members: tuple[str, bytes, str]) -> bytes:
    """(name, type, link or content)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, kind, text in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
            else:
                info.linkname = text
                tar.addfile(info)
    return stream.getvalue()


@pytest.mark.parametrize(
    "members",
    [
        [("t/../../out", tarfile.REGTYPE, "evil")],
        [("t/l", tarfile.SYMTYPE, ".."), ("t/l/out", tarfile.REGTYPE, "evil")],
        [("t/l", tarfile.SYMTYPE, "/"), ("t/l/tmp/out", tarfile.REGTYPE, "evil")],
        [("t/h", tarfile.LNKTYPE, "t/../../outside")],
        [("t/l", tarfile.SYMTYPE, "../.."), ("t/h", tarfile.LNKTYPE, "t/l/outside")],
    ],
)
def test_an_archive_does_not_leave_its_directory(
    members: list[tuple[str, bytes, str]], tmp_path: Path
) -> None:
    inside = tmp_path / "a/b"
    inside.mkdir(parents=True)
    (tmp_path / "outside").write_text("secret")
    with pytest.raises(Failure):
        untar.unpack(iter([_archive(*members)]), str(inside), "t", "t")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "a/out").exists()


def test_a_member_replaces_a_link_instead_of_following_it(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "outside").write_text("secret")
    data = _archive(("t", tarfile.SYMTYPE, "../outside"), ("t", tarfile.REGTYPE, "new"))
    untar.unpack(iter([data]), str(inside), "t", "t")
    assert (tmp_path / "outside").read_text() == "secret"
    assert (inside / "t").read_text() == "new"


@pytest.mark.parametrize("size", [1, 7, 511, 512, 513, 4096])
def test_the_pieces_that_come_may_be_of_any_size(size: int, tmp_path: Path) -> None:
    data = b"".join(pack(str(_tree(tmp_path)), "called", False)) + b"more behind the end"
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    (tmp_path / "to").mkdir()
    assert untar.unpack(pieces, str(tmp_path / "to"), "called", "new") == len(data)
    found = tmp_path / "to/new"
    assert (found / "file").read_text() == "content"
    assert (found / "empty").read_text() == ""
    assert os.readlink(found / "far") == "x" * 150
    assert (found / "sub" / ("d" * 120) / ("n" * 200)).read_text() == "deep"


@pytest.mark.parametrize("kept", [0, 300, 512, 700, 1030, 1536, 1800])
def test_an_archive_that_ends_early_is_said_to_be_damaged(kept: int, tmp_path: Path) -> None:
    data = _archive(("t", tarfile.REGTYPE, "x" * 600), ("u", tarfile.REGTYPE, "y"))
    with pytest.raises(Failure, match="the archive from the daemon is damaged: "):
        untar.unpack(iter([data[:kept]]), str(tmp_path), "t", "t")


def test_a_stream_for_several_platforms_is_not_held_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    piece = bytes(1 << 20)

    def pieces() -> Iterator[bytes]:
        for _ in range(64):
            yield piece

    tracemalloc.start()
    try:
        stream = Spooled(pieces())
        assert [sum(map(len, stream)) for _ in range(2)] == [64 << 20] * 2
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 << 20
    assert not list(tmp_path.iterdir())
    stream.close()
