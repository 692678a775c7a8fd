"""Waiting for the lock on control groups ahead of the container."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orlop.runtime.oci import headstart

ROOT = str(Path(__file__).resolve().parents[3])


def opened(tmp_path: Path, table: str, *groups: str) -> str:
    """Which group's file was opened, "" for none."""
    for group in groups:
        (tmp_path / group).mkdir(parents=True, exist_ok=True)
        (tmp_path / group / "cgroup.procs").touch()
    (tmp_path / "table").write_text(table)
    fd = headstart._own_group(str(tmp_path / "table"), str(tmp_path))
    if fd < 0:
        return ""
    path = os.readlink(f"/proc/self/fd/{fd}")
    os.close(fd)
    return os.path.relpath(os.path.dirname(path), tmp_path)


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("4:memory:/a\n", "memory/a"),
        ("9:name=systemd:/\n0::/\n", "systemd"),
        ("0::/a\n", "a"),
        ("5:devices:/nothere\n4:memory:/a\n", "memory/a"),
        ("4:memory:/../a\n", ""),  # seen from a control group namespace: not to be walked
        ("", ""),
    ],
)
def test_the_own_group_is_found(tmp_path: Path, table: str, found: str) -> None:
    assert opened(tmp_path, table, "memory/a", "systemd", "a") == found


def test_after_join_there_is_one_thread_and_the_groups_are_the_same() -> None:
    script = (
        f"import sys, os; sys.path.insert(0, {ROOT!r})\n"
        "from orlop.runtime.oci.headstart import HeadStart\n"
        "groups = lambda: open('/proc/self/cgroup').read()\n"
        "before = groups()\n"
        "ahead = HeadStart()\n"
        "ahead.join()\n"
        "print(os.stat('/proc/self/task').st_nlink, before == groups())\n"
        "ahead.join()\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "3 True\n"
