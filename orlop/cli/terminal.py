"""Raw mode, window size, and signals as bytes on a pipe."""

import _signal
import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class Raw:
    """The terminal on stdin in raw mode until `restore`."""

    __slots__ = ("_saved",)

    def __init__(self) -> None:
        self._saved: list[Any] | None = None

    def enter(self) -> None:
        import termios

        try:
            self._saved = termios.tcgetattr(0)
        except termios.error:
            return
        mode = termios.tcgetattr(0)
        # cfmakeraw(3)
        mode[0] &= ~(
            termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP
            | termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON
        )  # fmt: skip
        mode[1] &= ~termios.OPOST
        mode[2] = mode[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
        mode[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        for number in (_signal.SIGTERM, _signal.SIGHUP):  # whoever ends us wants the terminal back
            if _signal.getsignal(number) == _signal.SIG_DFL:
                _signal.signal(number, _leave)
        termios.tcsetattr(0, termios.TCSANOW, mode)

    def restore(self) -> None:
        if self._saved is not None:
            import termios

            try:
                termios.tcsetattr(0, termios.TCSANOW, self._saved)
            except termios.error:
                pass
            self._saved = None


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def size(fd: int = 1) -> tuple[int, int]:
    """(rows, columns) of the terminal, zeros when it is none."""
    try:
        found = posix.get_terminal_size(fd)
    except (OSError, ValueError):
        return 0, 0
    return found.lines, found.columns


# Never forwarded: children, broken pipes, what kills or stops us anyway, faults of this process.
_KEEP = {"SIGCHLD", "SIGCLD", "SIGPIPE", "SIGKILL", "SIGSTOP", "SIGSEGV", "SIGBUS", "SIGFPE",
         "SIGILL", "SIGURG"}  # fmt: skip


def all_signals() -> dict[int, str]:
    """Number: name without SIG, of everything Docker forwards."""
    found: dict[int, str] = {}
    for name in dir(_signal):
        if name.startswith("SIG") and name[3] != "_" and name not in _KEEP:
            number = getattr(_signal, name)
            if isinstance(number, int) and name not in ("SIGRTMIN", "SIGRTMAX"):
                found.setdefault(number, name[3:])
    for offset in range(int(_signal.SIGRTMAX) - int(_signal.SIGRTMIN) + 1):
        found[int(_signal.SIGRTMIN) + offset] = f"RTMIN+{offset}" if offset else "RTMIN"
    found[int(_signal.SIGRTMAX)] = "RTMAX"
    return found


class Signals:
    """Catches signals and gives their numbers when `fd` is readable."""

    __slots__ = ("_write", "fd")

    def __init__(self, numbers: "Iterable[int]") -> None:
        self.fd, self._write = posix.pipe2(posix.O_CLOEXEC | posix.O_NONBLOCK)
        _signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in numbers:
            try:
                _signal.signal(number, _nothing)
            except (OSError, ValueError):
                continue

    def take(self) -> bytes:
        try:
            return posix.read(self.fd, 128)
        except BlockingIOError:
            return b""


def _nothing(number: int, frame: object) -> None:
    """The wake-up descriptor has the number already."""
