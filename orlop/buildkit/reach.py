"""Which of the context's files a build may read, and where an instruction ends. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from orlop.builder import instructions as ins
from orlop.builder import stages
from orlop.builder.mountspec import fields_of
from orlop.builder.remote import is_git, is_url
from orlop.builder.source import clean


def files(document: ins.Dockerfile, needed: Iterable[stages.Planned]) -> list[str] | None:
    """Paths (with wildcards) that the needed stages take from the context; None: any of it.

    What a variable decides cannot be told beforehand; then all of the context is asked for.
    """
    found: dict[str, None] = {}
    for stage in needed:
        for command in stage.stage.commands:
            paths = _paths(command)
            if paths is None:
                return None
            found |= dict.fromkeys(paths)
    return list(found)


def _paths(command: ins.Instruction) -> list[str] | None:
    if isinstance(command, ins.Run):
        return _bound(command)
    if isinstance(command, ins.Copy) and command.source_stage:
        return []
    if not isinstance(command, ins.Transfer):
        return []
    out = []
    for path in command.sources:
        if is_url(path) or is_git(path):
            continue
        if "$" in path or "\\" in path or clean(path) == "":
            return None
        out.append(clean(path))
    return out


def _bound(command: ins.Run) -> list[str] | None:
    out = []
    for text in command.mounts:
        fields = dict(f.partition("=")[::2] for f in fields_of(text))
        if fields.get("type", "bind").lower() != "bind" or fields.get("from"):
            continue
        source = clean(fields.get("source") or fields.get("src") or "")
        if not source or "$" in text:
            return None
        out.append(source)
    return out


def last_line(document: ins.Dockerfile, line: int) -> int:
    """Where the instruction that begins there ends."""
    for stage in document.stages:
        for node in (stage.start, *stage.commands):
            if node.line == line:
                return max(line, node.last_line)
    return line
