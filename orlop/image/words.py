"""Words of Dockerfile-style changes: quotes, escapes and `$VAR`.

Source: Dockerfile reference, "Environment replacement".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from orlop.errors import InvalidArgument

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SPACE = " \t\r\n"


def split_words(text: str) -> list[str]:
    """Words separated by blanks outside quotes; quotes and escapes stay in them."""
    words: list[str] = []
    word = ""
    started = False
    quote = ""
    i = 0
    while i < len(text):
        char = text[i]
        if not quote and char in _SPACE:
            if started:
                words.append(word)
            word, started = "", False
        else:
            started = True
            if char == "\\" and quote != "'" and i + 1 < len(text):
                word += char
                i += 1
                char = text[i]
            elif char == quote:
                quote = ""
            elif not quote and char in "'\"":
                quote = char
            word += char
        i += 1
    return [*words, word] if started else words


class Expander:
    """One word at a time: quotes removed, escapes resolved, variables replaced."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def word(self, text: str) -> str:
        out, end = self._until(text, 0, "")
        if end < len(text):
            raise InvalidArgument(f"unexpected {text[end]!r} in {text!r}")
        return out

    def _until(self, text: str, i: int, stop: str) -> tuple[str, int]:
        out: list[str] = []
        while i < len(text) and text[i] != stop:
            char = text[i]
            if char == "'":
                end = text.find("'", i + 1)
                if end < 0:
                    raise InvalidArgument("unexpected end of statement while looking for matching"
                                          " single-quote")  # fmt: skip
                out.append(text[i + 1 : end])
                i = end + 1
            elif char == '"':
                piece, i = self._double(text, i + 1)
                out.append(piece)
            elif char == "$":
                piece, i = self._variable(text, i + 1)
                out.append(piece)
            elif char == "\\":
                out.append(text[i + 1 : i + 2])
                i += 2
            else:
                out.append(char)
                i += 1
        return "".join(out), i

    def _double(self, text: str, i: int) -> tuple[str, int]:
        out: list[str] = []
        while i < len(text) and text[i] != '"':
            if text[i] == "$":
                piece, i = self._variable(text, i + 1)
                out.append(piece)
                continue
            if text[i] == "\\" and text[i + 1 : i + 2] in ('"', "$", "\\"):
                i += 1
            out.append(text[i])
            i += 1
        if i >= len(text):
            raise InvalidArgument(
                "unexpected end of statement while looking for matching double-quote"
            )
        return "".join(out), i + 1

    def _variable(self, text: str, i: int) -> tuple[str, int]:
        if text[i : i + 1] == "{":
            return self._braces(text, i + 1)
        found = _NAME.match(text, i)
        if found is not None:
            return self._environment.get(found[0], ""), found.end()
        if text[i : i + 1].isdigit():
            return "", i + 1
        return "$", i

    def _braces(self, text: str, i: int) -> tuple[str, int]:
        found = _NAME.match(text, i)
        if found is None:
            raise InvalidArgument(f"failed to process {text!r}: syntax error: bad substitution")
        name, i = found[0], found.end()
        if text[i : i + 1] == "}":
            return self._environment.get(name, ""), i + 1
        colon = text[i : i + 1] == ":"
        operator = text[i + colon : i + colon + 1]
        if operator not in ("-", "+", "?") or not operator:
            raise InvalidArgument(f"unsupported modifier ({operator}) in substitution")
        word, i = self._until(text, i + colon + 1, "}")
        if text[i : i + 1] != "}":
            raise InvalidArgument(f"failed to process {text!r}: syntax error: missing '}}'")
        value = self._environment.get(name)
        there = bool(value) if colon else value is not None
        if operator == "+":
            return (word if there else ""), i + 1
        if operator == "?" and not there:
            raise InvalidArgument(f"{name}: {word or 'not allowed to be unset'}")
        return (value if there and value is not None else word), i + 1
