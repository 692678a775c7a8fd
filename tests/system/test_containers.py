"""Containers for real: one engine in a root of its own, busybox, the kernel."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from containerlab import Lab

from orlop.container.inspect import inspect
from orlop.container.kill import kill
from orlop.container.list import list_, list_encoded
from orlop.container.pause import pause, unpause
from orlop.container.remove import remove
from orlop.container.restart import restart
from orlop.container.start import start
from orlop.container.stop import stop
from orlop.container.update import update
from orlop.container.wait import wait
from orlop.engine import Engine
from orlop.errors import InvalidArgument, NotFound, OrlopError, SystemFailure

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.getuid() != 0, reason="needs root")]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    base = Path(tempfile.mkdtemp(prefix="orlop-containers-", dir="/var/tmp"))
    made = Lab(base)
    try:
        yield made
    finally:
        made.close()
        subprocess.run(["umount", base / "data" / "overlay2"], stderr=subprocess.DEVNULL)
        left = [line for line in Path("/proc/mounts").read_text().splitlines() if str(base) in line]
        shutil.rmtree(base, ignore_errors=True)
        assert left == []


def test_exit_codes_and_output(lab: Lab) -> None:
    assert lab.run("sh", "-c", "echo out; echo err >&2; exit 7") == (7, "out\nerr\n")
    assert lab.run("true") == (0, "")
    assert lab.run("sh", "-c", "sh -c 'kill -TERM $$'; exit $?")[0] == 143


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        ("nosuch", 127, 'exec: "nosuch": executable file not found in $PATH'),
        ("/nosuch", 127, 'exec: "/nosuch": stat /nosuch: no such file or directory'),
        ("/etc", 126, 'exec: "/etc": is a directory: permission denied'),
        ("/etc/passwd", 126, 'exec: "/etc/passwd": permission denied'),
    ],
)
def test_what_cannot_run_says_so_as_docker(lab: Lab, command: str, code: int, text: str) -> None:
    id = lab.create(command)
    with pytest.raises(InvalidArgument) as caught:
        start(lab.containers, id)
    assert caught.value.message == (
        "failed to create task for container: failed to create shim task: OCI runtime create "
        "failed: runc create failed: unable to start container process: error during container "
        f"init: {text}"
    )
    state = lab.state(id)
    assert (state["Status"], state["ExitCode"]) == ("created", code)
    remove(lab.containers, id)


def test_the_default_sandbox(lab: Lab) -> None:
    script = "cat /proc/self/mountinfo; echo; grep -E 'Cap|NoNew|Seccomp:' /proc/self/status"
    _, text = lab.run("sh", "-c", script)
    mounts = {line.split()[4]: line.split()[5] for line in text.split("\n\n")[0].splitlines()}
    assert mounts["/proc"] == "rw,nosuid,nodev,noexec,relatime"
    assert mounts["/dev"] == "rw,nosuid"
    assert mounts["/dev/pts"] == "rw,nosuid,noexec,relatime"
    assert mounts["/dev/shm"] == "rw,nosuid,nodev,noexec,relatime"
    assert mounts["/dev/mqueue"] == "rw,nosuid,nodev,noexec,relatime"
    assert mounts["/sys"] == "ro,nosuid,nodev,noexec,relatime"
    assert {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"} <= set(mounts)
    for path in ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"):
        if path in mounts:
            assert mounts[path].startswith("ro"), path
    status = dict(line.split(":\t") for line in text.split("\n\n")[1].splitlines())
    assert status["CapInh"] == status["CapAmb"] == "0" * 16
    assert status["CapPrm"] == status["CapEff"] == status["CapBnd"] == "00000000a80425fb"
    assert status["NoNewPrivs"] == "0"
    assert status["Seccomp"] == "2"


def test_namespaces_of_its_own(lab: Lab) -> None:
    id = lab.background("sleep", "300")
    pid = lab.state(id)["Pid"]
    for kind in ("mnt", "net", "uts", "pid", "ipc", "time"):
        mine, theirs = (os.readlink(f"/proc/{p}/ns/{kind}") for p in ("self", pid))
        assert mine != theirs, kind
    assert os.readlink(f"/proc/{pid}/ns/user") == os.readlink("/proc/self/ns/user")
    remove(lab.containers, id, force=True)


def test_environment_and_order(lab: Lab) -> None:
    config = {"Env": ["A=1", "A=2", "B"], "Hostname": "box"}
    _, text = lab.run("sh", "-c", "cat /proc/1/environ | tr '\\0' '\\n'", config=config)
    assert text.split() == [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME=box",
        "A=2",
        "HOME=/root",
    ]


def test_users_groups_and_directories(lab: Lab) -> None:
    config = {"User": "1000:1001", "WorkingDir": "/new/dir"}
    _, text = lab.run("sh", "-c", "id; pwd; ls -ld .", config=config, GroupAdd=["7"])
    lines = text.splitlines()
    assert lines[0] == "uid=1000 gid=1001 groups=7(lp),1001"
    assert lines[1] == "/new/dir"
    assert lines[2].startswith("drwxr-xr-x    2 root     root")


def test_capabilities_of_flags(lab: Lab) -> None:
    def caps(**host: Any) -> str:
        return lab.run("sh", "-c", "grep CapEff /proc/self/status", **host)[1].split()[1]

    assert int(caps(CapDrop=["ALL"], CapAdd=["CHOWN"]), 16) == 1
    assert int(caps(CapDrop=["MKNOD"]), 16) & 1 << 27 == 0
    assert int(caps(Privileged=True), 16) & 1 << 21
    code, text = lab.run(
        "sh", "-c", "grep -E 'Cap(Prm|Eff)' /proc/self/status", config={"User": "1000"}
    )
    assert text.split() == ["CapPrm:", "0" * 16, "CapEff:", "0" * 16]


def test_read_only_tmpfs_and_binds(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("host")
    script = (
        "touch /x 2>&1; touch /t/y && echo tmp; cat /b/f; touch /b/z 2>&1; "
        "grep ' /t ' /proc/self/mountinfo"
    )
    _, text = lab.run(
        "sh", "-c", script, ReadonlyRootfs=True, Tmpfs={"/t": "size=1m,exec"},
        Binds=[f"{tmp_path}:/b:ro"],
    )  # fmt: skip
    assert "touch: /x: Read-only file system" in text
    assert "tmp\n" in text
    assert "hosttouch: /b/z: Read-only file system" in text
    assert "size=1024k" in text
    assert "noexec" not in text


def test_volumes_are_filled_once_and_shared(lab: Lab) -> None:
    _, text = lab.run("sh", "-c", "ls /etc/passwd", Mounts=[{"Type": "volume", "Target": "/etc"}])
    assert text == "/etc/passwd\n"
    lab.run("sh", "-c", "echo kept > /d/f", Binds=["shared:/d"])
    assert lab.run("cat", "/d/f", Binds=["shared:/d:ro"])[1] == "kept\n"


def test_limits_reach_the_kernel(lab: Lab) -> None:
    id = lab.background(
        "sleep", "300", Memory=64 << 20, PidsLimit=50, NanoCpus=500_000_000, CpuShares=512
    )
    pid = lab.state(id)["Pid"]
    groups = dict(
        line.split(":")[1:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    )
    if "memory" not in groups:
        pytest.skip("not cgroup v1: the v2 files are tested in the runtime's own tests")

    def read(controller: str, name: str) -> str:
        return Path(f"/sys/fs/cgroup/{controller}{groups[controller]}/{name}").read_text().strip()

    assert read("memory", "memory.limit_in_bytes") == str(64 << 20)
    assert read("memory", "memory.memsw.limit_in_bytes") == str(128 << 20)
    assert read("pids", "pids.max") == "50"
    assert read("cpu", "cpu.shares") == "512"
    assert read("cpu", "cpu.cfs_quota_us") == "50000"
    update(lab.containers, id, {"Memory": 80 << 20, "MemorySwap": 160 << 20, "PidsLimit": 60})
    assert read("memory", "memory.limit_in_bytes") == str(80 << 20)
    assert read("pids", "pids.max") == "60"
    remove(lab.containers, id, force=True)
    lab.containers.cleanup.drain()
    assert not Path(f"/sys/fs/cgroup/pids{groups['pids']}").exists()


def test_out_of_memory_is_seen(lab: Lab) -> None:
    id = lab.create("sh", "-c", "tail /dev/zero", Memory=16 << 20, MemorySwap=16 << 20)
    ended = wait(lab.containers, id, "next-exit")
    start(lab.containers, id)
    assert ended.result(30)[0] == 137
    assert lab.state(id)["OOMKilled"] is True
    remove(lab.containers, id)


def test_stop_signal_then_kill(lab: Lab) -> None:
    polite = lab.background("sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done")
    stop(lab.containers, polite, timeout=10)
    assert lab.state(polite)["ExitCode"] == 3
    deaf = lab.background("sleep", "300")  # PID 1 without a handler ignores SIGTERM
    begun = time.monotonic()
    stop(lab.containers, deaf, timeout=0)
    assert time.monotonic() - begun < 5
    assert lab.state(deaf)["ExitCode"] == 137
    for id in (polite, deaf):
        remove(lab.containers, id)


def test_pause_holds_and_kill_thaws(lab: Lab) -> None:
    id = lab.background("sh", "-c", "while :; do date +%s%N; sleep 0.01; done")
    pause(lab.containers, id)
    assert lab.state(id)["Status"] == "paused"
    size = lab.containers.get(id).log_path.stat().st_size
    time.sleep(0.2)
    assert lab.containers.get(id).log_path.stat().st_size - size < 200
    unpause(lab.containers, id)
    pause(lab.containers, id)
    kill(lab.containers, id)
    assert lab.state(id)["Status"] == "exited"
    remove(lab.containers, id)


def test_namespaces_of_another_container(lab: Lab) -> None:
    donor = lab.background("sleep", "300", IpcMode="shareable", name="donor")
    pid = lab.state(donor)["Pid"]
    modes = dict.fromkeys(("PidMode", "IpcMode", "NetworkMode"), "container:donor")
    other = lab.background("sh", "-c", "echo x > /dev/shm/f; ps | wc -l; sleep 300", **modes)
    theirs = lab.state(other)["Pid"]
    for kind in ("pid", "ipc", "net"):
        assert os.readlink(f"/proc/{pid}/ns/{kind}") == os.readlink(f"/proc/{theirs}/ns/{kind}")
    assert os.readlink(f"/proc/{pid}/ns/uts") != os.readlink(f"/proc/{theirs}/ns/uts")
    assert (
        lab.containers.get(other)
        .record["HostnamePath"]
        .startswith(str(lab.containers.get(donor).directory))
    )
    private = lab.create("true", IpcMode=f"container:{other}")
    with pytest.raises(InvalidArgument, match="non-shareable IPC"):
        start(lab.containers, private)
    shm = lab.containers.get(donor).directory / "mounts" / "shm"
    assert (shm / "f").read_text() == "x\n"
    for id in (private, other, donor):
        remove(lab.containers, id, force=True)
    lab.containers.cleanup.drain()
    assert not os.path.ismount(shm)
    gone = lab.create("true", NetworkMode="container:donor")
    with pytest.raises(SystemFailure, match="joining network namespace of container: No such"):
        start(lab.containers, gone)
    remove(lab.containers, gone)


def test_host_namespaces(lab: Lab) -> None:
    id = lab.background("sleep", "300", NetworkMode="host", PidMode="host", IpcMode="host",
                        UTSMode="host")  # fmt: skip
    pid = lab.state(id)["Pid"]
    for kind in ("pid", "ipc", "net", "uts"):
        assert os.readlink(f"/proc/{pid}/ns/{kind}") == os.readlink(f"/proc/self/ns/{kind}")
    remove(lab.containers, id, force=True)


def test_devices_and_rules(lab: Lab) -> None:
    mapping = {"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "rwm"}
    script = "echo a > /dev/x && echo fine; mknod /d c 10 229; cat /d 2>&1"
    _, text = lab.run("sh", "-c", script, Devices=[mapping])
    assert text.splitlines()[0] == "fine"
    assert "Operation not permitted" in text
    bad = lab.create("true", Devices=[{"PathOnHost": "/etc/passwd", "PathInContainer": "/dev/x"}])
    with pytest.raises(SystemFailure, match=r'custom device "/etc/passwd": not a device node'):
        start(lab.containers, bad)
    remove(lab.containers, bad)


def test_sysctls_limits_and_hostname(lab: Lab) -> None:
    code, text = lab.run(
        "sh", "-c", "cat /proc/sys/kernel/shmmax; ulimit -n; hostname; cat /etc/hostname",
        config={"Hostname": "box", "Domainname": "dom"},
        Sysctls={"kernel.shmmax": "100000"},
        Ulimits=[{"Name": "nofile", "Soft": 100, "Hard": 200}],
    )  # fmt: skip
    assert text.split() == ["100000", "100", "box", "box"]
    for sysctls, text in (
        ({"foo": "1"}, 'sysctl "foo" is not in a separate kernel namespace'),
        ({"kernel.core_pattern": "|/x"}, "is not in a separate kernel namespace"),
    ):
        id = lab.create("true", Sysctls=sysctls)
        with pytest.raises(OrlopError, match=text):
            start(lab.containers, id)
        remove(lab.containers, id)


def test_security_options(lab: Lab) -> None:
    script = "grep -E 'NoNew|Seccomp:' /proc/self/status"
    _, text = lab.run("sh", "-c", script, SecurityOpt=["no-new-privileges", "seccomp=unconfined"])
    assert text.split() == ["NoNewPrivs:", "1", "Seccomp:", "0"]
    profile = json.dumps(
        {
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
        }
    )
    _, text = lab.run("sh", "-c", "mkdir /x 2>&1", SecurityOpt=[f"seccomp={profile}"])
    assert "Operation not permitted" in text
    _, text = lab.run("sh", "-c", "cat /proc/timer_list | wc -c", MaskedPaths=[], ReadonlyPaths=[])
    assert int(text) > 0


def test_init_is_pid_one(lab: Lab) -> None:
    try:
        code, text = lab.run("sh", "-c", "cat /proc/1/cmdline | tr '\\0' ' '", Init=True)
    except SystemFailure as error:
        assert "--init needs a static" in error.message
        return
    assert text.startswith("/sbin/docker-init -- sh -c")


def test_autoremove_leaves_nothing(lab: Lab) -> None:
    id = lab.create("true", AutoRemove=True)
    removed = wait(lab.containers, id, "removed")
    start(lab.containers, id)
    assert removed.result(20)[0] == 0
    with pytest.raises(NotFound):
        lab.containers.get(id)
    lab.containers.cleanup.drain()
    data = lab.config.data_root
    assert not (data / "containers" / id).exists()
    assert not (data / "image" / "overlay2" / "layerdb" / "mounts" / id).exists()
    assert not (lab.config.exec_root / "containers" / id).exists()
    again = lab.create("sleep", "300", AutoRemove=True)
    start(lab.containers, again)
    restart(lab.containers, again, timeout=0)  # a volatile layer mounts a second time
    assert lab.state(again)["Running"]
    remove(lab.containers, again, force=True)


def test_restart_policy(lab: Lab) -> None:
    id = lab.create("sh", "-c", "echo run; exit 1",
                    RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 2})  # fmt: skip
    start(lab.containers, id)
    lab.until(id, Status="exited", Restarting=False)
    assert inspect(lab.containers, id)["RestartCount"] == 2
    assert lab.output(id) == "run\n" * 3
    remove(lab.containers, id)


def test_health_checks(lab: Lab) -> None:
    check = {"Test": ["CMD-SHELL", "echo looked; test -e /ok"], "Interval": 50_000_000,
             "Retries": 2}  # fmt: skip
    id = lab.background("sh", "-c", "sleep 1; touch /ok; sleep 300", config={"Healthcheck": check})
    deadline = time.monotonic() + 20
    seen = set()
    while time.monotonic() < deadline and "healthy" not in seen:
        seen.add(lab.state(id)["Health"]["Status"])
        time.sleep(0.01)
    assert seen == {"starting", "unhealthy", "healthy"}
    entry = lab.state(id)["Health"]["Log"][-1]
    assert (entry["ExitCode"], entry["Output"]) == (0, "looked\n")
    assert "(healthy)" in list_(lab.containers)[0]["Status"]
    remove(lab.containers, id, force=True)


def test_a_new_daemon_finds_everything(lab: Lab) -> None:
    lives = lab.background("sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.02; done")
    ends = lab.background("sh", "-c", "sleep 0.6; exit 9")
    paused = lab.background("sleep", "300")
    pause(lab.containers, paused)
    pid = lab.state(lives)["Pid"]
    lab.engine.close()
    time.sleep(1.0)  # `ends` ends while no daemon looks
    lab.engine = Engine.open(lab.config)
    assert lab.state(lives)["Pid"] == pid
    assert lab.state(paused)["Status"] == "paused"
    state = lab.until(ends, Status="exited")
    assert state["ExitCode"] == 9
    finished = state["FinishedAt"]
    assert finished < time.strftime("%Y-%m-%dT%H:%M:%S.9Z", time.gmtime())
    stop(lab.containers, lives, timeout=10)
    assert lab.state(lives)["ExitCode"] == 5
    for id in (lives, ends, paused):
        remove(lab.containers, id, force=True)


def test_what_nobody_saw_end_is_255(lab: Lab) -> None:
    id = lab.background("sleep", "300")
    again = lab.background("sleep", "300", RestartPolicy={"Name": "always"})
    pids = [lab.state(each)["Pid"] for each in (id, again)]
    lab.engine.close()
    # As when the machine goes down: everybody who could know the status dies first.
    # The keeper before the scribe, which it would fork anew.
    for name in ("scribe-0", "keeper"):
        pids.insert(0, int((lab.config.exec_root / f"{name}.pid").read_text()))
    for pid in pids:
        # A keeper that is only about to die could still reap the next one and note its 137.
        pidfd = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        assert select.select([pidfd], [], [], 10)[0]
        os.close(pidfd)
    lab.engine = Engine.open(lab.config)
    state = lab.until(id, Status="exited")
    assert state["ExitCode"] == 255
    assert state["Error"]
    lab.until(again, Status="running")
    for each in (id, again):
        remove(lab.containers, each, force=True)


def test_damaged_records_stop_nobody(lab: Lab) -> None:
    good = lab.create("true")
    bad = [lab.create("true") for _ in range(4)]
    lab.engine.close()
    root = lab.config.data_root / "containers"
    (root / bad[0] / "config.v2.json").write_bytes(b"")
    (root / bad[1] / "config.v2.json").write_bytes(b"\0" * 4096)
    (root / bad[2] / "hostconfig.json").write_text('{"NetworkMode": 7}')
    (root / bad[3] / "config.v2.json").write_text("[1, 2")
    lab.engine = Engine.open(lab.config)
    shown = {c["Id"]: c["State"] for c in list_(lab.containers, all=True)}
    assert shown[good] == "created"
    assert {shown[id] for id in bad} == {"dead"}
    assert "config.v2.json" in lab.state(bad[0])["Error"]
    with pytest.raises(SystemFailure, match="is damaged"):
        start(lab.containers, bad[0])
    for id in (good, *bad):
        remove(lab.containers, id)


def test_many_at_once(lab: Lab) -> None:
    """Forty starts from eight threads, all seen, all gone afterwards."""
    ids: list[str] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                ids.append(lab.background("sleep", "300"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(list_(lab.containers)) == 40
    assert len(json.loads(list_encoded(lab.containers))) == 40
    for id in ids:
        remove(lab.containers, id, force=True)
    lab.containers.cleanup.drain()
    leftover = os.listdir(lab.config.data_root / "image" / "overlay2" / "layerdb" / "mounts")
    assert leftover == []


def test_signals_reach_the_process(lab: Lab) -> None:
    id = lab.background("sh", "-c", "trap 'exit 42' USR1; while :; do sleep 0.02; done")
    ended = wait(lab.containers, id)
    kill(lab.containers, id, "USR1")
    assert ended.result(10) == (42, "")
    assert signal.SIGUSR1 == 10
    remove(lab.containers, id)
