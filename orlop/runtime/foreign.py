"""Begin a container or an exec by another OCI runtime: runc, crun, whoever has their commands.

    begin(plan, stdio) -> Pending

A fork of the keeper runs `create`, tells the process it finds in the pid file, waits until the
network is there, runs `start`. What the runtime leaves behind is then the keeper's child, for the
keeper is a subreaper. Seen from there it is a launch like any other.
"""

from __future__ import annotations

import _socket
import os

from orlop.kernel import namespace, netlink
from orlop.oci.jsonlite import loads
from orlop.runtime import init, sync
from orlop.runtime.pending import Pending
from orlop.runtime.process import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    Json = dict[str, Any]

STAGE = "oci"  # of failures, whose message is the runtime's own
_PATIENCE = 10.0  # seconds for a terminal that a runtime which succeeded must have sent
_LOG_TAIL = 64 << 10
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def plan(command: list[str], root: str, bundle: str, id: str, exec_id: str) -> Json:
    """`command`: the runtime and its own arguments. `bundle`: has config.json, or process.json of
    an exec (else `exec_id` is ""), and takes the files that the runtime writes."""
    return {"command": command, "root": root, "bundle": bundle, "id": id, "exec": exec_id}


def begin(plan: Json, stdio: list[int]) -> Pending:
    """`plan["foreign"]` of `plan`; `plan["terminal"]`: by a console socket. See `launch.begin`."""
    ours, theirs = sync.pair()
    try:
        pid, pidfd = namespace.clone(0)
        if pid == 0:
            _lead(plan, theirs, (stdio[0], stdio[1], stdio[2]))
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Pending(ours, pid, pidfd, lambda _pid: None)


def _lead(plan: Json, sock: _socket.socket, stdio: tuple[int, int, int]) -> NoReturn:
    try:
        init.leave_engine([sock.fileno()], stdio)
        os.chdir(plan["foreign"]["bundle"])  # short names: a socket's path has 107 bytes
        os.umask(0o022)
        if plan["foreign"]["exec"]:
            file = os.path.abspath(f"{_prefix(plan)}process.json")
            try:
                _bear(plan, sock, ["exec", "--detach", "--process", file])
            finally:
                _sweep(_prefix(plan))
        else:
            _bear(plan, sock, ["create", "--bundle", "."])
            sync.expect(sock, sync.GO)
            _network(plan)
            _run(plan["foreign"], "", "start", [])
    except BaseException as error:
        init.report(sock, STAGE, error)
        os._exit(1)
    os._exit(0)


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
    _run(plan["foreign"], _prefix(plan), words[0], words[1:])
    with open(file, "rb") as numbers:  # no codec can be imported any more
        pid = int(numbers.read())
    pidfd = os.pidfd_open(pid)
    plan["pid"] = pid
    sync.send(sock, (sync.PROCESS, pid, "", ""), pidfd)
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
        target = os.open(f"/proc/{plan['pid']}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        netlink.run_ops(plan["container_ops"], netns=target)
        os.close(target)


def _run(foreign: Json, prefix: str, verb: str, words: list[str]) -> None:
    """One call of the runtime. Raises Failure with its words."""
    log = f"{prefix}{verb}.log"
    _unlink(log)
    command = foreign["command"]
    argv = [*command, "--root", foreign["root"], "--log", os.path.abspath(log)]
    argv += ["--log-format", "json", verb, *words, foreign["id"]]
    pid = os.fork()
    if pid == 0:
        try:
            os.execve(argv[0], argv, _ENVIRONMENT)
        except OSError as error:
            told = (error.strerror or "").lower()
            _say(log, f"fork/exec {argv[0]}: {told}")
        finally:
            os._exit(127)
    _, status = os.waitpid(pid, 0)
    if status:
        raise Failure(STAGE, 0, "", _last_word(log) or f"{command[0]} {verb} failed")


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
