"""Network devices by ioctl: enough for a namespace that only wants its loopback."""

from __future__ import annotations

import _socket
import fcntl
import struct

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def bring_up(name: str) -> None:
    """Set IFF_UP in our network namespace (netdevice(7)). Raises OSError."""
    sock = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    try:
        request = struct.pack("16sH22x", name.encode(), 0)
        found = fcntl.ioctl(sock.fileno(), _SIOCGIFFLAGS, request)
        flags = struct.unpack("16sH22x", found)[1] | _IFF_UP
        request = struct.pack("16sH22x", name.encode(), flags)
        fcntl.ioctl(sock.fileno(), _SIOCSIFFLAGS, request)
    finally:
        sock.close()
