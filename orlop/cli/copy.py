"""`cp`: between a container and this machine, through tar streams.

What comes from a container is not trusted: it is unpacked on directory descriptors, link by link
refused as a way out (`orlop.cli.untar`).
"""

import os
import posix
import stat
from posixpath import basename, dirname, normpath

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import err, is_terminal, write
from orlop.cli.session import Session
from orlop.cli.units import human_size
from orlop.client.transport import ApiError, query, quote
from orlop.oci.jsonlite import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from orlop.client.transport import Piece

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


def _decoded(header: str) -> "Any":
    import binascii

    return loads(binascii.a2b_base64(header))


def _archive(name: str, path: str) -> str:
    return f"/containers/{quote(name)}/archive" + query({"path": path})


# --- out of a container


def _out(session: Session, name: str, path: str, target: str, follow: bool, quiet: bool) -> None:
    rename = ""
    _check_output(target)
    if follow:
        path, rename = _followed(session, name, path)
    response = session.client.open("GET", _archive(name, path))
    found = _decoded(response.headers.get("x-docker-container-path-stat", ""))
    if target == "-":
        for data in response.chunks():
            write(1, data)
        return
    from orlop.cli.untar import unpack

    size = unpack(response.chunks(), *_place(path, rename or found["name"], found, target))
    session.client.release(response)
    if not quiet and is_terminal(1):
        err(f"Successfully copied {human_size(size, 3)} to {os.path.abspath(target)}\n")


def _followed(session: Session, name: str, path: str) -> tuple[str, str]:
    """(path, name of the copy) when `path` may be a link; what is wrong the copy itself says."""
    found = _find(session, name, path)
    if found is None or not found["mode"] & _SYMLINK:
        return path, ""
    return found["linkTarget"], basename(path.rstrip("/"))


def _check_output(target: str) -> None:
    if target == "-":
        return
    full = os.path.abspath(target)
    parent = dirname(full)
    if not os.path.exists(parent):
        raise Failure(f'invalid output path: directory "{parent}" does not exist')
    try:
        mode = os.stat(full).st_mode
    except FileNotFoundError:
        return
    except OSError as e:
        raise Failure(f"stat {full}: {(e.strerror or '').lower()}") from None
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        device = stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
        what = "a device" if device else "an irregular file"
        raise Failure(
            f'invalid output path: "{full}" must be a directory or a regular file: got {what}'
        )


def _local_target(target: str) -> str:
    """Where a link in place of the destination leads, whether or not something is there."""
    path = target.rstrip("/") or "/"
    for _ in range(10):
        if not os.path.islink(path):
            return path
        path = os.path.join(dirname(path), os.readlink(path))
    raise Failure(f"too many symlinks in {os.path.abspath(target)}")


def _place(path: str, name: str, found: "Any", target: str) -> tuple[str, str, str]:
    """(directory to unpack into, first component in the archive, what it is to be called)."""
    is_directory = bool(found["mode"] & _DIRECTORY)
    own = "." if path.endswith("/.") else found["name"]
    if os.path.isdir(target):
        if path.endswith("/.") and is_directory:
            return target, own, "."
        return target, own, name
    where = _local_target(target)
    if os.path.lexists(where) and is_directory:
        raise Failure("cannot copy directory")
    if not os.path.isdir(dirname(where) or "."):
        raise Failure("not a directory")
    if target.endswith("/") and not is_directory:
        raise Failure("no such directory")
    clean = normpath(where)
    return dirname(clean) or ".", own, basename(clean)


# --- into a container


def _in(session: Session, source: str, name: str, path: str, options: Options, quiet: bool) -> None:
    directory, called = _destination(session, name, path, source)
    counter = [0]
    stream: Iterator[Piece]
    if source == "-":
        stream = _stdin(counter)
    else:
        follow = options.flag("follow-link")
        from orlop.cli.tarwriter import pack

        stream = _counted(pack(_source(source, follow), called, follow), counter)
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
    if not quiet and source != "-" and is_terminal(1):
        err(f"Successfully copied {human_size(counter[0], 3)} to {name}:{path}\n")


def _source(source: str, follow: bool) -> str:
    """The path to read; a trailing slash looks through a link. Raises Failure."""
    path = source.rstrip("/") or "/"
    if follow and os.path.islink(path) and not os.path.exists(path):
        path = os.path.realpath(path)
    if not os.path.lexists(path):
        full = os.path.abspath(path)
        # Docker joins the parent and the name with a slash, even below the root
        raise Failure(f"lstat {dirname(full)}/{basename(full)}: no such file or directory")
    if os.path.islink(path) and source.endswith("/"):
        return os.path.realpath(path)
    return path


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
    _source(source, False)
    from_directory = os.path.isdir(source) and not (
        os.path.islink(source) and not source.endswith("/")
    )
    if found is not None and found["mode"] & _DIRECTORY:
        return path, "." if content and from_directory else own
    if found is not None and from_directory:
        raise Failure("cannot copy directory")
    if (not path or path.endswith(("/", "/.")) or path == ".") and not from_directory:
        raise Failure("no such directory")
    clean = normpath("/" + path.lstrip("/"))
    return dirname(clean), basename(clean)


def _find(session: Session, name: str, path: str) -> "Any":
    """What is at `path`, None when nothing can be said: the copy itself will say what is wrong."""
    try:
        response = session.client.open("HEAD", _archive(name, path))
    except ApiError:
        return None
    found = _decoded(response.headers.get("x-docker-container-path-stat", ""))
    response.read()
    session.client.release(response)
    return found


def _stdin(counter: list[int]) -> "Iterator[bytes]":
    while data := posix.read(0, 1 << 18):
        counter[0] += len(data)
        yield data


def _counted(pieces: "Iterator[Piece]", counter: list[int]) -> "Iterator[Piece]":
    for piece in pieces:
        counter[0] += len(piece)
        yield piece
