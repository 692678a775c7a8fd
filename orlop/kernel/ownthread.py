"""Run something on a thread of its own: what Linux keeps per thread (identity, working directory)
changes for nobody else.
"""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def on_own_thread(action: Callable[[], None]) -> None:
    """Returns when `action` is done; raises what it raised."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            action()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
