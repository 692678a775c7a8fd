from __future__ import annotations

import pytest
from dockerfile_vectors import FOLDER, cases

from orlop.builder import shellpattern
from orlop.builder.expand import Lexer
from orlop.errors import InvalidArgument

ENV = {"PWD": "/home", "SHELL": "bash", "KOREAN": "한국어", "NULL": ""}


def _table() -> list[tuple[str, str]]:
    out = []
    for line in (FOLDER / "envVarTest").read_text().split("\n"):
        parts = line.split("|")
        if line.startswith("#") or len(parts) != 3 or parts[0].strip() == "W":
            continue
        out.append((parts[1].strip(), parts[2].strip()))
    assert len(out) > 150
    return out


@pytest.mark.parametrize(("text", "wanted"), _table())
def test_the_table_of_expansions(text: str, wanted: str) -> None:
    if wanted == "error":
        with pytest.raises(InvalidArgument):
            Lexer().word(text, ENV)
    else:
        assert Lexer().word(text, ENV) == wanted


def test_the_table_of_words() -> None:
    env: dict[str, str] = {}
    checked = 0
    for line in (FOLDER / "wordsTest").read_text().split("\n"):
        if line.startswith("#") or not line:
            continue
        if line.startswith("ENV "):
            name, _, value = line[4:].lstrip(" ").partition("=")
            env[name] = value
            continue
        text, _, wanted = line.partition("|")
        checked += 1
        if wanted.strip() == "error":
            with pytest.raises(InvalidArgument):
                Lexer().words(text.rstrip(), env)
        else:
            words = wanted.lstrip(" ").split(",")
            assert Lexer().words(text.strip(), env) == words, text
    assert checked > 20


@pytest.mark.parametrize("case", cases("expand.json", "word"), ids=lambda c: c["input"])
def test_modifiers(case: dict) -> None:
    if case.get("error") or case.get("error_contains"):
        with pytest.raises(InvalidArgument) as caught:
            Lexer().expand(case["input"], case["env"])
        assert case.get("error_contains", "") in caught.value.message
        return
    found = Lexer().expand(case["input"], case["env"])
    assert found.text == case["result"]
    if "matched" in case:
        assert found.matched == set(case["matched"])
        assert found.unmatched == set(case["unmatched"])


@pytest.mark.parametrize("case", cases("expand.json", "pattern"), ids=lambda c: c["pattern"])
def test_patterns(case: dict) -> None:
    if case.get("error"):
        with pytest.raises(InvalidArgument):
            shellpattern.to_regex(case["pattern"], greedy=True, anchored=True)
    else:
        found = shellpattern.to_regex(
            case["pattern"], greedy=case["greedy"], anchored=case["anchored"]
        )
        assert found == case["regexp"]


def test_reversed_patterns() -> None:
    for case in cases("expand.json", "reverse_pattern"):
        assert shellpattern.reverse(case["pattern"]) == case["result"]


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        Lexer().word("${a:-" * 5000 + "x" + "}" * 5000, {})
