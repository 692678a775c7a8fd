from __future__ import annotations

import json

import pytest

from orlop.builder.cache import Record
from orlop.builder.check import check
from orlop.buildkit import usage
from orlop.buildkit.attributes import Attributes
from orlop.buildkit.grpc import RpcFailure
from orlop.buildkit.subrequests import answer, describe, lint

TEXT = (
    "# one builds\nFROM busybox AS one\nARG TOKEN\n"
    "RUN --mount=type=secret,id=s,required --mount=type=cache,target=/c --mount=type=ssh true\n"
    "FROM busybox AS two\nFROM one\nARG B=2\n"
)


def test_findings() -> None:
    found = lint("F", TEXT, check)
    (one,) = json.loads(found["result.json"])["warnings"]
    assert one["ruleName"] == "SecretsUsedInArgOrEnv"
    assert one["location"] == {"ranges": [{"start": {"line": 3}, "end": {"line": 3}}]}
    assert found["result.statuscode"] == b"1"
    assert b"F:3\n" in found["result.txt"]
    assert b" >>> ARG TOKEN\n" in found["result.txt"]
    assert lint("F", "FROM a\n", check)["result.statuscode"] == b"0"
    broken = json.loads(lint("F", "FROM a\nRUM x\n", check)["result.json"])["buildError"]
    assert broken["location"]["ranges"][0]["start"] == {"line": 2}


def test_targets_and_parameters() -> None:
    found = json.loads(answer(Attributes(request="frontend.targets"), TEXT)["result.json"])
    assert [(t.get("name", ""), t.get("default", False)) for t in found["targets"]] == [
        ("one", False), ("two", False), ("", True),
    ]  # fmt: skip
    asked = Attributes(request="frontend.outline", arguments={"B": "3"})
    found = json.loads(answer(asked, TEXT)["result.json"])
    assert [(a["name"], a.get("value")) for a in found["args"]] == [("TOKEN", None), ("B", "3")]
    assert found["secrets"][0]["name"] == "s"
    assert found["secrets"][0]["required"]
    assert [found["ssh"][0]["name"], found["cache"][0]["ID"]] == ["default", "/c"]
    with pytest.raises(RpcFailure):
        answer(Attributes(request="frontend.dance"), TEXT)
    names = [one["name"] for one in json.loads(describe()["result.json"])]
    assert names[0] == "frontend.lint"


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("id==k", True), ("id~=k", True), ("id==x", False), ("type==regular", True),
        ("shared", False), ("id==k,private", True), ("id==k,shared", False),
        ("description~=RUN.*x", True), ("description~=x.*RUN", False), ("id!=k", False),
    ],
)  # fmt: skip
def test_filters(text: str, matches: bool) -> None:
    record = Record("k", "c", "RUN a x", 1, 1.0, 2.0, 3)
    assert usage._matches(record, usage._parsed(text)) is matches


@pytest.mark.parametrize("text", ["nope==1", "=", "a b"])
def test_filters_that_are_none(text: str) -> None:
    with pytest.raises(RpcFailure):
        usage._parsed(text)
