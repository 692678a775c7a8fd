"""Which sysctls a container may set: those that its own namespaces hold. Pure."""

from __future__ import annotations

from orlop.errors import InvalidArgument

# Source: the kernel's Documentation/admin-guide/sysctl; what ipc_namespaces(7) lists
_IPC = frozenset(
    f"kernel.{name}"
    for name in "msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced".split()
)
_ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")


def check(name: str, value: str, namespaces: dict[str, str], domainname: str = "") -> None:
    """Raises InvalidArgument. `namespaces`: type -> path, "" for a new one."""
    dotted = _dotted(name)
    if set(name) - _ALLOWED or ".." in dotted or dotted[:1] in ("", ".") or dotted[-1:] == ".":
        raise InvalidArgument(f"sysctl {name!r} is not in a separate kernel namespace")
    if "\n" in value:
        raise InvalidArgument(f"sysctl {name!r}: the value has more than one line")
    if dotted in _IPC or dotted.startswith("fs.mqueue."):
        _need(name, "ipc", namespaces)
    elif dotted.startswith("net."):
        _need(name, "network", namespaces)
        if namespaces["network"] in ("/proc/self/ns/net", "/proc/1/ns/net"):
            raise InvalidArgument(f"sysctl {name!r} is not allowed in the host's network namespace")
    elif dotted == "kernel.domainname":
        if domainname not in ("", value):
            raise InvalidArgument(f"sysctl {name!r} conflicts with config.json's domainname")
        _need(name, "uts", namespaces)
    elif dotted == "kernel.hostname":
        raise InvalidArgument(f"sysctl {name!r} is set by config.json's hostname")
    elif dotted.startswith("user."):
        _need(name, "user", namespaces)
    else:
        raise InvalidArgument(f"sysctl {name!r} is not in a separate kernel namespace")


def path(name: str) -> str:
    """Below /proc/sys: "net.ipv4.conf.eth0/1.x" is net/ipv4/conf/eth0.1/x (sysctl(8))."""
    first = next((c for c in name if c in "./"), ".")
    if first == "/":
        return name
    return name.translate({ord("."): "/", ord("/"): "."})


def _dotted(name: str) -> str:
    return path(name).replace("/", ".")


def _need(name: str, kind: str, namespaces: dict[str, str]) -> None:
    if kind not in namespaces:
        raise InvalidArgument(f"sysctl {name!r} needs a {kind} namespace of the container's own")
