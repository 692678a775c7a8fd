"""Act on files as another owner, with all capabilities kept: setfsuid(2), setfsgid(2)."""

from __future__ import annotations

import threading

from orlop.kernel import libc, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def as_owner(uid: int, gid: int, action: Callable[[], None]) -> None:
    """Run `action` on a thread of its own whose new files belong to `uid` and `gid`."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            _, permitted, inheritable = process.capabilities()
            libc.LIBC.setfsgid(gid)
            libc.LIBC.setfsuid(uid)  # leaving 0 takes the capabilities for files along
            process.set_capabilities(permitted, permitted, inheritable)
            action()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
