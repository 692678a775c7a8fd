"""What `run` is given, as the API's create request."""

from __future__ import annotations

import os

import pytest

from orlop.client.options import Health, Mount, Options, ports, request, size, words
from orlop.errors import InvalidArgument


def test_plain_command() -> None:
    body = request("busybox", ["echo", "a b"], {})
    assert (body["Image"], body["Cmd"], body["OpenStdin"]) == ("busybox", ["echo", "a b"], False)
    assert body["HostConfig"] == {}
    assert "Entrypoint" not in body  # the image's


def test_every_option_has_a_place() -> None:
    samples: dict[str, object] = {
        "env": {"A": "b"}, "labels": {"a": "b"}, "entrypoint": "sh -c", "tty": True,
        "interactive": True, "healthcheck": Health("true"), "mounts": [Mount("/x")],
        "ports": {80: 8080}, "aliases": ["web"], "ip": "10.0.0.2", "memory": "64m",
        "memory_swap": -1, "shm_size": 1, "cpus": 0.5, "restart": "on-failure:3",
        "ulimits": {"nofile": 5}, "devices": ["/dev/null"], "log_driver": "none",
        "log_options": {"max-size": "1m"}, "stop_timeout": 3, "volumes": ["v:/v"],
        "config": {"HostConfig": {"OomScoreAdj": 5}},
    }  # fmt: skip
    empty = request("i", None, {})
    for name in Options.__annotations__:
        if name == "name":
            continue  # goes into the query
        value = samples.get(name, f"given-{name}")
        assert request("i", None, {name: value}) != empty, name  # type: ignore[misc]


def test_unknown_option_is_named() -> None:
    with pytest.raises(TypeError, match="unknown option: memroy"):
        request("i", None, {"memroy": "1g"})  # type: ignore[typeddict-unknown-key]


def test_host_options() -> None:
    body = request(
        "i", "sleep 1",
        {"memory": "1.5g", "cpus": 1.5, "restart": "on-failure:3", "devices": ["/dev/a:/dev/b:r"],
         "ulimits": {"nofile": (1, 2)}, "network": "net", "aliases": ["w"], "ip": "10.1.1.1"},
    )  # fmt: skip
    host = body["HostConfig"]
    assert host["Memory"] == 3 << 29
    assert host["NanoCpus"] == 1_500_000_000
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert host["Devices"] == [
        {"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "r"}
    ]
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 1, "Hard": 2}]
    assert body["NetworkingConfig"]["EndpointsConfig"] == {
        "net": {"Aliases": ["w"], "IPAMConfig": {"IPv4Address": "10.1.1.1"}}
    }


def test_config_is_laid_over() -> None:
    body = request(
        "i", None, {"memory": 5, "config": {"HostConfig": {"OomScoreAdj": 1}, "User": "u"}}
    )
    assert body["HostConfig"] == {"Memory": 5, "OomScoreAdj": 1}
    assert body["User"] == "u"


def test_ports() -> None:
    exposed, bindings = ports({80: 8080, "53/udp": ("127.0.0.1", 53), 1: None, 2: [3, ("::1", 4)]})
    assert list(exposed) == ["80/tcp", "53/udp", "1/tcp", "2/tcp"]
    assert bindings == {
        "80/tcp": [{"HostIp": "", "HostPort": "8080"}],
        "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "53"}],
        "1/tcp": [{"HostIp": "", "HostPort": ""}],
        "2/tcp": [{"HostIp": "", "HostPort": "3"}, {"HostIp": "::1", "HostPort": "4"}],
    }


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("64m", 64 << 20), ("1k", 1024), ("2GiB", 2 << 30), ("10b", 10), (7, 7), ("-1", -1)],
)
def test_sizes(text: int | str, bytes_: int) -> None:
    assert size(text) == bytes_


@pytest.mark.parametrize("text", ["", "m", "1x", "-5m", "1 2"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid size"):
        size(text)


def test_relative_bind_counts_from_here() -> None:
    body = request("i", None, {"volumes": ["./a:/b:ro", "name:/c", "/d"]})
    assert body["HostConfig"]["Binds"] == [f"{os.getcwd()}/a:/b:ro", "name:/c", "/d"]


def test_words() -> None:
    assert words("sh -c 'a b'") == ["sh", "-c", "a b"]
    assert words(None) is None
