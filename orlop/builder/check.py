"""`build --check`: what is allowed and yet likely a mistake. Pure.

Names and texts of the rules are BuildKit's (docs.docker.com/reference/build-checks).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from orlop.builder import checkbase, stages
from orlop.builder import checkrules as rules
from orlop.builder.checkrules import Finding
from orlop.builder.instructions import Dockerfile
from orlop.builder.parser import parse
from orlop.builder.read import read
from orlop.errors import InvalidArgument
from orlop.oci.ignore import Ignore
from orlop.oci.platform import Platform

_LINK = "https://docs.docker.com/go/dockerfile/rule/"
_EXPERIMENTAL = ("CopyIgnoredFile", "InvalidDefinitionDescription")
_RULE = "-" * 20
Environment = Callable[[str], "set[str] | None"]


@dataclass(frozen=True, slots=True)
class Options:
    """`# check=skip=A,B;error=true;experimental=C`."""

    skip: frozenset[str] = frozenset()  # lower case
    error: bool = False
    experimental: frozenset[str] = frozenset()


def options(text: str) -> Options:
    """Raises InvalidArgument."""
    found = {"skip": "", "error": "", "experimental": ""}
    for part in filter(None, text.split(";")):
        key, equals, value = part.partition("=")
        if key.strip() not in found or not equals:
            raise InvalidArgument(
                f'failed to parse check options: invalid check option "{key.strip()}"'
            )
        found[key.strip()] = value
    names = {k: frozenset(n.strip().lower() for n in found[k].split(",")) for k in found}
    return Options(names["skip"], found["error"].strip().lower() in ("true", "1"),
                   names["experimental"])  # fmt: skip


def check(
    text: str,
    given: str = "",
    *,
    environment: Environment = lambda _: None,
    ignore: Ignore | None = None,
    platform: str = "",
    platform_of: Callable[[str], Platform | None] = lambda _: None,
    target: str = "",
) -> tuple[list[Finding], Options]:
    """Sorted by line. Raises InvalidArgument for what does not parse at all.

    `given` stands before the file's own options; `environment`: names that an image's ENV sets,
    None when nobody knows; `ignore`: what the context leaves out; `platform`: what is built for,
    "" for this machine; `platform_of`: what an image is for, None when nobody knows; `target`: the
    stage to build, "" for all of them.
    """
    parsed = parse(text)
    document = read(text)
    how = options(given or document.checks)
    if "all" in how.skip:
        return [], how
    found = [rules.empty_continuation(parsed.nodes, line) for line, _ in parsed.warnings]
    found += rules.casing(parsed.nodes)
    found += rules.descriptions(parsed.nodes)
    found += rules.froms(parsed.nodes, document)
    found += rules.stages(document, environment, ignore, _wanted_stages(document, target))
    found += checkbase.bases(document, platform, platform_of)
    kept = (f for f in found if _wanted(f.rule, how))
    return sorted(kept, key=lambda f: f.line), how


def _wanted_stages(document: Dockerfile, target: str) -> set[int] | None:
    if not target:
        return None
    scope = stages.global_arguments(document, {}, {})
    found = stages.needed(stages.plan(document, scope), stages.target(document, target))
    return {one.index for one in found}


def _wanted(rule: str, how: Options) -> bool:
    if rule in _EXPERIMENTAL and not how.experimental & {"all", rule.lower()}:
        return False
    return rule.lower() not in how.skip


def violation(found: Iterable[Finding]) -> InvalidArgument:
    """What `error=true` makes of findings."""
    names = ", ".join(sorted({f.rule for f in found}))
    return InvalidArgument(f"lint violation found for rules: {names}")


def report(text: str, found: list[Finding], file: str = "Dockerfile") -> str:
    """What `--check` prints."""
    if not found:
        return "Check complete, no warnings found.\n"
    many = "warning has" if len(found) == 1 else "warnings have"
    lines = [f"Check complete, {len(found)} {many} been found!\n"]
    source = text.split("\n")
    last = {node.line: node.last_line for node in parse(text).nodes}
    for one in found:
        where = f" - {link(one.rule)}" if link(one.rule) else ""
        lines.append(f"\nWARNING: {one.rule}{where}\n{one.text}\n")
        lines.append(f"{file}:{one.line}\n{_RULE}\n")
        end = max(one.line, last.get(one.line, one.line))
        lines += _excerpt(source, one.line, end)
        lines.append(f"{_RULE}\n")
    return "".join(lines)


def _excerpt(source: list[str], start: int, end: int) -> Iterator[str]:
    around = 2 if start == end else 1
    for number in range(max(1, start - around), min(len(source), end + around) + 1):
        mark = ">>>" if start <= number <= end else "   "
        yield f"{number:4d} | {mark} {source[number - 1]}\n"


def link(rule: str) -> str:
    """Where the rule is explained; "" where BuildKit names no page."""
    return "" if rule == checkbase.RULE else f"{_LINK}{_kebab(rule)}/"


def _kebab(rule: str) -> str:
    """`JSONArgsRecommended` → `json-args-recommended`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", rule).lower()
