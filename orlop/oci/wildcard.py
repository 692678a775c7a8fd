"""Wildcards matched in time that grows with pattern times text, whatever they are. Pure.

Python's regular expressions try every way to share a text among several stars, which takes forever
for a few of them. Here all ways are followed at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

ONE, ONE_IN_PATH, STAR, STAR_IN_PATH, FOLDERS = "one", "one/", "star", "star/", "folders"
"""Any character; any but a slash; any number of each; `(.*/)?`: any folders."""

Token = str | re.Pattern[str]  # one of these, a single character, or a class of characters


def ends(tokens: Sequence[Token], text: str, start: int = 0) -> Iterator[int]:
    """Where a match that begins at `start` can end, ascending."""
    last = len(tokens)
    states = _skipped(tokens, {0})
    inside: set[int] = set()  # in the middle of FOLDERS
    at = start
    while True:
        if last in states:
            yield at
        if at == len(text) or not (states or inside):
            return
        states, inside = _step(tokens, states, inside, text[at])
        at += 1


def whole(tokens: Sequence[Token], text: str) -> bool:
    """Do they match all of `text`?"""
    last = len(tokens)
    states, inside = _skipped(tokens, {0}), set[int]()
    for char in text:
        states, inside = _step(tokens, states, inside, char)
        if not states and not inside:
            return False
    return last in states


def _skipped(tokens: Sequence[Token], states: set[int]) -> set[int]:
    """With what may match nothing passed over."""
    todo = list(states)
    while todo:
        at = todo.pop()
        empty = at < len(tokens) and tokens[at] in (STAR, STAR_IN_PATH, FOLDERS)
        if empty and at + 1 not in states:
            states.add(at + 1)
            todo.append(at + 1)
    return states


def _step(
    tokens: Sequence[Token], states: set[int], inside: set[int], char: str
) -> tuple[set[int], set[int]]:
    after: set[int] = set()
    within = set(inside)
    if char == "/":
        after.update(at + 1 for at in inside)
    for at in states:
        if at == len(tokens):
            continue
        token = tokens[at]
        if token == FOLDERS:
            within.add(at)
            if char == "/":
                after.add(at + 1)
        elif token == STAR or (token == STAR_IN_PATH and char != "/"):
            after.add(at)
        elif _takes(token, char):
            after.add(at + 1)
    return _skipped(tokens, after), within


def _takes(token: Token, char: str) -> bool:
    if isinstance(token, re.Pattern):
        return token.fullmatch(char) is not None
    if token == ONE_IN_PATH:
        return char != "/"
    return token in (ONE, char)
