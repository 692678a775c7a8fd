"""`export`, `save`, `load` and `import`: tar archives in and out."""

from __future__ import annotations

import os

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import is_terminal, write
from orlop.cli.progress import show
from orlop.cli.session import Session
from orlop.client.transport import Response, query, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 1 << 18


def _output(response: Response, path: str, what: str) -> None:
    """Copy the body to stdout, or to a file that appears only when it is whole."""
    if not path:
        for data in response.chunks():
            write(1, data)
        return
    directory = os.path.dirname(path) or "."
    temporary = os.path.join(directory, f".tmp-{os.path.basename(path)}{os.getpid()}")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            for data in response.chunks():
                f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.replace(temporary, path)
    except OSError as e:
        raise Failure(f"{what}: {(e.strerror or str(e)).lower()}") from None
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _check_output(path: str, what: str) -> None:
    if not path:
        if is_terminal(1):
            raise Failure("cowardly refusing to save to a terminal. Use the -o flag or redirect")
        return
    directory = os.path.dirname(path) or "."
    if not os.path.isdir(directory):
        reason = "not a directory" if os.path.exists(directory) else "no such file or directory"
        verb = "stat" if not os.path.exists(directory) else "open"
        raise Failure(
            f"{what}: invalid output path: {verb} {directory}: {reason}"
            if verb == "stat"
            else f"{what}: {verb} {path}: {reason}"
        )
    if os.path.isdir(path):
        raise Failure(f"{what}: cannot write to a directory")


def export(session: Session, options: Options) -> None:
    path = options.text("output")
    _check_output(path, "failed to export container")
    response = session.client.open("GET", f"/containers/{quote(options.args[0])}/export")
    _output(response, path, "failed to export container")


def save(session: Session, options: Options) -> None:
    path = options.text("output")
    platform = _platform(options)
    _check_output(path, "failed to save image")
    response = session.client.open(
        "GET", "/images/get" + query({"names": options.args, "platform": platform})
    )
    _output(response, path, "failed to save image")


def _platform(options: Options) -> str:
    if not options.text("platform"):
        return ""
    from orlop.cli.platform import to_json

    try:
        return to_json(options.text("platform"))
    except Failure as e:
        raise Failure(f"invalid platform: {e.message}") from None


def _blocks(fd: int) -> Iterator[bytes]:
    while data := os.read(fd, _BLOCK):
        yield data


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as e:
        raise Failure(f"open {path}: {(e.strerror or '').lower()}") from None


def load(session: Session, options: Options) -> None:
    path = options.text("input")
    platform = _platform(options)
    if not path and is_terminal(0):
        raise Failure("requested load from stdin, but stdin is empty")
    fd = _open(path) if path else 0
    quiet = options.flag("quiet") or not is_terminal(1)
    response = session.client.open(
        "POST",
        "/images/load" + query({"platform": platform, "quiet": "1" if quiet else "0"}),
        headers=[("Content-Type", "application/x-tar")],
        stream=_blocks(fd),
    )
    if "json" in response.headers.get("content-type", ""):
        show(response, 1)
        return
    for data in response.chunks():
        write(1, data)


def import_(session: Session, options: Options) -> None:
    source, *rest = options.args
    name = source
    stream: Iterator[bytes] | None = None
    if source == "-":
        stream = _blocks(0)
    elif not source.startswith(("http://", "https://")):
        stream, name = _blocks(_open(source)), "-"
    reference = rest[0] if rest else ""
    if reference:
        from orlop.cli.reference import parse

        try:
            parse(reference)
        except ValueError as e:
            raise Failure(str(e)) from None
    response = session.client.open(
        "POST",
        "/images/create"
        + query(
            {
                "changes": options.all("change"),
                "fromSrc": name,
                "message": options.text("message"),
                "platform": options.text("platform").lower(),
                "repo": reference,
            }
        ),
        headers=[("Content-Type", "text/plain")],
        stream=stream,
    )
    show(response, 1)
