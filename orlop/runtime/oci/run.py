"""`run ID`: create, start and, unless detached, stay until the end."""

from __future__ import annotations

import os

from orlop.errors import NotFound
from orlop.kernel import process
from orlop.runtime.oci.birth import give_birth, wait
from orlop.runtime.oci.foreground import Signals, stay
from orlop.runtime.oci.remains import clear
from orlop.runtime.oci.start import started
from orlop.runtime.process import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orlop.runtime.oci.command import Command


def run(command: Command) -> int:
    detached = bool(command.options.get("detach"))
    signals = None
    if not detached:
        signals = Signals()  # none may be lost between the start and the wait
        if not command.options.get("no-subreaper"):
            process.set_subreaper()
    born = give_birth(command, gate=False, detached=detached)
    record, pending = born.record, born.pending
    try:
        if not born.runs:
            pending.release()
            if wait(pending) != "running":
                raise Failure(*(pending.failure or ("process", 0, "", "the process died")))
        started(command, record, born.spec)
    except BaseException:
        pending.kill()
        os.waitid(os.P_PIDFD, pending.pidfd, os.WEXITED)
        clear(command, record, born.spec)
        raise
    record.unlock()
    if signals is None:
        return 0
    code = stay(pending.pidfd, signals, born.master)
    if not command.options.get("keep"):
        try:
            clear(command, record.lock(), born.spec)
        except NotFound:
            pass  # a delete came first
    return code
