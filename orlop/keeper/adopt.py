"""Take over from a keeper that was killed: its scribe gives everything back."""

from __future__ import annotations

import _socket
from time import monotonic, sleep

from orlop.keeper import reap
from orlop.keeper import task as tasks
from orlop.scribe import frames
from orlop.scribe.connection import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.keeper.keeper import Keeper

_PATIENCE = 10.0  # seconds for a busy scribe to notice that its keeper is gone
_PAUSE = 0.01


def adopt(keeper: Keeper) -> bool:
    """Whether a scribe was there. Blocks, before the loop runs."""
    deadline = monotonic() + _PATIENCE
    while monotonic() < deadline:
        try:
            sock = frames.connect(keeper.scribe.path)
        except OSError:
            return False
        sock.settimeout(_PATIENCE)
        try:
            _take_all(keeper, sock)
            return True
        except (OSError, frames.Hangup):
            sock.close()
            return False
        except ValueError:  # it has not seen yet that its keeper is gone
            sock.close()
            sleep(_PAUSE)
    return False


def _take_all(keeper: Keeper, sock: _socket.socket) -> None:
    """Raises ValueError when the scribe refuses."""
    frames.send(sock, {"op": "adopt", "seq": 0})
    while True:
        frame, fds = frames.receive(sock)
        if "task" in frame:
            _take(keeper, frame, fds)
        elif "hold" in frame:
            keeper.holds.setdefault(frame["hold"], []).extend(fds)
        elif "end" in frame:
            break
        else:
            frames.close_all(fds)
            raise ValueError(f"scribe: {frame.get('error')}")
    channel = Connection(keeper.poller, sock, keeper.on_scribe_frame, keeper.scribe.hung_up)
    keeper.scribe.take(frame["pid"], channel, fds[0], fds[1:])
    keeper.count_slots()
    for task in tuple(keeper.tasks.values()):
        reap.watch(keeper, task)


def _take(keeper: Keeper, frame: dict[str, Any], fds: list[int]) -> None:
    task = tasks.from_info(frame["task"], fds)
    task.exited_ns = frame["exited_ns"]
    task.drained = frame["drained"]
    if task.drained:
        task.slots = (-1, -1)  # given back, and perhaps another's by now
    keeper.tasks[task.key] = task
