"""What a session of buildx lends to a step, and builds that end before their time."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from buildclients import Client, write
from daemon import Daemon, with_busybox
from serving import serving

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def orlopd() -> Iterator[Daemon]:
    """One of these tests' own: their images, some busybox itself by other names, are in nobody's
    way."""
    with with_busybox(Daemon(name="buildx")) as made:
        yield made


def test_secrets_stay_with_the_step(client: Client, context: Path, tmp_path: Path) -> None:
    word = f"hunter2-{client.suite}"
    (tmp_path / "secret").write_text(word)
    write(
        context,
        "FROM busybox\n"
        "RUN --mount=type=secret,id=file wc -c < /run/secrets/file\n"
        'RUN --mount=type=secret,id=file,target=/x,mode=0440 stat -c %a /x && [ "$(cat /x)" ]\n'
        'RUN --mount=type=secret,id=var,env=VAR [ "$VAR" = from-the-environment ]\n'
        "RUN --mount=type=secret,id=none [ ! -e /run/secrets/none ]\n",
    )
    flags = ["--secret", f"id=file,src={tmp_path}/secret", "--secret", "id=var,env=OF_THE_CLIENT"]
    told = client.build("-t", "secret:1", "--no-cache", *flags, str(context),
                        OF_THE_CLIENT="from-the-environment").stderr  # fmt: skip
    assert f" {len(word)}\n" in told
    assert " 440\n" in told
    daemon = client.daemon
    found = subprocess.run(
        ["grep", "-rlE", f"{word}|from-the-environment", str(daemon.data_root), str(daemon.log),
         str(daemon.exec_root)],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    assert found == "" or set(found.split()) <= _recipes(found)
    write(context, "FROM busybox\nRUN --mount=type=secret,id=none,required true\n")
    refused = client.build(str(context), check=False)
    assert "secret none: not found" in refused.stderr


def _recipes(found: str) -> set[str]:
    """Files that hold the Dockerfile's own words (the name of a variable's value is among them)."""
    return {path for path in found.split() if "cache.db" in path or "imagedb" in path}


def test_credentials_of_the_client(client: Client, context: Path, tmp_path: Path) -> None:
    word = b"secret word\n"
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=word, capture_output=True, check=True
    ).stdout.decode()
    (tmp_path / "users").write_text(f"me:{hashed}")
    with serving(client.daemon, f"--auth={tmp_path}/users") as address:
        name = f"{address}/busybox:latest"
        write(context, f"FROM {name}\nRUN echo pulled\n")
        refused = client.build("--pull", str(context), check=False)
        assert f"{name}: failed to resolve source metadata for {name}: " in refused.stderr
        assert f"   1 | >>> FROM {name}\n" in refused.stderr
        client("login", "-u", "me", "--password-stdin", address, stdin=word)
        client.build("--pull", "-t", f"{address}/mine:1", str(context))
        pushed = client.build("--push", "-t", f"{address}/mine:2", str(context)).stderr
        assert f"pushing {address}/mine:2 with docker" in pushed
        client("rmi", f"{address}/mine:1", f"{address}/mine:2")
        client("buildx", "prune", "-af")
        assert (
            "ERROR"
            in client.build(
                "--cache-from", f"{address}/nope:1", "-t", f"{address}/mine:4", str(context)
            ).stderr
        )  # and goes on
        client("rmi", f"{address}/mine:4")
        client("buildx", "prune", "-af")
        again = client.build("--push", "--cache-to", "type=inline", "--cache-from",
                             f"type=registry,ref={address}/mine:2", "-t", f"{address}/mine:3",
                             str(context)).stderr  # fmt: skip
        assert f"importing cache manifest from {address}/mine:2\n" in again
        assert " CACHED\n" in again


def test_an_agent_of_the_clients(client: Client, context: Path, tmp_path: Path) -> None:
    path = f"/tmp/agent-{os.getpid()}-{client.suite}"
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(path)
        agent.listen()
        write(
            context,
            "FROM busybox\n"
            "RUN --mount=type=ssh [ -S $SSH_AUTH_SOCK ] && echo is a socket\n"
            "RUN --mount=type=ssh,id=other [ ! -e $SSH_AUTH_SOCK ] || [ -z $SSH_AUTH_SOCK ]\n",
        )
        told = client.build("--no-cache", "--ssh", f"default={path}", str(context)).stderr
        assert "is a socket\n" in told
    os.unlink(path)
    write(context, "FROM busybox\nRUN --mount=type=ssh,required true\n")
    refused = client.build(str(context), check=False)
    assert refused.returncode == 1


def test_a_client_that_leaves_ends_its_build(client: Client, context: Path) -> None:
    daemon = client.daemon
    write(context, "FROM busybox\nRUN echo begun; sleep 1000\n")
    before = client("ps", "-aq").stdout
    for signal_ in (signal.SIGINT, signal.SIGKILL):
        process = client.popen("buildx", "build", "--progress=plain", "--no-cache", str(context),
                               stderr=subprocess.PIPE)  # fmt: skip
        assert process.stderr
        for line in process.stderr:
            if line.endswith(" begun\n"):
                break
        plugin = [int(pid) for pid in children(process.pid)]
        for pid in [process.pid, *plugin]:
            os.kill(pid, signal_)
        process.stderr.close()
        process.wait(60)
        until(lambda: client("ps", "-aq").stdout == before)
        until(lambda: not list((daemon.data_root / "orlop" / "build" / "spool").iterdir()))
    assert not list((daemon.exec_root / "build").iterdir())


def test_a_daemon_that_stops_ends_its_builds(
    own_orlopd: Daemon, context: Path, tmp_path: Path
) -> None:
    client = Client(own_orlopd, "forky", tmp_path)
    write(context, "FROM busybox\nRUN echo begun; sleep 1000\n")
    with client.popen("buildx", "build", "--progress=plain", str(context),
                      stderr=subprocess.PIPE) as process:  # fmt: skip
        assert process.stderr
        for line in process.stderr:
            if line.endswith(" begun\n"):
                break
        assert own_orlopd.process
        own_orlopd.process.send_signal(signal.SIGTERM)
        own_orlopd.process.wait(30)
        assert "ERROR: " in process.stderr.read()
    assert "level=warning" not in own_orlopd.log.read_text().replace("TCP", "")
    assert not list((own_orlopd.data_root / "orlop" / "build" / "spool").iterdir())
    own_orlopd.start()
    assert client("ps", "-aq").stdout == ""


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not look():
        assert time.monotonic() < deadline, "it did not come"
        select.select([], [], [], 0.05)
