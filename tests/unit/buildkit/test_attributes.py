from __future__ import annotations

import pytest

from orlop.builder import stages
from orlop.builder.parser import Malformed
from orlop.builder.read import read
from orlop.buildkit import reach
from orlop.buildkit.attributes import attributes
from orlop.buildkit.failures import words
from orlop.errors import InvalidArgument


def test_what_buildx_sends() -> None:
    found = attributes(
        {
            "filename": "Other", "target": "b", "build-arg:A": "1", "build-arg:B": "",
            "label:x": "y", "no-cache": "One,two", "image-resolve-mode": "pull",
            "force-network-mode": "host", "add-hosts": "A=1.2.3.4,b=::1", "shm-size": "1024",
            "ulimit": "nofile=1024:2048,core=0", "cgroup-parent": "/x",
            "context:other": "local:other",
            "cache-imports": '[{"Type":"registry","Attrs":{"ref":"r/a"}},{"Type":"gha"}]',
            "cache-from": "r/a,r/b", "local-sessionid:context": "s", "requestid": "frontend.lint",
        }
    )  # fmt: skip
    assert (found.filename, found.target, found.arguments) == ("Other", "b", {"A": "1", "B": ""})
    assert (found.no_cache, found.no_cache_stages) == (False, frozenset({"one", "two"}))
    assert (found.pull, found.network, found.labels) == (True, "host", {"x": "y"})
    assert found.host == {
        "ShmSize": 1024, "CgroupParent": "/x", "ExtraHosts": ["a:1.2.3.4", "b:::1"],
        "Ulimits": [
            {"Name": "nofile", "Soft": 1024, "Hard": 2048}, {"Name": "core", "Soft": 0, "Hard": 0}
        ],
    }  # fmt: skip
    assert found.cache_from == ("r/a", "r/b")
    assert found.sessions == {"context": "s"}
    assert found.contexts == {"other": "local:other"}


def test_no_cache_without_names_means_every_stage() -> None:
    assert attributes({"no-cache": ""}).no_cache


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("add-hosts", "a"), ("add-hosts", "a=b"), ("ulimit", "x"), ("ulimit", "n=a"),
        ("shm-size", "1g"), ("force-network-mode", "bridge"), ("image-resolve-mode", "x"),
        ("cache-imports", "["), ("platform", "linux/amd64,linux/arm64"), ("ulimit", '"'),
    ],
)  # fmt: skip
def test_what_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidArgument):
        attributes({name: value})


def files(text: str, target: str = "") -> list[str] | None:
    document = read(text)
    return reach.files(
        document, stages.needed(stages.plan(document, {}), stages.target(document, target))
    )


def test_which_files_a_build_reads() -> None:
    assert files("FROM a\nRUN x\n") == []
    assert files("FROM a\nCOPY x /y/../z* /\nADD http://h/f b /\nCOPY --from=o q /\n") == [
        "x", "z*", "b",
    ]  # fmt: skip
    assert files("FROM a AS one\nCOPY only /\nFROM a\nCOPY x /\n") == ["x"]
    assert files("FROM a\nRUN --mount=target=/x,source=s ls\n") == ["s"]
    assert files("FROM a\nRUN --mount=type=cache,target=/x ls\n") == []
    assert files("FROM a\nCOPY <<E /f\nx\nE\n") == []


@pytest.mark.parametrize(
    "line", ["COPY . /", "COPY $A /", "ADD / /x", "RUN --mount=target=/x ls", "COPY a\\ b ../ /x/"]
)
def test_when_all_of_the_context_is_asked_for(line: str) -> None:
    assert files(f"FROM a\n{line}\n") is None


def test_where_an_instruction_ends() -> None:
    document = read("FROM a\nRUN <<E\nx\ny\nE\nRUN z\n")
    assert [reach.last_line(document, line) for line in (1, 2, 6)] == [1, 5, 6]


@pytest.mark.parametrize(
    ("text", "message", "lines"),
    [
        ("FROM a\nENV A=1 \\\n  B\n", "Syntax error - can't find = in \"B\". Must be of the form:"
         " name=value", (2, 3)),
        ("FROM a\nRUN <<E\nx\n", "unterminated heredoc", (2, 3)),
        ("FROM a\nRUN \\\n --mount=type=bind x\n", "target is required", (2, 3)),
        ("FROM a\nUSER\n", "dockerfile parse error on line 2: USER requires exactly one argument",
         (2, 2)),
    ],
)  # fmt: skip
def test_the_place_is_in_the_excerpt_and_not_in_buildkits_words(
    text: str, message: str, lines: tuple[int, int]
) -> None:
    with pytest.raises(Malformed) as caught:
        read(text)
    assert (words(caught.value), (caught.value.line, caught.value.last)) == (message, lines)
    assert caught.value.message.startswith("dockerfile parse error on line 2: ")


def test_an_instruction_ends_with_its_last_line() -> None:
    document = read("FROM a\nRUN a; \\\n  b\n")
    assert reach.last_line(document, 2) == 3
