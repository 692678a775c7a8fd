"""The engine's nftables table: applied whole, changed by element, repaired when it vanishes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from orlop.errors import OrlopError, SystemFailure
from orlop.kernel.nft import Nft, TableWatch
from orlop.network import rules
from orlop.network.rules import BridgeRules, Element

_log = logging.getLogger(__name__)
_SETTLE = 0.2


class Firewall:
    """Invariant: once applied, the kernel's table is what `_bridges` and `_elements` say."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.nft = Nft()
        self.uplinks: tuple[str, ...] = ()  # see rules.table
        self._bridges: tuple[BridgeRules, ...] = ()
        self._elements: dict[tuple[str, str], Element] = {}
        self._applied = False
        self._lock = threading.RLock()
        self._watch: TableWatch | None = None
        self._thread: threading.Thread | None = None
        self.changed: Callable[[], None] = lambda: None  # others made chains: look at them

    @property
    def applied(self) -> bool:
        return self._applied

    def apply(self, bridges: Iterable[BridgeRules]) -> None:
        """Make these bridges' rules, and all published ports, the table. Raises SystemFailure."""
        with self._lock:
            self._bridges = tuple(bridges)
            self._write()
            if not self._applied:
                self._applied = True
                self._start_watch()

    def _write(self) -> None:
        self.nft.run(rules.table(self.table, self._bridges, self._elements.values(), self.uplinks))

    def publish(self, elements: Iterable[Element]) -> None:
        """Add ports. Raises SystemFailure with nothing changed."""
        added = list(elements)
        if not added:
            return
        with self._lock:
            for element in added:
                self._elements[element.map, element.key] = element
            try:
                if self._applied:
                    self.nft.run(rules.add(self.table, added))
            except SystemFailure:
                try:
                    self._write()  # the table was gone, or held something else
                except SystemFailure:
                    for element in added:
                        self._elements.pop((element.map, element.key), None)
                    raise

    def unpublish(self, elements: Iterable[Element]) -> None:
        """Remove ports; absent ones are no error."""
        with self._lock:
            gone = [e for e in elements if self._elements.pop((e.map, e.key), None) is not None]
            if not gone or not self._applied:
                return
            try:
                self.nft.run(rules.delete(self.table, gone))
            except SystemFailure:
                try:
                    self._write()
                except SystemFailure as error:
                    _log.warning("could not take down published ports: %s", error.message)

    def exists(self) -> bool:
        """The kernel has our table, perhaps from an earlier daemon."""
        return any(
            entry.get("table", {}).get("name") == self.table
            and entry.get("table", {}).get("family") == "inet"
            for entry in self.nft.query("list tables")
        )

    def remove(self) -> None:
        """Take the whole table down."""
        with self._lock:
            self._applied = False
            self.nft.run(f"table inet {self.table}\ndelete table inet {self.table}\n")

    def _start_watch(self) -> None:
        try:
            self._watch = TableWatch()
        except OSError as error:
            _log.warning("cannot watch nftables, lost rules stay lost: %s", error)
            return
        self._thread = threading.Thread(
            target=self._repair, args=(self._watch,), name="nft-watch", daemon=True
        )
        self._thread.start()

    def _repair(self, watch: TableWatch) -> None:
        """`flush ruleset` by another program takes isolation with it: put it back."""
        try:
            while event := watch.wait(self.table):
                try:
                    if event == TableWatch.CHAIN:
                        time.sleep(_SETTLE)  # iptables-restore and friends make many
                        watch.drain()
                        self.changed()
                    self._restore()
                except OrlopError as error:
                    _log.error("nftables table inet %s: %s", self.table, error.message)
        finally:
            watch.release()

    def _restore(self) -> None:
        with self._lock:
            # Our own replacement deletes the table, too, and makes it again.
            if self._applied and not self.exists():
                self._write()
                _log.warning("nftables table inet %s was deleted; restored it", self.table)

    def close(self) -> None:
        """Stop watching; the rules stay, as the containers do."""
        if self._watch is not None:
            self._watch.close()
            if self._thread is not None:
                self._thread.join(timeout=5)
            self._watch = None
        self.nft.close()
