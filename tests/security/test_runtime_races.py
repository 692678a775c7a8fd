"""A /dev and a /proc that another container changes while this one is built: S15, S16, S17.

The bundle's /dev is a directory shared with the attacker. 2,000 starts each with `make fuzz`, a
sample otherwise. Every race is first won against a victim that checks and then uses a path.
"""

from __future__ import annotations

import array
import json
import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from bundles import Runtime, make
from canary import Canary
from racer import Racer

from orlop.kernel import mount

pytestmark = [pytest.mark.root, pytest.mark.timeout(3600)]
STARTS = 2000 if os.environ.get("ORLOP_FUZZ") == "full" else 10
NULL = "character special file 1:3"


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    with closing(Runtime("orlop-runtime", tmp_path / "state")) as made:
        yield made


@pytest.fixture
def shared(tmp_path: Path, canary: Canary) -> Path:
    """A /dev whose null device, console and pts have a link to the canary beside them."""
    made = tmp_path / "shared"
    (made / "pts").mkdir(parents=True)
    os.mknod(made / "null", 0o20666, os.makedev(1, 3))
    (made / "null").chmod(0o666)
    (made / "console").touch()
    for name, target in (("null", "secret"), ("console", "secret"), ("pts", "dir")):
        (made / f"{name}-link").symlink_to(canary.base / target)
    return made


def bundle_of(path: Path, shared: Path, *command: str, **changes: Any) -> Path:
    """With the shared directory as /dev, and nothing mounted in it but a devpts."""
    bundle = make(path, *command, **changes)
    spec = json.loads((bundle / "config.json").read_text())
    bind = {"destination": "/dev", "type": "bind", "source": str(shared), "options": ["bind"]}
    kept = [m for m in spec["mounts"] if not m["destination"].startswith("/dev")]
    pts = [m for m in spec["mounts"] if m["destination"] == "/dev/pts"]
    spec["mounts"] = [*kept, bind, *(pts if changes.get("process") else ())]
    (bundle / "config.json").write_text(json.dumps(spec))
    return bundle


def decoy(bundle: Path, canary: Canary) -> None:
    """Inside the rootfs the attacker's link leads somewhere, too."""
    place = Path(f"{bundle}/rootfs{canary.base}")
    (place / "dir").mkdir(parents=True)
    (place / "secret").write_text("decoy")


def beaten(attempt: Callable[[], bool]) -> bool:
    for _ in range(200_000):
        try:
            if attempt():
                return True
        except OSError:
            continue
    return False


def test_the_race_bites_who_checks_the_path_of_the_null_device(
    shared: Path, canary: Canary
) -> None:
    def naive() -> bool:
        if (shared / "null").is_symlink():
            return False
        return canary.token.encode() in (shared / "null").read_bytes()

    with Racer(shared, "null", "null-link"):
        assert beaten(naive)


def test_masked_paths_while_the_null_device_is_swapped(
    runtime: Runtime, shared: Path, tmp_path: Path, canary: Canary
) -> None:
    """S15 (CVE-2025-31133): each masked file is the null device, or nothing starts."""
    masked = ["/etc/passwd", "/proc/keys", "/proc/timer_list"]
    bundle = bundle_of(
        tmp_path / "b", shared, "stat", "-c", "%F %t:%T", *masked, linux={"maskedPaths": masked}
    )  # fmt: skip
    decoy(bundle, canary)
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    started = 0
    with Racer(shared, "null", "null-link") as racer:
        for _ in range(STARTS):
            done = runtime.run(bundle, uuid.uuid4().hex[:12])
            if done.returncode == 0:
                started += 1
                assert done.stdout.splitlines() == [NULL] * 3
            else:
                assert not done.stdout, done.stdout
    assert started
    assert racer.flips > 1000
    assert canary.intact()
    assert Path("/proc/sys/kernel/core_pattern").read_text() == pattern


def test_the_race_bites_who_checks_the_path_of_the_console(shared: Path, canary: Canary) -> None:
    def naive() -> bool:
        if not (shared / "console").is_symlink():
            (shared / "console").write_text("x")
        return not canary.intact()

    with Racer(shared, "console", "console-link"):
        assert beaten(naive)


@pytest.mark.parametrize("name", ["console", "pts"])
def test_terminals_while_their_places_are_swapped(
    runtime: Runtime, shared: Path, tmp_path: Path, canary: Canary, name: str
) -> None:
    """S16 (CVE-2025-52565): /dev/console is a terminal of this container's devpts."""
    places = f"/dev/console /dev/console-link {canary.base}/secret"
    # the names are swapped under the look as well: so it looks more than once
    show = f"for i in 1 2 3 4 5 6 7 8 9; do stat -L -c '%F %t' {places} 2>/dev/null; done; true"
    bundle = bundle_of(tmp_path / "b", shared, "sh", "-c", show, process={"terminal": True})
    decoy(bundle, canary)
    shown = 0
    with Racer(shared, name, f"{name}-link") as racer:
        for number in range(STARTS):
            said = on_a_terminal(runtime, bundle, tmp_path / f"s{number}")
            if said is not None:
                # 88: a pseudo-terminal, at the place that won; never at one of the host's
                assert b"character special file 88" in said, said
                shown += 1
    assert shown
    assert racer.flips > 1000
    assert canary.intact()


def on_a_terminal(runtime: Runtime, bundle: Path, place: Path) -> bytes | None:
    """All that the container writes to its terminal; None when it does not start."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        listener.settimeout(30)
        id = uuid.uuid4().hex[:12]
        runtime.made.append(id)
        try:
            done = runtime.call("create", "-b", str(bundle), "--console-socket", str(place), id)
        finally:
            place.unlink()
        if done.returncode:
            return None
        peer, _ = listener.accept()
    with peer:
        _, ancillary, _, _ = peer.recvmsg(4096, socket.CMSG_SPACE(4))
    (master,) = array.array("i", ancillary[0][2])
    try:
        terminals = os.open(f"/proc/{runtime.state(id)['pid']}/fd/0", os.O_PATH)
        try:
            assert mount.filesystem_magic(terminals) == mount.DEVPTS_MAGIC
        finally:
            os.close(terminals)
        runtime.ok("start", id)
        said = b""
        try:
            while part := os.read(master, 4096):
                said += part
        except OSError:
            pass  # EIO: its last process is gone
        return said
    finally:
        os.close(master)
        runtime.call("delete", "--force", id)


FAKES = ("sys/net/ipv4/ip_forward", "self/oom_score_adj", "self/attr/exec", "self/setgroups")


@pytest.fixture
def fake_proc(tmp_path: Path, canary: Canary) -> Path:
    made = tmp_path / "fake"
    for name in FAKES:
        for path in (made / name, canary.base / "dir" / name.partition("/")[2]):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("untouched")
    for name in ("sys", "self"):
        (made / f"{name}-link").symlink_to(canary.base / "dir")
    canary.before = canary.snapshot()
    return made


def contents(fake: Path) -> list[str]:
    return [(fake / name).read_text() for name in FAKES]


def test_the_race_bites_who_writes_by_path(fake_proc: Path, canary: Canary) -> None:
    def naive() -> bool:
        if not (fake_proc / "sys").is_symlink():
            (fake_proc / FAKES[0]).write_text("1")
        return not canary.intact()

    with Racer(fake_proc, "sys", "sys-link"):
        assert beaten(naive)


@pytest.mark.parametrize("name", ["sys", "self"])
def test_nothing_is_written_to_a_false_procfs(
    runtime: Runtime, fake_proc: Path, tmp_path: Path, canary: Canary, name: str
) -> None:
    """S17 (CVE-2025-52881): sysctls and scores go to the kernel's procfs or nowhere."""
    bind = {"destination": "/proc", "type": "bind", "source": str(fake_proc), "options": ["bind"]}
    bundle = make(
        tmp_path / "b", "true",
        linux={"sysctl": {"net.ipv4.ip_forward": "1"}, "maskedPaths": [], "readonlyPaths": []},
        process={"oomScoreAdj": 321}, mounts=[bind],
    )  # fmt: skip
    with Racer(fake_proc, name, f"{name}-link") as racer:
        codes = [runtime.run(bundle, uuid.uuid4().hex[:12]).returncode for _ in range(STARTS)]
    assert set(codes) <= {0, 1}
    assert racer.flips > 1000
    assert contents(fake_proc) == ["untouched"] * len(FAKES)
    assert canary.intact()
    # the control: with a procfs of the kernel's the same settings arrive
    bundle = make(
        tmp_path / "c", "cat", "/proc/sys/net/ipv4/ip_forward", "/proc/self/oom_score_adj",
        linux={"sysctl": {"net.ipv4.ip_forward": "1"}}, process={"oomScoreAdj": 321},
    )  # fmt: skip
    assert runtime.run(bundle, uuid.uuid4().hex[:12]).stdout == "1\n321\n"
