"""What dockerd's builder does not do for its clients, and refuses in these words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orlop.builder import instructions as ins
from orlop.builder import named, stages
from orlop.builder.mountspec import fields_of
from orlop.buildkit.attributes import Attributes
from orlop.buildkit.jobs import Job
from orlop.buildkit.story import Told, full_name
from orlop.errors import InvalidArgument

HOST_NETWORK = "network.host"
_LAYOUT = "oci-layout://"


class Refused(InvalidArgument):
    """`line`: of the instruction that asks for it."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def refuse(job: Job, asked: Attributes, needed: Sequence[stages.Planned]) -> None:
    """Raises InvalidArgument."""
    if HOST_NETWORK not in job.request.get("entitlements", ()):
        commands = [command for one in needed for command in one.stage.commands]
        if asked.network == "host" or any(
            isinstance(command, ins.Run) and command.network == "host" for command in commands
        ):
            raise InvalidArgument(f"failed to load LLB: {HOST_NETWORK} is not allowed")
    layouts = {
        named.key(name): (name, where)
        for name, where in asked.contexts.items()
        if where.startswith(_LAYOUT)
    }
    if layouts:
        _refuse_layouts(job, needed, layouts)


def _refuse_layouts(
    job: Job, needed: Sequence[stages.Planned], layouts: Mapping[str, tuple[str, str]]
) -> None:
    for stage in needed:
        for line, text in _taken_from(stage):
            found = layouts.get(named.key(text)) if text and "$" not in text else None
            if found is None:
                continue
            name, where = found
            full = full_name(name).rpartition(":")[0] + "@" + where.partition("@")[2]
            told = Told(job, f"[context {name}] load metadata for {full}")
            told.start()
            told.complete(error="unknown scheme oci-layout: not found")
            text = f"failed to resolve source metadata for {full}: unknown scheme oci-layout"
            raise Refused(f"{text}: not found", line)


def _taken_from(stage: stages.Planned) -> list[tuple[int, str]]:
    """(line, name) of each image, stage or context that it asks for."""
    out = [(stage.stage.start.line, stage.base)]
    for command in stage.stage.commands:
        if isinstance(command, ins.Copy):
            out.append((command.line, command.source_stage))
        elif isinstance(command, ins.Run):
            for mount in command.mounts:
                fields = dict(f.partition("=")[::2] for f in fields_of(mount))
                out.append((command.line, fields.get("from", "")))
    return out
