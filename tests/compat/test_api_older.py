"""What clients of older daemons knew is there: shapes that dockerd 20.10 and 26.1 answered."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from daemon import Daemon

sys.path.insert(0, str(Path(__file__).parent / "api"))
import corpus
from session import Session, lost

pytestmark = pytest.mark.root
OLDER = sorted((Path(__file__).parent / "api" / "older").glob("*.json"))
# the end of a field's path: why it is gone
GONE = {
    ".Runtimes.io.containerd.runtime.v1.linux": "a runtime of containerd 1.x",
    ".ContainerdCommit.Expected": "no containerd",
    ".RuncCommit.Expected": "no runc",
    ".InitCommit.Expected": "a version of a program that may be missing",
    ".io.containerd.runc.v2.status": "what runc says it can do",
    ".Runtimes.runc.status": "the same",
    ".BuilderSize": "always 0, left out by every dockerd since 23",
    ".KernelMemory": "left out when not set by every dockerd since 23",
    ".KernelMemoryTCP": "left out when not set by every dockerd since 23",
    ".ExecutionDriver": "empty since containers are run by containerd",
    ".IPAM.Config[].IPRange": "of a network that 20.10 should have refused, as later ones do",
    ".Error": "of wait, left out when there is none by every dockerd since 23",
    ".Container": "of the image's config, left out when empty by every dockerd since 25",
}


@pytest.mark.parametrize("path", OLDER, ids=[p.stem for p in OLDER])
def test_nothing_is_lost(path: Path, orlopd: Daemon) -> None:
    wanted: dict[str, list[Any]] = {}
    for name, body in json.loads(path.read_text()):
        wanted.setdefault(name, []).append(body)
    assert len(wanted) > 60
    session = Session(str(orlopd.socket), path.stem.partition("@")[2])
    problems, compared = [], 0
    for name, case in corpus.of(session.version):
        answer = session.ask({**case, "show": "none" if case.get("show") == "none" else "shape"})
        bodies = wanted.get(name.partition(" ")[2])
        if not bodies or not 200 <= answer["status"] < 300:
            continue
        compared += 1
        found = min((lost(answer["body"], body) for body in bodies), key=len)
        problems += [f"{name}: {f}" for f in found if not f.endswith(tuple(GONE))]
    assert not problems, "\n" + "\n".join(problems)
    assert compared > 60


def test_a_lost_field_is_found() -> None:
    assert lost({"a": "string"}, {"a": "string", "b": {"c": "number"}}) == [".b"]
    assert lost({"a": ["string"]}, {"a": ["number"]}) == [".a[]: string for number"]
    assert lost({"a": "null", "c": "number"}, {"a": "string"}) == []
