"""Raw frames and forged ARP from a container (S59, S60): CAP_NET_RAW is its by default."""

from __future__ import annotations

import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / "system")]

from netlab import HOST4, NEIGHBOUR4, Lab, Space, open_lab  # noqa: E402

from orlop.network.create import create  # noqa: E402

pytestmark = pytest.mark.root
MARK = b"forged-by-a-container"
BROADCAST = b"\xff" * 6


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with open_lab(tmp_path) as opened:
        yield opened


def hardware(space: Space, link: str = "eth0") -> bytes:
    shown = space.command("ip", "-o", "link", "show", link)
    return bytes.fromhex(shown.partition("link/ether ")[2][:17].replace(":", ""))


def raw(space: Space, link: str = "eth0") -> socket.socket:
    made = space.run(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
    made.bind((link, 3))
    return made


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def packet(source: str, target: str) -> bytes:
    """UDP to port 9 with the mark in it."""
    body = struct.pack("!4H", 4000, 9, 8 + len(MARK), 0) + MARK
    head = struct.pack("!BBHHHBBH4s4s", 69, 0, 20 + len(body), 1, 0, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(target))  # fmt: skip
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def arp(mac: bytes, source: str, target: str) -> bytes:
    """A reply that nobody asked for: `source` is at `mac`."""
    head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2)
    return head + mac + socket.inet_aton(source) + BROADCAST + socket.inet_aton(target)


def frames(own: bytes, to: bytes, here: str, there: str, gateway: str) -> list[bytes]:
    """Everything that a container could send to reach a neighbour of another network."""
    out = []
    for target in (to, BROADCAST, b"\x01\x00\x5e\x00\x00\x01"):
        for source in (here, there, gateway, HOST4, "127.0.0.1"):
            out.append(target + own + b"\x08\x00" + packet(source, there))
        out.append(target + own + struct.pack("!HHH", 0x8100, 1, 0x0800) + packet(here, there))
        out.append(target + own + b"\x88\xb5" + MARK)
        out.append(target + to + b"\x88\xb5" + MARK)
    return out


def hears(ear: socket.socket, seconds: float = 0.5) -> bool:
    """Whether a frame with the mark comes in within that time."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and select.select([ear], [], [], left)[0]:
        if MARK in ear.recv(4000):
            return True
    return False


def test_frames_stay_in_their_network(lab: Lab) -> None:
    networks = lab.networks()
    create(networks, {"Name": "n1"})
    create(networks, {"Name": "n2"})
    evil, a = lab.container(networks, "evil", mode="n1")
    victim, b = lab.container(networks, "victim", mode="n2")
    fellow, _ = lab.container(networks, "fellow", mode="n2")
    here, there = (x.settings["Networks"][n]["IPAddress"] for x, n in ((a, "n1"), (b, "n2")))
    gateway = a.settings["Networks"]["n1"]["Gateway"]
    evil.command("busybox", "ping", "-c1", "-W1", gateway)
    known = evil.command("ip", "neigh", "show", gateway).split()
    router = bytes.fromhex(known[known.index("lladdr") + 1].replace(":", ""))
    with (
        raw(victim) as ear,
        raw(evil) as mouth,
        raw(fellow) as near,
        raw(lab.neighbour, "up1") as out,
    ):
        for to in (hardware(victim), router):
            for frame in frames(hardware(evil), to, here, there, gateway):
                mouth.send(frame)
        assert not hears(ear)
        assert not hears(near)
        assert not hears(out)  # nor by way of the host's uplink
        near.send(hardware(victim) + hardware(fellow) + b"\x88\xb5" + MARK)
        assert hears(ear)  # the control: within a network it is heard
        networks.firewall.remove()
        mouth.send(router + hardware(evil) + b"\x08\x00" + packet(here, there))
        assert hears(ear)  # and without the rules the host forwards it


def test_forged_arp_changes_no_table_of_another_network(lab: Lab) -> None:
    networks = lab.networks()
    create(networks, {"Name": "n1"})
    create(networks, {"Name": "n2"})
    evil, a = lab.container(networks, "evil", mode="n1")
    victim, b = lab.container(networks, "victim", mode="n2")
    there, gateway = (b.settings["Networks"]["n2"][k] for k in ("IPAddress", "Gateway"))
    own = hardware(evil)
    text = own.hex(":")
    believe(victim)
    believe(lab.neighbour, "up1")
    victim.command("busybox", "ping", "-c1", "-W1", gateway)
    lab.neighbour.command("busybox", "ping", "-c1", "-W1", HOST4)
    with raw(evil) as mouth:
        for source, target in (
            (gateway, there), (there, gateway), (HOST4, NEIGHBOUR4), (NEIGHBOUR4, HOST4),
        ):  # fmt: skip
            for to in (BROADCAST, hardware(victim)):
                mouth.send(to + own + b"\x08\x06" + arp(own, source, target))
        victim.command("busybox", "ping", "-c1", "-W1", gateway)
        host = subprocess.run(["ip", "neigh"], capture_output=True, text=True).stdout
        for table in (victim.command("ip", "neigh"), lab.neighbour.command("ip", "neigh"), host):
            assert table
            for line in table.splitlines():
                if line.split()[0] in (gateway, there, HOST4, NEIGHBOUR4):
                    assert text not in line
    # the control: the forger's own network has no such wall
    fellow, c = lab.container(networks, "fellow", mode="n1")
    believe(fellow)
    mine = a.settings["Networks"]["n1"]["Gateway"]
    fellow.command("busybox", "ping", "-c1", "-W1", mine)
    with raw(evil) as mouth:
        address = c.settings["Networks"]["n1"]["IPAddress"]
        mouth.send(hardware(fellow) + own + b"\x08\x06" + arp(own, mine, address))
    assert hears_of(fellow, mine, text)


def believe(space: Space, link: str = "eth0") -> None:
    """Take every news about an address at once, not one a second."""
    space.command("sysctl", "-qw", f"net.ipv4.neigh.{link}.locktime=0")


def hears_of(space: Space, address: str, mac: str) -> bool:
    asked = (space.command("ip", "neigh", "show", address) for _ in range(200))
    return any(mac in answer for answer in asked)
