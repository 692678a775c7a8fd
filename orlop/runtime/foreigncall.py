"""One call of another OCI runtime, for as long as somebody waits for it.

    call(foreign, prefix, verb, words, sock)

Runs in the lead (foreign.py), where nothing can be imported any more.
"""

from __future__ import annotations

import os
import select

from orlop.kernel import process
from orlop.oci.jsonlite import loads
from orlop.runtime.process import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import Any

    Json = dict[str, Any]

STAGE = "oci"  # of failures, whose message is the runtime's own
_SIGKILL = 9
_LOG_TAIL = 64 << 10
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


class Orphaned(Exception):
    """The keeper is gone: nobody would take over what is made."""


def call(
    foreign: Json, prefix: str, verb: str, words: list[str], sock: _socket.socket | None = None
) -> None:
    """`sock`: of the keeper, with whose death the runtime's comes. `prefix`: of the log's name.

    Raises Failure with the runtime's words, Orphaned.
    """
    log = f"{prefix}{verb}.log"
    try:
        os.unlink(log)
    except FileNotFoundError:
        pass
    command = foreign["command"]
    argv = [*command, "--root", foreign["root"], "--log", os.path.abspath(log)]
    argv += ["--log-format", "json", verb, *words, foreign["id"]]
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)  # it may be a script around the runtime, which is to end with it
            process.set_parent_death_signal(_SIGKILL)
            os.execve(argv[0], argv, _ENVIRONMENT)
        except OSError as error:
            told = (error.strerror or "").lower()
            _say(log, f"fork/exec {argv[0]}: {told}")
        finally:
            os._exit(127)
    if sock is not None:
        _await(pid, sock)
    _, status = os.waitpid(pid, 0)
    if status:
        raise Failure(STAGE, 0, "", _last_word(log) or f"{command[0]} {verb} failed")


def _await(pid: int, sock: _socket.socket) -> None:
    ended = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(sock, 0)  # that it hung up is told unasked
    found = dict(poll.poll())
    if ended not in found:
        for kill in (os.kill, os.killpg):  # the group may not be there yet
            try:
                kill(pid, _SIGKILL)
            except ProcessLookupError:
                pass
        os.waitpid(pid, 0)
        raise Orphaned
    os.close(ended)


def _say(log: str, text: str) -> None:
    with open(log, "w", encoding="utf-8") as file:
        file.write('{"level":"error","msg":"' + text.replace('"', "'") + '"}\n')


def _last_word(log: str) -> str:
    """Of the log that the runtime wrote: its last error."""
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = file.read(_LOG_TAIL).splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        try:
            entry = loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") in ("error", "fatal"):
            return str(entry.get("msg") or "")
    return ""
