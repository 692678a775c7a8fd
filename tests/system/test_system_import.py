"""`orlop system import`: images of other engines' stores, the same image as before."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import Daemon, with_busybox
from fakes import dockerroots

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]
LISTING = "find /d /bin/vi /bin/ls /kept -maxdepth 1 2>&1 | sort; cat /d/b /kept/x"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with with_busybox(Daemon("--iptables=false", name="bring")) as made:
        yield made


@pytest.fixture(scope="module")
def app(daemon: Daemon) -> tuple[str, str, Path]:
    """(ID of app:1, what it shows, its archive): files replaced, removed, a directory hidden."""
    first = "mkdir /d /kept; echo a >/d/a; echo b >/d/b; ln /d/b /d/c; echo 1 >/kept/x"
    second = "rm -r /d /bin/vi; mkdir /d; echo new >/d/b; chmod 700 /d/b; echo 2 >/kept/x"
    run(daemon, "busybox", first)
    daemon.docker("commit", "made", "base:1")
    run(daemon, "base:1", second)
    daemon.docker("commit", "made", "app:1")
    daemon.docker("rm", "made")
    path = daemon.base / "app.tar"
    daemon.docker("save", "-o", str(path), "app:1")
    return inspect(daemon), shown(daemon), path


def run(daemon: Daemon, image: str, script: str) -> None:
    daemon.docker("rm", "made", check=False)
    daemon.docker("run", "--net=none", "--name=made", image, "sh", "-c", script)


def inspect(daemon: Daemon) -> str:
    return daemon.docker("image", "inspect", "-f", "{{.Id}}", "app:1").stdout.strip()


def shown(daemon: Daemon) -> str:
    return daemon.docker("run", "--rm", "--net=none", "app:1", "sh", "-c", LISTING).stdout


def forget(daemon: Daemon) -> None:
    daemon.docker("rmi", "-f", "app:1", "base:1", "busybox", check=False)
    assert daemon.docker("images", "-q").stdout == ""


def skopeo(archive: Path, target: str) -> None:
    subprocess.run(
        ["skopeo", "copy", "-q", "--insecure-policy", f"docker-archive:{archive}:app:1", target],
        check=True,
        capture_output=True,
    )


def test_containers_storage(daemon: Daemon, app: tuple[str, str, Path], tmp_path: Path) -> None:
    id, before, archive = app
    store = tmp_path / "storage"
    name = "docker.io/library/app:1"
    skopeo(archive, f"containers-storage:[overlay@{store}+{tmp_path}/run]{name}")
    subprocess.run(["umount", str(store / "overlay")], stderr=subprocess.DEVNULL)
    forget(daemon)
    said = daemon.orlop("system", "import", str(store)).stdout
    assert "Loaded image: app:1\n" in said
    assert inspect(daemon) == id
    assert shown(daemon) == before
    daemon.orlop("image", "verify", "-q", "app:1")
    again = daemon.orlop("system", "import", "-q", str(store), "app:1").stdout
    assert again == "Loaded image: app:1\n"
    missing = daemon.orlop("system", "import", str(store), "other:1", check=False)
    assert (missing.returncode, missing.stderr) == (
        1,
        "Error response from daemon: No such image in the store: other:1\n",
    )


def test_damaged_containers_storage(
    daemon: Daemon, app: tuple[str, str, Path], tmp_path: Path
) -> None:
    """One changed byte in one file: the image is left out, nothing of it stays."""
    store = tmp_path / "storage"
    skopeo(app[2], f"containers-storage:[overlay@{store}+{tmp_path}/run]docker.io/library/app:1")
    subprocess.run(["umount", str(store / "overlay")], stderr=subprocess.DEVNULL)
    found = (store / "overlay").glob("*/diff/kept/x")
    (victim,) = [path for path in found if path.read_text() == "2\n"]
    victim.write_text("3\n")
    forget(daemon)
    done = daemon.orlop("system", "import", str(store), check=False)
    assert done.returncode == 1
    assert "app:1 left out: layer is damaged: 'kept/x' is not what it was\n" in done.stdout
    assert done.stderr == "1 image was left out\n"
    assert daemon.docker("images", "-q").stdout == ""
    assert os.listdir(daemon.data_root / "image/overlay2/layerdb/tmp") == []


def test_a_layer_outside_of_the_store(
    daemon: Daemon, app: tuple[str, str, Path], tmp_path: Path
) -> None:
    """Its tree is a link to the same files elsewhere: as the host sees it nothing is wrong."""
    store = tmp_path / "storage"
    skopeo(app[2], f"containers-storage:[overlay@{store}+{tmp_path}/run]docker.io/library/app:1")
    subprocess.run(["umount", str(store / "overlay")], stderr=subprocess.DEVNULL)
    tree = next(path.parents[1] for path in (store / "overlay").glob("*/diff/kept/x")
                if path.read_text() == "2\n")  # fmt: skip
    elsewhere = tmp_path / "elsewhere"
    tree.rename(elsewhere)
    tree.symlink_to(elsewhere)
    forget(daemon)
    done = daemon.orlop("system", "import", str(store), check=False)
    assert (done.returncode, daemon.docker("images", "-q").stdout) == (1, "")
    assert "app:1 left out" in done.stdout
    tree.unlink()
    elsewhere.rename(tree)  # the control: nothing else was in the way
    daemon.orlop("system", "import", str(store))
    assert shown(daemon) == app[1]


def test_oci_layout(daemon: Daemon, app: tuple[str, str, Path], tmp_path: Path) -> None:
    skopeo(app[2], f"oci:{tmp_path}/layout:docker.io/library/app:1")
    forget(daemon)
    said = daemon.orlop("system", "import", "-q", str(tmp_path / "layout")).stdout
    assert said == "Loaded image: app:1\n"
    assert shown(daemon) == app[1]
    forget(daemon)
    daemon.orlop("system", "import", str(app[2]))
    assert inspect(daemon) == app[0]


@pytest.mark.parametrize("driver", ["aufs", "overlay"])
def test_old_drivers(
    daemon: Daemon, app: tuple[str, str, Path], tmp_path: Path, driver: str
) -> None:
    id, before, archive = app
    forget(daemon)
    daemon.docker("load", "-i", str(archive))
    root = tmp_path / "docker"
    dockerroots.make(driver, daemon.data_root, root)
    forget(daemon)
    daemon.orlop("system", "import", str(root))
    assert inspect(daemon) == id
    assert shown(daemon) == before
    forget(daemon)
    dockerroots.drop_splits(root, driver)
    said = daemon.orlop("system", "import", str(root)).stdout
    assert f"app:1 was packed anew: its ID is {inspect(daemon)} now\n" in said
    assert inspect(daemon) != id
    assert shown(daemon) == before
    assert daemon.orlop("image", "verify", "-q", "app:1").stdout == ""
    commands = daemon.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", "app:1").stdout
    assert "echo 2 >/kept/x" in commands


def test_refusals(daemon: Daemon, tmp_path: Path) -> None:
    def says(path: Path) -> str:
        done = daemon.orlop("system", "import", str(path), check=False)
        assert done.returncode == 1
        return str(done.stderr)

    (tmp_path / "dm/image/devicemapper").mkdir(parents=True)
    assert "on thin block devices (devicemapper)" in says(tmp_path / "dm")
    (tmp_path / "zfs/zfs").mkdir(parents=True)
    assert "in datasets of its own (zfs)" in says(tmp_path / "zfs")
    (tmp_path / "c/io.containerd.snapshotter.v1.overlayfs").mkdir(parents=True)
    assert "containerd's snapshotter" in says(tmp_path / "c")
    assert "nothing to import" in says(tmp_path / "c/io.containerd.snapshotter.v1.overlayfs")
    assert "no such file or directory" in says(tmp_path / "no")
    assert "own data root" in says(daemon.data_root)
    (tmp_path / "s/overlay-images").mkdir(parents=True)
    (tmp_path / "s/overlay-images/images.json").write_text("[{")
    assert "images.json of the store is damaged" in says(tmp_path / "s")


def test_hostile_store(daemon: Daemon, tmp_path: Path) -> None:
    """IDs that are paths, links that leave the store: nothing of the host is read."""
    secret = tmp_path / "secret"
    secret.write_text("host")
    images = tmp_path / "s/overlay-images"
    images.mkdir(parents=True)
    id = "a" * 64
    rows = [{"id": "../../secret", "layer": ""}, {"id": id, "layer": "../x", "names": ["x:1"]}]
    (images / "images.json").write_text(json.dumps(rows))
    (images / id).symlink_to(tmp_path)
    done = daemon.orlop("system", "import", str(tmp_path / "s"), check=False)
    assert done.returncode == 1
    assert "x:1 left out" in done.stdout
    assert "host" not in done.stdout
    shutil.rmtree(images)
