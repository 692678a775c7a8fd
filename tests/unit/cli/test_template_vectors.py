"""Go's own cases for text/template, as far as they are data, and those of the Docker CLI."""

import json
from pathlib import Path
from typing import Any

import pytest

from orlop.template import TemplateError, parse
from orlop.template.functions import FUNCTIONS
from orlop.template.literals import kinds
from orlop.template.parser import Parser, is_empty
from orlop.template.values import print_value

CASES = json.loads(
    (Path(__file__).parents[2] / "vectors/cli/gotemplate.json").read_text(encoding="utf-8")
)


def of(*wanted: str) -> list[Any]:
    return [
        pytest.param(c, id=f"{n}-{c.get('name') or c.get('template') or c.get('text')}"[:60])
        for n, c in enumerate(CASES)
        if c["kind"] in wanted
    ]


@pytest.mark.parametrize("case", of("exec", "cli_function", "missingkey"))
def test_execute(case: dict[str, Any]) -> None:
    try:
        template = parse(case["template"], case.get("name", ""), define=case.get("define", ""))
        output = template.execute(case["data"])
    except TemplateError as e:
        assert not case["ok"], str(e)
        assert str(e) == case["error"]
        return
    assert case["ok"]
    assert output == case["output"]


@pytest.mark.parametrize("case", of("parse", "parse_comments"))
def test_parse(case: dict[str, Any]) -> None:
    known = {*FUNCTIONS, *case.get("functions", ())}
    try:
        trees = Parser(
            case["name"], case["template"], known, case["kind"] == "parse_comments"
        ).parse()
    except TemplateError as e:
        assert not case["ok"], str(e)
        assert case.get("error_contains", "") in str(e)
        return
    assert case["ok"]
    assert str(trees[case["name"]]) == case["canonical"]


@pytest.mark.parametrize("case", of("is_empty"))
def test_is_empty(case: dict[str, Any]) -> None:
    trees = Parser(case["name"], case["template"], FUNCTIONS).parse()
    assert is_empty(trees[case["name"]]) is case["empty"]


@pytest.mark.parametrize("case", of("number"))
def test_number(case: dict[str, Any]) -> None:
    try:
        parse("{{" + case["text"] + "}}")
        found = kinds(case["text"])
    except (TemplateError, ValueError):
        assert not case["ok"]
        return
    assert case["ok"]
    for kind in ("int", "uint", "float"):
        assert found.get(kind) == case.get(kind), kind
    if "complex" in case:
        assert print_value(found["complex"]) == case["complex"]
