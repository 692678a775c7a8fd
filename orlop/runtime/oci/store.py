"""The state directories: <root>/<id>/{state.json, config.json, exec.fifo}.

state.json is what `state` prints, with what the other verbs need below "orlop"; config.json the
copy of the bundle's file that the container was made from. exec.fifo is there until `start`.
"""

from __future__ import annotations

import fcntl
import os

from orlop.errors import Conflict, InvalidArgument, NotFound
from orlop.oci.jsonlite import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Json = dict[str, Any]

CREATING, CREATED, RUNNING, STOPPED, PAUSED = "creating", "created", "running", "stopped", "paused"
FIFO = "exec.fifo"
_MAX_ID = 1024
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.")


def default_root() -> str:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if os.geteuid() != 0 and runtime:
        return f"{runtime}/orlop-runtime"
    return "/run/orlop-runtime"


def check_id(id: str) -> str:
    """It becomes a path. Raises InvalidArgument."""
    if not id or len(id) > _MAX_ID or set(id) - _LETTERS or id in (".", ".."):
        told = "invalid character in the container ID" if id else "container ID cannot be empty"
        raise InvalidArgument(f"invalid container id format: {id!r}: {told}")
    return id


class Store:
    """All containers of one `--root`."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)

    def path(self, id: str) -> str:
        return f"{self.root}/{check_id(id)}"

    def make(self, id: str) -> Record:
        """A new, locked record. Raises Conflict when the ID is taken."""
        path = self.path(id)
        os.makedirs(self.root, 0o711, exist_ok=True)
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            raise Conflict(f"container with given ID already exists: {id}") from None
        return Record(id, path, {}).lock()

    def get(self, id: str) -> Record:
        """Raises NotFound."""
        record = Record(id, self.path(id), {})
        record.load()
        return record

    def all(self) -> Iterator[Record]:
        """Those that can be read, by ID."""
        try:
            names = sorted(os.listdir(self.root))
        except FileNotFoundError:
            return
        for name in names:
            try:
                yield self.get(name)
            except (NotFound, InvalidArgument):
                continue


class Record:
    """One container on disk. `state`: the document in state.json."""

    __slots__ = ("_lock", "id", "path", "state")

    def __init__(self, id: str, path: str, state: Json) -> None:
        self.id = id
        self.path = path
        self.state = state
        self._lock = -1

    def lock(self) -> Record:
        """Be alone with it until this process ends or it is removed."""
        if self._lock < 0:
            try:
                self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise NotFound(f"container does not exist: {self.id}") from None
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self

    def unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def load(self) -> None:
        try:
            with open(f"{self.path}/state.json", "rb") as file:
                self.state = loads(file.read())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            raise NotFound(f"container does not exist: {self.id}") from None

    def save(self) -> None:
        temp = f"{self.path}/.state.json"
        with open(temp, "w", encoding="utf-8") as file:
            file.write(dumps(self.state))
        os.rename(temp, f"{self.path}/state.json")

    def config(self) -> Json:
        with open(f"{self.path}/config.json", "rb") as file:
            found: Json = loads(file.read())
        return found

    @property
    def own(self) -> Json:
        found: Json = self.state["orlop"]
        return found

    @property
    def pid(self) -> int:
        return int(self.state.get("pid") or 0)

    def status(self) -> str:
        if not self.alive():
            return STOPPED
        if self.state["status"] == CREATING:
            return CREATING
        if os.path.exists(f"{self.path}/{FIFO}"):
            return CREATED
        return PAUSED if self.state["status"] == PAUSED else RUNNING

    def alive(self) -> bool:
        """The first process runs, and is the one that was started (not another of its number)."""
        if self.pid <= 0:
            return False
        found = process_start(self.pid)
        return found is not None and found == self.own["start_time"]

    def open_process(self) -> int:
        """A pidfd of the first process. Raises Conflict when it is gone."""
        try:
            fd = os.pidfd_open(self.pid)
        except OSError:
            raise Conflict("container not running") from None
        if not self.alive():  # after the open: from here on the number cannot be reused
            os.close(fd)
            raise Conflict("container not running")
        return fd

    def remove(self) -> None:
        for name in os.listdir(self.path):
            os.unlink(f"{self.path}/{name}")
        os.rmdir(self.path)
        self.unlock()


def process_start(pid: int) -> int | None:
    """Clock ticks since boot at which `pid` started; None when it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            words = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if words[0] in (b"Z", b"X") else int(words[19])
