"""What was made since an engine was opened: it has the data root alone, so all that is new."""

from __future__ import annotations

from orlop.client.library import Client
from orlop.client.transport import quote
from orlop.errors import NotFound, OrlopError


class Made:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._before = self._present()

    def _present(self) -> tuple[set[str], set[str], set[str]]:
        return (
            {row["Id"] for row in self._client.containers.rows(all=True)},
            {network.id for network in self._client.networks.list()},
            {volume.name for volume in self._client.volumes.list()},
        )

    def remove(self) -> None:
        """Containers first, they hold the others. Raises the first failure, after trying all."""
        client = self._client
        found = zip(self._present(), self._before)
        containers, networks, volumes = (sorted(now - before) for now, before in found)
        paths = [
            *(f"/containers/{id}?force=1" for id in containers),
            *(f"/networks/{id}" for id in networks),
            *(f"/volumes/{quote(name)}?force=1" for name in volumes),
        ]
        failures: list[OrlopError] = []
        for path in paths:
            try:
                client.calls.call("DELETE", path)
            except NotFound:
                pass  # an anonymous volume goes with --rm
            except OrlopError as error:
                failures.append(error)
        if failures:
            raise failures[0]
