"""References against the cases of distribution/reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orlop.errors import InvalidArgument
from orlop.oci import reference as ref

VECTORS = Path(__file__).parents[2] / "vectors/references/references.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text())


def of(kind: str) -> list[Any]:
    chosen = [c for c in CASES if c["kind"] == kind]
    assert chosen, kind
    return [pytest.param(c, id=f"{kind}-{i}") for i, c in enumerate(chosen)]


def failing(case: dict[str, Any], function: Any) -> bool:
    """True when the case must fail (and does, with its text)."""
    if case["ok"]:
        return False
    with pytest.raises(InvalidArgument) as caught:
        function(case["input"])
    if isinstance(case.get("error"), str):
        assert caught.value.message == case["error"]
    return True


@pytest.mark.parametrize("case", of("parse"))
def test_parse(case: dict[str, Any]) -> None:
    if failing(case, ref.parse):
        return
    got = ref.parse(case["input"])
    for field, value in (
        ("repository", got.name),
        ("domain", got.domain),
        ("tag", got.tag),
        ("digest", got.digest),
    ):
        assert value == case.get(field, value)


@pytest.mark.parametrize("case", of("name"))
def test_name(case: dict[str, Any]) -> None:
    if failing(case, ref.parse_name):
        return
    got = ref.parse_name(case["input"])
    assert (got.domain, got.path) == (case["domain"], case["path"])


@pytest.mark.parametrize("case", of("canonical_name"))
def test_canonical_name(case: dict[str, Any]) -> None:
    if failing(case, ref.parse_canonical):
        return
    got = ref.parse_canonical(case["input"])
    assert (got.domain, got.path) == (case["domain"], case["path"])


@pytest.mark.parametrize("case", of("combine"))
def test_combine(case: dict[str, Any]) -> None:
    got = ref.parse_name(case["name"])
    order = [("digest", got.with_digest), ("tag", got.with_tag)]
    if case["applied_last"] == "digest":
        order.reverse()
    for field, _ in order:
        if case[field]:
            got = got.with_tag(case["tag"]) if field == "tag" else got.with_digest(case["digest"])
    assert str(got) == case["result"]


@pytest.mark.parametrize("case", of("normalized"))
def test_normalized(case: dict[str, Any]) -> None:
    if failing(case, ref.parse_normalized):
        return
    got = ref.parse_normalized(case["input"])
    for field in ("domain", "path", "tag", "digest"):
        assert getattr(got, field) == case.get(field, getattr(got, field))
    if "familiar" in case:
        assert case["familiar"] in (got.familiar, got.familiar_name)
    if "normalized" in case:
        assert case["normalized"] in (str(got), got.name)


@pytest.mark.parametrize("case", of("any"))
def test_any(case: dict[str, Any]) -> None:
    if failing(case, ref.parse_any):
        return
    got = ref.parse_any(case["input"])
    assert str(got) == case["normalized"]
    assert isinstance(got, str) == case["is_digest"]


@pytest.mark.parametrize("case", of("pull"))
def test_pull(case: dict[str, Any]) -> None:
    if failing(case, ref.parse_pull):
        return
    assert str(ref.parse_pull(case["input"])) == case["normalized"]


@pytest.mark.parametrize("case", of("match"))
def test_match(case: dict[str, Any]) -> None:
    got = ref.parse_normalized(case["input"])
    if case.get("error"):
        with pytest.raises(InvalidArgument):
            ref.match(case["pattern"], got)
        return
    assert ref.match(case["pattern"], got) is case["match"]


@pytest.mark.parametrize(
    "text",
    ["sha256:../../x", "a@md5:" + "a" * 32, "a@sha256:" + "A" * 64, "a@sha256:" + "a" * 63,
     "a:b/c", "a@b", "../x", "a//b", "/a", "a/", "a:" + "t" * 129, "a\n", "a:b\n", "é", "a:٣"],
)  # fmt: skip
def test_hostile_references_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        ref.parse_normalized(text)
