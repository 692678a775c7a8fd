"""Files of a layer that are dear to make where they belong are made elsewhere, and moved."""

from __future__ import annotations

import fcntl
import io
import os
import tarfile
from pathlib import Path

import pytest

from orlop.errors import InvalidArgument
from orlop.paths import Root
from orlop.storage import elsewhere
from orlop.storage.apply import Applier
from orlop.storage.tar import TarReader

ACL = b"\x02\0\0\0" + b"".join(
    bytes((tag, 0, bits, 0)) + b"\xff" * 4 for tag, bits in ((1, 7), (4, 5), (32, 0))
)


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every file is dear, on any filesystem. The places that were gone to."""
    monkeypatch.setattr(elsewhere, "_DEAR", -1)
    places: list[bytes] = []

    def mkdir_apart(directory: int, name: bytes) -> bool:
        places.append(name)
        os.mkdir(name, 0o700, dir_fd=directory)
        return True

    monkeypatch.setattr(elsewhere, "mkdir_apart", mkdir_apart)
    return places


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mtime = kind, link, 1_700_000_000 + len(name)
    info.uid, info.gid, info.mode = os.getuid(), os.getgid(), 0o751
    info.size = len(name) if kind == tarfile.REGTYPE else 0
    return info


def members() -> list[tarfile.TarInfo]:
    found = [member(name, tarfile.DIRTYPE) for name in ("./", *(f"d{n}" for n in range(7)))]
    for number in range(40):
        base = f"d{number % 7}/e{number}"
        found += [member(base, tarfile.DIRTYPE), *(member(f"{base}/f{n}") for n in range(9))]
        found.append(member(f"{base}/s", tarfile.SYMTYPE, "f1"))
        found.append(member(f"{base}/h", tarfile.LNKTYPE, f"{base}/f2"))
        found.append(member(f"{base}/p", tarfile.FIFOTYPE))
    return found


def unpacked(tree: Path, archive: list[tarfile.TarInfo]) -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info in archive:
            tar.addfile(info, io.BytesIO(os.path.basename(info.name).encode().ljust(info.size)))
    with Root(tree) as root:
        Applier(root, whiteouts=True).run(TarReader(iter([raw.getvalue()])))


def listing(tree: Path) -> dict[str, tuple[object, ...]]:
    out = {}
    for path in [tree, *tree.rglob("*")]:
        state = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        link = os.readlink(path) if path.is_symlink() else ""
        what = state.st_mode, state.st_uid, state.st_gid, state.st_nlink, state.st_mtime_ns
        out[str(path.relative_to(tree))] = (*what, content, link)
    return out


def flags(path: Path) -> int | None:
    """As lsattr shows them; None where there are none."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return int.from_bytes(fcntl.ioctl(fd, 0x80086601, bytes(8)), "little")
    except OSError:
        return None
    finally:
        os.close(fd)


def test_the_tree_is_the_same(tmp_path: Path, dear: list[bytes]) -> None:
    plain, moved = tmp_path / "plain", tmp_path / "moved"
    for tree in (plain, moved):
        tree.mkdir()
    unpacked(moved, members())
    assert len(dear) == elsewhere._MOST
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(elsewhere, "_DEAR", 1 << 60)
        unpacked(plain, members())
    assert len(dear) == elsewhere._MOST
    assert listing(moved) == listing(plain)


def test_the_tree_keeps_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what the filesystem here really does, or refuses."""
    monkeypatch.setattr(elsewhere, "_DEAR", -1)
    before = flags(tmp_path)
    unpacked(tmp_path, members())
    assert len(listing(tmp_path)) == 1 + 7 + 40 * 13
    assert flags(tmp_path) == before


def test_a_name_that_comes_twice_is_refused_there_too(tmp_path: Path, dear: list[bytes]) -> None:
    with pytest.raises(InvalidArgument, match="duplicates"):
        unpacked(tmp_path, [*members(), member("d1/e1/f1")])
    assert dear


def test_cheap_files_stay(
    tmp_path: Path, dear: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "_DEAR", 1 << 60)
    unpacked(tmp_path, members())
    assert dear == []


def test_what_a_directory_hands_on_reaches_its_files(tmp_path: Path, dear: list[bytes]) -> None:
    os.setxattr(tmp_path, "system.posix_acl_default", ACL)  # or this filesystem has none
    os.removexattr(tmp_path, "system.posix_acl_default")
    handing = member("acl", tarfile.DIRTYPE)
    handing.pax_headers = {
        "SCHILY.xattr.system.posix_acl_default": ACL.decode("utf-8", "surrogateescape")
    }
    unpacked(tmp_path, [*members()[:99], handing, member("acl/sub", tarfile.DIRTYPE)])
    assert len(dear) < elsewhere._MOST
    inherited = os.getxattr(tmp_path / "acl" / "sub", "system.posix_acl_default")
    assert inherited == os.getxattr(tmp_path / "acl", "system.posix_acl_default")


def test_the_group_that_the_top_hands_on_reaches_only_what_is_in_it(
    tmp_path: Path, dear: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    top = member("./", tarfile.DIRTYPE)
    top.mode, top.gid = 0o2755, next((g for g in os.getgroups() if g != os.getgid()), 7)
    plain, moved = tmp_path / "plain", tmp_path / "moved"
    for tree in (moved, plain):
        tree.mkdir()
        unpacked(tree, [top, *members()[1:]])
        monkeypatch.setattr(elsewhere, "_DEAR", 1 << 60)
    assert dear
    assert listing(moved) == listing(plain)


@pytest.mark.parametrize("place", [0, 60], ids=["first", "later"])
def test_access_that_the_top_hands_on_reaches_all(
    tmp_path: Path, dear: list[bytes], place: int
) -> None:
    handing = member("./", tarfile.DIRTYPE)
    handing.pax_headers = {
        "SCHILY.xattr.system.posix_acl_default": ACL.decode("utf-8", "surrogateescape")
    }
    found = members()[1:]
    unpacked(tmp_path, [*found[:place], handing, *found[place:], member("x", tarfile.DIRTYPE)])
    assert os.getxattr(tmp_path / "x", "system.posix_acl_default")
    assert len(dear) < elsewhere._MOST
