"""macvlan: links of containers on a parent of the host, and what create and rm make of parents."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from netlab import Lab, Space, ask, open_lab, settle

from orlop.errors import SystemFailure
from orlop.kernel import netlink
from orlop.network.connect import connect, disconnect
from orlop.network.create import create
from orlop.network.remove import remove

pytestmark = pytest.mark.root
NEIGHBOUR = "10.8.0.200"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with open_lab(tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def outside(lab: Lab) -> Space:
    """A machine at the switch sw0: the parent, which macvlan links hang on beside its port."""
    space = Space()
    lab.spaces.append(space)
    mac = bytes((2, 0, 0, 0, 0, 9))
    netlink.run_ops(
        [("bridge", "sw0", 0, b"", ""), ("veth", "par0", "eth0", 0, mac, "sw0", 0)], space.pid
    )
    netlink.run_ops(
        [("up", "eth0"), ("address", "eth0", bytes((10, 8, 0, 200)), 24, b"")], netns=space.fd
    )
    settle()
    return space


def reaches(space: Space, address: str, port: int) -> bool:
    def attempt() -> bool:
        try:
            ask(address, port, timeout=0.6)
            return True
        except OSError:
            return False

    return space.run(attempt)


def request(name: str, parent: str = "sw0", **more: object) -> dict[str, object]:
    return {
        "Name": name,
        "Driver": "macvlan",
        "Options": {"parent": parent},
        "IPAM": {"Config": [{"Subnet": "10.8.0.0/24"}]},
        **more,
    }


def test_macvlan_neighbours_and_siblings_are_reached(lab: Lab, outside: Space) -> None:
    networks = lab.networks()
    create(networks, request("m"))
    one, a = lab.container(networks, "one", mode="m")
    two, b = lab.container(networks, "two", mode="m", ports={"80/tcp": [{"HostPort": "8080"}]})
    mine = a.settings["Networks"]["m"]
    assert (mine["IPAddress"], mine["Gateway"]) == ("10.8.0.2", "10.8.0.1")
    assert b.settings["Ports"] == {}  # its own address is reached
    assert mine["MacAddress"] in one.command("ip", "link", "show", "eth0")
    assert "default via 10.8.0.1 dev eth0" in one.command("ip", "route")
    lab.serve(two, 80, "two")
    assert reaches(one, "10.8.0.3", 80)
    assert reaches(outside, "10.8.0.3", 80)
    lab.serve(outside, 99, "outside")
    assert reaches(one, NEIGHBOUR, 99)


def test_macvlan_connect_and_disconnect(lab: Lab) -> None:
    networks = lab.networks()
    create(networks, request("m"))
    space, a = lab.container(networks, "c")
    assert a.sandbox is not None
    made = connect(networks, a.sandbox.container_id, "m", {})
    netlink.run_ops(made.host_ops, space.pid)
    netlink.run_ops(made.container_ops, netns=space.fd)
    assert "10.8.0.2/24" in space.command("ip", "addr", "show", "eth1")
    gone = disconnect(networks, a.sandbox.container_id, "m")
    netlink.run_ops(gone.host_ops, space.pid)
    netlink.run_ops(gone.container_ops, netns=space.fd)
    names = space.command("ip", "-o", "link")
    assert "eth1" not in names
    assert "eth0" in names
    remove(networks, "m")
    netlink.index_of("sw0")  # a parent of the user's stays


def test_a_parent_that_cannot_be_made_leaves_nothing(lab: Lab) -> None:
    """A kernel without VLANs, or a parent that is taken as one: no record, no link."""
    networks = lab.networks()
    before = {link.name for link in netlink.links()}
    try:
        create(networks, request("v", parent="sw0.7"))
    except SystemFailure as error:
        assert "failed to create sw0.7 vlan link" in error.message
        assert networks.named("v") is None
    else:
        assert "sw0.7" in {link.name for link in netlink.links()}
        remove(networks, "v")
    assert {link.name for link in netlink.links()} == before


def test_a_fixed_address_again_while_the_old_link_goes(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container with a MAC address of its own that restarts at once: EADDRINUSE of before."""
    networks = lab.networks()
    create(networks, request("m"))
    fixed = {"m": {"DesiredMacAddress": "02:11:22:33:44:55"}}
    first, _ = lab.container(networks, "old", mode="m", settings=fixed)
    with ThreadPoolExecutor(1) as beside:
        starting = beside.submit(lab.container, networks, "new", mode="m", settings=fixed)
        netlink.run_ops([("delete", "eth0")], netns=first.fd)
        second, _ = starting.result(timeout=20)
    shown = second.command("ip", "link", "show", "eth0")
    assert "02:11:22:33:44:55" in shown
    assert ",UP" in shown
    monkeypatch.setattr(netlink, "_PATIENCE", 0.1)
    with pytest.raises(OSError, match="in use"):  # control: two at once
        lab.container(networks, "other", mode="m", settings=fixed)
