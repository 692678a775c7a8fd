"""Which container is known to which other under which alias: both ways, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class LinkIndex:
    """IDs only; guarded by the lock of `Containers`."""

    _children: dict[str, dict[str, str]] = field(default_factory=dict)  # owner: alias: child
    _owners: dict[str, set[tuple[str, str]]] = field(default_factory=dict)  # child: owner, alias

    def put(self, owner: str, children: dict[str, str]) -> set[str]:
        """The links of `owner` are these (alias: child) now. Returns every child concerned."""
        old = self._children.pop(owner, {})
        for alias, child in old.items():
            self._owners[child].discard((owner, alias))
            if not self._owners[child]:
                del self._owners[child]
        if children:
            self._children[owner] = dict(children)
        for alias, child in children.items():
            self._owners.setdefault(child, set()).add((owner, alias))
        return {*old.values(), *children.values()}

    def child(self, owner: str, alias: str) -> str | None:
        return self._children.get(owner, {}).get(alias)

    def children(self, owner: str) -> dict[str, str]:
        """alias: child."""
        return dict(self._children.get(owner, {}))

    def names(self, child: str) -> set[tuple[str, str]]:
        """(owner, alias) of every link to it."""
        return set(self._owners.get(child, ()))
