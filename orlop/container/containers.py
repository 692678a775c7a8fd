"""The noun: every container of this data root, found by ID, name or prefix.

Invariant: `_by_id` and `_names` change together under `_lock`; a name belongs to one container
from the reservation (before its record is on disk) to the removal.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orlop.config import Config
from orlop.container import names, sysinfo
from orlop.container.cleanup import Cleanup
from orlop.container.couriers import Couriers
from orlop.container.execs import Execs
from orlop.container.idranges import IDRanges
from orlop.container.linkindex import LinkIndex
from orlop.container.model import Container
from orlop.container.timers import Timers, guarded
from orlop.errors import Conflict, InvalidArgument, NotFound, SystemFailure
from orlop.events import Events
from orlop.image.model import ImageUse
from orlop.oci.idmap import IDMap

if TYPE_CHECKING:
    from orlop.image.images import Images
    from orlop.keeper.client import Keeper
    from orlop.network.networks import Networks
    from orlop.storage.layers import Layers
    from orlop.volume.volumes import Volumes

_HEX = re.compile(r"[0-9a-f]{1,64}", re.ASCII)
_ATTEMPTS = 6

ExecExit = Callable[[str, str, int | None, int], None]


def new_id() -> str:
    """64 hex digits; the short form is never all digits, which other tools take for a number."""
    while True:
        found = secrets.token_hex(32)
        if not found[:12].isdigit():
            return found


@dataclass(eq=False, slots=True)
class Containers:
    config: Config
    images: Images
    layers: Layers
    networks: Networks
    volumes: Volumes
    keeper: Keeper
    events: Events
    timers: Timers = field(default_factory=Timers)
    cleanup: Cleanup = field(default_factory=Cleanup)
    info: sysinfo.SysInfo = field(default_factory=sysinfo.detect)
    closing: bool = False
    execs: Execs = field(default_factory=Execs)
    couriers: Couriers = field(init=False)
    remap: IDMap | None = None  # of userns-remap
    ranges: IDRanges = field(default_factory=IDRanges)  # of --userns=auto
    exec_exits: list[ExecExit] = field(default_factory=list)  # exec.py registers here
    hidden_env: dict[str, tuple[str, ...]] = field(default_factory=dict)  # in no record: secrets
    _exits: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(4, thread_name_prefix="orlop-exit")
    )
    _unsettled: int = 0  # exits that were reported and still hold an address or a port
    _settled: threading.Condition = field(default_factory=threading.Condition)
    _by_id: dict[str, Container] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _links: LinkIndex = field(default_factory=LinkIndex)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.couriers = Couriers(self.config.data_root, self.config.exec_root)

    @property
    def root(self) -> Path:
        return self.config.data_root / "containers"

    @property
    def trash(self) -> Path:
        """Where removed directories wait for their rm -r."""
        return self.config.data_root / "orlop" / "trash"

    def exec_directory(self, id: str) -> Path:
        return self.config.exec_root / "containers" / id

    def get(self, ref: str) -> Container:
        """Full ID, then name, then unique prefix of an ID. Raises NotFound, InvalidArgument."""
        if not ref:
            raise InvalidArgument('invalid name or ID supplied: ""')
        found = self._by_id.get(ref)
        if found is not None:
            return found
        with self._lock:
            named = self._names.get(ref.removeprefix("/"))
            if named is None and "/" in ref.removeprefix("/"):
                owner, _, alias = ref.removeprefix("/").partition("/")
                named = self._links.child(self._names.get(owner, ""), alias)
            if named is not None and named in self._by_id:
                return self._by_id[named]
            if _HEX.fullmatch(ref):
                matches = [id for id in self._by_id if id.startswith(ref)]
                if len(matches) > 1:
                    raise InvalidArgument(f"multiple IDs found with provided prefix: {ref}")
                if matches:
                    return self._by_id[matches[0]]
        raise NotFound(f"No such container: {ref}")

    def find(self, id: str) -> Container | None:
        """By full ID only."""
        return self._by_id.get(id)

    def all(self) -> list[Container]:
        with self._lock:
            return list(self._by_id.values())

    def running(self) -> list[Container]:
        return [c for c in self.all() if c.state.running]

    def __len__(self) -> int:
        return len(self._by_id)

    def reserve(self, name: str, id: str) -> str:
        """Claim a checked name, or a generated one for "". Raises Conflict with Docker's text."""
        with self._lock:
            if name:
                owner = self._names.get(name)
                if owner is not None:
                    raise Conflict(
                        f'Conflict. The container name "/{name}" is already in use by container '
                        f'"{owner}". You have to remove (or rename) that container to be able to '
                        "reuse that name."
                    )
                self._names[name] = id
                return name
            for attempt in range(_ATTEMPTS):
                generated = names.generate(attempt)
                if generated not in self._names:
                    self._names[generated] = id
                    return generated
            self._names[id[:12]] = id
            return id[:12]

    def release(self, name: str, id: str) -> None:
        with self._lock:
            if self._names.get(name) == id:
                del self._names[name]

    def add(self, container: Container) -> None:
        """List it: its record is on disk."""
        with self._lock:
            self._by_id[container.id] = container
            self._names.setdefault(container.name, container.id)

    def relink(self, owner: Container, children: dict[str, str]) -> None:
        """The legacy links of `owner` are these now (alias: ID of the linked container)."""
        with self._lock:
            for id in self._links.put(owner.id, children):
                if (child := self._by_id.get(id)) is not None:
                    child.touched()

    def all_names(self, container: Container) -> list[str]:
        """Its name and those that links give it, each with its slash, sorted as Docker does."""
        with self._lock:
            out = [f"/{container.name}"]
            for owner, alias in self._links.names(container.id):
                if (found := self._by_id.get(owner)) is not None:
                    out.append(f"/{found.name}/{alias}")
        return sorted(out)

    def touch_linked(self, owner: Container) -> None:
        """`owner` has another name: so have those it links to."""
        with self._lock:
            self.relink(owner, self._links.children(owner.id))

    def discard(self, container: Container) -> None:
        """Unlist it and free its name."""
        with self._lock:
            self._by_id.pop(container.id, None)
            self.ranges.release(container.id)
            self.release(container.name, container.id)
            self.relink(container, {})

    def publish(self, container: Container, action: str, **attributes: str) -> None:
        """A container event with Docker's attributes: labels, image, name and the given ones."""
        config = container.config
        shown = {
            **attributes,
            **(config.get("Labels") or {}),
            "image": str(config.get("Image") or ""),
            "name": container.name,
        }
        # Sorted, as Go encodes a map.
        self.events.publish("container", action, container.id, dict(sorted(shown.items())))

    def submit(self, work: Callable[[], object]) -> None:
        """Handle an exit away from the keeper's reader thread."""
        try:
            self._exits.submit(guarded, work)
        except RuntimeError:
            if not self.closing:
                raise
            # The keeper has it until somebody records it: the next daemon.

    def settling(self, change: int) -> None:
        """+1 before an exit is reported, -1 once its address and ports are free."""
        with self._settled:
            self._unsettled += change
            self._settled.notify_all()

    def settled(self, timeout: float = 1.0) -> None:
        """Wait for what exits still hold: a start right after an exit may want the same port."""
        if self._unsettled:
            with self._settled:
                self._settled.wait_for(lambda: self._unsettled == 0, timeout)

    def name_owner(self, name: str) -> str | None:
        return self._names.get(name)

    def touch_all(self) -> None:
        """Image names changed: the summaries show them."""
        for container in self.all():
            container.touched()

    def check_open(self) -> None:
        if self.closing:
            raise SystemFailure("daemon is shutting down")

    def close(self) -> None:
        """Stop timers, finish the cleanup. Containers run on: the keeper has them."""
        self.closing = True
        self.timers.close()
        self._exits.shutdown(wait=True)
        self.cleanup.close()


def image_users(containers: Containers) -> list[ImageUse]:
    """Who was made from which image, for `rmi`."""
    out = []
    for container in containers.all():
        record = container.record
        image, name = record.get("Image") or "", record["Config"].get("Image") or ""
        out.append(ImageUse(container.id, image, name, container.state.running))
    return out
