"""The daemon's network flags: --bip, --fixed-cidr, --iptables=false, --userland-proxy=false, ..."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from netlab import HOST4, NEIGHBOUR4, Lab, ask, open_lab

from orlop.errors import InvalidArgument, OrlopError, SystemFailure
from orlop.kernel import netlink
from orlop.network.inspect import inspect

pytestmark = pytest.mark.root

PORT = {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with open_lab(tmp_path) as opened:
        yield opened


def test_bip_fixed_cidr_gateway_mtu(lab: Lab) -> None:
    networks = lab.networks(
        bridge="mine0",
        bip="10.44.0.1/24",
        fixed_cidr="10.44.0.128/25",
        default_gateway="10.44.0.9",
        mtu=1400,
    )
    space, attachment = lab.container(networks, "x")
    shown = attachment.settings["Networks"]["bridge"]
    assert (shown["IPAddress"], shown["Gateway"]) == ("10.44.0.128", "10.44.0.9")
    assert "default via 10.44.0.9" in space.command("ip", "route")
    assert "mtu 1400" in space.command("ip", "link", "show", "dev", "eth0")
    document = inspect(networks, "bridge")
    assert document["IPAM"]["Config"] == [
        {
            "Subnet": "10.44.0.0/24",
            "IPRange": "10.44.0.128/25",
            "Gateway": "10.44.0.1",
            "AuxiliaryAddresses": {"DefaultGatewayIPv4": "10.44.0.9"},
        }
    ]
    assert document["Options"]["com.docker.network.bridge.name"] == "mine0"
    assert document["Options"]["com.docker.network.driver.mtu"] == "1400"


@pytest.mark.parametrize(
    "flags",
    [
        {"bip": "foo"},
        {"bip": "10.44.0.1/24", "fixed_cidr": "10.45.0.0/24"},
        {"bip": "10.44.0.1/24", "default_gateway": "10.45.0.1"},
        {"bridge": "a b"},
        {"default_address_pools": (("10.0.0.0/24", 16),)},
    ],
)
def test_wrong_flags(lab: Lab, flags: dict[str, object]) -> None:
    networks = lab.networks(**flags)
    with pytest.raises((InvalidArgument, SystemFailure)):
        lab.container(networks, "x")
    assert not {x.kind for x in netlink.links()} & {"bridge"}
    assert inspect(networks, "bridge")["Name"] == "bridge"


def test_an_existing_bridge_keeps_its_address(lab: Lab) -> None:
    ip = bytes([10, 66, 0, 1])
    netlink.run_ops([("bridge", "theirs0", 1500, b"", ""), ("address", "theirs0", ip, 20, b"")])
    networks = lab.networks(bridge="theirs0")
    _, attachment = lab.container(networks, "x")
    shown = attachment.settings["Networks"]["bridge"]
    assert (shown["IPAddress"], shown["IPPrefixLen"]) == ("10.66.0.2", 20)


def test_pools_avoid_the_hosts_routes(lab: Lab) -> None:
    lab.neighbour.command("true")
    netlink.run_ops([("route", "uplink0", bytes([172, 17, 5, 0]), 24, b"")])
    networks = lab.networks(
        default_address_pools=(("172.17.0.0/16", 24), ("10.201.0.0/16", 24)),
    )
    _, attachment = lab.container(networks, "x")
    assert attachment.settings["Networks"]["bridge"]["Gateway"] == "172.17.0.1"
    plain = lab.networks("b")
    _, attachment = lab.container(plain, "y")
    assert attachment.settings["Networks"]["bridge"]["Gateway"] == "172.18.0.1"


def test_without_rules_the_proxy_carries_all(lab: Lab) -> None:
    networks = lab.networks(iptables=False)
    space, attachment = lab.container(networks, "x", ports=PORT)
    lab.serve(space, 80, "x")
    networks.carrier.settle()
    gateway = attachment.settings["Networks"]["bridge"]["Gateway"]
    for address in ("127.0.0.1", "::1", HOST4):
        assert ask(address, 8080) == f"x {gateway}"
    assert not networks.firewall.exists()


def test_without_the_proxy_only_what_nat_can(lab: Lab) -> None:
    networks = lab.networks(userland_proxy=False)
    space, attachment = lab.container(networks, "x", ports=PORT)
    lab.serve(space, 80, "x")
    assert attachment.settings["Ports"]["80/tcp"] == [{"HostIp": "0.0.0.0", "HostPort": "8080"}]
    assert ask("127.0.0.1", 8080).startswith("x")
    assert networks.carrier.process is None


def test_no_masquerade_no_default_bridge(lab: Lab) -> None:
    networks = lab.networks(ip_masq=False)
    space, attachment = lab.container(networks, "x")
    server = lab.serve(lab.neighbour, 99, "world")
    address = attachment.settings["Networks"]["bridge"]["IPAddress"]
    lab.neighbour.command("ip", "route", "add", "172.17.0.0/16", "via", HOST4)
    assert space.run(lambda: ask(NEIGHBOUR4, 99)) == f"world {address}"
    assert server.seen == [address]
    lab.serve(space, 81, "unpublished")
    with pytest.raises(OSError, match="timed out"):
        lab.neighbour.run(lambda: ask(address, 81, timeout=0.4))
    off = lab.networks("off", bridge="none")
    space, attachment = lab.container(off, "y")
    assert attachment.netns == "none"
    assert [x.name for x in netlink.links(space.fd)] == ["lo"]


def test_published_addresses_by_default_ip(lab: Lab) -> None:
    networks = lab.networks(ip="127.0.0.1")
    _, attachment = lab.container(networks, "x", ports=PORT)
    assert attachment.settings["Ports"]["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "8080"}]


def test_a_bridge_that_was_deleted_comes_back(lab: Lab) -> None:
    networks = lab.networks()
    lab.container(networks, "a")
    netlink.run_ops([("delete", "orlop0")])
    space, _ = lab.container(networks, "b")
    lab.serve(lab.neighbour, 99, "world")
    assert space.run(lambda: ask(NEIGHBOUR4, 99)) == f"world {HOST4}"


def test_a_missing_library_is_named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orlop.kernel.nft._SONAME", "libnosuch.so.9")
    networks = lab.networks()
    with pytest.raises(OrlopError, match="install the package libnftables1"):
        lab.container(networks, "x")
    networks = lab.networks("b", iptables=False)
    lab.container(networks, "y")


def test_damaged_definitions_are_set_aside(lab: Lab) -> None:
    lab.networks()
    path = lab.tmp / "a" / "root" / "orlop" / "networks.json"
    for text in ("", "{", "[]", '{"networks": [{}]}', '{"networks": [1]}'):
        path.write_text(text)
        names = {network.name for network in lab.networks().all()}
        assert names == {"bridge", "host", "none"}
        assert path.with_name("networks.json.damaged").read_text() == text
        path.with_name("networks.json.damaged").unlink()
