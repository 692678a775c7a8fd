"""A context by its index: orlop's CLI tells and sends, the builder knows and asks."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orlop.builder import index
from orlop.builder.context import Context
from orlop.cli import buildindex
from orlop.cli.buildcontext import Directory
from orlop.errors import InvalidArgument, SystemFailure

OLD = (
    b"f 644 1 2 3 4 s1 - a\0d 755 0 0 0 0 - - d\0l 777 0 0 0 0 - - d/l//../a\0"
    b"h 644 0 0 0 0 - - h//a\0"
)


def framed(*contents: bytes) -> io.BytesIO:
    return io.BytesIO(b"".join(len(one).to_bytes(8, "big") + one for one in contents))


def text(context: Context, path: str) -> bytes:
    item = context.item(path)
    assert item is not None
    assert item.digest == hashlib.sha256(context.content(item, 1 << 20)).hexdigest()
    return context.content(item, 1 << 20)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    with closing(Context(tmp_path)) as made:
        yield made


def test_what_was_told_is_there(context: Context) -> None:
    assert index.read(context, OLD) == [0]
    index.fill(context, framed(b"content"))
    assert text(context, "a") == text(context, "h") == b"content"
    found = context.item("a")
    assert found is not None
    assert (found.mode, found.uid, found.gid, found.size, found.mtime_ns) == (0o644, 1, 2, 7, 3)
    link = context.item("d/l")
    assert link is not None
    assert (link.kind, link.link) == ("l", "../a")


def test_a_full_disk_made_known_files_empty(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was in memory when the disk was full was lost, and the next build took it."""
    told = b"f 644 0 0 0 0 s1 - a\0"
    assert index.read(context, told + b"f 644 0 0 0 0 s2 - b\0") == [0, 1]

    def full(fd: int, data: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space left"):
            index.fill(context, framed(b"content", bytes(8 << 20)))
    with closing(context.again()) as again:
        assert index.read(again, told) == []
        index.fill(again, framed())
        assert text(again, "a") == b"content"


@pytest.mark.parametrize(
    ("record", "known"),
    [
        (b"f 644 1 2 3 4 s1 - a\0", True),
        (b"f 644 1 2 3 4 s2 - a\0", False),  # changed since
        (b"f 644 1 2 9 4 s1 - a\0", False),  # another time
        (b"f 755 1 2 3 4 s1 - a\0", False),
        (b"f 644 1 2 3 4 s1 - b\0", False),
        (b"f 644 1 2 3 4 - - a\0", False),
    ],
)
def test_only_the_same_record_is_known_again(context: Context, record: bytes, known: bool) -> None:
    index.read(context, OLD)
    index.fill(context, framed(b"content"))
    again = context.again()
    with closing(again):
        assert index.read(again, record) == ([] if known else [0])
        if known:
            index.fill(again, framed())
            assert text(again, "a") == b"content"
            assert again.item("d") is None


def test_without_a_stamp_a_file_is_sent_each_time(context: Context) -> None:
    for _ in range(2):
        assert index.read(context, b"f 644 0 0 0 1 - - a\0") == [0]
        index.fill(context, framed(b"x"))


def test_what_is_left_out_of_a_build_is_known_to_the_next(context: Context) -> None:
    index.read(context, OLD)
    index.fill(context, framed(b"content"))
    context.forget("a")
    with closing(context.again()) as again:
        assert index.read(again, OLD) == []
        assert text(again, "a") == text(again, "h") == b"content"


def test_half_a_transfer_is_known_as_far_as_it_came(context: Context) -> None:
    told = b"f 644 0 0 0 1 s - a\0f 644 0 0 0 9 s - b\0"
    index.read(context, told)
    with pytest.raises(SystemFailure, match="unexpected EOF"):
        index.fill(context, io.BytesIO(framed(b"1").getvalue() + (9).to_bytes(8, "big") + b"23"))
    with closing(context.again()) as again:
        assert index.read(again, told) == [1]
        index.fill(again, framed(b"two"))
        assert (text(again, "a"), text(again, "b")) == (b"1", b"two")


@pytest.mark.parametrize(
    "record",
    [
        b"f 644 0 0 0 1 s - ../a", b"f 644 0 0 0 1 s - /a", b"f 644 0 0 0 1 s - ", b"x", b"",
        b"f 644 0 0 0 1 s - a//b", b"l 777 0 0 0 0 - - a", b"z 644 0 0 0 1 s - a",
        b"f 99999 0 0 0 1 s - a", b"f 644 -1 0 0 1 s - a", b"f 644 0 4294967295 0 1 s - a",
        b"f 644 0 0 0 -1 s - a", b"f 644 0 0 0 1 s zz a", b"f 644 0 0 0 1 s " + b"00" * 25 + b" a",
        b"h 644 0 0 0 0 - - a//b", b"d 755 0 0 0 0 - - d\0h 644 0 0 0 0 - - a//d",
        b"f 644 0 0 0 1 s - f\0h 644 0 0 0 0 - - a//f\0h 644 0 0 0 0 - - b//a",
    ],
)  # fmt: skip
def test_what_is_no_index_is_refused(context: Context, record: bytes) -> None:
    with pytest.raises(InvalidArgument):
        index.read(context, record + b"\0")


def test_a_file_of_no_possible_size(context: Context) -> None:
    index.read(context, b"f 644 0 0 0 1 s - a\0")
    with pytest.raises(InvalidArgument):
        index.fill(context, io.BytesIO(b"\xff" * 8))


# --- what the CLI tells of real files --------------------------------------------------------


class Engine:
    """The daemon's side of two builds of a directory."""

    def __init__(self, spool: Path) -> None:
        self.context = Context(spool)
        self.sent: list[str] = []

    def build(self, *parts: tuple[str, Directory]) -> Context:
        told = buildindex._Index()
        for prefix, directory in parts:
            told.add(prefix, directory)
        self.context = self.context.again()
        numbers = index.read(self.context, b"".join(told.records))
        self.sent = [os.path.basename(str(told.files[n])) for n in numbers if n in told.files]
        body = b"".join(buildindex._Contents(told.files, [[n, n] for n in numbers]))
        index.fill(self.context, io.BytesIO(body))
        return self.context


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path)
    yield made
    made.context.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(buildindex, "_RACY", -(10**15))  # nothing is too fresh
    made = tmp_path / "context"
    (made / "d").mkdir(parents=True)
    (made / "Dockerfile").write_text("FROM scratch\n")
    (made / "d" / "f").write_text("one")
    (made / "d" / "big").write_bytes(b"b" * (600 << 10))
    os.link(made / "d" / "f", made / "hard")
    (made / "link").symlink_to("d/f")
    return made


def test_unchanged_files_are_not_sent_again(engine: Engine, folder: Path) -> None:
    found = engine.build(("", Directory(str(folder), "")))
    assert sorted(engine.sent) == ["Dockerfile", "big", "hard"]
    assert text(found, "d/f") == text(found, "hard") == b"one"
    assert text(found, "d/big") == b"b" * (600 << 10)
    found = engine.build(("", Directory(str(folder), "")))
    assert engine.sent == []
    assert text(found, "d/f") == text(found, "hard") == b"one"


def test_a_change_that_keeps_size_and_time_is_seen(engine: Engine, folder: Path) -> None:
    engine.build(("", Directory(str(folder), "")))
    before = (folder / "d" / "big").stat()
    (folder / "d" / "big").write_bytes(b"c" * (600 << 10))
    os.utime(folder / "d" / "big", ns=(before.st_atime_ns, before.st_mtime_ns))
    after = (folder / "d" / "big").stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    found = engine.build(("", Directory(str(folder), "")))
    assert engine.sent == ["big"]
    assert text(found, "d/big") == b"c" * (600 << 10)


def test_what_changed_just_now_is_not_trusted(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buildindex, "_RACY", 10**15)  # everything is too fresh
    for _ in range(2):
        engine.build(("", Directory(str(folder), "")))
        assert sorted(engine.sent) == ["Dockerfile", "big", "hard"]


def test_a_file_that_grew_or_shrank_meanwhile(engine: Engine, folder: Path) -> None:
    told = buildindex._Index()
    told.add("", Directory(str(folder), ""))
    (folder / "d" / "big").write_bytes(b"x" * (300 << 10))
    (folder / "Dockerfile").write_text("FROM scratch\n# longer than it was\n")
    numbers = index.read(engine.context, b"".join(told.records))
    body = b"".join(buildindex._Contents(told.files, [[n, n] for n in numbers]))
    index.fill(engine.context, io.BytesIO(body))
    assert text(engine.context, "d/big") == b"x" * (300 << 10)
    assert text(engine.context, "Dockerfile").endswith(b"longer than it was\n")
    assert text(engine.context, "hard") == b"one"


def test_ignored_and_named(engine: Engine, folder: Path, tmp_path: Path) -> None:
    (folder / ".dockerignore").write_text("d/big\nlink\n")
    (folder / "fifo").unlink(missing_ok=True)
    os.mkfifo(folder / "fifo")
    other = tmp_path / "other"
    other.mkdir()
    (other / "o").write_text("other")
    (other / "o").chmod(0o755)
    named = Directory(str(other), "", bare=True)
    outside = tmp_path / "Outside"
    outside.write_text("FROM busybox\n")
    main = Directory(str(folder), str(outside))
    for sent in (5, 0):
        found = engine.build(("", main), ("part/", named))
        assert len(engine.sent) == sent
        assert found.item("d/big") is found.item("link") is None
        assert text(found, main.name) == b"FROM busybox\n"
        assert text(found, "part/o") == b"other"
    item = found.item("part/o")
    assert item is not None
    assert stat.S_IMODE(item.mode) == 0o755


@pytest.mark.parametrize("size", [0, 1, 5000, (1 << 18) - 1, 1 << 18, 600_000])
def test_a_filesystem_that_reads_in_short_pieces_loses_nothing(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    real = os.read
    monkeypatch.setattr(
        os, "read", lambda fd, most: real(fd, min(most, 100_003 if size > 5000 else 999))
    )
    sent = b"".join(buildindex._content(str(tmp_path / "file")))
    assert sent == size.to_bytes(8, "big") + content
