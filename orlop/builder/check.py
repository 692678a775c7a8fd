"""`build --check`: what is allowed and yet likely a mistake. Pure.

Names and texts of the rules are BuildKit's (docs.docker.com/reference/build-checks).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orlop.builder import instructions as ins
from orlop.builder.expand import Lexer
from orlop.builder.parser import Node, parse
from orlop.builder.read import read
from orlop.builder.stages import platform_arguments
from orlop.errors import InvalidArgument
from orlop.oci import platform as platforms

_SECRET = re.compile(
    r"(?:^|_)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)",
    re.IGNORECASE,
)
_PUBLIC = re.compile(r"(?:^|_)public(?:_|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    text: str
    line: int


def check(text: str, skip: Iterable[str] = ()) -> list[Finding]:
    """Sorted by line. Raises InvalidArgument for what does not parse at all."""
    parsed = parse(text)
    document = read(text)
    skipped = {name.lower() for name in (*skip, *_skipped(document.checks))}
    if "all" in skipped:
        return []
    found = [Finding("NoEmptyContinuation", "Empty continuation line", n) for n, _ in
             parsed.warnings]  # fmt: skip
    found += _casing(parsed.nodes)
    found += _froms(parsed.nodes, document)
    found += _stages(document)
    return sorted((f for f in found if f.rule.lower() not in skipped), key=lambda f: f.line)


def _skipped(checks: str) -> list[str]:
    for part in checks.split(";"):
        key, _, value = part.partition("=")
        if key.strip() == "skip":
            return [name.strip() for name in value.split(",")]
    return []


def _casing(nodes: tuple[Node, ...]) -> Iterator[Finding]:
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


def _froms(nodes: tuple[Node, ...], document: ins.Dockerfile) -> Iterator[Finding]:
    seen: set[str] = set()
    known = {a.key for arg in document.arguments for a in arg.arguments}
    known |= set(platform_arguments(platforms.default(), platforms.default()))
    for node in nodes:
        if node.name != "from":
            continue
        words = node.words
        if len(words) == 3:
            keyword, name = words[1], words[2]
            first = node.text.split(None, 1)[0]
            if keyword.isupper() != first.isupper():
                yield Finding(
                    "FromAsCasing", f"'{keyword}' and '{first}' keywords' casing do not match",
                    node.line,
                )  # fmt: skip
            if name != name.lower():
                yield Finding(
                    "StageNameCasing", f"Stage name '{name}' should be lowercase", node.line
                )
            if name.lower() in seen:
                yield Finding(
                    "DuplicateStageName",
                    f'Duplicate stage name "{name.lower()}", stage names should be unique',
                    node.line,
                )
            seen.add(name.lower())
        try:
            asked = Lexer(document.escape).expand(words[0], dict.fromkeys(known, "x"))
        except InvalidArgument:
            continue  # the build itself says so
        for name in sorted(asked.unmatched):
            yield Finding(
                "UndefinedArgInFrom", f"FROM argument '{name}' is not declared", node.line
            )
        if "--platform=$TARGETPLATFORM" in node.flags:
            yield Finding(
                "RedundantTargetPlatform",
                "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is "
                "the default behavior",
                node.line,
            )


def _stages(document: ins.Dockerfile) -> Iterator[Finding]:
    for stage in document.stages:
        state = _Stage(document)
        for command in stage.commands:
            yield from state.look(command)


class _Stage:
    """What was seen of one stage so far."""

    def __init__(self, document: ins.Dockerfile) -> None:
        self._lexer = Lexer(document.escape)
        self._absolute = False
        self._last: dict[str, int] = {}
        self._known = {"PATH", "HOME", "HOSTNAME"}

    def look(self, command: ins.Instruction) -> Iterator[Finding]:
        line = command.line
        if isinstance(command, ins.Maintainer):
            yield Finding(
                "MaintainerDeprecated",
                "Maintainer instruction is deprecated in favor of using label",
                line,
            )
        if isinstance(command, ins.Cmd | ins.Entrypoint | ins.Healthcheck):
            before = self._last.get(command.name)
            if before is not None:
                yield Finding(
                    "MultipleInstructionsDisallowed",
                    f"Multiple {command.name} instructions should not be used in the same stage "
                    "because only the last one will be used",
                    before,
                )
            self._last[command.name] = line
        if isinstance(command, ins.Cmd | ins.Entrypoint) and command.shell and command.words:
            yield Finding(
                "JSONArgsRecommended",
                f"JSON arguments recommended for {command.name} to prevent unintended behavior "
                "related to OS signals",
                line,
            )
        yield from self._names(command)
        yield from self._workdir(command)

    def _names(self, command: ins.Instruction) -> Iterator[Finding]:
        names: list[str] = []
        if isinstance(command, ins.Env):
            names = [pair.key for pair in command.pairs]
        elif isinstance(command, ins.Arg):
            names = [argument.key for argument in command.arguments]
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
        self._known.update(names)

    def _workdir(self, command: ins.Instruction) -> Iterator[Finding]:
        if not isinstance(command, ins.Workdir):
            return
        if command.path.startswith(("/", "$")):
            self._absolute = True
        elif not self._absolute:
            yield Finding(
                "WorkdirRelativePath",
                f'Relative workdir "{command.path}" can have unexpected results if the base '
                "image changes",
                command.line,
            )


def report(text: str) -> tuple[str, int]:
    """(what `--check` prints, number of findings)."""
    try:
        found = check(text)
    except InvalidArgument as error:
        return f"{error.message}\n", 1
    if not found:
        return "Check complete, no warnings found.\n", 0
    many = "s" if len(found) > 1 else ""
    lines = [f"Check complete, {len(found)} warning{many} has been found!\n"]
    source = text.split("\n")
    for one in found:
        lines.append(f"\nWARNING: {one.rule}\n{one.text}\nDockerfile:{one.line}\n")
        start = max(0, one.line - 2)
        for number, content in enumerate(source[start : one.line + 1], start + 1):
            mark = ">>>" if number == one.line else "   "
            lines.append(f"{number:4d} | {mark} {content}\n")
    return "".join(lines), len(found)
