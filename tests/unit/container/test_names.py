from __future__ import annotations

import re

import pytest

from orlop.container import names
from orlop.errors import InvalidArgument


def test_generated_names_have_the_shape_and_never_that_one() -> None:
    for _ in range(500):
        name = names.generate()
        assert re.fullmatch(r"[a-z]+_[a-z]+", name)
        assert name != "boring_wozniak"
        assert names.check(name) == name
    assert re.fullmatch(r"[a-z]+_[a-z]+[0-9]", names.generate(1))


def test_word_lists_have_no_doubles() -> None:
    assert len(set(names.ADJECTIVES)) == len(names.ADJECTIVES) >= 100
    assert len(set(names.SURNAMES)) == len(names.SURNAMES) >= 200


@pytest.mark.parametrize("name", ["-v", "a", "a b", "/", "", "a*", "ä1", "a\n", "_ab", "a/b"])
def test_bad_names(name: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        names.check(name)
    text = f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
    assert caught.value.message == text


def test_a_leading_slash_is_the_same_name() -> None:
    assert names.check("/web-1.x_Y") == "web-1.x_Y"
