"""The check of base images that were made for another machine. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orlop.builder import instructions as ins
from orlop.builder.checkrules import Finding
from orlop.builder.expand import Lexer
from orlop.builder.stages import platform_arguments
from orlop.errors import InvalidArgument
from orlop.oci import platform as platforms
from orlop.oci.platform import Platform

RULE = "InvalidBaseImagePlatform"


def bases(
    document: ins.Dockerfile, asked: str, platform_of: Callable[[str], Platform | None]
) -> Iterator[Finding]:
    """`asked`: the build's platform, "" for this machine's; `platform_of` an image that is here:
    None for one that is not. Where a platform is asked for, an image of another is not taken."""
    host = platforms.default()
    scope, lexer = platform_arguments(host, host), Lexer(document.escape)
    before: set[str] = {"scratch"}
    for instruction in document.arguments:
        for one in instruction.arguments:
            if one.value is not None:
                scope[one.key] = _word(lexer, one.value, scope)
    for stage in document.stages:
        name = _word(lexer, stage.start.base, scope)
        judged = name and not asked and not stage.start.platform and name.lower() not in before
        actual = platform_of(name) if judged else None
        if stage.start.alias:
            before.add(stage.start.alias.lower())
        if actual is None or (actual.os, actual.architecture) == (host.os, host.architecture):
            continue
        yield Finding(
            RULE,
            f'Base image {name} was pulled with platform "{actual}", expected "{host}" '
            "for current build",
            stage.start.line,
        )


def _word(lexer: Lexer, text: str, scope: dict[str, str]) -> str:
    """ "" for what the build itself refuses."""
    try:
        return lexer.word(text, scope) if text else ""
    except InvalidArgument:
        return ""
