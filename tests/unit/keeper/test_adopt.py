"""What a new keeper makes of what the scribe tells it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from orlop.keeper import adopt
from orlop.keeper.task import Task


@pytest.mark.parametrize(("drained", "slots"), [(True, (-1, -1)), (False, (3, 4))])
def test_slots_that_were_given_back_are_not_taken_again(
    drained: bool, slots: tuple[int, int]
) -> None:
    """They may be another stream's: what was in hand of that one came into this one's log."""
    ended = Task("c1", "", {"tty": False, "log": None, "cgroups": []})
    ended.slots = (3, 4)
    keeper: Any = SimpleNamespace(tasks={})
    frame = {"task": ended.info(), "exited_ns": 1, "drained": drained}
    adopt._take(keeper, frame, [])
    assert keeper.tasks["c1", ""].slots == slots
