"""Wait for the end of a process that is nobody's child of ours, by its pidfd."""

from __future__ import annotations

import select

from orlop.kernel import pidfd as pidfds

_UNSEEN = 10_000  # ms that a dead process may wait for its parent to reap it


def await_end(pidfd: int) -> int | None:
    """Blocks. The raw wait status; None when the kernel (before 6.15) does not tell."""
    death = select.poll()
    death.register(pidfd, select.POLLIN)
    death.poll()
    reaped = select.poll()
    reaped.register(pidfd, 0)  # POLLHUP alone
    reaped.poll(_UNSEEN)
    try:
        return pidfds.exit_status(pidfd)
    except OSError:
        return None
