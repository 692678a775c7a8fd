"""`-c` instructions: results and texts recorded from dockerd 28.5 (`import -c`)."""

from __future__ import annotations

from typing import Any

import pytest

from orlop.errors import InvalidArgument
from orlop.image.changes import apply

SH = ["/bin/sh", "-c"]

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("EXPOSE 80-82/udp", {"ExposedPorts": {"80/udp": {}, "81/udp": {}, "82/udp": {}}}),
    ("CMD", {"Cmd": SH}),
    ("CMD [a]", {"Cmd": [*SH, "[a]"]}),
    ("cmd sh", {"Cmd": [*SH, "sh"]}),
    ('CMD ["a", "b"]', {"Cmd": ["a", "b"]}),
    ('ENTRYPOINT ["a"]', {"Entrypoint": ["a"], "Cmd": None}),
    ("ENTRYPOINT []", {"Entrypoint": None, "Cmd": None}),
    ("WORKDIR rel", {"WorkingDir": "/rel"}),
    ("WORKDIR a b", {"WorkingDir": "/a b"}),
    ("HEALTHCHECK NONE", {"Healthcheck": {"Test": ["NONE"]}}),
    ("ENV A=$B", {"Env": ["A="]}),
    ("ENV A=1\nENV B=2", {"Env": ["A=1", "B=2"]}),
    ("ENV A=1 \\\n B=2", {"Env": ["A=1", "B=2"]}),
    ("ENV A b c", {"Env": ["A=b c"]}),
    ("ENV A='x y'", {"Env": ["A=x y"]}),
    ('ENV A="x \\"y"', {"Env": ['A=x "y']}),
    ("ENV A=1\nENV A=2", {"Env": ["A=2"]}),
    ("ENV A=1\nENV B=${A:-x}${C:-y}${A:+z}", {"Env": ["A=1", "B=1yz"]}),
    ("LABEL a b", {"Labels": {"a": "b"}}),
    ('LABEL "a b"=c', {"Labels": {"a b": "c"}}),
    ('VOLUME ["/a","/b"]', {"Volumes": {"/a": {}, "/b": {}}}),
    ("VOLUME /a /b", {"Volumes": {"/a": {}, "/b": {}}}),
    ("USER  a:b ", {"User": "a:b"}),
    ("USER a b", {"User": "a b"}),
    ("STOPSIGNAL 9", {"StopSignal": "9"}),
    ("STOPSIGNAL RTMIN+1", {"StopSignal": "RTMIN+1"}),
    ("EXPOSE 80 443/tcp 53/udp", {"ExposedPorts": {"443/tcp": {}, "53/udp": {}, "80/tcp": {}}}),
    ("EXPOSE $X", {"ExposedPorts": {}}),
    ("ONBUILD FOO x", {"OnBuild": ["FOO x"]}),
    (
        'HEALTHCHECK --retries=3 --timeout=2s --start-period=1m --start-interval=5s CMD ["a","b"]',
        {
            "Healthcheck": {
                "Test": ["CMD", "a", "b"],
                "Timeout": 2000000000,
                "StartPeriod": 60000000000,
                "StartInterval": 5000000000,
                "Retries": 3,
            }
        },
    ),
]

BAD = [
    ("RUN x", "RUN is not a valid change command"),
    ("FROM x", "FROM is not a valid change command"),
    ("ENV", "ENV requires at least one argument"),
    ("ENV A", "ENV must have two arguments"),
    ("ENV A=1 B", 'Syntax error - can\'t find = in "B". Must be of the form: name=value'),
    ("ENV =x", "ENV names can not be blank"),
    ("LABEL", "LABEL requires at least one argument"),
    ("LABEL a", "LABEL must have two arguments"),
    ("LABEL =x", "LABEL names can not be blank"),
    ("EXPOSE", "EXPOSE requires at least one argument"),
    ("EXPOSE abc", "Invalid containerPort: abc"),
    ("EXPOSE 99999", "Invalid containerPort: 99999"),
    ("EXPOSE 80/foo", "Invalid proto: foo"),
    ("WORKDIR", "WORKDIR requires exactly one argument"),
    ("USER", "USER requires exactly one argument"),
    ("STOPSIGNAL", "STOPSIGNAL requires exactly one argument"),
    ("STOPSIGNAL NOSIG", "invalid signal: NOSIG"),
    ("STOPSIGNAL a b", "invalid signal: a b"),
    ("VOLUME", "VOLUME requires at least one argument"),
    ('VOLUME [""]', "VOLUME specified can not be an empty string"),
    ("ONBUILD", "ONBUILD requires at least one argument"),
    ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
    ("ONBUILD ONBUILD x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
    ("HEALTHCHECK", "HEALTHCHECK requires at least one argument"),
    ("HEALTHCHECK FOO", 'Unknown type "FOO" in HEALTHCHECK (try CMD)'),
    ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
    ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
    ("HEALTHCHECK --foo=1 CMD x", "unknown flag: --foo"),
    ("HEALTHCHECK --interval=1us CMD x", 'Interval "interval" cannot be less than 1ms'),
    ("HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"),
    ("# c", "file with no instructions"),
    ("", "file with no instructions"),
]


@pytest.mark.parametrize(("change", "expected"), GOOD)
def test_good_changes(change: str, expected: dict[str, Any]) -> None:
    assert apply({}, [change]) == expected


@pytest.mark.parametrize(("change", "text"), BAD)
def test_bad_changes(change: str, text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        apply({}, [change])
    assert caught.value.message == text


def test_entrypoint_clears_the_old_command_but_not_a_new_one() -> None:
    old = {"Cmd": ["old"]}
    assert apply(old, ['ENTRYPOINT ["e"]'])["Cmd"] is None
    assert apply(old, ['CMD ["new"]', 'ENTRYPOINT ["e"]'])["Cmd"] == ["new"]
    assert old == {"Cmd": ["old"]}


def test_workdir_is_relative_to_the_last() -> None:
    assert apply({"WorkingDir": "/a"}, ["WORKDIR b/../c"])["WorkingDir"] == "/a/c"
