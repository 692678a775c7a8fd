"""Text → nodes: one per instruction, with its words, flags, heredocs and line numbers.

Directives, comments, line continuation, heredocs. Pure; knows which form each instruction's line
has and nothing else about it. Source: Dockerfile reference, "Format".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from orlop.builder import heredoc, lines
from orlop.builder.directives import Directive, DirectiveParser
from orlop.builder.heredoc import Heredoc
from orlop.errors import InvalidArgument

_WITH_HEREDOC = ("add", "copy", "run")
_LONGEST = 65535  # bytes of one line, as BuildKit's scanner takes them
_BOM = "\ufeff"


class Malformed(InvalidArgument):
    """What does not parse: from `line` to `last`. `bare`: BuildKit's words, without the place."""

    def __init__(self, message: str, line: int, last: int, bare: str) -> None:
        super().__init__(message)
        self.line, self.last, self.bare = line, last, bare


@dataclass(frozen=True, slots=True)
class Node:
    name: str  # lower case
    words: tuple[str, ...]
    flags: tuple[str, ...] = ()
    json: bool = False  # the words came from a JSON array
    heredocs: tuple[Heredoc, ...] = ()
    text: str = ""  # the joined line
    line: int = 0  # of its first line, from 1
    last_line: int = 0
    comments: tuple[str, ...] = ()  # right above it
    child: Node | None = None  # what ONBUILD holds


@dataclass(frozen=True, slots=True)
class Parsed:
    nodes: tuple[Node, ...]
    directives: tuple[Directive, ...]
    escape: str = "\\"
    warnings: tuple[tuple[int, str], ...] = ()  # (line, text)


@dataclass(slots=True)
class _State:
    lines: list[str]
    escape: str = "\\"
    at: int = 0  # lines read
    directives: list[Directive] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)
    continuation: re.Pattern[str] = re.compile(r"([^\\])\\[ \t]*$|^\\[ \t]*$")

    def set_escape(self, value: str) -> None:
        if value not in ("\\", "`"):
            raise InvalidArgument(f"invalid escape token '{value}' does not match ` or \\")
        char = re.escape(value)
        self.escape = value
        self.continuation = re.compile(rf"([^{char}]){char}[ \t]*$|^{char}[ \t]*$")

    def more(self) -> bool:
        return self.at < len(self.lines)

    def take(self) -> str:
        return self.take_whole().removesuffix("\r")

    def take_whole(self) -> str:
        """As it is: in a heredoc a carriage return counts."""
        self.at += 1
        return self.lines[self.at - 1]


def parse(text: str) -> Parsed:
    """Raises InvalidArgument with the line: `dockerfile parse error on line 3: …`."""
    text = text.removeprefix(_BOM)
    split = text.split("\n")
    if split and split[-1] == "":
        split.pop()
    state = _State(split)
    nodes: list[Node] = []
    directives = DirectiveParser()
    comments: list[str] = []
    while state.more():
        start = state.at + 1
        try:
            raw = state.take()
            _check_length(raw, start)
            found = directives.line(raw)
            if found is not None:
                state.directives.append(found)
                if found.name == "escape":
                    state.set_escape(found.value)
                continue
            if _is_comment(raw):
                comments.append(raw.strip()[1:].strip())
                continue
            node = _instruction(state, raw.lstrip(), start)
            if node is not None:
                nodes.append(replace(node, comments=tuple(comments)))
            comments = []
        except InvalidArgument as error:
            raise at_line(error, start, state.at, said=False) from None
    if not nodes:
        raise InvalidArgument("file with no instructions")
    return Parsed(tuple(nodes), tuple(state.directives), state.escape, tuple(state.warnings))


def at_line(
    error: InvalidArgument, line: int, last: int = 0, *, said: bool = True
) -> InvalidArgument:
    """The error with its place. `said`: BuildKit's words have it, too."""
    if error.message.startswith("dockerfile parse error"):
        return error
    message = f"dockerfile parse error on line {line}: {error.message}"
    return Malformed(message, line, max(line, last), message if said else error.message)


def _check_length(line: str, number: int) -> None:
    if len(line) > _LONGEST:
        raise at_line(
            InvalidArgument(f"dockerfile line greater than max allowed size of {_LONGEST}"),
            number, said=False,
        )  # fmt: skip


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _instruction(state: _State, first: str, start: int) -> Node | None:
    """The logical line that begins with `first`; None when it is blank."""
    line, ended = _cut(state, first)
    if ended and not line.strip():
        return None
    gap = False
    while not ended and state.more():
        raw = state.take()
        _check_length(raw, state.at)
        if _is_comment(raw):
            continue
        if not raw.strip():
            gap = True
            continue
        piece, ended = _cut(state, raw)
        line += piece
    if gap:
        state.warnings.append((start, f"Empty continuation line found in:\n    {line}"))
    if not line.strip():
        return None
    node = _node(line, state.escape)
    node = _with_heredocs(state, node, line)
    return replace(node, line=start, last_line=state.at)


def _cut(state: _State, line: str) -> tuple[str, bool]:
    """(line without a continuation character, whether the instruction ends here)."""
    match = state.continuation.search(line)
    if match is None:
        return line, True
    return line[: match.start()] + (match[1] or ""), False


def _with_heredocs(state: _State, node: Node, line: str) -> Node:
    inner = node.child or node
    if inner.name not in _WITH_HEREDOC or "<<" not in line or inner.json:
        return node
    documents = []
    for opened in heredoc.of_line(line, state.escape):
        documents.append(opened.with_content(_body(state, opened)))
    return replace(node, heredocs=tuple(documents))


def _body(state: _State, opened: Heredoc) -> str:
    out: list[str] = []
    while state.more():
        line = state.take_whole()
        end = line.removesuffix("\r")
        if (end.lstrip("\t") if opened.chomp else end) == opened.name:
            return "".join(out)
        out.append(line + "\n")
    raise InvalidArgument("unterminated heredoc")


def _node(line: str, escape: str) -> Node:
    name, _, rest = _partition(line.strip())
    flags, rest = lines.split_flags(rest, escape)
    lower = name.lower()
    child = None
    is_json = False
    words: list[str] = []
    upper = name.upper()
    if lower in ("env", "label"):
        words = lines.name_values(rest, escape, upper)
    elif lower == "arg":
        words = lines.split_words(rest, escape)
    elif lower in ("run", "cmd", "entrypoint", "shell"):
        words, is_json = lines.maybe_json(rest)
    elif lower in ("add", "copy", "volume"):
        words, is_json = lines.maybe_json_list(rest)
    elif lower in ("from", "expose"):
        words = lines.plain_words(rest)
    elif lower == "healthcheck":
        words, is_json = lines.health(rest)
    elif lower == "onbuild":
        child = _node(rest, escape) if rest.strip() else None
    elif rest.strip():
        words = [rest.strip()]
    return Node(lower, tuple(words), tuple(flags), is_json, text=line.strip(), child=child)


def _partition(line: str) -> tuple[str, str, str]:
    parts = re.split(r"(\s+)", line, maxsplit=1)
    return (parts[0], parts[1], parts[2].strip()) if len(parts) == 3 else (line, "", "")
