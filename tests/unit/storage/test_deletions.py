"""What is removed behind the answer gives way to what is being unpacked."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.storage import deletions
from orlop.storage.deletions import Deletions


@pytest.fixture
def removals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deletions]:
    monkeypatch.setattr(deletions, "_PLENTY", 0.0)
    monkeypatch.setattr(deletions, "_FEW", 0)
    made = Deletions(tmp_path)
    yield made
    made.close()


class TwoFiles:
    """The removal of a tree that stops between its files until told."""

    def __init__(self, removals: Deletions) -> None:
        self.removals = removals
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.seen: list[str] = []

    def remove(self) -> None:
        self.begun.set()
        self.go_on.wait(10)
        self.removals.pause()
        self.seen.append("second file")


def test_a_tree_waits_for_the_layer_that_is_unpacked(
    removals: Deletions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "_GRACE", 0.0)
    seen = []
    with removals.holding_back():
        gone = removals.submit(lambda: seen.append("removed"))
        with pytest.raises(TimeoutError):
            gone.result(0.2)
        seen.append("unpacked")
    gone.result(10)
    assert seen == ["unpacked", "removed"]


def test_a_layer_may_follow_at_once(removals: Deletions) -> None:
    gone = removals.submit(lambda: None)
    with removals.holding_back():
        pass
    with pytest.raises(TimeoutError):
        gone.result(0.1)
    gone.result(10)


def test_the_layers_of_an_image_wait_together(
    removals: Deletions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "_GRACE", 0.2)
    begin = time.monotonic()
    for gone in [removals.submit(lambda: None) for _ in range(100)]:
        gone.result(10)
    assert 0.2 <= time.monotonic() - begin < 10


def test_it_does_not_wait_for_ever(removals: Deletions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletions, "_GRACE", 0.0)
    monkeypatch.setattr(deletions, "_LONGEST", 0.05)
    with removals.holding_back():
        removals.submit(lambda: None).result(10)


def test_it_stops_between_two_files_of_a_tree(
    removals: Deletions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "_GRACE", 0.0)
    tree = TwoFiles(removals)
    gone = removals.submit(tree.remove)
    tree.begun.wait(10)
    with removals.holding_back():
        tree.go_on.set()
        with pytest.raises(TimeoutError):
            gone.result(0.1)
        tree.seen.append("unpacked")
    gone.result(10)
    assert tree.seen == ["unpacked", "second file"]


def test_nothing_waits_where_space_is_short(
    removals: Deletions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "_PLENTY", 1.0)
    with removals.holding_back():
        removals.submit(lambda: None).result(0.9)


def test_what_waits_goes_on_when_the_layer_makes_space_short(
    removals: Deletions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "_GRACE", 0.0)
    with removals.holding_back():
        gone = removals.submit(lambda: None)
        with pytest.raises(TimeoutError):
            gone.result(0.2)
        monkeypatch.setattr(deletions, "_PLENTY", 1.0)
        gone.result(10)


def test_the_end_removes_what_is_left(removals: Deletions, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with removals.holding_back():
        for name in ("a", "b"):
            removals.submit((tmp_path / name).rmdir)
        ending = threading.Thread(target=removals.close)
        ending.start()
        ending.join(10)
    assert not ending.is_alive()
    assert os.listdir(tmp_path) == []


def test_an_end_does_not_wait_for_all_files(
    removals: Deletions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon took minutes to stop after it had removed large images."""
    monkeypatch.setattr(deletions, "_GRACE", 0.0)
    tree = TwoFiles(removals)
    at_work, queued = (
        removals.submit(tree.remove),
        removals.submit(lambda: tree.seen.append("next tree")),
    )
    tree.begun.wait(10)
    threading.Timer(0.1, tree.go_on.set).start()
    removals.close(0.0)
    assert at_work.done()
    assert queued.done()
    assert tree.seen == []


def test_a_small_tree_goes_at_once(removals: Deletions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks at the disk after an `rmi` would see what was removed for a second."""
    monkeypatch.setattr(deletions, "_FEW", 3)
    monkeypatch.setattr(deletions, "_GRACE", 100.0)
    seen = []

    def remove() -> None:
        for _ in range(2):
            removals.pause()
        seen.append("small")

    with removals.holding_back():
        removals.submit(remove).result(10)
    assert seen == ["small"]
