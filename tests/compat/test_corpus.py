"""The corpus on our daemon, against what a real dockerd answered (recorded/)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from daemon import Daemon
from replay import run_scenario, scenarios

pytestmark = pytest.mark.root
HERE = Path(__file__).parent
RECORDED: dict[str, list[dict[str, Any]]] = {
    path.stem: json.loads(path.read_text())["lines"] for path in (HERE / "recorded").glob("*.json")
}
# {scenario: {command: {"why": …, "stdout"/"stderr"/"code": ours}}}; also listed in COMPATIBILITY.md
DIFFERENCES: dict[str, Any] = json.loads((HERE / "differences.json").read_text())


def test_the_record_is_whole() -> None:
    assert sum(len(lines) for lines in RECORDED.values()) >= 120
    assert sorted(RECORDED) == scenarios()


@pytest.mark.parametrize("scenario", scenarios())
@pytest.mark.timeout(180)
def test_same_answers_as_dockerd(
    scenario: str, orlopd: Daemon, registry: str, tmp_path: Path
) -> None:
    orlopd.docker("save", "-o", str(tmp_path / "busybox.tar"), "busybox:latest")
    lines = run_scenario(
        scenario, host=orlopd.host, registry=registry, tmp=tmp_path, tools=str(tmp_path / "tools")
    )
    wanted = RECORDED[scenario]
    known = DIFFERENCES.get(scenario, {})
    assert [line.command for line in lines] == [w["command"] for w in wanted]
    wrong = []
    for line, want in zip(lines, wanted):
        expected = {**want, **known.get(line.command, {})}
        got = {"stdout": line.stdout, "stderr": line.stderr, "code": line.code}
        if any(got[k] != expected[k] for k in got):
            wrong.append(
                f"$ {line.command}\n"
                + "".join(
                    f"  {k}: got  {got[k]!r}\n  {' ' * len(k)}  want {expected[k]!r}\n"
                    for k in got
                    if got[k] != expected[k]
                )
            )
    if out := os.environ.get("ORLOP_CORPUS_REPORT"):
        with open(out, "a") as report:
            report.write(
                f"## {scenario}: {len(lines) - len(wrong)}/{len(lines)}\n" + "".join(wrong)
            )
    assert not wrong, f"{len(wrong)} of {len(lines)} differ\n" + "".join(wrong)


def test_the_docker_cli_is_named() -> None:
    """The version goes into the log of the run."""
    print(subprocess.run(["docker", "--version"], capture_output=True, text=True).stdout)
