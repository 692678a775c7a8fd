from __future__ import annotations

from typing import Any

import pytest

from orlop.network.dns.names import Names


def document(id: str, *networks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "networks": list(networks),
        "links": {},
        "upstreams": [],
        "forward": True,
    } | more


def on(network: str, ipv4: str, *names: str, ipv6: str = "") -> dict[str, Any]:
    return {"id": f"id-{network}", "name": network, "ipv4": ipv4, "ipv6": ipv6, "names": names}


@pytest.fixture
def names() -> Names:
    made = Names()
    made.put(document("a", on("front", "10.0.0.2", "web", "shared", "aaaa")))
    made.put(document("b", on("front", "10.0.0.3", "db", "shared"), on("back", "10.1.0.3", "db")))
    made.put(document("c", on("back", "10.1.0.4", "cache"), links={"store": "db"}))
    return made


def test_names_aliases_and_several(names: Names) -> None:
    a = names.containers["a"]
    assert names.lookup(a, "web") == [("10.0.0.2", "")]
    assert names.lookup(a, "DB") == [("10.0.0.3", "")]
    assert sorted(names.lookup(a, "shared")) == [("10.0.0.2", ""), ("10.0.0.3", "")]
    assert names.lookup(a, "nobody") == []


def test_only_shared_networks(names: Names) -> None:
    assert names.lookup(names.containers["a"], "cache") == []
    assert names.lookup(names.containers["c"], "web") == []
    assert names.lookup(names.containers["c"], "db") == [("10.1.0.3", "")]
    assert names.reverse(names.containers["a"], "10.1.0.4") == ""


def test_a_name_with_its_network(names: Names) -> None:
    b = names.containers["b"]
    assert names.lookup(b, "db.back") == [("10.1.0.3", "")]
    assert names.lookup(b, "db.front") == [("10.0.0.3", "")]
    assert names.lookup(names.containers["a"], "cache.back") == []
    assert names.lookup(b, "db.elsewhere") == []


def test_links(names: Names) -> None:
    assert names.lookup(names.containers["c"], "store") == [("10.1.0.3", "")]
    assert names.lookup(names.containers["a"], "store") == []


def test_reverse(names: Names) -> None:
    assert names.reverse(names.containers["b"], "10.1.0.4") == "cache.back"


def test_what_is_put_again_replaces(names: Names) -> None:
    names.put(document("a", on("front", "10.0.0.9", "renamed")))
    b = names.containers["b"]
    assert names.lookup(b, "web") == []
    assert names.lookup(b, "renamed") == [("10.0.0.9", "")]
    assert names.reverse(b, "10.0.0.2") == ""
    assert names.lookup(b, "shared") == [("10.0.0.3", "")]


def test_nothing_is_left(names: Names) -> None:
    for id in ("a", "b", "c", "c"):
        names.drop(id)
    assert not names.containers
    assert not names._networks
