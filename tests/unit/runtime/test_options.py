"""The command line of orlop-runtime, as its callers write it."""

from __future__ import annotations

from typing import Any

import pytest

from orlop.errors import InvalidArgument
from orlop.runtime.oci import options, signals
from orlop.runtime.oci.store import check_id


@pytest.mark.parametrize(
    ("line", "verb", "own", "words"),
    [
        (
            "--root R --log F --log-format json create --bundle B --pid-file P ID",
            "create",
            {"bundle": "B", "pid-file": "P"},
            ["ID"],
        ),
        ("--cgroup-manager cgroupfs run --config c.json --detach ID", "run",
         {"config": "c.json", "detach": True}, ["ID"]),
        ("run -b B ID", "run", {"bundle": "B"}, ["ID"]),
        ("run --bundle=B --preserve-fds=2 ID", "run", {"bundle": "B", "preserve-fds": 2}, ["ID"]),
        ("kill --all ID 9", "kill", {"all": True}, ["ID", "9"]),
        ("delete ID --force", "delete", {"force": True}, ["ID"]),
        ("exec -t -e A=1 -e B=2 ID ls -l --all", "exec", {"tty": True, "env": ["A=1", "B=2"]},
         ["ID", "ls", "-l", "--all"]),
        ("exec -td ID sh", "exec", {"tty": True, "detach": True}, ["ID", "sh"]),
        ("exec --process p.json --detach --pid-file P ID", "exec",
         {"process": "p.json", "detach": True, "pid-file": "P"}, ["ID"]),
        ("update --resources - ID", "update", {"resources": "-"}, ["ID"]),
        ("list -q", "list", {"quiet": True}, []),
        ("run --no-pivot=false ID", "run", {"no-pivot": False}, ["ID"]),
        ("exec ID -- ls", "exec", {}, ["ID", "--", "ls"]),
        ("delete -- -x", "delete", {}, ["-x"]),
    ],
)  # fmt: skip
def test_lines_of_callers(line: str, verb: str, own: dict[str, Any], words: list[str]) -> None:
    assert options.split(line.split())[1:] == (verb, own, words)


@pytest.mark.parametrize(
    "line",
    [
        "create --nope ID",
        "run --bundle",
        "fly ID",
        "run --preserve-fds x ID",
        "run --detach=maybe X",
        "run --pidfd-socket S X",
        "kill --regex X",
    ],
)
def test_wrong_lines(line: str) -> None:
    with pytest.raises(InvalidArgument):
        options.split(line.split())


@pytest.mark.parametrize(
    ("text", "number"),
    [("KILL", 9), ("SIGKILL", 9), ("sigterm", 15), ("9", 9), ("RTMIN+3", 37), ("SIGRTMAX-1", 63),
     ("CHLD", 17), ("WINCH", 28)],
)  # fmt: skip
def test_signals(text: str, number: int) -> None:
    assert signals.number(text) == number


@pytest.mark.parametrize("text", ["", "NOPE", "65", "-1", "TERM+1", "٣", "SIGSIGKILL", "1_0"])
def test_wrong_signals(text: str) -> None:
    with pytest.raises(InvalidArgument):
        signals.number(text)


@pytest.mark.parametrize("id", ["", ".", "..", "a/b", "../x", "a b", "é", "x" * 1025, "a\0", "a\n"])
def test_ids_that_would_be_paths(id: str) -> None:
    with pytest.raises(InvalidArgument):
        check_id(id)
    assert check_id("a-b_c.d+1") == "a-b_c.d+1"
