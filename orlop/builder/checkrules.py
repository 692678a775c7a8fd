"""The rules of `build --check`. Pure; names and texts are BuildKit's."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace

from orlop.builder import instructions as ins
from orlop.builder.expand import Lexer
from orlop.builder.parser import Node
from orlop.builder.read import RESERVED
from orlop.builder.source import clean
from orlop.builder.stages import platform_arguments
from orlop.builder.suggest import did_you_mean
from orlop.errors import InvalidArgument
from orlop.oci import platform as platforms
from orlop.oci.ignore import Ignore
from orlop.oci.reference import parse_any

_SECRET = re.compile(
    r"(?:^|_)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)",
    re.IGNORECASE,
)
_PUBLIC = re.compile(r"(?:^|_)public(?:_|$)", re.IGNORECASE)
_READ = ("MaintainerDeprecated", "LegacyKeyValueFormat")
_MAPPED = re.compile(r"(?:\[[^\]]*\]|[^:]*):.*")


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    text: str
    line: int


def empty_continuation(nodes: tuple[Node, ...], line: int) -> Finding:
    """`line`: where the instruction begins; its last line is marked."""
    end = next((n.last_line for n in nodes if n.line <= line <= n.last_line), line)
    return Finding("NoEmptyContinuation", "Empty continuation line", max(line, end))


def casing(nodes: tuple[Node, ...]) -> Iterator[Finding]:
    words = [(node.text.split(None, 1)[0], node.line) for node in nodes]
    upper = sum(word.isupper() for word, _ in words)
    lower = sum(word.islower() for word, _ in words)
    wanted = "uppercase" if upper >= lower else "lowercase"
    for word, line in words:
        if not (word.isupper() if wanted == "uppercase" else word.islower()):
            yield Finding(
                "ConsistentInstructionCasing",
                f"Command '{word}' should match the case of the command majority ({wanted})",
                line,
            )


def descriptions(nodes: tuple[Node, ...]) -> Iterator[Finding]:
    """A comment right above a stage or an argument that is no description of it."""
    for node in nodes:
        names = []
        if node.name == "from" and len(node.words) == 3:
            names = [node.words[2]]
        elif node.name == "arg":
            names = [word.partition("=")[0] for word in node.words]
        if not names or not node.comments:
            continue
        if not any(line.startswith(name + " ") for line in node.comments for name in names):
            yield Finding(
                "InvalidDefinitionDescription",
                f"Comment for {node.name.upper()} should follow the format: "
                f"`# {names[0] if len(names) == 1 else '<arg_key>'} <description>`",
                node.line,
            )


def froms(nodes: tuple[Node, ...], document: ins.Dockerfile) -> Iterator[Finding]:
    seen: set[str] = set()
    scope, known = _global(document)
    for node in nodes:
        if node.name != "from":
            continue
        if len(node.words) == 3:
            yield from _stage_name(node, seen)
        yield from _base(node, Lexer(document.escape), scope, known)
        yield from _platform(node)


def _global(document: ins.Dockerfile) -> tuple[dict[str, str], set[str]]:
    """(values of the ARGs before FROM with nothing given, names of all that are declared)."""
    scope = platform_arguments(platforms.default(), platforms.default())
    known = set(scope)
    for instruction in document.arguments:
        for argument in instruction.arguments:
            known.add(argument.key)
            if argument.value is not None:
                try:
                    scope[argument.key] = Lexer(document.escape).word(argument.value, scope)
                except InvalidArgument:
                    continue  # the build itself says so
    return scope, known


def _stage_name(node: Node, seen: set[str]) -> Iterator[Finding]:
    keyword, name = node.words[1], node.words[2]
    first, lower = node.text.split(None, 1)[0], node.words[2].lower()
    if keyword.isupper() != first.isupper():
        yield Finding(
            "FromAsCasing", f"'{keyword}' and '{first}' keywords' casing do not match", node.line
        )
    if name != lower:
        yield Finding("StageNameCasing", f"Stage name '{name}' should be lowercase", node.line)
    if lower in RESERVED:
        yield Finding(
            "ReservedStageName",
            f'Stage name should not use the same name as reserved stage "{lower}"',
            node.line,
        )
    if lower in seen:
        yield Finding(
            "DuplicateStageName",
            f'Duplicate stage name "{lower}", stage names should be unique',
            node.line,
        )
    seen.add(lower)


def _base(node: Node, lexer: Lexer, scope: dict[str, str], known: set[str]) -> Iterator[Finding]:
    flag = next((f for f in node.flags if f.startswith("--platform=")), "").partition("=")[2]
    for text in (node.words[0], flag):
        try:
            asked = lexer.expand(text, dict.fromkeys(known, "x"))
        except InvalidArgument:
            continue  # the build itself says so
        for name in sorted(asked.unmatched):
            yield Finding(
                "UndefinedArgInFrom",
                f"FROM argument '{name}' is not declared{did_you_mean(name, sorted(known))}",
                node.line,
            )
    if "$" not in node.words[0]:
        return
    try:
        base = lexer.word(node.words[0], scope)
        good = bool(base) and parse_any(base) is not None
    except InvalidArgument:
        good = False
    if not good:
        yield Finding(
            "InvalidDefaultArgInFrom",
            f"Default value for ARG {node.words[0]} results in empty or invalid base image name",
            node.line,
        )


def _platform(node: Node) -> Iterator[Finding]:
    value = next((f for f in node.flags if f.startswith("--platform=")), "").partition("=")[2]
    if value in ("$TARGETPLATFORM", "${TARGETPLATFORM}"):
        yield Finding(
            "RedundantTargetPlatform",
            f"Setting platform to predefined {value} in FROM is redundant as this is "
            "the default behavior",
            node.line,
        )
    name = node.words[2].lower() if len(node.words) == 3 else ""
    if (
        value
        and "$" not in value
        and not any(part in name for part in value.lower().split("/") if len(part) > 1)
    ):  # a stage that is called after its platform is one of several
        yield Finding(
            "FromPlatformFlagConstDisallowed",
            f'FROM --platform flag should not use constant value "{value}"',
            node.line,
        )


def stages(
    document: ins.Dockerfile,
    environment: Callable[[str], set[str] | None],
    ignore: Ignore | None,
    wanted: Container[int] | None = None,
) -> Iterator[Finding]:
    """`wanted`: the stages that are built, None for all."""
    scope, _ = _global(document)
    ended: dict[str, _Stage] = {}
    for stage in document.stages:
        state = _Stage(document, stage, ended, environment, scope, ignore)
        for command in stage.commands:
            found = list(state.look(command))
            if wanted is None or stage.index in wanted:
                yield from found
            else:  # what reading alone tells
                yield from (one for one in found if one.rule in _READ)
        if stage.start.alias:
            ended[stage.start.alias] = state


class _Stage:
    """What was seen of one stage so far."""

    def __init__(
        self,
        document: ins.Dockerfile,
        stage: ins.Stage,
        ended: dict[str, _Stage],
        environment: Callable[[str], set[str] | None],
        scope: dict[str, str],
        ignore: Ignore | None,
    ) -> None:
        self._lexer = Lexer(document.escape)
        self._ignore = ignore
        self._last: dict[str, int] = {}
        self._declared: set[str] = set()
        self._global = scope
        below = ended.get(stage.start.base.lower())
        self._absolute: bool = below is not None and below._absolute
        self._shell: bool = below is not None and below._shell  # one of its own
        self._env: list[str] | None = None  # names that have a value; None: nobody knows
        if below is not None:
            self._env = None if below._env is None else list(below._env)
            return
        try:
            base = self._lexer.word(stage.start.base, scope)
        except InvalidArgument:
            return
        found = set() if base == "scratch" else environment(base)
        if found is not None:
            self._env = ["PATH", *sorted(found - {"PATH"})]

    def look(self, command: ins.Instruction) -> Iterator[Finding]:
        line = command.line
        if isinstance(command, ins.Maintainer):
            yield Finding(
                "MaintainerDeprecated",
                "Maintainer instruction is deprecated in favor of using label",
                line,
            )
        if isinstance(command, ins.Shell):
            self._shell = True
        yield from self._commands(command)
        yield from self._undefined(command)
        yield from self._names(command)
        yield from self._workdir(command)
        if isinstance(command, ins.Expose):
            yield from _ports(command)
        if isinstance(command, ins.Copy | ins.Add):
            yield from self._ignored(command)

    def _commands(self, command: ins.Instruction) -> Iterator[Finding]:
        if isinstance(command, ins.Cmd | ins.Entrypoint | ins.Healthcheck):
            before = self._last.get(command.name)
            if before is not None:
                yield Finding(
                    "MultipleInstructionsDisallowed",
                    f"Multiple {command.name} instructions should not be used in the same stage "
                    "because only the last one will be used",
                    before,
                )
            self._last[command.name] = command.line
        shell = isinstance(command, ins.Cmd | ins.Entrypoint) and command.shell
        if shell and not self._shell:
            yield Finding(
                "JSONArgsRecommended",
                f"JSON arguments recommended for {command.name} to prevent unintended behavior "
                "related to OS signals",
                command.line,
            )

    def _undefined(self, command: ins.Instruction) -> Iterator[Finding]:
        if self._env is None:
            return
        known = dict.fromkeys((*self._env, *self._declared), "x")
        if isinstance(command, ins.Arg) and len(command.arguments) > 1:  # one knows those before
            for one in command.arguments:
                yield from self._undefined(replace(command, arguments=(one,)))
                self._declare(one)
            return
        for text in _expanded(command):
            try:
                found = self._lexer.expand(text, known)
            except InvalidArgument:
                continue  # the build itself says so
            for name in sorted(found.unmatched, key=text.find):
                near = did_you_mean(name, self._env).replace("mean ", "mean $")
                yield Finding(
                    "UndefinedVar", f"Usage of undefined variable '${name}'{near}", command.line
                )

    def _declare(self, one: ins.Argument) -> None:
        self._declared.add(one.key)
        if self._env is None or one.key in self._env:
            return
        if one.value is not None or one.key in self._global:
            self._env.append(one.key)

    def _names(self, command: ins.Instruction) -> Iterator[Finding]:
        names: list[str] = []
        if isinstance(command, ins.Env):
            names = [pair.key for pair in command.pairs]
            if self._env is not None:
                self._env += [n for n in names if n not in self._env]
        elif isinstance(command, ins.Arg):
            names = [argument.key for argument in command.arguments]
            for argument in command.arguments:
                self._declare(argument)
        for name in names:
            if _SECRET.search(name) and not _PUBLIC.search(name):
                yield Finding(
                    "SecretsUsedInArgOrEnv",
                    "Do not use ARG or ENV instructions for sensitive data "
                    f'({command.name} "{name}")',
                    command.line,
                )
        if isinstance(command, ins.Env | ins.Label):
            for pair in command.pairs:
                if not pair.separator:
                    yield Finding(
                        "LegacyKeyValueFormat",
                        f'"{command.name} key=value" should be used instead of legacy '
                        f'"{command.name} key value" format',
                        command.line,
                    )

    def _workdir(self, command: ins.Instruction) -> Iterator[Finding]:
        if not isinstance(command, ins.Workdir):
            return
        path = self._known_text(command.path)
        if not self._absolute and path is not None and not path.startswith("/"):
            yield Finding(
                "WorkdirRelativePath",
                f'Relative workdir "{path}" can have unexpected results if the base image changes',
                command.line,
            )
        self._absolute = True

    def _known_text(self, text: str) -> str | None:
        """What a word means, None when a variable that has a value decides."""
        known = dict.fromkeys((*(self._env or ()), *self._declared), "x")
        try:
            found = self._lexer.expand(text, known)
        except InvalidArgument:
            return None  # the build itself says so
        if "$" in text and (self._env is None or found.text != self._lexer.word(text, {})):
            return None
        return found.text

    def _ignored(self, command: ins.Copy | ins.Add) -> Iterator[Finding]:
        if self._ignore is None or (isinstance(command, ins.Copy) and command.source_stage):
            return
        for text in command.sources:
            path = clean(text)
            if "$" in text or ".." in text.split("/") or not path:
                continue
            if not self._ignore.ignored(path):
                continue
            yield Finding(
                "CopyIgnoredFile",
                f'Attempting to {command.name.capitalize()} file "{text}" that is excluded by '
                ".dockerignore",
                command.line,
            )


def _expanded(command: ins.Instruction) -> Iterable[str]:
    """The texts of an instruction that variables are looked up in while it is built."""
    if isinstance(command, ins.Env | ins.Label):
        return [text for pair in command.pairs for text in (pair.key, pair.value)]
    if isinstance(command, ins.Arg):
        return [argument.value or "" for argument in command.arguments]
    if isinstance(command, ins.User):
        return [command.user]
    if isinstance(command, ins.Workdir):
        return [command.path]
    if isinstance(command, ins.Volume):
        return command.paths
    if isinstance(command, ins.Run):
        return command.mounts
    if isinstance(command, ins.Stopsignal):
        return [command.signal]
    if isinstance(command, ins.Copy | ins.Add):
        inlines = [one.data for one in command.inlines if one.expand]
        return [*command.sources, *inlines, command.target, command.chown, command.chmod]
    return ()


def _ports(command: ins.Expose) -> Iterator[Finding]:
    for word in command.ports:
        port, _, protocol = word.partition("/")
        if _MAPPED.fullmatch(port) and "$" not in word:
            yield Finding(
                "ExposeInvalidFormat",
                "EXPOSE instruction should not define an IP address or host-port mapping, found "
                f"'{word}'",
                command.line,
            )
        if protocol != protocol.lower() and "$" not in word:
            yield Finding(
                "ExposeProtoCasing",
                f"Defined protocol '{word}' in EXPOSE instruction should be lowercase",
                command.line,
            )
