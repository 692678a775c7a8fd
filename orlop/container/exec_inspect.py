"""`GET /exec/{id}/json`, and our own listing of the execs of a container."""

from __future__ import annotations

from typing import Any

from orlop.container.containers import Containers
from orlop.container.execs import Exec

Json = dict[str, Any]
_PATIENCE = 5.0  # seconds


def exec_inspect(containers: Containers, exec_id: str) -> Json:
    """Docker's ExecInspectResponse."""
    found = containers.execs.get(exec_id)
    if found.running and not containers.keeper.is_alive(found.container_id, found.id):
        # its client saw the end of the stream and asks for the code: the exit is on its way
        found.ended.wait(_PATIENCE)
    return _document(found)


def exec_list(containers: Containers, ref: str, *, all: bool = False) -> list[Json]:
    """The running ones of a container (`all`: ended ones too)."""
    container = containers.get(ref)
    return [_document(e) for e in containers.execs.of(container.id) if all or e.running]


def _document(found: Exec) -> Json:
    config = found.config
    command = list(config.get("Cmd") or [])
    return {
        "ID": found.id,
        "Running": found.running,
        "ExitCode": found.exit_code,
        "ProcessConfig": {
            "tty": bool(config.get("Tty")),
            "entrypoint": command[0] if command else "",
            "arguments": command[1:],
            "privileged": bool(config.get("Privileged")),
            **({"user": config["User"]} if config.get("User") else {}),
        },
        "OpenStdin": bool(config.get("AttachStdin")),
        "OpenStderr": bool(config.get("AttachStderr")),
        "OpenStdout": bool(config.get("AttachStdout")),
        "CanRemove": found.can_remove,
        "ContainerID": found.container_id,
        "DetachKeys": config.get("DetachKeys") or "",
        "Pid": found.pid,
    }
