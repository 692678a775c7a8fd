from __future__ import annotations

import re

import pytest

from orlop.oci.glob import glob_match
from orlop.oci.wildcard import FOLDERS, ONE, ONE_IN_PATH, STAR, STAR_IN_PATH, ends, whole

TOKENS = {STAR: ".*", STAR_IN_PATH: "[^/]*", FOLDERS: "(.*/)?", ONE: ".", ONE_IN_PATH: "[^/]"}


@pytest.mark.parametrize("seed", range(40))
def test_the_same_as_a_regular_expression(seed: int) -> None:
    import random

    dice = random.Random(seed)
    for _ in range(50):
        tokens = [dice.choice([*TOKENS, "a", "b", "/"]) for _ in range(dice.randint(0, 5))]
        regex = re.compile("".join(TOKENS.get(t, t) for t in tokens), re.DOTALL)
        text = "".join(dice.choice("ab/") for _ in range(dice.randint(0, 8)))
        assert whole(tokens, text) == (regex.fullmatch(text) is not None), (tokens, text)
        found = {end for end in range(len(text) + 1) if regex.fullmatch(text, 0, end)}
        assert set(ends(tokens, text)) == found, (tokens, text)


def test_many_stars_are_no_burden() -> None:
    tokens = [STAR, "a"] * 30 + ["b"]
    assert not whole(tokens, "a" * 2000)
    assert not glob_match("*a" * 30 + "b", "a" * 2000)
    assert glob_match("*a" * 30 + "b", "a" * 2000 + "b")
    assert not glob_match("a*b*c", "a/b/c")
