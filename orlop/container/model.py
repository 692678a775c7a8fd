"""One container: its records (raw JSON), its live state and what may be done in that state.

Invariant: `state` is the truth in memory; the raw record is what is on disk. Whoever changes either
holds `lock`, and `save` writes both. The raw bytes are kept (4 KB a container) and decoded on
demand (20 KB), so `record` and `host_config` are fresh copies: changing one changes nothing until
it is given to `save`. Unknown fields survive a rewrite.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from orlop import files
from orlop.container.times import NEVER
from orlop.oci.idmap import IDMap

Json = dict[str, Any]
log = logging.getLogger(__name__)

Exit = tuple[int, str]  # exit code, error text ("" when the process ended by itself)

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode

_STATE_DEFAULTS: Json = {
    "Running": False,
    "Paused": False,
    "Restarting": False,
    "OOMKilled": False,
    "Dead": False,
    "Pid": 0,
    "ExitCode": 0,
    "Error": "",
    "StartedAt": NEVER,
    "FinishedAt": NEVER,
    "Health": None,
}


class State:
    """The fields of Docker's State; `removing` lives in memory only, as RemovalInProgress does."""

    __slots__ = (
        "dead",
        "error",
        "exit_code",
        "finished_at",
        "health",
        "oom_killed",
        "paused",
        "pid",
        "removing",
        "restarting",
        "running",
        "started_at",
    )

    def __init__(self, document: Json | None = None) -> None:
        d = {**_STATE_DEFAULTS, **(document or {})}
        self.running = bool(d["Running"])
        self.paused = bool(d["Paused"])
        self.restarting = bool(d["Restarting"])
        self.oom_killed = bool(d["OOMKilled"])
        self.dead = bool(d["Dead"])
        self.removing = False
        self.pid = int(d["Pid"])
        self.exit_code = int(d["ExitCode"])
        self.error = str(d["Error"])
        self.started_at = str(d["StartedAt"])
        self.finished_at = str(d["FinishedAt"])
        health = d["Health"]
        self.health: Json | None = health if isinstance(health, dict) else None

    @property
    def status(self) -> str:
        """created, running, paused, restarting, removing, exited or dead."""
        if self.running:
            if self.paused:
                return "paused"
            return "restarting" if self.restarting else "running"
        if self.removing:
            return "removing"
        if self.dead:
            return "dead"
        return "created" if self.started_at == NEVER else "exited"

    def document(self) -> Json:
        """As config.v2.json stores it."""
        return {
            "Running": self.running,
            "Paused": self.paused,
            "Restarting": self.restarting,
            "OOMKilled": self.oom_killed,
            "Dead": self.dead,
            "Pid": self.pid,
            "ExitCode": self.exit_code,
            "Error": self.error,
            "StartedAt": self.started_at,
            "FinishedAt": self.finished_at,
            "Health": self.health,
        }


class Waiter:
    """One `wait`: fulfilled once, by the next exit or by the removal."""

    __slots__ = ("condition", "future")

    def __init__(self, condition: str) -> None:
        self.condition = condition  # not-running, next-exit, removed
        self.future: Future[Exit] = Future()


class Container:
    __slots__ = (
        "__weakref__",
        "_host_config",
        "_record",
        "backoff",
        "cancel_restart",
        "damaged",
        "directory",
        "exec_ids",
        "gone",
        "health_cancel",
        "id",
        "launched",
        "lock",
        "name",
        "restarts_under_way",
        "rootfs_map",
        "rootfs_users",
        "state",
        "summary",
        "waiters",
    )

    def __init__(self, id: str, directory: Path, record: Json, host_config: Json) -> None:
        self.id = id
        self.directory = directory
        self.name = str(record.get("Name", "")).removeprefix("/")
        self.state = State(record.get("State"))
        self.lock = threading.RLock()
        self.damaged = ""  # why the records on disk cannot be read
        self.waiters: list[Waiter] = []
        self.gone: Exit | None = None  # once removed: what a late waiter gets
        self.exec_ids: set[str] = set()
        self.summary: Any = None  # list.py's cache, dropped by every save
        self.backoff = 0.0  # seconds before the next restart by policy
        self.cancel_restart: Callable[[], None] | None = None
        self.health_cancel: Callable[[], None] | None = None
        self.launched = 0.0  # CLOCK_MONOTONIC of the start, 0 when adopted from another daemon
        self.restarts_under_way = 0  # between their stop and their start: no AutoRemove
        self.rootfs_map: IDMap | None = None  # whom the mounted root shows as owners
        self.rootfs_users = 0  # who needs the root mounted (rootfs.py)
        self._record = encode({**record, "State": self.state.document()})
        self._host_config = encode(host_config)

    def encoded(self) -> tuple[bytes, bytes]:
        """The two records as they are on disk."""
        return self._record + b"\n", self._host_config + b"\n"

    @property
    def record(self) -> Json:
        """A fresh copy of config.v2.json's document."""
        document: Json = decode(self._record)
        return document

    @property
    def host_config(self) -> Json:
        """A fresh copy of hostconfig.json's document."""
        document: Json = decode(self._host_config)
        return document

    @property
    def config(self) -> Json:
        """A fresh copy of the record's Config."""
        config: Json = self.record["Config"]
        return config

    def path(self, name: str) -> Path:
        return self.directory / name

    @property
    def log_path(self) -> Path:
        return self.directory / f"{self.id}-json.log"

    def save(
        self,
        record: Json | None = None,
        host_config: Json | None = None,
        *,
        durable: bool = False,
    ) -> None:
        """Write `record` (default: the current one) with the present state, and `host_config`.

        Not durable by default: exits and starts can be derived again after a power cut.
        """
        with self.lock:
            if host_config is not None:
                self._host_config = encode(host_config)
                files.write_atomic(
                    self.path("hostconfig.json"), self._host_config + b"\n", durable=durable
                )
            document = self.record if record is None else record
            document["State"] = self.state.document()
            document["Name"] = "/" + self.name
            self._record = encode(document)
            self.summary = None
            self._write("config.v2.json", self._record + b"\n", durable)

    def _write(self, name: str, data: bytes, durable: bool) -> None:
        """What can be derived again waits for room on a full disk: a signal must get through."""
        try:
            files.write_atomic(self.path(name), data, durable=durable)
        except OSError as error:
            if durable or error.errno not in files.NO_ROOM:
                raise
            log.warning("container %s: %s is not written: %s", self.id[:12], name, error.strerror)

    @contextmanager
    def changing(self, *, durable: bool = False) -> Iterator[Json]:
        """Change the record: `with container.changing() as record: …` saves on a clean exit."""
        with self.lock:
            record = self.record
            yield record
            self.save(record, durable=durable)

    def touched(self) -> None:
        """State changed without a save (list and inspect must not show the old one)."""
        self.summary = None

    def exited(self, result: Exit) -> None:
        """Fulfil who waits for an exit."""
        self._fulfil(lambda w: w.condition != "removed", result)

    def removed(self, result: Exit) -> None:
        """Fulfil everybody: nothing more will happen to this container."""
        with self.lock:
            self.gone = result
        self._fulfil(lambda w: True, result)

    def _fulfil(self, which: Callable[[Waiter], bool], result: Exit) -> None:
        with self.lock:
            chosen = [w for w in self.waiters if which(w)]
            self.waiters = [w for w in self.waiters if not which(w)]
        for waiter in chosen:
            if waiter.future.set_running_or_notify_cancel():
                waiter.future.set_result(result)


def joined(mode: str) -> str:
    """The container reference of a `container:REF` namespace mode, else ""."""
    return mode[len("container:") :] if mode.startswith("container:") else ""
