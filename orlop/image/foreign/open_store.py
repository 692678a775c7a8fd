"""Which store is it?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orlop.errors import InvalidArgument, NotFound
from orlop.image.foreign import containers, docker
from orlop.image.foreign.store import Store
from orlop.paths import Root

# What keeps layers where only its own driver can read them.
_DEVICES = {
    "devicemapper": "on thin block devices",
    "zfs": "in datasets of its own",
    "windowsfilter": "in Windows' own form",
}
_KNOWN = (
    "containers-storage of Podman, Buildah or Skopeo; a data root of Docker; "
    "an OCI image layout or an archive of docker save"
)


@dataclass(frozen=True, slots=True)
class Opened:
    root: Root  # closed by whoever opened it
    stores: list[Store]


def open_store(path: Path) -> Opened | None:
    """The stores below a directory; None for what `load` reads: a file, or an OCI layout.

    Raises NotFound, InvalidArgument that says why it cannot be read.
    """
    if not path.exists():
        raise NotFound(f"{path}: no such file or directory")
    if path.is_file() or (path / "index.json").is_file():
        return None
    if not path.is_dir():
        raise InvalidArgument(f"{path} is neither a file nor a directory")
    root = Root(path)
    try:
        found: list[Store] = [
            containers.ContainersStorage(root, driver)
            for driver in containers.TREES
            if root.exists(f"{driver}-images/images.json", follow=True)
        ]
        found += [
            docker.DockerStore(root, driver)
            for driver in docker.TREES
            if root.exists(f"image/{driver}/imagedb", follow=True)
        ]
        if not found:
            raise InvalidArgument(_reason(path, root))
    except BaseException:
        root.close()
        raise
    return Opened(root, found)


def _reason(path: Path, root: Root) -> str:
    for name, where in _DEVICES.items():
        if root.exists(f"image/{name}") or root.exists(name):
            return (
                f"{path} keeps its layers {where} ({name}), which only the engine that wrote them "
                "can read: start that, and bring the images along by `docker save`"
            )
    if any(n.startswith(b"io.containerd.") for n in root.names("/")) or root.exists("containerd"):
        return (
            f"{path} keeps its images in containerd's snapshotter: start that engine, and bring "
            "the images along by `docker save` or `ctr images export`"
        )
    return f"nothing to import in {path}; expected {_KNOWN}"
