"""The composition root: opens a data root, joins the nouns, closes them again. No verbs.

Invariant: one engine owns a data root at a time, guarded by two locks: our own and the one that
dockerd takes (volumes/metadata.db), neither ever inherited.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orlop import files
from orlop.builder.builder import Builder, open_cache, prepare
from orlop.config import Config
from orlop.container import cgroups, exec_start, exits, load, logopts, revive, sysinfo
from orlop.container.containers import Containers, image_users
from orlop.errors import OrlopError, SystemFailure
from orlop.events import Event, Events
from orlop.files import LockFile
from orlop.handover import state
from orlop.handover.adopt import adopt, foreign, refuse_unreadable
from orlop.handover.hand_back import hand_back
from orlop.image.images import Images
from orlop.image.mirror import kept
from orlop.image.published import Published
from orlop.keeper.client import Keeper
from orlop.network import ports
from orlop.network.door import Door
from orlop.network.networks import Networks
from orlop.storage.choose import choose
from orlop.storage.journal import Journal
from orlop.storage.layers import Layers
from orlop.subids import remap
from orlop.volume.volumes import Volumes

if TYPE_CHECKING:
    from orlop.buildkit.buildkit import Buildkit

log = logging.getLogger(__name__)

VERSION = 1  # of what lies under <data-root>/orlop
_DIRECTORIES = {
    "buildkit": 0o711,
    "containers": 0o710,
    "image": 0o700,
    "network": 0o750,
    "plugins": 0o700,
    "runtimes": 0o700,
    "swarm": 0o700,
    "tmp": 0o700,
    "volumes": 0o701,
    "orlop": 0o700,
}


@dataclass(slots=True)
class Engine:
    config: Config
    id: str
    events: Events
    layers: Layers
    images: Images
    networks: Networks
    volumes: Volumes
    containers: Containers
    builder: Builder
    keeper: Keeper
    storage_reason: str  # why this storage driver
    published: Published
    _locks: list[LockFile]
    end: Callable[[], None] | None = None  # asks the daemon to end; None without one
    handing_back: bool = False  # on closing: dockerd comes next
    _buildkit: Buildkit | None = None
    _making: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(cls, config: Config) -> Engine:
        """Raises Conflict when another engine has the data root, SystemFailure when it cannot be
        used."""
        _check_logging(config)
        locks = _lay_out(config)
        try:
            return cls._join(config, locks)
        except BaseException:
            for lock in locks:
                lock.close()
            raise

    @classmethod
    def _join(cls, config: Config, locks: list[LockFile]) -> Engine:
        root = config.data_root
        events = Events()
        choice = choose(config.storage_driver, root)
        driver = choice.driver
        store = root / "image" / driver.name
        journal = Journal(root / "orlop" / "journal") if state.path_of(root).exists() else None
        layers = Layers(store / "layerdb", driver, journal)
        images = Images(store, layers, events, config)
        if config.rootless:
            ports.door = Door(config.exec_root / "door.sock")
        networks = Networks(config, events)
        volumes = Volumes(root / "volumes", events)
        keeper = Keeper(config.exec_root)
        containers = Containers(config, images, layers, networks, volumes, keeper, events)
        if not cgroups.available():
            containers.info = replace(containers.info, cgroups=False)
        elif config.rootless:  # systemd gives a user fewer controllers than the host has
            containers.info = sysinfo.detect(Path(cgroups.layout().unified))
        containers.remap = remap(config.userns_remap)
        if config.default_userns_mode.startswith("auto"):
            containers.ranges.check()
        images.mirrored = lambda: kept(root / "orlop" / "mirror.json")
        images.in_use = lambda: image_users(containers)
        volumes.references = lambda: _volume_references(containers)
        builder = Builder(
            config, images, layers, containers, events, open_cache(config, images, layers)
        )
        prepare(builder)
        load.load(containers)
        containers.exec_exits.append(
            lambda id, exec_id, status, at: exec_start.exec_exited(
                containers, id, exec_id, status, at
            )
        )
        networks.resolver.serve_again = lambda id: keeper.netops(id, (), networks.resolver.ops(id))
        keeper.on_exit = lambda id, exec_id, status, at: exits.on_exit(
            containers, id, exec_id, status, at
        )
        keeper.on_detach = lambda id, exec_id: _detached(containers, id, exec_id)
        keeper.on_restart = lambda tasks: revive.keeper_restarted(containers)
        events.subscribe(lambda event: _image_renamed(containers, event))
        files.keep_reserve(root / "orlop" / "reserve")
        with keeper.holding_calls():
            keeper.ensure()
            load.recover(containers, keeper.snapshot())
        return cls(
            config, _engine_id(root), events, layers, images, networks, volumes, containers,
            builder, keeper, choice.reason, Published(images), locks,
        )  # fmt: skip

    @property
    def buildkit(self) -> Buildkit:
        """Made when a client first speaks BuildKit's protocol: HTTP/2 costs 5 MB."""
        with self._making:
            if self._buildkit is None:
                from orlop.buildkit.buildkit import Buildkit

                self._buildkit = Buildkit(self.builder)
            return self._buildkit

    @property
    def reserve(self) -> Path:
        """Room for the records of a removal on a full disk."""
        return self.config.data_root / "orlop" / "reserve"

    def close(self) -> None:
        """Let go of everything; containers run on, the keeper has them. Without any, it ends too:
        no process and no mount of the engine stays."""
        if self._buildkit is not None:
            self._buildkit.close()
        self.builder.close()
        self.containers.close()
        self.networks.close()
        self.images.close()
        idle = self._end_keeper()
        self.keeper.close()
        self.layers.close(finish=self.handing_back)
        if idle or self.handing_back:
            self._leave_driver()
        if self.handing_back:
            hand_back(self.config.data_root)
        for lock in self._locks:
            lock.close()

    def _leave_driver(self) -> None:
        try:
            self.layers.driver.leave()
        except (OrlopError, OSError):
            if self.handing_back:
                raise
            log.exception("mounts of the storage driver stay")

    def _end_keeper(self) -> bool:
        """False: it has containers, an end that is not recorded yet, or died just now."""
        try:
            return self.keeper.shutdown()
        except OrlopError:
            if self.handing_back:
                raise
            return False


def _detached(containers: Containers, id: str, exec_id: str) -> None:
    """A client typed its detach keys."""
    container = containers.find(id)
    if container is None:
        return
    if exec_id:
        containers.publish(container, "exec_detach", execID=exec_id)
    else:
        containers.publish(container, "detach")


def _image_renamed(containers: Containers, event: Event) -> None:
    """`ps` shows images by name."""
    if event.type == "image":
        containers.touch_all()


def _volume_references(containers: Containers) -> Iterator[tuple[str, str]]:
    """(volume, container ID) of every volume that a container mounts."""
    for container in containers.all():
        for point in (container.record.get("MountPoints") or {}).values():
            if point.get("Type") == "volume":
                yield point["Name"], container.id


def _check_logging(config: Config) -> None:
    """As dockerd: a driver without options is looked at when a container wants it."""
    if config.log_opts:
        try:
            logopts.check(config.log_driver, dict(config.log_opts))
        except OrlopError as error:
            raise SystemFailure(f"failed to set log opts: {error.message}") from None


def _lay_out(config: Config) -> list[LockFile]:
    """Directories with Docker's modes; the locks. dockerd's own lock first: a root that it has
    now is left as it is."""
    root = config.data_root
    busy = f"data root {root} is in use by another daemon; stop it or name another --data-root"
    guard = root / "volumes" / "metadata.db"
    locks: list[LockFile] = []
    try:
        if guard.exists():
            locks.append(LockFile(guard, busy=busy))
        _check_version(root)
        dockers = foreign(root)  # asked before we lay anything out in it
        _make_directories(config)
        locks.append(LockFile(root / "orlop" / "lock", busy=busy))
        if len(locks) == 1:
            locks.append(LockFile(guard, busy=busy))
        _take_possession(root, dockers)
    except BaseException as error:
        for lock in locks:
            lock.close()
        if isinstance(error, PermissionError):
            raise SystemFailure(
                f"{error.filename}: permission denied; run orlopd as root or name a --data-root "
                "and an --exec-root that this user may write"
            ) from error
        raise
    return locks


def _make_directories(config: Config) -> None:
    root = config.data_root
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o710)
    for name, mode in _DIRECTORIES.items():
        (root / name).mkdir(exist_ok=True)
        (root / name).chmod(mode)
    for path in (config.exec_root, config.exec_root / "containers"):
        path.mkdir(parents=True, exist_ok=True)
    config.exec_root.chmod(0o711)
    (config.exec_root / "containers").chmod(0o700)


def _take_possession(root: Path, dockers: bool) -> None:
    """The locks are ours: what dockerd wrote becomes known to us, once."""
    if dockers:
        adopt(root)
    version = root / "orlop" / "version"
    if not version.exists():
        files.write_atomic(version, f"{VERSION}\n".encode(), mode=0o644)


def _check_version(root: Path) -> None:
    """Raises SystemFailure for a root that cannot be read or is of a newer version."""
    version = root / "orlop" / "version"
    if not version.exists():
        refuse_unreadable(root)
        return
    try:
        found = int(version.read_text())
    except ValueError:
        raise SystemFailure(f"{version}: damaged; it should hold the number {VERSION}") from None
    if found > VERSION:
        raise SystemFailure(
            f"data root {root} has version {found}, this orlop knows {VERSION}: use a newer orlop"
        )


def _engine_id(root: Path) -> str:
    """Any text that dockerd may have written; a new one for what is none."""
    path = root / "engine-id"
    try:
        found = path.read_bytes().decode("ascii", "replace").strip()
    except FileNotFoundError:
        found = ""
    if found and found.isascii() and found.isprintable():
        return found
    made = str(uuid.uuid4())
    files.write_atomic(path, made.encode(), mode=0o600)
    return made
