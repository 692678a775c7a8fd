"""One call of the command: its options and what they name."""

from __future__ import annotations

from orlop.errors import InvalidArgument
from orlop.runtime.cgroup.layout import Layout, detect
from orlop.runtime.oci.store import Record, Store, check_id, default_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.oci.headstart import HeadStart
    from orlop.runtime.oci.output import Log


class Command:
    """`options`: the verb's, by first name; `words`: the rest of the line."""

    __slots__ = ("_ahead", "_layout", "cgroup_manager", "log", "options", "store", "verb", "words")

    def __init__(
        self,
        glob: dict[str, Any],
        verb: str,
        options: dict[str, Any],
        words: list[str],
        log: Log,
        ahead: HeadStart | None = None,
    ) -> None:
        self.verb = verb
        self.options = options
        self.words = words
        self.log = log
        self.store = Store(glob.get("root") or default_root())
        self.cgroup_manager = glob.get("cgroup-manager") or "cgroupfs"
        if self.cgroup_manager not in ("cgroupfs", "systemd", "disabled"):
            raise InvalidArgument(f"unknown cgroup manager {self.cgroup_manager!r}")
        self._layout: Layout | None = None
        self._ahead = ahead

    def before_fork(self) -> None:
        """One thread from here on."""
        if self._ahead is not None:
            self._ahead.join()

    def id(self) -> str:
        """The one word that must be there: the container's ID."""
        self.expect(1)
        return check_id(self.words[0])

    def expect(self, least: int, most: int | None = None) -> None:
        count = len(self.words)
        if count < least or count > (most or least):
            wanted = f"exactly {least}" if most in (None, least) else f"{least} to {most}"
            raise InvalidArgument(f'"{self.verb}" requires {wanted} argument(s)')

    def record(self) -> Record:
        return self.store.get(self.id())

    def locked(self) -> Record:
        """The container, to be changed."""
        record = self.record().lock()
        record.load()
        return record

    def layout(self) -> Layout:
        """The host's cgroups; none with --cgroup-manager=disabled."""
        if self._layout is None:
            self._layout = Layout({}) if self.cgroup_manager == "disabled" else detect()
        return self._layout
