"""A resolver's sockets in the current network namespace, reached at 127.0.0.11 port 53.

The sockets are bound to other ports, and packets to port 53 of that address led to them by two NAT
rules of the namespace: a name server of the container's own may still bind 0.0.0.0:53. Where
the kernel has no nf_tables, they are bound to port 53 itself.

nfnetlink by hand: libnftables would have to be loaded in every container's child. Sources:
linux/netfilter/nf_tables.h, nfnetlink.h. Stdlib only and few imports: the container's child loads
this.
"""

from __future__ import annotations

import _socket
import marshal
import os
import struct

ADDRESS = "127.0.0.11"
PORT = 53

_AF_NETLINK, _NETFILTER = 16, 12
_BEGIN, _END, _NFTABLES = 0x10, 0x11, 10
_NEWTABLE, _DELTABLE, _NEWCHAIN, _NEWRULE = 0xA00, 0xA02, 0xA03, 0xA06
_REQUEST, _ACK, _EXCL, _CREATE, _APPEND = 1, 4, 0x200, 0x400, 0x800
_ERROR = 2
_IPV4 = 2
_NESTED = 0x8000
_OUTPUT, _DSTNAT = 3, -100
_L4PROTO = 16  # of meta
_NETWORK_HEADER, _TRANSPORT_HEADER = 1, 2
_REG1, _REG2 = 1, 2
_DNAT = 1
_TABLE, _CHAIN = b"orlop-resolver\0", b"output\0"

_HEADER = struct.Struct("=IHHII")
_ATTR = struct.Struct("=HH")


def serve(path: str, id: str) -> None:
    """Make the sockets and pass them, with the namespace, to the resolver's control socket.

    Raises OSError, but not for a resolver that is not there: whoever starts it anew asks again.
    In the same namespace again: new sockets take the place of the old.
    """
    datagrams, streams = _sockets(0)
    try:
        try:
            redirect({17: datagrams.getsockname()[1], 6: streams.getsockname()[1]})
        except OSError:  # no nf_tables in this kernel
            datagrams.close()
            streams.close()
            datagrams, streams = _sockets(PORT)
        namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _send(path, id, [datagrams.fileno(), streams.fileno(), namespace])
        except (ConnectionError, FileNotFoundError):
            pass
        finally:
            os.close(namespace)
    finally:
        datagrams.close()
        streams.close()


def _sockets(port: int) -> tuple[_socket.socket, _socket.socket]:
    datagrams = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    streams = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        datagrams.bind((ADDRESS, port))
        streams.bind((ADDRESS, port))
        streams.listen(64)
    except BaseException:
        datagrams.close()
        streams.close()
        raise
    return datagrams, streams


def _send(path: str, id: str, fds: list[int]) -> None:
    frame = marshal.dumps({"op": "serve", "id": id})
    control = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    try:
        control.settimeout(10)
        control.connect(path)
        rights = struct.pack(f"={len(fds)}i", *fds)
        control.sendmsg([frame], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
    finally:
        control.close()


def redirect(ports: dict[int, int]) -> None:
    """Packets to 127.0.0.11:53 of protocol -> port; earlier rules of ours go. Raises OSError."""
    table = _attr(1, _TABLE)
    made = [(_NEWTABLE, _CREATE | _EXCL, table), (_NEWCHAIN, _CREATE, _chain())]
    for protocol, port in ports.items():
        made.append((_NEWRULE, _CREATE | _APPEND, _rule(protocol, port)))
    try:
        _transact(made)
    except FileExistsError:
        _transact([(_DELTABLE, 0, table), *made])  # waits for the kernel: not at a start


def _transact(messages: list[tuple[int, int, bytes]]) -> None:
    """All or nothing. The kernel acknowledges each message."""
    out = [_message(_BEGIN, _REQUEST, 0, 0, b"", _NFTABLES)]
    for number, (kind, flags, body) in enumerate(messages, 1):
        out.append(_message(kind, _REQUEST | _ACK | flags, number, _IPV4, body, 0))
    out.append(_message(_END, _REQUEST, 0, 0, b"", _NFTABLES))
    sock = _socket.socket(_AF_NETLINK, _socket.SOCK_RAW | _socket.SOCK_CLOEXEC, _NETFILTER)
    try:
        sock.bind((0, 0))
        sock.send(b"".join(out))
        left = len(messages)
        while left:
            data = sock.recv(65536)
            at = 0
            while at < len(data):
                length, kind, _, _, _ = _HEADER.unpack_from(data, at)
                if kind == _ERROR:
                    code = -struct.unpack_from("=i", data, at + 16)[0]
                    if code:
                        raise OSError(code, os.strerror(code), "nf_tables")
                    left -= 1
                at += (length + 3) & ~3
    finally:
        sock.close()


def _message(kind: int, flags: int, number: int, family: int, body: bytes, subsystem: int) -> bytes:
    generic = struct.pack("!BBH", family, 0, subsystem)
    return _HEADER.pack(20 + len(body), kind, flags, number, 0) + generic + body


def _attr(kind: int, value: bytes) -> bytes:
    return _ATTR.pack(4 + len(value), kind) + value + bytes(-len(value) & 3)


def _number(kind: int, value: int) -> bytes:
    return _attr(kind, struct.pack("!i", value))


def _nested(kind: int, *inner: bytes) -> bytes:
    return _attr(kind | _NESTED, b"".join(inner))


def _chain() -> bytes:
    hook = _nested(4, _number(1, _OUTPUT), _number(2, _DSTNAT))
    return _attr(1, _TABLE) + _attr(3, _CHAIN) + hook + _attr(7, b"nat\0")


def _rule(protocol: int, port: int) -> bytes:
    address = _socket.inet_aton(ADDRESS)
    expressions = (
        _expression(b"meta\0", _number(1, _REG1), _number(2, _L4PROTO)),
        _equals(bytes([protocol])),
        _load(_NETWORK_HEADER, 16, 4),  # the destination address
        _equals(address),
        _load(_TRANSPORT_HEADER, 2, 2),  # the destination port
        _equals(struct.pack("!H", PORT)),
        _immediate(_REG1, address),
        _immediate(_REG2, struct.pack("!H", port)),
        _expression(
            b"nat\0", _number(1, _DNAT), _number(2, _IPV4), _number(3, _REG1), _number(5, _REG2)
        ),
    )
    return _attr(1, _TABLE) + _attr(2, _CHAIN) + _nested(4, *expressions)


def _expression(name: bytes, *data: bytes) -> bytes:
    return _nested(1, _attr(1, name), _nested(2, *data))


def _equals(value: bytes) -> bytes:
    return _expression(b"cmp\0", _number(1, _REG1), _number(2, 0), _nested(3, _attr(1, value)))


def _load(base: int, offset: int, length: int) -> bytes:
    return _expression(
        b"payload\0", _number(1, _REG1), _number(2, base), _number(3, offset), _number(4, length)
    )


def _immediate(register: int, value: bytes) -> bytes:
    return _expression(b"immediate\0", _number(1, register), _nested(2, _attr(1, value)))
