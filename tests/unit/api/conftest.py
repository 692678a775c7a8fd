from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from harness import Client, Served, served


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "s") as made:
        yield made


@pytest.fixture
def client(api: Served) -> Iterator[Client]:
    with api.connect() as sock:
        yield Client(sock)
