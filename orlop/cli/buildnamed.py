"""`--build-context name=…`: directories travel in the archive of the context, in a folder each.

Images, git repositories and URLs are the daemon's to fetch; an OCI layout is loaded into it first.
"""

import os

from orlop.cli import buildcontext
from orlop.cli.failure import Failure
from orlop.cli.session import Session
from orlop.cli.tarwriter import blocks
from orlop.client.transport import query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_REMOTE = ("docker-image://", "http://", "https://", "git://", "git@", "ssh://", "github.com/")
_LAYOUT = "oci-layout://"


class Named:
    """`said`: name → what the daemon is told; `folders`: name of a folder → directory."""

    def __init__(self, session: Session, given: "Iterable[str]") -> None:
        """Raises Failure."""
        self.said: dict[str, str] = {}
        self.folders: dict[str, buildcontext.Directory] = {}
        for text in given:
            name, equals, value = text.partition("=")
            if not equals or not name:
                raise Failure(f"invalid context value: {text}, expected key=value")
            if value.startswith(_LAYOUT):
                value = "docker-image://" + _load(session, value.removeprefix(_LAYOUT))
            if value.startswith(_REMOTE) and not os.path.isdir(value):
                self.said[name] = value
                continue
            if not os.path.isdir(value):
                raise Failure(f"failed to get build context {name}: path {value} not found")
            directory = buildcontext.Directory(value, "", bare=True)
            folder = _folder(name, directory.path)
            self.said[name] = f"part:{folder}"
            self.folders[folder] = directory

    def __iter__(self) -> "Iterator[bytes]":
        return self.pieces()

    def pieces(self) -> "Iterator[bytes]":
        """Members of a tar."""
        for folder, directory in self.folders.items():
            yield from directory.pieces(folder + "/")


def _folder(name: str, path: str) -> str:
    """The same for each build, so that what is in it is found again."""
    from hashlib import sha256

    return f".context.{sha256(os.fsencode(f'{name}={path}')).hexdigest()[:20]}"


class Alone:
    """An archive of nothing but named contexts, as often as it is asked for."""

    def __init__(self, named: Named) -> None:
        self._named = named

    def __iter__(self) -> "Iterator[bytes]":
        return blocks(self._named)


def _load(session: Session, where: str) -> str:
    """The ID of an image in an OCI layout: `dir`, `dir:tag`, `dir@digest`."""
    from orlop.cli.ocilayout import one

    path, wanted = where, ""
    if not os.path.isdir(path):
        mark = "@" if "@" in where else ":"
        path, _, wanted = where.rpartition(mark)
    if not os.path.isfile(os.path.join(path, "index.json")):
        raise Failure(f"{path or where} is not an OCI image layout: index.json not found")
    answer = session.client.raw(
        "POST",
        "/images/load" + query({"quiet": "1"}),
        headers=[("Content-Type", "application/x-tar")],
        stream=one(path, wanted),
    )
    return loaded(answer)[0]


def loaded(answer: bytes) -> list[str]:
    """Names or IDs of what `images/load` answered. Raises Failure for none."""
    from orlop.oci.jsonlite import split

    found, _ = split(answer.decode("utf-8", "replace") + "\n")
    text = "".join(str(m.get("stream") or "") for m in found)
    out = [line.partition(": ")[2].strip() for line in text.splitlines() if ": " in line]
    if not out:
        raise Failure("no image was found in the archive")
    return out
