"""A runtime that is registered but cannot be driven yet is refused, never silently replaced."""

from __future__ import annotations

import pytest

from orlop.container import validate
from orlop.errors import InvalidArgument, NotSupported


def host(runtime: str) -> dict[str, object]:
    from orlop.container.merge import host_config

    return host_config(
        {"Runtime": runtime},
        shm_size=1 << 26,
        ipc_mode="private",
        cgroupns_mode="host",
        runtime="orlop",
        log_driver="json-file",
        log_opts={},
    )


def test_registered_but_foreign() -> None:
    with pytest.raises(NotSupported, match="kata"):
        validate.host_config(host("kata"), ("orlop",), ("kata",))


def test_unknown() -> None:
    with pytest.raises(InvalidArgument, match="unknown or invalid runtime name: kata"):
        validate.host_config(host("kata"), ("orlop",), ())


def test_own() -> None:
    assert validate.host_config(host(""), ("orlop",), ("kata",)) == []
