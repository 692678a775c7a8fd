"""`orlopd --hardened`: what a container that asks for nothing gets, and how to ask for less."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from mappedd import AUTO, MappedDaemon

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def hardened() -> Iterator[MappedDaemon]:
    with closing(MappedDaemon("--hardened")) as daemon:
        daemon.start()
        daemon.orlop("bootstrap", "busybox")
        yield daemon


def out(daemon: MappedDaemon, *words: str) -> list[str]:
    return daemon.orlop(*words).stdout.split()


_LOOK = "cat /proc/self/uid_map; grep NoNewPrivs /proc/self/status"


def test_the_default_container(hardened: MappedDaemon) -> None:
    hardened.orlop("run", "-d", "--name=one", "busybox", "sleep", "600")
    hardened.orlop("run", "-d", "--name=two", "busybox", "sleep", "600")
    found = [out(hardened, "exec", name, "sh", "-c", _LOOK) for name in ("one", "two")]
    assert found[0] == ["0", str(AUTO), "1024", "NoNewPrivs:", "1"]
    assert found[1] == ["0", str(AUTO + 1024), "1024", "NoNewPrivs:", "1"]
    host = json.loads(hardened.docker("inspect", "-f", "{{json .HostConfig}}", "one").stdout)
    assert (host["PidsLimit"], host["UsernsMode"]) == (2048, "auto")
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    options = hardened.docker("info", "-f", "{{.SecurityOptions}}").stdout
    for word in ("name=hardened", "name=userns", "name=no-new-privileges", "profile=hardened"):
        assert word in options
    hardened.docker("rm", "-f", "one", "two")


def test_containers_do_not_reach_each_other(hardened: MappedDaemon) -> None:
    serve = "echo ok > /index.html; exec httpd -f -p 80 -h /"
    hardened.orlop("run", "-d", "--name=web", "busybox", "sh", "-c", serve)
    at = "{{.NetworkSettings.Networks.bridge.IPAddress}}"
    address = hardened.docker("inspect", "-f", at, "web").stdout.strip()
    ask = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {address} 80"
    # the control: it serves, to the host and to who shares its network
    own = hardened.orlop("run", "--rm", "--net=container:web", "busybox", "sh", "-c", ask)
    assert own.stdout.endswith("ok\n")
    other = hardened.orlop("run", "--rm", "busybox", "sh", "-c", ask, check=False)
    assert (other.returncode != 0, other.stdout) == (True, "")
    hardened.docker("rm", "-f", "web")


def test_less_for_who_asks(hardened: MappedDaemon) -> None:
    words = ("run", "--rm", "--userns=host", "--security-opt=no-new-privileges=false",
             "--pids-limit=-1", "busybox", "sh", "-c", _LOOK)  # fmt: skip
    assert out(hardened, *words) == ["0", "0", "4294967295", "NoNewPrivs:", "0"]
    refused = hardened.orlop("run", "--rm", "--privileged", "busybox", "true", check=False)
    assert "You must run the container in the host namespace" in refused.stderr
    hardened.orlop("run", "--rm", "--privileged", "--userns=host", "busybox", "true")


def test_builds_run_hardened(hardened: MappedDaemon) -> None:
    text = (
        f"FROM busybox\nRUN ({_LOOK}) > /found\nRUN --network=host cat /proc/self/uid_map > /host\n"
    )
    hardened.orlop("build", "-t", "built", "-", input=text)
    found = out(hardened, "run", "--rm", "built", "cat", "/found", "/host")
    assert found[3:] == ["NoNewPrivs:", "1", "0", "0", "4294967295"]
    assert found[1] != "0"


def test_without_ids_to_give_it_says_what_to_add() -> None:
    with closing(MappedDaemon("--hardened")) as daemon:
        for name in ("subuid", "subgid"):
            (daemon.base / "etc" / name).write_text("")
        with pytest.raises(AssertionError, match="add a line such as orlop:2147483648:2147418112"):
            daemon.start()
