"""The encoder's bytes, and what it makes of hostile answers. No socket is opened."""

from __future__ import annotations

import marshal
import struct
from typing import Any

import pytest

from orlop.kernel import netlink, nft


class Recorder:
    """Stands in for the socket: keeps the queued requests."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, int, bytes, str]] = []

    def add(self, kind: int, flags: int, body: bytes, label: str) -> None:
        self.sent.append((kind, flags, body, label))

    def flush(self) -> None:
        pass


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setattr(netlink, "index_of", lambda name: {"lo": 1, "br0": 7, "eth0": 2}[name])
    return Recorder()


def run(recorder: Recorder, *ops: tuple[Any, ...], pid: int = 0) -> None:
    for op in marshal.loads(marshal.dumps(ops)):
        netlink._OPS[op[0]](recorder, pid, *op[1:])


def test_veth_is_born_in_the_child_and_enslaved(recorder: Recorder) -> None:
    mac = bytes.fromhex("0242ac110002")
    run(recorder, ("veth", "vethx", "eth0", 1500, mac, "br0", 0), pid=4242)
    ((kind, flags, body, label),) = recorder.sent
    assert (kind, flags, label) == (16, 0x600, "veth vethx")
    attrs = netlink.parse_attrs(body, 16)
    assert attrs[3] == b"vethx\0"
    assert attrs[10] == struct.pack("=I", 7)
    info = netlink.parse_attrs(attrs[18])
    assert info[1] == b"veth\0"
    peer = netlink.parse_attrs(netlink.parse_attrs(info[2])[1], 16)
    assert peer[3] == b"eth0\0"
    assert peer[1] == mac
    assert peer[19] == struct.pack("=I", 4242)


def test_address_route_and_neighbour(recorder: Recorder) -> None:
    ip = bytes([172, 17, 0, 2])
    run(
        recorder,
        ("address", "eth0", ip, 16, bytes([172, 17, 255, 255])),
        ("address", "eth0", bytes(15) + b"\1", 64, b""),
        ("route", "eth0", b"", 0, bytes([172, 17, 0, 1])),
        ("neighbour", "br0", ip, bytes(6)),
    )
    four, six, route, neighbour = recorder.sent
    assert four[2][:8] == struct.pack("=BBBBI", 2, 16, 0, 0, 2)
    assert netlink.parse_attrs(four[2], 8) == {2: ip, 1: ip, 4: bytes([172, 17, 255, 255])}
    assert six[2][:8] == struct.pack("=BBBBI", 10, 64, 2, 0, 2)  # without duplicate detection
    assert netlink.parse_attrs(route[2], 12) == {5: bytes([172, 17, 0, 1]), 4: b"\2\0\0\0"}
    assert netlink.parse_attrs(neighbour[2], 12) == {1: ip, 2: bytes(6)}


def test_port_flags(recorder: Recorder) -> None:
    both = netlink.PORT_ISOLATED | netlink.PORT_HAIRPIN
    run(recorder, ("veth", "br0", "eth0", 0, bytes(6), "br0", both))
    body = recorder.sent[1][2]
    assert netlink.parse_attrs(netlink.parse_attrs(body, 16)[12]) == {33: b"\1", 4: b"\1"}


def test_attributes_are_padded_and_cut_tails_ignored() -> None:
    data = struct.pack("=HH", 5, 1) + b"x\0\0\0" + struct.pack("=HH", 8, 2 | 0x8000) + b"abcd"
    assert netlink.parse_attrs(data) == {1: b"x", 2: b"abcd"}
    for cut in range(len(data)):
        netlink.parse_attrs(data[:cut])
    assert netlink.parse_attrs(struct.pack("=HH", 0, 1) * 3) == {}
    assert netlink.parse_attrs(struct.pack("=HH", 65535, 1)) == {}


def test_nft_notifications() -> None:
    def message(kind: int, name: bytes) -> bytes:
        attr = struct.pack("=HH", 5 + len(name), 1) + name + b"\0"
        attr += bytes(-len(attr) & 3)
        return struct.pack("=IHHII", 20 + len(attr), 10 << 8 | kind, 0, 0, 0) + bytes(4) + attr

    batch = message(2, b"orlop-x") + message(3, b"filter") + message(6, b"other")
    assert nft.notifications(batch) == {(2, "orlop-x"), (3, "filter")}
    for cut in range(len(batch)):
        nft.notifications(batch[:cut])
    assert nft.notifications(bytes(100)) == set()


def test_the_keeper_s_imports_stay_few() -> None:
    """What the container child loads: no ctypes, json, dataclasses, socket, ipaddress."""
    import subprocess
    import sys
    from pathlib import Path

    root = Path(netlink.__file__).parents[2]
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r}); import orlop.kernel.netlink;"
        "print(*sorted({'ctypes', 'json', 'dataclasses', 'socket', 're', 'ipaddress', 'typing'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == []
    assert done.stderr == ""
