"""User-defined networks: create, connect, disconnect, isolation, internal, icc, remove."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from netlab import HOST4, NEIGHBOUR4, Lab, Space, ask, open_lab, settle

from orlop.errors import Conflict, Forbidden, InvalidArgument, NotFound, OrlopError, SystemFailure
from orlop.kernel import netlink
from orlop.network.connect import Connection, connect, disconnect
from orlop.network.create import create
from orlop.network.inspect import inspect
from orlop.network.list import list_
from orlop.network.prune import prune
from orlop.network.remove import remove

pytestmark = pytest.mark.root


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with open_lab(tmp_path) as opened:
        yield opened


def reaches(space: Space, address: str, port: int) -> bool:
    def attempt() -> bool:
        try:
            ask(address, port, timeout=0.4)
            return True
        except OSError:
            return False

    return space.run(attempt)


def perform(space: Space, connection: Connection) -> None:
    netlink.run_ops(connection.host_ops, space.pid)
    netlink.run_ops(connection.container_ops, netns=space.fd)
    settle()


def id_of(attachment: Any) -> str:
    return str(attachment.sandbox.container_id)


def test_subnets_gateways_and_static_addresses(lab: Lab) -> None:
    networks = lab.networks()
    request = {
        "Name": "n2",
        "Internal": True,
        "EnableIPv6": True,
        "IPAM": {
            "Config": [
                {
                    "Subnet": "10.9.5.0/24",
                    "IPRange": "10.9.5.128/25",
                    "Gateway": "10.9.5.9",
                    "AuxiliaryAddresses": {"a": "10.9.5.129"},
                }
            ]
        },
        "Options": {"com.docker.network.bridge.name": "xyz0", "x": "y"},
        "Labels": {"a": "b"},
    }
    id, _ = create(networks, request)
    shown = inspect(networks, "n2")
    assert shown["Id"] == id
    assert shown["IPAM"]["Config"][0] == request["IPAM"]["Config"][0]  # type: ignore[index]
    assert shown["IPAM"]["Config"][1]["Gateway"].endswith("::1")
    assert shown["IPAM"]["Options"] is None  # the request has none
    first, a = lab.container(networks, "q1", mode="n2", settings={"n2": {"Aliases": ["al"]}})
    mine = a.settings["Networks"]["n2"]
    assert mine["IPAddress"] == "10.9.5.128"
    assert mine["Gateway"] == ""  # internal
    assert mine["DNSNames"] == ["q1", "al", id_of(a)[:12]]
    assert mine["GlobalIPv6Address"].endswith("::2")
    _, b = lab.container(networks, "q2", mode="n2")
    assert b.settings["Networks"]["n2"]["IPAddress"] == "10.9.5.130"  # .129 is auxiliary
    fixed = {"n2": {"IPAMConfig": {"IPv4Address": "10.9.5.77"}}}
    _, c = lab.container(networks, "q3", mode="n2", settings=fixed)
    assert c.settings["Networks"]["n2"]["IPAddress"] == "10.9.5.77"
    with pytest.raises(OrlopError) as caught:
        lab.container(networks, "q4", mode="n2", settings=fixed)
    assert caught.value.message == "failed to set up container networking: Address already in use"
    outside = {"n2": {"IPAMConfig": {"IPv4Address": "10.9.6.1"}}}
    with pytest.raises(InvalidArgument, match="no configured subnet or ip-range contain"):
        lab.container(networks, "q5", mode="n2", settings=outside)
    # internal: no way out, in either family, and none in
    lab.serve(lab.neighbour, 99, "world")
    assert not reaches(first, NEIGHBOUR4, 99)
    assert "default" not in first.command("ip", "route")
    first.command("ip", "route", "add", "default", "via", "10.9.5.9")
    assert not reaches(first, NEIGHBOUR4, 99)
    networks.firewall.remove()
    lab.neighbour.command("ip", "route", "add", "10.9.5.0/24", "via", HOST4)
    assert reaches(first, NEIGHBOUR4, 99)  # control


def test_isolation_between_networks(lab: Lab) -> None:
    networks = lab.networks()
    create(networks, {"Name": "n1"})
    create(networks, {"Name": "n2"})
    one, a = lab.container(networks, "one", mode="n1")
    same, _ = lab.container(networks, "same", mode="n1")
    two, b = lab.container(networks, "two", mode="n2", ports={"80/tcp": [{"HostPort": "8080"}]})
    lab.serve(one, 80, "one")
    lab.serve(two, 80, "two")
    lab.serve(two, 81, "two")
    address = b.settings["Networks"]["n2"]["IPAddress"]
    gateway = b.settings["Networks"]["n2"]["Gateway"]
    assert reaches(same, a.settings["Networks"]["n1"]["IPAddress"], 80)
    assert not reaches(one, address, 80)
    assert not reaches(one, address, 81)
    assert reaches(one, HOST4, 8080)  # what is published to the world is published to them
    # no frame of one network is seen in the other
    sniff = one.run(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
    with sniff:
        sniff.settimeout(0.3)
        two.command("busybox", "arping", "-c", "1", "-w", "1", "-I", "eth0", gateway)
        frames = []
        try:
            while True:
                frames.append(sniff.recv(2000))
        except TimeoutError:
            pass
    assert not any(socket.inet_aton(address) in frame for frame in frames)
    networks.firewall.remove()
    assert reaches(one, address, 81)  # control


def test_icc_off(lab: Lab) -> None:
    networks = lab.networks()
    options = {"com.docker.network.bridge.enable_icc": "false"}
    create(networks, {"Name": "quiet", "Options": options})
    one, _ = lab.container(networks, "one", mode="quiet")
    two, b = lab.container(networks, "two", mode="quiet", ports={"80/tcp": [{"HostPort": "8080"}]})
    lab.serve(two, 80, "two")
    lab.serve(lab.neighbour, 99, "world")
    assert not reaches(one, b.settings["Networks"]["quiet"]["IPAddress"], 80)
    assert reaches(one, NEIGHBOUR4, 99)
    assert lab.neighbour.run(lambda: ask(HOST4, 8080)).startswith("two")


def test_connect_and_disconnect(lab: Lab) -> None:
    networks = lab.networks()
    create(networks, {"Name": "closed", "Internal": True})
    create(networks, {"Name": "n1"})
    space, attachment = lab.container(
        networks, "q1", mode="closed", ports={"80/tcp": [{"HostPort": "8080"}]}
    )
    id = id_of(attachment)
    lab.serve(lab.neighbour, 99, "world")
    assert attachment.settings["Ports"] == {"80/tcp": None}  # nothing is published inwards
    assert not reaches(space, NEIGHBOUR4, 99)
    joined = connect(networks, id, "n1", {})
    perform(space, joined)
    assert joined.name == "n1"
    assert joined.container_ops[0][1] == "net/ipv6/conf/eth1/disable_ipv6"
    assert reaches(space, NEIGHBOUR4, 99)
    with pytest.raises(Forbidden, match="^endpoint with name q1 already exists in network n1$"):
        connect(networks, id, "n1", {})
    with pytest.raises(Forbidden) as caught:
        remove(networks, "n1")
    assert caught.value.message.startswith(
        'error while removing network: network n1 has active endpoints (name:"q1" id:"'
    )
    left = disconnect(networks, id, "n1")
    perform(space, left)
    assert not reaches(space, NEIGHBOUR4, 99)
    assert [x.name for x in netlink.links(space.fd)] == ["lo", "eth0"]
    with pytest.raises(Forbidden, match=f"container {id} is not connected to network n1"):
        disconnect(networks, id, "n1")


def test_ports_follow_the_default_route(lab: Lab) -> None:
    networks = lab.networks()
    create(networks, {"Name": "a1"})
    create(networks, {"Name": "b1"})
    space, attachment = lab.container(
        networks, "web", mode="b1", ports={"80/tcp": [{"HostPort": "8080"}]}
    )
    id = id_of(attachment)
    lab.serve(space, 80, "web")
    perform(space, connect(networks, id, "a1", {}))
    assert [e.interface for e in networks.sandboxes[id].endpoints.values()] == ["eth1", "eth0"]
    for address in (HOST4, "127.0.0.1", "::1"):
        networks.carrier.settle()
        assert ask(address, 8080).startswith("web"), address
    perform(space, disconnect(networks, id, "a1"))
    for address in (HOST4, "127.0.0.1", "::1"):
        networks.carrier.settle()
        assert ask(address, 8080).startswith("web"), address
    assert lab.neighbour.run(lambda: ask(HOST4, 8080)) == f"web {NEIGHBOUR4}"


def test_networks_survive_the_daemon(lab: Lab) -> None:
    networks = lab.networks()
    id, _ = create(networks, {"Name": "n1", "Labels": {"a": "b"}})
    before = inspect(networks, "n1")
    networks.close()
    again = lab.networks()
    assert inspect(again, id) == before
    default = inspect(again, "bridge")
    assert default["IPAM"] == inspect(networks, "bridge")["IPAM"]
    _, attachment = lab.container(again, "x", mode="n1")
    assert attachment.settings["Networks"]["n1"]["NetworkID"] == id
    assert [n["Name"] for n in list_(again, {"type": ["custom"]})] == ["n1"]
    assert [n["Name"] for n in list_(again, {"dangling": ["true"]})] == []
    again.detach(id_of(attachment))
    assert [n["Name"] for n in list_(again, {"dangling": ["true"]})] == ["n1"]
    assert prune(again, {"label": ["a=c"]}) == []
    assert prune(again, {}) == ["n1"]
    assert f"br-{id[:12]}" not in {x.name for x in netlink.links()}


@pytest.mark.parametrize(
    ("request_", "kind", "text"),
    [
        ({"Name": ""}, InvalidArgument, "invalid name: name is empty"),
        (
            {"Name": "bridge"},
            Forbidden,
            "operation is not permitted on predefined bridge network ",
        ),
        ({"Name": "n1"}, Conflict, "network with name n1 already exists"),
        ({"Name": "z", "Driver": "nosuch"}, NotFound, 'plugin "nosuch" not found'),
        (
            {"Name": "z", "Driver": "host"},
            Forbidden,
            'only one instance of "host" network is allowed',
        ),
        ({"Name": "z", "EnableIPv4": False}, InvalidArgument, "IPv4 or IPv6 must be enabled"),
        (
            {"Name": "z", "IPAM": {"Config": [{"Subnet": "10.9.5.1/24"}]}},
            InvalidArgument,
            "invalid network config:\ninvalid subnet 10.9.5.1/24: it should be 10.9.5.0/24",
        ),
        (
            {"Name": "z", "IPAM": {"Config": [{"Subnet": "10.9.5.0/33"}]}},
            InvalidArgument,
            "invalid network config:\ninvalid subnet 10.9.5.0/33: invalid CIDR block notation",
        ),
        (
            {"Name": "z", "IPAM": {"Config": [{"Subnet": "10.7.0.0/24", "Gateway": "10.8.0.1"}]}},
            InvalidArgument,
            "invalid network config:\ninvalid gateway 10.8.0.1: parent subnet 10.7.0.0/24 "
            "doesn't contain this address",
        ),
        (
            {
                "Name": "z",
                "IPAM": {"Config": [{"Subnet": "10.77.0.0/24", "IPRange": "10.77.0.0/23"}]},
            },
            InvalidArgument,
            "invalid network config:\ninvalid ip-range 10.77.0.0/23: CIDR block is bigger than "
            "its parent subnet 10.77.0.0/24",
        ),
        (
            {
                "Name": "z",
                "IPAM": {
                    "Config": [{"Subnet": "10.77.0.0/24", "AuxiliaryAddresses": {"a": "1.2.3.4"}}]
                },
            },
            InvalidArgument,
            "invalid network config:\ninvalid auxiliary address a: parent subnet 10.77.0.0/24 "
            "doesn't contain this address",
        ),
        (
            {"Name": "z", "IPAM": {"Config": [{"Subnet": "10.6.1.0/25"}]}},
            Forbidden,
            "invalid pool request: Pool overlaps with other one on this address space",
        ),
        (
            {"Name": "z", "Options": {"com.docker.network.bridge.enable_icc": "maybe"}},
            InvalidArgument,
            "failed to parse com.docker.network.bridge.enable_icc value: maybe "
            '(strconv.ParseBool: parsing "maybe": invalid syntax)',
        ),
        (
            {"Name": "z", "Options": {"com.docker.network.driver.mtu": "-1"}},
            InvalidArgument,
            "invalid MTU number: -1",
        ),
        (
            {"Name": "z", "Options": {"com.docker.network.bridge.name": 'x" accept; "'}},
            InvalidArgument,
            "invalid argument",
        ),
    ],
)
def test_create_refuses(
    lab: Lab, request_: dict[str, Any], kind: type[OrlopError], text: str
) -> None:
    networks = lab.networks()
    create(networks, {"Name": "n1", "IPAM": {"Config": [{"Subnet": "10.6.0.0/16"}]}})
    before = {link.name for link in netlink.links()}
    with pytest.raises(kind) as caught:
        create(networks, request_)
    assert caught.value.message == text
    assert {link.name for link in netlink.links()} == before
    assert len(networks.all()) == 4


def test_predefined_networks_stay(lab: Lab) -> None:
    networks = lab.networks()
    for name in ("bridge", "host", "none"):
        with pytest.raises(
            Forbidden, match=f"^{name} is a pre-defined network and cannot be removed$"
        ):
            remove(networks, name)
    with pytest.raises(NotFound, match="^network nosuch not found$"):
        remove(networks, "nosuch")
    with pytest.raises(NotFound) as caught:
        lab.container(networks, "x", mode="nosuch")
    assert caught.value.message == "failed to set up container networking: network nosuch not found"


def test_pools_run_out_and_are_given_back(lab: Lab) -> None:
    networks = lab.networks()
    create(networks, {"Name": "tiny", "IPAM": {"Config": [{"Subnet": "10.6.0.0/30"}]}})
    settings: dict[str, Any] = {}
    first = networks.attach("a" * 64, "a", "a", {"NetworkMode": "tiny"}, settings, {})
    assert first.settings["Networks"]["tiny"]["IPAddress"] == "10.6.0.2"
    with pytest.raises(SystemFailure, match="no available IPv4 addresses on this network's"):
        networks.attach("b" * 64, "b", "b", {"NetworkMode": "tiny"}, settings, {})
    networks.detach("a" * 64)
    again = networks.attach("b" * 64, "b", "b", {"NetworkMode": "tiny"}, settings, {})
    assert again.settings["Networks"]["tiny"]["IPAddress"] == "10.6.0.2"


def test_router_advertisements_are_not_for_containers(lab: Lab) -> None:
    networks = lab.networks()
    create(networks, {"Name": "n4"})
    create(networks, {"Name": "n6", "EnableIPv6": True})
    four, _ = lab.container(networks, "four", mode="n4")
    six, _ = lab.container(networks, "six", mode="n6")
    conf = "/proc/sys/net/ipv6/conf/eth0"
    assert four.command("cat", f"{conf}/disable_ipv6").strip() == "1"
    assert six.command("cat", f"{conf}/accept_ra", f"{conf}/disable_ipv6").split() == ["0", "0"]
