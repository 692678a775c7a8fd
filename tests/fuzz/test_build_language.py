"""Any text at all: the parser, the expansion and the ignore file answer or refuse, in time."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from hypothesis import HealthCheck, example, given, seed, settings
from hypothesis import strategies as st
from limits import EXAMPLES, SEED, no_hang

from orlop.builder import shellpattern
from orlop.builder.check import check
from orlop.builder.expand import Lexer
from orlop.builder.mountspec import parse_mount
from orlop.builder.read import read
from orlop.builder.source import clean
from orlop.errors import InvalidArgument
from orlop.oci.ignore import Ignore, read_lines


def common(test: Callable[..., None]) -> Callable[..., None]:
    wanted = settings(
        max_examples=max(EXAMPLES // 5, 250),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    return seed(SEED)(wanted(test))


WORDS = st.sampled_from(
    ["FROM", "from", "RUN", "COPY", "ADD", "ENV", "ARG", "LABEL", "CMD", "ENTRYPOINT", "ONBUILD",
     "HEALTHCHECK", "SHELL", "USER", "WORKDIR", "VOLUME", "EXPOSE", "STOPSIGNAL", "MAINTAINER",
     "busybox", "AS", "a", "--from=a", "--mount=type=cache,target=/c", "--chown=1", "--link", "--",
     "<<EOF", "<<-'E'", "EOF", "E", "$x", "${x:-y}", "${", "}", '["a", "b"]', "[", '"', "'", "\\",
     "\n", "\r\n", "\t", " ", "#", "# escape=`", "# syntax=x", "`", "=", "a=b", "é", "\u2028", "\0"]
)  # fmt: skip
dockerfiles = st.one_of(
    st.text(max_size=300),
    st.lists(WORDS, max_size=40).map(" ".join),
    st.lists(WORDS, max_size=40).map("".join),
    st.lists(st.lists(WORDS, max_size=6).map(" ".join), max_size=12).map(
        lambda lines: "FROM busybox\n" + "\n".join(lines)
    ),
)


@given(dockerfiles)
@example("FROM x\nRUN <<A <<B\n1\nA\n2\nB\n")
@example("FROM x\nCMD " + "[" * 2000)
@example("FROM 0\nFROM ${")
@common
@no_hang()
def test_a_dockerfile_parses_or_is_refused(text: str) -> None:
    try:
        found = read(text)
    except InvalidArgument as error:
        assert error.message
        return
    assert found.stages
    lines = text.count("\n") + 1
    for stage in found.stages:
        for command in stage.commands:
            assert 1 <= command.line <= lines
    check(text)


pieces = st.sampled_from(
    ["$", "{", "}", ":", "-", "+", "?", "#", "%", "/", "x", "NAME", "\\", "'", '"', " ", "*", "é"]
)
environments = st.dictionaries(st.sampled_from(["x", "NAME"]), st.text(max_size=20))


@given(st.lists(pieces, max_size=40).map("".join), environments)
@common
@no_hang()
def test_expansion_answers_or_refuses(text: str, env: dict[str, str]) -> None:
    try:
        found = Lexer().expand(text, env)
    except InvalidArgument:
        return
    assert "".join("".join(found.words).split()) == "".join(found.text.split())
    if not set("$'\"\\") & set(text):
        assert found.text == text


@given(st.text("ab*?\\", max_size=12), st.text("ab", max_size=30), st.booleans())
@common
@no_hang()
def test_what_a_pattern_trims_is_a_prefix_or_suffix(pattern: str, value: str, greedy: bool) -> None:
    try:
        head = shellpattern.trim_prefix(pattern, value, greedy)
    except InvalidArgument:
        return
    assert value.endswith(head)
    tail = shellpattern.trim_suffix(pattern, value, greedy)
    assert value.startswith(tail)


paths = st.lists(st.sampled_from(["a", "b", "ab", "a.b", "x y"]), min_size=1, max_size=4).map(
    "/".join
)
patterns = st.lists(
    st.sampled_from(["a", "b", "*", "**", "?", "/", "!", "[a-b]", ".", "..", "\\", "[", "^", "$"]),
    max_size=6,
).map("".join)


@given(st.lists(patterns, max_size=5), paths)
@common
@no_hang()
def test_ignore_answers_or_refuses(lines: list[str], path: str) -> None:
    try:
        found = Ignore(read_lines("\n".join(lines)))
    except InvalidArgument:
        return
    first = found.ignored(path)
    assert found.ignored(path) is first  # what it remembers is what it found
    if not any(p.exclusion for p in found.patterns) and first:
        assert found.ignored(path + "/below")


@given(st.text(max_size=60))
@common
@no_hang()
def test_a_clean_path_stays_below(text: str) -> None:
    found = clean(text)
    assert not found.startswith("/")
    assert ".." not in found.split("/")
    assert posixpath.normpath("/" + found) == "/" + found


fields = st.sampled_from(
    ["type=", "cache", "bind", "secret", ",", "target=", "/x", "id=", "size=", "1k", "mode=", "07",
     "uid=", "ro", "rw=false", '"', "from=", "sharing=locked", "env=A"]
)  # fmt: skip


@given(st.lists(fields, max_size=14).map("".join))
@common
@no_hang()
def test_a_mount_is_read_or_refused(text: str) -> None:
    try:
        found = parse_mount(text)
    except InvalidArgument:
        return
    assert found.type in ("bind", "cache", "tmpfs", "secret", "ssh")


def test_patterns_that_could_take_forever_do_not() -> None:
    found = Ignore(["**/" * 12 + "x", "*a*a*a*a*b"])
    assert not found.ignored("a/" * 30 + "a" * 40)
    value = "a" * 200
    assert shellpattern.trim_prefix("*a" * 6 + "b", value, True) == value
