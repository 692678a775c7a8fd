from __future__ import annotations

from collections.abc import Iterator

import pytest
from registry import Registry


@pytest.fixture(scope="session")
def registry() -> Iterator[str]:
    """An empty registry of this folder's own: what others pushed would be mounted from there."""
    server = Registry()
    try:
        yield server.address
    finally:
        server.close()
