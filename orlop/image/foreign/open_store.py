"""Which store is it?"""

from __future__ import annotations

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


def open_store(path: Path) -> list[Store] | None:
    """The stores below a directory; None for what `load` reads: a file, or an OCI layout.

    Raises NotFound, InvalidArgument that says why it cannot be read.
    """
    if not path.exists():
        raise NotFound(f"{path}: no such file or directory")
    if path.is_file() or (path / "index.json").is_file():
        return None
    if not path.is_dir():
        raise InvalidArgument(f"{path} is neither a file nor a directory")
    root = Root(path)  # closed with the last store
    found: list[Store] = [
        containers.ContainersStorage(root, driver)
        for driver in containers.TREES
        if (path / f"{driver}-images" / "images.json").is_file()
    ]
    found += [
        docker.DockerStore(root, driver)
        for driver in docker.TREES
        if (path / "image" / driver / "imagedb").is_dir()
    ]
    if not found:
        root.close()
        raise InvalidArgument(_reason(path))
    return found


def _reason(path: Path) -> str:
    for name, where in _DEVICES.items():
        if (path / "image" / name).is_dir() or (path / name).is_dir():
            return (
                f"{path} keeps its layers {where} ({name}), which only the engine that wrote them "
                "can read: start that, and bring the images along by `docker save`"
            )
    if any(path.glob("io.containerd.*")) or (path / "containerd").is_dir():
        return (
            f"{path} keeps its images in containerd's snapshotter: start that engine, and bring "
            "the images along by `docker save` or `ctr images export`"
        )
    return f"nothing to import in {path}; expected {_KNOWN}"
