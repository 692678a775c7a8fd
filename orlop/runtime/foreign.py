"""Begin a container or an exec by another OCI runtime: runc, crun, whoever has their commands.

    begin(plan, stdio, joins) -> Pending

A fork of the keeper, the lead, runs `create`, tells the process it finds in the pid file, waits
until the network is there, runs `start`. What the runtime leaves behind is then the keeper's child,
for the keeper is a subreaper. Seen from there it is a launch like any other.

When the keeper dies meanwhile, nobody is left to take over: the lead ends the runtime and has it
delete what it made. The daemon waits for that by the lock that the lead holds.
"""

from __future__ import annotations

import _socket
import fcntl
import os

from orlop.kernel import namespace, netlink, pidfd
from orlop.runtime import init, sync
from orlop.runtime.foreigncall import STAGE, Orphaned, call
from orlop.runtime.pending import Pending
from orlop.runtime.process import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    Json = dict[str, Any]

LOCK = "lead.lock"  # in the bundle: held while a lead is at work there
_PATIENCE = 10.0  # seconds for a terminal that a runtime which succeeded must have sent


def plan(command: list[str], root: str, bundle: str, id: str, exec_id: str) -> Json:
    """`command`: the runtime and its own arguments. `bundle`: has config.json, or process.json of
    an exec (else `exec_id` is ""), and takes the files that the runtime writes."""
    return {"command": command, "root": root, "bundle": bundle, "id": id, "exec": exec_id}


def namespace_of(id: str, name: str) -> str:
    """What config.json has for the path of another container's namespace, until the lead knows."""
    return f"container:{id}:{name}"


def begin(plan: Json, stdio: list[int], joins: dict[str, int] | None = None) -> Pending:
    """`plan["foreign"]` of `plan`; `plan["terminal"]`: by a console socket. `joins`: pidfds by ID
    of the containers in `plan["namespaces"]`: (ID, name of the namespace). See `launch.begin`.
    """
    ours, theirs = sync.pair()
    lock = -1
    try:
        if not plan["foreign"]["exec"]:  # before the lead is: a daemon may look for it at once
            lock = os.open(f"{plan['foreign']['bundle']}/{LOCK}", _OPEN, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        pid, held = namespace.clone(0)
        if pid == 0:
            _lead(plan, theirs, (stdio[0], stdio[1], stdio[2]), joins or {}, lock)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
        if lock >= 0:
            os.close(lock)
    return Pending(ours, pid, held, lambda _pid: None)


_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def _lead(
    plan: Json,
    sock: _socket.socket,
    stdio: tuple[int, int, int],
    joins: dict[str, int],
    lock: int,
) -> NoReturn:
    try:
        held = [lock] if lock >= 0 else []
        init.leave_engine([sock.fileno(), *held, *joins.values()], stdio)
        os.chdir(plan["foreign"]["bundle"])  # short names: a socket's path has 107 bytes
        os.umask(0o022)
        if plan["foreign"]["exec"]:
            file = os.path.abspath(f"{_prefix(plan)}process.json")
            try:
                _bear(plan, sock, ["exec", "--detach", "--process", file])
            finally:
                _sweep(_prefix(plan))
        else:
            _create(plan, sock, joins)
    except BaseException as error:
        init.report(sock, STAGE, error)
        os._exit(1)
    os._exit(0)


def _create(plan: Json, sock: _socket.socket, joins: dict[str, int]) -> None:
    try:
        _name_namespaces(plan, joins)
        _bear(plan, sock, ["create", "--bundle", "."])
        if sock.recv(1) != sync.GO:
            raise Orphaned
        _network(plan)
        call(plan["foreign"], "", "start", [], sock)
    except (Orphaned, BrokenPipeError, ConnectionResetError):
        call(plan["foreign"], "", "delete", ["--force"])
        raise


def _name_namespaces(plan: Json, joins: dict[str, int]) -> None:
    """Hold those of other containers open, and write into config.json where: by its number a
    process could be another one by now. Raises Failure."""
    with open("config.json", "rb") as file:
        text = file.read()
    for id, name in plan["namespaces"]:
        fd = _opened(joins[id], name) if id in joins else -1
        if fd < 0:
            raise Failure(STAGE, 0, "", f"cannot join the namespace {name} of container {id}: gone")
        path = f"/proc/{os.getpid()}/fd/{fd}"
        text = text.replace(_field(namespace_of(id, name)), _field(path))
    if plan["namespaces"]:
        with open("config.json", "wb") as file:
            file.write(text)


def _field(path: str) -> bytes:
    return b'"path": "' + path.encode() + b'"'


def _opened(process: int, name: str) -> int:
    """A namespace of the process behind a pidfd; -1: it has ended."""
    try:
        fd = os.open(f"/proc/{pidfd.process_id(process)}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return -1
    if pidfd.has_ended(process):  # then it may have been another's
        os.close(fd)
        return -1
    return fd


def _prefix(plan: Json) -> str:
    exec_id = plan["foreign"]["exec"]
    return f"{exec_id}-" if exec_id else ""


def _bear(plan: Json, sock: _socket.socket, words: list[str]) -> None:
    """Have a process made, and tell it with its terminal."""
    file = f"{_prefix(plan)}pid"
    listener = None
    words += ["--pid-file", os.path.abspath(file)]
    if plan["terminal"]:
        console = f"{_prefix(plan)}console"
        listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        _unlink(console)
        listener.bind(console)
        listener.listen(1)
        words += ["--console-socket", console]
    _unlink(file)
    call(plan["foreign"], _prefix(plan), words[0], words[1:], sock)
    with open(file, "rb") as numbers:  # no codec can be imported any more
        pid = int(numbers.read())
    plan["pidfd"] = os.pidfd_open(pid)
    sync.send(sock, (sync.PROCESS, pid, "", ""), plan["pidfd"])
    if listener is not None:
        sync.send(sock, (sync.TERMINAL, 0, "", ""), _received(listener))


def _sweep(prefix: str) -> None:
    """The files of an exec; a container's are its bundle's."""
    for name in ("process.json", "pid", "console", "exec.log"):
        _unlink(prefix + name)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _received(listener: _socket.socket) -> int:
    """The master of the terminal, which a runtime sends to its console socket."""
    listener.settimeout(_PATIENCE)
    fd, _ = listener._accept()  # type: ignore[attr-defined]
    peer = _socket.socket(fileno=fd)
    peer.settimeout(_PATIENCE)
    _, ancillary, _, _ = peer.recvmsg(4096, _socket.CMSG_SPACE(4), _socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in ancillary:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            return int.from_bytes(data[:4], "little")
    raise Failure(STAGE, 0, "", "the runtime sent no terminal")


def _network(plan: Json) -> None:
    """What our own launch does inside: the runtime brings up the loopback only."""
    if plan["container_ops"]:
        target = _opened(plan["pidfd"], "net")
        if target < 0:
            raise Failure(STAGE, 0, "", "the process that the runtime made has ended")
        netlink.run_ops(plan["container_ops"], netns=target)
        os.close(target)
