"""What a task is until its program runs: the pending launch, and who waits for it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from orlop.keeper.stdio import Stdio
    from orlop.runtime.pending import Pending
    from orlop.scribe.connection import Connection


class Starting:
    __slots__ = ("answer", "connection", "held", "operations", "pending", "size", "stdio")

    def __init__(
        self,
        pending: Pending,
        stdio: Stdio,
        connection: Connection,
        answer: Callable[[dict[str, object], list[int]], None],
        size: tuple[int, int],
        operations: list[object],
    ) -> None:
        self.pending = pending
        self.stdio = stdio
        self.connection = connection
        self.answer = answer  # the reply to the daemon that asked
        self.held = True  # until the network is made
        self.operations = operations  # of the network, on the host
        self.size = size  # rows, columns of the terminal; (0, 0) leaves it as it is
