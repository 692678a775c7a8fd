"""Images on real layers, to and from Debian's docker-registry and through archives."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from fakes.docker_registry import AVAILABLE, DockerRegistry
from fakes.images import layer_tar

from orlop.config import Config
from orlop.errors import NotFound, OrlopError, SystemFailure
from orlop.events import Events
from orlop.image.bootstrap_busybox import bootstrap_busybox
from orlop.image.bootstrap_debian import bootstrap_debian
from orlop.image.create import create_from_layer
from orlop.image.history import history
from orlop.image.images import Images
from orlop.image.import_ import import_
from orlop.image.inspect import inspect
from orlop.image.list_ import list_
from orlop.image.load import load
from orlop.image.login import login
from orlop.image.pull import pull
from orlop.image.push import push
from orlop.image.remote import distribution
from orlop.image.remove import remove
from orlop.image.save import save
from orlop.image.tag import tag
from orlop.image.tags import tags
from orlop.image.verify import verify
from orlop.storage.drivers.overlay2 import Overlay2
from orlop.storage.layers import Layers

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not AVAILABLE, reason="needs the package docker-registry"),
]


class Store:
    """An image store on a real overlay, with its mounts taken away at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        root = folder / "image/overlay2"
        root.mkdir(parents=True)
        self.driver = Overlay2(folder / "overlay2")
        self.layers = Layers(root / "layerdb", self.driver)
        self.images = Images(root, self.layers, Events(), Config(data_root=folder))

    def close(self) -> None:
        self.images.close()
        self.layers.close()  # files that still go keep the mount busy
        subprocess.run(["umount", str(self.driver.home)], check=True)

    def leftovers(self) -> list[str]:
        tmp = self.folder / "image/overlay2/layerdb/tmp"
        return [p.name for p in [*tmp.iterdir(), *self.images.scratch.iterdir()]]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "here")
    yield made
    left = made.leftovers()
    made.close()
    assert left == []


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "there")
    yield made
    left = made.leftovers()
    made.close()
    assert left == []


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with DockerRegistry(tmp_path_factory.mktemp("registry")) as made:
        yield made


def three_layers(images: Images, name: str) -> str:
    """An image of three layers, the last with a whiteout; returns its ID."""
    list(import_(images, io.BytesIO(layer_tar({"a": b"1", "b": b"2"})), name, "base"))
    parent = images.get(f"{name}:base").id
    for number, data in enumerate(
        (layer_tar({"c": os.urandom(200_000)}), layer_tar({".wh.a": b""}))
    ):
        parent = create_from_layer(
            images, parent=parent, diff=iter([data]), repo=name, tag=str(number),
            container_config={"Cmd": ["sh", "-c", f"step {number}"]}, changes=[f"ENV N={number}"],
        )  # fmt: skip
    return parent


def words(messages: Iterator[dict[str, Any]]) -> list[str]:
    return [m.get("status") or m.get("stream", "") for m in messages if "progress" not in m]


def test_push_and_pull_back(here: Store, there: Store, registry: DockerRegistry) -> None:
    image = three_layers(here.images, f"{registry.host}/one/x")
    first = words(push(here.images, f"{registry.host}/one/x", tag="1"))
    assert first[0] == f"The push refers to repository [{registry.host}/one/x]"
    assert sorted(first[1:7]) == ["Preparing"] * 3 + ["Pushed"] * 3
    assert first[7].startswith("1: digest: sha256:")
    again = words(push(here.images, f"{registry.host}/one/x", tag="1"))
    assert again[4:7] == ["Layer already exists"] * 3
    assert again[7] == first[7]
    tag(here.images, image, f"{registry.host}/two/y")
    mounted = words(push(here.images, f"{registry.host}/two/y"))
    assert mounted[4:7] == ["Mounted from one/x"] * 3
    done = words(pull(there.images, f"{registry.host}/one/x:1"))
    assert done[-1] == f"Status: Downloaded newer image for {registry.host}/one/x:1"
    assert there.images.get(f"{registry.host}/one/x:1").id == image
    assert all(row["OK"] for row in verify(there.images, image))
    gone = remove(there.images, f"{registry.host}/one/x:1")
    assert [next(iter(g)) for g in gone] == ["Untagged"] * 2 + ["Deleted"] * 4
    assert there.images.layers.all() == []  # type: ignore[attr-defined]


def test_push_without_tag_pushes_all(here: Store, registry: DockerRegistry) -> None:
    three_layers(here.images, f"{registry.host}/all/x")
    lines = words(push(here.images, f"{registry.host}/all/x"))
    digests = [line.partition(":")[0] for line in lines if "digest: " in line]
    assert digests == ["0", "1", "base"]
    rows = list(tags(here.images, f"{registry.host}/all/x", detail=True))
    assert [r["Name"] for r in rows] == ["0", "1", "base"]
    assert all(r["Platforms"] == ["linux/amd64"] and r["Size"] > 0 and r["Digest"] for r in rows)
    shown = distribution(here.images, f"{registry.host}/all/x:1")
    assert shown["Descriptor"]["digest"] == rows[1]["Digest"]
    assert shown["Platforms"] == [{"architecture": "amd64", "os": "linux"}]


def test_unknown_things(here: Store, registry: DockerRegistry) -> None:
    with pytest.raises(NotFound) as caught:
        list(pull(here.images, f"{registry.host}/no/x:1"))
    assert caught.value.message == (
        f"manifest for {registry.host}/no/x:1 not found: manifest unknown: manifest unknown"
    )
    stream = push(here.images, f"{registry.host}/no/x", tag="1")
    assert next(stream)["status"] == f"The push refers to repository [{registry.host}/no/x]"
    with pytest.raises(NotFound) as missing:
        next(stream)
    assert missing.value.message == (
        f"An image does not exist locally with the tag: {registry.host}/no/x"
    )


def test_basic_authentication(here: Store, tmp_path: Path) -> None:
    bcrypt = pytest.importorskip("crypt", reason="needs bcrypt for htpasswd")
    hashed = bcrypt.crypt("p", "$2b$05$" + "abcdefghijklmnopqrstuu")
    if not hashed or not hashed.startswith("$2b$"):
        pytest.skip("this libcrypt has no bcrypt")
    with DockerRegistry(tmp_path / "auth", htpasswd=f"u:{hashed}\n") as registry:
        name = f"{registry.host}/p/x"
        three_layers(here.images, name)
        auth = {"username": "u", "password": "p"}
        with pytest.raises(OrlopError, match="no basic auth credentials"):
            list(push(here.images, name, tag="1"))
        list(push(here.images, name, tag="1", auth=auth))
        with pytest.raises(SystemFailure) as caught:
            list(pull(here.images, f"{name}:1"))
        assert caught.value.message == (
            f'Head "http://{registry.host}/v2/p/x/manifests/1": no basic auth credentials'
        )
        assert words(pull(here.images, f"{name}:1", auth=auth))
        assert login(here.images, {**auth, "serveraddress": registry.host})["Status"] == (
            "Login Succeeded"
        )
        with pytest.raises(SystemFailure) as refused:
            login(here.images, {"username": "u", "password": "x", "serveraddress": registry.host})
        assert refused.value.message == (
            f"login attempt to http://{registry.host}/v2/ failed with status: 401 Unauthorized"
        )


def saved(store: Store, *names: str) -> bytes:
    return b"".join(save(store.images, names))


def test_save_is_deterministic_and_loads_back(here: Store, there: Store) -> None:
    image = three_layers(here.images, "x")
    data = saved(here, "x:1")
    assert data == saved(here, "x:1")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        names = tar.getnames()
        for member in tar:
            if member.isfile() and member.name.startswith("blobs/sha256/"):
                content = tar.extractfile(member)
                assert content is not None
                assert hashlib.sha256(content.read()).hexdigest() == member.name[13:]
    assert names[:2] == ["blobs", "blobs/sha256"]
    assert names[2:-4] == sorted(names[2:-4])
    assert names[-4:] == ["index.json", "manifest.json", "oci-layout", "repositories"]
    assert words(load(there.images, io.BytesIO(data))) == ["Loaded image: x:1\n"]
    assert there.images.get("x:1").id == image
    assert saved(there, "x:1") == data
    assert [h["CreatedBy"] for h in history(there.images, "x:1")] == [
        "sh -c step 1", "sh -c step 0", "",
    ]  # fmt: skip


@pytest.mark.parametrize("how", ["gzip", "zstd", "bz2", "xz"])
def test_compressed_archives(here: Store, there: Store, how: str) -> None:
    import bz2
    import lzma

    image = three_layers(here.images, "x")
    pack = {"gzip": gzip.compress, "zstd": zstandard.compress, "bz2": bz2.compress,
            "xz": lzma.compress}[how]  # fmt: skip
    list(load(there.images, io.BytesIO(pack(saved(here, "x:1")))))
    assert there.images.get("x:1").id == image


def without(data: bytes, *names: str) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            if member.name not in names:
                new.addfile(member, old.extractfile(member) if member.isfile() else None)
    out.seek(0)
    return out


def test_oci_layout_alone(here: Store, there: Store) -> None:
    image = three_layers(here.images, "x")
    stream = without(saved(here, "x:1"), "manifest.json", "repositories")
    assert words(load(there.images, stream)) == ["Loaded image: x:1\n"]
    assert there.images.get("x:1").id == image


def test_archive_without_tags(here: Store, there: Store) -> None:
    image = three_layers(here.images, "x")
    assert words(load(there.images, io.BytesIO(saved(here, image)))) == [
        f"Loaded image ID: {image}\n"
    ]


def test_repository_name_saves_every_tag(here: Store, there: Store) -> None:
    three_layers(here.images, "x")
    lines = words(load(there.images, io.BytesIO(saved(here, "x"))))
    assert lines == [f"Loaded image: x:{name}\n" for name in ("0", "1", "base")]


def test_loading_moves_a_tag(here: Store, there: Store) -> None:
    three_layers(here.images, "x")
    list(import_(there.images, io.BytesIO(layer_tar({"z": b""})), "x", "1"))
    before = there.images.get("x:1").id
    lines = words(load(there.images, io.BytesIO(saved(here, "x:1"))))
    assert lines[0] == (
        f"The image x:1 already exists, renaming the old one with ID {before} to empty string\n"
    )


def test_import_and_inspect(here: Store) -> None:
    changes = ["CMD [\"sh\"]", "ENV A=b", "EXPOSE 80", "LABEL a=b", "WORKDIR /x", "VOLUME /v",
               "USER u", "STOPSIGNAL SIGINT"]  # fmt: skip
    done = words(import_(here.images, io.BytesIO(layer_tar({"f": b"x\n"})), "imp", "1",
                         message="hello", changes=changes))  # fmt: skip
    shown = inspect(here.images, "imp:1")
    assert done[-1] == shown["Id"]
    assert (shown["Comment"], shown["Size"], shown["Parent"]) == ("hello", 2, "")
    assert shown["Config"] == {
        "Cmd": ["sh"], "Entrypoint": None, "Env": ["A=b"], "ExposedPorts": {"80/tcp": {}},
        "Labels": {"a": "b"}, "OnBuild": None, "StopSignal": "SIGINT", "User": "u",
        "Volumes": {"/v": {}}, "WorkingDir": "/x",
    }  # fmt: skip
    assert Path(shown["GraphDriver"]["Data"]["UpperDir"], "f").read_text() == "x\n"
    with pytest.raises(OrlopError):
        list(import_(here.images, io.BytesIO(b"hello world" * 1000), "imp", "2"))
    assert len(list_(here.images)) == 1


def test_commit_of_nothing_adds_only_history(here: Store) -> None:
    base = three_layers(here.images, "x")
    made = create_from_layer(here.images, parent=base, diff=iter([bytes(1024)]), comment="c")
    image = here.images.get(made)
    assert image.chains == here.images.get(base).chains
    assert image.config["history"][-1]["empty_layer"] is True


def test_bootstrap_busybox_is_reproducible(here: Store, there: Store) -> None:
    assert words(bootstrap_busybox(here.images))[-1] == "Loaded image: busybox:latest\n"
    list(bootstrap_busybox(there.images))
    assert here.images.get("busybox").id == there.images.get("busybox").id
    shown = inspect(here.images, "busybox")
    root = Path(shown["GraphDriver"]["Data"]["UpperDir"])
    assert (root / "etc/passwd").read_text().startswith("root:x:0:0:")
    assert os.readlink(root / "bin/sh") == "busybox"
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777


def test_bytes_on_disk_are_dockers(here: Store, registry: DockerRegistry) -> None:
    """Rows D3 to D5: names, modes and contents of the store's files."""
    image = three_layers(here.images, f"{registry.host}/disk/x")
    list(push(here.images, f"{registry.host}/disk/x", tag="1"))
    root = here.images.root
    repositories = json.loads((root / "repositories.json").read_text())["Repositories"]
    held = repositories[f"{registry.host}/disk/x"]
    assert held[f"{registry.host}/disk/x:1"] == image
    assert any("@sha256:" in name for name in held)
    metadata = root / "imagedb/metadata/sha256" / image[7:]
    assert {p.name for p in metadata.iterdir()} == {"parent", "lastUpdated", "builtLocally"}
    diff = here.images.get(image).diff_ids[0]
    rows = json.loads((root / "distribution/v2metadata-by-diffid/sha256" / diff[7:]).read_text())
    assert list(rows[0]) == ["Digest", "SourceRepository", "HMAC"]
    blob = root / "distribution/diffid-by-digest/sha256" / rows[0]["Digest"][7:]
    assert blob.read_text() == diff
    assert blob.stat().st_mode & 0o777 == 0o644


def test_credentials_stay_out_of_everything(here: Store, registry: DockerRegistry) -> None:
    seen: list[str] = []
    here.images.events.subscribe(lambda event: seen.append(repr(event)))
    three_layers(here.images, f"{registry.host}/sec/x")
    auth = {"username": "canary-user", "password": "canary-secret"}
    out = repr(list(push(here.images, f"{registry.host}/sec/x", tag="1", auth=auth)))
    for path in here.images.root.rglob("*"):
        if path.is_file() and "layerdb" not in path.parts:
            seen.append(path.read_bytes().decode("utf-8", "replace"))
    packed = base64.b64encode(b"canary-user:canary-secret").decode()
    assert "canary" not in out + "".join(seen)
    assert packed not in out + "".join(seen)


def test_bootstrap_debian(here: Store) -> None:
    if shutil.which("apt-get") is None or not list(Path("/var/lib/apt/lists").glob("*Packages*")):
        pytest.skip("needs apt with package lists")
    if Path("/etc/os-release").read_text().find("ID=debian\n") < 0:
        with pytest.raises(OrlopError, match="no Debian mirror configured"):
            list(bootstrap_debian(here.images))
        return
    lines = words(bootstrap_debian(here.images))
    name = lines[-1].removeprefix("Loaded image: ").strip()
    root = Path(inspect(here.images, name)["GraphDriver"]["Data"]["UpperDir"])
    assert os.readlink(root / "bin") == "usr/bin"
    assert (root / "etc/passwd").read_text().startswith("root:")
    audit = subprocess.run(
        ["chroot", root, "dpkg", "--audit"], capture_output=True, text=True, check=True
    )
    assert audit.stdout == ""
    assert list((root / "dev").iterdir()) == []
    with pytest.raises(OrlopError, match="nosuchsuite"):
        list(bootstrap_debian(here.images, "nosuchsuite"))
    with pytest.raises(OrlopError, match="invalid suite"):
        list(bootstrap_debian(here.images, "../x"))
