"""Steps that come out differently are never one step to the cache, nor to `--cache-from`."""

from __future__ import annotations

from collections.abc import Iterator

import buildlab
import pytest
from buildlab import Build, Files, Lab

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from buildlab.opened(tmp_path_factory.mktemp("keys"))


def trusting(lab: Lab, before: tuple[str, Files], now: tuple[str, Files]) -> Build:
    """`now`, built with nothing but the image of `before` as cache."""
    lab.build(*before, tags=("test/before:1",))
    cache = lab.engine.builder.cache
    lab.engine.images.let_go(cache.drop(cache.records()))
    return lab.build(*now, cache_from=("test/before:1",))


def test_parents_of_a_copy_from_a_stage(lab: Lab) -> None:
    stage = "FROM busybox AS s\nRUN mkdir /a && echo 1 > /a/x\n"
    text = stage + "FROM busybox\nCOPY {} --from=s /a/x /o/\n"
    plain = lab.build(text.format(""))
    assert plain.sh("find /o -type f") == "/o/x\n"
    assert lab.build(text.format("--parents")).sh("find /o -type f") == "/o/a/x\n"


def test_a_heredoc_beside_a_stage(lab: Lab) -> None:
    text = "FROM busybox AS s\nFROM busybox\nCOPY --from=s <<EOF /beside\n{}\nEOF\n"
    assert lab.build(text.format("one")).sh("cat /beside") == "one\n"
    assert lab.build(text.format("two")).sh("cat /beside") == "two\n"


def test_the_order_of_several_sources(lab: Lab) -> None:
    files: Files = {"a/x": "a", "b/x": "b"}
    first = lab.build("FROM busybox\nCOPY a/x b/x /order/\n", files)
    other = lab.build("FROM busybox\nCOPY b/x a/x /order/\n", files)
    assert (first.sh("cat /order/x"), other.sh("cat /order/x")) == ("b", "a")


@pytest.mark.parametrize(("flag", "shown"), [("--chown=5:6", "5 644"), ("--chmod=600", "0 600")])
def test_an_image_answers_for_its_own_owner_and_mode_only(lab: Lab, flag: str, shown: str) -> None:
    files: Files = {"f": "1"}
    found = trusting(
        lab, ("FROM busybox\nCOPY f /f\n", files), (f"FROM busybox\nCOPY {flag} f /f\n", files)
    )
    assert found.cached() == [False, False]
    assert found.sh("stat -c '%u %a' /f") == f"{shown}\n"


def test_an_image_does_not_answer_for_a_bound_context(lab: Lab) -> None:
    text = "FROM busybox\nRUN --mount=type=bind,target=/ctx cat /ctx/f > /o\n"
    found = trusting(lab, (text, {"f": "old"}), (text, {"f": "new"}))
    assert found.sh("cat /o") == "new"


def test_an_image_does_not_answer_for_another_script(lab: Lab) -> None:
    text = "FROM busybox\nRUN <<EOF\n#!/bin/sh\necho {} > /o\nEOF\n"
    found = trusting(lab, (text.format("old"), {}), (text.format("new"), {}))
    assert found.sh("cat /o") == "new\n"


@pytest.mark.parametrize("flag", ["--network=none", "--security=insecure"])
def test_an_image_does_not_answer_for_another_network_or_sandbox(lab: Lab, flag: str) -> None:
    plain, special = (f"FROM busybox\nRUN {f}echo x > /o\n" for f in ("", f"{flag} "))
    lab.build(special, tags=("test/before:1",), insecure=True)
    cache = lab.engine.builder.cache
    lab.engine.images.let_go(cache.drop(cache.records()))
    found = lab.build(special, cache_from=("test/before:1",), insecure=True)
    assert found.cached() == [False, False]  # its history does not say which it was
    lab.engine.images.let_go(cache.drop(cache.records()))
    assert trusting(lab, (plain, {}), (plain, {})).cached() == [False, True]
