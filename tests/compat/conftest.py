from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from registry import Registry


@pytest.fixture(scope="session")
def registry() -> Iterator[str]:
    """An empty registry of this folder's own: what others pushed would be mounted from there."""
    with closing(Registry()) as server:
        yield server.address
