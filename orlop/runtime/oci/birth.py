"""Make a container, up to the point where only `start` is left.

record, plan ── launch ── frames of the child ── hooks of the host ── created: state on disk
                       │                      └─ failed: everything taken back
                       └─ straight: a `run` without hooks, nothing to wait for until it runs
"""

from __future__ import annotations

import _socket
import marshal
import os
import select
import struct
import time

from orlop.errors import InvalidArgument, OrlopError
from orlop.oci.jsonlite import dumps
from orlop.runtime import hooks, launch
from orlop.runtime.oci import config, console, planning
from orlop.runtime.oci.remains import abandon, clear
from orlop.runtime.oci.state import public
from orlop.runtime.oci.store import CREATED, CREATING, FIFO, Record, process_start
from orlop.runtime.pending import Pending
from orlop.runtime.process import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.oci.command import Command

    Json = dict[str, Any]

_FIRST_PRESERVED = 3
# Steps of the launch up to the one that makes the cgroups: what lies there may be another's.
_BEFORE_CGROUPS = {"birth", "join", "clone", "apparmor", "oom", "keyring", "cgroup"}


class Born:
    """A created container that is still ours: `pending` waits to be released, or `runs` already."""

    __slots__ = ("has_cgroups", "master", "pending", "record", "runs", "spec")

    def __init__(self, record: Record, spec: Json, pending: Pending) -> None:
        self.record = record
        self.spec = spec
        self.pending = pending
        self.master: int | None = None
        self.runs = False
        self.has_cgroups = False  # the groups at its path were made for it


def give_birth(command: Command, *, gate: bool, detached: bool) -> Born:
    """`gate`: wait in a FIFO for another process to start it. The record stays locked."""
    id = command.id()
    bundle = os.path.realpath(command.options.get("bundle") or ".")
    data = config.read_file(os.path.join(bundle, command.options.get("config") or "config.json"))
    spec = config.container(data, bundle)
    sock = _console(command, spec, detached)
    plan = planning.plan_of(
        spec,
        id,
        command.layout(),
        keyring=not command.options.get("no-new-keyring"),
        pivot=not command.options.get("no-pivot"),
        run=not gate,
    )
    record = command.store.make(id)
    born: Born | None = None
    try:
        _describe(record, command, spec, plan, bundle)
        with open(f"{record.path}/config.json", "wb") as file:
            file.write(data)
        born = Born(record, spec, _launch(command, record, plan, gate))
        _bring_up(born, command, sock, straight=plan["straight"])
        if command.options.get("pid-file"):
            write_pid(command.options["pid-file"], born.pending.pid)
    except BaseException:
        _take_back(command, record, born)
        raise
    return born


def _console(command: Command, spec: Json, detached: bool) -> _socket.socket | None:
    path = command.options.get("console-socket")
    wants = bool(spec["process"].get("terminal"))
    if path and not wants:
        raise InvalidArgument("cannot use console socket if runc will not detach or allocate tty")
    if path:
        return console.connect(path)
    if wants and detached:
        raise InvalidArgument(
            "cannot allocate tty if runc will detach without setting console socket"
        )
    return None


def _describe(record: Record, command: Command, spec: Json, plan: Json, bundle: str) -> None:
    layout = command.layout()
    record.state = {
        "ociVersion": spec["ociVersion"],
        "id": record.id,
        "pid": 0,
        "status": CREATING,
        "bundle": bundle,
        "rootfs": spec["root"]["path"],
        "created": _now(),
        "owner": "root" if os.geteuid() == 0 else "",
        **({"annotations": spec["annotations"]} if spec.get("annotations") else {}),
        "orlop": {
            "start_time": 0,
            "cgroup": _relative(plan, layout.directories("")),
            "cgroups": plan["cgroup_directories"],
            "cgroup_manager": command.cgroup_manager,
            "keyring": "" if command.options.get("no-new-keyring") else record.id,
            "namespaces": [entry["type"] for entry in spec["linux"].get("namespaces") or ()],
            "shared_pids": not any(
                entry["type"] == "pid" and not entry.get("path")
                for entry in spec["linux"].get("namespaces") or ()
            ),
        },
    }


def _relative(plan: Json, tops: list[str]) -> str:
    own = plan["cgroup_directories"]
    return str(own[0][len(tops[0]) :]).strip("/") if own else ""


def _now() -> str:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09d}Z"


def _launch(command: Command, record: Record, plan: Json, gate: bool) -> Pending:
    fifo = -1
    if gate:
        path = f"{record.path}/{FIFO}"
        os.mkfifo(path, 0o600)
        fifo = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        command.before_fork()
        return launch.begin(plan, 0, 1, 2, gate=fifo, preserved=preserved(command, plan["process"]))
    finally:
        if fifo >= 0:
            os.close(fifo)


def preserved(command: Command, process: Json) -> list[int]:
    """The fds that the caller wants the program to have; socket activation counts too."""
    extra = int(command.options.get("preserve-fds") or 0)
    listen = os.environ.get("LISTEN_FDS", "")
    if listen.isdigit() and int(listen) and os.environ.get("LISTEN_PID") == str(os.getpid()):
        extra = max(extra, int(listen))
        process["env"] += [f"LISTEN_FDS={listen}", "LISTEN_PID=1"]
    found = list(range(_FIRST_PRESERVED, _FIRST_PRESERVED + extra))
    for fd in found:
        try:
            os.fstat(fd)
        except OSError:
            command.log.note(f"preserve-fds: file descriptor {fd} is not open")
            found = [other for other in found if other != fd]
    return found


def _bring_up(born: Born, command: Command, sock: _socket.socket | None, *, straight: bool) -> None:
    """Answer the child until it is created, a straight one until it runs. Raises Failure."""
    record, pending = born.record, born.pending
    if straight:  # should we be killed, others find it; meanwhile it goes on
        _note_process(born)
        record.save()
    while True:
        word = wait(pending)
        _note_process(born)
        if straight and word == "running":
            born.runs = True
            break
        if word == "hooks":
            born.has_cgroups = True
            record.save()
            _host_hooks(born)
            continue
        if word != "created":
            failure = pending.failure or ("birth", 0, "", "the process died in its set-up")
            born.has_cgroups = born.has_cgroups or failure[0] not in _BEFORE_CGROUPS
            raise Failure(*failure)
        break
    for note in pending.notes:
        command.log.note(note)
    if pending.listener is not None:
        _hand_listener(born)
    if pending.master is not None:
        if sock is not None:
            console.hand_over(sock, pending.master)
        else:
            born.master = pending.master
        pending.master = None
    if not born.runs:
        record.state["status"] = CREATED
        record.save()


def _note_process(born: Born) -> None:
    record, pending = born.record, born.pending
    if pending.pid != record.state["pid"]:
        record.state["pid"] = pending.pid
        record.own["start_time"] = process_start(pending.pid) or 0


def wait(pending: Pending) -> str:
    """`Pending.receive`, waited for."""
    poll = select.poll()
    poll.register(pending.error_fd, select.POLLIN | select.POLLHUP)
    while True:
        poll.poll()
        word = pending.receive()
        if word != "waiting":
            return word


def _host_hooks(born: Born) -> None:
    found = born.spec.get("hooks") or {}
    creating = dumps(public(born.record, CREATING)).encode()
    created = dumps(public(born.record, CREATED)).encode()
    for kind in ("prestart", "createRuntime"):
        hooks.run(found.get(kind) or (), creating, kind)
    born.pending.answer(marshal.dumps((creating, created)))


def _hand_listener(born: Born) -> None:
    """Give the seccomp listener to whoever the config names (the OCI's ContainerProcessState)."""
    section = born.spec["linux"]["seccomp"]
    listener = born.pending.listener
    assert listener is not None
    state = {
        "ociVersion": born.record.state["ociVersion"],
        "fds": ["seccompFd"],
        "pid": born.pending.pid,
        "metadata": section.get("listenerMetadata", ""),
        "state": public(born.record, CREATING),
    }
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.connect(section["listenerPath"])
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", listener))]
        sock.sendmsg([dumps(state).encode()], rights)
    except OSError as error:
        raise OrlopError(f"seccomp listener {section['listenerPath']}: {error.strerror}") from None
    finally:
        sock.close()
        os.close(listener)


def write_pid(path: str, pid: int) -> None:
    """By rename: who sees the file sees the number."""
    directory, name = os.path.split(path)
    temp = os.path.join(directory, f".{name}")
    with open(temp, "w", encoding="utf-8") as file:
        file.write(str(pid))
    os.rename(temp, path)


def _take_back(command: Command, record: Record, born: Born | None) -> None:
    if born is not None:
        born.pending.kill()
        try:
            os.waitid(os.P_PIDFD, born.pending.pidfd, os.WEXITED)
        except ChildProcessError:
            pass
    if born is None or not born.has_cgroups:
        abandon(record)
    clear(command, record, born.spec if born is not None else None)
