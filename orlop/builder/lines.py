"""The rest of an instruction's line → its words: one small parser per kind of line.

Pure. A result is (words, JSON form?). Errors carry BuildKit's texts, without the line number.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

from orlop.errors import InvalidArgument

_SPACE = re.compile(r"\s+")
Words = tuple[list[str], bool]


def split_words(rest: str, escape: str) -> list[str]:
    """Words at unquoted spaces; quotes and escapes stay in them."""
    words: list[str] = []
    word, quote, at = "", "", 0
    while at < len(rest):
        char = rest[at]
        at += 1
        if not quote and char.isspace():
            if word:
                words.append(word)
            word = ""
            continue
        if char == escape and quote != "'":
            if at == len(rest):
                break  # nothing to escape: dropped
            word += char
            char = rest[at]
            at += 1
        elif quote:
            if char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        word += char
    return [*words, word] if word else words


def split_flags(rest: str, escape: str) -> tuple[list[str], str]:
    """(leading `--flags` without their quotes, what follows)."""
    flags: list[str] = []
    word, quote, at, inside = "", "", 0, False
    while at < len(rest):
        char = rest[at]
        if not inside:
            if char.isspace():
                at += 1
                continue
            if not rest.startswith("--", at):
                return flags, rest[at:]
            inside = True
        at += 1
        if not quote and char.isspace():
            inside = False
            if word == "--":
                return flags, rest[at:]
            flags.append(word)
            word = ""
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char == escape and at < len(rest):
            word += rest[at]
            at += 1
        elif char != escape:
            word += char
    if inside and word != "--":
        flags.append(word)
    return flags, ""


def name_values(rest: str, escape: str, instruction: str) -> list[str]:
    """`a=b c=d` or the old form `a the rest` as flat triples: name, value, "=" or ""."""
    words = split_words(rest, escape)
    if not words:
        return []
    if "=" not in words[0]:
        parts = _SPACE.split(rest, maxsplit=1)
        if len(parts) < 2:
            raise InvalidArgument(f"{instruction} must have two arguments")
        return [parts[0], parts[1], ""]
    out: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise InvalidArgument(
                f"Syntax error - can't find = in {json.dumps(word, ensure_ascii=False)}. "
                "Must be of the form: name=value"
            )
        out += [name, value, "="]
    return out


def json_array(text: str) -> list[str] | None:
    """The strings of a JSON array, None when it is none or something follows. Raises
    InvalidArgument when it is an array of something else."""
    text = text.lstrip()
    if not text.startswith("["):
        return None
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(item, str) for item in value):
        raise InvalidArgument(
            "when using JSON array syntax, arrays must be comprised of strings only"
        )
    return list(value)


def _no_constants(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constants)


def maybe_json(rest: str) -> Words:
    """RUN, CMD, ENTRYPOINT, SHELL: an array, or the line as one word."""
    rest = rest.strip()
    found = json_array(rest)
    if found is not None:
        return found, True
    return ([rest] if rest else []), False


def maybe_json_list(rest: str) -> Words:
    """ADD, COPY, VOLUME: an array, or words at spaces."""
    rest = rest.strip()
    try:
        found = json_array(rest)
    except InvalidArgument:
        found = None
    if found is not None:
        return found, True
    return plain_words(rest), False


def plain_words(rest: str) -> list[str]:
    return [word for word in _SPACE.split(rest.strip()) if word]


def health(rest: str) -> Words:
    """HEALTHCHECK: its kind, then a command."""
    kind, _, command = rest.strip().partition(" ")
    if not kind:
        return [], False
    if "\t" in kind:
        kind, _, command = rest.strip().partition("\t")
    words, is_json = maybe_json(command.strip())
    return [kind, *words], is_json
