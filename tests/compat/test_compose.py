"""A compose project on our daemon, driven by `orlop compose`.

By default with the docker-compose that is installed. ORLOP_COMPOSE_ALL: paths of several, divided
by colons. ORLOP_COMPOSE_FULL=1: also nginx, Python, postgres and redis, built from Debian's
packages.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from daemon import ORLOP, Daemon

pytestmark = pytest.mark.root
PROJECTS = Path(__file__).parent / "compose"
_PLUGINS = ("/usr/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins")


def programs() -> list[str]:
    given = os.environ.get("ORLOP_COMPOSE_ALL", "")
    if given:
        return given.split(":")
    found = [f"{directory}/docker-compose" for directory in _PLUGINS]
    found.append(shutil.which("docker-compose") or "")
    return [path for path in found if path and os.access(path, os.X_OK)][:1]


class Project:
    def __init__(self, daemon: Daemon, program: str, directory: Path, name: str) -> None:
        self.daemon, self.program, self.directory, self.name = daemon, program, directory, name

    def __call__(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*ORLOP, "compose", "-p", self.name, *args],
            cwd=self.directory, capture_output=True, text=True, stdin=subprocess.DEVNULL,
            env={**os.environ, **self.daemon.environment, "ORLOP_COMPOSE": self.program,
                 "FROM_ENV": "given"},
            timeout=900,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def ids(self, service: str = "", *, all: bool = False) -> list[str]:
        label = f"com.docker.compose.service={service}" if service else "com.docker.compose.project"
        flags = ["-aq"] if all else ["-q"]
        listed = self.daemon.docker(
            "ps", *flags, "--no-trunc", "-f", f"label=com.docker.compose.project={self.name}",
            "-f", f"label={label}",
        )  # fmt: skip
        return listed.stdout.split()

    def state(self, id: str, format: str) -> str:
        return self.daemon.docker("inspect", "-f", format, id).stdout.strip()

    def comes_back(self, id: str) -> None:
        format = "{{.RestartCount}} {{.State.Health.Status}}"
        try:
            until(lambda: self.state(id, format) == "1 healthy")
        except AssertionError:
            pytest.fail(
                self.state(id, "{{json .State}}") + self("logs", check=False).stdout[-4000:]
            )

    def page(self, service: str = "web", port: str = "80") -> bytes:
        address = self.daemon.docker("port", self.ids(service)[0], f"{port}/tcp").stdout.split()[0]

        def read() -> bytes | None:
            try:
                with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
                    return bytes(answer.read())
            except OSError:
                return None

        return until(read)


def until(look: Callable[[], Any], patience: float = 60) -> Any:
    """What `look` finds; nothing tells when a service in a container is ready, so ask again."""
    deadline = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come"
        signal.sigtimedwait((), 0.1)
    return found


@pytest.fixture(params=programs(), ids=lambda path: Path(path).name)
def project(
    request: pytest.FixtureRequest, own_orlopd: Daemon, tmp_path: Path
) -> Iterator[Project]:
    shutil.copy(PROJECTS / "light.yaml", tmp_path / "docker-compose.yaml")
    (tmp_path / "password.txt").write_text("hunter2\n")
    (tmp_path / "settings.conf").write_text("colour=red\n")
    made = Project(own_orlopd, request.param, tmp_path, "light")
    yield made
    made("down", "-v", "-t", "0", check=False)


@pytest.mark.parametrize("program", programs())
def test_a_project_that_builds(own_orlopd: Daemon, program: str, tmp_path: Path) -> None:
    daemon = own_orlopd
    folder = tmp_path / "built"
    shutil.copytree(PROJECTS / "built", folder)
    project = Project(daemon, program, folder, f"built{os.getpid()}")
    try:
        project("build")
        project("up", "-d")
        (web,), (beside,) = project.ids("web"), project.ids("beside")
        shown = daemon.docker("exec", web, "sh", "-c", "cat /said; ls -A /web").stdout
        assert shown.split("\n")[0] == "hello given"
        assert "page" in shown
        assert "left-out" not in shown
        assert daemon.docker("exec", beside, "cat", "/text").stdout == "from a heredoc\n"
        labels = '{{index .Config.Labels "built"}}'
        assert daemon.docker("image", "inspect", "-f", labels, "built-web:1").stdout == "yes\n"
        (folder / "web" / "page").write_text("another\n")
        project("rm", "-sf", "web")  # compose 1.29 cannot replace one on dockerd 25 and later
        project("up", "-d", "--build")
        (again,) = project.ids("web")
        assert again != web
        assert daemon.docker("exec", again, "cat", "/web/page").stdout == "another\n"
        assert project.ids("beside") == [beside]  # nothing of it changed
    finally:
        project("down", "-t", "0", "--rmi", "all", check=False)


def test_there_is_a_compose() -> None:
    assert programs(), "docker-compose is not installed: sh scripts/packages.sh install test"


@pytest.mark.timeout(240)
def test_life_of_a_project(project: Project) -> None:
    daemon = project.daemon
    project("up", "-d")
    born = project.page()
    assert len(project.ids()) == 4  # the profile `tools` is off
    assert project("exec", "-T", "db", "cat", "/run/secrets/password").stdout == "hunter2\n"
    assert "given" in project("exec", "-T", "app", "env").stdout
    inner = project("exec", "-T", "db", "ping", "-c1", "-W1", "192.0.2.1", check=False)
    assert inner.returncode != 0  # the network `back` is internal
    assert project("run", "--rm", "tool").stdout.strip().endswith("tool ran")
    logs = project("logs", "--no-color").stdout
    assert re.search(r"app.*\| app found the database", logs)
    assert "web ready" in logs

    project("up", "-d", "--scale", "cache=3")
    assert len(project.ids("cache")) == 3
    (db,) = project.ids("db")
    assert len(re.findall("Up", project("ps").stdout)) == 6

    daemon.kill()
    daemon.start()
    assert len(project.ids()) == 6
    assert project.page() == born
    assert (
        project("exec", "-T", "app", "wget", "-qO-", "http://db:5432/born").stdout.encode() == born
    )

    # by policy: killed from outside it comes back, with its data and its name in the DNS
    os.kill(int(project.state(db, "{{.State.Pid}}")), signal.SIGKILL)
    project.comes_back(db)
    assert (
        project("exec", "-T", "app", "wget", "-qO-", "http://db:5432/born").stdout.encode() == born
    )

    project("down", "-v", "-t", "0")
    assert project.ids(all=True) == []
    assert daemon.docker("volume", "ls", "-q").stdout == ""
    names = daemon.docker("network", "ls", "--format", "{{.Name}}").stdout.split()
    assert sorted(names) == ["bridge", "host", "none"]


@pytest.mark.skipif(os.environ.get("ORLOP_COMPOSE_FULL") != "1", reason="ORLOP_COMPOSE_FULL=1")
@pytest.mark.timeout(1800)
def test_real_services(project: Project) -> None:
    daemon = project.daemon
    shutil.copytree(PROJECTS / "full", project.directory, dirs_exist_ok=True)
    (project.directory / "docker-compose.yaml").unlink()
    daemon.orlop("bootstrap", "debian", timeout=600)
    daemon.docker("build", "-t", "services:full", ".", timeout=900, cwd=project.directory)
    project.name = "full"
    project("up", "-d")
    assert project.page() == b"visit 1, 1 in the database\n"
    daemon.kill()
    daemon.start()
    assert project.page() == b"visit 2, 2 in the database\n"
    (db,) = project.ids("postgres")
    os.kill(int(project.state(db, "{{.State.Pid}}")), signal.SIGKILL)
    project.comes_back(db)
    assert project.page() == b"visit 3, 3 in the database\n"
    project("down", "-v", "-t", "3")
    assert project.ids(all=True) == []
    assert daemon.docker("volume", "ls", "-q").stdout == ""
