from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from orlop.errors import SystemFailure
from orlop.handover import state, volumes
from orlop.handover.adopt import adopt, foreign, refuse_unreadable
from orlop.handover.hand_back import hand_back

VECTORS = Path(__file__).parent.parent.parent / "vectors" / "bolt"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """As dockerd 28 leaves it, without images and containers."""
    (tmp_path / "image/overlay2/layerdb").mkdir(parents=True)
    for name, vector in (
        (state.VOLUMES, "metadata-28.5.2"),
        (state.NETWORKS, "local-kv-28.5.2"),
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(gzip.decompress((VECTORS / f"{vector}.db.gz").read_bytes()))
    for name in ("vol1", "vol2", "vtmp"):
        (tmp_path / "volumes" / name / "_data").mkdir(parents=True)
    (tmp_path / "orlop").mkdir()
    return tmp_path


def test_there_and_back(root: Path) -> None:
    assert foreign(root)
    before = volumes.read((root / state.VOLUMES).read_bytes())
    adopt(root)
    assert not foreign(root)
    names = {n["Name"] for n in json.loads((root / "orlop/networks.json").read_bytes())["networks"]}
    assert names == {"bridge", "host", "none", "netA", "netB", "netC"}
    assert json.loads((root / "orlop/volumes/vol1.json").read_bytes())["Labels"] == {"a": "b"}
    (root / "volumes" / "new" / "_data").mkdir(parents=True)
    hand_back(root)
    after = volumes.read((root / state.VOLUMES).read_bytes())
    assert after["vol1"] == before["vol1"]
    assert after["vtmp"] == before["vtmp"]
    assert set(after) == {"vol1", "vol2", "vtmp", "new"}
    assert not foreign(root)


def test_a_dockerd_in_between_is_noticed(root: Path) -> None:
    adopt(root)
    records = volumes.read((root / state.VOLUMES).read_bytes())
    records["vol1"]["Labels"] = {"c": "d"}
    (root / state.VOLUMES).write_bytes(volumes.write(records))
    assert foreign(root)
    adopt(root)
    assert json.loads((root / "orlop/volumes/vol1.json").read_bytes())["Labels"] == {"c": "d"}


def test_volumes_of_plugins_come_back(root: Path) -> None:
    records = volumes.read((root / state.VOLUMES).read_bytes())
    records["far"] = {"Name": "far", "Driver": "plugin", "Labels": None, "Options": {"a": "b"}}
    (root / state.VOLUMES).write_bytes(volumes.write(records))
    adopt(root)
    assert not (root / "orlop/volumes/far.json").exists()
    hand_back(root)
    assert volumes.read((root / state.VOLUMES).read_bytes())["far"] == records["far"]


def test_a_root_of_our_own_is_not_foreign(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "orlop").mkdir()
    (tmp_path / "orlop/version").write_text("1\n")
    assert not foreign(tmp_path)


def test_damaged_databases_change_nothing(root: Path) -> None:
    (root / state.NETWORKS).write_bytes(b"x" * 70000)
    with pytest.raises(SystemFailure, match=r"local-kv\.db: cannot be read"):
        adopt(root)
    assert not (root / "orlop/networks.json").exists()
    assert not state.path_of(root).exists()
    assert foreign(root)


def test_a_snapshotter_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rootfs/overlayfs").mkdir(parents=True)
    with pytest.raises(SystemFailure, match="containerd's snapshotter"):
        refuse_unreadable(tmp_path)


def test_a_fresh_root_is_not_a_foreign_one(tmp_path: Path) -> None:
    """Else nothing would ever be swept in it: the directories are ours, and empty."""
    for name in ("image", "volumes", "orlop"):
        (tmp_path / name).mkdir()
    assert not foreign(tmp_path)
    (tmp_path / "image/overlay2").mkdir()
    assert foreign(tmp_path)
