"""A damaged networks.json: the daemon starts, and serves the networks that can be read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from orlop.config import Config
from orlop.events import Events
from orlop.network.model import Network
from orlop.network.networks import Networks


def opened(root: Path) -> Networks:
    return Networks(Config(data_root=root / "data", exec_root=root / "run"), Events())


def names(networks: Networks) -> set[str]:
    return {network.name for network in networks.all()}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'{"networks": [{}, 3]}'])
def test_what_cannot_be_read_is_set_aside(
    tmp_path: Path, raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = opened(tmp_path).path
    path.write_bytes(raw)
    assert names(opened(tmp_path)) == {"bridge", "host", "none"}
    assert path.with_name("networks.json.damaged").read_bytes() == raw
    assert f"damaged record {path}" in caplog.text


def test_whole_entries_are_kept_whatever_the_file_lost(tmp_path: Path) -> None:
    networks = opened(tmp_path)
    networks.put(Network("f" * 64, "mine", "2026-01-01T00:00:00Z", "bridge"))
    networks.save()
    path = networks.path
    whole = path.read_bytes()
    ids = [entry["Id"] for entry in json.loads(whole)["networks"]]
    ends = [found.end() for found in re.finditer(rb"\n  \}", whole)]
    assert len(ends) == len(ids) == 4
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        again = opened(tmp_path)
        assert names(again) >= {"bridge", "host", "none"}
        assert [again.find(id) is not None for id in ids] == [end <= length for end in ends]
