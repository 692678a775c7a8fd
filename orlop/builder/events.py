"""What a build tells while it goes on: one stream that every client's output is made from. Pure.

A vertex is one instruction of a needed stage. Times are nanoseconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Vertex:
    id: str  # `sha256:…`, of this build
    number: int  # from 1, in the file's order
    total: int
    stage: str
    text: str  # the instruction
    line: int
    inputs: tuple[str, ...] = ()  # ids of the vertices it stands on
    position: int = 1  # in its stage
    count: int = 1  # of the stage's
    stages: int = 1  # of the build


@dataclass(frozen=True, slots=True)
class Planned:
    vertices: tuple[Vertex, ...]


@dataclass(frozen=True, slots=True)
class Started:
    vertex: Vertex
    at_ns: int


@dataclass(frozen=True, slots=True)
class Log:
    vertex: Vertex
    stream: int  # 1 standard output, 2 standard error, 0 a note of the builder's
    data: bytes
    at_ns: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """A message of a pull or download, in Docker's form."""

    vertex: Vertex
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Running:
    """A container runs the step."""

    vertex: Vertex
    container: str


@dataclass(frozen=True, slots=True)
class Removed:
    vertex: Vertex
    container: str


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a step was or was not taken from the cache."""

    vertex: Vertex
    hit: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Completed:
    vertex: Vertex
    at_ns: int
    image: str = ""  # ID of what the stage has come to; "" when it failed
    cached: bool = False
    error: str = ""
    cause: BaseException | None = None  # of the error


@dataclass(frozen=True, slots=True)
class Warning:
    text: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    image: str
    tags: tuple[str, ...] = ()
    chain: str = ""  # of the files it came to, "" for none
    document: bytes = b""  # the image's config
    materials: tuple[tuple[str, str], ...] = ()  # images it stands on: package URL, digest


Event = (
    Planned | Started | Log | Progress | Running | Removed | Explained | Completed | Warning
    | Finished
)  # fmt: skip
