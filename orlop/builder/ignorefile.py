"""The ignore file of a context: the one beside its Dockerfile, else `.dockerignore`."""

from __future__ import annotations

from orlop.builder.context import Context
from orlop.builder.source import FILE, resolve
from orlop.oci.ignore import read_lines

NAME = ".dockerignore"
_LIMIT = 16 << 20  # bytes


def ignored(context: Context, *names: str) -> list[str] | None:
    """The patterns of the first of `names` that is a file, None when none is."""
    for name in names or (NAME,):
        found = resolve(context, name)
        if found is not None and found.kind == FILE:
            return read_lines(context.content(found, _LIMIT).decode("utf-8", "surrogateescape"))
    return None


def beside(dockerfile: str) -> str:
    return f"{dockerfile}{NAME}"
