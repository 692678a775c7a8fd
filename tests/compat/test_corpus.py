"""The corpus on our daemon, against what a real dockerd answered (recorded/)."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from daemon import ORLOP, Daemon
from registry import Registry
from replay import ALONE, CORPUS, run_scenario, scenarios
from tally import tally

from orlop.cli import words
from orlop.cli.options import flags_of

pytestmark = pytest.mark.root
HERE = Path(__file__).parent
RECORDED: dict[str, list[dict[str, Any]]] = {
    path.stem: json.loads(path.read_text())["lines"] for path in (HERE / "recorded").glob("*.json")
}
# {scenario: {command: {"why": …, "stdout"/"stderr"/"code": ours, "cli": "orlop" if only there}}}
DIFFERENCES: dict[str, Any] = json.loads((HERE / "differences.json").read_text())


# command lines that Docker has no part in
_OURS = {
    "bootstrap", "completion", "compose", "exec kill", "exec ls", "help", "image chainid",
    "image verify", "layers show", "overlay demo", "registry serve", "system dial-stdio",
    "system hand-back", "system import", "tags",
}  # fmt: skip
# ours, and builds, which are compared by Dockerfiles
# test_manifest compares its lines with the docker CLI at hand
_WITHOUT = ("artifact ", "builder ", "image build", "manifest ", "system check")
_ELSEWHERE = {
    ("image push", "compression"),
    ("container exec", "kill-on-disconnect"),
    ("container create", "use-api-socket"),
}


def test_the_record_is_whole() -> None:
    assert sorted(RECORDED) == scenarios()
    codes = {
        scenario: {line["command"]: line["code"] for line in lines}
        for scenario, lines in RECORDED.items()
    }
    found = tally(codes)
    for noun in ("container", "image", "network", "volume", "system"):
        assert found.lines[noun] >= 40, noun
        assert found.errors[noun] * 3 >= found.lines[noun], noun
    # create's flags are run's
    found.flags["container run"] |= found.flags["container create"]
    found.flags["container create"] |= found.flags["container run"]
    missing = [
        f"{path} --{flag.name}"
        for path, (_, _, _, spec) in words.COMMANDS.items()
        if path not in _OURS and not path.startswith(_WITHOUT)
        for flag in flags_of(spec)
        if flag.name not in found.flags[path] and (path, flag.name) not in _ELSEWHERE
    ]
    assert not missing, "\n".join(missing)


@pytest.fixture(params=["docker", "orlop"])
def tools(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A directory for the front of the PATH; ours stands in for docker there."""
    directory = tmp_path / "tools"
    directory.mkdir()
    if request.param == "orlop":
        program = directory / "docker"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(ORLOP)} "$@"\n')
        program.chmod(0o755)
    return directory


@pytest.fixture
def own_registry(scenario: str) -> Iterator[str]:
    """An empty one: layers of other scenarios would be mounted from there."""
    if "$REG" not in (CORPUS / f"{scenario}.txt").read_text():
        yield "127.0.0.1:1"
        return
    with closing(Registry()) as server:
        yield server.address


@pytest.fixture
def daemon(scenario: str, request: pytest.FixtureRequest) -> Daemon:
    found: Daemon = request.getfixturevalue("own_orlopd" if scenario in ALONE else "orlopd")
    return found


def in_dockers_words(text: str) -> str:
    return text.replace("orlop", "docker").replace("Orlop", "Docker")


@pytest.mark.parametrize("scenario", scenarios())
@pytest.mark.timeout(180)
def test_same_answers_as_dockerd(
    scenario: str, daemon: Daemon, own_registry: str, tmp_path: Path, tools: Path
) -> None:
    daemon.docker("save", "-o", str(tmp_path / "busybox.tar"), "busybox:latest")
    lines = run_scenario(
        scenario, host=daemon.host, registry=own_registry, tmp=tmp_path, tools=str(tools)
    )
    ours = (tools / "docker").exists()
    wanted = RECORDED[scenario]
    known = DIFFERENCES.get(scenario, {})
    assert [line.command for line in lines] == [w["command"] for w in wanted]
    wrong = []
    for line, want in zip(lines, wanted):
        other = known.get(line.command, {})
        if other.get("cli") == "orlop" and not ours:
            other = {}
        expected = {**want, **other}
        got: dict[str, Any] = {"stdout": line.stdout, "stderr": line.stderr, "code": line.code}
        if ours:
            got |= {key: in_dockers_words(got[key]) for key in ("stdout", "stderr")}
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
            cli = "orlop" if ours else "docker"
            right = len(lines) - len(wrong)
            report.write(f"## {scenario} {cli}: {right}/{len(lines)}\n" + "".join(wrong))
    assert not wrong, f"{len(wrong)} of {len(lines)} differ\n" + "".join(wrong)


def test_the_docker_cli_is_named() -> None:
    """The version goes into the log of the run."""
    print(subprocess.run(["docker", "--version"], capture_output=True, text=True).stdout)
