from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.errors import InvalidArgument
from orlop.storage import split as split_
from orlop.storage import tarsplit
from orlop.storage.pack import Header
from orlop.storage.tar import Entry, TarError, TarReader

VECTORS = Path(__file__).parents[2] / "vectors" / "tar"


def entries(data: bytes, chunk: int = 1 << 16) -> list[tuple[Entry, bytes]]:
    reader = TarReader(iter([data[i : i + chunk] for i in range(0, len(data), chunk)]))
    out = []
    while (entry := reader.next()) is not None:
        out.append((entry, b"".join(reader.data())))
    return out


def written(*infos: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for info, content in infos:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("chunk", [1, 511, 512, 513, 1 << 16])
def test_long_names_in_any_chunking(format: int, chunk: int) -> None:
    info = tarfile.TarInfo("d/" * 80 + "f" * 150)
    link = tarfile.TarInfo("l")
    link.type, link.linkname = tarfile.SYMTYPE, "t" * 300
    data = written((info, b"hello"), (link, b""), format=format)
    found = entries(data, chunk)
    assert [(e.name.decode(), body) for e, body in found] == [(info.name, b"hello"), ("l", b"")]
    assert found[1][0].link == b"t" * 300


def test_our_headers_are_read_by_tarfile() -> None:
    header = Header(
        b"n" * 300, size=3, uid=3_000_000, xattrs={"user.a": b"\0\n="}, mtime_ns=5 * 10**9
    )
    data = header.encode() + b"abc".ljust(512, b"\0") + bytes(1024)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        (member,) = tar.getmembers()
        assert member.name == "n" * 300
        assert member.uid == 3_000_000
        assert member.mtime == 5
    ((entry, body),) = entries(data)
    assert entry.xattrs == {b"user.a": b"\0\n="}
    assert body == b"abc"


@pytest.mark.parametrize("cut", [1, 100, 511, 513, 600, 1023])
def test_an_archive_that_ends_early(cut: int) -> None:
    data = written((tarfile.TarInfo("f"), b"x" * 600))[:cut]
    with pytest.raises(TarError):
        entries(data)


@pytest.mark.parametrize(
    "pax",
    ["5 a=b\n", "999 path=x\n", "x path=y\n", "10 path\n\n\n\n", "12 size=-1\n", "13 mtime=abc\n"],
)
def test_bad_pax_records(pax: str) -> None:
    body = pax.encode()
    lead = Header(b"x", size=len(body), type=b"x").encode()
    data = lead + body.ljust(512, b"\0") + Header(b"f").encode() + bytes(1024)
    with pytest.raises(TarError):
        entries(data)


def test_an_endless_extension_is_refused() -> None:
    with pytest.raises(TarError, match="too long"):
        entries(Header(b"x", size=1 << 30, type=b"x").encode() + bytes(1024))


def test_a_checksum_that_does_not_hold() -> None:
    data = bytearray(Header(b"f").encode() + bytes(1024))
    data[0] ^= 1
    with pytest.raises(TarError, match="invalid tar header"):
        entries(bytes(data))


def split(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    sink = io.BytesIO()
    writer = split_.Writer(sink)
    splitter = split_.Splitter(TarReader(iter([data]), keep_raw=True), writer)
    files = []
    while (entry := splitter.next()) is not None:
        files.append((entry.name, b"".join(splitter.data())))
    writer.close()
    return sink.getvalue(), files


@pytest.mark.parametrize("name", sorted(p.name for p in VECTORS.glob("*.tar.gz")))
def test_archives_come_back_byte_for_byte(name: str, tmp_path: Path) -> None:
    data = gzip.decompress((VECTORS / name).read_bytes())
    packed, files = split(data)
    (tmp_path / "split.gz").write_bytes(packed)
    contents: Iterator[bytes] = iter([body for _, body in files if body])
    out = []
    import base64

    for record in tarsplit.records(tmp_path / "split.gz"):
        if record.type == 2:
            out.append(base64.b64decode(record.payload or ""))
        elif record.size:
            out.append(next(contents))
    assert hashlib.sha256(b"".join(out)).digest() == hashlib.sha256(data).digest()


def test_damaged_split_data_is_named(tmp_path: Path) -> None:
    packed, _ = split(written((tarfile.TarInfo("f"), b"x")))
    (tmp_path / "split.gz").write_bytes(packed[:-12])
    with pytest.raises(Exception, match="damaged tar-split"):
        list(tarsplit.records(tmp_path / "split.gz"))


def test_members_outside_are_refused() -> None:
    from orlop.storage.tar import parts as _parts

    assert _parts(b"/a/./b//c") == [b"a", b"b", b"c"]
    assert _parts(b"a/../b") == [b"b"]
    with pytest.raises(InvalidArgument, match="outside"):
        _parts(b"a/../../b")
