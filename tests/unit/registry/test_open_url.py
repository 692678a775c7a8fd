"""Addresses that are none, for `import URL`, in the words that dockerd 28 answers with."""

from __future__ import annotations

from typing import Any

import pytest

from orlop.errors import InvalidArgument, OrlopError
from orlop.registry.failure import RegistryFailure
from orlop.registry.open_url import open_url

NOBODY: Any = None  # no address here is asked


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("[]", 'parse "http://[]": invalid host: ParseAddr(""): unable to parse IP'),
        ("http://[", "parse \"http://[\": missing ']' in host"),
        ("http://[1", "parse \"http://[1\": missing ']' in host"),
        ("http://[zz]", 'parse "http://[zz]": invalid host: ParseAddr("zz"): unable to parse IP'),
        ("http://x:ab/", 'parse "http://x:ab/": invalid port ":ab" after host'),
        ("http://x y/", 'parse "http://x y/": invalid character " " in host name'),
    ],
)
def test_an_address_that_is_none_was_an_internal_error(url: str, words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        open_url(NOBODY, url)
    assert caught.value.message == words


def test_a_port_beyond_all() -> None:
    words = 'Get "http://x:99999/": dial tcp: address 99999: invalid port'
    with pytest.raises(RegistryFailure) as caught:
        open_url(NOBODY, "http://x:99999/")
    assert caught.value.message == words
    with pytest.raises(OrlopError):
        open_url(NOBODY, "http://x:" + "9" * 5000)
