"""Stay with a process until it ends: pass on signals and its terminal's bytes."""

from __future__ import annotations

import _signal
import os
import select

from orlop.kernel import pidfd as pidfds

_SIGCHLD, _SIGWINCH, _SIGURG = 17, 28, 23
_NOT_PASSED = {9, 19, _SIGCHLD, _SIGURG, 32, 33}  # KILL, STOP, CHLD, Go's and the C library's
_FAULTS = {4, 5, 7, 8, 11}  # of our own making
_BLOCK = 65536


class Signals:
    """Every signal that can be passed on shows on `fd` as a byte, from now on."""

    def __init__(self) -> None:
        self.fd, self._writer = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._writer, False)
        _signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in range(1, 65):
            if number == _SIGCHLD or number not in _NOT_PASSED | _FAULTS:
                try:
                    _signal.signal(number, _noted)
                except (OSError, ValueError):
                    continue

    def take(self) -> bytes:
        try:
            return os.read(self.fd, 256)
        except BlockingIOError:
            return b""


def _noted(number: int, frame: object) -> None:
    """The byte in the pipe is all that is wanted."""


def stay(pidfd: int, signals: Signals, master: int | None) -> int:
    """The exit code of the process, 128 + n when signal n ended it."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(signals.fd, select.POLLIN)
    raw = None
    if master is not None:
        from orlop.runtime.oci import passthrough

        passthrough.copy_size(0, master)
        raw = passthrough.Raw(0)
        poll.register(master, select.POLLIN)
        poll.register(0, select.POLLIN)
    try:
        while True:
            ready = dict(poll.poll())
            for number in signals.take() if signals.fd in ready else b"":
                _pass_on(number, pidfd, master)
            if master is not None and master in ready and not _copy(master, 1):
                poll.unregister(master)
            if master is not None and 0 in ready and not _copy(0, master):
                poll.unregister(0)
            if pidfd in ready:
                status = pidfds.wait(pidfd, block=True)
                break
        if master is not None:
            os.set_blocking(master, False)  # others may still hold the terminal: no end comes
            while _copy(master, 1):
                pass
    finally:
        if raw is not None:
            raw.restore()
    return exit_code(status or 0)


def exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _pass_on(number: int, pidfd: int, master: int | None) -> None:
    if number == _SIGWINCH and master is not None:
        from orlop.runtime.oci.passthrough import copy_size

        copy_size(0, master)
    elif number != _SIGCHLD:
        try:
            pidfds.send_signal(pidfd, number)
        except ProcessLookupError:
            pass  # its end is seen next


def _copy(source: int, target: int) -> bool:
    """False at the end of `source`."""
    try:
        data = os.read(source, _BLOCK)
    except OSError:
        return False  # EIO: the last slave of a terminal was closed
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(target, view) :]
    except OSError:
        return False
    return bool(data)
