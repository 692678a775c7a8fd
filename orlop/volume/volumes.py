"""The noun: every volume of this data root.

volumes/<name>/_data            volumes/<name>/opts.json (driver options, as Docker)
orlop/volumes/<name>.json       labels and the time of creation (Docker has them in metadata.db)
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orlop import files
from orlop.errors import Conflict, InvalidArgument, NotFound
from orlop.events import Events
from orlop.paths import remove_entry
from orlop.volume import local
from orlop.volume.model import ANONYMOUS, LOCAL, Volume

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", re.ASCII)
_SHOWN = "[a-zA-Z0-9][a-zA-Z0-9_.-]"


class Volumes:
    def __init__(self, root: Path, events: Events) -> None:
        self.root = root
        self.records = root.parent / "orlop" / "volumes"
        self.events = events
        self._lock = threading.RLock()
        self._volumes: dict[str, Volume] = {}
        self._users: dict[str, set[str]] = {}
        root.mkdir(mode=0o701, parents=True, exist_ok=True)
        root.chmod(0o701)
        self.records.mkdir(mode=0o700, parents=True, exist_ok=True)
        for entry in os.scandir(root):
            if entry.is_dir(follow_symlinks=False) and (Path(entry.path) / "_data").is_dir():
                self._volumes[entry.name] = self._read(entry.name)

    def create(
        self,
        name: str | None,
        driver: str = LOCAL,
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Volume:
        """An existing one of this name is returned as it is.

        Raises NotFound (driver), InvalidArgument (name, options), Conflict (another driver).
        """
        labels = dict(labels or {})
        if not name:
            name = secrets.token_hex(32)
            labels.setdefault(ANONYMOUS, "")
        if (driver or LOCAL) != LOCAL:
            raise NotFound(
                f"create {name}: error looking up volume plugin {driver}: plugin "
                f'"{driver}" not found'
            )
        if _NAME.fullmatch(name) is None:
            if len(name) == 1:
                raise InvalidArgument(
                    f"create {name}: volume name is too short, names should be at least two "
                    "alphanumeric characters"
                )
            raise InvalidArgument(
                f'create {name}: "{name}" includes invalid characters for a local volume name, '
                f'only "{_SHOWN}" are allowed. If you intended to pass a host directory, use '
                "absolute path"
            )
        options = dict(options or {})
        with self._lock:
            found = self._volumes.get(name)
            if found is not None:
                return found
            try:
                local.check(options)
            except InvalidArgument as e:
                raise InvalidArgument(f"create {name}: {e.message}") from None
            made = self._make(name, options, labels)
            self._volumes[name] = made
        self.events.publish("volume", "create", name, {"driver": LOCAL})
        return made

    def get(self, name: str) -> Volume:
        try:
            return self._volumes[name]
        except KeyError:
            raise NotFound(f"get {name}: no such volume") from None

    def all(self) -> list[Volume]:
        with self._lock:
            return sorted(self._volumes.values(), key=lambda v: v.name)

    def users(self, name: str) -> list[str]:
        """IDs of the containers that refer to it."""
        with self._lock:
            return sorted(self._users.get(name, ()))

    def acquire(self, name: str, container_id: str) -> None:
        self.get(name)
        with self._lock:
            self._users.setdefault(name, set()).add(container_id)

    def release(self, name: str, container_id: str) -> None:
        with self._lock:
            users = self._users.get(name)
            if users is None:
                return
            users.discard(container_id)
            if not users:
                del self._users[name]
                volume = self._volumes.get(name)
                if volume is not None and volume.options.get("type"):
                    local.detach(volume.mountpoint)

    def mountpoint(self, name: str) -> Path:
        """The host path of its data, mounted if its options say so."""
        volume = self.get(name)
        if volume.options.get("device"):
            with self._lock:
                if not os.path.ismount(volume.mountpoint):
                    local.attach(volume.options, volume.mountpoint)
        return Path(volume.mountpoint)

    def remove(self, name: str, *, force: bool = False) -> None:
        """Raises Conflict while a container refers to it, NotFound (not with `force`)."""
        with self._lock:
            volume = self._volumes.get(name)
            if volume is None:
                if force:
                    return
                raise NotFound(f"get {name}: no such volume")
            users = self._users.get(name)
            if users:
                raise Conflict(f"remove {name}: volume is in use - [{', '.join(sorted(users))}]")
            local.detach(volume.mountpoint)
            del self._volumes[name]
            (self.records / f"{name}.json").unlink(missing_ok=True)
            fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                remove_entry(fd, os.fsencode(name))
            finally:
                os.close(fd)
        self.events.publish("volume", "destroy", name, {"driver": LOCAL})

    # --- on disk ------------------------------------------------------------------------------

    def _make(self, name: str, options: dict[str, str], labels: dict[str, str]) -> Volume:
        base = self.root / name
        base.mkdir(mode=0o701)
        base.chmod(0o701)
        if options:
            document = {
                "MountType": options.get("type", ""),
                "MountOpts": options.get("o", ""),
                "MountDevice": options.get("device", ""),
                "Quota": {"Size": 0},
            }
            files.write_atomic(base / "opts.json", msgspec.json.encode(document), mode=0o600)
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        record = {"Name": name, "CreatedAt": created, "Labels": labels, "Options": options}
        files.write_atomic(
            self.records / f"{name}.json", msgspec.json.encode(record), durable=False
        )
        data = base / "_data"
        data.mkdir(mode=0o755)  # last: from here on it is listed
        data.chmod(0o755)
        files.fsync_dir(base)
        return Volume(name, str(data), created, options, labels)

    def _read(self, name: str) -> Volume:
        data = self.root / name / "_data"
        record: dict[str, Any] = _json(self.records / f"{name}.json")
        options = record.get("Options")
        if options is None:
            saved = _json(self.root / name / "opts.json")
            named = (("type", "MountType"), ("o", "MountOpts"), ("device", "MountDevice"))
            options = {key: str(saved[field]) for key, field in named if saved.get(field)}
        created = record.get("CreatedAt") or time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(data.stat().st_mtime)
        )
        return Volume(name, str(data), created, options, record.get("Labels") or {})


def _json(path: Path) -> dict[str, Any]:
    """{} for a record that is missing or damaged: the data is still a volume."""
    try:
        found = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return {}
    return found if isinstance(found, dict) else {}
