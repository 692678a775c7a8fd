"""Where a build's result goes: `-o type=…`, `--push`, `--iidfile`, `--metadata-file`."""

import os

from orlop.cli.failure import Failure
from orlop.cli.out import is_terminal, write
from orlop.cli.reference import parse as parse_name
from orlop.cli.session import Session
from orlop.client.transport import query, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Json = dict[str, Any]

TYPES = ("docker", "image", "oci", "tar", "local", "registry", "cacheonly")


def parse(text: str) -> dict[str, str]:
    """`type=tar,dest=f`, or a lone path: a directory, `-` a tar on standard output."""
    if "=" not in text:
        return {"type": "tar", "dest": "-"} if text == "-" else {"type": "local", "dest": text}
    found: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals:
            raise Failure(f"invalid value {part}")
        found[key.strip().lower()] = value
    kind = found.get("type", "")
    if not kind:
        raise Failure("type is required for output")
    if kind not in TYPES:
        raise Failure(f'unsupported output type "{kind}"; use one of {", ".join(TYPES)}')
    if kind in ("local", "tar", "oci") and not found.get("dest"):
        if kind == "local":
            raise Failure("dest is required for local output")
        found["dest"] = "-"
    if found.get("dest") == "-" and is_terminal(1):
        raise Failure(
            "dest file is required for " + kind + " exporter. refusing to write to console"
        )
    return found


def put_out(
    session: Session, outputs: "Iterable[dict[str, str]]", image: str, tags: list[str]
) -> None:
    for one in outputs:
        kind, dest = one["type"], one.get("dest", "")
        if kind in ("tar", "local"):
            _files(session, image, kind, dest)
        elif kind == "oci" or (kind == "docker" and dest):
            names = tags or [image]
            _archive(session, names, dest)
        elif kind == "registry" or one.get("push") == "true":
            push_all(session, tags)


def _open(path: str) -> int:
    if path == "-":
        return 1
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        return os.open(path, flags, 0o644)
    except OSError as e:
        raise Failure(f"open {path}: {(e.strerror or '').lower()}") from None


def _archive(session: Session, names: list[str], dest: str) -> None:
    response = session.client.open("GET", "/images/get" + query({"names": names}))
    write_out(response.chunks(), dest)


def write_out(chunks: "Iterable[bytes]", dest: str) -> None:
    """To a file; `-` is standard output. Raises Failure."""
    fd = _open(dest)
    for data in chunks:
        write(fd, data)
    if fd != 1:
        os.close(fd)


def _files(session: Session, image: str, kind: str, dest: str) -> None:
    """The image's files as they are; nothing runs."""
    response = session.client.open("GET", f"/orlop/images/{quote(image, b':')}/rootfs")
    if kind == "local":
        _unpack(response.chunks(), dest)
        return
    write_out(response.chunks(), dest)


def _unpack(chunks: "Iterable[bytes]", dest: str) -> None:
    from orlop.cli.untar import unpack

    os.makedirs(dest, exist_ok=True)
    unpack(iter(chunks), dest, ".", ".")


def push_all(session: Session, tags: list[str]) -> None:
    if not tags:
        raise Failure("tag is needed when pushing to registry")
    from orlop.cli.options import Options
    from orlop.cli.pull import push

    for tag in tags:
        options = Options()
        options.args = [tag]
        push(session, options)


def write_files(
    image: str, tags: list[str], iidfile: str, metadata: str, descriptor: "Json", said: "Json"
) -> None:
    """`descriptor`: of what was pushed or written instead of `image`; `said`: further keys."""
    top = str(descriptor.get("digest") or image)
    if iidfile:
        _write(iidfile, top.encode())
    if metadata:
        found: Json = {**said, "containerimage.config.digest": image}
        if "mediaType" in descriptor:
            found["containerimage.descriptor"] = descriptor
        found["containerimage.digest"] = top
        if tags:
            found["image.name"] = ",".join(str(parse_name(tag).tagged()) for tag in tags)
        _write(metadata, _indented(found) + b"\n")


def _indented(value: "Json") -> bytes:
    import json

    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).encode()


def _write(path: str, data: bytes) -> None:
    fd = _open(path)
    write(fd, data)
    os.close(fd)
