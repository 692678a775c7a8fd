from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.errors import Forbidden, InvalidArgument, SystemFailure
from orlop.network import ipam
from orlop.network.blocks import _range
from orlop.network.ipam import Pool

NET = ipaddress.ip_network


def pool(text: str, allowed: str = "") -> Pool:
    return Pool(NET(text), NET(allowed) if allowed else None)


def test_lowest_free_first_never_network_gateway_broadcast() -> None:
    small = pool("10.0.0.0/29")
    small.take(ipaddress.ip_address("10.0.0.1"))
    got = [str(small.allocate(0)) for _ in range(5)]
    assert got == [f"10.0.0.{n}" for n in range(2, 7)]
    with pytest.raises(SystemFailure):
        small.allocate(0)


def test_a_released_address_rests_but_serves_when_nothing_else_does() -> None:
    small = pool("10.0.0.0/29")
    first = [small.allocate(0) for _ in range(3)]
    small.release(first[0], now=5)
    assert str(small.allocate(5.5)) == "10.0.0.4"  # .1 rests
    assert small.allocate(6.1) == first[0]  # rested
    small.release(first[1], now=7)
    assert [str(small.allocate(7)) for _ in range(3)] == ["10.0.0.5", "10.0.0.6", "10.0.0.2"]


def test_unused_addresses_need_no_rest_and_preferred_ones_come_back() -> None:
    small = pool("10.0.0.0/29")
    address = small.allocate(0)
    small.release(address, 0, unused=True)
    assert small.allocate(0) == address
    small.release(address, 0)
    assert small.allocate(0, preferred=address) == address
    assert str(small.allocate(0, preferred=address)) == "10.0.0.2"
    outside = ipaddress.ip_address("10.9.9.9")
    assert str(small.allocate(0, preferred=outside)) == "10.0.0.3"


def test_range_and_wanted_addresses() -> None:
    ranged = pool("10.9.5.0/24", "10.9.5.128/25")
    assert str(ranged.allocate(0)) == "10.9.5.128"
    wanted = ipaddress.ip_address("10.9.5.3")
    ranged.take(wanted)
    with pytest.raises(Forbidden, match="^Address already in use$"):
        ranged.take(wanted)
    ranged.release(wanted, 0)
    ranged.take(wanted)
    assert str(ranged.allocate(0)) == "10.9.5.129"
    last = pool("10.9.5.0/24", "10.9.5.254/31")
    assert str(last.allocate(0)) == "10.9.5.254"
    with pytest.raises(SystemFailure):
        last.allocate(0)


def test_tiny_and_large_subnets() -> None:
    pair = pool("10.0.0.0/31")
    assert [str(pair.allocate(0)) for _ in range(2)] == ["10.0.0.0", "10.0.0.1"]
    six = pool("fd00::/64")
    assert str(six.allocate(0)) == "fd00::1"
    assert str(pool("fd00::/8").allocate(0)) == "fd00::1"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ard"), st.integers(0, 20)), max_size=60))
def test_an_address_is_never_handed_out_twice(steps: list[tuple[str, int]]) -> None:
    shared = pool("10.0.0.0/28")
    held: list[ipam.Address] = []
    for now, (step, number) in enumerate(steps):
        if step == "a":
            try:
                address = shared.allocate(now / 2)
            except SystemFailure:
                assert len(held) == 14
                continue
            assert address not in held
            held.append(address)
        elif step == "r" and held:
            shared.release(held.pop(number % len(held)), now / 2)
        elif step == "d":
            wanted = ipaddress.ip_address(f"10.0.0.{number % 14 + 1}")
            try:
                shared.take(wanted)
            except Forbidden:
                assert wanted in held
            else:
                assert wanted not in held
                held.append(wanted)


def test_default_pools_are_dockers_and_avoid_what_is_taken() -> None:
    found = [str(s) for s in ipam.candidates(ipam.DEFAULT_POOLS, 4)]
    assert found[:4] == ["172.17.0.0/16", "172.18.0.0/16", "172.19.0.0/16", "172.20.0.0/16"]
    assert found[14:16] == ["172.31.0.0/16", "192.168.0.0/20"]
    assert len(found) == 31
    taken = [NET("172.17.3.0/24"), NET("172.18.0.0/15"), NET("fd00::/8")]
    assert str(ipam.choose(ipam.DEFAULT_POOLS, taken)) == "172.20.0.0/16"
    with pytest.raises(SystemFailure, match="all predefined address pools have been fully"):
        ipam.choose([("10.0.0.0/24", 24)], [NET("10.0.0.0/8")])
    with pytest.raises(InvalidArgument):
        list(ipam.candidates([("10.0.0.0/24", 16)], 4))


def test_unique_local() -> None:
    assert str(ipam.unique_local(b"\1\2\3\4\5", 7)) == "fd01:203:405:7::/64"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10.9.5.1/24", "it should be 10.9.5.0/24"),
        ("10.9.5.0", "invalid CIDR block notation"),
        ("10.9.5.0/33", "invalid CIDR block notation"),
        ("10.9.5.0/-1", "invalid CIDR block notation"),
        ("10.9.5.0/255.255.255.0", "invalid CIDR block notation"),
        ("10.9.5.0/2٤", "invalid CIDR block notation"),
        ("foo", "invalid CIDR block notation"),
        ("", "invalid CIDR block notation"),
        ("::/999999999999", "invalid CIDR block notation"),
    ],
)
def test_wrong_subnets(text: str, why: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ipam.parse_subnet(text)
    assert caught.value.message == f"invalid subnet {text}: {why}"


def test_an_ip_range_may_be_written_in_full() -> None:
    subnet = ipaddress.ip_network("2001:389::/64")
    for text in ("2001:389::0/96", "2001:0389:0::/96"):
        problems: list[str] = []
        assert _range(text, subnet, problems) == ipaddress.ip_network("2001:389::/96")
        assert problems == []
    problems = []
    _range("2001:389::1/96", subnet, problems)
    assert problems == ["invalid ip-range 2001:389::1/96: it should be 2001:389::/96"]
