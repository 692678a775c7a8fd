"""Does libnftables survive this network namespace?

A set that a newer release wrote (from a container in the host's network, say) makes 1.0.6 and 1.0.9
jump to address 0 while they fill their cache, whatever the command. That must not end the daemon,
so a process of its own looks first, if there are tables at all.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys

_NETLINK_NETFILTER = 12
_GETTABLE = 10 << 8 | 1  # NFNL_SUBSYS_NFTABLES, NFT_MSG_GETTABLE
_REQUEST_DUMP = 0x301
_DONE, _ERROR = 3, 2
_LOOK = """
import ctypes
n = ctypes.CDLL("%s")
n.nft_ctx_new.restype = ctypes.c_void_p
c = ctypes.c_void_p(n.nft_ctx_new(0))
n.nft_ctx_buffer_output(c)
n.nft_ctx_buffer_error(c)
n.nft_run_cmd_from_buffer(c, b"list tables")
"""


def crashes(soname: str) -> bool:
    """True if a process that lists the tables with `soname` is killed by a signal."""
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    command = [sys.executable, "-I", "-S", "-c", _LOOK % soname]
    try:
        if not _any_table() or not sys.executable:
            return False
        pid = os.posix_spawn(sys.executable, command, {}, file_actions=quiet)
        status = os.waitpid(pid, 0)[1]
    except OSError:
        return False
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGSEGV, signal.SIGABRT)


def _any_table() -> bool:
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER
    ) as sock:
        sock.settimeout(1)
        sock.send(struct.pack("=IHHII4x", 20, _GETTABLE, _REQUEST_DUMP, 1, 0))
        kind = struct.unpack_from("=IH", sock.recv(1 << 16))[1]
        return kind not in (_DONE, _ERROR)
