"""Keeper and scribe with real containers: what a container gets, and kill -9 of each process."""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orlop.config import Config
from orlop.container import cgroups, exits, load
from orlop.container.attach import Options, attach
from orlop.container.connect import connect
from orlop.container.create import create
from orlop.container.exec_create import exec_create
from orlop.container.exec_start import exec_start
from orlop.container.inspect import inspect
from orlop.container.kill import kill
from orlop.container.remove import remove
from orlop.container.start import start
from orlop.container.view import inside_view
from orlop.container.wait import wait
from orlop.engine import Engine
from orlop.errors import Conflict, NotFound, OrlopError, Unavailable
from orlop.image.bootstrap_busybox import bootstrap_busybox
from orlop.network.create import create as create_network
from orlop.network.remove import remove as remove_network
from orlop.scribe import readlog

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.getuid() != 0, reason="needs root")]

PATIENCE = 60


class Rig:
    def __init__(self, base: Path) -> None:
        self.config = Config(data_root=base / "data", exec_root=base / "run", bridge="none")
        self.engine = Engine.open(self.config)
        for _ in bootstrap_busybox(self.engine.images) or ():
            pass

    @property
    def all(self) -> Any:
        return self.engine.containers

    def reopen(self) -> None:
        self.engine.close()
        self.engine = Engine.open(self.config)

    def start(self, *command: str, config: dict[str, Any] | None = None, **host: Any) -> str:
        wanted = {"Image": "busybox", "Cmd": list(command), **(config or {})}
        id: str = create(self.all, wanted, {"NetworkMode": "none", **host}, name="")[0]
        start(self.all, id)
        return id

    def code(self, id: str) -> int:
        code: int = wait(self.all, id, "not-running").result(PATIENCE)[0]
        return code

    def log(self, id: str) -> bytes:
        path = str(self.all.get(id).log_path)
        return b"".join(line for _, _, line, _ in readlog.read(path))

    def attach(self, id: str, **options: Any) -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE)
        chosen = Options(stdin=True, stdout=True, stderr=True, stream=True, **options)
        attach(self.all, id, chosen, lambda: (theirs.detach(), b""))
        return ours

    def exec(self, id: str, *command: str) -> str:
        exec_id = exec_create(self.all, id, {"Cmd": list(command)})
        exec_start(self.all, exec_id, None)
        assert self.all.execs.get(exec_id).ended.wait(PATIENCE)
        return exec_id

    def kill(self, name: str) -> None:
        """kill -9 of keeper or scribe, by pidfd; waits for the death."""
        path = self.config.exec_root / f"{name}.pid"
        for _ in range(5000):
            try:
                pidfd = os.pidfd_open(int(path.read_text()))
                break
            except ProcessLookupError:
                select.select([], [], [], 0.002)
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        assert select.select([pidfd], [], [], PATIENCE)[0]
        os.close(pidfd)

    def close(self) -> None:
        for container in self.all.all():
            remove(self.all, container.id, force=True, volumes=True)
        self.all.cleanup.drain()
        self.engine.close()
        assert not (self.config.exec_root / "keeper.pid").exists()


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    base = Path(tempfile.mkdtemp(prefix="orlop-keepers-", dir="/var/tmp"))
    made = Rig(base)
    try:
        yield made
    finally:
        made.close()
        subprocess.run(["umount", base / "data" / "overlay2"], stderr=subprocess.DEVNULL)
        shutil.rmtree(base, ignore_errors=True)


def writer(count: int, code: int) -> tuple[str, str, str]:
    script = f"n=0; while [ $n -lt {count} ]; do n=$((n+1)); echo line $n; done; exit {code}"
    return "sh", "-c", script


def lines(count: int) -> bytes:
    return b"".join(b"line %d\n" % n for n in range(1, count + 1))


def test_three_fds_and_no_more(rig: Rig) -> None:
    others = [rig.start("sleep", "300") for _ in range(3)]
    id = rig.start("ls", "-l", "/proc/self/fd", config={"OpenStdin": True})
    assert rig.code(id) == 0
    found = [line.split()[8:] for line in rig.log(id).decode().splitlines() if "64 " in line]
    assert [words[0] for words in found] == ["0", "1", "2", "3"]  # 3: of ls itself
    assert [words[2].rpartition("-")[2] for words in found[:3]] == ["stdin", "stdout", "stderr"]
    for other in others:
        remove(rig.all, other, force=True, volumes=True)


def test_output_can_be_reopened_by_a_plain_user(rig: Rig) -> None:
    id = rig.start(
        "sh", "-c", "echo a > /dev/stdout; echo b > /dev/stderr", config={"User": "1000"}
    )
    assert rig.code(id) == 0
    assert sorted(rig.log(id).split()) == [b"a", b"b"]


def test_attach_and_stdin(rig: Rig) -> None:
    config = {"OpenStdin": True, "StdinOnce": True, "AttachStdin": True}
    wanted = {"Image": "busybox", "Cmd": ["sh", "-c", "cat; exit 5"], **config}
    id = create(rig.all, wanted, {"NetworkMode": "none"}, name="")[0]
    with rig.attach(id) as sock:
        start(rig.all, id)
        sock.sendall(b"hello")
        sock.shutdown(socket.SHUT_WR)
        data = b""
        while piece := sock.recv(4096):
            data += piece
    assert data == b"\x01\0\0\0\0\0\0\x05hello"
    assert rig.code(id) == 5


def test_scribe_killed_while_twenty_containers_write(rig: Rig) -> None:
    made = random.Random(1)
    count = 30000
    ids = [rig.start(*writer(count, n)) for n in range(20)]
    done = [wait(rig.all, id, "not-running") for id in ids]
    kills = 0
    while not all(future.done() for future in done):
        select.select([], [], [], made.random() * 0.1)  # a random point is what is wanted
        rig.kill("scribe-0")
        kills += 1
    assert kills >= 1  # how many fit depends on the machine
    for n, id in enumerate(ids):
        assert rig.code(id) == n
        assert rig.log(id) == lines(count)


def test_keeper_killed_while_containers_write(rig: Rig) -> None:
    count = 60000
    ids = [rig.start(*writer(count, n + 1)) for n in range(8)]
    idle = rig.start("sleep", "300")
    restarted = threading.Event()
    rig.engine.keeper.on_restart = lambda _: restarted.set()
    rig.kill("keeper")
    for n, id in enumerate(ids):
        assert rig.code(id) == n + 1
        assert rig.log(id) == lines(count)
    assert restarted.wait(PATIENCE)
    assert inspect(rig.all, idle)["State"]["Running"]
    assert rig.all.execs.get(rig.exec(idle, "sh", "-c", "exit 6")).exit_code == 6
    remove(rig.all, idle, force=True, volumes=True)
    assert rig.code(rig.start("sh", "-c", "exit 3")) == 3


def test_daemon_gone_while_containers_write_and_end(rig: Rig) -> None:
    count = 30000
    ids = [rig.start(*writer(count, n + 1)) for n in range(6)]
    idle = rig.start("sleep", "300")
    rig.reopen()
    for n, id in enumerate(ids):
        assert rig.code(id) == n + 1
        assert rig.log(id) == lines(count)
    assert inspect(rig.all, idle)["State"]["Running"]
    remove(rig.all, idle, force=True, volumes=True)


def test_a_container_that_ends_while_the_daemon_takes_it_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end, told after the snapshot was taken, was undone by the snapshot's "running"."""
    id = rig.start("sleep", "300")
    pidfd = os.pidfd_open(inspect(rig.all, id)["State"]["Pid"])
    told = threading.Event()
    record, mend = exits._record, load._mend_layers

    def recording(*arguments: Any) -> bool:
        told.set()
        return record(*arguments)

    def ending(containers: Any) -> None:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        assert select.select([pidfd], [], [], PATIENCE)[0]
        told.wait(0.5)  # never, as long as what is told waits
        mend(containers)

    with monkeypatch.context() as patch:
        patch.setattr(exits, "_record", recording)
        patch.setattr(load, "_mend_layers", ending)
        rig.reopen()
    os.close(pidfd)
    assert rig.code(id) == 137
    assert not inspect(rig.all, id)["State"]["Running"]


def test_a_container_whose_end_is_not_recorded_yet_does_not_run(rig: Rig) -> None:
    """`exec` said "no such process" then, `cp` that it is not running, `network connect` failed."""
    networks = ("orlop-test-first", "orlop-test-second")
    for name in networks:
        create_network(rig.engine.networks, {"Name": name})
    command = ("sh", "-c", "echo seen > /file; exec sleep 300")
    id = rig.start(*command, NetworkMode=networks[0])
    assert rig.all.execs.get(rig.exec(id, "test", "-e", "/file")).exit_code == 0
    pidfd = os.pidfd_open(inspect(rig.all, id)["State"]["Pid"])
    with rig.engine.keeper.holding_calls():
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        assert select.select([pidfd], [], [], PATIENCE)[0]
        assert inspect(rig.all, id)["State"]["Running"]
        with pytest.raises(Conflict, match=f"container {id} is not running"):
            rig.exec(id, "true")
        with inside_view(rig.all, rig.all.get(id)) as root:
            assert root.exists("/file")
        connect(rig.all, networks[1], id)
    os.close(pidfd)
    assert rig.code(id) == 137
    assert set(networks) == set(inspect(rig.all, id)["NetworkSettings"]["Networks"])
    remove(rig.all, id, force=True, volumes=True)
    for name in networks:
        remove_network(rig.engine.networks, name)


def test_a_commit_that_a_daemon_died_in_does_not_leave_a_frozen_container(rig: Rig) -> None:
    """No signal reached it, and unpause said that it was not paused."""
    id = rig.start("sleep", "300")
    host = rig.all.get(id).host_config
    cgroups.freeze(rig.all, id, host, frozen=True)
    rig.reopen()
    kill(rig.all, id)
    assert not inspect(rig.all, id)["State"]["Running"]
    assert rig.code(id) == 137


@pytest.mark.parametrize("error", [NotFound("no such process"), Unavailable("keeper: it broke")])
def test_a_container_that_the_keeper_lost_can_be_killed(
    error: OrlopError, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two keepers that died one after the other left one that nothing ended."""
    id = rig.start("sleep", "300")
    call = rig.engine.keeper.call

    def losing(frame: dict[str, Any], fds: Any = ()) -> Any:
        if frame["op"] == "signal":
            raise error
        return call(frame, fds)

    with monkeypatch.context() as patch:
        patch.setattr(rig.engine.keeper, "call", losing)
        kill(rig.all, id)
    assert rig.code(id) == 137


def test_an_exit_is_forgotten_by_the_keeper_that_comes_next(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    call = rig.engine.keeper.call

    def dying(frame: dict[str, Any], fds: Any = ()) -> Any:
        asked.append(frame["op"])
        if asked == ["forget"]:
            raise Unavailable("keeper: the connection broke")
        return call(frame, fds)

    id = rig.start("sleep", "300")
    with monkeypatch.context() as patch:
        patch.setattr(rig.engine.keeper, "call", dying)
        os.kill(inspect(rig.all, id)["State"]["Pid"], signal.SIGKILL)
        assert rig.code(id) == 137
        rig.all.settled(PATIENCE)
    assert asked == ["forget", "forget"]
    assert id not in [task["id"] for task in rig.engine.keeper.snapshot()]


def test_the_keeper_becomes_its_successor(rig: Rig) -> None:
    pid_file = rig.config.exec_root / "keeper.pid"
    before = pid_file.read_text()
    idle = rig.start("sleep", "300")
    rig.engine.keeper.reexec()
    assert rig.all.execs.get(rig.exec(idle, "sh", "-c", "exit 8")).exit_code == 8
    assert pid_file.read_text() == before
    remove(rig.all, idle, force=True, volumes=True)
    assert rig.code(rig.start("true")) == 0


def test_memory_of_a_running_container(rig: Rig) -> None:
    """2 KB in the keeper, and little more in the scribe."""

    def pss() -> int:
        total = 0
        for name in ("keeper", "scribe-0"):
            pid = int((rig.config.exec_root / f"{name}.pid").read_text())
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total

    first = [rig.start("sleep", "300") for _ in range(10)]
    before = pss()
    more = [rig.start("sleep", "300") for _ in range(40)]
    per_container = (pss() - before) / 40
    for id in (*first, *more):
        remove(rig.all, id, force=True, volumes=True)
    assert per_container < 12
