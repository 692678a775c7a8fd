"""The rooms below `container`, in memory: layers, networks, volumes, keeper, images.

They keep the promises the real ones make (names, errors, order of calls) and nothing else.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from orlop.errors import Conflict, InvalidArgument, NotFound
from orlop.network.model import PREDEFINED, Network

Json = dict[str, Any]

IMAGE_ID = "sha256:" + "ab" * 32
CHAIN = "sha256:" + "cd" * 32


@dataclass
class FakeImage:
    id: str
    config: Json
    chains: tuple[str, ...] = (CHAIN,)

    @property
    def chain(self) -> str:
        return self.chains[-1]


class FakeImages:
    def __init__(self) -> None:
        self.config: Json = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
        }
        self.names = {"busybox", "busybox:latest"}

    def get(self, ref: str) -> FakeImage:
        if ref in self.names or (ref and IMAGE_ID.startswith(ref)):
            return FakeImage(IMAGE_ID, self.config)
        if ref != ref.lower():
            raise InvalidArgument(
                f"invalid reference format: repository name (library/{ref}) must be lowercase"
            )
        raise NotFound(f"No such image: {ref if ':' in ref else ref + ':latest'}")

    def find(self, id: str) -> FakeImage | None:
        return None

    def children(self, id: str) -> list[FakeImage]:
        return []

    def release(self, chain: Any) -> list[str]:
        return []

    def sweep(self) -> list[str]:
        return []

    @contextmanager
    def holding(self, chains: Any) -> Iterator[None]:
        yield


class FakeDriver:
    name = "overlay2"
    whole = False


class FakeLayers:
    driver = FakeDriver()

    def __init__(self, root: Path) -> None:
        self.root = root
        self.writable_of: dict[str, str | None] = {}
        self.mounted: set[str] = set()
        self.fail_create = False

    def merged(self, id: str) -> Path:
        return self.root / id / "merged"

    def create_writable(
        self, id: str, parent: str | None, *, init: bool = True, volatile: bool = False
    ) -> None:
        if self.fail_create:
            raise OSError(28, "No space left on device")
        self.writable_of[id] = parent
        (self.merged(id) / "etc").mkdir(parents=True)

    def mend(self) -> None:
        pass

    def mend_writable(self, id: str, parent: str | None) -> bool:
        return False

    def mount(self, id: str, owners: object = None) -> str:
        self.mounted.add(id)
        return str(self.merged(id))

    def unmount(self, id: str) -> None:
        self.mounted.discard(id)

    def remove_writable(self, id: str) -> None:
        assert id not in self.mounted
        self.writable_of.pop(id, None)
        shutil.rmtree(self.root / id, ignore_errors=True)

    def sweep(self, containers: set[str]) -> list[str]:
        gone = [id for id in self.writable_of if id not in containers]
        for id in gone:
            self.remove_writable(id)
        return gone

    def writable(self, id: str) -> Any:
        if id not in self.writable_of:
            raise NotFound(f"mount does not exist: {id}")
        return SimpleNamespace(parent=self.writable_of[id])

    def size_writable(self, id: str) -> int:
        return 7

    def chain(self, parent: str) -> list[Any]:
        return [SimpleNamespace(size=100)]

    def graph_data(self, id: str) -> Json:
        return {"MergedDir": str(self.merged(id))}

    def sweep_mounts(self, live: set[str]) -> None:
        self.mounted &= live


@dataclass
class FakeAttachment:
    settings: Json
    netns: Any = "new"
    host_ops: list[Any] = field(default_factory=list)
    container_ops: list[Any] = field(default_factory=list)
    port_fds: list[int] = field(default_factory=list)
    hosts: bytes = b"127.0.0.1\tlocalhost\n"
    resolv_conf: bytes = b"nameserver 192.0.2.1\n"
    link_env: tuple[str, ...] = ()

    def close(self) -> None:
        pass


class FakeNetworks:
    def __init__(self) -> None:
        self.attached: dict[str, Json] = {}
        self.fail: Exception | None = None

    def named(self, name: str) -> Network | None:
        if name not in PREDEFINED:
            return None
        return Network("0" * 64, name, "", "null" if name == "none" else name)

    def attach(
        self, id: str, name: str, hostname: str, host: Json, settings: Json, config: Json
    ) -> FakeAttachment:
        if self.fail is not None:
            raise self.fail
        self.attached[id] = settings
        mode = host["NetworkMode"]
        if mode.startswith("container:"):
            return FakeAttachment({}, ("container", mode[10:]))
        networks = {n: {**e, "IPAddress": "192.0.2.7"} for n, e in settings["Networks"].items()}
        ports = dict((host["PortBindings"] or {}).items())
        return FakeAttachment(
            {"Networks": networks, "Ports": ports, "SandboxID": "5b", "SandboxKey": "/x/5b"},
            "host" if mode == "host" else "new",
        )

    def detach(self, id: str) -> None:
        self.attached.pop(id, None)

    def restore(self, id: str, settings: Json, name: str, hostname: str, host_config: Json) -> None:
        self.attached[id] = settings

    def rename(self, id: str, name: str) -> None:
        pass

    def sweep(self, live: set[str]) -> None:
        self.attached = {i: s for i, s in self.attached.items() if i in live}


@dataclass
class FakeVolume:
    name: str


class FakeVolumes:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.users: dict[str, set[str]] = {}
        self.mounted: dict[str, set[str]] = {}  # by containers that run

    def create(self, name: str | None, driver: str, opts: Json, labels: Json) -> FakeVolume:
        name = name or os.urandom(32).hex()
        if len(name) < 2:
            raise InvalidArgument(
                f"create {name}: volume name is too short, "
                "names should be at least two alphanumeric characters"
            )
        self.users.setdefault(name, set())
        (self.root / name / "_data").mkdir(parents=True, exist_ok=True)
        return FakeVolume(name)

    def is_foreign(self, name: str) -> bool:
        return False

    def mountpoint(self, name: str) -> Path:
        return self.root / name / "_data"

    def mount(self, name: str, id: str) -> Path:
        self.mounted.setdefault(name, set()).add(id)
        return self.mountpoint(name)

    def unmount(self, name: str, id: str) -> None:
        self.mounted.get(name, set()).discard(id)

    def acquire(self, name: str, id: str) -> None:
        self.users[name].add(id)

    def release(self, name: str, id: str) -> None:
        self.users[name].discard(id)

    def remove(self, name: str, force: bool = False) -> None:
        if self.users[name] and not force:
            raise Conflict("volume is in use")
        del self.users[name]
        shutil.rmtree(self.root / name)


class FakeKeeper:
    """Tasks that run until the test (or a signal) ends them."""

    def __init__(self) -> None:
        self.tasks: dict[str, Json] = {}
        self.signals: list[tuple[str, int]] = []
        self.spawned: list[Json] = []
        self.dropped: list[str] = []
        self.forgotten: list[str] = []
        self.fail: Exception | None = None
        self.stubborn = False  # ignores everything but SIGKILL
        self.on_exit: Any = None
        self._pids = 5000
        self._lock = threading.Lock()

    def spawn(self, id: str, request: Json) -> tuple[int, int]:
        with self._lock:
            if self.fail is not None:
                raise self.fail
            self._pids += 1
            started = time.time_ns()
            task = {"id": id, "exec_id": "", "pid": self._pids, "started_ns": started}
            self.tasks[id] = {**task, "state": "running", "status": None, "exited_ns": 0}
            self.spawned.append(request)
            return self._pids, started

    def end(self, id: str, status: int) -> None:
        """The process ends with a raw wait status."""
        with self._lock:
            task = self.tasks[id]
            if task["state"] == "exited":
                return
            now = time.time_ns()
            task.update(state="exited", status=status, exited_ns=now)
        if self.on_exit is not None:
            self.on_exit(id, "", status, now)

    def signal(self, id: str, exec_id: str, number: int, all: bool = False) -> None:
        self.signals.append((id, number))
        if number == 9 or (number in (15, 2) and not self.stubborn):
            threading.Thread(target=self.end, args=(id, number)).start()

    def drop(self, id: str, exec_id: str) -> None:
        self.dropped.append(id)

    def forget(self, id: str, exec_id: str) -> None:
        self.forgotten.append(id)
        self.tasks.pop(id, None)

    def snapshot(self) -> list[Json]:
        return list(self.tasks.values())
