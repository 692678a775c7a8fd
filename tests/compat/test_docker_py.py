"""docker-py on our socket, and over TCP with client certificates."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterator

import docker
import pytest
from daemon import Daemon
from docker.errors import APIError, ContainerError, ImageNotFound, NotFound

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def client(orlopd: Daemon) -> Iterator[docker.DockerClient]:
    made = docker.DockerClient(base_url=orlopd.host, timeout=30)
    yield made
    made.close()


def test_negotiation(client: docker.DockerClient, orlopd: Daemon) -> None:
    assert client.ping()
    assert client.version()["ApiVersion"] == "1.50"
    old = docker.DockerClient(base_url=orlopd.host, version="1.24")
    assert old.containers.list() is not None
    old.close()
    new = docker.DockerClient(base_url=orlopd.host, version="1.99")
    with pytest.raises(APIError, match="too new"):
        new.info()
    new.close()


def test_run(client: docker.DockerClient) -> None:
    assert client.containers.run("busybox", ["echo", "hi"], remove=True) == b"hi\n"
    with pytest.raises(ContainerError) as found:
        client.containers.run("busybox", ["sh", "-c", "echo no >&2; exit 3"], remove=True)
    assert found.value.exit_status == 3
    with pytest.raises(ImageNotFound):
        client.images.get("nosuch")
    with pytest.raises(NotFound):
        client.containers.get("nosuch")


def test_life(client: docker.DockerClient) -> None:
    container = client.containers.run("busybox", ["sleep", "100"], detach=True, labels={"a": "b"})
    try:
        assert container in client.containers.list(filters={"label": "a=b"})
        container.pause()
        container.reload()
        assert container.status == "paused"
        container.unpause()
        assert container.exec_run(["sh", "-c", "echo x >/made; cat /made; exit 2"]) == (2, b"x\n")
        code, (out, err) = container.exec_run(["sh", "-c", "echo o; echo e >&2"], demux=True)
        assert (code, out, err) == (0, b"o\n", b"e\n")
        assert container.top()["Titles"]
        assert container.stats(stream=False)["id"] == container.id
        samples = container.stats(decode=True)
        assert next(samples)["id"] == container.id
        samples.close()
        container.rename("py-renamed")
        container.restart(timeout=0)
        container.kill()
        assert container.wait()["StatusCode"] == 137
        assert {"Path": "/made", "Kind": 1} in container.diff()
    finally:
        container.remove(force=True)


def test_archives(client: docker.DockerClient) -> None:
    container = client.containers.create("busybox", ["true"])
    try:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            entry = tarfile.TarInfo("f")
            entry.size = 3
            tar.addfile(entry, io.BytesIO(b"abc"))
        assert container.put_archive("/tmp", buffer.getvalue())
        chunks, stat = container.get_archive("/tmp/f")
        assert stat["size"] == 3
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            assert tar.extractfile("f").read() == b"abc"  # type: ignore[union-attr]
        image = container.commit("py-commit", "1")
        assert image.tags == ["py-commit:1"]
        client.images.remove("py-commit:1")
    finally:
        container.remove()


def test_attach_socket(client: docker.DockerClient) -> None:
    container = client.containers.create("busybox", ["cat"], stdin_open=True)
    try:
        sock = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
        container.start()
        sock._sock.sendall(b"hello\n")
        sock._sock.shutdown(1)
        out = b""
        while data := sock._sock.recv(100):
            out += data
        assert out == b"\x01\0\0\0\0\0\0\x06hello\n"
        sock._sock.close()
        sock.close()
        assert container.wait()["StatusCode"] == 0
    finally:
        container.remove(force=True)


def test_logs_follow(client: docker.DockerClient) -> None:
    container = client.containers.run(
        "busybox", ["sh", "-c", "echo a; sleep 0.2; echo b"], detach=True
    )
    try:
        assert b"".join(container.logs(stream=True, follow=True)) == b"a\nb\n"
        assert container.logs(tail=1) == b"b\n"
    finally:
        container.remove(force=True)


def test_events(client: docker.DockerClient) -> None:
    since = int(time.time())
    client.containers.run("busybox", ["true"], remove=True)
    found = list(client.events(since=since, until=time.time() + 0.5, decode=True))
    assert {e["Action"] for e in found if e["Type"] == "container"} >= {"create", "start", "die"}


def test_volumes_and_networks(client: docker.DockerClient) -> None:
    volume = client.volumes.create("py-vol", labels={"x": "y"})
    assert volume in client.volumes.list(filters={"label": "x=y"})
    volume.remove()
    assert {n.name for n in client.networks.list()} >= {"bridge", "host", "none"}
    assert client.networks.get("bridge").attrs["Driver"] == "bridge"


def test_wrong_types_name_the_field(client: docker.DockerClient) -> None:
    api = client.api
    for body, field in (
        ({"Image": 5}, ".Image"),
        ({"Image": "busybox", "HostConfig": {"Memory": "x"}}, ".HostConfig.Memory"),
        ({"Image": "busybox", "Env": ["A=b", 1]}, ".Env.1"),
        (
            {"Image": "busybox", "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": 1}]}}},
            "HostPort",
        ),
        ({"Image": "busy\0box"}, "NUL character in field .Image"),
    ):
        answer = api._post_json(api._url("/containers/create"), data=body)
        assert answer.status_code == 400
        assert field in answer.json()["message"]


def test_statistics_end_with_their_container(client: docker.DockerClient) -> None:
    """At once: a program that leaves its loop and removes the container finds its stream ended."""
    container = client.containers.create("busybox", "true")
    samples = container.stats(decode=True)
    assert next(samples)["id"] == container.id
    begun = time.monotonic()
    container.remove()
    assert list(samples) == []
    assert time.monotonic() - begun < 0.8  # the next sample would have been due after a second
