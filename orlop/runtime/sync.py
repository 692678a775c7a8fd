"""The handshake of a launch, over one SOCK_SEQPACKET pair (close-on-exec at both ends).

      keeper (Pending)                         child (init or exec)
      clone3 ------------------------------->  born: closes every other fd
      uid_map, gid_map, cgroups
      MAPPED ------------------------------->  only with a user namespace: go on as its root
                                               cgroup, mounts, devices
      network ops on the host
      GO ----------------------------------->  network ops inside, sysctl, root switch
             <------------------------------- ("note", 0, "", text)            any number
             <------------------------------- ("terminal", 0, "", "") + master of the pty
             <------------------------------- ("process", pid, "", "") + pidfd exec, joined user
      orlop-runtime only:
             <------------------------------- ("hooks", 0, "", "")             mounts are made
      hooks of the host; their states ------>  hooks of the container
             <------------------------------- ("listener", 0, "", "") + fd of the seccomp listener
             <------------------------------- ("created", 0, "", "")           only execve is left
      GO (run) or a byte in the FIFO ------->
             <------------------------------- (stage, errno, path, message)    failed: _exit(1)
      EOF    <------------------------------- execve closed the child's end: running

The keeper closing its end before GO makes the child leave. A frame is marshal of a 4-tuple.
"""

from __future__ import annotations

import _socket
import marshal
import os
import struct

MAPPED = b"m"
GO = b"g"
HOOKS = "hooks"
CREATED = "created"
LISTENER = "listener"
NOTE = "note"
TERMINAL = "terminal"
PROCESS = "process"
_TEXT_LIMIT = 4096

Frame = tuple[str, int, str, str]


def pair() -> tuple[_socket.socket, _socket.socket]:
    """(keeper's end, non-blocking; child's end, blocking)."""
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    return ours, theirs


def send(sock: _socket.socket, frame: Frame, fd: int | None = None) -> None:
    stage, number, path, message = frame
    data = marshal.dumps((stage, number, path[:_TEXT_LIMIT], message[:_TEXT_LIMIT]))
    rights = [] if fd is None else [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", fd))]
    sock.sendmsg([data], rights)


def receive(sock: _socket.socket) -> tuple[Frame | None, int | None]:
    """The next frame and the fd it carried; (None, None) at EOF. Raises BlockingIOError."""
    space = _socket.CMSG_SPACE(4)
    data, rights, _, _ = sock.recvmsg(65536, space, _socket.MSG_CMSG_CLOEXEC)
    fd = None
    for level, kind, payload in rights:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            (fd,) = struct.unpack("i", payload[:4])
    if not data:
        return None, fd
    frame: Frame = marshal.loads(data)
    return frame, fd


def take_states(sock: _socket.socket) -> tuple[bytes, bytes]:
    """The container's state as JSON, while it is being created and when it is."""
    data = sock.recv(1 << 20)
    if not data:
        os._exit(1)
    creating, created = marshal.loads(data)
    return creating, created


def expect(sock: _socket.socket, word: bytes) -> None:
    """Wait for the keeper's `word`; leave the process when it hung up instead."""
    if sock.recv(1) != word:
        os._exit(1)
