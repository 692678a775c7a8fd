"""Root of a container with a user namespace is nobody on the host: what it gets hold of there it
can neither change nor read. The control is the same attack by a container without one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from canary import Canary
from mappedd import REMAP, MappedDaemon

pytestmark = pytest.mark.root
MODES = ("--userns=", "--userns=auto")
# As an escaped process would: files of the host within reach, by every way root has.
ATTACK = """
echo x >> /h/secret; echo x > /h/dir/new; chmod 777 /h/secret; chown 0 /h/secret; rm /h/setuid
mv /h/dir /h/moved; ln /h/secret /h/link; mknod /h/node c 1 3; mkfifo /h/pipe; touch /h/secret
setfattr -n user.mark -v 2 /h/secret; mount -t tmpfs none /h/dir; cat /h/secret
"""


@pytest.fixture(scope="module")
def mapped() -> Iterator[MappedDaemon]:
    with closing(MappedDaemon("--userns-remap=default")) as daemon:
        daemon.start()
        daemon.orlop("bootstrap", "busybox")
        yield daemon


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    made = Canary(tmp_path / "canary")
    (made.base / "secret").chmod(0o600)
    made.before = made.snapshot()
    return made


def attack(daemon: MappedDaemon, canary: Canary, mode: str) -> str:
    words = ["run", "--rm", mode, "--cap-add=ALL", f"-v={canary.base}:/h", "busybox"]
    return daemon.orlop(*words, "sh", "-c", ATTACK, check=False).stdout


@pytest.mark.parametrize("mode", MODES)
def test_host_files_stay_roots(mapped: MappedDaemon, canary: Canary, mode: str) -> None:
    said = attack(mapped, canary, mode)
    assert canary.intact()
    assert "canary" not in said


def test_the_attack_bites_without_a_user_namespace(mapped: MappedDaemon, canary: Canary) -> None:
    said = attack(mapped, canary, "--userns=host")
    assert not canary.intact()
    assert "canary" in said
    assert not (canary.base / "setuid").exists()


def test_a_mapped_root_cannot_signal_write_or_trace_what_is_outside(mapped: MappedDaemon) -> None:
    """By /proc of a shared PID namespace, as after an escape from its own."""
    mapped.orlop("run", "-d", "--name=inner", "--cap-add=ALL", "busybox", "sleep", "600")
    pid = int(mapped.orlop("inspect", "-f", "{{.State.Pid}}", "inner").stdout)
    victim = subprocess.Popen(["sleep", "600"])
    try:

        def tried(*namespaces: str) -> list[int]:
            enter = ["nsenter", "-t", str(pid), *namespaces, "--setuid=0", "--setgid=0"]
            commands = (["kill", "-0", str(victim.pid)], ["ls", f"/proc/{victim.pid}/root/"],
                        ["cat", f"/proc/{victim.pid}/environ"])  # fmt: skip
            return [subprocess.run([*enter, *c], capture_output=True).returncode for c in commands]

        assert all(tried("--user"))
        assert not any(tried("--uts"))  # the control: root of the host can
    finally:
        victim.kill()
        victim.wait()
        mapped.docker("rm", "-f", "inner")


def test_volumes_with_a_directory_of_the_host_are_not_mapped(
    mapped: MappedDaemon, canary: Canary
) -> None:
    """`-o device=DIR` names files of the host: its root's stay its own."""
    mapped.docker(
        "volume", "create", "-o=type=none", "-o=o=bind", f"-o=device={canary.base}", "ext"
    )
    said = mapped.orlop("run", "--rm", "--cap-add=ALL", "-v=ext:/h", "busybox", "sh", "-c", ATTACK,
                        check=False).stdout  # fmt: skip
    mapped.docker("volume", "rm", "ext")
    assert canary.intact()
    assert "canary" not in said


def test_setuid_files_of_a_mapped_container_are_out_of_reach(mapped: MappedDaemon) -> None:
    """On disk they are root's: nobody but root comes to them."""
    script = "cp /bin/busybox /su && chmod 4755 /su && cp -p /su /v/su && chmod 4755 /v/su"
    mapped.orlop("run", "--name=suid", "-v=own:/v", "busybox", "sh", "-c", script)
    mapped.base.chmod(0o755)
    upper = mapped.orlop("inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", "suid").stdout.strip()
    for path in (f"{upper}/su", f"{mapped.data_root}/volumes/own/_data/su"):
        assert os.stat(path).st_uid == 0
        for user, status in ((65534, 1), (REMAP, 1), (0, 0)):
            done = subprocess.run(
                ["test", "-e", path], user=user, group=user, extra_groups=[], check=False
            )
            assert done.returncode == status, (path, user)
    mapped.docker("rm", "suid")


@pytest.mark.parametrize("mode", MODES)
def test_limits_hold_with_a_user_namespace(mapped: MappedDaemon, mode: str) -> None:
    """S32 (CVE-2025-47291): its process is in the container's groups, and its root does not get
    it out of them."""
    limits = ["-m=64m", "--memory-swap=64m", "--pids-limit=20", "--cpus=0.5"]
    script = (
        "for d in /sys/fs/cgroup/* /sys/fs/cgroup; do echo 0 > $d/cgroup.procs; done 2>/dev/null; "
        "i=0; while [ $i -lt 30 ]; do sleep 20 & i=$((i+1)); done; echo forked"
    )
    words = ["run", mode, "--rm", *limits, "busybox", "sh", "-c", script]
    done = mapped.orlop(*words, check=False)
    assert "can't fork" in done.stderr
    assert "forked" not in done.stdout
    words[words.index("--pids-limit=20")] = "--pids-limit=100"
    assert mapped.orlop(*words, check=False).stdout == "forked\n"  # the control
    eat = "x=a; while true; do x=$x$x$x$x; done"
    done = mapped.orlop("run", mode, "--rm", *limits, "busybox", "sh", "-c", eat, check=False)
    assert done.returncode == 137
