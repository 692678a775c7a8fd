"""The seam: what a storage driver does. Layers are named by cache ID here, never by chain ID."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Owners:
    """Under which IDs of the host a merged view shows the IDs that its layers hold."""

    namespace: int  # a user namespace with the mapping, by descriptor
    root: tuple[int, int]  # the host's IDs of 0


Pause = Callable[[], None]


class Driver(Protocol):
    name: str
    home: Path
    whole: bool
    """A tree is a whole filesystem, made by copying, not a difference to be merged."""
    opaque: str
    """The attribute that marks a directory which hides what lies below it."""

    def create(self, id: str) -> Path:
        """A new, empty tree that nothing is stacked on yet; the directory to fill."""

    def attach(self, id: str, parent: str) -> None:
        """Stack `id` on `parent`."""

    def tree(self, id: str) -> Path:
        """The difference that layer `id` holds."""

    def mend(self, id: str, parent: str | None) -> bool:
        """Write again what a power cut left of the small files of `id`; True when it had to."""

    def stacking_problem(self, id: str, parent: str | None) -> str:
        """What is wrong with how `id` stands on `parent`; "" when nothing is. Changes nothing."""

    def exists(self, id: str) -> bool: ...

    def mount(self, id: str, *, volatile: bool = False, owners: Owners | None = None) -> Path:
        """Merge `id` over its parents, visible on the host; idempotent.

        `owners`: for a container with a user namespace; the layers keep the container's IDs. A
        `whole` driver leaves that to who binds the tree.
        """

    def unmount(self, id: str) -> None:
        """Take the merged view away; idempotent. What was written stays."""

    def mounted(self) -> set[str]:
        """IDs whose merged view is on the host now."""

    def temporary(self, id: str) -> int:
        """A detached writable merge of `id`, by descriptor; closing it unmounts."""

    def settle(self, id: str) -> None:
        """After `temporary`: the layer may be mounted again."""

    def view(self, id: str) -> int:
        """A detached view, to read, of `id` and all below it."""

    def remove(self, id: str, pause: Pause | None = None) -> None:
        """Delete the tree; idempotent. `pause`: called between files, may take its time."""

    def all(self) -> list[str]:
        """Every ID on disk."""

    def tidy(self) -> None:
        """Remove what belongs to no tree, in a root that this engine alone writes."""

    def sync(self) -> None:
        """Make everything written so far durable."""

    def leave(self) -> None:
        """Another engine comes next: nothing of ours stays mounted."""

    def status(self) -> list[tuple[str, str]]:
        """The rows of `info` under the driver's name."""

    def data(self, id: str) -> dict[str, str]:
        """GraphDriver.Data of `inspect`."""
