"""`cp`: between a container and this machine, through tar streams.

What comes from a container is not trusted: it is unpacked on directory descriptors, link by link
refused as a way out (`orlop.cli.untar`).
"""

import os
import posix
from posixpath import basename, dirname, normpath

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import err, is_terminal, write
from orlop.cli.session import Session
from orlop.cli.units import human_size
from orlop.client.jsonlite import loads
from orlop.client.transport import query, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_DIRECTORY = 1 << 31  # bits of Go's os.FileMode
_SYMLINK = 1 << 27


def cp(session: Session, options: Options) -> None:
    source, target = options.args
    if not source:
        raise Failure("source can not be empty")
    if not target:
        raise Failure("destination can not be empty")
    from_name, from_path = _split(source)
    to_name, to_path = _split(target)
    quiet = options.flag("quiet")
    if from_name and to_name:
        raise Failure("copying between containers is not supported")
    if from_name:
        _out(session, from_name, from_path, to_path, options.flag("follow-link"), quiet)
    elif to_name:
        _in(session, from_path, to_name, to_path, options, quiet)
    else:
        raise Failure("must specify at least one container source")


def _split(argument: str) -> tuple[str, str]:
    """(container, path); a path of this machine has no container."""
    if argument.startswith(("/", ".")):
        return "", argument
    name, colon, path = argument.partition(":")
    return (name, path) if colon else ("", argument)


def _stat(header: str) -> "Any":
    import binascii

    return loads(binascii.a2b_base64(header))


def _archive(name: str, path: str) -> str:
    return f"/containers/{quote(name)}/archive" + query({"path": path})


# --- out of a container


def _out(session: Session, name: str, path: str, target: str, follow: bool, quiet: bool) -> None:
    rename = ""
    if target != "-" and not target.endswith("/"):
        parent = dirname(normpath(target)) or "."
        if not os.path.isdir(parent):
            raise Failure(
                f'invalid output path: directory "{os.path.abspath(parent)}" does not exist'
            )
    if follow:
        response = session.client.open("HEAD", _archive(name, path))
        found = _stat(response.headers.get("x-docker-container-path-stat", ""))
        response.read()
        session.client.release(response)
        if found["mode"] & _SYMLINK:
            rename = basename(path.rstrip("/"))
            path = found["linkTarget"]
    response = session.client.open("GET", _archive(name, path))
    found = _stat(response.headers.get("x-docker-container-path-stat", ""))
    if target == "-":
        for data in response.chunks():
            write(1, data)
        return
    from orlop.cli.untar import unpack

    size = unpack(response.chunks(), *_place(path, rename or found["name"], found, target))
    session.client.release(response)
    if not quiet and is_terminal(2):
        err(f"Successfully copied {human_size(size, 3)} to {os.path.abspath(target)}\n")


def _place(path: str, name: str, found: "Any", target: str) -> tuple[str, str, str]:
    """(directory to unpack into, first component in the archive, what it is to be called)."""
    is_directory = bool(found["mode"] & _DIRECTORY)
    own = "." if path.endswith("/.") else found["name"]
    if os.path.isdir(target):
        if path.endswith("/.") and is_directory:
            return target, own, "."
        return target, own, name
    if os.path.lexists(target) and is_directory:
        raise Failure("cannot copy directory")
    if target.endswith("/") and not is_directory:
        raise Failure(f'no such directory: "{os.path.abspath(target)}/"')
    clean = normpath(target)
    return dirname(clean) or ".", own, basename(clean)


# --- into a container


def _in(session: Session, source: str, name: str, path: str, options: Options, quiet: bool) -> None:
    directory, called = _destination(session, name, path, source)
    counter = [0]
    if source == "-":
        stream = _stdin(counter)
    else:
        if not os.path.lexists(source.rstrip("/") or "/"):
            raise Failure(f"lstat {os.path.abspath(source)}: no such file or directory")
        stream = _pack(source, called, options.flag("follow-link"), counter)
    request = f"/containers/{quote(name)}/archive" + query(
        {
            "path": directory,
            "noOverwriteDirNonDir": "true",
            "copyUIDGID": "true" if options.flag("archive") else "",
        }
    )
    headers = [("Content-Type", "application/x-tar")]
    response = session.client.open("PUT", request, headers=headers, stream=stream)
    response.read()
    session.client.release(response)
    if not quiet and source != "-" and is_terminal(2):
        err(f"Successfully copied {human_size(counter[0], 3)} to {name}:{path}\n")


def _destination(session: Session, name: str, path: str, source: str) -> tuple[str, str]:
    """(directory in the container, name of the copy there)."""
    own = basename(normpath(os.path.abspath(source)))
    content = source.endswith("/.")
    found = _find(session, name, path)
    if found is not None and found["mode"] & _SYMLINK:
        path = found["linkTarget"]
        found = _find(session, name, path)
    if source == "-":
        if found is None or not found["mode"] & _DIRECTORY:
            raise Failure(f'destination "{name}:{path}" must be a directory')
        return path, ""
    from_directory = os.path.isdir(source)
    if found is not None and found["mode"] & _DIRECTORY:
        return path, "." if content and from_directory else own
    if found is not None and from_directory:
        raise Failure("cannot copy directory")
    if path.endswith("/") and not from_directory:
        raise Failure(f'no such directory: "{path}"')
    clean = normpath("/" + path.lstrip("/"))
    return dirname(clean), basename(clean)


def _find(session: Session, name: str, path: str) -> "Any":
    from orlop.client.transport import ApiError

    try:
        response = session.client.open("HEAD", _archive(name, path))
    except ApiError as e:
        if e.status == 404 and "No such container" not in e.message:
            return None
        if e.status == 404 and not e.message:
            return None
        raise
    found = _stat(response.headers.get("x-docker-container-path-stat", ""))
    response.read()
    session.client.release(response)
    return found


def _stdin(counter: list[int]) -> "Iterator[bytes]":
    while data := posix.read(0, 1 << 18):
        counter[0] += len(data)
        yield data


def _pack(source: str, called: str, follow: bool, counter: list[int]) -> "Iterator[bytes]":
    """A tar of `source`, its first component `called`."""
    import tarfile

    class Sink:
        def __init__(self) -> None:
            self.pieces: list[bytes] = []

        def write(self, data: bytes) -> int:
            self.pieces.append(bytes(data))
            return len(data)

    sink = Sink()
    top = source.rstrip("/") or "/"
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        for path, member in _walk(top, called, follow):
            info = tar.gettarinfo(path, member)
            if info is None:
                continue  # a socket
            if info.isreg():
                with open(path, "rb") as file:
                    tar.addfile(info, file)
            else:
                tar.addfile(info)
            while sink.pieces:
                piece = sink.pieces.pop(0)
                counter[0] += len(piece)
                yield piece
    for piece in sink.pieces:
        counter[0] += len(piece)
        yield piece


def _walk(top: str, called: str, follow: bool) -> "Iterator[tuple[str, str]]":
    if follow and os.path.islink(top):
        top = os.path.realpath(top)
    yield top, called
    if os.path.isdir(top) and not os.path.islink(top):
        for name in sorted(os.listdir(top)):
            yield from _walk(f"{top}/{name}", f"{called}/{name}", False)
