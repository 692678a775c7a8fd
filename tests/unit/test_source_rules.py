"""What no source file of the engine may do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import orlop

SOURCES = sorted(Path(orlop.__file__).parent.rglob("*.py"))
_EXTRACTING = {"extract", "extractall", "unpack_archive", "makefile", "makelink"}


def calls_of(tree: ast.AST) -> set[str]:
    return {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def imports_of(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(SOURCES[0].parent)))
def test_archives_are_never_unpacked_by_the_standard_library(path: Path) -> None:
    """S02: its filters were bypassed eight times."""
    tree = ast.parse(path.read_text())
    if "tarfile" in imports_of(tree) or "shutil" in imports_of(tree):
        assert not calls_of(tree) & _EXTRACTING


def test_the_rule_would_see_it() -> None:
    tree = ast.parse("import tarfile\ntarfile.open('x').extractall('/')")
    assert "tarfile" in imports_of(tree)
    assert calls_of(tree) & _EXTRACTING
