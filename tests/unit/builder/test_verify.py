"""`build --verify`: both builds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from orlop.builder import verify as verifying
from orlop.builder.events import Event, Finished
from orlop.builder.request import Request


def test_the_second_build_is_cancelled_by_the_same_id(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Request] = []

    def build(_: Any, request: Request) -> Iterator[Event]:
        asked.append(request)
        yield Finished("sha256:1")

    monkeypatch.setattr(verifying, "build", build)
    request = Request(cast(Any, None), tags=("a:1",), id="theirs")
    events = list(verifying.verify(cast(Any, None), request))
    assert isinstance(events[-1], Finished)
    assert [(r.id, r.no_cache, r.tags) for r in asked] == [
        ("theirs", False, ("a:1",)),
        ("theirs", True, ()),
    ]
