"""What a caller may expect of an OCI runtime's command line: on orlop-runtime and on runc."""

from __future__ import annotations

import array
import json
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import bundles
import pytest
from bundles import Runtime, make

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.getuid() != 0, reason="needs root")]


@pytest.fixture(params=["orlop-runtime", "runc"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    with closing(Runtime(request.param, tmp_path / "state")) as made:
        yield made


@pytest.fixture
def id() -> str:
    return f"contract-{uuid.uuid4().hex[:12]}"


@pytest.mark.parametrize("code", [0, 3, 255])
def test_run_returns_the_exit_code(runtime: Runtime, tmp_path: Path, id: str, code: int) -> None:
    done = runtime.run(make(tmp_path / "b", "sh", "-c", f"echo hello; exit {code}"), id)
    assert (done.returncode, done.stdout) == (code, "hello\n")
    assert runtime.call("state", id).returncode == 1


def test_death_by_a_signal_is_128_and_the_signal(runtime: Runtime, tmp_path: Path, id: str) -> None:
    bundle = make(tmp_path / "b", "sh", "-c", "sh -c 'kill -9 $$'; exit $?")
    assert runtime.run(bundle, id).returncode == 137


def test_life(runtime: Runtime, tmp_path: Path, id: str) -> None:
    bundle = make(tmp_path / "b", "sh", "-c", "echo started; exec sleep 100")
    runtime.create(id, bundle, "--pid-file", str(tmp_path / "pid"))
    state = runtime.state(id)
    assert state["status"] == "created"
    assert state["pid"] == int((tmp_path / "pid").read_text())
    assert (state["id"], state["bundle"]) == (id, str(bundle))
    assert (bundle / "output").read_text() == ""
    assert runtime.call("create", "-b", str(bundle), id).returncode == 1
    runtime.ok("start", id)
    assert runtime.state(id)["status"] == "running"
    assert runtime.call("start", id).returncode == 1
    assert runtime.call("delete", id).returncode == 1
    runtime.ok("kill", id, "KILL")
    runtime.wait(id)
    state = runtime.state(id)
    assert (state["status"], state["pid"]) == ("stopped", 0)
    assert runtime.call("kill", id, "KILL").returncode == 1
    runtime.ok("delete", id)
    assert runtime.call("delete", id).returncode == 1
    assert runtime.call("delete", "--force", id).returncode == 0


def test_changes_of_the_config_after_create_have_no_effect(
    runtime: Runtime, tmp_path: Path, id: str
) -> None:
    bundle = make(tmp_path / "b", "sh", "-c", "echo one")
    runtime.create(id, bundle)
    (bundle / "config.json").write_text("{}")
    runtime.ok("start", id)
    runtime.wait(id)
    assert (bundle / "output").read_text() == "one\n"


def test_missing_program_is_an_error_of_create(runtime: Runtime, tmp_path: Path, id: str) -> None:
    log = tmp_path / "log"
    bundle = make(tmp_path / "b", "no-such-program")
    done = runtime.call("--log", str(log), "--log-format", "json", "create", "-b", str(bundle), id)
    assert done.returncode == 1
    assert "executable file not found in $PATH" in done.stderr
    last = json.loads(log.read_text().splitlines()[-1])
    assert last["level"] == "error"
    assert "executable file not found in $PATH" in last["msg"]
    assert runtime.call("state", id).returncode == 1


def test_exec(runtime: Runtime, tmp_path: Path, id: str) -> None:
    runtime.create(id, make(tmp_path / "b", "sleep", "100"))
    runtime.ok("start", id)
    assert runtime.ok("exec", id, "sh", "-c", "echo $HOME") == "/root\n"
    assert runtime.call("exec", id, "sh", "-c", "exit 5").returncode == 5
    told = runtime.ok("exec", "-e", "A=1", "--cwd", "/tmp", "-u", "7:8", id, "sh", "-c",
                      "echo $A $PWD $(id -u) $(id -g) $HOME")  # fmt: skip
    assert told == "1 /tmp 7 8 /data\n"
    process = {"args": ["sh", "-c", "echo $0 $B; exit 9"], "env": ["PATH=/bin", "B=x"], "cwd": "/"}
    (tmp_path / "process.json").write_text(json.dumps({**process, "user": {"uid": 0, "gid": 0}}))
    done = runtime.call("exec", "--process", str(tmp_path / "process.json"), id)
    assert (done.returncode, done.stdout) == (9, "sh x\n")
    assert runtime.call("exec", id, "nothing-here").returncode != 0
    inside = runtime.ok("exec", id, "cat", "/proc/self/status")
    assert "CapInh:\t0000000000000000" in inside
    assert "NoNewPrivs:\t1" in inside


def test_detached_exec_leaves_a_pid_file(runtime: Runtime, tmp_path: Path, id: str) -> None:
    runtime.create(id, make(tmp_path / "b", "sleep", "100"))
    runtime.ok("start", id)
    pid_file = tmp_path / "pid"
    with open(tmp_path / "out", "wb") as out:
        done = subprocess.run(
            [*runtime.command, "--root", str(runtime.root), "exec", "--detach", "--pid-file",
             str(pid_file), id, "sleep", "100"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=30, check=False,
        )  # fmt: skip
    assert done.returncode == 0
    pid = int(pid_file.read_text())
    assert b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes()
    pids = json.loads(runtime.ok("ps", "--format", "json", id))
    assert set(pids) == {pid, runtime.state(id)["pid"]}
    assert str(pid) in runtime.ok("ps", id)


def test_pause_and_resume(runtime: Runtime, tmp_path: Path, id: str) -> None:
    runtime.create(id, make(tmp_path / "b", "sleep", "100"))
    runtime.ok("start", id)
    runtime.ok("pause", id)
    assert runtime.state(id)["status"] == "paused"
    assert runtime.call("exec", id, "true").returncode != 0
    runtime.ok("resume", id)
    assert runtime.state(id)["status"] == "running"
    runtime.ok("exec", id, "true")
    runtime.ok("pause", id)
    runtime.ok("delete", "--force", id)


def test_update_and_stats(runtime: Runtime, tmp_path: Path, id: str) -> None:
    limits = {"memory": {"limit": 64 << 20}, "pids": {"limit": 50}}
    bundle = make(tmp_path / "b", "sleep", "100", linux={"resources": limits})
    runtime.create(id, bundle)
    runtime.ok("start", id)
    stats = json.loads(runtime.ok("events", "--stats", id))
    assert (stats["type"], stats["id"]) == ("stats", id)
    assert stats["data"]["memory"]["usage"]["limit"] == 64 << 20
    assert stats["data"]["pids"]["limit"] == 50
    runtime.ok("update", "--pids-limit", "20", id)
    (tmp_path / "limits").write_text(json.dumps({"memory": {"limit": 32 << 20}}))
    runtime.ok("update", "--resources", str(tmp_path / "limits"), id)
    stats = json.loads(runtime.ok("events", "--stats", id))
    assert stats["data"]["memory"]["usage"]["limit"] == 32 << 20
    assert stats["data"]["pids"]["limit"] == 20


def test_stats_without_a_limit_of_pids(runtime: Runtime, tmp_path: Path, id: str) -> None:
    runtime.create(id, make(tmp_path / "b", "sleep", "100"))
    runtime.ok("start", id)
    pids = json.loads(runtime.ok("events", "--stats", id))["data"]["pids"]
    assert (pids["current"], pids.get("limit", 0)) == (1, 0)


def test_exec_with_a_label_for_selinux_is_refused(
    runtime: Runtime, tmp_path: Path, id: str
) -> None:
    """Nobody may believe to be confined who is not; runc says so where there is no SELinux."""
    runtime.create(id, make(tmp_path / "b", "sleep", "100"))
    runtime.ok("start", id)
    done = runtime.call("exec", "--process-label", "u:r:t:s0", id, "true")
    assert (done.returncode != 0, "selinux" in done.stderr.lower()) == (True, True), done.stderr


def test_list(runtime: Runtime, tmp_path: Path, id: str) -> None:
    assert runtime.ok("list", "-q") == ""
    runtime.create(id, make(tmp_path / "b", "sleep", "100"))
    assert runtime.ok("list", "-q") == f"{id}\n"
    (row,) = json.loads(runtime.ok("list", "--format", "json"))
    assert (row["id"], row["status"], row["owner"]) == (id, "created", "root")
    head, line = runtime.ok("list").splitlines()
    assert head.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert line.split()[:3] == [id, str(row["pid"]), "created"]


def test_hooks_in_order_with_the_state(runtime: Runtime, tmp_path: Path, id: str) -> None:
    log = tmp_path / "hooks"

    def hook(kind: str) -> dict[str, Any]:
        script = f'read -r state; echo {kind} >>{log}; echo "$state" >>{log}.{kind}'
        return {"path": "/bin/sh", "args": ["sh", "-c", script]}

    kinds = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    hooks = {kind: [hook(kind)] for kind in kinds}
    hooks["startContainer"] = [
        {"path": "/bin/sh", "args": ["sh", "-c", "cat >/tmp/state; echo inside >&2"]}
    ]
    bundle = make(tmp_path / "b", "cat", "/tmp/state", hooks=hooks, annotations={"key": "word"})
    done = runtime.run(bundle, id)
    assert done.returncode == 0, done.stderr
    assert log.read_text().split() == list(kinds)
    states = {kind: json.loads(Path(f"{log}.{kind}").read_text()) for kind in kinds}
    for state in [*states.values(), json.loads(done.stdout)]:
        assert (state["id"], state["bundle"]) == (id, str(bundle))
        assert state["annotations"] == {"key": "word"}
    assert states["createRuntime"]["status"] == "creating"
    assert states["createRuntime"]["pid"] > 0
    assert states["poststop"]["status"] == "stopped"


def test_failing_hook_ends_the_creation(runtime: Runtime, tmp_path: Path, id: str) -> None:
    hooks = {"createRuntime": [{"path": "/bin/false"}]}
    done = runtime.run(make(tmp_path / "b", "sh", "-c", "echo never", hooks=hooks), id)
    assert done.returncode != 0
    assert "hook #0" in done.stderr
    assert done.stdout == ""
    assert runtime.call("state", id).returncode == 1


def test_hook_that_takes_too_long(runtime: Runtime, tmp_path: Path, id: str) -> None:
    hooks = {"prestart": [{"path": "/bin/sleep", "args": ["sleep", "60"], "timeout": 1}]}
    done = runtime.run(make(tmp_path / "b", hooks=hooks), id)
    assert done.returncode != 0
    assert "timeout" in done.stderr


def test_console_socket_gets_the_terminal(runtime: Runtime, tmp_path: Path, id: str) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.settimeout(30)
    listener.bind(str(tmp_path / "console"))
    listener.listen()
    process = {"terminal": True, "consoleSize": {"height": 33, "width": 101}}
    bundle = make(tmp_path / "b", "sh", "-c", "stat -c %t /dev/console; tty; read x; echo $x",
                  process=process)  # fmt: skip
    runtime.create(id, bundle, "--console-socket", str(tmp_path / "console"))
    peer, _ = listener.accept()
    name, ancillary, _, _ = peer.recvmsg(4096, socket.CMSG_SPACE(4))
    (master,) = array.array("i", ancillary[0][2])
    peer.close()
    listener.close()
    assert name
    runtime.ok("start", id)
    os.write(master, b"word\n")
    said = b""
    while said.count(b"word") < 2:
        said += os.read(master, 4096)
    assert b"/dev/console" in said or b"/dev/pts/0" in said
    assert os.get_terminal_size(master) == (101, 33)
    os.close(master)
    runtime.wait(id)


def test_preserved_descriptors(runtime: Runtime, tmp_path: Path, id: str) -> None:
    (tmp_path / "file").write_text("through\n")
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    bundle = make(tmp_path / "b", "sh", "-c", "cat <&3; ls /proc/self/fd")
    done = subprocess.run(
        [*runtime.command, "--root", str(runtime.root), "run", "--preserve-fds", "1", "-b",
         str(bundle), id],
        close_fds=False, preexec_fn=lambda: os.dup2(fd, 3) and None, capture_output=True,
        text=True, timeout=30, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    os.close(fd)
    assert done.stdout.split() == ["through", "0", "1", "2", "3", "4"], done.stderr
    leaked = runtime.run(make(tmp_path / "c", "ls", "/proc/self/fd"), id + "x")
    assert leaked.stdout.split() == ["0", "1", "2", "3"]  # 3: of ls itself


def test_user_namespace_and_idmapped_volume(runtime: Runtime, tmp_path: Path, id: str) -> None:
    maps = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    data = tmp_path / "volume"
    data.mkdir()
    (data / "file").write_text("x")
    bundle = make(tmp_path / "b", "sh", "-c", "cat /proc/self/uid_map; id -u; stat -c %u /root")
    os.chown(bundle / "rootfs" / "root", 100000, 100000)
    spec = json.loads((bundle / "config.json").read_text())
    spec["linux"] |= {"uidMappings": maps, "gidMappings": maps}
    spec["linux"]["namespaces"].append({"type": "user"})
    (bundle / "config.json").write_text(json.dumps(spec))
    for place in (tmp_path, *tmp_path.parents):  # root of the namespace has to get there
        if place.stat().st_uid == 0 and str(place).startswith("/tmp/"):
            place.chmod(0o755)
    done = runtime.run(bundle, id)
    assert done.stdout.split() == ["0", "100000", "65536", "0", "0"], done.stderr


def test_namespaces_by_path(runtime: Runtime, tmp_path: Path, id: str) -> None:
    other = subprocess.Popen(["unshare", "-n", "-u", "-i", "sleep", "100"])
    try:
        own = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{other.pid}/ns/net") == own:
            os.sched_yield()
        files = {"network": "net", "uts": "uts", "ipc": "ipc"}
        spaces = [{"type": k, "path": f"/proc/{other.pid}/ns/{f}"} for k, f in files.items()]
        spaces += [{"type": "mount"}, {"type": "pid"}]
        bundle = make(tmp_path / "b", "ls", "-l", "/proc/self/ns", linux={"namespaces": spaces})
        spec = json.loads((bundle / "config.json").read_text())
        del spec["hostname"]
        (bundle / "config.json").write_text(json.dumps(spec))
        done = runtime.run(bundle, id)
        for file in files.values():
            assert os.readlink(f"/proc/{other.pid}/ns/{file}") in done.stdout
    finally:
        other.kill()
        other.wait()


def test_signals_are_passed_on(runtime: Runtime, tmp_path: Path, id: str) -> None:
    script = "trap 'echo got; exit 4' TERM; echo ready; while :; do sleep 0.05; done"
    bundle = make(tmp_path / "b", "sh", "-c", script)
    process = subprocess.Popen(
        [*runtime.command, "--root", str(runtime.root), "run", "-b", str(bundle), id],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    runtime.made.append(id)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    assert process.stdout.read() == "got\n"
    assert process.wait(30) == 4
    process.stdout.close()


def test_kill_all_reaches_every_process_of_a_shared_pid_namespace(
    runtime: Runtime, tmp_path: Path, id: str
) -> None:
    spaces = [{"type": kind} for kind in ("mount", "uts", "ipc", "network")]
    bundle = make(tmp_path / "b", "sh", "-c", "sleep 100 & exec sleep 100",
                  linux={"namespaces": spaces})  # fmt: skip
    runtime.create(id, bundle)
    runtime.ok("start", id)
    while len(pids := json.loads(runtime.ok("ps", "-f", "json", id))) < 2:
        os.sched_yield()
    fds = [os.pidfd_open(pid) for pid in pids]
    runtime.ok("kill", "--all", id, "KILL")
    import select

    for fd in fds:
        assert select.select([fd], [], [], 30)[0]
        os.close(fd)


def test_features_and_version_say_what_callers_look_for(runtime: Runtime) -> None:
    found = json.loads(runtime.ok("features"))
    assert set(found["hooks"]) >= {"prestart", "poststop", "startContainer"}
    assert set(found["linux"]["namespaces"]) >= {"mount", "pid", "user"}
    assert "rro" in found["mountOptions"]
    assert f"{runtime.name} version" in runtime.ok("--version")


def test_spec_writes_a_config_that_runs(runtime: Runtime, tmp_path: Path, id: str) -> None:
    bundle = make(tmp_path / "b")
    (bundle / "config.json").unlink()
    runtime.ok("spec", "--bundle", str(bundle))
    spec = json.loads((bundle / "config.json").read_text())
    spec["process"] |= {"terminal": False, "args": ["sh", "-c", "echo made"]}
    (bundle / "config.json").write_text(json.dumps(spec))
    assert runtime.run(bundle, id).stdout == "made\n"
    assert runtime.call("spec", "--bundle", str(bundle)).returncode == 1


def test_spec_writes_where_it_is_told(tmp_path: Path) -> None:
    Runtime("orlop-runtime", tmp_path / "state").ok("spec", "-b", str(tmp_path), "-f", "other.json")
    assert [path.name for path in tmp_path.glob("*.json")] == ["other.json"]


def test_a_second_container_in_the_same_cgroup_harms_nobody(tmp_path: Path, id: str) -> None:
    """A creation that fails must not kill what lives in the group it could not have."""
    runtime = Runtime("orlop-runtime", tmp_path / "state")
    try:
        linux = {"cgroupsPath": f"/{id}-shared"}
        runtime.create(id, make(tmp_path / "a", "sleep", "100", linux=linux))
        runtime.ok("start", id)
        done = runtime.run(make(tmp_path / "b", "true", linux=linux), id + "x")
        assert (done.returncode, "not empty" in done.stderr) == (1, True), done.stderr
        broken = make(
            tmp_path / "c",
            "true",
            linux={
                **linux,
                "namespaces": [
                    {"type": "mount"},
                    {"type": "uts"},
                    {"type": "network", "path": "/nonexistent"},
                ],
            },
        )
        assert runtime.run(broken, id + "y").returncode == 1
        assert runtime.state(id)["status"] == "running"
        runtime.ok("exec", id, "true")
    finally:
        runtime.close()
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{id}-shared"))


def test_a_profile_older_than_the_kernel(runtime: Runtime, tmp_path: Path, id: str) -> None:
    """What is done under seccomp must not need system calls that old profiles do not know."""
    newer = "close_range faccessat2 openat2 clone3 statx pidfd_open pidfd_send_signal".split()
    seccomp = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": newer, "action": "SCMP_ACT_ERRNO", "errnoRet": 1}],
    }
    for privileges in (True, False):
        changes = {"noNewPrivileges": privileges}
        bundle = make(tmp_path / str(privileges), "sh", "-c", "echo up", process=changes,
                      linux={"seccomp": seccomp})  # fmt: skip
        runtime.create(f"{id}-{privileges}", bundle)
        runtime.ok("start", f"{id}-{privileges}")
        runtime.wait(f"{id}-{privileges}")
        assert (bundle / "output").read_text() == "up\n"


def test_checkpoint_is_refused_clearly(tmp_path: Path, id: str) -> None:
    done = Runtime("orlop-runtime", tmp_path).call("checkpoint", id)
    assert (done.returncode, "not supported" in done.stderr) == (1, True)


def test_runc_is_there() -> None:
    assert shutil.which("runc") or os.path.exists("/usr/sbin/runc"), bundles.ROOT
