from __future__ import annotations

import io
import os
import socket
import tarfile
from pathlib import Path

import pytest

from orlop.cli import tarwriter
from orlop.cli.failure import Failure
from orlop.client.transport import Connection, FromFile, Unreadable


@pytest.mark.parametrize("name", ["a", "d/é", "x" * 100, "x" * 101, "d/" * 60 + "f"])
@pytest.mark.parametrize(
    ("mode", "owner", "mtime"),
    [(0o644, 0, 1_700_000_000), (0o755, 5, 0), (0o4600, 8**7, 8**11), (0o600, 1, -5)],
)
def test_a_header_is_read_back(
    tmp_path: Path, name: str, mode: int, owner: int, mtime: int
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"content")
    info = os.stat_result((0o100000 | mode, 0, 0, 1, owner, owner, 7, 0, mtime, 0))
    data = tarwriter.header(name, info, b"0", b"", 7, str(path)) + b"content".ljust(512, b"\0")
    with tarfile.open(fileobj=io.BytesIO(data + bytes(1024))) as archive:
        (member,) = archive
        assert (member.name, member.mode, member.uid, member.size) == (name, mode, owner, 7)
        assert (member.gid, int(member.mtime), member.type) == (owner, mtime, b"0")
        file = archive.extractfile(member)
        assert file is not None
        assert file.read() == b"content"


def test_the_short_way_writes_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = os.stat_result((0o100640, 0, 0, 1, 1000, 50, 7, 0, 1_700_000_000, 0))
    arguments = ("some/name", info, b"0", b"", 123456, str(tmp_path))
    short = tarwriter.header(*arguments)
    monkeypatch.setattr(tarwriter, "_is_plain", lambda *_: False)
    assert tarwriter.header(*arguments) == short


class Sink:
    """A connection that keeps what is sent, and no socket."""

    sock = None

    def __init__(self) -> None:
        self.got = b""

    def send(self, data: bytes) -> None:
        self.got += data


def test_large_files_are_left_to_the_connection(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    sizes = {"a": 10, "b": 1 << 20, "c": (3 << 20) + 7, "d": 0}
    for name, size in sizes.items():
        (top / name).write_bytes(os.urandom(size))
    sink = Sink()
    large = 0
    for piece in tarwriter.pack(str(top), "called", follow=False):
        if isinstance(piece, bytes):
            sink.send(piece)
        else:
            large += 1
            piece.send(sink)  # type: ignore[arg-type]
    assert large == 2
    with tarfile.open(fileobj=io.BytesIO(sink.got)) as archive:
        assert archive.getnames() == ["called", *(f"called/{name}" for name in sizes)]
        for name in sizes:
            file = archive.extractfile(f"called/{name}")
            assert file is not None
            assert file.read() == (top / name).read_bytes()


BROKEN = "/sys/class/net/lo/speed"  # 4096 bytes by its status, and every read fails


def test_a_file_that_cannot_be_read_is_no_shorter_archive() -> None:
    """The archive went on without the bytes that its header had promised, and all seemed well."""
    with pytest.raises(Failure, match=f"read {BROKEN}: invalid argument"):
        list(tarwriter.pack(BROKEN, "called", follow=False))


@pytest.mark.parametrize("plain", [True, False])
def test_a_large_file_that_cannot_be_read(plain: bool) -> None:
    """Left to the kernel, it was a lost connection."""
    ours, theirs = socket.socketpair()
    fd = os.open("/", os.O_RDONLY)  # which sendfile and read refuse
    piece = FromFile(fd, 10, "some/file")
    with ours, theirs, pytest.raises(Unreadable, match="read some/file: is a directory"):
        piece.send(Connection(ours) if plain else Sink())  # type: ignore[arg-type]
    os.close(fd)
