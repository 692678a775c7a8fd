"""A library that dies of others' rules must not take the daemon with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orlop.errors import SystemFailure
from orlop.kernel import nftprobe
from orlop.kernel.nft import Nft

_REPO = Path(nftprobe.__file__).parents[2]
_IN_NAMESPACE = """
from orlop.errors import SystemFailure
from orlop.kernel import nftprobe
from orlop.kernel.nft import Nft
print("empty", nftprobe._any_table())
Nft().run("add table inet others\\n")
print("some", nftprobe._any_table(), nftprobe.crashes("libnftables.so.1"))
nftprobe._LOOK = "import os; os.kill(os.getpid(), 11) or %r"
try:
    Nft().query("list tables")
except SystemFailure as error:
    print(error.message.partition(" (")[0])
"""


@pytest.mark.skipif(os.getuid() != 0, reason="a network namespace needs root")
def test_crash_of_the_library_is_found_before() -> None:
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", _IN_NAMESPACE],
        capture_output=True,
        text=True,
        cwd=_REPO,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "empty False",
        "some True False",
        "libnftables.so.1 crashes on the nftables rules of this network namespace",
    ]


def test_no_table_no_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nftprobe, "_any_table", lambda: False)
    assert not nftprobe.crashes("nothing.so")


def test_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nftprobe, "crashes", lambda soname: True)
    with pytest.raises(SystemFailure, match="--iptables=false"):
        Nft().query("list tables")
