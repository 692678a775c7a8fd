"""The events of a life, as dockerd 28.5 sends them."""

from __future__ import annotations

import pytest
from fakes.rig import Rig

from orlop.api.events import document
from orlop.container.create import create
from orlop.container.resize import resize
from orlop.container.start import start
from orlop.events import Event


def test_a_resize_tells_the_size(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig.keeper, "resize", lambda *_: None, raising=False)
    seen: list[Event] = []
    rig.events.subscribe(seen.append)
    id, _ = create(rig.containers, {"Image": "busybox", "Cmd": ["sleep", "9"]}, {}, name="web")
    start(rig.containers, id)
    resize(rig.containers, "web", 24, 80)
    found = [e for e in seen if e.action == "resize"]
    assert [(e.attributes["height"], e.attributes["width"]) for e in found] == [("24", "80")]


def test_an_event_of_no_container_names_none() -> None:
    shown = document(Event("container", "prune", "", {"reclaimed": "5"}, 1))
    assert "id" not in shown
    assert "from" not in shown
    assert shown["status"] == "prune"
