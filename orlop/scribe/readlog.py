"""Read a log back: as lines, or as ready chunks for a client.

For the daemon's threads. Rotated and compressed files are read too; only what `tail` asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from orlop import wire
from orlop.scribe.codec import JSON, Codec, skip_to_tail
from orlop.scribe.decode import Run
from orlop.scribe.encode import Clock
from orlop.scribe.logfiles import open_parts

Line = tuple[str, int, bytes, dict[str, str] | None]

_NUMBERS = {"stdout": wire.STDOUT, "stderr": wire.STDERR}
_CHUNK = 1 << 17
_FIRST = 1 << 15  # until the client has taken `_WARM`: one that stops reading holds a chunk
_WARM = 1 << 20


@dataclass(frozen=True, slots=True)
class Form:
    """How a client wants its log. `mux`: in stdcopy frames; raw for a terminal's. `together`: a
    frame for many lines, not for each."""

    stdout: bool = True
    stderr: bool = True
    mux: bool = True
    timestamps: bool = False
    details: bool = False
    together: bool = False

    def wants(self, stream: str) -> bool:
        return self.stdout if stream == "stdout" else self.stderr


def read(
    path: str,
    *,
    tail: int | None = None,
    since_ns: int = 0,
    until_ns: int = 0,
    stdout: bool = True,
    stderr: bool = True,
) -> Iterator[Line]:
    """(stream, time, line with its newline, attrs) of what is logged now. 0: no such limit."""
    form = Form(stdout=stdout, stderr=stderr)
    for run in runs(path, tail=tail, since_ns=since_ns, until_ns=until_ns):
        if form.wants(run.stream):
            attrs = json.loads(run.attrs) if run.attrs else None
            for line in lines_of(run):
                yield run.stream, run.time_ns, line, attrs


def runs(
    path: str,
    *,
    tail: int | None = None,
    since_ns: int = 0,
    until_ns: int = 0,
    codec: Codec = JSON,
) -> Iterator[Run]:
    """What is logged now, in runs of records that differ only in their text."""
    parts = open_parts(path)
    try:
        if tail is not None:
            parts = skip_to_tail(parts, tail, codec)
        for part in parts:
            for block in codec.blocks(part, b""):
                for run in codec.decode(block, since_ns):
                    if until_ns and run.time_ns > until_ns:
                        return
                    yield run
    finally:
        for part in parts:
            part.close()


def chunks(
    path: str,
    form: Form,
    *,
    tail: int | None = None,
    since_ns: int = 0,
    until_ns: int = 0,
    codec: Codec = JSON,
) -> Iterator[bytes]:
    """What is logged now, as a client gets it, in pieces of some 128 KiB."""
    found = runs(path, tail=tail, since_ns=since_ns, until_ns=until_ns, codec=codec)
    return gather(render(found, form))


def lines_of(run: Run) -> list[bytes]:
    """The records' texts; lines end with their newline."""
    if run.lines == 1:
        return [run.text]
    return [line + b"\n" for line in run.text[:-1].split(b"\n")]


def render(found: Iterable[Run], form: Form) -> Iterator[bytes]:
    """A piece for each run: framed, with times and details where they are asked for."""
    clock = FixedClock()
    for run in found:
        if not form.wants(run.stream):
            continue
        text = run.text
        if form.timestamps or form.details:
            prefix = clock.format(run.time_ns) + b" " if form.timestamps else b""
            if form.details:
                prefix += details(run.attrs) + b" "
            text = prefix + text[:-1].replace(b"\n", b"\n" + prefix) + text[-1:]
        if form.mux:
            lines = 1 if form.together else run.lines
            text = framed(text, _NUMBERS.get(run.stream, wire.STDERR), lines)
        yield text


def framed(text: bytes, number: int, count: int) -> bytes:
    """A frame for each record, as Docker sends them: clients take a frame for a line."""
    if count == 1:
        return wire.header(number, len(text)) + text
    lines = text[:-1].split(b"\n")
    heads = {size: wire.header(number, size + 1) for size in {len(line) for line in lines}}
    return b"\n".join([heads[len(line)] + line for line in lines]) + b"\n"


def gather(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Small pieces together, so that none costs a call of its own."""
    held: list[bytes] = []
    size = sent = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        del piece  # not twice in memory while a client does not read
        if size >= (_CHUNK if sent >= _WARM else _FIRST):
            sent += size
            whole = b"".join(held)
            held, size = [], 0
            yield whole
            del whole
    if held:
        yield b"".join(held)


def details(attrs: bytes) -> bytes:
    """Docker's form: `key=value` sorted, joined by commas, as in a URL's query."""
    values: dict[str, Any] = json.loads(attrs) if attrs else {}
    pairs = (f"{quote_plus(key)}={quote_plus(str(values[key]))}" for key in sorted(values))
    return ",".join(pairs).encode()


class FixedClock(Clock):
    """RFC 3339 with all nine digits, as `docker logs -t` prints."""

    __slots__ = ()

    def format(self, time_ns: int) -> bytes:
        text = super().format(time_ns)[:-1]
        return text[:19] + b"." + text[20:].ljust(9, b"0") + b"Z"
