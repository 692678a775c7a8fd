"""Layers on a real overlay: commit, read back, writable layers, changes, sweep."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import archive

from orlop.oci.digest import DiffID, next_chain
from orlop.storage import deletions
from orlop.storage.drivers.overlay2 import Overlay2
from orlop.storage.layers import Layers

pytestmark = pytest.mark.root


@pytest.fixture
def layers(tmp_path: Path) -> Iterator[Layers]:
    driver = Overlay2(tmp_path / "overlay2")
    made = Layers(tmp_path / "image/overlay2/layerdb", driver)
    yield made
    for id in driver.mounted():
        driver.unmount(id)
    subprocess.run(["umount", str(driver.home)], check=True)


def diff(data: bytes) -> DiffID:
    return DiffID("sha256:" + hashlib.sha256(data).hexdigest())


def test_committed_layers_read_back_byte_for_byte(layers: Layers) -> None:
    first = archive(
        ("etc", None), ("etc/a", b"one"), ("etc/gone", b"x"), ("d", None), ("d/x", b"1")
    )
    second = archive(("etc/.wh.gone", b""), ("d/.wh..wh..opq", b""), ("d/y", b"2"))
    a = layers.register(None, io.BytesIO(first), expect=diff(first))
    b = layers.register(a.chain_id, io.BytesIO(second), expect=diff(second))
    assert b.chain_id == next_chain(a.chain_id, diff(second))
    assert b"".join(layers.open_tar(a.chain_id)) == first
    # whiteouts are devices on disk, yet the archive comes back as it was
    assert b"".join(layers.open_tar(b.chain_id)) == second
    tree = layers.driver.tree(b.cache_id)
    gone = (tree / "etc/gone").lstat()
    assert stat.S_ISCHR(gone.st_mode)
    assert gone.st_rdev == 0
    assert os.getxattr(tree / "d", "trusted.overlay.opaque") == b"y"
    layers.create_writable("c1", b.chain_id)
    merged = Path(layers.mount("c1"))
    assert (merged / "etc/a").read_bytes() == b"one"
    assert not (merged / "etc/gone").exists()
    assert os.listdir(merged / "d") == ["y"]


def test_removals_wait_while_a_layer_is_read(
    layers: Layers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "_FEW", 0)
    monkeypatch.setattr(deletions, "_GRACE", 0.0)
    monkeypatch.setattr(deletions, "_PLENTY", 0.0)
    read = layers.register(None, io.BytesIO(archive(("a", b"x" * (3 << 20)))))
    removed = layers.register(None, io.BytesIO(archive(("b", b"1"))))
    tree = layers.driver.tree(removed.cache_id)
    pieces = layers.open_tar(read.chain_id)
    next(pieces)
    layers.delete(removed.chain_id)
    later = layers.deletions.submit(lambda: None)
    with pytest.raises(TimeoutError):
        later.result(0.2)
    assert tree.exists()
    for _ in pieces:
        pass
    later.result(10)
    assert not tree.exists()


@pytest.mark.parametrize("name", ["a/.", "d//a", "./d/./a", "d/x/../a", "/a", ".wh.a/.", ".a"])
def test_odd_names_read_back_byte_for_byte(layers: Layers, name: str) -> None:
    """Found by fuzzing: what counts is the name as the tree has it."""
    data = archive(("d", None), ("d/x", None), (name, b"content"), ("z", b"behind it"))
    layer = layers.register(None, io.BytesIO(data))
    assert b"".join(layers.open_tar(layer.chain_id)) == data


def test_files_on_disk_are_dockers(layers: Layers) -> None:
    data = archive(("etc", None), ("etc/passwd", b"root"))
    layer = layers.register(None, io.BytesIO(data))
    record = layers.root / "sha256" / layer.chain_id.removeprefix("sha256:")
    assert sorted(p.name for p in record.iterdir()) == [
        "cache-id",
        "diff",
        "size",
        "tar-split.json.gz",
    ]
    assert {oct(p.stat().st_mode & 0o777) for p in record.iterdir()} == {"0o644"}
    made = layers.create_writable("c" * 64, layer.chain_id)
    mounts = layers.root / "mounts" / ("c" * 64)
    assert {p.name: p.stat().st_size for p in mounts.iterdir()} == {
        "mount-id": 64,
        "init-id": 69,
        "parent": 71,
    }
    home = layers.driver.home
    layers.mount("c" * 64)
    assert (home / layer.cache_id).stat().st_nlink == 3
    assert (home / made.init_id).stat().st_nlink == 4
    assert (home / made.mount_id).stat().st_nlink == 5
    assert (home / made.mount_id).stat().st_mode & 0o777 == 0o710
    init = home / made.init_id / "diff"
    found = sorted(str(p.relative_to(init)) for p in init.rglob("*"))
    assert found == [
        ".dockerenv", "dev", "dev/console", "dev/pts", "dev/shm", "etc", "etc/hostname",
        "etc/hosts", "etc/mtab", "etc/resolv.conf", "proc", "sys",
    ]  # fmt: skip
    assert os.readlink(init / "etc/mtab") == "/proc/mounts"


def test_changes_and_their_archive(layers: Layers) -> None:
    base = layers.register(
        None,
        io.BytesIO(
            archive(("d", None), ("d/keep", b"k"), ("d/old", b"o"), ("e", None), ("e/f", b"1"))
        ),
    )
    layers.create_writable("c1", base.chain_id)
    merged = Path(layers.mount("c1"))
    (merged / "d/old").unlink()
    (merged / "new").write_text("n")
    (merged / "e/f").chmod(0o600)
    (merged / "d/keep").open("r+").close()  # copied up, not changed
    (merged / "dir").mkdir()
    (merged / "dir/sub").mkdir()
    found = [(c.kind, c.path) for c in layers.changes("c1")]
    assert found == [
        (0, "/d"),
        (2, "/d/old"),
        (1, "/dir"),
        (1, "/dir/sub"),
        (0, "/e"),
        (0, "/e/f"),
        (1, "/new"),
    ]
    with tarfile.open(fileobj=io.BytesIO(b"".join(layers.diff_tar("c1")))) as tar:
        assert tar.getnames() == ["d", "d/.wh.old", "dir", "dir/sub", "e", "e/f", "new"]
    layer = layers.register(base.chain_id, io.BytesIO(b"".join(layers.diff_tar("c1"))))
    layers.create_writable("c2", layer.chain_id)
    again = Path(layers.mount("c2"))
    assert not (again / "d/old").exists()
    assert (again / "e/f").stat().st_mode & 0o777 == 0o600


def test_a_renamed_and_replaced_directory(layers: Layers) -> None:
    base = layers.register(None, io.BytesIO(archive(("d", None), ("d/a", b"1"), ("d/b", b"2"))))
    layers.create_writable("c1", base.chain_id)
    merged = Path(layers.mount("c1"))
    subprocess.run(["rm", "-r", str(merged / "d")], check=True)
    (merged / "d").mkdir()
    (merged / "d/c").write_text("3")
    kinds = {c.path: c.kind for c in layers.changes("c1")}
    assert kinds == {"/d": 0, "/d/a": 2, "/d/b": 2, "/d/c": 1}


def test_a_volatile_mount_can_be_mounted_again(layers: Layers) -> None:
    a = layers.register(None, io.BytesIO(archive(("a", b"x"))))
    layers.create_writable("c1", a.chain_id, volatile=True)
    layers.mount("c1")
    layers.unmount("c1")
    layers.mount("c1")


def test_a_power_cut_left_zeros_in_a_link(layers: Layers) -> None:
    """Blocks that a file had and never got: the sweep takes it as it takes an empty one."""
    tree = layers.driver.create("a" * 64)
    link = tree.parent / "link"
    link.write_bytes(bytes(len(link.read_bytes())))
    other = layers.driver.create("b" * 64)
    (other.parent / "link").write_text("../../../image")
    again = Layers(layers.root, layers.driver)
    assert sorted(again.sweep(set())) == ["a" * 64, "b" * 64]
    assert not tree.parent.exists()
    assert os.listdir(layers.driver.home / "l") == []
    assert layers.root.is_dir()


def test_a_power_cut_took_what_a_layer_stands_on(layers: Layers) -> None:
    """Three of them at once: an acknowledged image whose layers could not be merged any more."""
    chain, trees = None, []
    for name in ("a", "b", "c"):
        layer = layers.register(chain, io.BytesIO(archive((name, name.encode()))))
        chain = layer.chain_id
        trees.append(layers.driver.home / layer.cache_id / "lower")
    before = [path.read_bytes() for path in trees[1:]]
    for path in trees[1:]:
        path.write_bytes(b"")
    again = Layers(layers.root, layers.driver)
    again.mend()
    assert [path.read_bytes() for path in trees[1:]] == before
    assert not trees[0].exists()
    again.create_writable("c1", chain)
    merged = Path(again.mount("c1"))
    assert [(merged / name).read_bytes() for name in "abc"] == [b"a", b"b", b"c"]
    again.unmount("c1")


def test_a_power_cut_took_the_small_files_of_a_container(layers: Layers) -> None:
    """All of them at once, and each alone: it is the container that it was."""
    base = layers.register(None, io.BytesIO(archive(("bin", None), ("bin/x", b"x"))))
    made = layers.create_writable("c1", base.chain_id)
    trees = [layers.driver.home / id for id in (made.mount_id, made.init_id)]
    names = [layers.root / "mounts/c1" / name for name in ("mount-id", "init-id", "parent")]
    names += [tree / name for tree in trees for name in ("link", "lower")]
    before = {path: path.read_bytes() for path in names}
    for lost in [names, *([path] for path in names)]:
        for empty in (True, False):
            for path in lost:
                path.write_bytes(b"" if empty else bytes(len(before[path])))
            again = Layers(layers.root, layers.driver)
            assert again.mend_writable("c1", base.chain_id) is True
            assert {path: path.read_bytes() for path in names} == before
            assert again.sweep({"c1"}) == []
    merged = again.mount("c1")
    assert Path(merged, "bin/x").read_bytes() == b"x"
    again.unmount("c1")
    assert again.mend_writable("c1", base.chain_id) is False


@pytest.mark.parametrize("record", ["sha256/*/cache-id", "mounts/c1/mount-id"])
def test_a_record_that_was_cut_short_gives_no_tree_to_the_sweep(
    layers: Layers, record: str
) -> None:
    """Half an ID names nothing, and the tree that the whole one names looked like an orphan."""
    base = layers.register(None, io.BytesIO(archive(("bin", None))))
    layers.create_writable("c1", base.chain_id)
    (file,) = layers.root.glob(record)
    whole = file.read_text()
    file.write_text(whole[:20])
    again = Layers(layers.root, layers.driver)
    again.sweep({"c1"})
    assert layers.driver.exists(whole)
    file.write_bytes(b"\xff\0")
    Layers(layers.root, layers.driver).sweep({"c1"})
    assert layers.driver.exists(whole)
