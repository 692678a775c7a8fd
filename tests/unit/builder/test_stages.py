from __future__ import annotations

import pytest

from orlop.builder import stages
from orlop.builder.explain import reasons
from orlop.builder.modes import Chmod
from orlop.builder.read import read
from orlop.errors import InvalidArgument

FILE = """\
ARG BASE=x
FROM $BASE AS a
FROM y AS c
FROM a AS b
COPY --from=c /f /f
FROM scratch
RUN --mount=type=bind,from=0,target=/m true
COPY --from=b /f /f
"""


def needed(text: str, target: str) -> list[int]:
    document = read(text)
    planned = stages.plan(document, stages.global_arguments(document, {}, {}))
    return [s.index for s in stages.needed(planned, stages.target(document, target))]


def test_only_what_is_needed() -> None:
    assert needed(FILE, "") == [0, 1, 2, 3]
    assert needed(FILE, "a") == [0]
    assert needed(FILE, "b") == [0, 1, 2]
    assert needed(FILE, "1") == [1]


def test_targets_and_circles() -> None:
    with pytest.raises(InvalidArgument) as caught:
        needed("FROM x AS build\n", "biuld")
    assert caught.value.message == ('target stage "biuld" could not be found (did you mean build?)')


def test_a_stage_is_copied_from_after_it_is_defined() -> None:
    document = read("FROM x AS a\nCOPY --from=b f f\nFROM y AS b\nCOPY --from=a f f\n")
    with pytest.raises(InvalidArgument) as caught:
        stages.find(document, "b", 0)
    assert caught.value.message == (
        'cannot copy from stage "b", it needs to be defined before current stage "a"'
    )
    assert stages.find(document, "a", 1) == 0


def test_a_base_that_expands_to_nothing() -> None:
    with pytest.raises(InvalidArgument, match=r"line 1: base name \(\$X\) should not be blank"):
        needed("FROM $X\n", "")


@pytest.mark.parametrize(
    ("text", "mode", "directory", "wanted"),
    [
        ("755", 0o600, False, 0o755),
        ("u+x", 0o644, False, 0o744),
        ("go-rwx", 0o777, False, 0o700),
        ("a=r", 0o777, False, 0o444),
        ("u=rwX,go=rX", 0o600, True, 0o755),
        ("u=rwX,go=rX", 0o600, False, 0o644),
        ("+x", 0o644, False, 0o755),
        ("g+s", 0o755, True, 0o2755),
    ],
)
def test_chmod(text: str, mode: int, directory: bool, wanted: int) -> None:
    assert Chmod(text).of(mode, directory=directory) == wanted


def test_chmod_that_is_none() -> None:
    for text in ("9", "u+q", "rwx", "07777777"):
        with pytest.raises(InvalidArgument, match="invalid chmod parameter"):
            Chmod(text)


def test_what_changed() -> None:
    before = {"text": "COPY a b", "files": {"a": ["f", 0o644, 1, "0" * 64]}, "epoch": 1}
    assert reasons(None, before) == ("never built here before",)
    now = {**before, "files": {"a": ["f", 0o755, 1, "0" * 64], "b": ["l"]}}
    assert reasons(before, now) == ("file changed: a (644 -> 755)", "file added: b")
    now = {**before, "text": "COPY a c"}
    assert reasons(before, now) == ("instruction changed: 'COPY a b' -> 'COPY a c'",)
    variables = {"environment": {"A": "1", "B": "2"}}
    assert reasons(variables, {"environment": {"A": "2", "C": "3"}}) == (
        "variable A changed: '1' -> '2'", "variable B removed (was '2')", "variable C added: '3'",
    )  # fmt: skip
