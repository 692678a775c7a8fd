"""COPY whose files are made elsewhere on the disk and moved: the same layer."""

from __future__ import annotations

from collections.abc import Iterator

import buildlab
import pytest
from buildlab import Files, Lab

from orlop.storage import elsewhere

pytestmark = pytest.mark.root
FILES: Files = {f"d{n % 7}/f{n}": (f"{n}\n", 0o755 if n % 3 else 0o644) for n in range(120)}
TEXT = """\
FROM busybox
RUN mkdir -p /shared/below && chown 0:7 /shared && chmod 2775 /shared && touch /shared/f0
COPY . /new/
COPY d0 /shared/
COPY --chown=5:6 d1 d2 /
FROM scratch
COPY . /
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from buildlab.opened(tmp_path_factory.mktemp("apart"))


@pytest.mark.parametrize("text", [TEXT.partition("FROM scratch")[0], TEXT], ids=["merged", "whole"])
def test_the_layers_are_the_same(lab: Lab, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(elsewhere, "_DEAR", 1 << 60)
    plain = lab.build(text, FILES, no_cache=True)
    moved: list[bytes] = []
    real = elsewhere.mkdir_apart

    def counted(directory: int, name: bytes) -> bool:
        moved.append(name)
        return real(directory, name)

    monkeypatch.setattr(elsewhere, "mkdir_apart", counted)
    monkeypatch.setattr(elsewhere, "_DEAR", -1)
    assert lab.build(text, FILES, no_cache=True).id == plain.id
    assert moved  # it was tried, whether or not the filesystem takes it
