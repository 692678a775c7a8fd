"""The built-in registry over a store with fake layers, and a client that hides nothing."""

from __future__ import annotations

import http.client
import json
import os
from pathlib import Path
from typing import Any

from fakes.images import document, fake_images, gz, layer_tar
from orlop.api.listen import open_tcp
from orlop.api.registry.application import Registry
from orlop.api.registry.guard import Guard
from orlop.api.server import Server, in_background
from orlop.image.images import Images
from orlop.image.published import Published
from orlop.oci.digest import digest_of
from orlop.oci.manifest import OCI_MANIFEST

NOWHERE = "sha256:" + "0" * 64
EMPTY = b"{}"


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["errors"][0]["code"])


class ServedRegistry:
    def __init__(
        self,
        folder: Path,
        *,
        images: Images | None = None,
        guard: Guard | None = None,
        read_only: bool = False,
    ) -> None:
        self.images = images or fake_images(folder)
        self.published = Published(self.images)
        self.lines: list[str] = []
        self.application = Registry(
            self.published, guard=guard, read_only=read_only, report=self.lines.append
        )
        self.server = Server(self.application)
        (listener,) = open_tcp("127.0.0.1:0", 0, None)
        self.host = listener.address
        self.server.listen(listener)
        self.thread = in_background(self.server)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """`path` below /v2/, or absolute as a Location is."""
        connection = http.client.HTTPConnection(self.host, timeout=10)
        try:
            target = path if path.startswith("/") else f"/v2/{path}"
            given = {key.replace("_", "-"): value for key, value in headers.items()}
            connection.request(method, target, body, given)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def close(self) -> None:
        self.server.stop(1)
        self.thread.join(10)
        self.application.sessions.close()


def upload(registry: ServedRegistry, name: str, data: bytes) -> str:
    """POST, then PUT: returns the digest."""
    begun = registry.ask("POST", f"{name}/blobs/uploads/")
    assert begun.status == 202
    wanted = digest_of(data)
    done = registry.ask("PUT", f"{begun.headers['location']}?digest={wanted}", data)
    assert done.status == 201, done.body
    assert done.headers["docker-content-digest"] == wanted
    return wanted


def descriptor(data: bytes, kind: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest_of(data), "size": len(data), **more}


def image(config: bytes, *layers: bytes, **more: Any) -> bytes:
    layer = "application/vnd.oci.image.layer.v1.tar+gzip"
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
            "layers": [descriptor(data, layer) for data in layers],
            **more,
        }
    ).encode()


def artifact(data: bytes, kind: str = "test/artifact", **more: Any) -> bytes:
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": kind,
            "config": descriptor(EMPTY, "application/vnd.oci.empty.v1+json"),
            "layers": [descriptor(data, "text/plain")],
            **more,
        }
    ).encode()


def put(registry: ServedRegistry, name: str, ref: str, raw: bytes, kind: str = "") -> Answer:
    kind = kind or OCI_MANIFEST
    return registry.ask("PUT", f"{name}/manifests/{ref}", raw, Content_Type=kind)


def push(registry: ServedRegistry, name: str, tag: str, **files: bytes) -> bytes:
    """A whole image of one layer; returns its manifest."""
    layer = layer_tar(files or {"a": os.urandom(100)})
    config = json.dumps(document([layer])).encode()
    upload(registry, name, config)
    upload(registry, name, gz(layer))
    raw = image(config, gz(layer))
    answer = put(registry, name, tag, raw)
    assert answer.status == 201, answer.body
    return raw
