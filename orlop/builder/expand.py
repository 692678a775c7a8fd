"""Variables, quotes and escapes of Dockerfile words: `$name`, `${name:-word}`, `${name/a/b}`, …

Source: Dockerfile reference, "Environment replacement". Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orlop.builder import shellpattern
from orlop.errors import InvalidArgument

_SPECIAL = "@*#?-$!0"
_PLAIN_MODIFIERS = "+-?"
_DEEPEST = 100  # nested substitutions


@dataclass(slots=True)
class Expansion:
    """What came out: one text, the words it splits into, the variables it asked for."""

    text: str = ""
    words: list[str] = field(default_factory=list)
    matched: set[str] = field(default_factory=set)
    unmatched: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Lexer:
    """`raw_quotes`, `raw_escapes`: keep them in the result. `skip_unset`: leave `${x}` of an unset
    variable as it is. `skip_quotes`: quotes are plain characters."""

    escape: str = "\\"
    raw_quotes: bool = False
    raw_escapes: bool = False
    skip_unset: bool = False
    skip_quotes: bool = False

    def word(self, text: str, env: Mapping[str, str]) -> str:
        """`text` expanded as one word. Raises InvalidArgument."""
        return self.expand(text, env).text

    def words(self, text: str, env: Mapping[str, str]) -> list[str]:
        """`text` expanded and split at spaces that are not quoted. Raises InvalidArgument."""
        return self.expand(text, env).words

    def expand(self, text: str, env: Mapping[str, str]) -> Expansion:
        scan = _Scan(self, text, env)
        try:
            out = scan.until("", self.raw_escapes)
        except InvalidArgument as error:
            raise InvalidArgument(f'failed to process "{_go(text)}": {error.message}') from None
        return Expansion(out.text, out.finish(), scan.matched, scan.unmatched)


def _go(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


class _Words:
    """Collects the text as a whole and split at spaces."""

    __slots__ = ("_parts", "_pending", "_word", "_words")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._words: list[str] = []
        self._word = ""
        self._pending = False

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def add(self, text: str) -> None:
        """Unquoted: spaces end words."""
        self._parts.append(text)
        for char in text:
            if not char.isspace():
                self._word += char
                self._pending = True
            elif self._pending:
                self._words.append(self._word)
                self._word, self._pending = "", False

    def add_raw(self, text: str) -> None:
        """Quoted: stays in one word, even when empty."""
        self._parts.append(text)
        self._word += text
        self._pending = True

    def finish(self) -> list[str]:
        return [*self._words, self._word] if self._pending else list(self._words)


class _Scan:
    def __init__(self, lexer: Lexer, text: str, env: Mapping[str, str]) -> None:
        self.lexer = lexer
        self.text = text
        self.at = 0
        self.env = env
        self.matched: set[str] = set()
        self.unmatched: set[str] = set()
        self.depth = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        self.at += 1 if char else 0
        return char

    def until(self, stop: str, raw_escapes: bool) -> _Words:
        """Up to `stop`, which is consumed; "" is the end of the text."""
        out = _Words()
        quotes = not self.lexer.skip_quotes
        while char := self.peek():
            if char == stop:
                self.at += 1
                return out
            if char == "'" and quotes:
                out.add_raw(self._single())
            elif char == '"' and quotes:
                out.add_raw(self._double())
            elif char == "$":
                out.add(self._dollar())
            else:
                self.at += 1
                if char != self.lexer.escape:
                    out.add(char)
                    continue
                if raw_escapes:
                    out.add_raw(char)
                following = self.take()
                if following:
                    out.add_raw(following)
        if stop:
            raise InvalidArgument(f"unexpected end of statement while looking for matching {stop}")
        return out

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise InvalidArgument(
                "unexpected end of statement while looking for matching single-quote"
            )
        whole = self.text[self.at : end + 1]
        self.at = end + 1
        return whole if self.lexer.raw_quotes else whole[1:-1]

    def _double(self) -> str:
        quote = self.take()
        out = [quote] if self.lexer.raw_quotes else []
        while char := self.peek():
            if char == '"':
                self.at += 1
                if self.lexer.raw_quotes:
                    out.append(char)
                return "".join(out)
            if char == "$":
                out.append(self._dollar())
                continue
            self.at += 1
            if char == self.lexer.escape:
                following = self.peek()
                if self.lexer.raw_escapes or following not in ('"', "$", self.lexer.escape):
                    out.append(char)
                if not following:
                    break
                self.at += 1
                char = following
            out.append(char)
        raise InvalidArgument("unexpected end of statement while looking for matching double-quote")

    def _dollar(self) -> str:
        self.at += 1
        if self.peek() != "{":
            name = self._name()
            if not name:
                return "$"
            value = self._get(name)
            if value is None:
                return f"${name}" if self.lexer.skip_unset else ""
            return value
        self.at += 1
        first = self.peek()
        if not first:
            raise InvalidArgument("syntax error: missing '}'")
        if first in "{}:":
            raise InvalidArgument("syntax error: bad substitution")
        self.depth += 1
        if self.depth > _DEEPEST:
            raise InvalidArgument("syntax error: substitutions are nested too deeply")
        try:
            return self._braces(self._name())
        finally:
            self.depth -= 1

    def _braces(self, name: str) -> str:
        modifier = self.take()
        if modifier == "}":
            value = self._get(name)
            if value is None:
                return f"${{{name}}}" if self.lexer.skip_unset else ""
            return value
        if modifier == "/":
            return self._replace(name)
        colon = modifier == ":"
        operator = self.take() if colon else modifier
        if not operator or operator not in "+-?#%" or (colon and operator in "#%"):
            if not self.peek() and not operator:
                raise InvalidArgument("syntax error: missing '}'")
            shown = f":{operator}" if colon else operator
            raise InvalidArgument(f"unsupported modifier ({shown}) in substitution")
        word = self._inner("}", operator in "#%")
        value = self._get(name)
        if value is None and self.lexer.skip_unset:
            return f"${{{name}{':' if colon else ''}{operator}{word}}}"
        if operator in _PLAIN_MODIFIERS:
            return _choose(name, value, operator, word, colon)
        greedy = word.startswith(operator)
        word = word[1:] if greedy else word
        trim = shellpattern.trim_prefix if operator == "#" else shellpattern.trim_suffix
        return trim(word, value or "", greedy)

    def _replace(self, name: str) -> str:
        every = self.peek() == "/"
        if every:
            self.at += 1
        pattern = self._inner("/", True)
        replacement = self._inner("}", True)
        value = self._get(name)
        if value is None and self.lexer.skip_unset:
            return f"${{{name}/{'/' if every else ''}{pattern}/{replacement}}}"
        return shellpattern.replace(pattern, replacement, value or "", every)

    def _inner(self, stop: str, raw_escapes: bool) -> str:
        try:
            return self.until(stop, raw_escapes).text
        except InvalidArgument:
            if self.peek():
                raise
            where = " in ${}" if stop == "/" else ""
            raise InvalidArgument(f"syntax error: missing '{stop}'{where}") from None

    def _name(self) -> str:
        start = self.at
        first = self.peek()
        if first.isdigit():
            while self.peek().isdigit():
                self.at += 1
        elif first and first in _SPECIAL:
            self.at += 1
        else:
            while (char := self.peek()) and (char.isalpha() or char == "_" or char.isdigit()):
                self.at += 1
        return self.text[start : self.at]

    def _get(self, name: str) -> str | None:
        value = self.env.get(name)
        (self.unmatched if value is None else self.matched).add(name)
        return value


def _choose(name: str, value: str | None, operator: str, word: str, null_is_unset: bool) -> str:
    missing = value is None or (null_is_unset and value == "")
    if operator == "-":
        return word if missing else value or ""
    if operator == "+":
        return "" if missing else word
    if missing:
        state = "unset" if value is None else "empty"
        raise InvalidArgument(f"{name}: {word or f'is not allowed to be {state}'}")
    return value or ""
