"""orlop without root: the user's namespaces, its images, containers, builds and ports."""

from __future__ import annotations

import os
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from select import select

import pytest
from rootlessd import FIRST, UID, Rootless

from orlop.kernel import mountinfo

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def user() -> Iterator[Rootless]:
    with closing(Rootless()) as made:
        made.orlop("bootstrap", "busybox")
        yield made


def until(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline, what
        select([], [], [], 0.05)


def page(address: str) -> str:
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
            found: str = answer.read().decode()
            return found
    except OSError:
        return ""


def test_the_daemon_is_the_users_own(user: Rootless) -> None:
    assert user.orlop("run", "--rm", "busybox", "id", "-u").stdout == "0\n"
    words = ("run", "--rm", "busybox", "cat", "/proc/self/uid_map")
    assert user.orlop(*words).stdout.split() == ["0", str(UID), "1", "1", str(FIRST), "65536"]
    for name in ("orlopd", "keeper", "scribe-0"):
        assert os.stat(f"/proc/{user.pid(name)}").st_uid == UID
    assert (user.base / "run/orlop/orlop.sock").stat().st_mode & 0o777 == 0o600
    assert (user.base / "home/.local/share/orlop/overlay2").is_dir()
    info = user.docker("info", "-f", "{{.SecurityOptions}} {{.CgroupDriver}}").stdout
    assert "name=rootless" in info


def test_ports_of_the_host_reach_containers_and_outlive_the_daemon(user: Rootless) -> None:
    script = "echo hello > /index.html; echo started; exec httpd -f -p 80 -h /"
    user.orlop("run", "-d", "--name=web", "--restart=always", "-p=127.0.0.1::80",
               "-p=127.0.0.1::99/udp", "busybox", "sh", "-c", script)  # fmt: skip
    address = user.orlop("port", "web", "80").stdout.strip()
    until(lambda: page(address) == "hello\n", "the page")
    assert user.orlop("logs", "web").stdout == "started\n"
    assert user.orlop("exec", "-u", "1000", "web", "id", "-u").stdout == "1000\n"
    # the port is taken, for the host as well
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", int(address.rpartition(":")[2])))
    taken = user.orlop("run", "--rm", f"-p={address}:80", "busybox", "true", check=False)
    assert "port is already allocated" in taken.stderr
    os.kill(user.pid("orlopd"), signal.SIGKILL)
    until(lambda: page(address) == "hello\n", "the page without a daemon")
    assert "Up" in user.orlop("ps").stdout  # started by itself
    user.orlop("restart", "-t0", "web")
    until(lambda: page(address) == "hello\n", "the page after a restart")
    assert user.orlop("exec", "web", "echo", "ok").stdout == "ok\n"
    user.orlop("rm", "-f", "web")
    with socket.socket() as other:
        until(lambda: other.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) != 0, "free")


def test_files_belong_to_the_user_and_its_range(user: Rootless) -> None:
    home = user.base / "home"
    words = ("busybox", "sh", "-c", "touch /h/mine; touch /h/given; chown 5:6 /h/given")
    user.orlop("run", "--rm", f"-v={home}:/h", *words)
    assert [(home / n).stat().st_uid for n in ("mine", "given")] == [UID, FIRST + 4]
    user.orlop("run", "--rm", "-v=vol:/v", "busybox", "touch", "/v/x")
    assert user.orlop("run", "--rm", "-v=vol:/v", "busybox", "stat", "-c%u", "/v/x").stdout == "0\n"
    # what only root of the host may do fails
    words = ("busybox", "sh", "-c", "cat /h/shadow || echo x >> /h/passwd")
    assert user.orlop("run", "--rm", "-v=/etc:/h", *words, check=False).returncode != 0


def test_build_commit_copy_export(user: Rootless) -> None:
    text = "FROM busybox\nRUN mkdir /x && chown 5:6 /x && rm /bin/acpid\nRUN test ! -e /bin/acpid\n"
    user.orlop("build", "-t", "built", "-", input=text)
    user.orlop("run", "--name=made", "built", "sh", "-c", "mv /x /y; mkdir /x; echo 1 > /y/f")
    assert {"A /y", "A /y/f"} <= set(user.orlop("diff", "made").stdout.splitlines())
    user.orlop("commit", "made", "committed")
    words = ("run", "--rm", "committed", "sh", "-c", "stat -c %u:%g /y; ls -A /x; cat /y/f")
    assert user.orlop(*words).stdout == "5:6\n1\n"
    user.orlop("cp", "made:/y/f", f"{user.base}/home/copied")
    assert (user.base / "home/copied").read_text() == "1\n"
    user.orlop("save", "-o", f"{user.base}/home/saved.tar", "committed")
    user.orlop("rm", "made")
    user.orlop("rmi", "committed", "built")
    user.orlop("load", "-i", f"{user.base}/home/saved.tar")
    assert user.orlop(*words).stdout == "5:6\n1\n"


@pytest.mark.parametrize(
    ("without", "nameserver"), [("slirp4netns", "169.254.1.1"), ("pasta", "10.0.2.3")]
)
def test_the_way_out_goes_through_the_users_network(without: str, nameserver: str) -> None:
    """slirp4netns reaches what the host serves; pasta, which gives the namespace the host's own
    address, shows itself by its resolver."""
    with closing(Rootless(without=without)) as user, socket.socket() as server:
        user.orlop("bootstrap", "busybox")
        found = user.orlop("run", "--rm", "busybox", "cat", "/etc/resolv.conf").stdout
        assert f"nameserver {nameserver}\n" in found
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
            route.connect(("192.0.2.1", 9))  # sends nothing: whose address would it have?
            address = route.getsockname()[0]
        server.bind((address, 0))
        server.listen()
        at = f"{address} {server.getsockname()[1]}"
        words = ("run", "-d", "busybox", "sh", "-c", f"echo out | nc -w 5 {at}; sleep 60")
        user.orlop(*words)
        if without == "pasta":  # pasta gives the namespace the host's own address
            server.settimeout(20)
            client, _ = server.accept()
            with client:
                assert client.recv(100) == b"out\n"


def test_what_this_host_forbids_is_said(user: Rootless) -> None:
    low = user.orlop("run", "--rm", "-p=80:80", "busybox", "true", check=False)
    assert "sysctl net.ipv4.ip_unprivileged_port_start" in low.stderr
    limit = user.docker("create", "-m=64m", "--pids-limit=5", "busybox").stderr
    paused = user.orlop("run", "-d", "--name=still", "busybox", "sleep", "60")
    assert paused.stdout
    if user.docker("info", "-f", "{{.CgroupDriver}}").stdout.strip() == "none":
        assert "limit capabilities or the cgroup is not mounted. Limitation discarded." in limit
        refused = user.orlop("pause", "still", check=False).stderr
        assert "pausing needs control groups, and none are delegated to this user" in refused
    user.orlop("rm", "-f", "still")


@pytest.fixture
def group() -> Iterator[Path]:
    """Delegated to the user as systemd does it, with a group below it for the user's programs."""
    tops = [m.point for m in mountinfo.mounts() if m.kind == "cgroup2"]
    made = Path(tops[0]) / f"orlop-tester-{os.getpid()}"
    (made / "shell").mkdir(parents=True)
    for folder in (made, made / "shell"):
        for name in ("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            os.chown(folder / name, UID, UID)
    try:
        yield made
    finally:
        for folder in sorted((p for p in made.rglob("*") if p.is_dir()), reverse=True):
            folder.rmdir()
        made.rmdir()


def test_containers_are_in_groups_that_are_delegated(group: Path) -> None:
    shown = f"/sys/fs/cgroup/{group.name}/shell"
    with closing(Rootless(group=shown)) as user:
        user.orlop("bootstrap", "busybox")
        info = user.orlop("info", "-f", "{{.CgroupDriver}} {{.CgroupVersion}}").stdout
        assert info == "cgroupfs 2\n"
        user.orlop("run", "-d", "--name=here", "busybox", "sleep", "600")
        (own,) = (entry for entry in (group / "orlop").iterdir() if entry.is_dir())
        pid = user.orlop("inspect", "-f", "{{.State.Pid}}", "here").stdout.strip()
        assert pid in (own / "cgroup.procs").read_text().split()
        user.orlop("pause", "here")
        assert "frozen 1" in (own / "cgroup.events").read_text()
        user.orlop("unpause", "here")
        view = user.orlop("exec", "here", "sh", "-c", "cat /proc/self/cgroup; ls /sys/fs/cgroup")
        assert "0::/\n" in view.stdout
        assert "cgroup.procs" in view.stdout
        user.orlop("rm", "-f", "here")
        until(lambda: not own.exists(), "the group is gone")


def test_without_subordinate_ids_it_says_what_to_run() -> None:
    with closing(Rootless(subids=False)) as user:
        done = user.orlop("ps", check=False)
        assert done.returncode != 0
        assert (
            "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 tester" in done.stderr
        )


def test_without_a_runtime_directory_the_command_line_says_what_to_set(user: Rootless) -> None:
    done = user.orlop("ps", env={"XDG_RUNTIME_DIR": ""}, check=False)
    assert done.returncode == 1
    assert "Is the orlop daemon running?" in done.stderr
    assert "permission denied; set XDG_RUNTIME_DIR to a directory of your own" in done.stderr


def test_without_a_tun_device_ports_work_all_the_same() -> None:
    with closing(Rootless(tun=False)) as user:
        user.orlop("bootstrap", "busybox")
        user.orlop("run", "-d", "--name=web", "-p=127.0.0.1::80", "busybox", "sh", "-c",
                   "echo in > /index.html; exec httpd -f -p 80 -h /")  # fmt: skip
        address = user.orlop("port", "web", "80").stdout.strip()
        until(lambda: page(address) == "in\n", "the page")
        log = (user.base / "run/orlop/orlopd.log").read_text()
        assert "/dev/net/tun is closed to this user" in log
