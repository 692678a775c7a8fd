"""A keeper whose launches fork plain host processes: the protocol and the stdio without containers.

A plan is {"process": {"argv", "uid", "gid"}, "terminal": bool, "fail": frame | None}.
"""

from __future__ import annotations

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, ROOT)

from orlop.keeper import operations  # noqa: E402
from orlop.keeper.main import exit_now, main  # noqa: E402
from orlop.kernel import process, pty  # noqa: E402
from orlop.runtime import sync  # noqa: E402
from orlop.runtime.pending import Pending  # noqa: E402


def begin_container(plan, stdio, _pidfds):
    ours, theirs = sync.pair()
    pid = os.fork()
    if pid == 0:
        _child(plan, stdio, theirs)
    theirs.close()
    return Pending(ours, pid, os.pidfd_open(pid))


def begin_exec(plan, _pid, _pidfd, stdio):
    return begin_container(plan, stdio, {})


def run_ops(operations, pid=0, netns=None):
    for operation in operations:
        raise OSError(*operation)


def _child(plan, stdio, sock):
    try:
        for number, fd in enumerate(stdio):
            os.dup2(fd, number)
        process.close_fds_except([0, 1, 2, sock.fileno()])
        process.reset_signals()
        sync.expect(sock, sync.GO)
        if plan.get("fail"):
            sync.send(sock, tuple(plan["fail"]))
            os._exit(1)
        os.setsid()
        if plan.get("terminal"):
            master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
            slave = pty.open_pair(master)
            sync.send(sock, (sync.TERMINAL, 0, "", ""), master)
            os.close(master)
            pty.set_controlling(slave)
            for number in (0, 1, 2):
                os.dup2(slave, number)
            os.close(slave)
        argv = plan["process"]["argv"]
        os.execvp(argv[0], argv)
    except BaseException as error:
        number = getattr(error, "errno", 0) or 0
        sync.send(sock, ("process", number, "", str(error)))
    finally:
        os._exit(1)


def run(arguments):
    exec_root, ready = arguments[0], int(arguments[1])
    state = int(arguments[2]) if len(arguments) > 2 else -1
    if state < 0 and os.fork():
        os._exit(0)
    with open(f"{exec_root}/runs", "a") as runs:
        runs.write("one\n")
    if os.path.exists(f"{exec_root}/old"):
        operations.RELEASE = "old"
    command = [sys.executable, "-I", "-S", os.path.abspath(__file__), exec_root, "-1"]
    exit_now(main(exec_root, ready, state, command, (begin_container, begin_exec, run_ops)))


if __name__ == "__main__":
    run(sys.argv[1:])
