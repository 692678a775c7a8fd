"""SECURITY.md's table of attack classes names tests that are there, for every class."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NAME = re.compile(r"`([^`]*)`")


def rows() -> dict[str, list[str]]:
    lines = (ROOT / "SECURITY.md").read_text().splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines]
    return {c[0]: c for c in cells if re.fullmatch(r"S\d\d", c[0])}


def functions(file: str) -> set[str]:
    path = ROOT / file if "/" in file else ROOT / "tests" / "security" / file
    found = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in found if isinstance(node, ast.FunctionDef)}


def test_every_class_is_there() -> None:
    assert [f"S{n:02}" for n in range(1, 60)] == list(rows())
    assert {row[2] for row in rows().values()} == {"pass"}


def test_every_test_and_control_is_there() -> None:
    named = 0
    for id, row in rows().items():
        file = ""
        for word in _NAME.findall(f"{row[3]} {row[4]}"):
            first, _, name = word.rpartition("::")
            file = first or file
            assert name in functions(file), (id, word)
            named += 1
    assert named > 100


def test_a_row_that_passes_has_test_and_control() -> None:
    for id, row in rows().items():
        if row[2] == "pass":
            assert _NAME.search(row[3]), id
            assert row[4] == "the same" or _NAME.search(row[4]), id
