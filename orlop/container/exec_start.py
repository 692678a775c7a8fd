"""`POST /exec/{id}/start`: run what `exec_create` noted.

Everything that can be refused is refused before `connect()` answers the client with 101; what
fails later is told on the stream, as Docker does, and by the exit code.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from orlop.container import plans
from orlop.container.attach import Connect
from orlop.container.containers import Containers
from orlop.container.exec_create import spelled
from orlop.container.exec_process import exec_process
from orlop.container.execs import Exec
from orlop.container.exits import code_of
from orlop.container.failures import exit_code
from orlop.container.model import Container
from orlop.container.view import running_root
from orlop.errors import Conflict, OrlopError
from orlop.wire import frame, parse_detach_keys

log = logging.getLogger(__name__)
_STDOUT = 1


def exec_start(
    containers: Containers,
    exec_id: str,
    connect: Connect | None,
    *,
    tty: bool | None = None,
    console: Sequence[int] | None = None,
) -> None:
    """Returns once it runs; `connect` None: detached. Raises NotFound, Conflict, SystemFailure."""
    found = containers.execs.get(exec_id)
    container = containers.get(found.container_id)
    with container.lock:
        if found.started:
            state = "is already running" if found.running else "has already run"
            raise Conflict(f"exec command {exec_id} {state}")
        _check(container)
        config = dict(found.config)
        if console:
            config["ConsoleSize"] = list(console)
        with running_root(container) as root:
            process = exec_process(containers, container, config, root)
        found.started = True
    containers.publish(container, f"exec_start: {spelled(config['Cmd'])}", execID=exec_id)
    if connect is None:
        _run(containers, container, found, config, process)
        return
    # what is asked for now decides the framing, not what was said at creation (as Docker)
    mux = not (config.get("Tty") if tty is None else tty)
    fd, leftover = connect()
    try:
        _attach(containers, found, config, fd, leftover, mux=mux)
        try:
            _run(containers, container, found, config, process)
        except OrlopError as error:
            _tell(fd, error.message, mux=mux)
            containers.keeper.drop(container.id, exec_id)
    finally:
        os.close(fd)


def _check(container: Container) -> None:
    state = container.state
    if state.paused:
        raise Conflict(f"Container {container.id} is paused, unpause the container before exec")
    if state.restarting:
        raise Conflict(
            f"Container {container.id} is restarting, wait until the container is running"
        )
    if not state.running:
        raise Conflict(f"container {container.id} is not running")


def _attach(
    containers: Containers,
    found: Exec,
    config: dict[str, object],
    fd: int,
    leftover: bytes,
    *,
    mux: bool,
) -> None:
    containers.keeper.attach(
        found.container_id,
        found.id,
        fd,
        stdin=bool(config.get("AttachStdin")),
        stdout=bool(config.get("AttachStdout")),
        stderr=bool(config.get("AttachStderr")),
        mux=mux,
        detach_keys=parse_detach_keys(str(config.get("DetachKeys") or "")),
        leftover=leftover,
        stdin_once=True,
    )


def _run(
    containers: Containers,
    container: Container,
    found: Exec,
    config: dict[str, object],
    process: dict[str, object],
) -> None:
    """Raises the launch's failure with Docker's text, its exit code noted."""
    size = config.get("ConsoleSize")
    rows, columns = size if isinstance(size, list) and len(size) == 2 else (0, 0)
    found.running = True
    try:
        found.pid = plans.run_exec(
            containers,
            container,
            found.id,
            process,
            stdio={
                "tty": bool(config.get("Tty")),
                "open_stdin": bool(config.get("AttachStdin")),
                "stdin_once": True,
                "rows": rows,
                "cols": columns,
            },
        )
    except OrlopError as error:
        found.running = False
        found.ended.set()
        found.exit_code = exit_code(error.message)
        container.exec_ids.discard(found.id)
        raise


def _tell(fd: int, message: str, *, mux: bool) -> None:
    """The failure, on the stream that the client reads as the command's output."""
    data = message.encode() + b"\r\n"
    try:
        os.write(fd, frame(_STDOUT, data) if mux else data)
    except OSError as error:
        log.debug("exec's client is gone: %s", error)


def exec_exited(
    containers: Containers, container_id: str, exec_id: str, status: int | None, exited_ns: int
) -> None:
    """The keeper's news, on its reader thread. `status` is a raw wait status."""
    found = containers.execs.find(exec_id)
    container = containers.find(container_id)
    if found is None or container is None:
        return
    containers.submit(lambda: containers.keeper.forget(container_id, exec_id))
    found.exit_code = code_of(status)
    found.running = False
    found.ended.set()
    container.exec_ids.discard(exec_id)
    containers.publish(container, "exec_die", execID=exec_id, exitCode=str(found.exit_code))
