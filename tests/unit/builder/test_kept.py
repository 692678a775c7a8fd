from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from orlop.builder import kept as keeping
from orlop.builder.context import Context
from orlop.builder.kept import Kept

KEY = ("client", "context")


def filled(folder: Path, size: int = 2 << 20, name: str = "f") -> Context:
    made = Context(folder)
    made.add_file(name, bytes(size))
    return made


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_what_was_sent_is_known_again(tmp_path: Path) -> None:
    kept, context = Kept(), filled(tmp_path)
    item = context.item("f")
    kept.keep(KEY, context)
    again = kept.take(KEY)
    assert again is not None
    assert kept.take(KEY) is None  # one build at a time has it
    assert again.item("f") is None
    assert item is not None
    assert again.recall(replace(item, offset=0, digest=""))
    assert again.item("f") == item
    again.close()


@pytest.mark.parametrize("key", [("", "context"), KEY])
def test_what_is_not_worth_it_is_closed(tmp_path: Path, key: tuple[str, str]) -> None:
    before = descriptors()
    kept = Kept()
    kept.keep(key, filled(tmp_path, 10 if key[0] else 2 << 20))
    assert kept.take(key) is None
    assert descriptors() == before


def test_waste_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_WASTE", 0)
    kept, context = Kept(), filled(tmp_path)
    for _ in range(3):
        context.add_file("f", bytes(2 << 20))  # replaces the one before
    kept.keep(KEY, context)
    assert kept.take(KEY) is None


def test_the_oldest_go(tmp_path: Path) -> None:
    before = descriptors()
    kept = Kept()
    for number in range(20):
        kept.keep((str(number), "context"), filled(tmp_path))
    assert descriptors() == before + 8
    assert kept.take(("0", "context")) is None
    last = kept.take(("19", "context"))
    assert last is not None
    last.close()
    kept.drop()
    assert descriptors() == before


def test_the_same_place_is_kept_once(tmp_path: Path) -> None:
    before = descriptors()
    kept = Kept()
    kept.keep(KEY, filled(tmp_path))
    kept.keep(KEY, filled(tmp_path))
    assert descriptors() == before + 1
    kept.drop()
    assert descriptors() == before


def test_files_that_are_no_more_were_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that change from build to build grew an index without an end."""
    monkeypatch.setattr(keeping, "_ENTRIES", 10)
    kept, context = Kept(), filled(tmp_path)
    for number in range(20):
        context.add_file(f"f{number}", bytes(2 << 20))
        kept.keep(KEY, context)
        found = kept.take(KEY)
        if found is None:
            break
        context = found
    assert found is None
    assert number == 10


def test_offered_indexes_grew_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descriptors()
    monkeypatch.setattr(keeping, "_OFFERED_ENTRIES", 5)
    kept = Kept()
    names = [kept.offer(filled(tmp_path)) for _ in range(4)]  # an entry each, and the top
    assert [kept._offered.get((name, "")) is not None for name in names] == [False] * 2 + [True] * 2
    kept.drop()
    assert descriptors() == before


def test_a_prune_took_the_context_that_a_client_was_sending(tmp_path: Path) -> None:
    kept = Kept()
    kept.keep(KEY, filled(tmp_path))
    name = kept.offer(filled(tmp_path))
    kept.drop(offered=False)
    assert kept.take(KEY) is None
    found = kept.accept(name)
    assert found is not None
    found.close()
