"""The union mount walk, rows S5 to S11: run for real in a private namespace."""

from __future__ import annotations

import subprocess

import pytest
from daemon import ORLOP, Daemon

pytestmark = pytest.mark.root

BEFORE = """\
.
|-- L1
|   |-- c2
|   `-- l1
|-- L2
|   |-- c1
|   |-- c2
|   `-- l2
|-- M
|-- U
|   |-- c1
|   `-- u
`-- W
    `-- w

5 directories, 8 files
"""
MERGED = """\
M/
|-- c1
|-- c2
|-- l1
|-- l2
`-- u

0 directories, 5 files
"""


def demo(*prefix: str) -> str:
    done = subprocess.run(
        [*prefix, *ORLOP, "overlay", "demo"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_s5_to_s9_the_walk() -> None:
    text = demo()
    assert BEFORE in text
    assert MERGED in text
    assert "6 directories, 15 files" in text
    assert "c--------- 1 root root 0, 0" in text or "0, 0" in text


def test_s5_without_root() -> None:
    assert MERGED in demo("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def test_s10_which_layer_a_path_comes_from(orlopd: Daemon) -> None:
    orlopd.orlop("run", "--name", "proj", "busybox", "sh", "-c", "echo new > /new; rm /etc/group")
    try:
        text = orlopd.orlop("layers", "show", "--limit", "0", "proj").stdout
        assert "new" in text
        assert "group" in text
        image = orlopd.orlop("layers", "show", "busybox").stdout
        assert "bin" in image
    finally:
        orlopd.orlop("rm", "proj")


def test_s11_the_command_map() -> None:
    done = subprocess.run([*ORLOP, "help", "--map"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    for word in ("pull", "push", "commit", "run", "exec", "logs", "history", "import"):
        assert word in done.stdout
