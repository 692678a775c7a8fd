"""`docker logs`: what a container printed, from its log file; no daemon state is involved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future

from orlop.container import logopts
from orlop.container.containers import Containers
from orlop.container.model import Container, Exit
from orlop.container.wait import wait
from orlop.errors import InvalidArgument, NotSupported
from orlop.scribe.codec import JSON, LOCAL
from orlop.scribe.follow import Follow
from orlop.scribe.readlog import Form, chunks


class Log:
    """Iterate for chunks in the client's form (stdcopy frames, or raw for a terminal's).

    `close` may come from another thread: it ends a follower that waits.
    """

    def __init__(
        self,
        container: Container,
        found: Iterator[bytes] | Follow,
        ended: Future[Exit] | None = None,
    ) -> None:
        self.container = container
        self._found = found
        self._ended = ended

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._found)

    def close(self) -> None:
        if isinstance(self._found, Follow):
            self._found.close()
        if self._ended is not None:
            self._ended.cancel()  # else a container collects waiters for as long as it runs


def logs(
    containers: Containers,
    ref: str,
    *,
    stdout: bool = True,
    stderr: bool = True,
    follow: bool = False,
    tail: int | None = None,
    since_ns: int = 0,
    until_ns: int = 0,
    timestamps: bool = False,
    details: bool = False,
    mux: bool | None = None,
    together: bool = False,
) -> Log:
    """`mux` None: as the container's terminal setting says. `together`: lines share frames.

    Raises NotFound, InvalidArgument, NotSupported (a log driver that cannot be read).
    """
    container = containers.get(ref)
    if not (stdout or stderr):
        raise InvalidArgument("Bad parameters: you must choose at least one stream")
    found = logopts.readable(container)
    if found is None:
        raise NotSupported("configured logging driver does not support reading")
    codec = LOCAL if found[1] else JSON
    if mux is None:
        mux = not container.config.get("Tty")
    form = Form(stdout, stderr, mux, timestamps, details, together)
    path = str(found[0])
    limits = {"tail": tail, "since_ns": since_ns, "until_ns": until_ns, "codec": codec}
    if not follow:
        return Log(container, _existing(path, form, limits))
    ended = None
    with container.lock:
        running = container.state.running
        follower = Follow(path, form, **limits)  # type: ignore[arg-type]
        if running:
            ended = wait(containers, container.id, "next-exit")
            ended.add_done_callback(lambda _: follower.end())
    if not running:
        follower.end()
    return Log(container, follower, ended)


def _existing(path: str, form: Form, limits: Mapping[str, object]) -> Iterator[bytes]:
    try:
        yield from chunks(path, form, **limits)  # type: ignore[arg-type]
    except FileNotFoundError:
        return  # never started
