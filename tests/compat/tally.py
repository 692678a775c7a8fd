"""What the corpus covers: lines and flags by noun, counted with the command line's own table."""

from __future__ import annotations

import re
import shlex
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from replay import commands, scenarios

from orlop.cli import words
from orlop.cli.main import find
from orlop.cli.options import flags_of

_PUNCTUATION = set("();<>|&")
_EXPANSION = re.compile(r"\$\([^()]*\)")


@dataclass
class Tally:
    lines: Counter[str] = field(default_factory=Counter)  # by noun
    errors: Counter[str] = field(default_factory=Counter)
    flags: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # by command path


def invocations(line: str) -> list[list[str]]:
    """The argument lists that `docker` gets in a line of shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    found: list[list[str]] = []
    current: list[str] | None = None
    try:
        tokens = list(lexer)
    except ValueError:
        tokens = line.split()
    for token in tokens:
        if set(token) <= _PUNCTUATION:
            current = None
        elif current is None and token == "docker":
            current = []
            found.append(current)
        elif current is not None:
            current.append(token)
    return found


def path_of(arguments: list[str]) -> tuple[str, list[str]]:
    """(path in the table, what follows); "" for what is no command."""
    from orlop.cli.failure import Failure
    from orlop.cli.options import parse

    try:
        rest = parse(arguments, words.GLOBALS, interspersed=False).args
        _, path, rest = find(rest) if rest else ("", "", [])
    except Failure:
        return "", []
    return path, rest


def flags_in(path: str, rest: list[str]) -> set[str]:
    """Long names of the flags in `rest`, as far as it can be parsed."""
    _, _, fixed, spec = words.COMMANDS[path]
    flags = flags_of(spec)
    longs = {flag.name: flag for flag in flags}
    shorts = {flag.short: flag for flag in flags if flag.short}
    seen: set[str] = set()
    words_ = list(rest)
    while words_:
        word = words_.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            name, equals, _ = word[2:].partition("=")
            flag = longs.get(name)
            if flag is None:
                continue
            seen.add(name)
            if flag.kind != "bool" and not equals and words_:
                words_.pop(0)
        elif word.startswith("-") and len(word) > 1:
            letters = word[1:]
            while letters:
                flag = shorts.get(letters[0])
                if flag is None:
                    break
                seen.add(flag.name)
                letters = letters[1:]
                if flag.kind != "bool":
                    if not letters and words_:
                        words_.pop(0)
                    break
        elif fixed:
            break
    return seen


def tally(codes: dict[str, dict[str, int]]) -> Tally:
    """`codes`: scenario -> command -> exit code recorded."""
    found = Tally()
    for scenario in scenarios():
        for _, line in commands(scenario):
            nouns = set()
            for arguments in invocations(line):
                path, rest = path_of(arguments)
                if path:
                    noun = path.split()[0] if " " in path else "system"
                    nouns.add(noun)
                    found.flags[path] |= flags_in(path, rest)
            code = codes.get(scenario, {}).get(line)
            if code is None:
                continue
            for noun in nouns:
                found.lines[noun] += 1
                found.errors[noun] += code != 0
    return found
