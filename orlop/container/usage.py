"""Who has every byte below the data root (`orlop system df -v`).

Rows {"Kind", "ID", "Owner", "Bytes", "Files"}; their sum is what du says of the root. Kinds:
images, containers, volumes, build cache, blob cache, downloads, logs, records, tmp, lost (nobody
knows it).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from orlop.container.containers import Containers
from orlop.storage.footprint import Footprint
from orlop.storage.recordfile import text

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RECORDS = frozenset(
    ("image", "network", "engine-id", "buildkit", "plugins", "runtimes", "swarm", "nuke-graph-"
     "directory.sh", "trust", "builder")
)  # fmt: skip
_OURS = {
    "blobs": "blob cache",
    "build": "build cache",
    "downloads": "downloads",
    "spool": "logs",
    "trash": "tmp",
}
_LOGS = ("-json.log", "local-logs")


def usage(containers: Containers) -> Iterator[dict[str, Any]]:
    """Raises OSError."""
    return _Survey(containers).rows()


class _Survey:
    def __init__(self, containers: Containers) -> None:
        self._containers = containers
        self._root = str(containers.config.data_root)
        self._sizes = Footprint(os.stat(self._root).st_dev)

    def rows(self) -> Iterator[dict[str, Any]]:
        top = os.open(self._root, _DIRECTORY)
        try:
            yield self._row("records", "", "", self._sizes.alone(top))
            for name in sorted(os.listdir(top)):
                yield from self._entry(top, name)
        finally:
            os.close(top)

    def _entry(self, top: int, name: str) -> Iterator[dict[str, Any]]:
        driver = self._containers.layers.driver
        if name == driver.home.name:
            place = driver.tree("-").relative_to(self._root).as_posix().partition("/-")[0]
            if place != name:  # trees in a folder of their own
                yield from self._alone(top, name)
            yield from self._each(top, place, self._trees())
        elif name == "containers":
            yield from self._container_folders(top)
        elif name == "volumes":
            yield from self._each(top, name, {}, default="volumes", files="records")
        elif name == "orlop":
            yield from self._each(
                top, name, {key: (kind, "") for key, kind in _OURS.items()}, default="records"
            )
        else:
            kind = "records" if name in _RECORDS else "tmp" if name == "tmp" else "lost"
            yield self._row(kind, name, "", self._sizes.of(name, top))

    def _alone(self, top: int, name: str) -> Iterator[dict[str, Any]]:
        fd = os.open(name, _DIRECTORY, dir_fd=top)
        try:
            yield self._row("records", name, "", self._sizes.alone(fd))
        finally:
            os.close(fd)

    def _each(
        self,
        top: int,
        folder: str,
        known: dict[str, tuple[str, str]],
        *,
        default: str = "lost",
        files: str = "",
    ) -> Iterator[dict[str, Any]]:
        """A row for each entry of a folder; `files`: the kind of those that are no directories."""
        fd = os.open(folder, _DIRECTORY, dir_fd=top)
        try:
            yield self._row("records", folder, "", self._sizes.alone(fd))
            for name in sorted(os.listdir(fd)):
                kind, owner = known.get(name, (default, ""))
                if files and not os.path.isdir(f"{self._root}/{folder}/{name}"):
                    kind = files
                yield self._row(kind, f"{folder}/{name}", owner, self._sizes.of(name, fd))
        finally:
            os.close(fd)

    def _trees(self) -> dict[str, tuple[str, str]]:
        """Whose each tree of the driver is."""
        layers, images = self._containers.layers, self._containers.images
        out: dict[str, tuple[str, str]] = {"l": ("records", "")}
        owners: dict[str, list[str]] = {}
        for image in images.all():
            names = [r.familiar for r in images.references.of(image.id) if r.tag]
            for chain in image.chains:
                owners.setdefault(chain, []).extend(names or [image.short])
        for layer in layers.all():
            named = owners.get(layer.chain_id)
            kind = "images" if named is not None else "build cache"
            out[layer.cache_id] = (kind, ", ".join(dict.fromkeys(named or ())))
        for folder in (layers.root / "mounts").iterdir():
            container = self._containers.find(folder.name)
            owner = container.name if container is not None else folder.name[:12]
            for file in ("mount-id", "init-id"):
                if (id := text(folder / file)) != "":
                    out[id] = ("containers", owner)
        return out

    def _container_folders(self, top: int) -> Iterator[dict[str, Any]]:
        """The log of each apart from what else is beside its record."""
        all_of_them = os.open("containers", _DIRECTORY, dir_fd=top)
        try:
            yield self._row("records", "containers", "", self._sizes.alone(all_of_them))
            for id in sorted(os.listdir(all_of_them)):
                container = self._containers.find(id)
                kind, owner = ("containers", container.name) if container else ("lost", "")
                try:
                    fd = os.open(id, _DIRECTORY, dir_fd=all_of_them)
                except (FileNotFoundError, NotADirectoryError):  # gone, or a stray file
                    yield self._row(
                        kind, f"containers/{id}", owner, self._sizes.of(id, all_of_them)
                    )
                    continue
                try:
                    yield self._row(kind, f"containers/{id}", owner, self._sizes.alone(fd))
                    for name in sorted(os.listdir(fd)):
                        log = container is not None and any(part in name for part in _LOGS)
                        yield self._row(
                            "logs" if log else kind,
                            f"containers/{id}/{name}",
                            owner,
                            self._sizes.of(name, fd),
                        )
                finally:
                    os.close(fd)
        finally:
            os.close(all_of_them)

    def _row(self, kind: str, id: str, owner: str, size: tuple[int, int]) -> dict[str, Any]:
        return {"Kind": kind, "ID": id, "Owner": owner, "Bytes": size[0], "Files": size[1]}
