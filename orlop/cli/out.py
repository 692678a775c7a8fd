"""Bytes to the standard streams, without Python's text layer."""

import posix


def write(fd: int, data: bytes) -> None:
    """All of `data`. Ends the process as SIGPIPE would when nobody reads any more.

    Raises Failure when it cannot be written: output is never lost in silence.
    """
    view = memoryview(data)
    while view:
        try:
            view = view[posix.write(fd, view) :]
        except BrokenPipeError:
            hang_up(fd)
        except BlockingIOError:
            import select

            select.select([], [fd], [])
        except OSError as e:
            _lost(fd, e)


def _lost(fd: int, error: OSError) -> None:
    if fd == 2:
        posix._exit(1)  # nowhere to say it
    from orlop.cli.failure import Failure

    name = "/dev/stdout" if fd == 1 else f"/dev/fd/{fd}"
    raise Failure(f"write {name}: {(error.strerror or '').lower()}") from None


def open_streams() -> None:
    """/dev/null for each standard stream that the caller closed: else the next file or socket
    takes its number, and is read and written as the stream."""
    for fd in range(3):
        try:
            posix.fstat(fd)
        except OSError:
            posix.open("/dev/null", posix.O_RDWR)  # takes the lowest number: this one
            posix.set_inheritable(fd, True)


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
