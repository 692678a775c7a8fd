"""What lies in the data root is nobody's but root's (S07); archives are unpacked by our own code,
never by a program of the tree they go into (S09)."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from daemon import Daemon

pytestmark = pytest.mark.root
NOBODY = 65534


def visible(*places: Path) -> list[str]:
    """What a local user gets to see below these directories."""
    done = subprocess.run(
        ["find", *map(str, places), "-mindepth", "1"],
        capture_output=True, text=True, user=NOBODY, group=NOBODY, extra_groups=[],
    )  # fmt: skip
    return done.stdout.split("\n")[:-1]


def setuid_layer(daemon: Daemon) -> None:
    """An image with what a local user would like to run or open."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("become-root")
        info.size, info.mode = 4, 0o4755
        tar.addfile(info, io.BytesIO(b"#!no"))
        info = tarfile.TarInfo("disk")
        info.type, info.mode, info.devmajor, info.devminor = tarfile.BLKTYPE, 0o666, 8, 0
        tar.addfile(info)
    daemon.docker("import", "-", "bad:1", input=out.getvalue(), text=False)


def test_local_users_see_nothing(own_orlopd: Daemon) -> None:
    setuid_layer(own_orlopd)
    id = own_orlopd.docker("run", "-d", "--net=none", "busybox", "sleep", "300").stdout.strip()
    own_orlopd.base.chmod(0o755)  # as /var/lib is
    roots = own_orlopd.data_root, own_orlopd.exec_root
    assert [stat.S_IMODE(p.stat().st_mode) for p in roots] == [0o710, 0o711]
    found = visible(*roots)
    assert found == []
    inside = list(own_orlopd.data_root.glob("overlay2/*/diff/become-root"))
    assert len(inside) == 1
    assert inside[0].stat().st_mode & stat.S_ISUID  # it is there: that is why nobody may look
    for path in (inside[0], own_orlopd.data_root / f"containers/{id}/config.v2.json"):
        denied = subprocess.run(
            ["cat", str(path)], capture_output=True, user=NOBODY, group=NOBODY, extra_groups=[]
        )
        assert b"Permission denied" in denied.stderr


def test_the_look_would_find_an_open_directory(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open/thing").write_text("x")
    for parent in (tmp_path, *tmp_path.parents):
        if not parent.stat().st_mode & stat.S_IXOTH:
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
    assert visible(tmp_path / "open") == [str(tmp_path / "open/thing")]


TOOLS = ("xz", "unpigz", "zstd", "gzip", "bzip2", "tar", "python3")
EVIL = "#!/bin/sh\ntouch /marker\n"
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("kind", PACKERS)
def test_no_program_of_the_container_is_run(own_orlopd: Daemon, kind: str) -> None:
    script = "; ".join(
        f"rm -f /bin/{t} /usr/bin/{t}; mkdir -p /usr/bin; cp /evil /usr/bin/{t}; "
        f"cp /evil /bin/{t}" for t in TOOLS
    )  # fmt: skip
    command = f"printf '{EVIL}' > /evil; chmod 755 /evil; {script}; sleep 300".replace("\n", "\\n")
    id = own_orlopd.docker("run", "-d", "--net=none", "busybox", "sh", "-c", command).stdout.strip()
    own_orlopd.docker("exec", id, "sh", "-c", "until [ -e /bin/python3 ]; do :; done; /usr/bin/xz")
    # positive control: the program is what a careless engine would have run
    own_orlopd.docker("exec", id, "sh", "-c", "[ -e /marker ] && rm /marker")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("sent")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"hello"))
    packed = PACKERS[kind](out.getvalue())
    own_orlopd.docker("cp", "-", f"{id}:/tmp", input=packed, text=False)
    assert own_orlopd.docker("exec", id, "cat", "/tmp/sent").stdout == "hello"
    found = own_orlopd.docker("exec", id, "ls", "/").stdout.split()
    assert "marker" not in found
    assert not os.path.exists("/marker")
