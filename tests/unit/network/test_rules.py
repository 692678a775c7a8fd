from __future__ import annotations

import pytest

from orlop.errors import InvalidArgument
from orlop.network import policy, rules
from orlop.network.rules import BridgeRules, Element

BRIDGE = BridgeRules("orlop0", ("172.17.0.0/16",), ("172.17.0.1",))


def text(*bridges: BridgeRules, **options: object) -> str:
    return rules.table("orlop-x", bridges, **options)  # type: ignore[arg-type]


def test_one_transaction_replaces_the_table() -> None:
    assert text().startswith("table inet orlop-x\ndelete table inet orlop-x\ntable inet orlop-x {")


def test_neighbours_and_loopback() -> None:
    found = text(BRIDGE)
    assert 'iifname { "orlop0" } ip daddr 127.0.0.0/8 drop' in found
    assert (
        'iifname != "orlop0" iifname != "lo" ip daddr 172.17.0.0/16 ip daddr != 172.17.0.1 drop'
        in found
    )
    routed = BridgeRules("orlop0", ("172.17.0.0/16",), ("172.17.0.1",), open4=True)
    assert "172.17.0.0/16 ip daddr != 172.17.0.1 drop" not in text(routed)


def test_a_given_address_goes_before_any_address() -> None:
    found = text(BRIDGE)
    assert found.index("map @at4") < found.index("map @any4")
    assert found.index("map @at6") < found.index("map @any6")


def test_masquerade_internal_icc() -> None:
    assert 'ip saddr 172.17.0.0/16 oifname != "orlop0" masquerade' in text(BRIDGE)
    plain = BridgeRules("orlop0", ("172.17.0.0/16",), ("172.17.0.1",), masquerade=False)
    assert 'oifname != "orlop0" masquerade' not in text(plain)
    inner = BridgeRules("br-1", ("10.0.0.0/24",), ("10.0.0.1",), internal=True, icc=False)
    found = text(inner)
    assert 'iifname "br-1" oifname != "br-1" drop' in found
    assert "ct status dnat accept" not in found
    assert 'iifname "br-1" accept' not in found


def test_elements() -> None:
    some = Element("", 80, "tcp", "172.17.0.2", 8080)
    given = Element("127.0.0.1", 80, "udp", "172.17.0.3", 81)
    six = Element("2001:db8::1", 80, "tcp", "fd00::2", 80)
    found = text(BRIDGE, elements=[some, given, six])
    assert "elements = { tcp . 80 : 172.17.0.2 . 8080 }" in found
    assert "elements = { 127.0.0.1 . udp . 80 : 172.17.0.3 . 81 }" in found
    assert "elements = { 2001:db8::1 . tcp . 80 : fd00::2 . 80 }" in found
    assert rules.add("t", [some]) == ("add element inet t any4 { tcp . 80 : 172.17.0.2 . 8080 }\n")
    assert rules.delete("t", [given]) == "delete element inet t at4 { 127.0.0.1 . udp . 80 }\n"


@pytest.mark.parametrize(
    "name", ["", 'x"; drop', "a b", "a/b", "x" * 16, ".", "..", "é", "a\n", "a\0"]
)
def test_hostile_bridge_names(name: str) -> None:
    with pytest.raises(InvalidArgument):
        rules.check_interface(name)


def test_uplinks_are_no_router() -> None:
    assert 'meta nfproto ipv4 iifname { "eth0", "wlan0" } oifname { "eth0", "wlan0" } drop' in text(
        BRIDGE, uplinks=["eth0", "wlan0"]
    )


def test_policies_of_others() -> None:
    chains = [
        {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward", "policy": "drop"},
        {"family": "ip", "table": "filter", "name": "INPUT", "hook": "input", "policy": "drop"},
        {"family": "inet", "table": "mine", "name": "f", "hook": "forward", "policy": "drop"},
        {"family": "inet", "table": "x", "name": "f", "hook": "forward", "policy": "accept"},
        {"family": "bridge", "table": "x", "name": "f", "hook": "forward", "policy": "drop"},
    ]
    assert policy.dropping(chains, "mine") == chains[:1]
    listing = [
        {"chain": {}},
        {
            "rule": {
                "expr": [
                    {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "b0"}},
                    {"counter": {}},
                    {"accept": None},
                ]
            }
        },
        {"rule": {"expr": [{"jump": {"target": "x"}}]}},
    ]
    assert policy.accepted(listing) == {("iifname", "b0")}
