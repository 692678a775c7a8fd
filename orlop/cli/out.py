"""Bytes to the standard streams, without Python's text layer."""

import posix


def write(fd: int, data: bytes) -> None:
    """All of `data`. Ends the process as SIGPIPE would when nobody reads any more."""
    view = memoryview(data)
    while view:
        try:
            view = view[posix.write(fd, view) :]
        except BrokenPipeError:
            hang_up(fd)
        except BlockingIOError:
            import select

            select.select([], [fd], [])


def hang_up(fd: int) -> None:
    # Python ignores SIGPIPE; a Unix filter dies by it
    import _signal

    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    if fd == 1 or fd == 2:
        posix.kill(posix.getpid(), _signal.SIGPIPE)
    posix._exit(141)


def out(text: str) -> None:
    write(1, text.encode("utf-8", "surrogateescape"))


def err(text: str) -> None:
    write(2, text.encode("utf-8", "surrogateescape"))


def is_terminal(fd: int) -> bool:
    try:
        return posix.isatty(fd)
    except OSError:
        return False
