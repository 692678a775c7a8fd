"""What create looks at before it touches the host: blocks, gateways, drivers' options."""

from __future__ import annotations

import dataclasses
import ipaddress
from typing import Any

import pytest

from orlop.errors import Forbidden, InvalidArgument, OrlopError
from orlop.network import blocks, endpoint, linklocal, model, options, sysctls
from orlop.network.drivers import sublink
from orlop.network.model import Block, Endpoint, Network, network_from_json


def network(**changes: Any) -> Network:
    return dataclasses.replace(Network("ab" * 32, "n", "2026-01-01T00:00:00Z", "bridge"), **changes)


def block(text: str, **changes: Any) -> Block:
    return dataclasses.replace(Block(ipaddress.ip_network(text), None, given=True), **changes)


@pytest.mark.parametrize(
    ("subnet", "gateway"),
    [("10.1.0.0/24", "10.1.0.1"), ("10.1.0.0/31", "10.1.0.0"), ("10.1.0.0/32", "10.1.0.0")],
)
def test_the_gateway_is_the_first_address(subnet: str, gateway: str) -> None:
    assert str(blocks.with_gateway(block(subnet), network()).gateway) == gateway


def test_an_auxiliary_address_is_not_the_gateways() -> None:
    taken = block("10.1.0.0/24", auxiliary={"a": ipaddress.ip_address("10.1.0.1")})
    with pytest.raises(Forbidden, match=r"secondary ip address \(a:10.1.0.1\)"):
        blocks.with_gateway(taken, network())


def test_who_needs_no_gateway() -> None:
    isolated = {model.GATEWAY_MODE_4: "isolated"}
    for made in (
        network(driver="macvlan", internal=True),
        network(internal=True, options=isolated),
    ):
        assert blocks.with_gateway(block("10.1.0.0/24"), made).gateway is None
    assert blocks.with_gateway(block("10.1.0.0/24"), network(internal=True)).gateway is not None


def test_a_chosen_gateway_in_a_given_subnet_is_kept_and_not_shown() -> None:
    made = network(blocks=(blocks.with_gateway(block("10.1.0.0/24"), network()),))
    assert made.to_json()["IPAM"]["Config"] == [{"Subnet": "10.1.0.0/24"}]
    assert network_from_json(made.to_record()) == made


def test_an_older_record() -> None:
    """Before each block said it, a record had one word for all its blocks."""
    record = network().to_json()
    record["IPAM"]["Config"] = [{"Subnet": "10.1.0.0/24", "Gateway": "10.1.0.1"}]
    read = network_from_json({**record, "Chosen": True})
    assert read.blocks[0].given
    assert read.to_json()["IPAM"]["Config"][0]["Gateway"] == "10.1.0.1"


def test_a_subnet_of_a_family_that_is_off_is_kept_and_not_used() -> None:
    made = network(blocks=(block("10.1.0.0/24"), block("fd00::/64")))
    assert made.block(6) is None
    assert len(made.active) == 1
    assert len(made.to_json()["IPAM"]["Config"]) == 2


@pytest.mark.parametrize(
    ("driver", "given", "words"),
    [
        ("macvlan", {"macvlan_mode": "x"}, "requested macvlan mode 'x' is not valid"),
        ("ipvlan", {"ipvlan_flag": "x"}, "requested ipvlan flag 'x' is not valid"),
        ("ipvlan", {"parent": "lo"}, "loopback interface is not a valid ipvlan parent link"),
    ],
)
def test_options_of_the_drivers_on_a_parent(driver: str, given: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        sublink.check(network(driver=driver, options=given), [])


def test_who_may_share_a_parent() -> None:
    def on(driver: str, id: str, **given: str) -> Network:
        return network(driver=driver, id=id * 64, options={"parent": "eth9", **given})

    sublink.check(on("macvlan", "a"), [on("macvlan", "b"), on("ipvlan", "c")])
    for made, other in (
        (on("ipvlan", "a"), on("ipvlan", "b")),
        (on("macvlan", "a", macvlan_mode="passthru"), on("macvlan", "b")),
        (on("macvlan", "a"), on("macvlan", "b", macvlan_mode="passthru")),
    ):
        with pytest.raises(Forbidden, match="already using parent interface eth9"):
            sublink.check(made, [other])


def test_isolated_is_for_internal_networks() -> None:
    given = {model.GATEWAY_MODE_4: "isolated"}
    options.check(given, internal=True)
    with pytest.raises(InvalidArgument, match="can only be used for an internal network"):
        options.check(given)


def test_settings_of_an_endpoints_link() -> None:
    good = {"DriverOpts": {model.SYSCTLS: "net.ipv4.conf.IFNAME.log_martians=1"}}
    made = Endpoint("e", "n", "c", "c", interface="eth0", settings=good)
    assert sysctls.ops(made) == [("sysctl", "net/ipv4/conf/eth0/log_martians", "1")]
    for bad in (
        "net.ipv4.ip_forward=1",
        "kernel.core_pattern=x",
        "net.ipv4.IFNAME/../..IFNAME.x=1",
    ):
        assert sysctls.problems({"DriverOpts": {model.SYSCTLS: bad}}), bad


def test_a_links_name_inside() -> None:
    wanted = {"DriverOpts": {model.IFNAME: "net0"}}
    assert endpoint.interface(network(), wanted, ["eth0"]) == "net0"
    assert endpoint.interface(network(), {}, ["eth1"]) == "eth0"
    for bad, taken in (("eth0", ["eth0"]), ("lo", []), ("a/b", []), ("x" * 16, [])):
        with pytest.raises(OrlopError):
            endpoint.interface(network(), {"DriverOpts": {model.IFNAME: bad}}, taken)


def test_link_local_addresses() -> None:
    settings = {"IPAMConfig": {"LinkLocalIPs": ["169.254.3.3"]}}
    made = Endpoint("e", "n", "c", "c", interface="eth0", settings=settings)
    ((op, name, ip, length, broadcast),) = linklocal.ops(made)
    assert (op, name, length) == ("address", "eth0", 16)
    assert ip == bytes((169, 254, 3, 3))
    assert broadcast == bytes((169, 254, 255, 255))


def test_blocks_are_shown_in_dockers_order() -> None:
    """The docker CLI sends them in any order."""
    made = network(ipv6=True, blocks=(block("fd00::/64"), block("10.1.0.0/24")))
    shown = [entry["Subnet"] for entry in made.to_json()["IPAM"]["Config"]]
    assert shown == ["10.1.0.0/24", "fd00::/64"]
