"""The checks with what they need of the engine: images' variables, the request's options."""

from __future__ import annotations

from collections.abc import Mapping

from orlop.builder.check import Options, check, options, violation
from orlop.builder.checkrules import Finding
from orlop.builder.request import Request
from orlop.errors import OrlopError
from orlop.image.images import Images
from orlop.oci.ignore import Ignore

_ARGUMENT = "BUILDKIT_DOCKERFILE_CHECK"


def lint(
    images: Images, arguments: Mapping[str, str | None], text: str, ignore: Ignore | None = None
) -> tuple[list[Finding], Options]:
    """Raises InvalidArgument. Variables of images that are not here are not judged."""

    def environment(name: str) -> set[str] | None:
        try:
            found = images.get(name)
        except OrlopError:
            return None
        return {entry.partition("=")[0] for entry in found.run_config.get("Env") or ()}

    given = arguments.get(_ARGUMENT) or ""
    return check(text, given, environment=environment, ignore=ignore)


def refuse_findings(images: Images, request: Request, text: str, checks: str) -> None:
    """A build whose Dockerfile says `check=error=true` has no findings. Raises InvalidArgument."""
    if not options(request.arguments.get(_ARGUMENT) or checks).error:
        return
    found, _ = lint(images, request.arguments, text)
    if found:
        raise violation(found)
