"""The checks with what they need of the engine: images' variables, the request's options."""

from __future__ import annotations

from collections.abc import Mapping

from orlop.builder.check import Options, check, options, violation
from orlop.builder.checkrules import Finding
from orlop.builder.request import Request
from orlop.errors import OrlopError
from orlop.image.images import Images
from orlop.oci import platform as platforms
from orlop.oci.ignore import Ignore
from orlop.oci.platform import Platform

_ARGUMENT = "BUILDKIT_DOCKERFILE_CHECK"


def lint(
    images: Images,
    arguments: Mapping[str, str | None],
    text: str,
    ignore: Ignore | None = None,
    platform: str = "",
    target: str = "",
) -> tuple[list[Finding], Options]:
    """Raises InvalidArgument. What images have that are not here is not judged."""

    def environment(name: str) -> set[str] | None:
        try:
            found = images.get(name)
        except OrlopError:
            return None
        return {entry.partition("=")[0] for entry in found.run_config.get("Env") or ()}

    def platform_of(name: str) -> Platform | None:
        try:
            return platforms.from_dict(images.get(name).config)
        except OrlopError:
            return None

    given = arguments.get(_ARGUMENT) or ""
    return check(
        text, given, environment=environment, ignore=ignore, platform=platform,
        platform_of=platform_of, target=target,
    )  # fmt: skip


def refuse_findings(images: Images, request: Request, text: str, checks: str) -> None:
    """A build whose Dockerfile says `check=error=true` has no findings. Raises InvalidArgument."""
    if not options(request.arguments.get(_ARGUMENT) or checks).error:
        return
    found, _ = lint(
        images, request.arguments, text, platform=request.platform, target=request.target
    )
    if found:
        raise violation(found)
