"""`.dockerignore`: which paths of a context are left out. Pure.

Source: Dockerfile reference ".dockerignore file"; moby/patternmatcher (behaviour).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from orlop.errors import InvalidArgument
from orlop.oci.glob import glob_match
from orlop.oci.wildcard import FOLDERS, ONE_IN_PATH, STAR, STAR_IN_PATH, Token, whole

_SPECIAL = re.compile(r"[*?\[\\]")
_BOM = "\ufeff"


def read_lines(text: str) -> list[str]:
    """The patterns of an ignore file."""
    out = []
    for line in text.removeprefix(_BOM).split("\n"):
        if line.startswith("#"):
            continue
        line = line.strip()
        if not line:
            continue
        exclusion = line.startswith("!")
        pattern = line[1:].strip() if exclusion else line
        if pattern:
            pattern = _clean(pattern)
            if len(pattern) > 1 and pattern.startswith("/"):
                pattern = pattern[1:]
        out.append("!" + pattern if exclusion else pattern)
    return out


def _clean(path: str) -> str:
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


@dataclass(frozen=True, slots=True)
class Pattern:
    text: str
    exclusion: bool
    kind: str  # exact, prefix, suffix, regexp
    source: str  # as a regular expression
    tokens: tuple[Token, ...]
    regex: re.Pattern[str] | None  # where one is sure to be quick

    def match(self, path: str) -> bool:
        if self.kind == "exact":
            return path == self.text
        if self.kind == "prefix":
            return path.startswith(self.text[:-2])
        if self.kind == "suffix":
            suffix = self.text[2:]
            return path.endswith(suffix) or (suffix.startswith("/") and path == suffix[1:])
        if self.regex is not None:
            return self.regex.fullmatch(path) is not None
        return whole(self.tokens, path)


_QUICK = 2  # stars that a regular expression may have


def compile_pattern(text: str, exclusion: bool = False) -> Pattern:
    """Raises InvalidArgument `syntax error in pattern`."""
    kind, source = "exact", ["^"]
    tokens: list[Token] = []
    at, length = 0, len(text)
    while at < length:
        char = text[at]
        at += 1
        if char == "*" and text[at : at + 1] == "*":
            at += 1
            if text[at : at + 1] == "/":
                at += 1
            if at == length:
                kind = "prefix" if kind == "exact" else "regexp"
                source.append(".*")
                tokens.append(STAR)
            else:
                source.append("(.*/)?")
                tokens.append(FOLDERS)
                kind = "regexp"
            if at == 2 + (text[2:3] == "/") and at < length:
                kind = "suffix"
            continue
        kind = "regexp" if char in "*?[\\" else kind
        if char == "*":
            source.append("[^/]*")
            tokens.append(STAR_IN_PATH)
        elif char == "?":
            source.append("[^/]")
            tokens.append(ONE_IN_PATH)
        elif char == "[":
            end = _class_end(text, at)
            inner = text[at:end].replace("[", "\\[").replace("&&", "&\\&")
            source.append(f"[{inner}]")
            tokens.append(_class(f"[{inner}]"))
            at = end + 1
        elif char == "\\":
            source.append(re.escape(text[at : at + 1]))
            tokens.append(text[at : at + 1])
            at += 1
        else:
            source.append(re.escape(char) if char in ".$+(){}|^" else char)
            tokens.append(char)
    joined = "".join(source)
    stars = sum(token in (STAR, STAR_IN_PATH, FOLDERS) for token in tokens)
    regex = re.compile(joined, re.DOTALL) if stars <= _QUICK else None
    return Pattern(text, exclusion, kind, joined, tuple(tokens), regex)


def _class(source: str) -> re.Pattern[str]:
    try:
        return re.compile(source, re.DOTALL)
    except re.error:
        raise InvalidArgument("syntax error in pattern") from None


def _class_end(text: str, at: int) -> int:
    """Where a `[…]` ends; the syntax was checked before."""
    if text[at : at + 1] == "^":
        at += 1
    first = True
    while at < len(text) and (text[at] != "]" or first):
        at += 2 if text[at] == "\\" else 1
        first = False
    return at


def regex_text(pattern: Pattern) -> str | None:
    """As Go writes it: for the tests."""
    return f"{pattern.source}$" if pattern.kind == "regexp" else None


class Ignore:
    """The patterns of one file, in order: the last that matches decides."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Raises InvalidArgument."""
        self.patterns: list[Pattern] = []
        for line in lines:
            text = line.strip()
            if not text:
                continue
            text = _clean(text)
            exclusion = text.startswith("!")
            if exclusion:
                if len(text) == 1:
                    raise InvalidArgument('illegal exclusion pattern: "!"')
                text = text[1:]
            glob_match(text, ".")
            self.patterns.append(compile_pattern(text, exclusion))
        self.exclusions = any(p.exclusion for p in self.patterns)
        self._known: dict[str, tuple[bool, ...]] = {}

    def ignored(self, path: str) -> bool:
        """`path` relative, with slashes. A pattern that matches a parent matches what is in it."""
        if not self.patterns:
            return False
        return self._matched(self._of(path))

    def _matched(self, found: tuple[bool, ...]) -> bool:
        matched = False
        for pattern, hit in zip(self.patterns, found, strict=True):
            if hit:
                matched = not pattern.exclusion
        return matched

    def _of(self, path: str) -> tuple[bool, ...]:
        """For each pattern: does it match this path or a parent of it?"""
        missing = []
        at = path
        while at and at not in self._known:
            missing.append(at)
            at = at.rpartition("/")[0]
        above = self._known.get(at, (False,) * len(self.patterns))
        for below in reversed(missing):
            above = tuple(
                hit or pattern.match(below)
                for hit, pattern in zip(above, self.patterns, strict=True)
            )
            if len(self._known) < 100_000:
                self._known[below] = above
        return above


def matches(patterns: Iterable[str], path: str) -> bool:
    """One question of a list of patterns."""
    found = Ignore(patterns)
    return found.ignored(_clean(path))
