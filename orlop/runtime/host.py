"""The steps of a launch that touch the host: namespaces, cgroups, procfs writes, the network.

Every write into /proc goes through a verified procfs fd, below which no link and no other mount
is followed.
"""

from __future__ import annotations

import os

from orlop.kernel import bpf, mount, namespace, netdevice, process
from orlop.runtime import idmap, rootfs, sync
from orlop.runtime.cgroup import create
from orlop.runtime.state import Setup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_STRICT = (
    rootfs.RESOLVE_BENEATH
    | rootfs.RESOLVE_NO_SYMLINKS
    | rootfs.RESOLVE_NO_MAGICLINKS
    | rootfs.RESOLVE_NO_XDEV
)
_run_network_ops: Any = None


def join_namespace(setup: Setup, flag: int, path: str) -> None:
    """Join a namespace by path, or that of a container held by pidfd ("container:ID")."""
    kind, _, container = path.partition(":")
    if kind == "container" and container in setup.joins:
        namespace.setns(setup.joins[container], flag)
        return
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        namespace.setns(fd, flag)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.close(fd)


def open_source(
    setup: Setup, index: int, path: str, recursive: bool, follow: bool = True, inside: str = ""
) -> None:
    """Clone the mount at a host path, detached, while host paths mean what they say.

    `inside`: a path in it that others may change: no link of it leads out (CVE-2017-1002101).
    """
    if not inside:
        setup.sources[index] = mount.open_tree(-100, path, recursive=recursive, follow=follow)
        return
    root = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    place = rootfs.open_in(root, inside)
    setup.sources[index] = mount.open_tree(place, recursive=recursive)
    os.close(place)
    os.close(root)


def map_source(
    setup: Setup,
    index: int,
    uids: list[tuple[int, int, int]],
    gids: list[tuple[int, int, int]],
    recursive: bool,
) -> None:
    """Show an opened source with other owners."""
    key = (tuple(uids), tuple(gids))
    if key not in setup.owners:
        setup.owners[key] = idmap.user_namespace(uids, gids)
    mount.mount_setattr(
        setup.sources[index],
        set=mount.ATTR_IDMAP,
        recursive=recursive,
        userns_fd=setup.owners[key],
    )


def make_cgroup(
    setup: Setup, top: str, relative: str, controllers: str, values: list[tuple[str, str]]
) -> None:
    create.make_group(top, relative, controllers, values)


def attach_cgroups(setup: Setup, directories: list[str], device_filter: bytes | None) -> None:
    """Enter the cgroups; on v2 the last directory also gets the device filter."""
    if device_filter is not None:
        fd = os.open(directories[-1], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            bpf.attach_device_filter(fd, device_filter)
        finally:
            os.close(fd)
    for directory in directories:
        create.attach(directory, setup.pid)


def unshare(setup: Setup, flags: int) -> None:
    # The cgroup namespace's root is where we are: so after the attach.
    namespace.unshare(flags)


def set_time_offsets(setup: Setup, offsets: list[tuple[str, int, int]]) -> None:
    text = "".join(f"{clock} {seconds} {nanoseconds}\n" for clock, seconds, nanoseconds in offsets)
    write_own_proc(setup, "timens_offsets", text)


def set_oom_score(setup: Setup, score: int) -> None:
    try:
        if setup.pid:
            write_proc(setup.host_proc(), f"{setup.pid}/oom_score_adj", str(score))
        else:
            write_own_proc(setup, "oom_score_adj", str(score))
    except PermissionError:
        # Lowering it needs CAP_SYS_RESOURCE, which a nested or delegated engine lacks.
        sync.send(setup.socket, (sync.NOTE, 0, "", f"oom_score_adj {score} was refused"))


def set_apparmor(setup: Setup, profile: str) -> None:
    """The profile that execve switches to; a fork keeps the order."""
    try:
        write_own_proc(setup, "attr/apparmor/exec", f"exec {profile}")
    except FileNotFoundError:
        write_own_proc(setup, "attr/exec", f"exec {profile}")


def join_keyring(setup: Setup, name: str, searchable: bool) -> None:
    try:
        keyring = process.join_session_keyring(f"_ses.{name}")  # as runc names it
    except OSError as error:
        if error.errno in (38, 13, 1, 122):  # no keys in this kernel, refused, or quota
            sync.send(setup.socket, (sync.NOTE, 0, "", f"session keyring: {error.strerror}"))
            return
        raise
    if searchable:
        process.allow_keyring_search(keyring)


def wait_for_network(setup: Setup) -> None:
    sync.expect(setup.socket, sync.GO)


def bring_up_loopback(setup: Setup) -> None:
    netdevice.bring_up("lo")


def load_network() -> None:
    """Import the network encoder while imports are still possible."""
    global _run_network_ops
    from orlop.kernel.netlink import run_ops

    _run_network_ops = run_ops


def configure_network(setup: Setup, ops: list[tuple[Any, ...]]) -> None:
    """Run the network's own ops in our network namespace."""
    _run_network_ops(ops)


def set_sysctl(setup: Setup, name: str, value: str) -> None:
    """Write a namespaced sysctl; `name` in its path form (net/ipv4/ip_forward)."""
    write_proc(setup.host_proc(), f"sys/{name}", value)


def set_hostname(setup: Setup, name: str) -> None:
    namespace.sethostname(name)


def set_domainname(setup: Setup, name: str) -> None:
    namespace.setdomainname(name)


def write_own_proc(setup: Setup, name: str, text: str) -> None:
    proc = setup.host_proc()
    write_proc(proc, f"{os.readlink('self', dir_fd=proc)}/{name}", text)


def write_proc(proc: int, path: str, text: str) -> None:
    try:
        fd = rootfs.open_beneath(proc, path, os.O_WRONLY, _STRICT)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"/proc/{path}") from None
