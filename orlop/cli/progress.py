"""Show the JSON messages of pull, push, load and import: lines in a pipe, bars on a terminal."""

import posix

from orlop.cli.failure import Failure
from orlop.cli.out import is_terminal, write
from orlop.cli.units import duration_text, human_size
from orlop.client.transport import Response
from orlop.oci.jsonlite import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Json = dict[str, Any]


def show(response: Response, fd: int | None, aux: "Callable[[Any], None] | None" = None) -> None:
    """Print the stream to `fd` (None: nowhere). Raises Failure for the error in it."""
    screen = _Screen(fd)
    rest = ""
    tail = b""
    for data in response.chunks():
        tail += data
        cut = tail.rfind(b"\n") + 1
        if not cut:
            continue
        messages, rest = split(rest + tail[:cut].decode("utf-8", "replace"))
        tail = tail[cut:]
        for message in messages:
            _handle(screen, message, aux)
    if tail.strip():
        messages, _ = split(rest + tail.decode("utf-8", "replace") + "\n")
        for message in messages:
            _handle(screen, message, aux)


def _handle(screen: "_Screen", message: "Json", aux: "Callable[[Any], None] | None") -> None:
    if message.get("aux") is not None:
        if aux is not None:
            aux(message["aux"])
        return
    screen.show(message)


class _Screen:
    """Which line of the terminal belongs to which ID."""

    __slots__ = ("_fd", "_lines", "_terminal")

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        self._terminal = fd is not None and is_terminal(fd)
        self._lines: dict[str, int] = {}

    def _write(self, text: str) -> None:
        if self._fd is not None:
            write(self._fd, text.encode("utf-8", "surrogateescape"))

    def show(self, message: "Json") -> None:
        ident = message.get("id") or ""
        detail = message.get("progressDetail")
        up = 0
        text = ""
        if ident and (detail is not None or message.get("progress")):
            line = self._lines.get(ident)
            if line is None:
                line = self._lines[ident] = len(self._lines)
                text = "\n" if self._terminal else ""
            up = len(self._lines) - line
        else:
            # what is not progress scrolls: the lines counted so far are history
            self._lines = {}
        if self._terminal and up:
            text += f"\x1b[{up}A"
        failure = message.get("errorDetail")
        if failure is None:
            text += self._line(message, ident, detail)
        if self._terminal and ident and up:
            text += f"\x1b[{up}B"
        self._write(text)
        if failure is not None:
            raise Failure(str(failure.get("message") or message.get("error") or ""))

    def _line(self, message: "Json", ident: str, detail: "Json | None") -> str:
        status, stream = message.get("status") or "", message.get("stream") or ""
        bar = _bar(detail, self._width()) if detail is not None else ""
        text, end = "", ""
        if self._terminal and not stream and detail is not None:
            text, end = "\x1b[2K\r", "\r"
        elif bar:
            return ""  # a bar that moves is nothing for a pipe
        if ident:
            text += f"{ident}: "
        if message.get("from"):
            text += f"(from {message['from']}) "
        if detail is not None and self._terminal:
            return text + f"{status} {bar}{end}"
        if message.get("progress") and detail is None:
            return text + f"{status} {message['progress']}{end}"
        return text + (stream + end if stream else f"{status}{end}\n")

    def _width(self) -> int:
        try:
            return posix.get_terminal_size(self._fd or 1).columns or 200
        except (OSError, ValueError):
            return 200


def _bar(detail: "Json", width: int) -> str:
    current, total = int(detail.get("current") or 0), int(detail.get("total") or 0)
    unit = detail.get("units") or ""
    if current <= 0 and total <= 0:
        return ""
    if total <= 0:
        return f"{current} {unit}" if unit else f"{human_size(current):>8}"
    half = min(50, int(current / total * 100) // 2)
    box = f"[{'=' * half}>{' ' * (50 - half)}] " if width > 110 else ""
    numbers = ""
    if detail.get("hidecounts"):
        pass
    elif unit:
        numbers = f"{current}/{total} {unit}" if current <= total else f"{current} {unit}"
    else:
        numbers = f"{human_size(current):>8}"
        if current <= total:
            numbers += "/" + human_size(total)
    start = detail.get("start") or 0
    if current > 0 and start > 0 and half < 50 and width > 50:
        import time

        left = int((total - current) * (time.time() - start) / current)
        numbers += " " + duration_text(left * 10**9)
    return box + numbers
