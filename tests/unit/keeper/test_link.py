from __future__ import annotations

import socket
import threading

import pytest

from orlop.keeper.link import Link, Lost
from orlop.scribe.frames import send


def test_a_broken_link_is_not_asked_twice() -> None:
    """The sender may see the break before the reader does, which is busy with an event here."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    busy, go_on = threading.Event(), threading.Event()

    def on_event(_frame: object) -> None:
        busy.set()
        go_on.wait(10)

    link = Link(ours, "test", on_event, lambda _link: None)
    try:
        send(theirs, {"event": "exit"})
        assert busy.wait(10)
        theirs.close()
        with pytest.raises(Lost):
            link.ask({"op": "stats"})
        assert not link.alive
    finally:
        go_on.set()
        link.close()
