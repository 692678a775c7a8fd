from __future__ import annotations

import pytest

from orlop.builder.check import check, report


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("FROM a\nrun x\nRUN y\n", "ConsistentInstructionCasing", 2),
        ("FROM a as b\n", "FromAsCasing", 1),
        ("FROM a AS Build\n", "StageNameCasing", 1),
        ("FROM a AS b\nFROM c AS b\n", "DuplicateStageName", 2),
        ("FROM a:$TAG\n", "UndefinedArgInFrom", 1),
        ("FROM --platform=$TARGETPLATFORM a\n", "RedundantTargetPlatform", 1),
        ("FROM a\nMAINTAINER me\n", "MaintainerDeprecated", 2),
        ('FROM a\nCMD ["a"]\nCMD ["b"]\n', "MultipleInstructionsDisallowed", 2),
        ("FROM a\nCMD a b\n", "JSONArgsRecommended", 2),
        ("FROM a\nENV API_TOKEN=x\n", "SecretsUsedInArgOrEnv", 2),
        ("FROM a\nENV a b\n", "LegacyKeyValueFormat", 2),
        ("FROM a\nWORKDIR x\n", "WorkdirRelativePath", 2),
        ("FROM a\nRUN x \\\n\n y\n", "NoEmptyContinuation", 2),
    ],
)
def test_a_rule(text: str, rule: str, line: int) -> None:
    assert [(f.rule, f.line) for f in check(text)] == [(rule, line)]


def test_nothing_to_say() -> None:
    text = 'ARG T=1\nFROM a:$T AS b\nWORKDIR /x\nWORKDIR y\nENV PUBLIC_KEY=x\nCMD ["a"]\n'
    assert check(text) == []
    assert report(text) == ("Check complete, no warnings found.\n", 0)


def test_rules_are_skipped_by_a_directive() -> None:
    assert check("# check=skip=JSONArgsRecommended\nFROM a\nCMD a\n") == []
    assert check("# check=skip=all\nFROM a\nCMD a\nMAINTAINER x\n") == []


def test_a_report_shows_the_line() -> None:
    text, count = report("FROM a\nCMD a\n")
    assert count == 1
    assert "WARNING: JSONArgsRecommended" in text
    assert "   2 | >>> CMD a" in text
