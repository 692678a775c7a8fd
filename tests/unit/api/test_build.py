from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from orlop.api import build
from orlop.api.buildours import Ours
from orlop.api.exchange import Gone


def test_a_client_that_leaves_its_build_holds_up_no_other() -> None:
    """The end of a step's container was awaited on the API's loop."""
    ended, cancelled = threading.Event(), threading.Event()

    def cancel(id: str) -> None:
        ended.wait(5)
        cancelled.set()

    call: Any = SimpleNamespace(
        gone=Gone(),
        engine=SimpleNamespace(builder=SimpleNamespace(cancel=cancel)),
        flag=lambda name: False,
    )

    def events() -> Iterator[Any]:
        call.gone.set()
        assert not cancelled.is_set()
        ended.set()
        assert cancelled.wait(5)
        yield from ()

    request: Any = SimpleNamespace(id="x")
    list(build._messages(call, Ours(), events(), contextlib.ExitStack(), request))
    assert cancelled.is_set()
