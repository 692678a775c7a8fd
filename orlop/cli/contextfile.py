"""The tar or zip that `context export` writes and `context import` reads. It may come from anybody:
only the names that belong there are taken, nothing is unpacked to disk."""

import io
import tarfile
import zipfile

from orlop.cli.failure import Failure
from orlop.oci.jsonlite import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_LIMIT = 10 << 20  # bytes of everything, as Docker's
_TLS = "tls/docker/"


def standard_input() -> bytes:
    with open(0, "rb", closefd=False) as stream:
        return stream.read(_LIMIT + 1)


def unpack(data: bytes) -> "tuple[dict[str, Any], dict[str, bytes]]":
    """(meta.json, TLS files by name). Raises Failure."""
    if len(data) > _LIMIT:
        raise Failure("invalid context: too large")
    meta: dict[str, Any] | None = None
    tls: dict[str, bytes] = {}
    for name, content in _zipped(data) if data[:4] == b"PK\x03\x04" else _tarred(data):
        if name == "meta.json":
            try:
                found = loads(content)
            except ValueError as e:
                raise Failure(f"invalid context: {e}") from None
            if not isinstance(found, dict):
                raise Failure("invalid context: no metadata found")
            meta = found
        elif name.startswith("tls/"):
            if name.startswith(_TLS):
                tls[name.removeprefix(_TLS)] = content
        else:
            raise Failure(f"{name}: unexpected context file")
    if meta is None:
        raise Failure("invalid context: no metadata found")
    return meta, tls


def _tarred(data: bytes) -> "Iterator[tuple[str, bytes]]":
    if not data.strip(b"\0"):
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for member in tar:
                if member.isfile():
                    stream = tar.extractfile(member)
                    yield member.name, stream.read() if stream else b""
                elif not member.isdir():
                    raise Failure(f"{member.name}: unexpected context file")
    except tarfile.TarError:
        raise Failure("archive/tar: invalid tar header") from None


def _zipped(data: bytes) -> "Iterator[tuple[str, bytes]]":
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LIMIT:
                raise Failure("invalid context: too large")
            for entry in archive.infolist():
                if not entry.is_dir():
                    yield entry.filename, archive.read(entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as e:
        raise Failure(f"zip: {e}") from None
