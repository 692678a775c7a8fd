"""Take trees of layers apart: behind the answer, and at the start what a crash or a stop left."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

from orlop.storage.deletions import Deletions, Stopped
from orlop.storage.driver import Driver, Pause

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds for removals at the start and at the end of a daemon


def take_apart(driver: Driver, id: str, record: Path | None, pause: Pause | None = None) -> None:
    """A tree, then what names it: an end between the two leaves both to the sweep."""
    driver.remove(id, pause)
    if record is not None:
        shutil.rmtree(record, ignore_errors=True)


def sweep_trees(driver: Driver, deletions: Deletions, trees: list[tuple[str, Path | None]]) -> None:
    """(ID, record or None). For PATIENCE seconds at once, the rest behind the start."""
    end = time.monotonic() + PATIENCE

    def in_time() -> None:
        if time.monotonic() > end:
            raise Stopped

    for id, record in trees:
        try:
            driver.unmount(id)
            in_time()
            take_apart(driver, id, record, in_time)
        except Stopped:
            deletions.submit(take_apart, driver, id, record, deletions.pause)
        except (OSError, ValueError):
            log.exception("layer files %s stay", id)  # no reason not to start
