"""A container from inside, here and on a real dockerd 28: no difference that is not explained.

`parity/probe.sh` says what a process finds around itself in fifty kinds of containers, execs and
health checks; `parity/recorded.json` holds what it said on dockerd 28.5.2 (`make compare-parity`),
`parity/explained.json` what differs, and why. The filters are read out of the kernel and compared
for each number 0 to 1023 of the three ABIs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from daemon import Daemon
from parity import filters, scenes

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]
RECORDED = scenes.expanded(scenes.load("recorded.json"))
FILTERS = scenes.expanded(scenes.load("filters.json"))
EXPLAINED = scenes.explanations()


@pytest.fixture(scope="module")
def parity(orlopd: Daemon) -> Iterator[Daemon]:
    orlopd.docker("import", "-", scenes.IMAGE, input=scenes.image(), text=False)
    yield orlopd
    orlopd.docker("rmi", "-f", scenes.IMAGE)
    orlopd.docker("volume", "rm", "-f", "orlop-parity-v", "orlop-parity-w")


@pytest.fixture(scope="module")
def ours(parity: Daemon) -> scenes.Docker:
    def docker(*words: str) -> str:
        return str(parity.docker(*words).stdout)

    return docker


@pytest.fixture(scope="module")
def answers(parity: Daemon, ours: scenes.Docker) -> dict[str, scenes.Answer]:
    assert parity.process
    return scenes.all_of(ours, parity.process.pid)


@pytest.mark.parametrize("name", scenes.SCENES)
def test_a_container_is_as_dockers_from_inside(
    answers: dict[str, scenes.Answer], name: str
) -> None:
    found = scenes.differences(RECORDED[name], answers[name])
    if name in ("net-host", "all-host") and "sysctls" in found:
        # The network's are the host's: what they are is no matter of the engine.
        rest = {
            who: [line for line in lines if not line.startswith("net/")]
            for who, lines in found.pop("sysctls").items()
        }
        if any(rest.values()):
            found["sysctls"] = rest
    assert EXPLAINED.left(name, found) == {}


def test_the_filters_answer_alike(parity: Daemon, ours: scenes.Docker) -> None:
    found = {
        name: scenes.differences(FILTERS[name], answer)
        for name, answer in filters.filters_of(ours).items()
    }
    left = {name: EXPLAINED.left("filters", which) for name, which in found.items()}
    assert not any(left.values()), left


def test_a_difference_is_seen() -> None:
    theirs = RECORDED["default"]
    ours = {**theirs, "oom": ["5"]}
    assert scenes.differences(theirs, ours) == {"oom": {"docker": ["0"], "orlop": ["5"]}}
    assert EXPLAINED.left("default", scenes.differences(theirs, ours)) != {}
