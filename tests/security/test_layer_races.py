"""Trees that change while they are filled (S03): eight layers at once, a racer in each target.

Positive control: the same race on a path-joining extractor writes into the canary.
"""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from canary import Canary

from orlop.errors import OrlopError
from orlop.storage.layers import Layers
from orlop.storage.unpack import unpack_layer

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]
ROUNDS = 250 if os.environ.get("ORLOP_FUZZ") == "full" else 6  # of eight layers each


def archive() -> bytes:
    """Files, modes and links below directories that the racer turns into links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number in range(150):
            for name in ("d", "d/e"):
                if not number:
                    info = tarfile.TarInfo(name)
                    info.type, info.mode = tarfile.DIRTYPE, 0o777
                    tar.addfile(info)
            for name in (f"d/f{number}", f"d/e/g{number}"):
                info = tarfile.TarInfo(name)
                info.size, info.mode, info.uid = 6, 0o4777, 7
                tar.addfile(info, io.BytesIO(b"owned\n"))
    return out.getvalue()


ARCHIVE = archive()


class Racer:
    """Turns `d` of a tree into a link to the canary and back, as fast as it can."""

    def __init__(self, tree: Path, canary: Canary) -> None:
        self.tree = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
        self.target = str(canary.base)
        self.flips = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Racer:
        self._thread.start()
        return self

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                os.rename("d", "away", src_dir_fd=self.tree, dst_dir_fd=self.tree)
                os.symlink(self.target, "d", dir_fd=self.tree)
                self.flips += 1
                os.unlink("d", dir_fd=self.tree)
                os.rename("away", "d", src_dir_fd=self.tree, dst_dir_fd=self.tree)
            except OSError:
                continue

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        os.close(self.tree)


def naive(target: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(ARCHIVE)) as tar:
        for info in tar:
            path = os.path.join(str(target), info.name)
            try:
                if info.isdir():
                    os.makedirs(path, exist_ok=True)
                else:
                    with open(path, "wb") as file:
                        file.write(b"owned\n")
            except OSError:
                continue


def race(work: Callable[[Path], object], tree: Path, canary: Canary) -> int:
    with Racer(tree, canary) as racer:
        try:
            work(tree)
        except OrlopError:
            pass
    return racer.flips


def test_the_race_is_lost_by_a_naive_extractor(canary: Canary, tmp_path: Path) -> None:
    for number in range(200):
        tree = tmp_path / f"naive{number}"
        tree.mkdir()
        race(naive, tree, canary)
        if not canary.intact():
            return
    raise AssertionError("the racer never won: the test below shows nothing")


def test_eight_layers_at_once(canary: Canary, layers: Layers) -> None:
    def one(number: int) -> int:
        id = f"{number:064x}"
        tree = layers.driver.create(id)
        try:
            return race(lambda t: unpack_layer(io.BytesIO(ARCHIVE), t, None), tree, canary)
        finally:
            layers.driver.remove(id)

    with ThreadPoolExecutor(8) as pool:
        flips = sum(pool.map(one, range(8 * ROUNDS)))
    assert flips > ROUNDS  # they did meet
    assert canary.intact()
