"""What the steps of one build share: the request, who listens, what is under way.

Invariant: after `close` nothing of the build is left but finished layers: containers, mounts,
secrets and scratch folders are gone, whether it succeeded, failed or was cancelled.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orlop.builder import cachefrom
from orlop.builder.builder import Builder
from orlop.builder.cache import Cache, Hit, key_of
from orlop.builder.events import Event, Explained, Log, Vertex
from orlop.builder.explain import reasons
from orlop.builder.named import Named
from orlop.builder.request import Request
from orlop.builder.source import Tree
from orlop.builder.state import State
from orlop.container.kill import kill
from orlop.container.remove import remove
from orlop.errors import OrlopError
from orlop.image.model import Image
from orlop.kernel import mount
from orlop.oci.digest import ChainID

log = logging.getLogger(__name__)


class Cancelled(OrlopError):
    """The client went away or asked for the end."""


@dataclass(eq=False, slots=True)
class Session:
    builder: Builder
    request: Request
    emit: Callable[[Event], None]
    named: Named
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    cancelled: threading.Event = field(default_factory=threading.Event)
    before: dict[str, dict[str, Any]] = field(default_factory=dict)  # inputs of the last build
    inputs: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)  # by place
    made: set[str] = field(default_factory=set)  # keys of steps that ran
    used: set[str] = field(default_factory=set)  # keys that were hit
    chains: set[ChainID] = field(default_factory=set)  # held until the end
    consumed: set[str] = field(default_factory=set)  # names of build arguments
    materials: dict[str, str] = field(default_factory=dict)  # package URL → digest
    trusted: list[Image] = field(default_factory=list)  # --cache-from
    _containers: set[str] = field(default_factory=set)
    _mounts: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def cache(self) -> Cache:
        return self.builder.cache

    @property
    def spool(self) -> Path:
        """A folder of this build's own, on disk."""
        path = self.builder.spool / self.token
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    @property
    def scratch(self) -> Path:
        """A tmpfs of this build's own: what is written here never touches a disk."""
        path = self.builder.scratch / self.token
        with self._lock:
            if not path.exists():
                path.mkdir(mode=0o700)
                flags = mount.MS_NOSUID | mount.MS_NODEV | mount.MS_NOEXEC
                mount.mount("tmpfs", str(path), "tmpfs", flags, "mode=0700,size=16m")
                self._mounts.append(str(path))
        return path

    def bind(self, fd: int) -> str:
        """A path that is the open object itself, whatever becomes of the one it was found by."""
        target = self.spool / f"bind-{secrets.token_hex(4)}"
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            target.mkdir(mode=0o700)
        else:
            target.touch(mode=0o600)
        mount.mount(f"/proc/self/fd/{fd}", str(target), None, mount.MS_BIND)
        with self._lock:
            self._mounts.append(str(target))
        mount.mount(None, str(target), None, mount.MS_PRIVATE)
        return str(target)

    # --- the cache ----------------------------------------------------------------------------

    def look_up(
        self,
        vertex: Vertex,
        stage: str,
        place: str,
        inputs: dict[str, Any],
        state: State,
        created_by: str,
        files: dict[str, list[object]] | None = None,
    ) -> Hit | None:
        """The outcome of an earlier run of the same step; notes what this one depends on.

        `created_by`: the history by which an image may answer, "" when it does not say everything.
        `files`: what the digest in `inputs` is of, for `--explain`.
        """
        key = key_of(inputs)
        shown = {"text": vertex.text, **inputs}
        if files is not None:
            shown["files"] = files
        self.inputs[place] = (f"{key} {vertex.text}", shown)
        bypass = self.bypass(stage)
        found = None if bypass else self.cache.find(key)
        if found is None and created_by and not bypass:
            found = cachefrom.find(self.trusted, state, created_by)
        chain = found.chain if found is not None else None
        if chain is not None:
            if self.builder.layers.has(chain):
                self.hold(chain)
            else:
                found = None
        if found is not None:
            self.used.add(key)
        if self.request.explain:
            why = ("--no-cache",) if bypass else reasons(self.before.get(place), shown)
            if found is not None:
                why = ("same instruction, same inputs",)
            self.emit(Explained(vertex, found is not None, why))
        return found

    def bypass(self, stage: str) -> bool:
        """No cache here: asked for, or answers are only wanted of images that are not there."""
        request = self.request
        return (
            request.no_cache
            or stage in request.no_cache_stages
            or bool(request.cache_from and not self.trusted)
        )

    def made_step(self, inputs: dict[str, Any], hit: Hit, text: str, size: int) -> None:
        key = key_of(inputs)
        self.made.add(key)
        self.cache.note(key, hit, text, size)
        if hit.chain is not None:
            self.hold(hit.chain)

    def hold(self, chain: ChainID) -> None:
        """Nobody removes these layers while the build goes on."""
        with self._lock:
            if chain in self.chains:
                return
            self.chains.add(chain)
        self.builder.images.keep([chain])

    # --- what is under way --------------------------------------------------------------------

    def check(self) -> None:
        """Raises Cancelled."""
        if self.cancelled.is_set():
            raise Cancelled("context canceled")

    def note(self, vertex: Vertex, text: str) -> None:
        self.emit(Log(vertex, 0, text.encode(), time.time_ns()))

    @contextlib.contextmanager
    def running(self, container: str) -> Iterator[None]:
        """While a step's container is there: a cancel ends it."""
        with self._lock:
            self._containers.add(container)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._containers.discard(container)

    def cancel(self) -> None:
        self.cancelled.set()
        with self._lock:
            running = list(self._containers)
        for id in running:
            with contextlib.suppress(OrlopError):
                kill(self.builder.containers, id)

    def discard(self, container: str) -> None:
        with contextlib.suppress(OrlopError):
            remove(self.builder.containers, container, force=True, volumes=True)

    def tree(self, chain: ChainID) -> Tree:
        return Tree(self.builder.layers.view(chain))

    def close(self) -> None:
        self.named.close()
        for path in reversed(self._mounts):
            try:
                mount.umount(path, mount.MNT_DETACH)
            except OSError as error:
                log.warning("%s: %s", path, error)
        for folder in (self.builder.spool / self.token, self.builder.scratch / self.token):
            shutil.rmtree(folder, ignore_errors=True)
        self.builder.images.let_go(self.chains)
        self.chains.clear()
