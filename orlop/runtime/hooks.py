"""Hooks of an OCI config: programs that are told the container's state on their stdin.

Those of the host run in the runtime (`run`), those of the container in its first process: before
the root switch with the paths of the host (createContainer), right before execve with its own
(startContainer). Source: OCI runtime-spec, config.md "POSIX-platform Hooks".
"""

from __future__ import annotations

import os
import select
from time import monotonic

from orlop.kernel import pidfd as pidfds
from orlop.kernel import process
from orlop.runtime import sync
from orlop.runtime.process import Failure
from orlop.runtime.state import Setup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

_SIGKILL = 9
_TEXT = 4096


def run(hooks: Sequence[dict[str, Any]], state: bytes, kind: str) -> None:
    """One after another; raises Failure("hook", …) at the first that fails."""
    for number, hook in enumerate(hooks):
        told = _run_one(hook, state)
        if told:
            raise Failure("hook", 0, hook["path"], f"error running {kind} hook #{number}: {told}")


def run_in_container(setup: Setup, hooks: Sequence[dict[str, Any]]) -> None:
    """A step of the launch: let the runtime run its hooks, then run our own."""
    sync.send(setup.socket, (sync.HOOKS, 0, "", ""))
    creating, setup.states = sync.take_states(setup.socket)
    run(hooks, creating, "createContainer")


def run_own(setup: Setup, hooks: Sequence[dict[str, Any]], head: str, tail: str) -> None:
    """A step of the launch in the keeper's path: createContainer hooks alone."""
    pid = os.readlink("self", dir_fd=setup.host_proc())
    run(hooks, f"{head}{pid}{tail}".encode(), "createContainer")


def wait_at_gate(setup: Setup, hooks: Sequence[dict[str, Any]]) -> None:
    """Everything is set up: wait for `start`, then run the startContainer hooks."""
    sync.send(setup.socket, (sync.CREATED, 0, "", ""))
    if setup.gate >= 0:
        os.read(setup.gate, 1)
        os.close(setup.gate)
    else:
        sync.expect(setup.socket, sync.GO)
    run(hooks, setup.states, "startContainer")


def _run_one(hook: dict[str, Any], state: bytes) -> str:
    """ "" when it went well, else what went wrong."""
    feed = os.memfd_create("state")  # not a pipe: a hook that does not read it is no SIGPIPE
    os.write(feed, state)
    os.lseek(feed, 0, os.SEEK_SET)
    output, written = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(hook, feed, written)
    os.close(feed)
    os.close(written)
    pidfd = os.pidfd_open(pid)
    try:
        return _watch(pidfd, output, hook.get("timeout"))
    finally:
        os.close(pidfd)
        os.close(output)


def _become(hook: dict[str, Any], stdin: int, output: int) -> NoReturn:
    try:
        os.dup2(stdin, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        process.close_fds_except([0, 1, 2])
        process.reset_signals()
        environment = dict(os.environ)  # as Go does for a command that names none
        if hook.get("env"):
            pairs = (entry.partition("=") for entry in hook["env"])
            environment = {name: value for name, equals, value in pairs if equals and name}
        os.execve(hook["path"], list(hook.get("args") or [hook["path"]]), environment)
    except OSError as error:
        os.write(2, os.fsencode(f"exec {hook['path']}: {(error.strerror or '').lower()}\n"))
    finally:
        os._exit(127)


def _watch(pidfd: int, output: int, timeout: int | None) -> str:
    """Collect what it says, wait for its end, at most `timeout` seconds."""
    said = b""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(output, select.POLLIN)
    end = monotonic() + timeout if timeout else None
    while True:
        left = None if end is None else max(0, int((end - monotonic()) * 1000))
        ready = dict(poll.poll(left))
        if not ready:
            pidfds.send_signal(pidfd, _SIGKILL)
            pidfds.wait(pidfd, block=True)
            return f"hook ran past specified timeout of {timeout}s"
        if output in ready:
            data = os.read(output, 65536)
            said = (said + data)[-_TEXT:]
            if not data:
                poll.unregister(output)
        elif pidfd in ready:
            break
    status = os.waitstatus_to_exitcode(pidfds.wait(pidfd, block=True) or 0)
    if status == 0:
        return ""
    how = f"exit status {status}" if status > 0 else f"signal {-status}"
    return f"{how}, output: {said.decode(errors='replace').strip()}"
