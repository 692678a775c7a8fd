"""What every storage driver must do, on every driver."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import CASES, DRIVERS, archive, filesystem

from orlop.errors import Conflict, InvalidArgument
from orlop.oci.digest import DiffID, next_chain
from orlop.storage.layers import Layers

pytestmark = pytest.mark.root


@pytest.fixture(params=CASES)
def layers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Layers]:
    name, kind = CASES[request.param]
    with filesystem(kind, tmp_path) as root:
        driver = DRIVERS[name](root / name)
        made = Layers(root / "image" / name / "layerdb", driver)
        try:
            yield made
        finally:
            made.close()
            driver.leave()


def test_layers_read_back_byte_for_byte(layers: Layers) -> None:
    first = archive(
        ("etc", None), ("etc/a", b"one"), ("etc/gone", b"x"), ("etc/same", "=etc/a"),
        ("d", None), ("d/x", b"1"), ("f", b"file"), ("link", "->/etc/a"),
    )  # fmt: skip
    second = archive(
        ("etc/.wh.gone", b""), ("d", None), ("d/.wh..wh..opq", b""), ("d/y", b"2"),
        ("f", None), ("f/now", b"a directory"), ("link", b"now a file"),
    )  # fmt: skip
    a = layers.register(None, io.BytesIO(first))
    b = layers.register(a.chain_id, io.BytesIO(second))
    assert b.chain_id == next_chain(a.chain_id, b.diff_id)
    assert b.diff_id == DiffID("sha256:" + hashlib.sha256(second).hexdigest())
    assert b"".join(layers.open_tar(a.chain_id)) == first
    assert b"".join(layers.open_tar(b.chain_id)) == second
    layers.create_writable("c1", b.chain_id)
    root = Path(layers.mount("c1"))
    assert (root / "etc/a").read_bytes() == b"one"
    assert (root / "etc/a").stat().st_ino == (root / "etc/same").stat().st_ino
    assert (root / "etc/a").stat().st_mtime == 1_600_000_000
    assert not (root / "etc/gone").exists()
    assert os.listdir(root / "d") == ["y"]
    assert (root / "f/now").read_bytes() == b"a directory"
    assert (root / "link").read_bytes() == b"now a file"


def test_kinds_owners_modes_and_attributes(layers: Layers) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, mode in (
            ("dir", tarfile.DIRTYPE, 0o2751),
            ("dir/file", tarfile.REGTYPE, 0o4750),
            ("dir/fifo", tarfile.FIFOTYPE, 0o620),
            ("dir/null", tarfile.CHRTYPE, 0o666),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.uid, info.gid, info.mtime = kind, mode, 71, 72, 1_000_000_000
            info.devmajor, info.devminor = 1, 3
            info.pax_headers = {"SCHILY.xattr.user.note": "kept"} if name == "dir/file" else {}
            tar.addfile(info)
    a = layers.register(None, io.BytesIO(out.getvalue()))
    top = layers.register(a.chain_id, io.BytesIO(archive(("other", b"x"))))
    layers.create_writable("c1", top.chain_id)
    root = Path(layers.mount("c1"))
    found = {name: (root / "dir" / name).lstat() for name in ("file", "fifo", "null")}
    assert {(s.st_uid, s.st_gid) for s in found.values()} == {(71, 72)}
    assert {s.st_mtime for s in found.values()} == {1_000_000_000}
    assert stat.S_IMODE((root / "dir").stat().st_mode) == 0o2751
    assert stat.S_IMODE(found["file"].st_mode) == 0o4750
    assert stat.S_ISFIFO(found["fifo"].st_mode)
    assert stat.S_ISCHR(found["null"].st_mode)
    assert found["null"].st_rdev == os.makedev(1, 3)
    assert os.getxattr(root / "dir/file", "user.note") == b"kept"


def test_a_sparse_file_stays_sparse(layers: Layers) -> None:
    a = layers.register(None, io.BytesIO(archive(("d", None))))
    layers.create_writable("c1", a.chain_id)
    with open(Path(layers.mount("c1")) / "d/holes", "wb") as file:
        file.seek(64 << 20)
        file.write(b"end")
    layer = layers.register(a.chain_id, _stream(layers, "c1"))
    layers.create_writable("c2", layer.chain_id)
    found = (Path(layers.mount("c2")) / "d/holes").stat()
    assert found.st_size == (64 << 20) + 3


def test_layers_do_not_share_what_is_written(layers: Layers) -> None:
    base = layers.register(None, io.BytesIO(archive(("f", b"base"))))
    roots = []
    for name in ("c1", "c2"):
        layers.create_writable(name, base.chain_id)
        roots.append(Path(layers.mount(name)))
    (roots[0] / "f").write_bytes(b"mine")
    assert (roots[1] / "f").read_bytes() == b"base"
    assert b"".join(layers.open_tar(base.chain_id)) == archive(("f", b"base"))


def test_changes_and_their_archive(layers: Layers) -> None:
    base = layers.register(
        None,
        io.BytesIO(
            archive(
                ("d", None), ("d/keep", b"k"), ("d/old", b"o"), ("e", None), ("e/f", b"1"),
                ("gone", None), ("gone/x", b"x"), ("was", None), ("was/dir", b"1"),
            )
        ),
    )  # fmt: skip
    layers.create_writable("c1", base.chain_id)
    assert layers.changes("c1") == []
    assert layers.size_writable("c1") == 0
    root = Path(layers.mount("c1"))
    (root / "d/old").unlink()
    (root / "new").write_text("n")
    (root / "e/f").chmod(0o600)
    (root / "d/keep").open("r+").close()  # copied up, not changed
    (root / "dir/sub").mkdir(parents=True)
    subprocess.run(["rm", "-r", str(root / "gone"), str(root / "was")], check=True)
    (root / "was").write_text("now a file")
    os.mkfifo(root / "pipe")
    found = [(c.kind, c.path) for c in layers.changes("c1")]
    assert found == [
        (0, "/d"), (2, "/d/old"), (1, "/dir"), (1, "/dir/sub"), (0, "/e"), (0, "/e/f"),
        (2, "/gone"), (1, "/new"), (1, "/pipe"), (0, "/was"),
    ]  # fmt: skip
    assert layers.size_writable("c1") >= len("n") + len("now a file")
    layer = layers.register(base.chain_id, _stream(layers, "c1"))
    layers.create_writable("c2", layer.chain_id)
    again = Path(layers.mount("c2"))
    assert not (again / "d/old").exists()
    assert not (again / "gone").exists()
    assert (again / "was").read_text() == "now a file"
    assert (again / "e/f").stat().st_mode & 0o777 == 0o600
    assert (again / "dir/sub").is_dir()


def test_the_init_layer_is_in_no_change(layers: Layers) -> None:
    base = layers.register(None, io.BytesIO(archive(("bin", None))))
    layers.create_writable("c1", base.chain_id)
    root = Path(layers.mount("c1"))
    assert (root / ".dockerenv").exists()
    assert (root / "etc/resolv.conf").exists()
    assert layers.changes("c1") == []


def test_a_wrong_diff_id_leaves_nothing(layers: Layers) -> None:
    with pytest.raises(InvalidArgument, match="diffID"):
        layers.register(None, io.BytesIO(archive(("a", b"x"))), expect=DiffID("sha256:" + "0" * 64))
    assert layers.driver.all() == []
    assert list((layers.root / "tmp").iterdir()) == []


def test_nothing_is_left(layers: Layers) -> None:
    a = layers.register(None, io.BytesIO(archive(("a", b"x"))))
    b = layers.register(a.chain_id, io.BytesIO(archive(("b", b"x"))))
    layers.create_writable("c1", b.chain_id)
    layers.mount("c1")
    for chain in (a.chain_id, b.chain_id):
        with pytest.raises(Conflict):
            layers.delete(chain)
    layers.remove_writable("c1")
    layers.delete(b.chain_id)
    layers.delete(a.chain_id)
    layers.close()
    assert layers.driver.all() == []


def test_sweep_after_a_crash(layers: Layers) -> None:
    a = layers.register(None, io.BytesIO(archive(("a", b"x"))))
    layers.stage(io.BytesIO(archive(("half", b"x"))))
    layers.create_writable("alive", a.chain_id)
    layers.create_writable("dead", a.chain_id)
    layers.mount("dead")
    again = Layers(layers.root, layers.driver)
    again.sweep({"alive"})
    assert len(again.driver.all()) == 3
    assert again.writable_ids() == ["alive"]
    assert again.driver.mounted() == set()


def test_many_layers(layers: Layers) -> None:
    """Where they are merged, more than fit a page with absolute paths."""
    depth = 10 if layers.driver.whole else 100
    chain = None
    for n in range(depth):
        chain = layers.register(chain, io.BytesIO(archive((f"f{n}", b"x")))).chain_id
    layers.create_writable("c1", chain)
    root = layers.mount("c1")
    assert len([n for n in os.listdir(root) if n.startswith("f")]) == depth
    (Path(root) / "f5").unlink()
    assert [(c.kind, c.path) for c in layers.changes("c1")] == [(2, "/f5")]


def test_links_of_a_layer_lead_nowhere(layers: Layers, tmp_path: Path) -> None:
    """A canary outside, and layers that want to reach it by way of the tree below."""
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "kept").write_text("kept")
    a = layers.register(None, io.BytesIO(archive(("out", f"->{canary}"))))
    for members in (
        (("out", None), ("out/.wh.kept", b"")),
        (("out", None), ("out/.wh..wh..opq", b""), ("out/new", b"x")),
        (("out", None), ("out/kept", b"overwritten")),
    ):
        layer = layers.register(a.chain_id, io.BytesIO(archive(*members)))
        id = "c" + layer.chain_id[-8:]
        layers.create_writable(id, layer.chain_id)
        assert (Path(layers.mount(id)) / "out").is_dir()
    assert [p.name for p in canary.iterdir()] == ["kept"]
    assert (canary / "kept").read_text() == "kept"


def _stream(layers: Layers, container: str) -> io.BytesIO:
    return io.BytesIO(b"".join(layers.diff_tar(container)))


@pytest.mark.parametrize("name", ["overlay2", "vfs"])
def test_ext4_puts_layers_far_apart(name: str, tmp_path: Path) -> None:
    """A layer made where another was just removed took twenty times as long."""
    with filesystem("ext4", tmp_path) as root:
        driver = DRIVERS[name](root / name)
        above = driver.create("a" * 64).parent
        home = above.parent if name == "overlay2" else above
        found = subprocess.run(["lsattr", "-d", home], capture_output=True, text=True, check=True)
        assert "T" in found.stdout.split()[0]
        driver.leave()


def test_zfs_opens_over_what_lies_in_the_places_of_its_datasets(tmp_path: Path) -> None:
    """rmdir and mount refused a directory that was not empty, and the daemon did not start."""
    with filesystem("zfs", tmp_path) as root:
        driver = DRIVERS["zfs"](root / "zfs")
        (driver.create("a" * 64) / "kept").write_bytes(b"kept")
        driver.leave()
        for id in ("a" * 64, "b" * 64):
            (driver.tree(id) / "left" / "over").mkdir(parents=True)
        again = DRIVERS["zfs"](root / "zfs")
        assert again.all() == ["a" * 64]
        assert os.listdir(again.tree("a" * 64)) == ["kept"]
        assert os.listdir(root / "zfs/graph") == ["a" * 64]
        assert [os.listdir(p) for p in (root / "zfs").glob("left-*")] == [["left"]]
        again.leave()


def test_a_disk_of_its_own_stays_mounted_when_the_driver_leaves(tmp_path: Path) -> None:
    """Every stop without containers unmounted it, and the next start made an empty directory."""
    with filesystem("ext4", tmp_path) as root:
        first = DRIVERS["overlay2"](root)
        kept = first.create("a" * 64)
        first.leave()
        assert kept.is_dir()
        assert DRIVERS["overlay2"](root).exists("a" * 64)


@pytest.mark.parametrize("failing", range(7))
def test_a_layer_that_a_broken_disk_refused_can_be_made_again(
    layers: Layers, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """When the last sync failed its record was in place, unknown and in the way of every next."""
    sync, calls = os.fsync, 0

    def fsync(fd: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing + 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(fd)

    below = layers.register(None, io.BytesIO(archive(("below", b"x"))))
    trees = set(layers.driver.all())
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fsync)
        with pytest.raises(OSError, match="Input/output"):
            layers.register(below.chain_id, io.BytesIO(archive(("f", b"x"))))
    assert set(layers.driver.all()) == trees
    assert os.listdir(layers.root / "tmp") == []
    made = layers.register(below.chain_id, io.BytesIO(archive(("f", b"x"))))
    assert layers.get(made.chain_id) == made
