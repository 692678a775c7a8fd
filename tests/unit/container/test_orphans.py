"""Containers that daemon, keeper and scribe left behind."""

from __future__ import annotations

import os
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from orlop.container import orphans
from orlop.errors import SystemFailure


def test_one_that_cannot_be_taken_back_is_ended_and_leaves_no_descriptor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise SystemFailure("its log cannot be told")

    monkeypatch.setattr(orphans, "_facts", fail)
    with subprocess.Popen(["sleep", "1000"]) as process:
        fd = os.pidfd_open(process.pid)
        before = len(os.listdir("/proc/self/fd"))
        monkeypatch.setattr(orphans, "_first_process", lambda _: fd)
        container: Any = SimpleNamespace(id="0" * 64)
        nothing: Any = None
        assert orphans.take_back(nothing, container) is None
        assert process.wait(10) == -9
        assert len(os.listdir("/proc/self/fd")) == before - 1
