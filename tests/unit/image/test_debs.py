"""Packages as archives: ar, merged /usr, static binaries."""

from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

import pytest

from orlop.errors import InvalidArgument
from orlop.image.ar import member
from orlop.image.bootstrap_busybox import is_static
from orlop.image.debs import merged


def ar(*members: tuple[str, bytes]) -> bytes:
    out = b"!<arch>\n"
    for name, data in members:
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n"
        out += head.encode() + data + b"\n" * (len(data) % 2)
    return out


def deb(path: Path, **files: bytes) -> Path:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz", format=tarfile.GNU_FORMAT) as archive:
        for name, content in files.items():
            folder = tarfile.TarInfo("./" + name.rpartition("/")[0] + "/")
            folder.type = tarfile.DIRTYPE
            archive.addfile(folder)
            info = tarfile.TarInfo("./" + name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    path.write_bytes(
        ar(("debian-binary", b"2.0\n"), ("control.tar.gz", b"x"), ("data.tar.gz", data.getvalue()))
    )
    return path


def test_members_of_odd_length() -> None:
    file = io.BytesIO(ar(("a", b"odd"), ("data.tar", b"content")))
    assert member(file, "data.tar").read() == b"content"


@pytest.mark.parametrize("data", [b"", b"!<arch>\n", b"hello world" * 20, ar(("a", b"1"))[:-1]])
def test_no_such_member(data: bytes) -> None:
    with pytest.raises(InvalidArgument):
        member(io.BytesIO(data), "data.tar")


def test_packages_become_one_archive_with_merged_usr(tmp_path: Path) -> None:
    first = deb(tmp_path / "a.deb", **{"bin/sh": b"1", "etc/x": b"2"})
    second = deb(tmp_path / "b.deb", **{"usr/bin/y": b"3", "lib/z": b"4", "bin/w": b"5"})
    whole = io.BytesIO(b"".join(merged([first, second])))
    with tarfile.open(fileobj=whole) as archive:
        names = archive.getnames()
        links = {m.name: m.linkname for m in archive if m.issym()}
        content = archive.extractfile("usr/bin/sh")
        assert content is not None
        assert content.read() == b"1"
    assert links == {"bin": "usr/bin", "lib": "usr/lib"}
    assert {"usr/bin/sh", "usr/bin/y", "usr/bin/w", "usr/lib/z", "etc/x"} <= set(names)
    assert len(names) == len(set(names))
    assert names.index("usr/bin") < names.index("bin") < names.index("usr/bin/sh")


def elf(*kinds: int) -> bytes:
    head = bytearray(64)
    head[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<Q", head, 32, 64)
    struct.pack_into("<HH", head, 54, 56, len(kinds))
    return bytes(head) + b"".join(struct.pack("<I", kind) + bytes(52) for kind in kinds)


def test_static_binaries() -> None:
    assert is_static(elf(1, 1, 2))
    assert not is_static(elf(1, 3))  # asks for an interpreter
    for data in (b"", b"#!/bin/sh\n", elf(1)[:70], b"\x7fELF\x01\x01" + bytes(80)):
        assert not is_static(data)
