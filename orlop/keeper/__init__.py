"""The parent of every container: spawn, hold, reap, and say so.

For: launching processes (with `runtime`), reaping them by pidfd, holding their stdio, terminals and
published ports, keeping a scribe alive. Not for: moving a container's bytes (the scribe), mounts,
records, restarts (the daemon). Invariant: one thread, one poller, nothing in it waits for one
container; what it holds can be taken over by its successor, by re-execution or from the scribe.
`client` is the daemon's side and may use threads; the rest imports few modules of the standard
library, as every fork pays for each.
"""

VERSION = 1  # of the protocol between daemon and keeper
_ROOMS = ("keeper", "scribe", "runtime", "kernel")


def release() -> str:
    """Which code this is: the newest file of the rooms that a keeper runs.

    To be asked at start: files that change later are not what this process runs.
    """
    import os

    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    newest = 0
    for room in _ROOMS:
        for folder, _, names in os.walk(f"{top}/{room}"):
            for name in names:
                if name.endswith(".py"):
                    newest = max(newest, os.stat(f"{folder}/{name}").st_mtime_ns)
    return str(newest)
