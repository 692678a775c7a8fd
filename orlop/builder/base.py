"""The images that stages stand on: those that are here, else pulled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from orlop.builder.events import Progress, Vertex
from orlop.builder.session import Session
from orlop.errors import InvalidArgument, NotFound
from orlop.image.model import Image
from orlop.image.pull import pull
from orlop.oci import platform as platforms
from orlop.oci.reference import Reference, parse_any

_HUB = ("https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io")


def resolve_base(session: Session, vertex: Vertex, name: str, platform: str) -> Image:
    """Raises NotFound, InvalidArgument, RegistryFailure."""
    found = _resolved(session, vertex, name, platform)
    session.materials[_package(session, name, found)] = _digest(session, name, found)
    return found


def _package(session: Session, name: str, image: Image) -> str:
    platform = quote(str(platforms.from_dict(image.config)), safe="")
    parsed = parse_any(name)
    if isinstance(parsed, str):
        return f"pkg:docker/{image.id}?platform={platform}"
    version = parsed.digest or parsed.with_default_tag().tag
    return f"pkg:docker/{parsed.familiar_name}@{version}?platform={platform}"


def _digest(session: Session, name: str, image: Image) -> str:
    """Of the manifest it was pulled by, else its ID."""
    parsed = parse_any(name)
    for held in session.builder.images.references.of(image.id):
        if held.digest and not isinstance(parsed, str) and held.name == parsed.name:
            return held.digest
    return image.id


def _resolved(session: Session, vertex: Vertex, name: str, platform: str) -> Image:
    images = session.builder.images
    try:
        parsed = parse_any(name)
    except InvalidArgument:
        raise InvalidArgument(
            f'failed to parse stage name "{name}": invalid reference format'
        ) from None
    if isinstance(parsed, str):
        return images.get(name)
    if not session.request.pull:
        try:
            found = images.get(name)
        except NotFound:
            pass
        else:
            if not platform or _fits(found, platform):
                return found
    auth = auth_for(session.request.auth, parsed)
    for message in pull(images, parsed, platform=platform or None, auth=auth):
        session.check()
        session.emit(Progress(vertex, message))
    return images.get(name)


def _fits(image: Image, platform: str) -> bool:
    return platforms.satisfies(platforms.from_dict(image.config), platforms.parse(platform))


def auth_for(known: Mapping[str, Any], reference: Reference) -> dict[str, Any] | None:
    """The credentials of X-Registry-Config for a name's registry."""
    domain = reference.domain
    names = _HUB if domain in ("docker.io", "") else (domain, f"https://{domain}")
    for name in names:
        if name in known:
            return dict(known[name])
    return None
