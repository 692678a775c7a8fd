"""What a stop or a crash left of a removal is gone after the next start, however long it takes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from orlop.storage import takeapart
from orlop.storage.deletions import Deletions
from orlop.storage.driver import Pause
from orlop.storage.drivers.vfs import Vfs
from orlop.storage.layers import Layers
from orlop.storage.takeapart import sweep_trees


class Slow(Vfs):
    """Lets go of the second removal only when told."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.asked: list[str] = []
        self.go_on = threading.Event()

    def remove(self, id: str, pause: Pause | None = None) -> None:
        self.asked.append(id)
        if len(self.asked) > 2:
            self.go_on.wait(10)
        super().remove(id, pause)


def test_a_long_sweep_goes_on_behind_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, removals = Slow(tmp_path / "vfs"), Deletions(tmp_path)
    monkeypatch.setattr("orlop.storage.deletions._GRACE", 0.0)
    for id in ("small", "large"):
        (driver.create(id) / "file").touch()
    record = tmp_path / "record-removing"
    record.mkdir()
    monkeypatch.setattr(takeapart, "PATIENCE", 5.0)
    sweep_trees(driver, removals, [("small", None)])
    monkeypatch.setattr(takeapart, "PATIENCE", -1.0)
    driver.asked += ["", ""]
    sweep_trees(driver, removals, [("large", record)])
    assert driver.exists("large")
    assert record.exists()
    driver.go_on.set()
    removals.submit(lambda: None).result(10)
    assert not driver.all()
    assert not record.exists()
    removals.close()


def test_the_next_start_goes_on(tmp_path: Path) -> None:
    """The record of a removal names its tree until that is gone; that of a living layer stays."""
    driver = Vfs(tmp_path / "vfs")
    layers = Layers(tmp_path / "layerdb", driver)
    layers.close()
    left, id = tmp_path / "layerdb/sha256" / f"{'1' * 64}-0123456789-removing", "2" * 64
    left.mkdir()
    (left / "cache-id").write_text(id)
    (driver.create(id) / "file").touch()
    again = Layers(tmp_path / "layerdb", driver)
    assert again.sweep(set()) == [left.name]
    assert not driver.all()
    assert not left.exists()
    again.close()
