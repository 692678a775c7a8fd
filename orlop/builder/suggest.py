"""The near miss of a mistyped word: ` (did you mean FROM?)`. Pure."""

from __future__ import annotations

from collections.abc import Iterable

_FARTHEST = 2  # edits
_LONGEST = 32  # characters; nobody means a longer word


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint to append, "" when nothing is near."""
    best, least = "", _FARTHEST + 1
    if not word or len(word) > _LONGEST:
        return ""
    for candidate in known:
        found = distance(word, candidate)
        if found < least:
            best, least = candidate, found
    return f" (did you mean {best}?)" if best and least else ""


def distance(one: str, other: str) -> int:
    """Levenshtein's: insertions, removals, replacements."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]
