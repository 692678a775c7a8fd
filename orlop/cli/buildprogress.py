"""How a build is shown as it goes on: plain lines, a terminal's, BuildKit's JSON, or not at all."""

import binascii
import time

from orlop.cli.failure import Failure
from orlop.cli.out import write
from orlop.cli.terminal import size as terminal_size
from orlop.client.transport import Response
from orlop.oci.jsonlite import dumps, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Json = dict[str, Any]

_SHOWN = ("FROM", "RUN", "COPY", "ADD", "WORKDIR")
_STATUS = ("vertexes", "statuses", "logs", "warnings")  # what BuildKit's documents hold
_MAX_LOG = 6  # lines of a running step on a terminal


class Result:
    """What came of it."""

    __slots__ = ("container", "findings", "image", "materials", "tags")

    def __init__(self) -> None:
        self.findings = 0  # of `--check`
        self.image = ""
        self.materials: list[Json] = []  # images it stands on
        self.tags: list[str] = []
        self.container = ""  # of the step that failed


def messages(response: Response) -> "Iterator[Json]":
    rest, tail = "", b""
    for data in response.chunks():
        tail += data
        cut = tail.rfind(b"\n") + 1
        if cut:
            found, rest = split(rest + tail[:cut].decode("utf-8", "replace"))
            tail = tail[cut:]
            yield from found


def follow(response: Response, how: str) -> Result:
    """Show all of it on standard error. Raises Failure for the error at its end."""
    result = Result()
    shown: Plain | None = None
    if how == "plain":
        shown = Plain()
    elif how == "tty":
        shown = Terminal()
    try:
        for message in messages(response):
            if "check" in message:
                write(1, str(message["check"]).encode("utf-8", "surrogateescape"))
                result.findings = int(message.get("count") or 0)
            if "aux" in message:
                result.image = str((message["aux"] or {}).get("ID") or "")
                result.tags = list(message.get("tags") or ())
                result.materials = list(message.get("materials") or ())
            for one in message.get("containers") or ():
                result.container = str(one.get("id") or "")
            if how == "rawjson":
                status = {key: message[key] for key in _STATUS if key in message}
                if status:
                    write(2, dumps(status).encode() + b"\n")
            elif shown is not None:
                shown.take(message)
            if message.get("errorDetail"):
                _failed(shown, message["errorDetail"], result)
    finally:
        if shown is not None:
            shown.end()
    return result


def _failed(shown: "Plain | None", detail: "Json", result: Result) -> None:
    if shown is not None:
        shown.end()
    text = str(detail.get("message") or "")
    if result.container and detail.get("code") is not None:
        short = result.container[:12]
        text += f"\nLook at its state with: orlop build debug {short}"
    raise Failure(text, 1)


class _Step:
    __slots__ = ("done", "error", "logs", "name", "number", "started", "status")

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = 0
        self.started = 0.0
        self.done = ""
        self.error = ""
        self.logs = b""
        self.status: dict[str, Json] = {}


class Plain:
    """`#3 [1/2] RUN …`, `#3 0.120 output`, `#3 DONE 0.3s`."""

    def __init__(self) -> None:
        self.steps: dict[str, _Step] = {}
        self.count = 0
        self.last = 0
        self.begun = time.monotonic()

    def take(self, message: "Json") -> None:
        for vertex in message.get("vertexes") or ():
            self.vertex(vertex)
        for log in message.get("logs") or ():
            step = self.steps.get(log["vertex"])
            if step is not None:
                self.log(step, binascii.a2b_base64(log["data"]))
        for status in message.get("statuses") or ():
            step = self.steps.get(status["vertex"])
            if step is not None:
                self.progress(step, status)
        for warning in message.get("warnings") or ():
            self.say(f"{warning['short']}\n")

    def vertex(self, found: "Json") -> None:
        step = self.steps.get(found["digest"])
        if step is None:
            step = self.steps[found["digest"]] = _Step(found["name"])
        if not found.get("started"):
            return
        if not step.started:
            step.started = time.monotonic()
            if not _shown(step.name):
                return
            self.count += 1
            step.number = self.count
            self.started(step)
        if found.get("completed") and not step.done:
            step.error = str(found.get("error") or "")
            took = time.monotonic() - step.started
            step.done = "CACHED" if found.get("cached") else f"DONE {took:.1f}s"
            if step.error:
                step.done = f"ERROR: {step.error}"
            if step.number:
                self.completed(step)

    def started(self, step: _Step) -> None:
        self._turn(step)
        self.say(f"#{step.number} {step.name}\n")

    def completed(self, step: _Step) -> None:
        self._flush(step, True)
        self._turn(step)
        self.say(f"#{step.number} {step.done}\n")

    def _turn(self, step: _Step) -> None:
        if self.last and self.last != step.number:
            self.say("\n")
        self.last = step.number

    def log(self, step: _Step, data: bytes) -> None:
        step.logs += data
        self._flush(step, False)

    def _flush(self, step: _Step, ended: bool) -> None:
        *lines, step.logs = step.logs.split(b"\n")
        if ended and step.logs:
            lines.append(step.logs)
            step.logs = b""
        if not lines:
            return
        self._turn(step)
        at = time.monotonic() - step.started
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip("\r")
            self.say(f"#{step.number} {at:.3f} {text}\n")

    def progress(self, step: _Step, status: "Json") -> None:
        ident = str(status.get("id") or "")
        name = str(status.get("name") or "")
        if step.status.get(ident, {}).get("name") != name:
            self._turn(step)
            self.say(f"#{step.number} {ident}{': ' + name if name != ident else ''}\n")
        step.status[ident] = status

    def say(self, text: str) -> None:
        write(2, text.encode("utf-8", "surrogateescape"))

    def end(self) -> None:
        """Nothing more comes."""


class Terminal(Plain):
    """The steps as a list that is drawn anew; what runs shows its last lines."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn = 0
        self._next = 0.0
        self._tails: dict[int, list[str]] = {}
        self._order: list[_Step] = []
        self._ended = False

    def started(self, step: _Step) -> None:
        self._order.append(step)
        self._draw(True)

    def completed(self, step: _Step) -> None:
        if step.error:
            self._tails.setdefault(step.number, [])
        self._draw(True)

    def log(self, step: _Step, data: bytes) -> None:
        tail = self._tails.setdefault(step.number, [])
        step.logs += data
        *lines, step.logs = step.logs.split(b"\n")
        tail += [line.decode("utf-8", "replace").rpartition("\r")[2] for line in lines]
        del tail[:-200]
        self._draw(False)

    def progress(self, step: _Step, status: "Json") -> None:
        step.status[str(status.get("id") or "")] = status
        self._draw(False)

    def say(self, text: str) -> None:
        self._clear()
        super().say(text)
        self._draw(True)

    def _clear(self) -> None:
        if self._drawn:
            write(2, f"\x1b[{self._drawn}A\x1b[J".encode())
            self._drawn = 0

    def _draw(self, now: bool) -> None:
        moment = time.monotonic()
        if not now and moment < self._next:
            return
        self._next = moment + 0.1
        rows, columns = terminal_size(2)
        lines = self._lines(max(columns or 80, 20), max(rows or 24, 5))
        self._clear()
        write(2, ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"))
        self._drawn = len(lines)

    def _lines(self, width: int, height: int) -> list[str]:
        done = sum(bool(s.done) for s in self._order)
        took = time.monotonic() - self.begun
        out = [f"[+] Building {took:.1f}s ({done}/{len(self._order)})"]
        body: list[str] = []
        for step in self._order:
            mark = "=>" if not step.error else "=> ERROR"
            state = "CACHED " if step.done == "CACHED" else ""
            seconds = step.done[5:] if step.done.startswith("DONE") else ""
            if not step.done:
                seconds = f"{time.monotonic() - step.started:.1f}s"
            left = f" {mark} {state}{step.name}"
            room = max(1, width - len(seconds) - 2)
            body.append(f"{left[:room]:<{room}} {seconds}")
            if not step.done or (step.error and self._ended):
                tail = self._tails.get(step.number, [])
                body += [f" => => # {line}"[: width - 1] for line in tail[-_MAX_LOG:]]
                for status in list(step.status.values())[-_MAX_LOG:]:
                    if not step.done:
                        text = f" => => {status['id']} {status['name']}"
                        body.append(text[: width - 1])
        return out + body[-(height - 2) :]

    def end(self) -> None:
        if not self._ended:
            self._ended = True
            if self._order:
                self._draw(True)


def _shown(name: str) -> bool:
    return name.partition("] ")[2].partition(" ")[0].upper() in _SHOWN
