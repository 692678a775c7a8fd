"""Containers by another OCI runtime: `--add-runtime`, `--runtime`, `--default-runtime`.

By runc and crun as Debian has them; crun in a mount namespace without the tree of a hybrid host,
which it does not like.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import Daemon, with_busybox

pytestmark = pytest.mark.root
_APART = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"'
_ONCE = """#!/bin/sh
for id; do :; done
case " $* " in *" start "*) [ ! -e "$0.$id" ] || exit 1; : > "$0.$id";; esac
exec {} "$@"
"""  # starts each container once
_HELD = """#!/bin/sh
hold() { [ -e "$0.free" ] || { : > "$0.free"; echo here > "$0.here"; read x < "$0.go"; }; }
case " $* " in
*" create "*)
  [ "$0" = "${0%before}" ] || hold
  {0} "$@" || exit
  [ "$0" = "${0%after}" ] || hold;;
*) exec {0} "$@";;
esac
"""  # waits at its first create until it is let go, before it or after
_PROGRAMS = {"runc": "/usr/sbin/runc", "crun": "/usr/bin/crun"}


def make(name: str, *flags: str) -> Daemon:
    path = shutil.which(name) or _PROGRAMS[name]
    made = Daemon(f"--add-runtime=other={path}", "--add-runtime=gone=/nope/rt", *flags, name=name)
    once = made.base / "once"
    once.write_text(_ONCE.format(path))
    once.chmod(0o755)
    made.flags.append(f"--add-runtime=once={once}")
    for when in ("before", "after"):
        held = made.base / f"held-{when}"
        held.write_text(_HELD.replace("{0}", path))
        held.chmod(0o755)
        made.flags.append(f"--add-runtime=held-{when}={held}")
    if name == "crun":
        made.prefix = ["unshare", "-m", "sh", "-c", _APART, "sh"]
    return made


@pytest.fixture(scope="module", params=["runc", "crun"])
def daemon(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    with with_busybox(make(request.param)) as found:
        yield found


def run(daemon: Daemon, *words: str, check: bool = True) -> tuple[int, str, str]:
    done = daemon.docker("run", "--runtime=other", *words, check=check)
    return done.returncode, done.stdout, done.stderr


def states(daemon: Daemon, runtime: str = "other") -> list[str]:
    """What the runtime keeps of containers."""
    return [path.name for path in (daemon.exec_root / "runtimes" / runtime).glob("*")]


def test_it_is_that_runtime_and_its_exit_code(daemon: Daemon) -> None:
    daemon.docker("run", "-d", "--runtime=other", "--name=state", "busybox", "sleep", "600")
    id = daemon.docker("inspect", "-f", "{{.Id}} {{.HostConfig.Runtime}}", "state").stdout.split()
    assert id[1] == "other"
    assert states(daemon) == [id[0]]
    daemon.docker("rm", "-f", "state")
    code, out, errors = run(daemon, "--rm", "busybox", "sh", "-c", "echo o; echo e >&2; exit 3",
                            check=False)  # fmt: skip
    assert (code, out, errors) == (3, "o\n", "e\n")


def test_stdin_and_terminal(daemon: Daemon) -> None:
    done = daemon.docker("run", "-i", "--rm", "--runtime=other", "busybox", "cat", input="in\n")
    assert done.stdout == "in\n"
    terminal = daemon.terminal("docker", "run", "-it", "--rm", "--runtime=other", "busybox", "sh")
    terminal.type("stty size; tty; exit 7\n")
    terminal.expect("/dev/pts/0")
    assert terminal.close()[1] == 7


def test_network_and_published_port(daemon: Daemon) -> None:
    serve = "echo ok > /index.html; exec httpd -f -p 80 -h /"
    run(daemon, "-d", "--name=web", "-p", "127.0.0.1::80", "busybox", "sh", "-c", serve)
    ask = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 127.0.0.1 80"
    own = run(daemon, "--rm", "--net=container:web", "busybox", "sh", "-c", ask)
    assert own[1].endswith("ok\n")
    port = daemon.docker("port", "web", "80").stdout.strip()
    import urllib.request

    with urllib.request.urlopen(f"http://{port}/", timeout=10) as answer:
        assert answer.read() == b"ok\n"
    daemon.docker("rm", "-f", "web")


def test_exec_pause_update_stats(daemon: Daemon) -> None:
    run(daemon, "-d", "--name=life", "-m", "64m", "busybox", "sleep", "600")
    ended = daemon.docker("exec", "life", "sh", "-c", "echo in; hostname; exit 5", check=False)
    assert ended.returncode == 5
    id = daemon.docker("inspect", "-f", "{{.Id}}", "life").stdout.strip()
    assert ended.stdout == f"in\n{id[:12]}\n"
    terminal = daemon.terminal("docker", "exec", "-it", "life", "tty")
    terminal.expect("/dev/pts/")
    assert terminal.close()[1] == 0
    assert not list((daemon.exec_root / "containers" / id).glob("*-process.json"))
    limit = Path("/sys/fs/cgroup/memory/orlop") / id / "memory.limit_in_bytes"
    if limit.exists():
        assert limit.read_text().strip() == str(64 << 20)
        daemon.docker("update", "-m", "96m", "--memory-swap", "96m", "life")
        assert limit.read_text().strip() == str(96 << 20)
    shown = json.loads(
        daemon.docker("stats", "--no-stream", "--format", "{{json .}}", "life").stdout
    )
    assert shown["PIDs"] == "1"
    assert "sleep" in daemon.docker("top", "life").stdout
    daemon.docker("pause", "life")
    assert daemon.docker("inspect", "-f", "{{.State.Status}}", "life").stdout == "paused\n"
    daemon.docker("unpause", "life")
    daemon.docker("kill", "life")
    assert daemon.docker("wait", "life").stdout == f"{128 + signal.SIGKILL}\n"
    daemon.docker("start", "life")  # the runtime forgot the first life
    daemon.docker("rm", "-f", "life")


def test_flags_reach_the_runtime(daemon: Daemon) -> None:
    look = "id -u; cat /proc/1/comm; touch /f 2>&1; cat /v/a; df /t | tail -1; ls /dev/fuse; env"
    words = ["--rm", "--user=7", "--init", "--read-only", "-v", "four-vol:/v", "--tmpfs=/t",
             "--device=/dev/null:/dev/fuse", "-eK=v", "--cap-drop=ALL", "--pid=host"]  # fmt: skip
    daemon.docker("run", "--rm", "-v", "four-vol:/v", "busybox", "sh", "-c", "echo vol > /v/a")
    out = run(daemon, *words, "busybox", "sh", "-c", look)[1]
    assert out.startswith("7\n")
    for wanted in ("Read-only file system", "vol\n", "tmpfs", "/dev/fuse\n", "K=v\n"):
        assert wanted in out
    assert Path("/proc/1/comm").read_text() in out
    run(daemon, "--rm", "--privileged", "--net=host", "--ipc=host", "busybox", "true")
    mapped = run(daemon, "--rm", "--userns=auto", "busybox", "true", check=False)
    assert "user namespaces need orlop's own runtime" in mapped[2] or "userns" in mapped[2]
    daemon.docker("volume", "rm", "four-vol")


def test_what_the_filter_denies(daemon: Daemon) -> None:
    code, _, errors = run(daemon, "--rm", "busybox", "unshare", "-U", "true", check=False)
    assert (code, "not permitted" in errors) == (1, True)
    loose = run(daemon, "--rm", "--security-opt=seccomp=unconfined", "busybox", "unshare", "-U",
                "true")  # fmt: skip
    assert loose[0] == 0


def test_errors_are_told_in_dockers_words(daemon: Daemon) -> None:
    code, _, errors = run(daemon, "--name=bad", "busybox", "nope", check=False)
    assert code == (125 if daemon.prefix else 127)  # the CLI reads runc's words, not crun's
    assert daemon.docker("inspect", "-f", "{{.State.ExitCode}}", "bad").stdout == "127\n"
    assert "OCI runtime create failed: " in errors
    assert "nope" in errors
    daemon.docker("rm", "bad")
    gone = daemon.docker("run", "--rm", "--runtime=gone", "busybox", "true", check=False)
    assert "fork/exec /nope/rt: no such file or directory" in gone.stderr
    unknown = daemon.docker("create", "--runtime=foo", "busybox", check=False)
    assert unknown.stderr.strip().endswith("unknown or invalid runtime name: foo")
    assert states(daemon) == []


def test_an_exec_that_failed_left_its_process_and_environment(daemon: Daemon) -> None:
    run(daemon, "-d", "--name=left", "busybox", "sleep", "600")
    id = daemon.docker("inspect", "-f", "{{.Id}}", "left").stdout.strip()
    folder = daemon.exec_root / "containers" / id
    before = sorted(path.name for path in folder.iterdir())
    failed = daemon.docker("exec", "-eSECRET=x", "left", "/nope", check=False)
    assert failed.returncode in (126, 127)
    assert sorted(path.name for path in folder.iterdir()) == before
    daemon.docker("rm", "-f", "left")


def test_a_restart_that_failed_left_the_state_of_the_runtime(daemon: Daemon) -> None:
    words = ["-d", "--name=twice", "--restart=always", "--runtime=once"]
    daemon.docker("run", *words, "busybox", "false")
    assert daemon.docker("wait", "twice").stdout == "128\n"  # the second start, not the first end
    assert states(daemon, "once") == []
    daemon.docker("rm", "twice")


def held(daemon: Daemon, runtime: str) -> tuple[Path, Path]:
    """The next create by it stands still: where it tells, and where it is let go."""
    script = daemon.base / runtime
    Path(f"{script}.free").unlink(missing_ok=True)
    pipes = Path(f"{script}.here"), Path(f"{script}.go")
    for pipe in pipes:
        if not pipe.exists():
            os.mkfifo(pipe)
    return pipes


def start(daemon: Daemon, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["docker", *words], text=True, env={**os.environ, **daemon.environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["net", "pid", "ipc"])
def test_a_namespace_to_join_was_named_by_the_number_of_a_process(
    daemon: Daemon, kind: str
) -> None:
    """Which may be another's when the runtime comes to it."""
    daemon.docker("run", "-d", "--name=donor", "--ipc=shareable", "busybox", "sleep", "600")
    donor = daemon.docker("inspect", "-f", "{{.State.Pid}}", "donor").stdout.strip()
    wanted = os.readlink(f"/proc/{donor}/ns/{kind}")
    here, go = held(daemon, "held-before")
    words = ("run", "--rm", "--runtime=held-before", f"--{kind}=container:donor", "busybox")
    joining = start(daemon, *words, "readlink", f"/proc/self/ns/{kind}")
    assert here.read_text() == "here\n"
    daemon.docker("kill", "donor")
    daemon.docker("wait", "donor")
    go.write_text("go\n")
    out, errors = joining.communicate(timeout=60)
    if kind == "pid":  # which ended with its first process
        assert joining.returncode != 0
    else:
        assert (out, errors) == (f"{wanted}\n", "")
    daemon.docker("rm", "-f", "donor")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_keeper_that_died_during_a_create_left_a_container_nobody_had(
    daemon: Daemon, when: str
) -> None:
    runtime = f"held-{when}"
    id = daemon.docker("create", f"--runtime={runtime}", "busybox", "echo", "ran").stdout.strip()
    here, go = held(daemon, runtime)
    starting = start(daemon, "start", "-a", id)
    assert here.read_text() == "here\n"
    os.kill(daemon.pid("keeper"), signal.SIGKILL)
    _, errors = starting.communicate(timeout=60)
    assert starting.returncode != 0
    assert "keeper" in errors
    with pytest.raises(OSError, match="No such device"):  # nobody waits to go on with it
        os.open(go, os.O_WRONLY | os.O_NONBLOCK)
    assert states(daemon, runtime) == []
    assert not [p for p in Path("/sys/fs/cgroup").glob(f"*/orlop/{id}") if p.exists()]
    assert daemon.docker("start", "-a", id).stdout == "ran\n"
    daemon.docker("rm", id)


def test_what_a_runtime_kept_of_a_container_that_nobody_knows_any_more(daemon: Daemon) -> None:
    id = daemon.docker("run", "-d", "--runtime=other", "busybox", "sleep", "600").stdout.strip()
    assert states(daemon) == [id]
    daemon.kill()  # while it removes the container: the record is gone, the rest is not
    shutil.rmtree(daemon.data_root / "containers" / id)
    gone = daemon.exec_root / "runtimes" / "renamed" / id  # of a runtime that is named no more
    gone.mkdir(parents=True)
    daemon.start()
    assert states(daemon) == states(daemon, "renamed") == []
    assert not [p for p in Path("/sys/fs/cgroup").glob(f"*/orlop/{id}") if p.exists()]


def test_info_shows_them(daemon: Daemon) -> None:
    shown = json.loads(daemon.docker("info", "-f", "{{json .}}").stdout)
    assert {"runc", "io.containerd.runc.v2", "other", "gone"} <= set(shown["Runtimes"])
    assert shown["Runtimes"]["gone"]["path"] == "/nope/rt"
    assert shown["DefaultRuntime"] == "runc"


def test_a_container_outlives_the_daemon() -> None:
    """With it as the default, by the file; the exit is seen by the next daemon."""
    document = {"runtimes": {"mine": {"path": _PROGRAMS["runc"], "runtimeArgs": ["--debug"]}},
                "default-runtime": "mine"}  # fmt: skip
    made = Daemon(name="mine")
    file = made.base / "daemon.json"
    file.write_text(json.dumps(document))
    made.flags.append(f"--config-file={file}")
    with with_busybox(made) as daemon:
        assert daemon.docker("info", "-f", "{{.DefaultRuntime}}").stdout == "mine\n"
        id = daemon.docker("run", "-d", "busybox", "sh", "-c", "read x; exit 9").stdout.strip()
        kept = daemon.docker("run", "-di", "busybox", "sh", "-c", "read x; exit 9").stdout.strip()
        assert daemon.docker("wait", id).stdout == "9\n"
        daemon.kill()
        daemon.start()
        assert daemon.docker("exec", kept, "echo", "alive").stdout == "alive\n"
        daemon.docker("attach", kept, input="go\n", check=False)
        assert daemon.docker("wait", kept).stdout == "9\n"
        daemon.docker("rm", "-f", kept, id)
        assert list((daemon.exec_root / "runtimes" / "mine").glob("*")) == []
