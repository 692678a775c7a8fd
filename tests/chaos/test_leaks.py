"""What is left behind by many containers: nothing."""

from __future__ import annotations

import os
import select
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from daemon import Daemon

pytestmark = pytest.mark.root
FULL = os.environ.get("ORLOP_CHAOS") == "full"
COUNT_ONE = 1000 if FULL else 100
Traces = dict[str, object]


def traces(daemon: Daemon) -> Traces:
    """Everything that a container makes on the host."""
    base = str(daemon.base)
    pids = [
        daemon.process.pid if daemon.process else 0,
        daemon.pid("keeper"),
        daemon.pid("scribe-0"),
    ]
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    own = Path("/proc/self/mounts").read_text()
    return {
        "mounts": sorted(line.split()[1] for line in own.splitlines() if base in line),
        "links": sorted(n.split(":")[1].strip() for n in links.splitlines() if daemon.bridge in n),
        "cgroups": cgroups(daemon),
        "nft elements": nft_elements(daemon),
        "downloads": sorted(os.listdir(daemon.data_root / "orlop" / "downloads")),
        "tmp": sorted(os.listdir(daemon.data_root / "tmp")),
        "layers": sorted(os.listdir(daemon.data_root / "overlay2")),
        "short links": len(os.listdir(daemon.data_root / "overlay2" / "l")),
        "records": sorted(os.listdir(daemon.data_root / "containers")),
        "mount records": sorted(os.listdir(daemon.data_root / "image/overlay2/layerdb/mounts")),
        "temporary": sorted(os.listdir(daemon.data_root / "image/overlay2/layerdb/tmp")),
        "trash": sorted(os.listdir(daemon.data_root / "orlop" / "trash")),
        "run": sorted(os.listdir(daemon.exec_root / "containers")),
        "keeper fds": len(os.listdir(f"/proc/{pids[1]}/fd")),
        "scribe fds": len(os.listdir(f"/proc/{pids[2]}/fd")),
        "children": sorted(children(pids[1]) - {pids[2]}),
    }


def cgroups(daemon: Daemon) -> list[str]:
    """Of containers that this daemon ever made: other daemons share the parent."""
    made = set((daemon.base / "ids").read_text().split())
    return sorted(
        str(p)
        for top in Path("/sys/fs/cgroup").iterdir()
        for p in (top / "orlop").glob("*")
        if p.name in made
    )


def nft_elements(daemon: Daemon) -> list[str]:
    """The table without its counters."""
    found = subprocess.run(
        ["nft", "-s", "list", "table", "inet", daemon.table],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.splitlines()


def note_ids(daemon: Daemon) -> subprocess.Popen[bytes]:
    """Write the ID of every container that is made from now on to <base>/ids."""
    file = daemon.base / "ids"
    file.touch()
    with file.open("ab") as out:
        return subprocess.Popen(
            ["docker", "events", "--since", "0", "--filter", "event=create", "--format", "{{.ID}}"],
            stdout=out,
            env={**os.environ, **daemon.environment},
        )


def children(pid: int) -> set[int]:
    return {int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def settled(daemon: Daemon, before: Traces) -> None:
    """Cleaning up goes on behind the answers: look until nothing differs."""
    deadline = time.monotonic() + 30
    while True:
        now = traces(daemon)
        wrong = {k: (before[k], now[k]) for k in before if before[k] != now[k]}
        if not wrong:
            return
        assert time.monotonic() < deadline, wrong
        select.select([], [], [], 0.05)


@pytest.mark.timeout(900)
def test_run_rm_again_and_again(own_orlopd: Daemon) -> None:
    own_orlopd.docker("run", "--rm", "-p", "127.0.0.1::80", "busybox", "true")
    own_orlopd.docker("run", "--rm", "-t", "busybox", "true")
    select.select([], [], [], 0.2)
    noted = note_ids(own_orlopd)
    before = traces(own_orlopd)
    assert own_orlopd.process
    fds = len(os.listdir(f"/proc/{own_orlopd.process.pid}/fd"))
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(own_orlopd.docker, "run", "--rm", "-p", "127.0.0.1::80", "busybox", "true")
            for _ in range(COUNT_ONE)
        ]
        for job in jobs:
            job.result()
    noted.terminate()
    noted.wait()
    made = (own_orlopd.base / "ids").read_text().split()
    assert len(set(made)) >= COUNT_ONE
    settled(own_orlopd, before)
    assert len(os.listdir(f"/proc/{own_orlopd.process.pid}/fd")) <= fds + 4


@pytest.mark.timeout(900)
def test_many_at_once(own_orlopd: Daemon) -> None:
    own_orlopd.docker("run", "--rm", "busybox", "true")
    select.select([], [], [], 0.2)
    noted = note_ids(own_orlopd)
    before = traces(own_orlopd)
    count = 200 if FULL else 30
    with ThreadPoolExecutor(8) as pool:
        ids = list(
            pool.map(
                lambda _: own_orlopd.docker("run", "-d", "busybox", "sleep", "1000").stdout.strip(),
                range(count),
            )
        )
    assert len(own_orlopd.docker("ps", "-q").stdout.split()) == count
    assert own_orlopd.docker("exec", ids[-1], "echo", "alive").stdout == "alive\n"
    own_orlopd.docker("rm", "-f", *ids, timeout=300)
    noted.terminate()
    noted.wait()
    assert set(ids) <= set((own_orlopd.base / "ids").read_text().split())
    settled(own_orlopd, before)
