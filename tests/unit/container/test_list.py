from __future__ import annotations

import json
import time
from typing import Any

import pytest
from fakes.rig import Rig
from fakes.rooms import IMAGE_ID

from orlop.container.create import create
from orlop.container.inspect import inspect
from orlop.container.list import list_, list_encoded
from orlop.container.pause import pause
from orlop.container.rename import rename
from orlop.container.start import start
from orlop.container.wait import wait
from orlop.errors import InvalidArgument, NotFound, OrlopError, SystemFailure

Json = dict[str, Any]


def made(rig: Rig, name: str, run: bool = True, config: Json | None = None, **host: Any) -> str:
    asked = {"Image": "busybox", "Cmd": ["sleep", "9 9"], **(config or {})}
    id, _ = create(rig.containers, asked, host, name=name)
    if run:
        start(rig.containers, id)
    return id


def names(rig: Rig, **options: Any) -> list[str]:
    return [c["Names"][0][1:] for c in list_(rig.containers, **options)]


def test_one_entry_has_dockers_shape(rig: Rig) -> None:
    id = made(
        rig,
        "web",
        config={"Labels": {"a": "b"}, "Volumes": {"/data": {}}},
        PortBindings={"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]},
    )
    (entry,) = list_(rig.containers)
    assert (
        list(entry)
        == (
            "Id Names Image ImageID Command Created Ports Labels State Status HostConfig "
            "NetworkSettings Mounts"
        ).split()
    )
    assert entry["Id"] == id
    assert entry["Command"] == "sleep '9 9'"
    assert entry["ImageID"] == IMAGE_ID
    assert entry["Ports"] == [
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}
    ]
    assert entry["State"] == "running"
    assert entry["Status"] == "Up Less than a second"
    assert entry["Mounts"][0]["Source"] == ""  # as dockerd: an image's volume
    assert inspect(rig.containers, id)["Mounts"][0]["Source"].endswith("_data")
    assert (
        list(entry["NetworkSettings"]["Networks"]["bridge"])
        == (
            "IPAMConfig Links Aliases MacAddress DriverOpts GwPriority NetworkID EndpointID "
            "Gateway IPAddress IPPrefixLen IPv6Gateway GlobalIPv6Address GlobalIPv6PrefixLen "
            "DNSNames"
        ).split()
    )


def test_order_limit_and_encoding(rig: Rig) -> None:
    for name in ("aa", "bb", "cc"):
        made(rig, name)
    made(rig, "dd", run=False)
    assert names(rig) == ["cc", "bb", "aa"]
    assert names(rig, all=True) == ["dd", "cc", "bb", "aa"]
    assert names(rig, limit=2) == ["dd", "cc"]  # -n counts those that do not run, too
    assert json.loads(list_encoded(rig.containers, all=True)) == list_(rig.containers, all=True)


def test_a_change_shows_at_once(rig: Rig) -> None:
    id = made(rig, "web")
    list_(rig.containers)
    rename(rig.containers, "web", "other")
    assert names(rig) == ["other"]
    pause(rig.containers, id)
    assert list_(rig.containers)[0]["Status"].endswith("(Paused)")
    rig.images.names.discard("busybox")
    rig.containers.touch_all()
    assert list_(rig.containers)[0]["Image"] == IMAGE_ID


def test_statuses(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    id = made(rig, "web", config={"Healthcheck": {"Test": ["CMD", "x"]}})
    made(rig, "new", run=False)
    now = time.time_ns()

    def status_in(seconds: int) -> dict[str, str]:
        monkeypatch.setattr(time, "time_ns", lambda: now + seconds * 10**9)
        return {c["Names"][0]: c["Status"] for c in list_(rig.containers, all=True)}

    assert status_in(0)["/new"] == "Created"
    assert status_in(9)["/web"] in ("Up 9 seconds (health: starting)",
                                    "Up 10 seconds (health: starting)")  # fmt: skip
    assert status_in(70)["/web"] == "Up About a minute (health: starting)"
    assert status_in(7200)["/web"] == "Up 2 hours (health: starting)"
    monkeypatch.undo()
    ended = wait(rig.containers, id)
    rig.keeper.end(id, 137 << 8)
    ended.result(5)
    now = time.time_ns()
    assert status_in(5)["/web"] in ("Exited (137) 5 seconds ago", "Exited (137) 4 seconds ago")
    assert status_in(-3600)["/web"] == "Exited (137) Less than a second ago"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"name": ["a[ab]"]}, ["aa"]),
        ({"name": ["^/aa$"]}, ["aa"]),
        ({"name": ["aa", "bb"]}, ["bb", "aa"]),
        ({"label": ["k"]}, ["aa"]),
        ({"label": ["k=v"]}, ["aa"]),
        ({"label": ["k=w"]}, []),
        ({"label": ["k", "none"]}, []),
        ({"status": ["created"]}, ["cc"]),
        ({"status": ["running", "created"]}, ["cc", "bb", "aa"]),
        ({"exited": ["0"]}, []),
        ({"before": ["bb"]}, ["aa"]),
        ({"since": ["aa"]}, ["cc", "bb"]),
        ({"volume": ["data"]}, ["bb"]),
        ({"volume": ["/data"]}, ["bb"]),
        ({"network": ["bridge"]}, ["bb", "aa"]),
        ({"network": ["none"]}, []),
        ({"publish": ["8080"]}, ["bb"]),
        ({"publish": ["8000-9000/tcp"]}, ["bb"]),
        ({"publish": ["8080/udp"]}, []),
        ({"expose": ["80/tcp"]}, ["bb"]),
        ({"ancestor": ["busybox"]}, ["bb", "aa"]),
        ({"ancestor": ["nope"]}, []),
        ({"health": ["none"]}, ["bb", "aa"]),
        ({"is-task": ["true"]}, []),
        ({"is-task": ["false"]}, ["bb", "aa"]),
        ({"isolation": ["x"]}, ["bb", "aa"]),
    ],
)
def test_filters(rig: Rig, filters: dict[str, list[str]], found: list[str]) -> None:
    made(rig, "aa", config={"Labels": {"k": "v"}})
    made(
        rig,
        "bb",
        config={"ExposedPorts": {"80/tcp": {}}},
        Binds=["data:/data"],
        PortBindings={"80/tcp": [{"HostPort": "8080"}]},
    )
    made(rig, "cc", run=False, NetworkMode="none")
    assert names(rig, filters=filters) == found


@pytest.mark.parametrize(
    ("filters", "kind", "text"),
    [
        ({"foo": ["x"]}, InvalidArgument, "invalid filter 'foo'"),
        ({"label!": ["a"]}, InvalidArgument, "invalid filter 'label!'"),
        (
            {"status": ["bad"]},
            InvalidArgument,
            "invalid filter 'status=bad': invalid value for state (bad): must be one of created, "
            "running, paused, restarting, removing, exited, dead",
        ),
        (
            {"exited": ["x"]},
            InvalidArgument,
            "invalid filter 'exited=x': strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        ({"before": ["nope"]}, NotFound, "No such container: nope"),
        (
            {"health": ["bad"]},
            InvalidArgument,
            "invalid filter 'health=bad': invalid value for health (bad): must be one of none, "
            "starting, healthy, unhealthy",
        ),
        ({"is-task": ["x"]}, InvalidArgument, "invalid filter 'is-task=[x]'"),
        (
            {"publish": ["x"]},
            SystemFailure,
            'error while looking up for publish x: strconv.ParseUint: parsing "x": invalid syntax',
        ),
    ],
)
def test_bad_filters(
    rig: Rig, filters: dict[str, list[str]], kind: type[OrlopError], text: str
) -> None:
    with pytest.raises(kind) as caught:
        list_(rig.containers, filters=filters)
    assert caught.value.message == text


def test_sizes(rig: Rig) -> None:
    id = made(rig, "web")
    (entry,) = list_(rig.containers, size=True)
    assert (entry["SizeRw"], entry["SizeRootFs"]) == (7, 107)
    assert inspect(rig.containers, id, size=True)["SizeRootFs"] == 107


def test_a_hundred_are_listed_fast(rig: Rig) -> None:
    for i in range(100):
        made(rig, f"n{i:03}")
    list_encoded(rig.containers)
    begun = time.perf_counter()
    for _ in range(200):
        list_encoded(rig.containers)
    assert (time.perf_counter() - begun) / 200 < 0.002


def test_inspect_has_dockers_keys(rig: Rig) -> None:
    id = made(rig, "web")
    shown = inspect(rig.containers, id)
    assert (
        list(shown)
        == (
            "Id Created Path Args State Image ResolvConfPath HostnamePath HostsPath LogPath Name "
            "RestartCount Driver Platform MountLabel ProcessLabel AppArmorProfile ExecIDs "
            "HostConfig GraphDriver Mounts Config NetworkSettings"
        ).split()
    )
    assert (
        list(shown["State"])
        == (
            "Status Running Paused Restarting OOMKilled Dead Pid ExitCode Error StartedAt "
            "FinishedAt"
        ).split()
    )
    assert (
        list(shown["NetworkSettings"])
        == (
            "Bridge SandboxID SandboxKey Ports HairpinMode LinkLocalIPv6Address "
            "LinkLocalIPv6PrefixLen SecondaryIPAddresses SecondaryIPv6Addresses EndpointID Gateway "
            "GlobalIPv6Address GlobalIPv6PrefixLen IPAddress IPPrefixLen IPv6Gateway MacAddress "
            "Networks"
        ).split()
    )
    assert shown["NetworkSettings"]["IPAddress"] == "192.0.2.7"
    assert shown["ExecIDs"] is None
