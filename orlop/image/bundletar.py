"""A bundle as an OCI image layout in an archive: what `-o type=oci` writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orlop.image.bundle import Bundle
from orlop.image.images import Images
from orlop.image.packed import open_packed
from orlop.oci.digest import Digest, hex_of
from orlop.oci.image import go_json
from orlop.oci.manifest import OCI_INDEX
from orlop.oci.reference import Reference
from orlop.storage.pack import DIRECTORY, END, Header, padding

_PIECE = 256 << 10
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


def bundle_tar(images: Images, found: Bundle, names: Sequence[Reference]) -> Iterator[bytes]:
    """In pieces. Raises NotFound for a layer that is gone."""
    for folder in (b"blobs/", b"blobs/sha256/"):
        yield Header(folder, mode=0o755, type=DIRECTORY).encode()
    small = {**found.blobs, **{d: raw for d, (raw, _, _) in found.manifests.items()}}
    for digest in sorted([*small, *found.layers]):
        if digest in small:
            yield _file(f"blobs/sha256/{hex_of(digest)}", small[digest])
        else:
            yield from _layer(images, digest, found.layers[digest])
    rows = []
    for name in names:
        said = {
            "io.containerd.image.name": str(name),
            "org.opencontainers.image.ref.name": name.tag,
        }
        rows.append({**found.top, "annotations": {**found.top.get("annotations", {}), **said}})
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows or [found.top]}
    yield _file("index.json", go_json(index))
    yield _file("oci-layout", _LAYOUT)
    yield END


def _file(name: str, data: bytes) -> bytes:
    return Header(name.encode(), size=len(data)).encode() + data + padding(len(data))


def _layer(images: Images, digest: Digest, size: int) -> Iterator[bytes]:
    yield Header(f"blobs/sha256/{hex_of(digest)}".encode(), size=size).encode()
    with open_packed(images, digest) as file:
        while data := file.read(_PIECE):
            yield data
    yield padding(size)
