from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from canary import Canary

from orlop.storage.drivers.overlay2 import Overlay2
from orlop.storage.layers import Layers


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    return Canary(tmp_path / "srv" / "canary")


@pytest.fixture
def layers(tmp_path: Path) -> Iterator[Layers]:
    driver = Overlay2(tmp_path / "root" / "overlay2")
    yield Layers(tmp_path / "root" / "layerdb", driver)
    subprocess.run(["umount", str(driver.home)], check=True)
