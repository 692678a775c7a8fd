"""A control group that an earlier life of the container left."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from orlop.runtime.cgroup import create


def refuse(times: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let rmdir say EBUSY that often."""
    asked: list[str] = []
    real = os.rmdir

    def rmdir(path: str) -> None:
        asked.append(path)
        if len(asked) <= times:
            raise OSError(errno.EBUSY, "busy", path)
        real(path)

    monkeypatch.setattr(os, "rmdir", rmdir)
    monkeypatch.setattr(create.time, "sleep", lambda _: None)
    return asked


def test_start_right_after_a_failed_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that failed may still be leaving the group."""
    (tmp_path / "box").mkdir()
    asked = refuse(3, monkeypatch)
    create.make_group(str(tmp_path), "box", "", [])
    assert len(asked) == 4
    assert (tmp_path / "box").is_dir()


def test_a_group_that_stays_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "box").mkdir()
    refuse(1000, monkeypatch)
    with pytest.raises(OSError, match="container's cgroup is not empty"):
        create.make_group(str(tmp_path), "box", "", [])
