"""rtnetlink without a library: links, addresses, routes, neighbours (man 7 rtnetlink).

`run_ops` executes marshal-able tuples, op name first, in the current network namespace:

    ("bridge", name, mtu, mac, alias)           a bridge, up; mac b"" lets the kernel choose
    ("veth", name, peer, mtu, peer_mac, bridge, flags)
                                                host end `name`, up and enslaved; `peer` is born in
                                                the namespace of the `pid` given to run_ops;
                                                flags: PORT_ISOLATED, PORT_HAIRPIN
    ("macvlan", parent, name, mtu, mac, mode)   born in the namespace of `pid`; modes of the kernel
    ("ipvlan", parent, name, mtu, mode, flag)   the same
    ("up_alone", name)                          up, once no other link of its parent has its address
    ("dummy", name, alias)                      up
    ("vlan", name, parent, number, alias)       up
    ("up", name)  ("down", name)  ("delete", name)   delete: an absent link is no error
    ("address", name, ip, prefix, broadcast)    ip as 4 or 16 bytes, broadcast b"" for none
    ("route", name, network, prefix, gateway)   network b"" is the default route
    ("neighbour", name, ip, mac)                known but unconfirmed: saves the first ARP
    ("handle", path)                            a link at `path` to the namespace of `pid`
    ("sysctl", path, value)                     below /proc/sys; an absent file is no error
    ("resolver", path, id)                      127.0.0.11:53, see kernel/resolver; "lo" is up

Messages are batched: one send, one acknowledgement each. Everything raises OSError whose filename
says which op on which link. Stdlib only and few imports: keeper and container child load this.
"""

from __future__ import annotations

import _socket
import os
import struct
import time

from orlop.kernel.resolver import serve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Op = tuple[Any, ...]

AF_BRIDGE = 7
AF_INET = 2
AF_INET6 = 10
_AF_NETLINK = 16
_NETLINK_ROUTE = 0
_CLONE_NEWNET = 0x40000000
_SOL_NETLINK = 270

_NEWLINK, _DELLINK, _GETLINK, _SETLINK = 16, 17, 18, 19
_NEWADDR, _GETADDR = 20, 22
_NEWROUTE, _GETROUTE = 24, 26
_NEWNEIGH = 28

_REQUEST, _ACK, _DUMP = 1, 4, 0x300
_REPLACE, _EXCL, _CREATE = 0x100, 0x200, 0x400
_ERROR, _DONE = 2, 3

_NESTED = 0x8000
_ADDRESS, _IFNAME, _MTU, _LINK, _MASTER, _PROTINFO = 1, 3, 4, 5, 10, 12
_LINKINFO, _NET_NS_PID, _IFALIAS = 18, 19, 20
_INFO_KIND, _INFO_DATA = 1, 2
_VETH_PEER = 1
_MACVLAN_MODE = _IPVLAN_MODE = _VLAN_ID = 1
_IPVLAN_FLAGS = 2
_BRPORT_HAIRPIN, _BRPORT_ISOLATED = 4, 33
PORT_ISOLATED, PORT_HAIRPIN = 1, 2
_IFF_UP = 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST, _IFA_FLAGS = 1, 2, 4, 8
_IFA_F_NODAD = 2
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_NDA_DST, _NDA_LLADDR = 1, 2
_NUD_STALE = 4
_RT_TABLE_MAIN, _RTPROT_BOOT = 254, 3
_SCOPE_UNIVERSE, _SCOPE_LINK = 0, 253
_ENODEV, _ENOENT, _EADDRINUSE = 19, 2, 98
_PATIENCE = 3.0  # seconds

_HEADER = struct.Struct("=IHHII")  # length type flags sequence port
_IFINFO = struct.Struct("=BxHiII")  # family type index flags change
_IFADDR = struct.Struct("=BBBBI")  # family prefix flags scope index
_RTMSG = struct.Struct("=BBBBBBBBI")
_NDMSG = struct.Struct("=BxxxiHBB")
_ATTR = struct.Struct("=HH")
_U32 = struct.Struct("=I")
_U16 = struct.Struct("=H")


def _attr(kind: int, value: bytes) -> bytes:
    return _ATTR.pack(4 + len(value), kind) + value + bytes(-len(value) & 3)


def _text(kind: int, value: str) -> bytes:
    return _attr(kind, value.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    return _attr(kind, _U32.pack(value))


def _link_info(kind: str, data: bytes = b"") -> bytes:
    inner = _text(_INFO_KIND, kind) + (_attr(_INFO_DATA, data) if data else b"")
    return _attr(_LINKINFO, inner)


def _ifinfo(index: int = 0, *, up: bool = False, down: bool = False, family: int = 0) -> bytes:
    change = _IFF_UP if up or down else 0
    return _IFINFO.pack(family, 0, index, _IFF_UP if up else 0, change)


def index_of(name: str) -> int:
    """The index of link `name` in the current namespace. Raises OSError(ENODEV)."""
    try:
        return _socket.if_nametoindex(name)
    except OSError:
        raise OSError(_ENODEV, "No such device", name) from None


class Route:
    """A NETLINK_ROUTE socket; `netns` (an fd) makes it in another network namespace."""

    def __init__(self, netns: int | None = None) -> None:
        kind = _socket.SOCK_RAW | _socket.SOCK_CLOEXEC
        if netns is None:
            self._sock = _socket.socket(_AF_NETLINK, kind, _NETLINK_ROUTE)
        else:
            with_namespace(netns, self._open)
        self._sequence = 0
        self._pending: list[tuple[bytes, str]] = []

    def _open(self) -> None:
        kind = _socket.SOCK_RAW | _socket.SOCK_CLOEXEC
        self._sock = _socket.socket(_AF_NETLINK, kind, _NETLINK_ROUTE)

    def add(self, kind: int, flags: int, body: bytes, label: str) -> None:
        """Queue a request; `label` names it in the error."""
        self._sequence += 1
        header = _HEADER.pack(16 + len(body), kind, _REQUEST | _ACK | flags, self._sequence, 0)
        self._pending.append((header + body, label))

    def flush(self) -> None:
        """Send what is queued, in order. Raises OSError for the first that failed."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        self._sock.send(b"".join(message for message, _ in pending))
        first = self._sequence - len(pending) + 1
        failed: tuple[int, str] | None = None
        left = len(pending)
        while left:
            data = self._sock.recv(65536)
            offset = 0
            while offset < len(data):
                length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
                if kind == _ERROR and sequence >= first:
                    left -= 1
                    code = -struct.unpack_from("=i", data, offset + 16)[0]
                    if code and failed is None:
                        failed = (code, pending[sequence - first][1])
                offset += (length + 3) & ~3
        if failed is not None:
            code, label = failed
            raise OSError(code, os.strerror(code), label)

    def dump(self, kind: int, body: bytes) -> list[bytes]:
        """The bodies of every answer to a dump request."""
        self._sequence += 1
        header = _HEADER.pack(16 + len(body), kind, _REQUEST | _DUMP, self._sequence, 0)
        self._sock.send(header + body)
        out: list[bytes] = []
        while True:
            data = self._sock.recv(1 << 18)
            offset = 0
            while offset < len(data):
                length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
                if sequence == self._sequence:
                    if kind == _DONE:
                        return out
                    if kind == _ERROR:
                        code = -struct.unpack_from("=i", data, offset + 16)[0]
                        raise OSError(code, os.strerror(code), "netlink dump")
                    out.append(data[offset + 16 : offset + length])
                offset += (length + 3) & ~3

    def close(self) -> None:
        self._sock.close()


def with_namespace(netns: int, action: Callable[[], None]) -> None:
    """Run `action` with this thread inside the network namespace of fd `netns`."""
    from orlop.kernel.namespace import setns  # ctypes: only who crosses namespaces pays for it

    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(netns, _CLONE_NEWNET)
        try:
            action()
        finally:
            setns(here, _CLONE_NEWNET)
    finally:
        os.close(here)


def run_ops(ops: Iterable[Op], pid: int = 0, netns: int | None = None) -> None:
    """Execute `ops` in order. `pid`: whose namespace peers are born in. `netns`: run there."""
    if netns is not None:
        with_namespace(netns, lambda: run_ops(ops, pid))
        return
    route = Route()
    try:
        for op in ops:
            _OPS[op[0]](route, pid, *op[1:])
        route.flush()
    finally:
        route.close()


def _bridge(route: Route, pid: int, name: str, mtu: int, mac: bytes, alias: str) -> None:
    rest = _link_info("bridge")
    if mtu:
        rest += _number(_MTU, mtu)
    if mac:
        rest += _attr(_ADDRESS, mac)
    _made(route, name, rest, alias)


def set_alias(route: Route, name: str, alias: str) -> None:
    body = _ifinfo(index_of(name)) + _text(_IFALIAS, alias)
    route.add(_SETLINK, 0, body, f"alias {name}")


def _veth(
    route: Route,
    pid: int,
    name: str,
    peer: str,
    mtu: int,
    peer_mac: bytes,
    bridge: str,
    flags: int,
) -> None:
    # The peer cannot be up yet: it has no pair before this request is done (ENOTCONN).
    inner = _ifinfo() + _text(_IFNAME, peer) + _attr(_ADDRESS, peer_mac)
    if mtu:
        inner += _number(_MTU, mtu)
    if pid:
        inner += _number(_NET_NS_PID, pid)
    body = (
        _ifinfo(up=True)
        + _text(_IFNAME, name)
        + _number(_MASTER, index_of(bridge))
        + _link_info("veth", _attr(_VETH_PEER, inner))
    )
    if mtu:
        body += _number(_MTU, mtu)
    route.add(_NEWLINK, _CREATE | _EXCL, body, f"veth {name}")
    route.flush()
    if flags:
        port = _attr(_BRPORT_ISOLATED, b"\1") if flags & PORT_ISOLATED else b""
        port += _attr(_BRPORT_HAIRPIN, b"\1") if flags & PORT_HAIRPIN else b""
        body = _ifinfo(index_of(name), family=AF_BRIDGE) + _attr(_PROTINFO | _NESTED, port)
        route.add(_SETLINK, 0, body, f"port {name}")


def _macvlan(
    route: Route, pid: int, parent: str, name: str, mtu: int, mac: bytes, mode: int
) -> None:
    data = _number(_MACVLAN_MODE, mode)
    _on_parent(route, pid, parent, name, mtu, _attr(_ADDRESS, mac) + _link_info("macvlan", data))


def _ipvlan(route: Route, pid: int, parent: str, name: str, mtu: int, mode: int, flag: int) -> None:
    data = _attr(_IPVLAN_MODE, _U16.pack(mode)) + _attr(_IPVLAN_FLAGS, _U16.pack(flag))
    _on_parent(route, pid, parent, name, mtu, _link_info("ipvlan", data))


def _on_parent(route: Route, pid: int, parent: str, name: str, mtu: int, rest: bytes) -> None:
    body = _ifinfo() + _text(_IFNAME, name) + _number(_LINK, index_of(parent)) + rest
    if mtu:
        body += _number(_MTU, mtu)
    if pid:
        body += _number(_NET_NS_PID, pid)
    route.add(_NEWLINK, _CREATE | _EXCL, body, f"{name} on {parent}")
    route.flush()


def _dummy(route: Route, pid: int, name: str, alias: str) -> None:
    _made(route, name, _link_info("dummy"), alias)


def _vlan(route: Route, pid: int, name: str, parent: str, number: int, alias: str) -> None:
    data = _attr(_VLAN_ID, _U16.pack(number))
    _made(route, name, _number(_LINK, index_of(parent)) + _link_info("vlan", data), alias)


def _made(route: Route, name: str, rest: bytes, alias: str) -> None:
    body = _ifinfo(up=True) + _text(_IFNAME, name) + rest
    route.add(_NEWLINK, _CREATE | _EXCL, body, f"link {name}")
    route.flush()
    if alias:
        set_alias(route, name, alias)


def _up(route: Route, pid: int, name: str) -> None:
    route.add(_NEWLINK, 0, _ifinfo(_index(route, name), up=True), f"up {name}")


def _up_alone(route: Route, pid: int, name: str) -> None:
    """A container that starts again meets its own link: the kernel takes namespaces down later."""
    route.flush()
    give_up = time.monotonic() + _PATIENCE
    while True:
        _up(route, pid, name)
        try:
            return route.flush()
        except OSError as error:
            if error.errno != _EADDRINUSE or time.monotonic() > give_up:
                raise
        time.sleep(0.01)


def _down(route: Route, pid: int, name: str) -> None:
    route.add(_NEWLINK, 0, _ifinfo(_index(route, name), down=True), f"down {name}")


def _delete(route: Route, pid: int, name: str) -> None:
    try:
        index = _index(route, name)
        route.add(_DELLINK, 0, _ifinfo(index), f"delete {name}")
        route.flush()
    except OSError as error:
        if error.errno != _ENODEV:
            raise


def _index(route: Route, name: str) -> int:
    if name == "lo":
        return 1
    return index_of(name)


def _address(route: Route, pid: int, name: str, ip: bytes, prefix: int, broadcast: bytes) -> None:
    family, flags = (AF_INET, 0) if len(ip) == 4 else (AF_INET6, _IFA_F_NODAD)
    # An address we assign is unique by our own books: no second of duplicate detection.
    body = _IFADDR.pack(family, prefix, flags, _SCOPE_UNIVERSE, _index(route, name))
    body += _attr(_IFA_LOCAL, ip) + _attr(_IFA_ADDRESS, ip)
    if broadcast:
        body += _attr(_IFA_BROADCAST, broadcast)
    route.add(_NEWADDR, _CREATE | _REPLACE, body, f"address on {name}")


def _route(route: Route, pid: int, name: str, network: bytes, prefix: int, gateway: bytes) -> None:
    family = AF_INET if len(gateway or network) == 4 else AF_INET6
    scope = _SCOPE_UNIVERSE if gateway else _SCOPE_LINK
    body = _RTMSG.pack(family, prefix, 0, 0, _RT_TABLE_MAIN, _RTPROT_BOOT, scope, 1, 0)
    if network:
        body += _attr(_RTA_DST, network)
    if gateway:
        body += _attr(_RTA_GATEWAY, gateway)
    body += _number(_RTA_OIF, _index(route, name))
    route.add(_NEWROUTE, _CREATE | _REPLACE, body, f"route on {name}")


def _neighbour(route: Route, pid: int, name: str, ip: bytes, mac: bytes) -> None:
    family = AF_INET if len(ip) == 4 else AF_INET6
    body = _NDMSG.pack(family, _index(route, name), _NUD_STALE, 0, 0)
    body += _attr(_NDA_DST, ip) + _attr(_NDA_LLADDR, mac)
    route.add(_NEWNEIGH, _CREATE | _REPLACE, body, f"neighbour on {name}")


def _sysctl(route: Route, pid: int, path: str, value: str) -> None:
    route.flush()
    try:
        fd = os.open(f"/proc/sys/{path}", os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # compiled without it, such as IPv6
    try:
        os.write(fd, value.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"/proc/sys/{path}") from None
    finally:
        os.close(fd)


def _handle(route: Route, pid: int, path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    os.symlink(f"/proc/{pid}/ns/net", path)


def _resolver(route: Route, pid: int, path: str, id: str) -> None:
    route.flush()  # the loopback is up
    serve(path, id)


_OPS: dict[str, Any] = {
    "handle": _handle,
    "bridge": _bridge,
    "veth": _veth,
    "macvlan": _macvlan,
    "ipvlan": _ipvlan,
    "dummy": _dummy,
    "vlan": _vlan,
    "up": _up,
    "up_alone": _up_alone,
    "down": _down,
    "delete": _delete,
    "address": _address,
    "route": _route,
    "neighbour": _neighbour,
    "sysctl": _sysctl,
    "resolver": _resolver,
}


class Link:
    """One link of a dump."""

    __slots__ = ("alias", "index", "kind", "mac", "master", "mtu", "name", "up")

    def __init__(self, index: int, flags: int, attrs: dict[int, bytes]) -> None:
        self.index = index
        self.up = bool(flags & _IFF_UP)
        self.name = _string(attrs.get(_IFNAME, b""))
        self.alias = _string(attrs.get(_IFALIAS, b""))
        self.mac = attrs.get(_ADDRESS, b"")
        self.master = int.from_bytes(attrs.get(_MASTER, b""), "little")
        self.mtu = int.from_bytes(attrs.get(_MTU, b""), "little")
        info = parse_attrs(attrs.get(_LINKINFO, b""))
        self.kind = _string(info.get(_INFO_KIND, b""))


def _string(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")


def parse_attrs(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """Attributes by number (without the nested flag); a cut tail is ignored."""
    out = {}
    while offset + 4 <= len(data):
        length, kind = _ATTR.unpack_from(data, offset)
        if length < 4 or offset + length > len(data):
            break
        out[kind & 0x3FFF] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return out


def links(netns: int | None = None) -> list[Link]:
    """Every link of the current (or the given) network namespace."""
    route = Route(netns)
    try:
        bodies = route.dump(_GETLINK, _ifinfo())
    finally:
        route.close()
    found = []
    for body in bodies:
        _, _, index, flags, _ = _IFINFO.unpack_from(body)
        found.append(Link(index, flags, parse_attrs(body, _IFINFO.size)))
    return found


def addresses(netns: int | None = None) -> list[tuple[int, bytes, int]]:
    """(link index, address, prefix length) of every address, both families."""
    route = Route(netns)
    try:
        bodies = route.dump(_GETADDR, _IFADDR.pack(0, 0, 0, 0, 0))
    finally:
        route.close()
    found = []
    for body in bodies:
        _, prefix, _, _, index = _IFADDR.unpack_from(body)
        attrs = parse_attrs(body, _IFADDR.size)
        ip = attrs.get(_IFA_LOCAL) or attrs.get(_IFA_ADDRESS)
        if ip:
            found.append((index, ip, prefix))
    return found


def routes(family: int = AF_INET) -> list[tuple[bytes, int, int]]:
    """(network, prefix length, link index) of every unicast route; b"" is the default route."""
    route = Route()
    try:
        bodies = route.dump(_GETROUTE, _RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0))
    finally:
        route.close()
    found = []
    for body in bodies:
        _, prefix, _, _, _, _, _, kind, _ = _RTMSG.unpack_from(body)
        if kind != 1:
            continue
        attrs = parse_attrs(body, _RTMSG.size)
        oif = int.from_bytes(attrs.get(_RTA_OIF, b""), "little")
        found.append((attrs.get(_RTA_DST, b""), prefix, oif))
    return found
