"""The container's terminal: a pty of its own devpts, whose master goes to the keeper."""

from __future__ import annotations

import _socket
import os

from orlop.kernel import mount, pty
from orlop.runtime import rootfs, sync
from orlop.runtime.state import Setup

_READ_WRITE = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC


def open_console(setup: Setup, uid: int, size: tuple[int, int]) -> None:
    """Make the pty, show it as /dev/console, and be its session's leader with it as stdio."""
    terminals = setup.terminals
    if terminals < 0:
        terminals = rootfs.open_in(setup.root, "/dev/pts", os.O_PATH | os.O_DIRECTORY)
    slave = open_slave(setup.socket, terminals, uid, size)
    place = rootfs.make_file(setup.root, "/dev/console")
    cover = mount.open_tree(slave)  # by fd: no /dev/pts/N to be swapped (CVE-2025-52565)
    mount.move_mount(cover, place, path="/dev/console")
    os.close(cover)
    os.close(place)
    take_over(slave)


def open_slave(sock: _socket.socket, terminals: int, uid: int, size: tuple[int, int]) -> int:
    """A new pty in the devpts `terminals`; sends its master to the keeper, returns the slave."""
    if mount.filesystem_magic(terminals) != mount.DEVPTS_MAGIC:
        raise OSError(25, "not a devpts", "/dev/pts")
    master = os.open("ptmx", _READ_WRITE, dir_fd=terminals)
    slave = pty.open_pair(master)
    pty.set_size(slave, *size)
    if uid:
        os.fchown(slave, uid, -1)
    sync.send(sock, (sync.TERMINAL, 0, "", ""), master)
    os.close(master)
    return slave


def take_over(slave: int) -> None:
    """Become the session leader that `slave` controls, with it as stdio."""
    os.setsid()
    pty.set_controlling(slave)
    for number in (0, 1, 2):
        os.dup2(slave, number)
    os.close(slave)
