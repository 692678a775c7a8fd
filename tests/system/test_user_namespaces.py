"""Containers in user namespaces: userns-remap, --userns=auto. Layers and volumes keep the
container's own IDs on disk, so that one data root serves mapped and unmapped containers."""

from __future__ import annotations

import io
import os
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from select import select

import pytest
from daemon import Daemon
from mappedd import AUTO, REMAP, MappedDaemon

pytestmark = pytest.mark.root
MAP = f"0 {REMAP} 65536"


@pytest.fixture(scope="module")
def mapped() -> Iterator[MappedDaemon]:
    """A daemon with userns-remap, with busybox:latest."""
    with closing(MappedDaemon("--userns-remap=default")) as daemon:
        daemon.start()
        daemon.orlop("bootstrap", "busybox")
        yield daemon


def out(daemon: Daemon, *words: str) -> str:
    return " ".join(daemon.orlop(*words).stdout.split())


def refused(daemon: Daemon, *words: str) -> str:
    done = daemon.orlop(*words, check=False)
    assert done.returncode != 0
    return done.stderr


def uid_map(daemon: Daemon, name: str) -> str:
    return out(daemon, "exec", name, "cat", "/proc/self/uid_map")


def owners(stream: bytes) -> dict[str, tuple[int, int]]:
    with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
        return {m.name: (m.uid, m.gid) for m in tar}


def test_mapped_unless_the_host_is_asked_for(mapped: MappedDaemon) -> None:
    assert out(mapped, "run", "--rm", "busybox", "cat", "/proc/self/uid_map") == MAP
    host = ("run", "--rm", "--userns=host", "--privileged", "busybox", "cat", "/proc/self/uid_map")
    assert out(mapped, *host) == "0 0 4294967295"
    assert "name=userns" in mapped.docker("info", "-f", "{{.SecurityOptions}}").stdout


def test_what_needs_the_hosts_namespace_is_refused(mapped: MappedDaemon) -> None:
    run = ("run", "--rm")
    assert "privileged mode is incompatible with user namespaces.  You must run" in refused(
        mapped, *run, "--privileged", "busybox"
    )
    assert "cannot share the host's network namespace when user namespaces are enabled" in refused(
        mapped, *run, "--net=host", "busybox"
    )
    assert "cannot share the host PID namespace when user namespaces are enabled" in refused(
        mapped, *run, "--pid=host", "busybox"
    )
    assert "invalid user namespace mode: auto:foo=1" in refused(
        mapped, *run, "--userns=auto:foo=1", "busybox"
    )


def test_everyday_work_of_a_mapped_container(mapped: MappedDaemon) -> None:
    script = (
        "mkdir /www; echo hello > /www/index.html; chown 5:6 /www; rm /bin/acpid; "
        "echo v > /data/f; chown 7:8 /data/f; echo started; echo bad >&2; "
        "exec httpd -f -p 80 -h /www"
    )
    mapped.orlop("run", "-d", "--name=web", "-v=vol:/data", "-p=127.0.0.1::80", "--init",
                 "--memory=64m", "busybox", "sh", "-c", script)  # fmt: skip
    address = mapped.orlop("port", "web", "80").stdout.strip()
    until(lambda: _page(address) == b"hello\n", "the page")
    log = mapped.orlop("logs", "web")
    assert (log.stdout, log.stderr) == ("started\n", "bad\n")
    assert out(mapped, "exec", "web", "id", "-u") == "0"
    assert out(mapped, "exec", "-u", "1000:1001", "web", "id", "-g") == "1001"
    assert out(mapped, "exec", "web", "stat", "-c", "%u:%g", "/www", "/data/f") == "5:6 7:8"
    assert out(mapped, "exec", "web", "stat", "-c", "%u", "/etc/hosts", "/etc/resolv.conf") == "0 0"
    processes = mapped.docker("top", "web", "-eo", "pid,uid,args").stdout
    assert processes.split()[4] == str(REMAP)
    # on disk: the container's own IDs
    volume = mapped.data_root / "volumes/vol/_data/f"
    assert (volume.stat().st_uid, volume.stat().st_gid) == (7, 8)
    upper = Path(out(mapped, "inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", "web"))
    assert ((upper / "www").stat().st_uid, (upper / "www/index.html").stat().st_uid) == (5, 0)
    # diff, cp, export and commit tell them
    assert {"D /bin/acpid", "A /www"} <= set(mapped.orlop("diff", "web").stdout.splitlines())
    archive = mapped.docker("cp", "web:/www", "-", text=False).stdout
    assert owners(archive) == {"www": (5, 6), "www/index.html": (0, 0)}
    exported = owners(mapped.docker("export", "web", text=False).stdout)
    assert (exported["www"], exported["bin/busybox"]) == ((5, 6), (0, 0))
    mapped.docker("cp", "-", "web:/root", input=_archive("brought", 12, 13), text=False)
    shown = ("exec", "web", "stat", "-c", "%u:%g", "/root/brought")
    assert out(mapped, *shown) == "12:13"
    mapped.docker("commit", "web", "committed")
    look = ("committed", "stat", "-c", "%u:%g", "/www", "/root/brought")
    assert out(mapped, "run", "--rm", "--userns=host", *look) == "5:6 12:13"
    assert out(mapped, "run", "--rm", *look) == "5:6 12:13"
    # stopped: the same files, and a start with them
    mapped.docker("stop", "-t0", "web")
    mapped.docker("cp", "-", "web:/root", input=_archive("later", 21, 22), text=False)
    mapped.docker("start", "web")
    assert out(mapped, "exec", "web", "stat", "-c", "%u:%g", "/root/later") == "21:22"
    mapped.docker("rm", "-f", "web")


def until(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline, what
        select([], [], [], 0.05)


def _page(address: str) -> bytes:
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=10) as page:
            found: bytes = page.read()
            return found
    except OSError:
        return b""


def _archive(name: str, uid: int, gid: int) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.uid, info.gid, info.size = uid, gid, 1
        tar.addfile(info, io.BytesIO(b"x"))
    return made.getvalue()


def test_terminals_belong_to_the_containers_user(mapped: MappedDaemon) -> None:
    for user in ("0", "1000"):
        terminal = mapped.terminal(
            "orlop", "run", "--rm", "-it", "-u", user, "busybox", "sh", "-c",
            "stat -c 'is %u' $(tty) && echo ok > /dev/tty",
        )  # fmt: skip
        terminal.expect(f"is {user}")
        terminal.expect("ok")
        terminal.close()
    mapped.docker("run", "-d", "--name=tty", "busybox", "sleep", "600")
    terminal = mapped.terminal("orlop", "exec", "-it", "tty", "sh", "-c", "stat -c 'is %u' $(tty)")
    terminal.expect("is 0")
    terminal.close()
    mapped.docker("rm", "-f", "tty")


def test_copy_up_tmpfs_read_only_root_and_devices(mapped: MappedDaemon) -> None:
    mapped.orlop("build", "-t", "filled", "-", input=(
        "FROM busybox\nRUN mkdir /v && echo 1 > /v/a && chown 9:10 /v/a && id -u > /v/who\n"
        "RUN --mount=type=cache,target=/c touch /c/f && test $(stat -c %u /c/f) = 0\n"
        "VOLUME /v\nWORKDIR /made\n"
    ))  # fmt: skip
    words = ("run", "--rm", "filled", "stat", "-c", "%u:%g", "/v/a", "/v/who", "/made")
    assert out(mapped, *words) == "9:10 0:0 0:0"
    words = ("run", "--rm", "--read-only", "--tmpfs=/t", "--shm-size=1m", "busybox", "sh", "-c",
             "touch /t/x /dev/shm/x && stat -c %u /t/x && ! touch /y 2>&1")  # fmt: skip
    assert out(mapped, *words) == "0 touch: /y: Read-only file system"
    words = ("run", "--rm", "--device=/dev/null:/dev/other", "busybox", "sh", "-c",
             "echo x > /dev/other && stat -c %t:%T /dev/other")  # fmt: skip
    assert out(mapped, *words) == "1:3"
    words = ("run", "--rm", "--mount=type=image,source=filled,target=/i", "busybox", "stat", "-c",
             "%u", "/i/v/a")  # fmt: skip
    assert out(mapped, *words) == "9"


def test_a_shared_namespace_is_of_one_user_namespace(mapped: MappedDaemon) -> None:
    mapped.orlop("run", "-d", "--name=one", "--ipc=shareable", "busybox", "sleep", "600")
    mapped.orlop("run", "-d", "--name=free", "--userns=host", "busybox", "sleep", "600")
    inside = ("busybox", "readlink", "/proc/self/ns/user")
    expected = out(mapped, "exec", "one", "readlink", "/proc/self/ns/user")
    for flag in ("--net=container:one", "--pid=container:one", "--ipc=container:one"):
        assert out(mapped, "run", "--rm", flag, *inside) == expected
    assert "use --userns=host" in refused(
        mapped, "run", "--rm", "--net=container:free", "busybox", "true"
    )
    shared = ("run", "--rm", "--net=container:one", "--userns=host", "busybox", "true")
    mapped.orlop(*shared)
    mapped.docker("rm", "-f", "one", "free")


def test_ranges_of_auto_are_kept_and_never_shared(mapped: MappedDaemon) -> None:
    mapped.orlop("run", "-d", "--name=a1", "--userns=auto", "--restart=always", "busybox",
                 "sleep", "600")  # fmt: skip
    mapped.orlop("run", "-d", "--name=a2", "--userns=auto:size=3000", "busybox", "sleep", "600")
    first = [f"0 {AUTO} 1024", f"0 {AUTO + 1024} 3000"]
    assert [uid_map(mapped, n) for n in ("a1", "a2")] == first
    assert out(mapped, "inspect", "-f", "{{.HostConfig.UsernsMode}}", "a2") == "auto:size=3000"
    mapped.kill()
    mapped.start()
    assert [uid_map(mapped, n) for n in ("a1", "a2")] == first
    assert out(mapped, "exec", "-u", "100", "a2", "id", "-u") == "100"
    mapped.orlop("run", "-d", "--name=a3", "--userns=auto", "busybox", "sleep", "600")
    assert uid_map(mapped, "a3") == f"0 {AUTO + 4024} 1024"
    mapped.docker("restart", "-t0", "a2")
    assert uid_map(mapped, "a2") == first[1]
    assert "IDs in a row are free" in refused(
        mapped, "run", "--rm", "--userns=auto:size=19000", "busybox"
    )
    mapped.docker("rm", "-f", "a1")
    mapped.orlop("run", "-d", "--name=a4", "--userns=auto:size=1024", "busybox", "sleep", "600")
    assert uid_map(mapped, "a4") == first[0]
    mapped.docker("rm", "-f", "a2", "a3", "a4")


def test_a_mapped_container_goes_on_under_another_mapping(mapped: MappedDaemon) -> None:
    """What it wrote is its own again, whoever it is on the host."""
    mapped.orlop("run", "--name=moved", "--userns=auto:size=5000", "busybox", "sh", "-c",
                 "test -e /x || { echo x > /x; chown 77:78 /x; }; stat -c %u:%g /x")  # fmt: skip
    mapped.docker("commit", "moved", "moved")
    assert out(mapped, "run", "--rm", "moved") == "77:78"
    assert out(mapped, "start", "-a", "moved") == "77:78"
    mapped.docker("rm", "moved")


def test_a_host_directory_keeps_its_owners(mapped: MappedDaemon, tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o755)
    new = tmp_path / "new"
    words = ("run", "--rm", f"-v={new}:/h", "busybox", "sh", "-c", "touch /h/x; stat -c %u /h/x")
    assert out(mapped, *words) == "0"
    assert (new / "x").stat().st_uid == REMAP
