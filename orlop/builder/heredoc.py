"""Here-documents: `<<EOF`, `3<<-"EOF"` in a RUN, COPY or ADD line. Pure.

Source: Dockerfile reference, "Here-Documents".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from orlop.builder.expand import Lexer
from orlop.errors import InvalidArgument

_WORD = re.compile(r"^(\d*)<<(-?)\s*([^<]*)$")
_OPEN = re.compile(r"^\d*<<-?$")
_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Heredoc:
    name: str
    expand: bool = True  # variables: the delimiter was not quoted
    chomp: bool = False  # `<<-`: leading tabs go
    fd: int = 0
    content: str = ""

    def with_content(self, content: str) -> Heredoc:
        return replace(self, content=content)

    @property
    def data(self) -> str:
        return chomped(self.content) if self.chomp else self.content


def chomped(content: str) -> str:
    return _LEADING_TABS.sub("", content)


def parse_word(word: str) -> Heredoc | None:
    """The heredoc that a word opens, None for any other word. Raises InvalidArgument."""
    match = _WORD.match(word)
    if match is None:
        return None
    number, dash, rest = match.groups()
    if not rest:
        return None
    raw = Lexer(raw_quotes=True, skip_unset=True).words(rest, {})
    names = Lexer(skip_unset=True).words(rest, {})
    if len(names) != 1:
        return None
    quoted = any(quote in raw[0] for quote in ('"', "'")) and raw[0] != names[0]
    return Heredoc(names[0], not quoted, bool(dash), int(number[:9] or "0"))


def of_line(line: str, escape: str = "\\") -> list[Heredoc]:
    """Those that an instruction's line opens, in order."""
    lexer = Lexer(escape, raw_quotes=True, raw_escapes=True, skip_unset=True)
    try:
        words = lexer.words(line, {})
    except InvalidArgument:
        return []  # quotes of the shell that are none of ours
    out = []
    while words:
        word = words.pop(0)
        if _OPEN.match(word) and words:
            word += words.pop(0)
        found = parse_word(word)
        if found is not None:
            out.append(found)
    return out
