"""Named contexts (`--build-context name=…`): what stands in for a stage or an image of that name.

A value is a Context that a client sent, `docker-image://name` or a URL (git, an archive, a file),
fetched when a step first asks for it. Source: Docker, "docker buildx build --build-context".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import unquote, urlsplit

from orlop.builder.context import Context
from orlop.builder.git import load_git
from orlop.builder.ignorefile import ignored
from orlop.builder.remote import is_git, is_url, load_url
from orlop.errors import InvalidArgument
from orlop.image.images import Images
from orlop.oci.ignore import Ignore
from orlop.oci.reference import parse_any

IMAGE = "docker-image://"
_TEXT_LIMIT = 1 << 20  # bytes of an ignore file


def key(name: str) -> str:
    """How two names are compared: `docker.io/library/alpine:latest` is `alpine`.

    Raises InvalidArgument.
    """
    try:
        parsed = parse_any(name)
    except InvalidArgument:
        raise InvalidArgument(f"invalid context name {name}: invalid reference format") from None
    text = parsed if isinstance(parsed, str) else parsed.familiar
    return text.removesuffix(":latest")


def keyed(given: Mapping[str, Context | str]) -> dict[str, Context | str]:
    """`given` by comparable names. Raises InvalidArgument for one that is no context."""
    for name, value in given.items():
        if isinstance(value, str):
            _check(name, value)
    return {key(name): value for name, value in given.items()}


def _check(name: str, text: str) -> None:
    if not (text.startswith(IMAGE) or is_git(text) or is_url(text)):
        raise InvalidArgument(f"unsupported context source {text.partition(':')[0]} for {name}")


class Named:
    """The named contexts of one build; `close` what was fetched for it."""

    def __init__(self, given: Mapping[str, Context | str], images: Images, spool: Path) -> None:
        """Raises InvalidArgument."""
        self._given = keyed(given)
        self._images = images
        self._spool = spool
        self._fetched: dict[str, Context] = {}
        self._locks = {name: threading.Lock() for name in self._given}
        self._stack = ExitStack()

    def __contains__(self, name: object) -> bool:
        return bool(self._given) and _key_or_none(str(name)) in self._given

    def get(self, name: str, check: Callable[[], None]) -> Context | str | None:
        """Files, or the name of an image; None: there is no such context. Raises an OrlopError."""
        if name not in self:
            return None
        wanted = key(name)
        found = self._given[wanted]
        if not isinstance(found, str):
            return found
        if found.startswith(IMAGE):
            return found.removeprefix(IMAGE)
        with self._locks[wanted]:
            if wanted not in self._fetched:
                check()
                self._fetched[wanted] = self._fetch(found)
            return self._fetched[wanted]

    def _fetch(self, where: str) -> Context:
        context = Context(self._spool)
        self._stack.callback(context.close)
        if is_git(where):
            load_git(context, where, self._spool)
        else:
            name = unquote(urlsplit(where).path).rpartition("/")[2] or "file"
            load_url(self._images, context, where, name)
        without_ignored(context)
        return context

    def close(self) -> None:
        self._stack.close()


def without_ignored(context: Context) -> None:
    """Leave out what the context's own ignore file names."""
    lines = ignored(context)
    if lines is not None:
        context.leave_out(Ignore(lines))


def _key_or_none(name: str) -> str | None:
    try:
        return key(name)
    except InvalidArgument:
        return None
