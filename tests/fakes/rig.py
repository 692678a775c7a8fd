"""A `Containers` over fakes, with its events recorded."""

from __future__ import annotations

from pathlib import Path

from fakes.rooms import FakeImages, FakeKeeper, FakeLayers, FakeNetworks, FakeVolumes
from orlop.config import Config
from orlop.container import exits, load, sysinfo
from orlop.container.containers import Containers
from orlop.events import Event, Events

INFO = sysinfo.SysInfo(
    cpus=2, cpuset_cpus="0-1", cpuset_mems="0", unified=False, blkio_weight=False
)


class Rig:
    """A `Containers` over fakes, with its events recorded."""

    def __init__(self, path: Path, keeper: FakeKeeper | None = None) -> None:
        self.path = path
        self.config = Config(data_root=path / "data", exec_root=path / "run")
        (path / "data" / "containers").mkdir(parents=True, exist_ok=True)
        (path / "data" / "orlop" / "trash").mkdir(parents=True, exist_ok=True)
        self.events = Events()
        self.seen: list[Event] = []
        self.events.subscribe(self.seen.append)
        self.images = FakeImages()
        self.layers = FakeLayers(path / "overlay2")
        self.networks = FakeNetworks()
        self.volumes = FakeVolumes(path / "volumes")
        self.keeper = keeper or FakeKeeper()
        self.containers = Containers(
            self.config,
            self.images,  # type: ignore[arg-type]
            self.layers,  # type: ignore[arg-type]
            self.networks,  # type: ignore[arg-type]
            self.volumes,  # type: ignore[arg-type]
            self.keeper,  # type: ignore[arg-type]
            self.events,
            info=INFO,
        )
        self.keeper.on_exit = lambda *a: exits.on_exit(self.containers, *a)

    def actions(self, id: str = "") -> list[str]:
        return [e.action for e in self.seen if e.type == "container" and id in ("", e.id)]

    def again(self) -> Rig:
        """The daemon is killed and another one starts on the same data."""
        other = Rig(self.path, self.keeper)
        other.layers, other.volumes = self.layers, self.volumes
        other.containers.layers = self.layers  # type: ignore[assignment]
        other.containers.volumes = self.volumes  # type: ignore[assignment]
        load.load(other.containers)
        load.recover(other.containers, self.keeper.snapshot())
        return other
