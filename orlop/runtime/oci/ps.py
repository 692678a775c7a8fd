"""`ps ID`: the processes in a container."""

from __future__ import annotations

import os

from orlop.errors import InvalidArgument, SystemFailure
from orlop.oci.jsonlite import dumps
from orlop.runtime.cgroup import control
from orlop.runtime.oci.output import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orlop.runtime.oci.command import Command
    from orlop.runtime.oci.store import Record


def ps(command: Command) -> int:
    command.expect(1, 1 << 16)
    record = command.store.get(command.words[0])
    form = command.options.get("format") or "table"
    found = sorted(processes(command, record))
    if form == "json":
        show(dumps(found) + "\n")
    elif form == "table":
        show(_table(found, command.words[1:] or ["-ef"]))
    else:
        raise InvalidArgument(f"invalid format option: {form}")
    return 0


def processes(command: Command, record: Record) -> set[int]:
    if record.own["cgroup"]:
        return control.processes(command.layout(), record.own["cgroup"])
    return {record.pid} if record.alive() else set()


def _table(wanted: list[int], arguments: list[str]) -> str:
    """The lines of ps(1) whose PID is one of ours."""
    import subprocess

    try:
        done = subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise SystemFailure(f"ps: {os.strerror(error.errno or 0)}") from None
    lines = done.stdout.splitlines()
    if done.returncode or not lines or "PID" not in lines[0].split():
        raise SystemFailure(f"ps: {done.stderr.strip() or 'no PID column'}")
    column = lines[0].split().index("PID")
    ours = {str(pid) for pid in wanted}
    kept = [line for line in lines[1:] if set(line.split()[column : column + 1]) & ours]
    return "\n".join([lines[0], *kept]) + "\n"
