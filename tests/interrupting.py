"""Kill the daemon in the middle of a call, and what must hold afterwards (the recovery oracle)."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon import Daemon

FULL = os.environ.get("ORLOP_CHAOS") == "full"
POINTS = int(os.environ.get("ORLOP_CHAOS_POINTS", "100" if FULL else "4"))
START = float(os.environ.get("ORLOP_CHAOS_START", "5"))  # seconds until the next daemon is ready

TABLE = os.environ.get("ORLOP_CHAOS_TABLE")  # a file that gets one JSON line per sweep

Call = tuple[str, ...]


def nothing() -> None:
    pass


def always() -> bool:
    return True


def seeded() -> random.Random:
    seed = int(os.environ.get("ORLOP_CHAOS_SEED") or int.from_bytes(os.urandom(4), "big"))
    print("ORLOP_CHAOS_SEED =", seed)  # pytest shows it when the test fails
    return random.Random(seed)


@contextmanager
def calling(daemon: Daemon, call: Call) -> Iterator[subprocess.Popen[bytes]]:
    source = subprocess.DEVNULL
    if call[0] == "import":
        source = os.open(call[1], os.O_RDONLY)
        call = ("import", "-", *call[2:])
    with subprocess.Popen(
        ["docker", *call],
        stdin=source,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **daemon.environment},
    ) as running:
        if source >= 0:
            os.close(source)
        yield running


def again(daemon: Daemon) -> None:
    """The next daemon, in time and with no manual step."""
    begun = time.monotonic()
    daemon.start()
    assert time.monotonic() - begun < START


def interrupt(daemon: Daemon, call: Call, after: float) -> bool:
    """Kill the daemon `after` seconds into `call`, or at its end. Was the call acknowledged?"""
    with calling(daemon, call) as running:
        ended = os.pidfd_open(running.pid)
        select.select([ended], [], [], after)
        os.close(ended)
        daemon.kill()
    again(daemon)
    return running.wait() == 0


def whole(daemon: Daemon, call: Call) -> float:
    """Seconds that the call takes uninterrupted; it succeeds."""
    begun = time.monotonic()
    with calling(daemon, call) as running:
        assert running.wait(120) == 0, call
    return time.monotonic() - begun


def consistent(daemon: Daemon) -> None:
    """What is listed works, nothing half made is there, every tree belongs to something."""
    for id in set(daemon.docker("images", "-aq", "--no-trunc").stdout.split()):
        daemon.orlop("image", "verify", "-q", id)
    ids = daemon.docker("ps", "-aq").stdout.split()
    if ids:
        daemon.docker("inspect", *ids)
    layerdb = daemon.data_root / "image/overlay2/layerdb"
    left = [str(p) for p in (layerdb / "tmp").rglob("*")]
    assert left == [], left
    settle(daemon)
    assert strays(daemon) == set(), daemon.log.read_text()[-3000:]
    running = daemon.docker("ps", "-q").stdout.split()
    assert len(merged(daemon)) == len(running), merged(daemon)
    assert len(ports(daemon)) <= len(running), ports(daemon)
    volumes = set(daemon.docker("volume", "ls", "-q").stdout.split())
    kept = {n for n in os.listdir(daemon.data_root / "volumes") if n != "metadata.db"}
    assert kept == volumes, (kept, volumes)
    notes = daemon.data_root / "orlop/volumes"
    assert {p.stem for p in notes.glob("*.json")} <= volumes
    blobs = daemon.data_root / "orlop/blobs"
    if blobs.is_dir():
        incoming = blobs / "incoming"
        assert not incoming.is_dir() or os.listdir(incoming) == []


def merged(daemon: Daemon) -> list[str]:
    """Overlays of this daemon that are mounted."""
    home = f"{daemon.data_root}/overlay2/"
    points = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return [point for point in points if point.startswith(home)]


def ports(daemon: Daemon) -> list[str]:
    """Links at this daemon's bridge."""
    bridge = Path("/sys/class/net") / daemon.bridge / "brif"
    return os.listdir(bridge) if bridge.is_dir() else []


def settle(daemon: Daemon) -> None:
    """Orphans go behind the start, as files and mounts do behind an rmi or rm."""
    for _ in range(500):
        running = len(daemon.docker("ps", "-q").stdout.split())
        if not strays(daemon) and len(merged(daemon)) == running >= len(ports(daemon)):
            return
        select.select([], [], [], 0.02)


def strays(daemon: Daemon) -> set[str]:
    """Trees that no record names, records whose tree is gone, records on their way out."""
    layerdb = daemon.data_root / "image/overlay2/layerdb"
    records = os.listdir(layerdb / "sha256")
    out = {name for name in records if name.endswith("-removing")}
    named = [layerdb / "sha256" / name / "cache-id" for name in set(records) - out]
    known = {p.read_text() for p in named if p.exists()}
    for mount in (layerdb / "mounts").iterdir():
        known |= {p.read_text() for n in ("mount-id", "init-id") if (p := mount / n).exists()}
    trees = set(os.listdir(daemon.data_root / "overlay2")) - {"l"}
    links = os.listdir(daemon.data_root / "overlay2/l")
    out |= set(os.listdir(daemon.data_root / "orlop/trash"))
    return out | (trees ^ known) | (set(links) if len(links) != len(trees) else set())


def tell(kind: str, call: Call, kills: int, acknowledged: int) -> None:
    if TABLE:
        name = " ".join(call[:2]) if call[0] == "volume" else call[0]
        row = {"sweep": kind, "call": name, "kills": kills, "acknowledged": acknowledged}
        with open(TABLE, "a") as file:
            file.write(json.dumps(row) + "\n")


def at_random(
    daemon: Daemon,
    call: Call,
    before: Callable[[], object] = nothing,
    *,
    repeat: Callable[[], object] | None = None,
    proof: Callable[[], bool] = always,
) -> None:
    """POINTS kills at random times; each time the call succeeds when it is repeated.

    `proof`: does what the call answered for hold? Asked when its client had seen success.
    """
    made = seeded()
    before()
    length = whole(daemon, call)
    acknowledged = 0
    for _ in range(POINTS):
        before()
        said = interrupt(daemon, call, made.uniform(0, length))
        acknowledged += said
        assert not said or proof(), "an acknowledged call is undone"
        consistent(daemon)
        repeat() if repeat else whole(daemon, call)
    tell("random", call, POINTS, acknowledged)


CALLS = (
    "rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,"
    "syncfs,ftruncate,mount,umount2,move_mount,symlink,symlinkat"
)


def at_call(daemon: Daemon, call: Call, name: str, number: int) -> tuple[bool, bool]:
    """Kill the daemon when one of its threads makes its `number`th system call `name`: was it
    killed (not when the call ended before, or the turn came to a worker), was it acknowledged?"""
    assert daemon.process
    settle(daemon)
    with injected(daemon, name, f"signal=KILL:when={number}"), calling(daemon, call) as running:
        died = os.pidfd_open(daemon.process.pid)
        ended = os.pidfd_open(running.pid)
        found, _, _ = select.select([died, ended], [], [], 60)
        assert found, "neither the call nor the daemon ended"
        # the answer may be out before what is done behind it
        killed = bool(died in found or select.select([died], [], [], 0.3)[0])
        os.close(died)
        os.close(ended)
    if killed or daemon.process.poll() is not None:  # on a busy machine the kill may come late
        assert daemon.process.wait() == -signal.SIGKILL
        killed = True
        again(daemon)
    return killed, running.wait() == 0


@contextmanager
def injected(daemon: Daemon, name: str, what: str) -> Iterator[None]:
    """`what` (strace's words) happens at the system calls `name` of the daemon's threads."""
    assert daemon.process
    tracer = subprocess.Popen(
        [
            "strace", "-f", "-qq", "-o", "/dev/null", "-p", str(daemon.process.pid),
            "-e", f"trace={name}", "-e", f"inject={name}:{what}",
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        attached(daemon.process.pid)
        yield
    finally:
        tracer.terminate()
        tracer.wait()


def attached(pid: int) -> None:
    """Until every thread of the daemon is traced, or it has ended."""
    for _ in range(1000):
        try:
            states = [p.read_text() for p in Path(f"/proc/{pid}/task").glob("*/status")]
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread ended
        if all("TracerPid:\t0" not in s or "State:\tZ" in s for s in states):
            return
        select.select([], [], [], 0.01)
    raise AssertionError("strace did not attach")


def at_every_call(
    daemon: Daemon,
    call: Call,
    before: Callable[[], object] = nothing,
    *,
    repeat: Callable[[], object] | None = None,
    proof: Callable[[], bool] = always,
    most: int = 1000,
) -> None:
    """A kill at each state-changing system call, or at a seeded sample of them."""
    before()
    points = points_of(daemon, call)
    assert 2 < len(points) < most, points
    if not FULL:
        seeded().shuffle(points)
    kills = acknowledged = 0
    for tried, (name, number) in enumerate(points):
        if not FULL and kills > 1 and tried >= POINTS:  # the rest were workers, which die alone
            break
        before()
        killed, said = at_call(daemon, call, name, number)
        kills += killed
        acknowledged += killed and said
        assert not said or proof(), "an acknowledged call is undone"
        consistent(daemon)
        repeat() if repeat else whole(daemon, call)
    assert kills > (len(points) // 4 if FULL else 1), points
    tell("calls", call, kills, acknowledged)


def points_of(daemon: Daemon, call: Call) -> list[tuple[str, int]]:
    """(system call, how often one thread made it before and now) of one whole call."""
    assert daemon.process
    settle(daemon)
    log = daemon.base / "calls"
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", str(log), "-p", str(daemon.process.pid),
         "-e", f"trace={CALLS},execve"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        attached(daemon.process.pid)
        whole(daemon, call)
        select.select([], [], [], 0.3)  # what is done behind the answer
    finally:
        tracer.terminate()
        tracer.wait()
    rows = [line.split(None, 1) for line in log.read_text().splitlines()]
    workers = {pid for pid, text in rows if text.startswith("execve(")}
    made: Counter[tuple[str, str]] = Counter()
    points: dict[tuple[str, int], None] = {}
    for pid, text in rows:
        name = text.partition("(")[0]
        if pid not in workers and name in CALLS.split(","):
            made[pid, name] += 1
            points[name, made[pid, name]] = None
    return list(points)


# --- what is called


def no_image(daemon: Daemon, name: str) -> None:
    daemon.docker("rmi", "-f", name, check=False)


def no_container(daemon: Daemon) -> None:
    daemon.docker("rm", "-f", "one", check=False)


def image(daemon: Daemon, name: str) -> Callable[[], bool]:
    return lambda: daemon.docker("image", "inspect", name, check=False).returncode == 0


def archive(daemon: Daemon, files: int = 300) -> Path:
    """Of an image with one more layer."""
    script = f"for i in $(seq {files}); do head -c 5000 /dev/urandom > /f$i; done"
    daemon.docker("run", "--name", "source", "busybox", "sh", "-c", script)
    daemon.docker("commit", "source", "some:1")
    path = daemon.base / "some.tar"
    daemon.docker("save", "-o", str(path), "some:1")
    return path


def kept(daemon: Daemon) -> None:
    """What was acknowledged before everything else is there and works."""
    shown = daemon.docker("run", "--rm", "--net=none", "busybox", "echo", "still here").stdout
    assert shown == "still here\n"
