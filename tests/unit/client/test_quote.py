"""Paths and queries of requests."""

from __future__ import annotations

from orlop.client.transport import query, quote


def test_a_name_with_a_space_is_found_in_a_path() -> None:
    """`orlop network rm 'a b'` asked for the network a+b."""
    assert quote("a b") == "a%20b"
    assert quote("a/b c", b"/") == "a/b%20c"
    assert query({"name": "a b"}) == "?name=a+b"
