"""The instructions as values: what each says, not yet expanded. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from orlop.builder.heredoc import Heredoc


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    name: ClassVar[str] = ""
    line: int = 0  # in its file
    last_line: int = 0
    text: str = ""  # as written, lines joined


@dataclass(frozen=True, slots=True)
class From(Instruction):
    name = "FROM"
    base: str = ""
    alias: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Inline:
    """A heredoc that COPY or ADD makes a file of."""

    path: str
    data: str
    expand: bool


@dataclass(frozen=True, slots=True)
class Transfer(Instruction):
    """What COPY and ADD share."""

    sources: tuple[str, ...] = ()
    inlines: tuple[Inline, ...] = ()
    target: str = ""
    chown: str = ""
    chmod: str = ""
    link: bool = False
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy(Transfer):
    name = "COPY"
    source_stage: str = ""  # --from
    parents: bool = False


@dataclass(frozen=True, slots=True)
class Add(Transfer):
    name = "ADD"
    checksum: str = ""
    keep_git_dir: bool = False
    unpack: bool | None = None


@dataclass(frozen=True, slots=True)
class Run(Instruction):
    name = "RUN"
    command: tuple[str, ...] = ()
    shell: bool = True  # wrapped in the SHELL
    heredocs: tuple[Heredoc, ...] = ()
    mounts: tuple[str, ...] = ()  # the flags' values
    network: str = ""  # default, none, host
    security: str = ""  # sandbox, insecure
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    key: str
    value: str
    separator: str = "="  # "" for the old form `ENV key the rest`


@dataclass(frozen=True, slots=True)
class Env(Instruction):
    name = "ENV"
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Label(Instruction):
    name = "LABEL"
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Argument:
    key: str
    value: str | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Arg(Instruction):
    name = "ARG"
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Command(Instruction):
    words: tuple[str, ...] = ()
    shell: bool = True


@dataclass(frozen=True, slots=True)
class Cmd(Command):
    name = "CMD"


@dataclass(frozen=True, slots=True)
class Entrypoint(Command):
    name = "ENTRYPOINT"


@dataclass(frozen=True, slots=True)
class Expose(Instruction):
    name = "EXPOSE"
    ports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Healthcheck(Instruction):
    """Durations in nanoseconds, 0: not given."""

    name = "HEALTHCHECK"
    test: tuple[str, ...] = ()
    durations: dict[str, int] = field(default_factory=dict)
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Maintainer(Instruction):
    name = "MAINTAINER"
    who: str = ""


@dataclass(frozen=True, slots=True)
class Onbuild(Instruction):
    name = "ONBUILD"
    trigger: str = ""


@dataclass(frozen=True, slots=True)
class Shell(Instruction):
    name = "SHELL"
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stopsignal(Instruction):
    name = "STOPSIGNAL"
    signal: str = ""


@dataclass(frozen=True, slots=True)
class User(Instruction):
    name = "USER"
    user: str = ""


@dataclass(frozen=True, slots=True)
class Volume(Instruction):
    name = "VOLUME"
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workdir(Instruction):
    name = "WORKDIR"
    path: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    index: int
    start: From
    commands: tuple[Instruction, ...]
    comment: str = ""

    @property
    def name(self) -> str:
        """Its alias, or its number."""
        return self.start.alias or str(self.index)


@dataclass(frozen=True, slots=True)
class Dockerfile:
    stages: tuple[Stage, ...]
    arguments: tuple[Arg, ...]  # before the first FROM
    escape: str = "\\"
    warnings: tuple[tuple[int, str], ...] = ()
    checks: str = ""  # of the directive `check`
