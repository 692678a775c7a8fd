from __future__ import annotations

import pytest
from dockerfile_vectors import cases

from orlop.errors import InvalidArgument
from orlop.oci.ignore import Ignore, compile_pattern, matches, read_lines, regex_text


@pytest.mark.parametrize(
    "case", cases("dockerignore.json", "match"), ids=lambda c: f"{c['patterns']}-{c['path']}"
)
def test_matching(case: dict) -> None:
    if "error" in case:
        with pytest.raises(InvalidArgument) as caught:
            matches(case["patterns"], case["path"])
        assert caught.value.message == case["error"]
    else:
        assert matches(case["patterns"], case["path"]) == case["match"]


def test_patterns_are_cleaned() -> None:
    for case in cases("dockerignore.json", "clean"):
        if "error" in case:
            with pytest.raises(InvalidArgument, match=case["error"]):
                Ignore(case["patterns"])
            continue
        found = Ignore(case["patterns"])
        shown = [{"exclusion": p.exclusion, "pattern": p.text} for p in found.patterns]
        assert (shown, found.exclusions) == (case["parsed"], case["exclusions"])


@pytest.mark.parametrize("case", cases("dockerignore.json", "compile"), ids=lambda c: c["pattern"])
def test_compiled(case: dict) -> None:
    found = compile_pattern(case["pattern"])
    assert (found.kind, regex_text(found)) == (case["type"], case["regexp"])


def test_ignore_files() -> None:
    for case in cases("dockerignore.json", "ignorefile"):
        assert read_lines(case["content"] or "") == case["lines"]
    text = "\ufeff# not\na/../b\n!  c/ \n/d\n\n  e  \n/\n"
    assert read_lines(text) == ["b", "!c", "d", "e", "/"]


def test_the_last_match_decides() -> None:
    found = Ignore(["*", "!src", "src/tmp"])
    assert found.ignored("README")
    assert not found.ignored("src/a/b")
    assert found.ignored("src/tmp/x")


def test_paths_may_be_deep() -> None:
    assert Ignore(["a/b"]).ignored("a/b" + "/c" * 3000)
    assert not Ignore(["x"]).ignored("a" + "/c" * 3000)
