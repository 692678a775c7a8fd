"""One image of an OCI layout directory, as an archive with an index of its own."""

import os

from orlop.cli.failure import Failure
from orlop.cli.tarwriter import blocks, file_member, header
from orlop.oci.jsonlite import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Json = dict[str, Any]

_NAME = "org.opencontainers.image.ref.name"
_MARK = b'{"imageLayoutVersion":"1.0.0"}'


def one(path: str, wanted: str) -> "Iterator[bytes]":
    """`wanted`: a tag, a digest, or "" for the only one. Raises Failure."""
    with open(os.path.join(path, "index.json"), "rb") as file:
        index = loads(file.read())
    found = [m for m in index.get("manifests") or () if _means(m, wanted)]
    if len(found) != 1:
        what = "no image" if not found else "more than one image"
        raise Failure(f"{what} in OCI layout {path}" + (f" is called {wanted}" if wanted else ""))
    bare = {k: v for k, v in found[0].items() if k != "annotations"}
    return blocks(_members(path, dumps({**index, "manifests": [bare]}).encode()))


def _means(entry: "Json", wanted: str) -> bool:
    name = str((entry.get("annotations") or {}).get(_NAME) or "")
    return not wanted or entry.get("digest") == wanted or name.rpartition(":")[2] == wanted


def _members(path: str, index: bytes) -> "Iterator[bytes]":
    for name, data in (("oci-layout", _MARK), ("index.json", index)):
        info = os.stat_result((0o100644, 0, 0, 1, 0, 0, len(data), 0, 0, 0))
        yield header(name, info, b"0", b"", len(data), "")
        yield data + bytes(-len(data) % 512)
    folder = os.path.join(path, "blobs", "sha256")
    for name in sorted(os.listdir(folder)):
        full = os.path.join(folder, name)
        yield from file_member(full, f"blobs/sha256/{name}", os.lstat(full), {})
