"""One request to the built-in registry, as its handlers see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

import h11

from orlop.api.exchange import Exchange
from orlop.api.registry.problem import Problem
from orlop.api.registry.sessions import Sessions
from orlop.errors import InvalidArgument
from orlop.image.published import Published
from orlop.oci.digest import Digest, parse_digest
from orlop.oci.reference import Reference, parse_normalized


@dataclass(frozen=True, slots=True)
class Request:
    published: Published
    sessions: Sessions
    exchange: Exchange
    raw: h11.Request
    query: Mapping[str, list[str]]
    name: str  # of the repository, "" for what is of none
    rest: str  # digest, tag, upload

    @property
    def method(self) -> str:
        return self.raw.method.decode("ascii")

    @property
    def body(self) -> BinaryIO:
        return self.exchange.body  # type: ignore[return-value]

    @property
    def repository(self) -> Reference:
        return repository(self.name)

    @property
    def reference(self) -> Reference:
        """The repository with the tag or digest of the path. Raises Problem."""
        if ":" in self.rest:
            return self.repository.with_digest(self.digest)
        try:
            return self.repository.with_tag(self.rest)
        except InvalidArgument:
            raise Problem("MANIFEST_INVALID", "invalid tag") from None

    @property
    def digest(self) -> Digest:
        return digest(self.rest)

    def header(self, name: str) -> str:
        wanted = name.lower().encode()
        for key, value in self.raw.headers:
            if key == wanted:
                return value.decode("latin-1")
        return ""

    def text(self, name: str) -> str:
        values = self.query.get(name)
        return values[0] if values else ""


def repository(name: str) -> Reference:
    """Raises Problem for what is no repository name."""
    try:
        reference = parse_normalized(name)
    except InvalidArgument:
        raise Problem("NAME_INVALID", name[:255]) from None
    if not reference.name_only or ":" in reference.name:
        raise Problem("NAME_INVALID", name[:255])
    return reference


def digest(text: str) -> Digest:
    try:
        return parse_digest(text)
    except InvalidArgument:
        raise Problem("DIGEST_INVALID", "only sha256 digests are kept here") from None
