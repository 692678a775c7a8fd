"""Each module of the keeper is paid for by every fork: a budget."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PYTHON = os.path.realpath(sys.executable)
HEAVY = {
    "argparse", "asyncio", "collections", "dataclasses", "enum", "functools", "inspect", "json",
    "logging", "re", "selectors", "signal", "socket", "subprocess", "tempfile", "threading",
    "traceback", "typing", "zlib",
}  # fmt: skip


def modules_of(statement: str) -> set[str]:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {statement}; print(*sys.modules)"
    run = subprocess.run(
        [PYTHON, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_the_keeper_and_the_scribe_in_it() -> None:
    loaded = modules_of("import orlop.keeper.main, orlop.keeper.launching")
    assert not loaded & HEAVY
    assert len(loaded) <= 115
    assert "orlop.scribe.readlog" not in loaded


def test_wire_is_light() -> None:
    assert not modules_of("import orlop.wire") & HEAVY
