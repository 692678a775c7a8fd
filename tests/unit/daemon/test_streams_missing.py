"""orlopd with closed standard streams."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_lock_never_becomes_a_closed_standard_stream() -> None:
    """The lock of the data root was descriptor 0, the volumes' database 1."""
    program = (
        "import os, sys; sys.path.insert(0, sys.argv[1]);"
        "from orlop.daemon.main import main; code = main(['--nothing-such']);"
        "names = [os.readlink(f'/proc/self/fd/{n}') for n in range(3)];"
        "os._exit(0 if code == 1 and names == ['/dev/null'] * 3 else 3)"
    )
    line = f'exec {sys.executable} -c "$0" "$1" <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", line, program, str(ROOT)], timeout=60).returncode == 0
