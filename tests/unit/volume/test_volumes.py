from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from orlop.errors import Conflict, InvalidArgument, NotFound, SystemFailure
from orlop.events import Event, Events
from orlop.volume import local
from orlop.volume.list import list_
from orlop.volume.prune import prune, usage
from orlop.volume.volumes import Volumes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "volumes").mkdir()
    return tmp_path / "volumes"


@pytest.fixture
def volumes(root: Path) -> Volumes:
    return Volumes(root, Events())


def names(found: list[object]) -> list[str]:
    return [v.name for v in found]  # type: ignore[attr-defined]


def test_create_makes_docker_s_directories(volumes: Volumes, root: Path) -> None:
    made = volumes.create("v1")
    document = made.document()
    assert document["Labels"] is None
    assert document["Options"] is None
    assert document["Mountpoint"] == str(root / "v1" / "_data")
    assert document["CreatedAt"].endswith("Z")
    assert len(document["CreatedAt"]) == 20
    assert (root / "v1").stat().st_mode & 0o7777 == 0o701
    assert (root / "v1" / "_data").stat().st_mode & 0o7777 == 0o755
    assert os.listdir(root / "v1") == ["_data"]
    assert os.listdir(root) == ["v1"]
    assert volumes.create("v1", labels={"other": "x"}) == made  # as dockerd: the first stays


def test_options_and_labels_survive_the_daemon(volumes: Volumes, root: Path) -> None:
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=10m"}
    volumes.create("v2", "local", options, {"x": "y"})
    stored = (root / "v2" / "opts.json").read_bytes()
    assert stored == (
        b'{"MountType":"tmpfs","MountOpts":"size=10m","MountDevice":"tmpfs","Quota":{"Size":0}}'
    )
    again = Volumes(root, Events()).get("v2")
    assert again.document()["Options"] == options
    assert again.document()["Labels"] == {"x": "y"}
    assert list(again.document()["Options"]) == ["device", "o", "type"]


def test_a_volume_of_dockerd_is_adopted(root: Path) -> None:
    (root / "old" / "_data").mkdir(parents=True)
    (root / "old" / "opts.json").write_text(
        json.dumps({"MountType": "none", "MountOpts": "bind", "MountDevice": "/srv"})
    )
    (root / "backingFsBlockDev").touch()
    (root / "metadata.db").touch()
    (root / "half").mkdir()
    found = Volumes(root, Events())
    assert names(found.all()) == ["old"]
    assert found.get("old").options == {"type": "none", "o": "bind", "device": "/srv"}


def test_anonymous(volumes: Volumes) -> None:
    made = volumes.create()
    assert len(made.name) == 64
    assert made.labels == {"com.docker.volume.anonymous": ""}
    assert made.anonymous


@pytest.mark.parametrize(
    ("name", "driver", "options", "text"),
    [
        (
            "a b",
            "local",
            {},
            'create a b: "a b" includes invalid characters for a local volume name, only '
            '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, '
            "use absolute path",
        ),
        (
            "a",
            "local",
            {},
            "create a: volume name is too short, names should be at least two alphanumeric "
            "characters",
        ),
        ("v3", "local", {"foo": "bar"}, 'create v3: invalid option: "foo"'),
        ("v3", "local", {"type": "tmpfs"}, 'create v3: missing required option: "device"'),
        ("v3", "local", {"o": "bind"}, 'create v3: missing required option: "device"'),
        ("v3", "local", {"device": "x"}, 'create v3: missing required option: "type"'),
        (
            "v4",
            "nosuch",
            {},
            'create v4: error looking up volume plugin nosuch: plugin "nosuch" not found',
        ),
    ],
)
def test_create_refuses(
    volumes: Volumes, name: str, driver: str, options: dict[str, str], text: str
) -> None:
    with pytest.raises((InvalidArgument, NotFound)) as caught:
        volumes.create(name, driver, options)
    assert caught.value.message == text
    assert volumes.all() == []


@pytest.mark.parametrize(
    "name", ["../x", "..", "a/b", ".a", "-a", "é1", "a\0b", "a\n", "x" * 256, "_new"]
)
def test_hostile_names(volumes: Volumes, root: Path, name: str) -> None:
    with pytest.raises((InvalidArgument, SystemFailure)):
        volumes.create(name)
    assert os.listdir(root) == []


def test_remove(volumes: Volumes, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    volumes.create("v1", labels={"a": "b"})
    (root / "v1" / "_data" / "link").symlink_to(outside)
    deep = root / "v1" / "_data"
    for _ in range(50):
        deep = deep / "d"
        deep.mkdir()
    volumes.acquire("v1", "c" * 64)
    volumes.acquire("v1", "d" * 64)
    with pytest.raises(Conflict) as caught:
        volumes.remove("v1", force=True)
    assert caught.value.message == f"remove v1: volume is in use - [{'c' * 64}, {'d' * 64}]"
    volumes.release("v1", "c" * 64)
    volumes.release("v1", "d" * 64)
    volumes.remove("v1")
    assert (outside / "kept").exists()
    assert os.listdir(root) == []
    assert os.listdir(tmp_path / "orlop" / "volumes") == []
    assert os.listdir(tmp_path / "orlop" / "trash") == []
    with pytest.raises(NotFound, match="^get v1: no such volume$"):
        volumes.remove("v1")
    volumes.remove("v1", force=True)


def test_references_of_earlier_daemons(root: Path) -> None:
    Volumes(root, Events()).create("v1")
    volumes = Volumes(root, Events(), references=lambda: [("v1", "c" * 64), ("gone", "c" * 64)])
    with pytest.raises(Conflict):
        volumes.remove("v1")
    volumes.release("v1", "c" * 64)
    volumes.remove("v1")


def test_filters(volumes: Volumes) -> None:
    for name, labels in (("lcvol", {}), ("v1", {}), ("v2", {"x": "y"})):
        volumes.create(name, labels=labels)
    volumes.acquire("v1", "c")
    assert names(list_(volumes, {})) == ["lcvol", "v1", "v2"]
    assert names(list_(volumes, {"dangling": ["true"]})) == ["lcvol", "v2"]
    assert names(list_(volumes, {"dangling": ["0"]})) == ["v1"]
    assert names(list_(volumes, {"name": ["^v"]})) == ["v1", "v2"]
    assert names(list_(volumes, {"name": ["cv", "v2"]})) == ["lcvol", "v2"]
    assert names(list_(volumes, {"label": ["x"]})) == ["v2"]
    assert names(list_(volumes, {"label": ["x=z"]})) == []
    assert names(list_(volumes, {"driver": ["nfs"]})) == []
    with pytest.raises(InvalidArgument, match="^invalid filter 'foo'$"):
        list_(volumes, {"foo": ["x"]})
    with pytest.raises(InvalidArgument) as caught:
        list_(volumes, {"dangling": ["maybe"]})
    assert caught.value.message == "invalid filter 'dangling=[maybe]'"


def test_prune_spares_names_unless_asked(volumes: Volumes) -> None:
    anonymous, used = volumes.create(), volumes.create()
    volumes.create("named")
    volumes.create("marked", labels={"keep": "1"})
    volumes.acquire(used.name, "c")
    (anonymous.mountpoint / "file").write_bytes(b"x" * 1000)
    os.link(anonymous.mountpoint / "file", anonymous.mountpoint / "again")
    assert prune(volumes, {}) == ([anonymous.name], 1000)
    assert prune(volumes, {"all": ["true"], "label!": ["keep"]}) == (["named"], 0)
    assert names(volumes.all()) == sorted([used.name, "marked"])
    with pytest.raises(InvalidArgument):
        prune(volumes, {"dangling": ["true"]})


def test_usage_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 5000)
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "link").symlink_to("../big")
    assert usage(tmp_path / "v") < 100


def test_events(root: Path) -> None:
    events = Events()
    seen: list[Event] = []
    events.subscribe(seen.append)
    volumes = Volumes(root, events)
    volumes.create("v1")
    volumes.remove("v1")
    assert [(e.type, e.action, e.id, e.attributes) for e in seen] == [
        ("volume", "create", "v1", {"driver": "local"}),
        ("volume", "destroy", "v1", {"driver": "local"}),
    ]


def test_mount_options() -> None:
    assert local.parse_mount("bind,ro") == (0x1001, "")
    assert local.parse_mount("size=10m,uid=5,nodev,ro,rw") == (4, "size=10m,uid=5")
    assert local.parse_mount("") == (0, "")
    assert local.parse_mount("rbind,rprivate") == (0x45000, "")


@pytest.mark.parametrize("raw", [b"", b'{"Labels": {"a', b"[]"])
def test_a_damaged_record_takes_the_labels_of_one_volume_only(
    volumes: Volumes, root: Path, raw: bytes
) -> None:
    """Every call about any volume failed."""
    options = {"type": "tmpfs", "device": "tmpfs"}
    volumes.create("v1", labels={"a": "b"}, options=options)
    volumes.create("v2", labels={"c": "d"})
    (volumes.records / "v1.json").write_bytes(raw)
    again = Volumes(root, Events())
    assert again.get("v1").document()["Labels"] is None
    assert again.get("v1").document()["Options"] == options
    assert again.get("v2").document()["Labels"] == {"c": "d"}


def test_what_a_crash_left_of_a_volume_is_no_part_of_the_next_one(
    volumes: Volumes, root: Path
) -> None:
    """Its record outlived it, and the next volume of the name got its labels and options."""
    options = {"type": "tmpfs", "device": "tmpfs"}
    volumes.create("gone", labels={"a": "b"}, options=options)
    record = (volumes.records / "gone.json").read_bytes()
    volumes.remove("gone")
    for daemon in (volumes, Volumes(root, Events())):
        (daemon.records / "gone.json").write_bytes(record)
        daemon.create("gone")
        again = Volumes(root, Events()).get("gone").document()
        assert (again["Labels"], again["Options"]) == (None, None)
        daemon.remove("gone")


def test_a_half_made_volume_goes_and_is_in_nobodys_way(volumes: Volumes, root: Path) -> None:
    """In a container every daemon has the same process ID: the name could not be used again."""
    staging = root / f"_new-v1-{os.getpid()}"
    (staging / "_data").mkdir(parents=True)
    (staging / "opts.json").write_text("{}")
    (root / "_gone-volume-1" / "_data" / "deep").mkdir(parents=True)
    volumes.create("v1")
    assert os.listdir(root) == ["v1"]


def test_volumes_on_a_disk_of_their_own_can_be_removed(tmp_path: Path) -> None:
    """The trash is on the other disk: Invalid cross-device link."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as disk:
        (tmp_path / "volumes").symlink_to(disk)
        assert os.stat(disk).st_dev != tmp_path.stat().st_dev
        volumes = Volumes(tmp_path / "volumes", Events())
        volumes.create("v1")
        (volumes.get("v1").mountpoint / "f").write_bytes(b"x")
        volumes.remove("v1")
        assert volumes.all() == []
        assert os.listdir(disk) == []


def test_volumes_whose_disk_is_not_mounted_keep_their_labels(volumes: Volumes, root: Path) -> None:
    """A daemon that started before the disk was there took the records for left-overs."""
    volumes.create("v1", labels={"a": "b"})
    root.rename(root.with_name("disk"))
    root.mkdir()
    assert Volumes(root, Events()).all() == []
    root.rmdir()
    root.with_name("disk").rename(root)
    assert Volumes(root, Events()).get("v1").document()["Labels"] == {"a": "b"}
