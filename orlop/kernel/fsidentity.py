"""Act on files as another owner, with all capabilities kept: setfsuid(2), setfsgid(2)."""

from __future__ import annotations

from orlop.kernel import libc, process
from orlop.kernel.ownthread import on_own_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def as_owner(uid: int, gid: int, action: Callable[[], None]) -> None:
    """Run `action` on a thread of its own whose new files belong to `uid` and `gid`."""

    def work() -> None:
        _, permitted, inheritable = process.capabilities()
        libc.LIBC.setfsgid(gid)
        libc.LIBC.setfsuid(uid)  # leaving 0 takes the capabilities for files along
        process.set_capabilities(permitted, permitted, inheritable)
        action()

    on_own_thread(work)
