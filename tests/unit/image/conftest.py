"""A scripted registry, and images in memory whose client waits for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.images import fake_images
from fakes.registry import Registry

from orlop.image.images import Images


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as made:
        yield made


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Images:
    monkeypatch.setattr("orlop.registry.blobs.random.random", lambda: -1.49)
    monkeypatch.setattr("orlop.registry.retry.time.sleep", lambda s: None)
    return fake_images(tmp_path)
