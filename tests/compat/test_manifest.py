"""`orlop manifest` beside `docker manifest`: the same lines, the same drafts, the same lists.

The reference is the docker CLI itself, which does this without a daemon.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import Daemon
from fakes.images import document, gz, layer_tar
from registry import Registry

pytestmark = [pytest.mark.root, pytest.mark.timeout(180)]
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
KINDS = {
    DOCKER: (
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ),
    OCI: (
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.oci.image.layer.v1.tar+gzip",
    ),
}
NOBODY = "sha256:" + "a" * 64
# REG: the registry, T: a tag of this command line's own
LINES = """
manifest foo
manifest inspect
manifest inspect --insecure REG/app:amd64
manifest inspect -v --insecure REG/app:amd64
manifest inspect --insecure REG/oci:arm64
manifest inspect --verbose --insecure REG/oci:arm64
manifest inspect --insecure REG/app:none
manifest inspect BAD!!
manifest create REG/app:T
manifest create --insecure REG/app:T REG/app:amd64 REG/app:arm
manifest create --insecure REG/app:T REG/oci:arm64
manifest create --amend --insecure REG/app:T REG/oci:arm64
manifest create --insecure REG/app:other REG/app:nope
manifest create --insecure REG/app:other REG/app@NOBODY
manifest create --insecure REG/app:other BAD!!
manifest create BAD!! x
manifest inspect REG/app:T
manifest inspect -v REG/app:T
manifest inspect REG/app:T REG/app:arm
manifest inspect -v REG/app:T REG/app:arm
manifest inspect REG/app:T REG/app:x
manifest annotate REG/app:T REG/app:arm --arch arm64 --os linux --variant v8 --os-version 1
manifest annotate REG/app:T REG/app:arm --os-features a,b --os-features c,a
manifest annotate REG/app:T REG/app:zip
manifest annotate REG/app:nolist REG/app:arm
manifest annotate REG/app:T REG/app:arm --arch foo
manifest annotate REG/app:T REG/app:arm --os solaris --arch arm
manifest annotate REG/app:T REG/app:arm --os aix
manifest annotate a
manifest annotate BAD!! x
manifest annotate x BAD!!
manifest inspect REG/app:T
manifest push --insecure REG/app:T
manifest push --insecure REG/app:nolist
manifest push BAD!!
manifest push
manifest rm REG/app:T REG/app:nolist
manifest rm REG/app:T
manifest rm BAD!!
manifest rm
manifest inspect --insecure REG/app:T
manifest inspect -v --insecure REG/app:T
manifest create --insecure REG/app:list REG/app:T
manifest create --insecure REG/oci:T REG/oci:arm64 REG/oci:amd64
manifest push --purge --insecure REG/oci:T
manifest push --insecure REG/oci:T
manifest inspect --insecure REG/oci:T
manifest create --insecure REG/app REG/other:s390x
manifest inspect REG/app
manifest rm REG/app
manifest annotate --help
manifest create --help
manifest inspect --help
manifest push --help
manifest rm --help
""".strip().splitlines()
EXPERIMENTAL = "EXPERIMENTAL:"


def send(registry: Registry, method: str, path: str, body: bytes, kind: str = "") -> str:
    call = http.client.HTTPConnection(registry.address, timeout=30)
    call.request(method, path, body, {"Content-Type": kind or "application/octet-stream"})
    answer = call.getresponse()
    answer.read()
    call.close()
    assert answer.status in (201, 202)
    return answer.getheader("Location", "")


def put(registry: Registry, repository: str, data: bytes, kind: str) -> dict[str, object]:
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    place = send(registry, "POST", f"/v2/{repository}/blobs/uploads/", b"").split("/", 3)[3]
    send(registry, "PUT", f"/{place}&digest={digest}", data)
    return {"mediaType": kind, "size": len(data), "digest": digest}


def image(registry: Registry, repository: str, tag: str, kind: str, **said: str) -> None:
    layer = layer_tar({"a": f"{repository}:{tag}".encode()})
    config, blob = KINDS[kind]
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": put(registry, repository, json.dumps(document([layer], **said)).encode(), config),
        "layers": [put(registry, repository, gz(layer), blob)],
    }
    raw = json.dumps(manifest).encode()
    send(registry, "PUT", f"/v2/{repository}/manifests/{tag}", raw, kind)


@pytest.fixture(scope="module")
def stocked() -> Iterator[Registry]:
    made = Registry()
    image(made, "app", "amd64", DOCKER, architecture="amd64")
    image(made, "app", "arm", DOCKER, architecture="arm", variant="v7")
    image(made, "oci", "arm64", OCI, architecture="arm64")
    image(made, "oci", "amd64", OCI, architecture="amd64")
    image(made, "other", "s390x", DOCKER, architecture="s390x")
    yield made
    made.close()


def said(daemon: Daemon, name: str, registry: Registry, line: str) -> tuple[int, str, str]:
    words = line.replace("REG", registry.address).replace("NOBODY", NOBODY)
    words = words.replace(":T", f":{name}")
    done = getattr(daemon, name)(*words.split(), check=False)
    texts = (
        without_note(text)
        .replace(f":{name}", ":T")
        .replace("docker ", "orlop ")
        .replace("docker: ", "orlop: ")
        for text in (done.stdout, done.stderr)
    )
    return (done.returncode, *texts)  # type: ignore[return-value]


def without_note(text: str) -> str:
    """Docker calls these commands an experiment, in six lines and an empty one."""
    lines = text.splitlines(keepends=True)
    for at, line in enumerate(lines):
        if line.startswith(EXPERIMENTAL):
            del lines[at : at + 7]
            break
    return "".join(lines).rstrip("\n") + "\n"


def test_the_same_lines(orlopd: Daemon, stocked: Registry) -> None:
    docker = [said(orlopd, "docker", stocked, line) for line in LINES]
    ours = [said(orlopd, "orlop", stocked, line) for line in LINES]
    different = [row for row in zip(LINES, docker, ours) if row[1] != row[2]]
    assert not different, "\n".join(str(part) for row in different for part in row)


def test_the_same_drafts(orlopd: Daemon, stocked: Registry) -> None:
    """What one began, the other goes on with."""
    name = f"{stocked.address}/app:begun"
    arm = f"{stocked.address}/app:arm"
    orlopd.orlop("manifest", "create", name, arm, f"{stocked.address}/app:amd64")
    orlopd.docker("manifest", "annotate", name, arm, "--variant", "v6")
    (folder,) = (orlopd.base / "cli/manifests").glob("*app-begun")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    orlopd.orlop("manifest", "annotate", name, arm, "--variant", "v6")
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    orlopd.docker("manifest", "push", "--insecure", name)
    assert '"variant": "v6"' in orlopd.docker("manifest", "inspect", "--insecure", name).stdout
    orlopd.orlop("manifest", "rm", name)
    assert not folder.exists()


def test_a_damaged_draft(orlopd: Daemon) -> None:
    folder = Path(orlopd.base / "cli/manifests/docker.io_library_bad-1")
    os.makedirs(folder)
    (folder / "x").write_text("[")
    done = orlopd.orlop("manifest", "push", "bad:1", check=False)
    assert (done.returncode, done.stderr) == (1, f"damaged manifest draft {folder}/x\n")
    orlopd.orlop("manifest", "rm", "bad:1", check=False)
