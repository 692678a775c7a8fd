"""The API corpus on our daemon: against what a dockerd 28.5.2 answered at several API versions,
and against the description of API 1.50."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from daemon import Daemon

sys.path.insert(0, str(Path(__file__).parent / "api"))
import corpus
from schema import Description
from session import Session, difference

pytestmark = pytest.mark.root
HERE = Path(__file__).parent / "api"
RECORDED = {path.stem: json.loads(path.read_text()) for path in (HERE / "recorded").glob("*.json")}
# case without its number: why it differs (also in COMPATIBILITY.md)
DIFFERENCES: dict[str, str] = json.loads((HERE / "differences.json").read_text())
_FOREIGN = ("Swarm", "Node", "Service", "Task", "Secret", "Config", "Plugin")
_BUILD = ("ImageBuild", "BuildPrune")
# what cannot succeed without a registry, a swarm or a socket of another kind
_NEVER = {
    "SystemAuth", "Session", "VolumeUpdate", "ImageCreate", "ImageGetAll", "ImageSearch",
    "DistributionInspect", "ContainerAttachWebsocket", "ExecResize",
}  # fmt: skip


def _bare(name: str) -> str:
    return name.partition(" ")[2]


@pytest.mark.parametrize("version", sorted(RECORDED))
def test_same_answers_as_dockerd(version: str, orlopd: Daemon) -> None:
    session = Session(str(orlopd.socket), version)
    cases = corpus.of(version)
    assert [name for name, _ in cases] == [name for name, _ in RECORDED[version]]
    wrong, equal = [], 0
    for (name, case), (_, want) in zip(cases, RECORDED[version]):
        begun = time.monotonic()
        got = session.ask(case)
        took = time.monotonic() - begun
        found = difference(got, want)
        if 400 <= got["status"] < 500 and took > 2:
            found.append(f"refused after {took:.1f} s only")
        equal += not found
        if found and _bare(name) not in DIFFERENCES:
            wrong.append("\n    ".join([name, *found]))
    assert not wrong, "\n" + "\n".join(wrong)
    assert equal >= 0.95 * len(cases)


def test_no_difference_is_noted_that_is_none() -> None:
    asked = {_bare(name) for rows in RECORDED.values() for name, _ in rows}
    assert set(DIFFERENCES) <= asked


def test_every_answer_is_as_described(orlopd: Daemon) -> None:
    description = Description()
    session = _Raw(str(orlopd.socket), "1.50")
    seen: dict[str, set[int]] = {}
    wrong = []
    for name, case in corpus.of("1.50"):
        status = session.ask(case)["status"]
        if case.get("bare"):
            continue
        path = session.filled(case["path"]).partition("?")[0]
        operation = description.operation(case["method"], path)
        if operation is None:
            continue
        seen.setdefault(operation["operationId"], set()).add(status // 100)
        for document in session.documents():
            wrong += [f"{name}: {p}" for p in description.problems(operation, status, document)]
    assert not wrong, "\n" + "\n".join(wrong)
    asked = {
        operation
        for operation, tags in description.operations().items()
        if tags[0] not in _FOREIGN and operation not in _BUILD
    }
    assert not asked - set(seen)
    assert not {o for o in asked - _NEVER if not seen[o] & {1, 2}}


def test_the_description_catches_what_is_wrong() -> None:
    """The positive control of the test above."""
    description = Description()
    operation = description.operation("GET", "/containers/x/json")
    assert operation is not None
    good = {"Id": "x", "HostConfig": {"Memory": 5}, "Mounts": [{"Type": "bind"}]}
    assert description.problems(operation, 200, good) == []
    for bad in (
        {"Id": 5}, {"Id": None}, {"HostConfig": {"Memory": "5"}}, {"HostConfig": {"Memory": True}},
        {"Mounts": [{"Type": "nosuch"}]}, {"Mounts": {}}, {"Nosuch": 1}, {"State": {"Status": "x"}},
    ):  # fmt: skip
        assert description.problems(operation, 200, bad), bad
    assert description.problems(operation, 299, {})
    assert description.problems(operation, 404, {"error": "x"})
    assert description.operation("GET", "/images/json")["operationId"] == "ImageList"  # type: ignore[index]


class _Raw(Session):
    """Keeps the documents of the last answer as they came."""

    _last: tuple[str, bytes] = ("", b"")

    def _shown(self, case: dict[str, Any], kind: str, raw: bytes) -> Any:
        self._last = (kind, raw)
        return None

    def filled(self, path: str) -> str:
        return self._filled(path)

    def documents(self) -> list[Any]:
        kind, raw = self._last
        if not kind.startswith("application/json"):
            return []
        return [json.loads(line) for line in raw.splitlines() if line.strip()]
