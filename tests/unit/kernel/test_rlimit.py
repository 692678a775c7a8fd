"""Resource limits, set in a process of their own."""

import resource
import subprocess
import sys

import pytest

_PROGRAM = """
import resource, sys
from orlop.kernel.process import set_rlimit
soft, hard = map(int, sys.argv[1:])
try:
    note = set_rlimit(resource.RLIMIT_CORE, soft, hard)
except OSError as e:
    note = e.strerror
print(note, *resource.getrlimit(resource.RLIMIT_CORE))
"""


def _set(soft: int, hard: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(soft), str(hard)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("unlimited", [-1, 2**64 - 1])
def test_an_unlimited_rlimit_is_set_by_either_number(unlimited: int) -> None:
    """2**64 - 1 is what `--ulimit core=-1` becomes in a config.json."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    said = _set(unlimited, unlimited)
    assert said.endswith(f" {hard} {hard}")
    if hard == resource.RLIM_INFINITY:
        assert said == "None -1 -1"


def test_soft_above_hard_is_refused() -> None:
    assert _set(-1, 0).startswith("Invalid argument ")
    assert _set(0, 0) == "None 0 0"
