"""The graph of stages: what each stands on and takes files from, which of them are needed. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace

from orlop.builder import instructions as ins
from orlop.builder.expand import Lexer
from orlop.builder.mountspec import fields_of
from orlop.builder.parser import at_line
from orlop.builder.suggest import did_you_mean
from orlop.errors import InvalidArgument
from orlop.oci import platform as platforms
from orlop.oci.platform import Platform


@dataclass(frozen=True, slots=True)
class Planned:
    """A stage with its base resolved: another stage by index, or an image by name."""

    stage: ins.Stage
    base: str  # an image's name, "scratch", or "" when `on` says it
    on: int | None
    platform: str
    needs: frozenset[int]

    @property
    def index(self) -> int:
        return self.stage.index


def platform_arguments(build: Platform, target: Platform, stage: str = "") -> dict[str, str]:
    """The predefined ARGs. Source: Dockerfile reference, "Automatic platform ARGs"."""
    return {
        "BUILDPLATFORM": str(build),
        "BUILDOS": build.os,
        "BUILDARCH": build.architecture,
        "BUILDVARIANT": build.variant,
        "TARGETPLATFORM": str(target),
        "TARGETOS": target.os,
        "TARGETARCH": target.architecture,
        "TARGETVARIANT": target.variant,
        "TARGETSTAGE": stage or "default",  # lower case; "default": a last stage without a name
    }


def global_arguments(
    document: ins.Dockerfile, given: Mapping[str, str], predefined: Mapping[str, str]
) -> dict[str, str]:
    """What the ARGs before the first FROM mean. Raises InvalidArgument."""
    scope = dict(predefined)
    lexer = Lexer(document.escape)
    for instruction in document.arguments:
        for argument in instruction.arguments:
            value = given.get(argument.key)
            if value is None and argument.value is not None:
                value = lexer.word(argument.value, scope)
            if value is not None:
                scope[argument.key] = value
    return scope


def plan(
    document: ins.Dockerfile, scope: Mapping[str, str], named: Container[str] = ()
) -> list[Planned]:
    """Every stage of the file; `named`: contexts that stand in for stages and images of their
    names. Raises InvalidArgument."""
    out = []
    for stage in document.stages:
        start = stage.start
        if start.alias and start.alias in named:
            stands_in = replace(stage, commands=())
            out.append(Planned(stands_in, start.alias, None, "", frozenset()))
            continue
        lexer = Lexer(document.escape)
        try:
            base = lexer.word(start.base, scope)
        except InvalidArgument as error:
            raise at_line(error, start.line, start.last_line) from None
        if not base:
            blank = InvalidArgument(f"base name ({start.base}) should not be blank")
            raise at_line(blank, start.line, start.last_line, said=False)
        on = _stage_named(document, base, stage.index)
        platform = lexer.word(start.platform, scope) if start.platform else ""
        if platform:
            platforms.parse(platform)
        needs = {on} if on is not None else set()
        for command in stage.commands:
            needs |= sources_of(document, command, stage.index, scope)
        out.append(Planned(stage, "" if on is not None else base, on, platform, frozenset(needs)))
    return out


def _stage_named(document: ins.Dockerfile, name: str, before: int) -> int | None:
    """The last stage of that name before another; FROM knows no numbers."""
    found = None
    for stage in document.stages[:before]:
        if stage.start.alias and stage.start.alias == name.lower():
            found = stage.index
    return found


def triggered(document: ins.Dockerfile, planned: Planned) -> bool:
    """Its base is a stage of the file that has ONBUILD."""
    below = () if planned.on is None else document.stages[planned.on].commands
    return any(isinstance(command, ins.Onbuild) for command in below)


def find(document: ins.Dockerfile, name: str, here: int) -> int | None:
    """The stage that `--from` means, None for an image. Raises InvalidArgument."""
    if name.isascii() and name.isdigit():
        number = int(name[:6])
        if number >= here:
            reason = "index out of bounds" if number > here else "refers to current build block"
            raise InvalidArgument(f"invalid from flag value {name}: {reason}")
        return number
    wanted = name.lower()
    named = [s.index for s in document.stages if s.start.alias == wanted]
    earlier = [n for n in named if n < here]
    if here in named and not earlier:
        raise InvalidArgument(f"invalid from flag value {name}: refers to current build block")
    if named and not earlier:
        own = document.stages[here].name
        raise InvalidArgument(
            f'cannot copy from stage "{name}", it needs to be defined before current stage "{own}"'
        )
    return earlier[-1] if earlier else None


def sources_of(
    document: ins.Dockerfile, command: ins.Instruction, here: int, scope: Mapping[str, str]
) -> set[int]:
    """Stages that an instruction takes files from."""
    names = []
    if isinstance(command, ins.Copy) and command.source_stage:
        names.append(command.source_stage)
    elif isinstance(command, ins.Run):
        for text in command.mounts:
            names += [f[5:] for f in fields_of(text) if f.startswith("from=") and "$" not in f]
    found = set()
    for name in names:
        try:
            stage = find(document, name, here)
        except InvalidArgument:
            continue  # said when its turn comes, after what comes before
        if stage is not None:
            found.add(stage)
    return found


def target_name(document: ins.Dockerfile, name: str) -> str:
    """What TARGETSTAGE says of a target, "" for the last stage."""
    return name.lower() or document.stages[-1].start.alias


def target(document: ins.Dockerfile, name: str) -> int:
    """The stage to build. Raises InvalidArgument."""
    if not name:
        return len(document.stages) - 1
    wanted = name.lower()
    for stage in reversed(document.stages):
        if stage.start.alias == wanted:
            return stage.index
    if name.isascii() and name.isdigit() and int(name[:6]) < len(document.stages):
        return int(name)
    known = [s.start.alias for s in document.stages if s.start.alias]
    raise InvalidArgument(f'target stage "{name}" could not be found' + did_you_mean(wanted, known))


def needed(stages: list[Planned], last: int) -> list[Planned]:
    """What `last` needs, in the file's order. Raises InvalidArgument for a circle."""
    wanted: set[int] = set()
    path: list[int] = []

    def visit(index: int) -> None:
        if index in path:
            raise InvalidArgument(
                f"circular dependency detected on stage: {stages[index].stage.name}"
            )
        if index in wanted:
            return
        path.append(index)
        for below in sorted(stages[index].needs):
            visit(below)
        path.pop()
        wanted.add(index)

    visit(last)
    return [stage for stage in stages if stage.index in wanted]
