from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from daemon import Daemon, with_busybox
from registry import Registry

# A shell ignores interrupts for what it starts in the background, and programs inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def orlopd() -> Iterator[Daemon]:
    """One daemon for the session, with the image busybox:latest."""
    with with_busybox(Daemon()) as daemon:
        yield daemon


@pytest.fixture
def own_orlopd() -> Iterator[Daemon]:
    """A daemon of the test's own, to be killed at will; with busybox:latest."""
    with with_busybox(Daemon(name="own")) as daemon:
        yield daemon


@pytest.fixture(scope="session")
def registry() -> Iterator[str]:
    """host:port of a private docker-registry."""
    with closing(Registry()) as server:
        yield server.address
