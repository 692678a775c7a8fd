"""Hostile layer archives (S01, S02, S04 to S06): the host stays as it was.

Positive control: the same archives bite a naive extractor that follows links (`naive`).
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from canary import Canary

from orlop.errors import OrlopError
from orlop.storage.layers import Layers

pytestmark = pytest.mark.root

Member = tuple[tarfile.TarInfo, bytes]


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", **fields: object
) -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    info.mode = 0o755
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def link(name: str, target: object) -> Member:
    return entry(name, tarfile.SYMTYPE, linkname=str(target))


def hard(name: str, target: object) -> Member:
    return entry(name, tarfile.LNKTYPE, linkname=str(target))


Attack = Callable[[Path], list[Member]]
UP = "../" * 30

ATTACKS: dict[str, Attack] = {
    "dotdot": lambda c: [entry(f"{UP}{c}/secret", content=b"owned")],
    "absolute": lambda c: [entry(f"{c}/secret", content=b"owned")],
    "link then file": lambda c: [link("l", c), entry("l/secret", content=b"owned")],
    "relative link then file": lambda c: [
        link("l", f"{UP}{c}"), entry("l/secret", content=b"owned"),
    ],
    "link to link": lambda c: [link("a", c), link("b", "a"), entry("b/secret", content=b"owned")],
    "file through its own link": lambda c: [link("x", c / "secret"), entry("x", content=b"owned")],
    "hardlink out": lambda c: [hard("h", c / "secret"), entry("h", content=b"owned")],
    "hardlink through link": lambda c: [
        link("l", c), hard("h", "l/secret"), entry("h", content=b"o"),
    ],
    "hardlink dotdot": lambda c: [hard("h", f"{UP}{c}/secret")],
    "new file through link": lambda c: [link("l", c), entry("l/new", content=b"owned")],
    "directory replaced by link": lambda c: [
        entry("d", tarfile.DIRTYPE), link("d", c), entry("d/secret", content=b"owned"),
    ],
    "chmod through link": lambda c: [
        link("l", c), entry("l", tarfile.DIRTYPE, mode=0o777),
        entry("l/dir", tarfile.DIRTYPE, mode=0),
    ],
    "whiteout through link": lambda c: [link("l", c), entry("l/.wh.secret")],
    "opaque through link": lambda c: [link("l", c), entry("l/.wh..wh..opq")],
    "xattr through link": lambda c: [
        link("l", c / "secret"),
        entry("l", pax_headers={"SCHILY.xattr.user.mark": "2"}),
    ],
    "device through link": lambda c: [
        link("l", c), entry("l/mem", tarfile.CHRTYPE, devmajor=1, devminor=1),
    ],
    "fifo through link": lambda c: [link("l", c), entry("l/p", tarfile.FIFOTYPE)],
    "empty link name": lambda c: [link("e", ""), entry("e/x", content=b"owned")],
}  # fmt: skip


def archive(members: list[Member]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def naive(data: bytes, target: Path) -> None:
    """What a careless engine does: join paths, follow whatever is there."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for info in tar:
            path = os.path.join(str(target), info.name)
            base = os.path.basename(path)
            try:
                if base == ".wh..wh..opq":
                    os.setxattr(os.path.dirname(path), "trusted.overlay.opaque", b"y")
                elif base.startswith(".wh."):
                    os.unlink(os.path.join(os.path.dirname(path), base[4:]))
                elif info.issym():
                    if os.path.isdir(path) and not os.path.islink(path):
                        os.rmdir(path)
                    os.symlink(info.linkname, path)
                elif info.islnk():
                    os.link(os.path.join(str(target), info.linkname), path)
                elif info.isdir():
                    os.makedirs(path, exist_ok=True)
                    os.chmod(path, info.mode)
                elif info.ischr():
                    os.mknod(path, 0o20600, os.makedev(info.devmajor, info.devminor))
                elif info.isfifo():
                    os.mkfifo(path)
                elif any(k.startswith("SCHILY") for k in info.pax_headers):
                    for key, value in info.pax_headers.items():
                        if key.startswith("SCHILY"):
                            os.setxattr(path, key[len("SCHILY.xattr.") :], value.encode())
                else:
                    with open(path, "wb") as file:
                        extracted = tar.extractfile(info)
                        assert extracted
                        file.write(extracted.read())
            except OSError:
                continue


# these cannot hurt a plain path join either: the control is that ours refuses or contains them
HARMLESS = {"empty link name", "absolute"}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_attack_bites_a_naive_extractor(name: str, canary: Canary, tmp_path: Path) -> None:
    if name in HARMLESS:
        return
    target = tmp_path / "naive"
    target.mkdir()
    naive(archive(ATTACKS[name](canary.base)), target)
    assert not canary.intact()


@pytest.mark.parametrize("name", ATTACKS)
def test_the_host_stays_as_it_was(name: str, canary: Canary, layers: Layers) -> None:
    data = archive(ATTACKS[name](canary.base))
    try:
        layers.register(None, io.BytesIO(data))
    except OrlopError:
        pass
    assert canary.intact()


@pytest.mark.parametrize("name", ATTACKS)
def test_also_on_top_of_a_layer_with_the_links(name: str, canary: Canary, layers: Layers) -> None:
    first, *rest = ATTACKS[name](canary.base)
    try:
        base = layers.register(None, io.BytesIO(archive([first])))
        layers.register(base.chain_id, io.BytesIO(archive(rest)))
    except OrlopError:
        pass
    assert canary.intact()


def test_overlay_attributes_of_an_archive_are_dropped(layers: Layers) -> None:
    headers = {
        "SCHILY.xattr.trusted.overlay.redirect": "/elsewhere",
        "SCHILY.xattr.trusted.overlay.opaque": "y",
        "SCHILY.xattr.user.overlay.opaque": "y",
        "SCHILY.xattr.user.kept": "1",
    }
    data = archive([entry("d", tarfile.DIRTYPE, pax_headers=headers)])
    layer = layers.register(None, io.BytesIO(data))
    assert os.listxattr(layers.driver.tree(layer.cache_id) / "d") == ["user.kept"]


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "d/.wh.", ".wh.x/y"])
def test_malformed_whiteouts_are_refused(name: str, layers: Layers) -> None:
    with pytest.raises(OrlopError, match="whiteout"):
        layers.register(None, io.BytesIO(archive([entry(name)])))
    assert layers.driver.all() == []


def test_a_malformed_whiteout_bites_who_joins_paths(canary: Canary) -> None:
    """S05: `.wh...` taken for a whiteout of `..`."""
    layer = canary.base / "dir"
    target = os.path.join(layer, ".wh..."[4:])
    for name in os.listdir(target):
        if os.path.isfile(os.path.join(target, name)):
            os.unlink(os.path.join(target, name))
    assert not canary.intact()


def test_overlay_attributes_bite_where_they_are_kept(tmp_path: Path) -> None:
    """S06: a layer that keeps them hides the files of the one below."""
    shown = []
    for kept in (False, True):
        base = tmp_path / str(kept)
        for name in ("lower/d", "upper/d", "work", "merged"):
            (base / name).mkdir(parents=True)
        (base / "lower/d/file").touch()
        if kept:
            os.setxattr(base / "upper/d", "trusted.overlay.opaque", b"y")
        words = f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work"
        subprocess.run(["mount", "-t", "overlay", "o", "-o", words, base / "merged"], check=True)
        shown.append(os.listdir(base / "merged" / "d"))
        subprocess.run(["umount", base / "merged"], check=True)
    assert shown == [["file"], []]
