from __future__ import annotations

from pathlib import Path

import pytest

from orlop.builder.check import check, options, report
from orlop.builder.checkrules import Finding
from orlop.errors import InvalidArgument
from orlop.oci import platform as platforms
from orlop.oci.ignore import Ignore

HERE = Path(__file__).parent / "checks"


def found(text: str, given: str = "") -> list[Finding]:
    return check(text, given, environment=lambda _: {"PATH"}, ignore=Ignore(["ignored.txt"]))[0]


@pytest.mark.parametrize("name", ["froms", "stages", "more"])
def test_the_same_as_buildkit(name: str) -> None:
    text = (HERE / f"{name}.Dockerfile").read_text()
    mine = report(text, found(text), f"{name}.Dockerfile").split("\n\n")
    theirs = (HERE / f"{name}.txt").read_text().split("\n\n")
    assert mine[0] == theirs[0]
    assert sorted(b.rstrip() for b in mine) == sorted(b.rstrip() for b in theirs)


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("FROM a\nrun x\nRUN y\n", "ConsistentInstructionCasing", 2),
        ("FROM a as b\n", "FromAsCasing", 1),
        ("FROM a AS Build\n", "StageNameCasing", 1),
        ("FROM a AS b\nFROM c AS b\n", "DuplicateStageName", 2),
        ("FROM a AS scratch\n", "ReservedStageName", 1),
        ("FROM --platform=$TARGETPLATFORM a\n", "RedundantTargetPlatform", 1),
        ("FROM --platform=linux/arm64 a AS x\n", "FromPlatformFlagConstDisallowed", 1),
        ("ARG T\nFROM a:$T\n", "InvalidDefaultArgInFrom", 2),
        ("FROM a\nMAINTAINER me\n", "MaintainerDeprecated", 2),
        ('FROM a\nCMD ["a"]\nCMD ["b"]\n', "MultipleInstructionsDisallowed", 2),
        ("FROM a\nCMD a b\n", "JSONArgsRecommended", 2),
        ("FROM a\nENV API_TOKEN=x\n", "SecretsUsedInArgOrEnv", 2),
        ("FROM a\nENV a b\n", "LegacyKeyValueFormat", 2),
        ("FROM a\nWORKDIR x\n", "WorkdirRelativePath", 2),
        ("FROM a\nRUN x \\\n\n y\n", "NoEmptyContinuation", 4),
        ("FROM a\nUSER $who\n", "UndefinedVar", 2),
        ("FROM a\nEXPOSE 80/TCP\n", "ExposeProtoCasing", 2),
        ("FROM a\nEXPOSE 1.2.3.4:80\n", "ExposeInvalidFormat", 2),
        ("# check=experimental=all\nFROM a\nCOPY ignored.txt /\n", "CopyIgnoredFile", 3),
        ("# check=experimental=all\nFROM a\n# b\nARG c\n", "InvalidDefinitionDescription", 4),
    ],
)
def test_a_rule(text: str, rule: str, line: int) -> None:
    assert [(f.rule, f.line) for f in found(text)] == [(rule, line)]


def test_nothing_to_say() -> None:
    text = 'ARG T=1\nFROM a:$T AS b\nWORKDIR /x\nWORKDIR y\nENV PUBLIC_KEY=x\nCMD ["a"]\n'
    assert found(text) == []
    assert report(text, []) == "Check complete, no warnings found.\n"


def test_variables_of_an_unknown_base_are_not_judged() -> None:
    text = "FROM a AS x\nFROM x\nUSER $JAVA_HOME\n"
    assert check(text)[0] == []
    assert check(text, environment=lambda _: {"JAVA_HOME"})[0] == []
    assert [f.rule for f in check(text, environment=lambda _: set())[0]] == ["UndefinedVar"]


def test_rules_are_skipped_by_a_directive() -> None:
    assert found("# check=skip=JSONArgsRecommended\nFROM a\nCMD a\n") == []
    assert found("# check=skip=all\nFROM a\nCMD a\nMAINTAINER x\n") == []
    assert found("# check=skip=all\nFROM a\nCMD a\n", "error=true") != []


def test_options() -> None:
    assert options("error=true;skip=A, B").error
    assert options("error=true;skip=A, B").skip == {"a", "b"}
    with pytest.raises(InvalidArgument, match='invalid check option "foo"'):
        options("foo=true")


def test_a_base_for_another_machine() -> None:
    here = platforms.default()
    other = platforms.parse("linux/s390x")
    text = (
        "ARG B=foreign\nFROM $B AS own\nFROM own\nFROM scratch\n"
        "FROM --platform=linux/s390x foreign\nFROM mine\n"
    )
    images = {"foreign": other, "mine": here, "own": other, "scratch": other}
    found = check(text, "skip=FromPlatformFlagConstDisallowed", platform_of=images.get)[0]
    assert [(f.rule, f.line, f.text) for f in found] == [
        (
            "InvalidBaseImagePlatform",
            2,
            f'Base image foreign was pulled with platform "linux/s390x", expected "{here}" for '
            "current build",
        )
    ]
    assert "WARNING: InvalidBaseImagePlatform\nBase" in report(text, found)  # no page is named
    assert check("FROM foreign\n", platform="linux/s390x", platform_of=images.get)[0] == []


def test_only_stages_that_the_target_needs() -> None:
    text = "FROM a AS x\nCMD a\nFROM b AS y\nCMD b\nMAINTAINER me\nFROM x AS z\nENTRYPOINT z\n"
    rules = [(f.rule, f.line) for f in check(text, target="z")[0]]
    assert rules == [
        ("JSONArgsRecommended", 2), ("MaintainerDeprecated", 5), ("JSONArgsRecommended", 7),
    ]  # fmt: skip
