"""The process that holds a user's namespaces and binds ports of the host for what lives in them.

    doorkeeper (the host's network)          holder (user, mount and network namespace)
    newuidmap, newgidmap ------------------> mounts, loopback; waits for ever
    pasta or slirp4netns ------------------> the way out
    door.sock: {"protocol", "ip", "port"}    asked by network/door.py
               {} and the bound socket, or {"errno", "error"}

Should the doorkeeper die, the namespaces and the ports in use stay; the next daemon starts another.
"""

from __future__ import annotations

import array
import marshal
import os
import shutil
import signal
import socket
import subprocess
import traceback
from pathlib import Path
from typing import Any, NoReturn

from orlop.errors import SystemFailure
from orlop.kernel import mount, namespace, netdevice, process
from orlop.network import ports
from orlop.oci.idmap import Range

PID, SOCKET = "rootless.pid", "door.sock"
HOLDER = "orlop-rootless"  # its name in /proc/PID/comm, of at most 15 bytes
_DNS = {"pasta": "169.254.1.1", "slirp4netns": "10.0.2.3"}
_READY = 15.0  # seconds for the network's program
_FIRST_PORT = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def answers(runtime: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        try:
            probe.connect(str(runtime / SOCKET))
        except OSError:
            return False
    return True


def serve(runtime: Path, maps: tuple[tuple[Range, ...], ...], holder: int, tell: int) -> NoReturn:
    """Never returns. `holder`: of namespaces that are there; 0 makes them. `tell` gets its pid in
    decimal, or what went wrong."""
    try:
        door = _open(runtime / SOCKET)
        if holder == 0:
            holder = _make(runtime, maps)
            (runtime / PID).write_text(str(holder))
        os.write(tell, str(holder).encode())
    except SystemFailure as error:
        os.write(tell, error.message.encode())
        os._exit(1)
    except BaseException as error:
        os.write(tell, f"{type(error).__name__}: {error}".encode())
        os._exit(1)
    os.close(tell)
    try:
        while True:
            try:
                client, _ = door.accept()
            except OSError:
                continue  # whoever asked left
            with client:
                _serve(client)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(1)


def _open(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mask = os.umask(0o177)
    try:
        door.bind(str(path))
    finally:
        os.umask(mask)
    door.listen(64)
    return door


def _serve(client: socket.socket) -> None:
    """One request: only a user's own processes come to the socket."""
    client.settimeout(5)
    try:
        data = client.recv(4096)
        if not data:
            return  # a daemon that looked whether we are here
        wanted = marshal.loads(data)
        bound = ports.bind(str(wanted["protocol"]), str(wanted["ip"]), int(wanted["port"]))
    except OSError as error:
        _answer(client, {"errno": error.errno or 0, "error": _why(error)})
        return
    except (ValueError, EOFError, TypeError, KeyError, OverflowError) as error:
        _answer(client, {"errno": 22, "error": str(error)})
        return
    if bound is None:
        _answer(client, {})
        return
    with bound:
        _answer(client, {}, [bound.fileno()])


def _why(error: OSError) -> str:
    text = (error.strerror or str(error)).lower()
    if error.errno != 13:
        return text
    try:
        first = Path(_FIRST_PORT).read_text().strip()
    except OSError:
        first = "1024"
    return (
        f"{text}: users may bind ports from {first} on; as root, "
        "sysctl net.ipv4.ip_unprivileged_port_start=N lowers that"
    )


def _answer(
    client: socket.socket, answer: dict[str, Any], fds: tuple[int, ...] | list[int] = ()
) -> None:
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    try:
        client.sendmsg([marshal.dumps(answer)], rights)
    except OSError:
        pass  # it left


def _make(runtime: Path, maps: tuple[tuple[Range, ...], ...]) -> int:
    """The holder's pid. Raises SystemFailure."""
    backend = _backend()
    resolver = runtime / "resolv.conf"
    if backend:
        resolver.write_text(f"nameserver {_DNS[backend]}\n")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    pid = os.fork()
    if pid == 0:
        ours.close()
        _hold(theirs, str(resolver) if backend else "")
    theirs.close()
    try:
        with ours:
            _expect(ours, b"born", "unshare")
            for program, ranges in zip(("newuidmap", "newgidmap"), maps, strict=True):
                words = [str(number) for entry in ranges for number in entry]
                _run([program, str(pid), *words])
            ours.send(b"mapped")
            _expect(ours, b"ready", "mount")
        if backend:
            _connect(backend, pid)
    except BaseException:
        os.kill(pid, signal.SIGKILL)  # nobody would find it again
        raise
    return pid


def _expect(sock: socket.socket, word: bytes, doing: str) -> None:
    said = sock.recv(4096)
    if said != word:
        raise SystemFailure(
            f"this host lets users make no namespaces ({doing}: {said.decode(errors='replace')}); "
            "as root, look at sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone "
            "and kernel.apparmor_restrict_unprivileged_userns"
        )


def _hold(sock: socket.socket, resolver: str) -> NoReturn:
    """In the namespaces, for as long as they shall live."""
    try:
        namespace.unshare(namespace.CLONE_NEWUSER)
        process.set_dumpable(True)  # newuidmap and later daemons have to come to our /proc
        sock.send(b"born")
        if sock.recv(64) != b"mapped":
            os._exit(1)
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        namespace.unshare(namespace.CLONE_NEWNS | namespace.CLONE_NEWNET)
        process.set_dumpable(True)
        mount.mount(None, "/", None, mount.MS_SLAVE | mount.MS_REC)
        netdevice.bring_up("lo")
        if resolver and os.path.exists("/etc/resolv.conf"):
            mount.mount(resolver, os.path.realpath("/etc/resolv.conf"), None, mount.MS_BIND)
        process.set_name(HOLDER)
        sock.send(b"ready")
        sock.close()
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        process.close_fds_except([0, 1, 2])
        while True:
            signal.pause()
    except OSError as error:
        sock.send(str(error.strerror).encode())
    finally:
        os._exit(1)


def _backend() -> str:
    """The program that connects the namespace to the host's network; "" without one."""
    found = next((name for name in _DNS if shutil.which(name)), "")
    if not found:
        _warn("neither pasta (package passt) nor slirp4netns is installed")
        return ""
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        _warn("/dev/net/tun is closed to this user; as root: chmod 0666 /dev/net/tun")
        return ""
    return found


def _warn(why: str) -> None:
    text = f"orlopd: {why}: containers reach nothing outside, published ports work\n"
    os.write(2, text.encode())


def _connect(backend: str, pid: int) -> None:
    if backend == "pasta":
        _run(
            ["pasta", "--config-net", "--quiet", "--no-map-gw", "-t", "none", "-u", "none",
             "-T", "none", "-U", "none", "--dns-forward", _DNS["pasta"], str(pid)]
        )  # fmt: skip
        return
    reader, writer = os.pipe()
    subprocess.Popen(
        ["slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd",
         str(writer), str(pid), "tap0"],
        pass_fds=[writer], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    os.close(writer)
    with open(reader, "rb") as answer:
        if answer.read(1) != b"1":
            raise SystemFailure("slirp4netns did not start")


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_READY, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise SystemFailure(f"{command[0]}: {said or f'exit status {done.returncode}'}")
