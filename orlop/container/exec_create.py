"""`POST /containers/{id}/exec`: note what is to be run; nothing runs yet."""

from __future__ import annotations

from typing import Any

from orlop.container.containers import Containers, new_id
from orlop.container.exec_process import exec_process
from orlop.container.execs import Exec
from orlop.container.view import running_root
from orlop.errors import Conflict, InvalidArgument, SystemFailure
from orlop.wire import parse_detach_keys


def exec_create(containers: Containers, ref: str, config: dict[str, Any]) -> str:
    """`config`: ExecConfig of the API. Returns the exec's ID (64 hex).

    Raises Conflict for a container that is not running, InvalidArgument without a command.
    """
    container = containers.get(ref)
    if not config.get("Cmd"):
        raise InvalidArgument("No exec command specified")
    with container.lock:
        state = container.state
        if state.running and state.paused:
            raise Conflict(f"Container {ref} is paused, unpause the container before exec")
        if state.restarting:
            raise Conflict(
                f"Container {container.id} is restarting, wait until the container is running"
            )
        if not state.running:
            raise Conflict(f"container {container.id} is not running")
        _check_keys(config.get("DetachKeys") or "")
        with running_root(container) as root:
            try:
                exec_process(containers, container, config, root)
            except SystemFailure as error:  # an unknown user: Docker's 400 here, 500 at start
                raise InvalidArgument(error.message) from None
        new = Exec(new_id(), container.id, dict(config))
        containers.execs.add(new)
        container.exec_ids.add(new.id)
    containers.publish(container, f"exec_create: {spelled(config['Cmd'])}", execID=new.id)
    return new.id


def _check_keys(keys: str) -> None:
    try:
        parse_detach_keys(keys)
    except InvalidArgument:
        raise InvalidArgument(f"Invalid escape keys ({keys}) provided") from None


def spelled(command: list[str]) -> str:
    """As events show it: program, a space (always), arguments."""
    return f"{command[0]} {' '.join(command[1:])}"
