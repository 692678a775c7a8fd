"""Images whose links lead to the host, seen through the daemon: S11, S14, S18 to S21, S23.

Every attack is tried on a naive engine too, which writes or reads by the path: the control.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from canary import Canary
from daemon import Daemon

pytestmark = pytest.mark.root
UP = "../" * 30


def tree_of(links: dict[str, str], files: dict[str, bytes] | None = None) -> bytes:
    """A busybox image; `links` take the place of what it would have there."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:

        def add(name: str, kind: bytes, data: bytes = b"", link: str = "") -> None:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.size, info.linkname = kind, 0o755, len(data), link
            tar.addfile(info, io.BytesIO(data))

        for name in ("bin", "etc", "dev", "proc", "sys", "tmp"):
            if name not in links:
                add(name, tarfile.DIRTYPE)
        add("bin/busybox", tarfile.REGTYPE, Path("/bin/busybox").read_bytes())
        for applet in ("sh", "cat", "ls", "true", "id", "sleep", "touch", "find"):
            add(f"bin/{applet}", tarfile.SYMTYPE, link="busybox")
        for name, link in links.items():
            add(name, tarfile.SYMTYPE, link=link)
        for name, data in (files or {}).items():
            add(name, tarfile.REGTYPE, data)
    return out.getvalue()


@contextmanager
def image(
    daemon: Daemon, links: dict[str, str], *changes: str, files: dict[str, bytes] | None = None
) -> Iterator[str]:
    name = f"links:{uuid.uuid4().hex[:8]}"
    words = [w for change in changes for w in ("--change", change)]
    daemon.docker("import", *words, "-", name, input=tree_of(links, files), text=False)
    try:
        yield name
    finally:
        daemon.docker("rmi", "-f", name)


def ways_to(place: Path) -> list[str]:
    return [str(place), f"{UP}{str(place).lstrip('/')}"]


def test_the_links_bite_a_naive_engine(canary: Canary, tmp_path: Path) -> None:
    root = tmp_path / "rootfs"
    with tarfile.open(fileobj=io.BytesIO(tree_of({"dev": str(canary.base), "etc": str(canary.base)}))) as tar:  # fmt: skip  # noqa: E501
        for member in tar:
            if member.issym() and not member.name.startswith("bin"):
                (root / member.name).parent.mkdir(parents=True, exist_ok=True)
                (root / member.name).symlink_to(member.linkname)
    assert canary.token in (root / "etc" / "secret").read_text()  # a copy-up, a read
    (root / "etc" / "hosts").write_text("127.0.0.1 me\n")  # a file of the engine's
    os.mknod(root / "dev" / "null", 0o20666, os.makedev(1, 3))
    assert not canary.intact()
    assert (canary.base / "null").exists()


@pytest.mark.parametrize("name", ["proc", "sys"])
def test_procfs_and_sysfs_are_mounted_on_directories_only(
    orlopd: Daemon, canary: Canary, name: str
) -> None:
    """S14 (CVE-2019-19921): /proc of the image is a link."""
    for target in ("/x", *ways_to(canary.base / "dir")):
        with image(orlopd, {name: target}) as made:
            done = orlopd.docker("run", "--rm", "--net=none", made, "ls", f"/{name}", check=False)
        assert done.returncode in (125, 126, 127)
        assert "must be mounted on ordinary directory" in done.stderr
        assert canary.intact()
    with image(orlopd, {}) as made:  # the control
        found = orlopd.docker("run", "--rm", "--net=none", made, "ls", f"/{name}").stdout
    assert len(found.split()) > 5


@pytest.mark.parametrize("name", ["dev", "dev/pts", "dev/shm", "dev/mqueue", "dev/null"])
@pytest.mark.parametrize("tty", [False, True], ids=["plain", "terminal"])
def test_devices_land_inside(orlopd: Daemon, canary: Canary, name: str, tty: bool) -> None:
    """S18 (CVE-2026-41579): /dev of the image, or what is in it, is a link."""
    with image(orlopd, {}) as made:  # starts, so that the links are what is judged
        orlopd.docker("run", "--rm", "--net=none", made, "ls", "/dev")
    for target in ways_to(canary.base / "dir"):
        with image(orlopd, {name: target}) as made:
            orlopd.docker(
                "run", "--rm", "--net=none", *(["-t"] if tty else []), made, "ls", "/dev",
                check=False,
            )  # fmt: skip
        assert canary.intact()


@pytest.mark.parametrize(
    "name",
    ["etc/resolv.conf", "etc/hosts", "etc/hostname", "etc/mtab", "etc/passwd", "etc", "work",
     "run", "mnt"],
)  # fmt: skip
def test_files_of_ours_land_inside(orlopd: Daemon, canary: Canary, name: str) -> None:
    """S19: what a start writes, by links of the image: each target and its parents."""
    file = name.startswith("etc/")
    with image(orlopd, {}) as made:  # starts, so that the links are what is judged
        orlopd.docker("run", "--rm", "-u", "1234", "-w", "/work/deep", "--tmpfs", "/run/t",
                      "-v", "/etc/hostname:/mnt/file:ro", made, "cat", "/etc/hosts")  # fmt: skip
    for target in ways_to(canary.base / "secret" if file else canary.base / "dir"):
        with image(orlopd, {name: target}) as made:
            done = orlopd.docker(
                "run", "--rm", "-u", "1234", "-w", "/work/deep", "--tmpfs", "/run/t",
                "-v", "/etc/hostname:/mnt/file:ro", made, "cat", "/etc/hosts",
                f"/{name}/inner", f"/{name}", check=False,
            )  # fmt: skip
        assert canary.token not in done.stdout
        assert canary.intact()


def test_a_volume_is_not_filled_from_the_host(orlopd: Daemon, canary: Canary) -> None:
    """S20 (CVE-2022-23648): VOLUME /v of an image in which /v leads out."""
    for number, target in enumerate(ways_to(canary.base)):
        volume = f"fill{number}-{os.getpid()}"
        with image(orlopd, {"v": target}, "VOLUME /v") as made:
            show = ["find", "/v/", "-type", "f", "-exec", "cat", "{}", ";"]
            done = orlopd.docker(
                "run", "--rm", "--net=none", "-v", f"{volume}:/v", made, *show, check=False
            )
            assert canary.token not in done.stdout
            held = orlopd.data_root / "volumes" / volume / "_data"
            assert not [p for p in held.rglob("*") if p.name in ("secret", "inner")]
        orlopd.docker("volume", "rm", volume)
        assert canary.intact()
    volume = f"full-{os.getpid()}"
    with image(orlopd, {}, files={"v/image": b"image"}) as made:
        mount = ["-v", f"{volume}:/v"]
        first = orlopd.docker("run", "--rm", "--net=none", *mount, made, "ls", "/v").stdout
        assert first == "image\n"  # the control: copy-up works
        orlopd.docker("run", "--rm", "--net=none", *mount, made, "touch", "/v/own")
    with image(orlopd, {}, files={"v/other": b"other"}) as made:
        again = orlopd.docker("run", "--rm", "--net=none", *mount, made, "ls", "/v").stdout
        assert again.split() == ["image", "own"]
    orlopd.docker("volume", "rm", volume)


HOSTILE = {
    "fifo": "mkfifo /etc/passwd",
    "link": "ln -s {canary}/passwd /etc/passwd",
    "zero": "mknod /etc/passwd c 1 5",
    "huge": "truncate -s 2G /etc/passwd",
    "line": "dd if=/dev/zero bs=1M count=64 of=/etc/passwd 2>/dev/null",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_table_of_users(orlopd: Daemon, canary: Canary, kind: str) -> None:
    """S21 (CVE-2024-9676): an answer in time, no memory, no byte of the host's."""
    (canary.base / "passwd").write_text("bob:x:0:0::/:/bin/sh\n")
    canary.before = canary.snapshot()
    id = orlopd.docker("run", "-d", "--net=none", "busybox", "sleep", "300").stdout.strip()
    try:
        make = HOSTILE[kind].format(canary=canary.base)
        orlopd.docker("exec", id, "sh", "-c", f"rm -f /etc/passwd /etc/group; {make}")
        assert orlopd.process
        before = memory(orlopd.process.pid)
        began = time.monotonic()
        done = orlopd.docker("exec", "-u", "bob", id, "id", "-u", check=False)
        assert time.monotonic() - began < 5
        assert memory(orlopd.process.pid) - before < 16 << 20
        assert done.returncode
        assert "no matching entries in passwd file" in done.stderr
        assert canary.intact()
        orlopd.docker(
            "exec", id, "sh", "-c", "rm /etc/passwd; echo bob:x:9:9::/:/bin/sh >/etc/passwd"
        )
        assert orlopd.docker("exec", "-u", "bob", id, "id", "-u").stdout == "9\n"  # the control
    finally:
        orlopd.docker("rm", "-f", id)


def memory(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) << 10
    raise AssertionError(pid)


def test_a_working_directory_of_a_leaked_descriptor(orlopd: Daemon, canary: Canary) -> None:
    """S23 (CVE-2024-21626): run, exec and build with /proc/self/fd/N."""
    id = orlopd.docker("run", "-d", "--net=none", "busybox", "sleep", "300").stdout.strip()
    for number in range(3, 20):
        cwd = f"/proc/self/fd/{number}"
        for words in (
            ("run", "--rm", "--net=none", "-w", cwd, "busybox", "ls", "-la", "../../.."),
            ("exec", "-w", cwd, id, "ls", "-la", "../../.."),
        ):
            done = orlopd.docker(*words, check=False)
            assert done.returncode, words
            assert "total" not in done.stdout  # of ls -la
    orlopd.docker("rm", "-f", id)
    text = (
        b"FROM busybox\nWORKDIR /proc/self/fd/8\nRUN ls -la ../../.. && cat ../../../etc/shadow\n"
    )
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    built = orlopd.docker("build", "-q", "-", input=out.getvalue(), text=False, check=False)
    assert b"root:" not in built.stdout + built.stderr
    assert canary.intact()


def test_a_leaked_descriptor_bites_a_naive_runtime(canary: Canary, tmp_path: Path) -> None:
    held = os.open(canary.base, os.O_RDONLY | os.O_DIRECTORY)
    program = (
        "import os, sys; os.chroot(sys.argv[1]); os.fchdir(int(sys.argv[2]));"
        "print(open('secret').read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(held)],
        pass_fds=[held], capture_output=True, text=True,
    )  # fmt: skip
    os.close(held)
    assert canary.token in done.stdout


# --- S11: code of the container ------------------------------------------------------------------

EVIL = "open('/marker', 'w').close()\n"
NAMES = (
    "encodings/idna.py",
    "stringprep.py",
    "gettext.py",
    "encodings/punycode.py",
    "grp.py",
    "pwd.py",
)


def evil_tree(root: Path) -> None:
    """The standard library's places, filled with what leaves a marker."""
    for base in {sysconfig.get_path("stdlib"), "/usr/lib/python3.11", "/usr/lib/python3"}:
        for name in NAMES:
            path = root / base.lstrip("/") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(EVIL)


def test_late_imports_bite_who_changes_the_root(tmp_path: Path) -> None:
    evil_tree(tmp_path)
    program = (
        "import os, sys, importlib; os.chroot(sys.argv[1]); os.chdir('/');"
        "importlib.invalidate_caches(); import stringprep"
    )
    subprocess.run([sys.executable, "-S", "-c", program, str(tmp_path)], check=True)
    assert (tmp_path / "marker").exists()


def test_no_code_of_the_container_is_loaded(orlopd: Daemon, tmp_path: Path) -> None:
    """S11 (CVE-2019-14271): cp, export, exec by name and build COPY --chown=name."""
    evil_tree(tmp_path / "evil")
    for library in ("libnss_files.so.2", "libc.so.6"):
        for base in ("lib/x86_64-linux-gnu", "lib64", "usr/lib/x86_64-linux-gnu"):
            (tmp_path / "evil" / base).mkdir(parents=True, exist_ok=True)
            (tmp_path / "evil" / base / library).write_text("not a library")
    id = orlopd.docker("run", "-d", "--net=none", "busybox", "sleep", "300").stdout.strip()
    orlopd.docker("cp", f"{tmp_path}/evil/.", f"{id}:/")
    (tmp_path / "b\xfc-\u0661").write_text("x")
    orlopd.docker("cp", str(tmp_path / "b\xfc-\u0661"), f"{id}:/tmp/")
    orlopd.docker("cp", f"{id}:/tmp/b\xfc-\u0661", str(tmp_path / "back"))
    orlopd.docker("export", "-o", str(tmp_path / "all.tar"), id)
    orlopd.docker("exec", "-u", "nobody", id, "true", check=False)
    made = orlopd.docker("commit", id, "evil:1").stdout.strip()
    context = tmp_path / "context"
    context.mkdir()
    (context / "f").write_text("f")
    (context / "Dockerfile").write_text(
        "FROM evil:1\nRUN echo bob:x:7:7::/:/bin/sh >> /etc/passwd\n"
        "COPY --chown=bob f /f\nRUN ! test -e /marker\n"
    )
    orlopd.docker("build", "-q", str(context))
    assert orlopd.docker("exec", id, "ls", "/").stdout.split().count("marker") == 0
    assert not Path("/marker").exists()
    assert made
    orlopd.docker("rm", "-f", id)
    shutil.rmtree(tmp_path / "evil")
