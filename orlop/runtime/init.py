"""The first process of a container, from birth to execve: it walks the plan's steps in order.

Single-threaded, a fork of the keeper. It opens what it needs of the host first, then builds the
rootfs on fds, waits for its network, switches root, drops what the plan does not grant, executes.
"""

from __future__ import annotations

import _socket
import os
import sys

from orlop.kernel import process
from orlop.runtime import devices, filesystem, hooks, host, sync, terminal
from orlop.runtime import process as program
from orlop.runtime.state import Setup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

# A step's name in the plan -> what it does. Those in PARENT need the host's rights or paths: with
# a user namespace the keeper does them, before or right after clone3.
STEPS: dict[str, Callable[..., None]] = {
    "join": host.join_namespace,
    "open": host.open_source,
    "idmap": host.map_source,
    "cgroup": host.make_cgroup,
    "attach": host.attach_cgroups,
    "unshare": host.unshare,
    "time": host.set_time_offsets,
    "oom": host.set_oom_score,
    "keyring": host.join_keyring,
    "apparmor": host.set_apparmor,
    "root": filesystem.attach_root,
    "mount": filesystem.mount_filesystem,
    "bind": filesystem.mount_bind,
    "cgroups": filesystem.mount_cgroups,
    "directory": filesystem.make_directory,
    "device": devices.make_device,
    "symlink": devices.make_symlink,
    "terminal": terminal.open_console,
    "mask": filesystem.mask,
    "readonly": filesystem.make_readonly,
    "wait": host.wait_for_network,
    "hooks": hooks.run_in_container,
    "createhooks": hooks.run_own,
    "network": host.configure_network,
    "loopback": host.bring_up_loopback,
    "sysctl": host.set_sysctl,
    "hostname": host.set_hostname,
    "domainname": host.set_domainname,
    "attributes": filesystem.set_root_attributes,
    "pivot": filesystem.switch_root,
}
BEFORE = frozenset({"open", "idmap", "cgroup"})
AFTER = frozenset({"attach", "oom"})
PARENT = BEFORE | AFTER


def run_steps(plan: dict[str, Any], setup: Setup, names: frozenset[str]) -> None:
    """Those of the plan's steps that the parent does. Raises OSError."""
    for step in plan["steps"]:
        if step[0] in names:
            STEPS[step[0]](setup, *step[1:])


def run(plan: dict[str, Any], setup: Setup, stdio: tuple[int, int, int]) -> NoReturn:
    """Never returns: execve, or _exit with the reason on the socket."""
    step: tuple[Any, ...] = ("birth",)
    try:
        _be_born(plan, setup, stdio)
        for step in plan["steps"]:
            if not (plan["user_namespace"] and step[0] in PARENT):
                STEPS[step[0]](setup, *step[1:])
        step = ("process",)
        if plan.get("gate") is not None:
            # The wait at the gate may be long, and others may share our PID namespace: nothing of
            # the host's stays open. Before seccomp, whose profile may be older than close_range.
            setup.sources.clear()
            setup.joins.clear()
            process.close_fds_except([0, 1, 2, *setup.fds()])
        gate = None if plan.get("straight") else plan.get("gate")
        execute(plan["process"], become(plan["process"], setup), setup, gate)
    except BaseException as error:  # whatever it is, nothing but _exit may follow
        report(setup.socket, str(step[0]), error)
    finally:
        os._exit(1)


def report(sock: _socket.socket, stage: str, error: BaseException) -> None:
    """Tell the keeper what failed."""
    if isinstance(error, program.Failure):
        frame = error.frame
    elif isinstance(error, OSError):
        frame = (stage, error.errno or 0, str(error.filename or ""), error.strerror or str(error))
    else:
        frame = (stage, 0, "", f"{type(error).__name__}: {error}")
    try:
        sync.send(sock, frame)
    except OSError:
        pass  # the keeper is gone


def leave_engine(keep: list[int], stdio: tuple[int, int, int]) -> None:
    """Cut what a fork of the keeper inherited: its fds, signals, import paths."""
    process.set_dumpable(False)
    for number, fd in enumerate(stdio):
        os.dup2(fd, number)
    process.close_fds_except([0, 1, 2, *keep])
    process.reset_signals()
    sys.path[:] = []
    sys.meta_path[:] = []  # an import from here on fails; none may read the container's files


def _be_born(plan: dict[str, Any], setup: Setup, stdio: tuple[int, int, int]) -> None:
    if plan["steps_network"]:
        host.load_network()
    leave_engine(setup.fds(), stdio)
    os.umask(0)
    if plan["user_namespace"]:
        sync.expect(setup.socket, sync.MAPPED)
        become_root()
    if not plan["terminal"]:
        os.setsid()


def become_root() -> None:
    """In a user namespace just entered: its root, no longer an ID it has no name for."""
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    process.set_dumpable(False)


def become(plan: dict[str, Any], setup: Setup) -> bool:
    """Take on the limits and the identity of the plan's `process`, for good.

    Whether its working directory was entered on the way, while we still could by right of root.
    """
    os.umask(plan["umask"])
    for note in program.limit(plan):
        sync.send(setup.socket, (sync.NOTE, 0, "", note))
    program.own_stdio(plan["uid"])
    entered = program.enter_directory(plan["cwd"])
    listener = program.restrict(plan)
    if listener >= 0:
        sync.send(setup.socket, (sync.LISTENER, 0, "", ""), listener)
        os.close(listener)
    return entered


def execute(
    plan: dict[str, Any], entered: bool, setup: Setup, gate: dict[str, Any] | None = None
) -> NoReturn:
    """Find the program as the container's user does, and execute it.

    `gate`: wait to be started first, then run the hooks it names.
    """
    program.verify_directory(plan["cwd"], entered)
    environment = program.environment_of(plan)
    path = program.find_program(plan["argv"][0], environment)
    if gate is not None:
        hooks.wait_at_gate(setup, gate["hooks"])
    for fd in setup.preserved:
        os.set_inheritable(fd, True)
    program.execute(path, plan["argv"], environment)
