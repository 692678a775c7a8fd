"""A running container that changes what the engine walks through: S10, S12, S13, S15, S16, S17.

Two names of a directory that the victim uses are exchanged without end (RENAME_EXCHANGE): one is
an ordinary directory, the other a link to the canary. Each test races a naive engine first, which
has to fall, then ours. 2,000 operations of each kind with `make fuzz`, a sample otherwise.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import tarfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from canary import Canary
from daemon import Daemon
from racer import Racer

pytestmark = [pytest.mark.root, pytest.mark.timeout(3600)]
FULL = os.environ.get("ORLOP_FUZZ") == "full"
TRIES = 200_000  # of a naive victim, which falls within the first few hundred


def operations(sample: int) -> int:
    return 2000 if FULL else sample


def tar_of(name: str, data: bytes = b"planted") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o4777
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def strays(daemon: Daemon, canary: Canary) -> list[str]:
    """Mounts of the host on the canary, or of this daemon anywhere but below its layers."""
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        points = [line.split()[4] for line in table]
    own = (f"{daemon.data_root}/overlay2", f"{daemon.data_root}/orlop")
    return [
        p
        for p in points
        if str(canary.base) in p or (p.startswith(f"{daemon.data_root}/") and not p.startswith(own))
    ]


class Api:
    """One kept connection to the daemon; every answer is read whole."""

    def __init__(self, daemon: Daemon) -> None:
        self._connection = daemon.http()

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, bytes, str]:
        """(status, body, the header that describes a path)."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        headers = {"Content-Type": kind} if body is not None else {}
        try:
            self._connection.request(method, path, data, headers)
            answer = self._connection.getresponse()
            shown = answer.getheader("X-Docker-Container-Path-Stat") or ""
            return answer.status, answer.read(), shown
        except http.client.IncompleteRead as cut:  # what it was sending went away meanwhile
            self.close()
            return 206, cut.partial, ""

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def api(orlopd: Daemon) -> Iterator[Api]:
    with closing(Api(orlopd)) as made:
        yield made


def swapping(directory: Path, canary: Canary) -> None:
    """`d`, a directory with what is the container's own, and `link` to the canary."""
    inside = directory / "d"
    (inside / "dir").mkdir(parents=True)
    (inside / "secret").write_text("own")
    (inside / "dir" / "inner").write_text("own")
    (directory / "link").symlink_to(canary.base)


@pytest.fixture
def victim(orlopd: Daemon, canary: Canary) -> Iterator[tuple[str, Path]]:
    """A running container and, as the host sees it, its directory /race."""
    id = orlopd.docker("run", "-d", "--net=none", "busybox", "sleep", "3600").stdout.strip()
    orlopd.docker("exec", id, "mkdir", "/race")
    pid = orlopd.docker("inspect", "-f", "{{.State.Pid}}", id).stdout.strip()
    race = Path(f"/proc/{pid}/root/race")
    swapping(race, canary)
    yield id, race
    orlopd.docker("rm", "-f", id)


def falls(attempt: Callable[[], object], hit: Callable[[], bool]) -> bool:
    """Whether a naive victim is caught."""
    for _ in range(TRIES):
        try:
            attempt()
        except OSError:
            pass
        if hit():
            return True
    return False


def naive_read(path: Path) -> bytes:
    """Check, then use: what the first engines did."""
    if path.parent.is_symlink():
        raise PermissionError
    return path.read_bytes()


# --- S10, S12: cp and export ---------------------------------------------------------------------


def test_the_races_bite_a_naive_copy(tmp_path: Path, canary: Canary) -> None:
    swapping(tmp_path, canary)
    got: list[bytes] = []
    with Racer(tmp_path, "d", "link"):
        assert falls(
            lambda: got.append(naive_read(tmp_path / "d" / "secret")),
            lambda: bool(got) and canary.token.encode() in got.pop(),
        )

        def write() -> None:
            if not (tmp_path / "d").is_symlink():
                (tmp_path / "d" / "planted").write_text("x")

        assert falls(write, lambda: (canary.base / "planted").exists())
    assert not canary.intact()


@pytest.mark.parametrize("kind", ["stat", "out", "tree", "in", "export"])
def test_copies_of_a_container_that_swaps_directories(
    orlopd: Daemon, api: Api, victim: tuple[str, Path], canary: Canary, kind: str
) -> None:
    """S10 (CVE-2018-15664): HEAD, GET and PUT of the archive calls, and export."""
    id, race = victim
    archive = f"/containers/{id}/archive?path="
    packed = tar_of("planted")
    calls = {
        "stat": lambda: api("HEAD", archive + "/race/d/secret"),
        "out": lambda: api("GET", archive + "/race/d/secret"),
        "tree": lambda: api("GET", archive + "/race/d/."),
        "in": lambda: api("PUT", archive + "/race/d", packed),
        "export": lambda: api("GET", f"/containers/{id}/export"),
    }
    size = (canary.base / "secret").stat().st_size
    good = 0
    with Racer(race, "d", "link") as racer:
        for _ in range(operations(25 if kind in ("export", "in") else 150)):
            status, body, shown = calls[kind]()
            assert canary.token.encode() not in body
            if shown:
                assert json.loads(b64decode(shown))["size"] != size
            assert 0 < status < 500, body
            good += status == 200
    assert good  # what it asked for was there now and then
    assert racer.flips > 1000
    assert canary.intact()
    assert not strays(orlopd, canary)
    assert not list(canary.base.glob("planted"))


def test_copies_through_a_volume_whose_mount_point_is_swapped(
    orlopd: Daemon, api: Api, canary: Canary
) -> None:
    """S12 (CVE-2026-41568): a stopped container's volumes are mounted for a copy, one below a
    directory of the other, which another container swaps meanwhile."""
    volume = f"outer{os.getpid()}"
    orlopd.docker("volume", "create", volume)
    id = orlopd.docker(
        "create", "-v", f"{volume}:/v", "-v", f"{volume}b:/v/d/dir", "busybox"
    ).stdout.strip()
    shared = orlopd.data_root / "volumes" / volume / "_data"
    swapping(shared, canary)
    statuses: list[int] = []
    with Racer(shared, "d", "link") as racer:
        for number in range(operations(20)):
            if number % 2:
                status, body, _ = api(
                    "PUT", f"/containers/{id}/archive?path=/v/d/dir", tar_of("planted")
                )
            else:
                status, body, _ = api("GET", f"/containers/{id}/archive?path=/v/d/dir/.")
            assert canary.token.encode() not in body
            statuses.append(status)
    assert 200 in statuses
    assert racer.flips > 1000
    assert canary.intact()
    assert not strays(orlopd, canary)
    orlopd.docker("rm", "-v", id)
    orlopd.docker("volume", "rm", volume, f"{volume}b")


def test_a_link_inside_the_container_still_works(orlopd: Daemon, tmp_path: Path) -> None:
    """The other side of S12: /var/run -> /run of ordinary images is followed."""
    id = orlopd.docker("run", "-d", "--net=none", "busybox", "sleep", "300").stdout.strip()
    orlopd.docker("exec", id, "sh", "-c", "mkdir -p /run /var; ln -s /run /var/run")
    (tmp_path / "file").write_text("hello")
    orlopd.docker("cp", str(tmp_path / "file"), f"{id}:/var/run/file")
    assert orlopd.docker("exec", id, "cat", "/run/file").stdout == "hello"
    orlopd.docker("cp", f"{id}:/var/run/file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "hello"
    orlopd.docker("rm", "-f", id)


# --- S13: starts ---------------------------------------------------------------------------------


def again(orlopd: Daemon, api: Api, id: str, times: int) -> tuple[int, str]:
    """(how often it ended with 0, all that it said)."""
    good = 0
    for _ in range(times):
        status, body, _ = api("POST", f"/containers/{id}/start")
        if status == 204:
            _, body, _ = api("POST", f"/containers/{id}/wait")
            good += json.loads(body)["StatusCode"] == 0
    return good, orlopd.docker("logs", id).stdout


def naive_mount(volume: Path, place: Path) -> None:
    """What a check of the path and mount(2) by the path come to, without its mounting."""
    source = volume / "d"
    if not source.is_symlink():
        os.makedirs(source / "dir" / "made", exist_ok=True)
        place.write_bytes((source / "secret").read_bytes())


def test_the_races_bite_a_naive_mounter(tmp_path: Path, canary: Canary) -> None:
    swapping(tmp_path, canary)
    place = tmp_path / "shown"
    place.touch()
    with Racer(tmp_path, "d", "link"):
        assert falls(
            lambda: naive_mount(tmp_path, place), lambda: canary.token in place.read_text()
        )
        assert falls(lambda: naive_mount(tmp_path, place), lambda: not canary.intact())


TARGETS = {
    "below": ["-v", "{volume}:/v", "-v", "{volume}b:/v/d/dir/deep"],
    "tmpfs": ["-v", "{volume}:/v", "--tmpfs", "/v/d/dir/tmp:mode=777"],
    "file": ["-v", "{volume}:/v", "-v", "/etc/hostname:/v/d/dir/file:ro"],
    "workdir": ["-v", "{volume}:/v", "-w", "/v/d/dir/work"],
    "subpath": ["--mount", "type=volume,src={volume},dst=/v,volume-subpath=d"],
    "device": ["-v", "{volume}:/v", "--device", "/dev/null:/v/d/dir/null"],
}


@pytest.mark.parametrize("kind", TARGETS)
def test_starts_into_a_shared_volume_that_is_swapped(
    orlopd: Daemon, api: Api, canary: Canary, kind: str
) -> None:
    """S13 (CVE-2021-30465, CVE-2017-1002101): targets and sources of mounts below the swap."""
    volume = f"{kind}{os.getpid()}"
    orlopd.docker("volume", "create", volume)
    shared = orlopd.data_root / "volumes" / volume / "_data"
    swapping(shared, canary)
    flags = [f.format(volume=volume) for f in TARGETS[kind]]
    show = "cat /v/secret /v/d/secret /v/d/dir/* 2>/dev/null; touch /v/planted; true"
    id = orlopd.orlop(
        "create", "--net=none", *flags, "busybox", "sh", "-c", show
    ).stdout.strip()  # fmt: skip
    with Racer(shared, "d", "link") as racer:
        good, said = again(orlopd, api, id, operations(12))
    assert canary.token not in said
    assert good
    assert racer.flips > 1000
    assert canary.intact()
    assert not strays(orlopd, canary)
    orlopd.docker("rm", "-v", id)
    orlopd.docker("volume", "rm", "-f", volume, f"{volume}b")


# --- exec ----------------------------------------------------------------------------------------


def test_execs_in_a_container_that_swaps(
    orlopd: Daemon, api: Api, victim: tuple[str, Path], canary: Canary
) -> None:
    """The working directory and the table of users of an exec are looked up in the container."""
    id, race = victim
    etc = race.parent / "etc"
    (etc / "passwd").write_text("root:x:0:0::/:/bin/sh\nvictim:x:1234:1234::/:/bin/sh\n")
    (canary.base / "passwd").write_text("victim:x:0:0::/:/bin/sh\n")
    canary.before = canary.snapshot()
    (etc / "link").symlink_to(canary.base / "passwd")
    users = 0
    with Racer(race, "d", "link") as racer, Racer(etc, "passwd", "link"):
        for _ in range(operations(25)):
            config = {
                "AttachStdout": True,
                "Tty": True,
                "User": "victim",
                "WorkingDir": "/race/d",
                "Cmd": ["sh", "-c", "id -u; cat secret /race/d/secret"],
            }
            status, body, _ = api("POST", f"/containers/{id}/exec", config)
            if status != 201:
                continue
            path = f"/exec/{json.loads(body)['Id']}/start"
            _, said, _ = api("POST", path, {"Tty": True, "Detach": False})
            assert canary.token.encode() not in said
            assert not said.startswith(b"0\r\n")
            users += said.startswith(b"1234\r\n")
    assert users
    assert racer.flips > 1000
    assert canary.intact()
