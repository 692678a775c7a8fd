"""`artifact ls | attach | fetch`: signatures, bills of material and other files beside images."""

import os

from orlop.cli.credentials import header
from orlop.cli.failure import Failure
from orlop.cli.listing import Row, format_of, show
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.reference import parse
from orlop.cli.session import Session
from orlop.cli.units import human_size
from orlop.client.transport import query, quote
from orlop.oci.jsonlite import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Json = dict[str, Any]

_TYPE = "application/vnd.orlop.file"
_TITLE = "org.opencontainers.image.title"
_CREATED = "org.opencontainers.image.created"
_HEADERS = {"Digest": "DIGEST", "Type": "TYPE", "Size": "SIZE", "Created": "CREATED"}
_BLOCK = 1 << 18
_DIGITS = 19  # sha256: and 12 digits


class Artifact(Row):
    __slots__ = ("_cut", "_row")

    def __init__(self, row: "Json", cut: int | None) -> None:
        self._row, self._cut = row, cut

    def Digest(self) -> str:
        return str(self._row["digest"][: self._cut])

    def Type(self) -> str:
        return str(self._row.get("artifactType", ""))

    def Size(self) -> str:
        return human_size(self._row["size"], 3)

    def Created(self) -> str:
        return str((self._row.get("annotations") or {}).get(_CREATED, ""))


def ls(session: Session, options: Options) -> None:
    path, headers = _place(session, options.args[0])
    found = session.client.call(
        "GET", path + query({"type": options.text("type")}), headers=headers
    )
    if options.flag("quiet"):
        for row in found:
            out(row["digest"] + "\n")
        return
    cut = None if options.flag("no-trunc") else _DIGITS
    format_ = format_of(options.text("format"), None, False)
    show([Artifact(row, cut) for row in found], _HEADERS, tuple(_HEADERS), format_)


def attach(session: Session, options: Options) -> None:
    name, file = options.args
    path, headers = _place(session, name)
    try:
        fd = os.open(file, os.O_RDONLY)
    except OSError as e:
        raise Failure(f"open {file}: {(e.strerror or '').lower()}") from None
    try:
        made = session.client.call(
            "POST",
            path
            + query(
                {
                    "type": options.text("type") or _TYPE,
                    "mediatype": options.text("media-type"),
                    "title": os.path.basename(file),
                    "annotation": options.all("annotation"),
                }
            ),
            headers=headers,
            stream=_blocks(fd),
        )
    finally:
        os.close(fd)
    out(made["digest"] + "\n")


def _blocks(fd: int) -> "Iterator[bytes]":
    while data := os.read(fd, _BLOCK):
        yield data


def fetch(session: Session, options: Options) -> None:
    name = options.args[0]
    path, headers = _place(session, name)
    found = session.client.call(
        "GET", path.replace("/orlop/artifacts/", "/orlop/manifests/", 1), headers=headers
    )
    manifest = loads(found["Manifest"].encode())
    folder = options.text("output") or "."
    for layer in manifest.get("layers") or []:
        title = (layer.get("annotations") or {}).get(_TITLE) or layer["digest"][7:19]
        _write(session, path, headers, layer["digest"], folder, title)
        out(title + "\n")


def _write(
    session: Session, path: str, headers: "Any", digest: str, folder: str, title: str
) -> None:
    """A file of the artifact's own name, but in the folder and never over another one."""
    if "/" in title or title in ("", ".", "..") or "\0" in title:
        raise Failure(f"refusing to write a file called {title!r}")
    target = os.path.join(folder, title)
    response = session.client.open(
        "GET", path + "/content" + query({"digest": digest}), headers=headers
    )
    try:
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    except OSError as e:
        response.close()
        raise Failure(f"open {target}: {(e.strerror or '').lower()}") from None
    with open(fd, "wb") as file:
        for data in response.chunks():
            file.write(data)
    session.client.release(response)


def _place(session: Session, name: str) -> "tuple[str, Any]":
    ref = parse(name)
    return f"/orlop/artifacts/{quote(name, b'/:@')}", [header(session, ref.domain)]
