"""Standard streams that are closed, or take nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ENTRY = Path(__file__).parents[3] / "orlop/cli/entry.py"
COMMAND = f"{sys.executable} -I -S {ENTRY}"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("words", ["-v", "--help", "run --help"])
def test_output_is_not_lost_in_silence(words: str) -> None:
    done = shell(f"{COMMAND} {words} >/dev/full")
    assert (done.returncode, done.stderr) == (1, "write /dev/stdout: no space left on device\n")


def test_an_error_that_cannot_be_said_still_counts() -> None:
    assert shell(f"{COMMAND} nothing-such 2>/dev/full").returncode == 1


def test_closed_output_is_no_error() -> None:
    done = shell(f"{COMMAND} -v >&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_socket_never_becomes_a_closed_standard_stream() -> None:
    """`run -i` read its own connection as standard input, and `run` wrote output into it."""
    program = (
        "import os, socket, sys; sys.path.insert(0, sys.argv[1]);"
        "from orlop.cli.out import open_streams; open_streams();"
        "made = socket.socket();"
        "names = [os.readlink(f'/proc/self/fd/{n}') for n in range(3)];"
        "sys.exit(0 if made.fileno() > 2 and names == ['/dev/null'] * 3 else 1)"
    )
    line = f'{sys.executable} -I -S -c "$0" "$1" <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", line, program, str(ENTRY.parents[2])], timeout=30)
    assert done.returncode == 0
