"""containerd, its CRI, podman, dockerd and Slurm run containers through orlop-runtime.

Needs their programs in the directory ORLOP_CALLERS: `make test-callers`.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from bundles import make

CALLERS = Path(os.environ.get("ORLOP_CALLERS", "/nonexistent"))
LIBRARIES = CALLERS / "usr" / "lib" / f"{os.uname().machine}-linux-gnu"
ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not CALLERS.is_dir(), reason="make test-callers"),
]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command as one file, as the callers want it."""
    path = tmp_path_factory.mktemp("runtime") / "orlop-runtime"
    script = ROOT / "orlop" / "runtime" / "main.py"
    path.write_text(f'#!/bin/sh\nexec /usr/bin/python3 -I -S {script} "$@"\n')
    path.chmod(0o755)
    return path


def environment(**more: str) -> dict[str, str]:
    programs = [CALLERS / "usr" / "bin", CALLERS / "usr" / "sbin"]
    path = ":".join([*map(str, programs), os.environ["PATH"], "/usr/sbin:/sbin"])
    libraries = f"{LIBRARIES}:{LIBRARIES / 'slurm-wlm'}"
    return {**os.environ, "PATH": path, "LD_LIBRARY_PATH": libraries, **more}


def call(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=90, check=False,
        env=environment(**more), stdin=subprocess.DEVNULL,
    )  # fmt: skip


class Containerd:
    def __init__(self, base: Path, runtime: Path) -> None:
        self.base = base
        self.socket = base / "c.sock"
        (base / "cni").mkdir()
        config = base / "config.toml"
        config.write_text(
            f"""version = 2
root = "{base}/root"
state = "{base}/state"
[grpc]
address = "{self.socket}"
[ttrpc]
address = "{self.socket}.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/busybox:1"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
conf_dir = "{base}/cni"
bin_dir = "{base}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "orlop"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.orlop]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.orlop.options]
BinaryName = "{runtime}"
"""
        )
        self.log = open(base / "log", "wb")  # noqa: SIM115
        self.process = subprocess.Popen(
            ["containerd", "-c", str(config)], env=environment(), stdout=self.log, stderr=self.log
        )
        wait_for(lambda: call("ctr", "-a", str(self.socket), "version").returncode == 0)

    def ctr(self, *words: str) -> subprocess.CompletedProcess[str]:
        return call("ctr", "-a", str(self.socket), *words)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


def wait_for(what: object) -> None:
    """Until `what()` is true; each look is a program's whole run, so this does not spin."""
    assert callable(what)
    for _ in range(200):
        if what():
            return
    raise AssertionError("it did not come up")


@pytest.fixture(scope="module")
def containerd(tmp_path_factory: pytest.TempPathFactory, runtime: Path) -> Iterator[Containerd]:
    made = Containerd(tmp_path_factory.mktemp("containerd"), runtime)
    try:
        yield made
    finally:
        made.close()


def image(path: Path, bundle: Path) -> None:
    """A docker-archive of the bundle's rootfs, localhost/busybox:1."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(bundle / "rootfs", arcname=".")
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["/bin/busybox", "sleep", "1000"], "Env": ["PATH=/bin"]},
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{sha256(layer.getvalue()).hexdigest()}"],
            },
        }
    ).encode()
    manifest = [
        {"Config": "config.json", "RepoTags": ["localhost/busybox:1"], "Layers": ["layer.tar"]}
    ]
    with tarfile.open(path, "w") as tar:
        for name, data in (
            ("layer.tar", layer.getvalue()),
            ("config.json", config),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def test_ctr_run(containerd: Containerd, runtime: Path, tmp_path: Path) -> None:
    rootfs = make(tmp_path / "b") / "rootfs"
    name = f"callers-{uuid.uuid4().hex[:8]}"
    run = ("run", "--rootfs", "--runc-binary", str(runtime))
    done = containerd.ctr(*run, "--rm", str(rootfs), name, "/bin/sh", "-c", "echo hello; exit 6")
    assert (done.returncode, done.stdout) == (6, "hello\n"), done.stderr
    done = containerd.ctr(*run, "-d", str(rootfs), name, "/bin/sleep", "1000")
    assert done.returncode == 0, done.stderr
    inside = containerd.ctr("task", "exec", "--exec-id", "e", name, "/bin/sh", "-c", "exit 3")
    assert inside.returncode == 3, inside.stderr
    for verb, status in (("pause", "PAUSED"), ("resume", "RUNNING")):
        assert containerd.ctr("task", verb, name).returncode == 0
        assert status in containerd.ctr("task", "ls").stdout
    assert "memory" in containerd.ctr("task", "metrics", name).stdout
    assert containerd.ctr("task", "kill", "-s", "KILL", name).returncode == 0
    wait_for(lambda: "STOPPED" in containerd.ctr("task", "ls").stdout)
    containerd.ctr("task", "rm", name)
    assert containerd.ctr("container", "rm", name).returncode == 0


def test_a_pod_through_cri(containerd: Containerd, tmp_path: Path) -> None:
    image(tmp_path / "image.tar", make(tmp_path / "b"))
    done = containerd.ctr("-n", "k8s.io", "images", "import", str(tmp_path / "image.tar"))
    assert done.returncode == 0, done.stderr
    script = Path(__file__).parent / "callers" / "cri_pod.py"
    python = str(CALLERS / "venv" / "bin" / "python")
    done = call(python, str(script), str(containerd.socket), "localhost/busybox:1", "orlop")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "exec": [3, "inside\n"],
        "log": "from the pod\n",
        "was_running": True,
        "exit_code": 143,  # it shares the pod's PID namespace, so SIGTERM ends it
        "left": 0,
    }


def test_podman(runtime: Path, tmp_path: Path) -> None:
    (tmp_path / "containers.conf").write_text(
        f"""[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
events_logger = "none"
cgroup_manager = "cgroupfs"
conmon_path = ["{CALLERS}/usr/bin/conmon"]
"""
    )
    (tmp_path / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/root"\nrunroot = "{tmp_path}/run"\n'
    )
    (tmp_path / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    image(tmp_path / "image.tar", make(tmp_path / "b"))

    def podman(*words: str) -> subprocess.CompletedProcess[str]:
        return call(
            "podman", "--runtime", str(runtime), "--tmpdir", str(tmp_path / "tmp"), *words,
            CONTAINERS_CONF=str(tmp_path / "containers.conf"),
            CONTAINERS_STORAGE_CONF=str(tmp_path / "storage.conf"),
        )  # fmt: skip

    policy = ("--signature-policy", str(tmp_path / "policy.json"))
    loaded = podman("load", *policy, "-i", str(tmp_path / "image.tar"))
    assert loaded.returncode == 0, loaded.stderr
    run = ("run", "--net", "none", "--pull", "never")
    done = podman(*run, "--rm", "localhost/busybox:1", "sh", "-c", "echo hello; exit 5")
    assert (done.returncode, done.stdout) == (5, "hello\n"), done.stderr
    missing = podman(*run, "--rm", "localhost/busybox:1", "nothing-here")
    assert missing.returncode == 127, missing.stderr
    assert podman(*run, "-d", "--name", "c", "localhost/busybox:1").returncode == 0
    inside = podman("exec", "c", "sh", "-c", "echo in; exit 4")
    assert (inside.returncode, inside.stdout) == (4, "in\n"), inside.stderr
    assert podman("pause", "c").returncode == 0
    assert podman("unpause", "c").returncode == 0
    assert podman("stop", "-t", "0", "c").returncode == 0
    assert podman("rm", "c").returncode == 0


@pytest.fixture
def slurm(tmp_path: Path, runtime: Path) -> Iterator[Path]:
    """A cluster of this machine, in a mount namespace where slurmstepd is where slurmd looks."""
    for name in ("spool", "state", "run", "sbin"):
        (tmp_path / name).mkdir()
    controller, node = 20000 + os.getpid() % 20000, 40000 + os.getpid() % 20000
    (tmp_path / "slurm.conf").write_text(
        f"""ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
PluginDir={LIBRARIES}/slurm-wlm
StateSaveLocation={tmp_path}/state
SlurmdSpoolDir={tmp_path}/spool
SlurmctldPidFile={tmp_path}/run/slurmctld.pid
SlurmdPidFile={tmp_path}/run/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=10 State=UP
"""
    )
    own = f"{runtime} --root {tmp_path}/oci"
    name = "%n.%u.%j.%s.%t"
    (tmp_path / "oci.conf").write_text(
        f"""RunTimeQuery="{own} state {name}"
RunTimeRun="{own} run -b %b {name}"
RunTimeKill="{own} kill {name}"
RunTimeDelete="{own} delete --force {name}"
"""
    )
    shutil.copy(CALLERS / "usr" / "sbin" / "slurmstepd-wlm", tmp_path / "sbin" / "slurmstepd")
    script = (
        f"mount -t overlay -o lowerdir={tmp_path}/sbin:/usr/sbin overlay /usr/sbin && "
        f"{{ slurmctld-wlm -D -f {tmp_path}/slurm.conf & "
        f"exec slurmd-wlm -D -N localhost -f {tmp_path}/slurm.conf; }}"
    )
    log = open(tmp_path / "log", "wb")  # noqa: SIM115
    group = subprocess.Popen(
        ["unshare", "-m", "--propagation", "private", "sh", "-c", script],
        env=environment(SLURM_CONF=str(tmp_path / "slurm.conf")),
        stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    try:
        yield tmp_path
    finally:
        os.killpg(group.pid, signal.SIGTERM)
        group.wait(30)
        log.close()


def test_srun_container(slurm: Path) -> None:
    conf = {"SLURM_CONF": str(slurm / "slurm.conf")}
    wait_for(lambda: "idle" in call("sinfo", "-h", "-o", "%t", **conf).stdout)
    bundle = make(slurm / "bundle")
    done = call(
        "srun", f"--container={bundle}", "sh", "-c", "echo hello; cat /etc/passwd; exit 3", **conf
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("hello\nroot:x:0:0::/root:/bin/sh\napp:")


@pytest.fixture
def dockerd(tmp_path: Path, runtime: Path) -> Iterator[str]:
    """A dockerd without networks that knows our runtime; its DOCKER_HOST."""
    for name in ("data", "run"):
        (tmp_path / name).mkdir()
    host = f"unix://{tmp_path}/d.sock"
    log = open(tmp_path / "log", "wb")  # noqa: SIM115
    process = subprocess.Popen(
        ["dockerd", "--data-root", f"{tmp_path}/data", "--exec-root", f"{tmp_path}/run",
         "--pidfile", f"{tmp_path}/pid", "--host", host, "--bridge", "none",
         "--iptables=false", "--ip6tables=false", "--storage-driver", "vfs",
         "--add-runtime", f"orlop={runtime}", "--cgroup-parent", f"/callers-{os.getpid()}"],
        env=environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: call("docker", "version", DOCKER_HOST=host).returncode == 0)
        yield host
    finally:
        process.terminate()
        process.wait(60)
        log.close()
        for parent in Path("/sys/fs/cgroup").glob(f"*/callers-{os.getpid()}"):
            parent.rmdir()


def test_dockerd_add_runtime(dockerd: str, tmp_path: Path) -> None:
    def docker(*words: str) -> subprocess.CompletedProcess[str]:
        return call("docker", *words, DOCKER_HOST=dockerd)

    image(tmp_path / "image.tar", make(tmp_path / "b"))
    loaded = docker("load", "-i", str(tmp_path / "image.tar"))
    assert loaded.returncode == 0, loaded.stderr
    run = ("run", "--runtime", "orlop", "--net", "none")
    done = docker(*run, "--rm", "localhost/busybox:1", "sh", "-c", "echo hello; exit 5")
    assert (done.returncode, done.stdout) == (5, "hello\n"), done.stderr
    missing = docker(*run, "--rm", "localhost/busybox:1", "nothing-here")
    assert missing.returncode == 127, missing.stderr
    assert docker(*run, "-d", "--name", "one", "localhost/busybox:1").returncode == 0
    inside = docker("exec", "one", "sh", "-c", "cat /proc/self/status; exit 4")
    assert inside.returncode == 4, inside.stderr
    assert "CapEff:\t00000000a80425fb" in inside.stdout
    assert "Seccomp:\t2" in inside.stdout
    assert docker("update", "--memory", "64m", "--memory-swap", "64m", "one").returncode == 0
    limit = docker("exec", "one", "cat", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
    assert limit.stdout in ("67108864\n", ""), limit.stderr  # "": a host of cgroup v2
    assert docker("pause", "one").returncode == 0
    assert docker("unpause", "one").returncode == 0
    assert docker("rm", "-f", "one").returncode == 0
