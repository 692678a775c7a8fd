from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from buildclients import SUITES, Client, write
from daemon import Daemon
from registry import Registry


@pytest.fixture(scope="session")
def registry() -> Iterator[str]:
    """An empty registry of this folder's own: what others pushed would be mounted from there."""
    with closing(Registry()) as server:
        yield server.address


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "a.txt").write_text("a\n")
    (folder / "b.md").write_text("b\n")
    (folder / ".dockerignore").write_text("*.md\n")
    write(folder, "FROM busybox\nRUN echo hi > /hi\nCOPY . /ctx/\n")
    return folder


@pytest.fixture(params=SUITES)
def client(request: pytest.FixtureRequest, orlopd: Daemon, tmp_path: Path) -> Client:
    """buildx of a suite, on the module's own daemon."""
    return Client(orlopd, request.param, tmp_path)
