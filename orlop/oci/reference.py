"""Image references: `[domain/]path[:tag][@digest]`, Docker's short forms and their full forms.

Source: distribution/reference (grammar, error texts). A `Reference` that left `parse_normalized` is
safe to use in a path or URL: every character was matched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from orlop.errors import InvalidArgument
from orlop.oci.glob import glob_match

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
_LEGACY_DOMAIN = "index.docker.io"
_OFFICIAL = "library/"
_MAX_NAME = 255
_HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"((?:{_DOMAIN}/)?{_PATH})(?::({_TAG}))?(?:@({_DIGEST}))?", re.ASCII)
_NAME = re.compile(rf"(?:({_DOMAIN})/)?({_PATH})", re.ASCII)
_TAG_ONLY = re.compile(_TAG, re.ASCII)
_DIGEST_ONLY = re.compile(_DIGEST, re.ASCII)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference. `domain` is empty only for raw (not normalised) ones."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        return f"{self.domain}/{self.path}" if self.domain else self.path

    def __str__(self) -> str:
        return self.name + self.suffix

    @property
    def suffix(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{tag}@{self.digest}" if self.digest else tag

    @property
    def familiar_name(self) -> str:
        """The name as users write it: `busybox` for `docker.io/library/busybox`."""
        if self.domain != DEFAULT_DOMAIN:
            return self.name
        rest = self.path.removeprefix(_OFFICIAL)
        return rest if rest != self.path and "/" not in rest else self.path

    @property
    def familiar(self) -> str:
        return self.familiar_name + self.suffix

    @property
    def repository(self) -> Reference:
        """The reference without tag and digest."""
        return Reference(self.domain, self.path)

    @property
    def name_only(self) -> bool:
        return not self.tag and not self.digest

    def with_tag(self, tag: str) -> Reference:
        if _TAG_ONLY.fullmatch(tag) is None:
            raise InvalidArgument("invalid tag format")
        return replace(self, tag=tag)

    def with_digest(self, digest: str) -> Reference:
        """Raises InvalidArgument. Only the grammar is checked, not the algorithm's length."""
        if _DIGEST_ONLY.fullmatch(digest) is None:
            raise InvalidArgument("invalid digest format")
        return replace(self, digest=digest)

    def with_default_tag(self) -> Reference:
        """`:latest` added when neither tag nor digest is there."""
        return replace(self, tag=DEFAULT_TAG) if self.name_only else self


def check_digest(text: str) -> str:
    """Digest grammar of all registered algorithms. Raises InvalidArgument with Docker's texts."""
    algorithm, colon, encoded = text.partition(":")
    if not colon or not algorithm or not encoded:
        raise InvalidArgument("invalid checksum digest format")
    length = _HEX_LENGTH.get(algorithm)
    if length is None:
        raise InvalidArgument("unsupported digest algorithm")
    if len(encoded) != length:
        raise InvalidArgument("invalid checksum digest length")
    if re.fullmatch(r"[a-f0-9]+", encoded, re.ASCII) is None:
        raise InvalidArgument("invalid checksum digest format")
    return text


def parse(text: str) -> Reference:
    """The bare grammar, without Docker's defaults. Raises InvalidArgument."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        if not text:
            raise InvalidArgument("repository name must have at least one component")
        if _REFERENCE.fullmatch(text.lower()) is not None:
            raise InvalidArgument("repository name must be lowercase")
        raise InvalidArgument("invalid reference format")
    name, tag, digest = found.groups()
    domain, path = _split(name)
    if len(path) > _MAX_NAME:
        raise InvalidArgument("repository name must not be more than 255 characters")
    return Reference(domain, path, tag or "", check_digest(digest) if digest else "")


def parse_name(text: str) -> Reference:
    """A name without tag or digest. Raises InvalidArgument."""
    if _NAME.fullmatch(text) is None:
        raise InvalidArgument("invalid reference format")
    domain, path = _split(text)
    if len(path) > _MAX_NAME:
        raise InvalidArgument("repository name must not be more than 255 characters")
    return Reference(domain, path)


def _split(name: str) -> tuple[str, str]:
    found = _NAME.fullmatch(name)
    assert found is not None, name
    return found[1] or "", found[2]


def parse_canonical(text: str) -> Reference:
    """A reference that must already be complete. Raises InvalidArgument."""
    reference = parse_normalized(text)
    if str(reference) != text:
        raise InvalidArgument("repository name must be canonical")
    return reference


def parse_normalized(text: str) -> Reference:
    """A reference as users write it, made complete (`busybox` → docker.io/library/busybox)."""
    if _IDENTIFIER.fullmatch(text) is not None:
        raise InvalidArgument(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        )
    domain, rest = _split_domain(text)
    bare = rest.partition(":")[0]
    if bare.lower() != bare:
        raise InvalidArgument(
            f"invalid reference format: repository name ({bare}) must be lowercase"
        )
    reference = parse(f"{domain}/{rest}")
    if not reference.domain:
        raise InvalidArgument("invalid reference format")
    return reference


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    looks_like_host = any(c in first for c in ".:") or first == "localhost"
    if not slash or not (looks_like_host or first.lower() != first):
        domain, rest = DEFAULT_DOMAIN, text
    else:
        domain = DEFAULT_DOMAIN if first == _LEGACY_DOMAIN else first
    if domain == DEFAULT_DOMAIN and "/" not in rest:
        rest = _OFFICIAL + rest
    return domain, rest


def parse_pull(text: str) -> Reference:
    """As for pull: default tag added, and the tag dropped when a digest decides."""
    reference = parse_normalized(text)
    if reference.digest:
        return replace(reference, tag="")
    return reference.with_default_tag()


def parse_any(text: str) -> Reference | str:
    """A reference, or a digest (as str) for a bare identifier or `sha256:…`."""
    if _IDENTIFIER.fullmatch(text) is not None:
        return "sha256:" + text
    try:
        return check_digest(text)
    except InvalidArgument:
        return parse_normalized(text)


def match(pattern: str, reference: Reference) -> bool:
    """Docker's `reference=` filter: a path glob on the familiar form, with or without the tag."""
    return glob_match(pattern, reference.familiar) or glob_match(pattern, reference.familiar_name)
