"""The same request to many objects: at most 50 under way, answers in the order of the names."""

from __future__ import annotations

from orlop.client.transport import Client
from orlop.errors import OrlopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

AT_ONCE = 50  # what Docker's CLI allows itself


def call_all(client: Client, method: str, paths: Sequence[str]) -> list[OrlopError | None]:
    """None for what worked, else its error."""
    from concurrent.futures import ThreadPoolExecutor

    def one(path: str) -> OrlopError | None:
        try:
            client.raw(method, path)
        except OrlopError as e:
            return e
        return None

    with ThreadPoolExecutor(min(AT_ONCE, len(paths))) as pool:
        return list(pool.map(one, paths))
