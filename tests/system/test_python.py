"""`import orlop`: the engine in this process, and the texts of docs/python.md."""

from __future__ import annotations

import doctest
import functools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon import REPO, Daemon

import orlop
from orlop.embed import engine as embedded

pytestmark = pytest.mark.root

Open = Callable[..., orlop.Engine]


@pytest.fixture(scope="module")
def place() -> Iterator[Daemon]:
    """Roots and a bridge; no daemon runs."""
    daemon = Daemon(name="embed")
    try:
        with _open(daemon) as engine:
            engine.images.bootstrap("busybox")
        yield daemon
    finally:
        with _open(daemon) as engine:
            for box in engine.containers.list(all=True):
                box.remove(force=True, volumes=True)
        daemon.close()


def _open(place: Daemon, **options: object) -> orlop.Engine:
    return embedded.Engine(**options_of(place), **options)


@pytest.fixture
def open_engine(place: Daemon) -> Open:
    return functools.partial(_open, place)


def test_documentation(
    place: Daemon, orlopd: Daemon, open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(orlop.__dict__, "Engine", open_engine)
    monkeypatch.setenv("ORLOP_HOST", orlopd.host)
    monkeypatch.setattr("orlop.client.host.ENV", {b"ORLOP_HOST": orlopd.host.encode()})
    text = (REPO / "docs" / "python.md").read_text()
    test = doctest.DocTestParser().get_doctest(text, {}, "python.md", "docs/python.md", 0)
    said: list[str] = []
    outcome = doctest.DocTestRunner().run(test, out=said.append)
    assert outcome.attempted > 25
    assert not outcome.failed, "".join(said)


def test_one_owner(open_engine: Open, orlopd: Daemon) -> None:
    wanted = r"in use by another .*orlop\.connect\(\)"
    with open_engine(), pytest.raises(orlop.Conflict, match=wanted):
        open_engine()
    with pytest.raises(orlop.Conflict):
        embedded.Engine(data_root=orlopd.data_root, exec_root=orlopd.exec_root)


def test_nothing_is_left_open(open_engine: Open) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    with open_engine() as engine:
        engine.run("busybox", "true")
    before, threads = descriptors(), threading.active_count()
    for _ in range(3):
        with open_engine() as engine:
            engine.run("busybox", "true")
    assert descriptors() <= before
    # API threads leave 20 s after their last request
    assert threading.active_count() <= threads + 12


def test_keeper_goes_when_nothing_runs(open_engine: Open, place: Daemon) -> None:
    with open_engine() as engine:
        pid = place.pid("keeper")
        box = engine.containers.start("busybox", ["sleep", "600"])
    assert Path(f"/proc/{pid}").exists()
    with open_engine() as engine:
        engine.containers.get(box.id).remove(force=True)
        ended = os.pidfd_open(pid)
    import select

    assert select.select([ended], [], [], 10)[0]
    os.close(ended)


def test_ephemeral(open_engine: Open) -> None:
    with open_engine() as engine:
        old = engine.containers.create("busybox", "true", name="older")
    with open_engine(ephemeral=True) as engine:
        engine.networks.create("eph")
        engine.containers.start("busybox", ["sleep", "600"], network="eph", volumes=["ev:/v"])
        engine.containers.create("busybox", "true")
    with open_engine() as engine:
        assert engine.containers.list(all=True) == [old]
        assert "eph" not in [one.name for one in engine.networks.list()]
        assert engine.volumes.list() == []
        engine.containers.get("older").remove()


def test_closed(open_engine: Open) -> None:
    engine = open_engine()
    engine.close()
    engine.close()
    with pytest.raises(orlop.ConnectionFailed, match="the engine is closed"):
        engine.ping()


def test_timeout(open_engine: Open) -> None:
    with open_engine() as engine:
        with pytest.raises(orlop.TimedOut, match=r"did not end within 0\.3 s"):
            engine.run("busybox", "sleep 600", timeout=0.3)
        assert engine.containers.list(all=True) == []


def test_much_output_and_input(open_engine: Open) -> None:
    data = os.urandom(1 << 20)
    with open_engine() as engine:
        assert engine.run("busybox", "cat", input=data).stdout == data


def test_option_that_does_not_exist(open_engine: Open) -> None:
    with pytest.raises(TypeError, match="unknown option: stroage_driver"):
        open_engine(stroage_driver="vfs")


# docker-py leaves its hijacked sockets to the collector, which complains: not in this process.
_DOCKER_PY = """
import sys
sys.path.insert(0, {repo!r})
import orlop
with orlop.Engine(**{options!r}, ephemeral=True) as engine:
    docker = engine.docker()
    box = docker.containers.create("busybox", "cat", stdin_open=True)
    sock = box.attach_socket(params={{"stdin": 1, "stdout": 1, "stream": 1}})
    box.start()
    sock._sock.sendall(b"line\\n")
    assert next(iter(box.logs(stream=True, follow=True))) == b"line\\n"
    assert box.exec_run("echo more").output == b"more\\n"
    box.kill()
    assert box.wait()["StatusCode"] == 137
    docker.close()
print("done")
"""


def options_of(place: Daemon) -> dict[str, str]:
    return {
        "data_root": str(place.data_root), "exec_root": str(place.exec_root),
        "config_file": "/dev/null", "bridge": place.bridge, "bip": place.bip,
    }  # fmt: skip


def run_program(code: str, place: Daemon) -> tuple[str, str]:
    text = code.format(repo=str(REPO), options=options_of(place))
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, cwd="/", timeout=60
    )
    return done.stdout, done.stderr


def test_docker_py_attaches_and_follows(place: Daemon) -> None:
    out, err = run_program(_DOCKER_PY, place)
    # Python 3.13 complains of the response that docker-py took the socket from, without effect.
    assert out == "done\n"
    assert not err or "I/O operation on closed file" in err


# In a process of its own: pytest has handlers and umask of its own.
_HOST = """
import os, signal, sys, threading
sys.path.insert(0, {repo!r})
forks = []
os.register_at_fork(before=lambda: forks.append(1))
os.umask(0o077)
numbers = sorted(signal.valid_signals() - {{signal.SIGKILL, signal.SIGSTOP}})
def state():
    import resource
    return ([signal.getsignal(n) for n in numbers], signal.pthread_sigmask(signal.SIG_BLOCK, []),
            os.getcwd(), resource.getrlimit(resource.RLIMIT_NOFILE), sys.getswitchinterval())
before = state()
import orlop
def work():
    with orlop.Engine(**{options!r}) as engine:
        line = "umask; cat /etc/hosts >/dev/null && echo $?"
        out = engine.run("busybox", ["sh", "-c", line], user="1000")
        box = engine.containers.start("busybox", ["sleep", "600"], ports={{80: None}})
        box.exec("true")
        box.commit("copy")
        box.remove(force=True)
        engine.images.remove("copy")
        assert out.output == "0022\\n0\\n", out
worker = threading.Thread(target=work)  # not the main thread, where signals could be handled
worker.start(); worker.join()
work()
assert state() == before, (state(), before)
assert os.umask(0o077) == 0o077
assert not forks, forks
print("untouched")
"""


def test_the_host_process_is_left_alone(place: Daemon) -> None:
    assert run_program(_HOST, place) == ("untouched\n", "")


_FORGETFUL = """
import sys
sys.path.insert(0, {repo!r})
import orlop
engine = orlop.Engine(**{options!r}, ephemeral=True)
engine.containers.start("busybox", ["sleep", "600"], name="forgotten")
print(engine.run("busybox", "echo hi").output, end="")
"""


def test_engine_that_is_not_closed_ends_with_its_program(place: Daemon) -> None:
    assert run_program(_FORGETFUL, place) == ("hi\n", "")
    with _open(place) as engine:
        assert engine.containers.list(all=True) == []
