"""Start orlopd when nothing answers on the default socket, as tmux and adb start their servers.

Under a lock, with a clean environment, umask 022, cwd /, a session of its own and no inherited
descriptor; refused inside another mount, pid, network or user namespace than PID 1's, where the
containers would die with it or the daemon would see another host. Off with ORLOP_AUTOSTART=0.
"""

import fcntl
import os
import sys
import time

from orlop.client.host import unreachable
from orlop.client.transport import Connection, ConnectionFailed, open_unix

PATIENCE = 60.0  # seconds until the daemon must answer; one that ends is seen at once
_KEPT = ("HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "NOTIFY_SOCKET")


def start(socket_path: str) -> Connection:
    """Connect, after starting the daemon if need be. Raises ConnectionFailed."""
    _check_namespaces(socket_path)
    directory = os.path.dirname(socket_path)
    try:
        os.makedirs(directory, 0o711, exist_ok=True)
        lock = os.open(
            os.path.join(directory, "autostart.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise ConnectionFailed(
            unreachable("unix://" + socket_path).message
            + "\n"
            + no_directory(error, own=os.getuid() != 0)
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection = _try(socket_path)  # another command may have been first
        if connection is not None:
            return connection
        os.write(2, b"orlop: starting orlopd (ORLOP_AUTOSTART=0 turns this off)\n")
        log = os.path.join(directory, "orlopd.log")
        return _await(socket_path, _spawn(log), log)
    finally:
        os.close(lock)


def no_directory(error: OSError, *, own: bool) -> str:
    """What keeps the daemon's directory from being made; of a user's `own`, what to do about it."""
    said = f"{error.filename}: {(error.strerror or '').lower()}"
    if not own:
        return said
    return (
        f"{said}; set XDG_RUNTIME_DIR to a directory of your own, as a login by systemd or "
        "`loginctl enable-linger` makes it"
    )


def _check_namespaces(socket_path: str) -> None:
    for name in ("mnt", "pid", "net", "user"):
        try:
            ours, first = os.readlink(f"/proc/self/ns/{name}"), os.readlink(f"/proc/1/ns/{name}")
        except OSError:
            continue  # only root may look at PID 1
        if ours != first:
            raise ConnectionFailed(
                unreachable("unix://" + socket_path).message
                + f"\n(it is not started from here: this is another {name} namespace than PID 1's)"
            )


def _command() -> list[str]:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    entry = os.path.join(package, "daemon", "entry.py")
    python = sys.executable or "/usr/bin/python3"
    return [python, "-I", "-S", entry]


def _spawn(log: str) -> int:
    """Fork twice, so that the daemon is nobody's child here. Returns its pidfd."""
    told, tell = os.pipe()
    env = {k: v for k, v in os.environ.items() if k in _KEPT}
    env["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    env["LANG"] = "C.UTF-8"
    child = os.fork()
    if child:
        os.close(tell)
        os.waitpid(child, 0)
        pid = int(os.read(told, 20) or b"0")
        os.close(told)
        return os.pidfd_open(pid)
    try:
        os.setsid()
        if pid := os.fork():
            os.write(tell, str(pid).encode())
            os._exit(0)
        os.umask(0o022)
        os.chdir("/")
        null = os.open("/dev/null", os.O_RDWR)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        os.dup2(null, 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        argv = _command()
        os.execve(argv[0], argv, env)
    except OSError as e:
        os.write(2, f"orlopd: {e}\n".encode())
    finally:
        os._exit(127)


def _await(socket_path: str, pidfd: int, log: str) -> Connection:
    import select

    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            connection = _try(socket_path)
            if connection is not None:
                return connection
            # a pidfd is readable once its process has ended
            if select.select([pidfd], [], [], 0.005)[0]:
                break
    finally:
        os.close(pidfd)
    raise ConnectionFailed(
        unreachable("unix://" + socket_path).message + "\norlopd did not start:\n" + _tail(log)
    )


def _tail(log: str) -> str:
    try:
        with open(log, "rb") as f:
            return f.read()[-2000:].decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _try(socket_path: str) -> Connection | None:
    try:
        return open_unix(socket_path)
    except OSError:
        return None
