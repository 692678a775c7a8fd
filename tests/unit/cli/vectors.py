"""Cases of public projects, see tests/vectors/NOTICE."""

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2] / "vectors"


def load(name: str) -> Any:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def params(name: str, key: str, *kinds: str) -> list[Any]:
    """pytest parameters of the cases of those kinds."""
    return [
        pytest.param(case, id=f"{n}-{case[key]}")
        for n, case in enumerate(load(name))
        if case[key] in kinds
    ]
