"""Connection tracking entries: forget those that would keep an old address translation alive.

A UDP client that sends on keeps its entry, and the entry keeps the translation it was made with:
none, or one to a container that is gone (linux/netfilter/nfnetlink_conntrack.h).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable

from orlop.kernel.netlink import parse_attrs

UDP = 17
_NETLINK_NETFILTER = 12
_CTNETLINK = 1
_GET, _DELETE = 1, 2
_REQUEST, _ACK, _DUMP = 1, 4, 0x300
_ERROR, _DONE = 2, 3
_NESTED = 0x8000
_TUPLE_ORIG, _TUPLE_REPLY = 1, 2
_IP, _PROTO = 1, 2
_SOURCE = {4: 1, 16: 3}  # attribute by address length
_DESTINATION = {4: 2, 16: 4}
_PROTO_NUMBER, _DESTINATION_PORT = 1, 3
_HEADER = struct.Struct("=IHHII")
_ENOENT = 2


class Flow:
    """The parts of an entry that tell whether it is in the way."""

    __slots__ = ("destination", "port", "protocol", "raw", "reply_source")

    def __init__(self, attrs: dict[int, bytes], size: int) -> None:
        self.raw = attrs.get(_TUPLE_ORIG, b"")
        original = parse_attrs(self.raw)
        reply = parse_attrs(attrs.get(_TUPLE_REPLY, b""))
        proto = parse_attrs(original.get(_PROTO, b""))
        self.protocol = proto.get(_PROTO_NUMBER, b"\0")[0]
        self.port = int.from_bytes(proto.get(_DESTINATION_PORT, b""), "big")
        self.destination = parse_attrs(original.get(_IP, b"")).get(_DESTINATION[size], b"")
        self.reply_source = parse_attrs(reply.get(_IP, b"")).get(_SOURCE[size], b"")


def forget(family: int, matches: Callable[[Flow], bool]) -> int:
    """Delete the entries of an address family that match; how many. Raises OSError."""
    size = 4 if family == socket.AF_INET else 16
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, kind, _NETLINK_NETFILTER) as sock:
        sock.settimeout(5)
        found = [flow for flow in _dump(sock, family, size) if matches(flow)]
        for number, flow in enumerate(found, 2):
            body = struct.pack("=HH", 4 + len(flow.raw), _TUPLE_ORIG | _NESTED) + flow.raw
            _send(sock, _DELETE, _REQUEST | _ACK, family, number, body)
            code = -struct.unpack_from("=i", sock.recv(4096), 16)[0]
            if code not in (0, _ENOENT):  # it may have ended meanwhile
                raise OSError(code, os.strerror(code), "conntrack")
    return len(found)


def _send(
    sock: socket.socket, kind: int, flags: int, family: int, sequence: int, body: bytes
) -> None:
    message = struct.pack("=BBH", family, 0, 0) + body
    length = _HEADER.size + len(message)
    sock.send(_HEADER.pack(length, _CTNETLINK << 8 | kind, flags, sequence, 0) + message)


def _dump(sock: socket.socket, family: int, size: int) -> list[Flow]:
    _send(sock, _GET, _REQUEST | _DUMP, family, 1, b"")
    out: list[Flow] = []
    while True:
        data = sock.recv(1 << 17)
        offset = 0
        while offset + 16 <= len(data):
            length, kind, _, _, _ = _HEADER.unpack_from(data, offset)
            if length < 16:
                return out
            if kind == _DONE:
                return out
            if kind == _ERROR:
                code = -struct.unpack_from("=i", data, offset + 16)[0]
                raise OSError(code, os.strerror(code), "conntrack")
            attrs = parse_attrs(data[offset + 20 : offset + length])
            out.append(Flow(attrs, size))
            offset += (length + 3) & ~3
