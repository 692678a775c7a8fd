from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.served_registry import ServedRegistry

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


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[ServedRegistry]:
    made = ServedRegistry(tmp_path)
    yield made
    made.close()
