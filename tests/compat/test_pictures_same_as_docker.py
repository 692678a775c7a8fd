"""What both command lines draw on a terminal: the progress of `pull`, the table of `stats`."""

from __future__ import annotations

import re

import pytest
from daemon import Daemon
from registry import Registry

pytestmark = pytest.mark.root

CONTROL = re.compile(r"\x1b\[(\d*)([ABK])|([\r\n])|([^\x1b\r\n]+)")
MOVING = ("Downloading", "Extracting")  # how many of them come depends on the moment


def drawn(text: str) -> tuple[list[str], dict[str, list[str]]]:
    """The screen at the end, and for each ID the states it went through, once each."""
    screen, row = [""], 0
    states: dict[str, list[str]] = {}
    at = 0
    for found in CONTROL.finditer(text):
        assert found.start() == at, f"unknown control: {text[at : found.start() + 9]!r}"
        at = found.end()
        count, move, end, words = found.groups()
        if move == "K":
            screen[row] = ""
        elif move:
            row += int(count) * (1 if move == "B" else -1)
        elif end == "\n":
            row += 1
        elif words:
            screen[row] = words
            ident, colon, state = words.partition(": ")
            seen = states.setdefault(ident, [])
            if colon and not state.startswith(MOVING) and state not in seen[-1:]:
                seen.append(state)
        screen += [""] * (row + 1 - len(screen))
    assert at == len(text)
    return screen, states


def test_the_progress_of_pull(orlopd: Daemon) -> None:
    registry = Registry()
    image = f"{registry.address}/drawn:1"
    try:
        orlopd.docker(
            "run", "--name", "drawn", "busybox", "sh", "-c", "head -c 300000 /dev/urandom >/f"
        )
        orlopd.docker("commit", "drawn", image)
        orlopd.docker("rm", "drawn")
        orlopd.docker("push", image)
        pictures = []
        for cli in ("docker", "orlop"):
            orlopd.docker("rmi", image)
            text, code = orlopd.terminal(cli, "pull", image).close()
            assert code == 0
            pictures.append(drawn(text))
        assert pictures[0] == pictures[1]
        assert ["Pulling fs layer", "Pull complete"] in [
            [s.strip() for s in states if s.startswith("Pull")]
            for states in pictures[1][1].values()
        ]
    finally:
        orlopd.docker("rm", "-f", "drawn", check=False)
        orlopd.docker("rmi", image, check=False)
        registry.close()


def test_the_table_of_stats(orlopd: Daemon) -> None:
    orlopd.docker("run", "-d", "--name", "measured", "--network", "none", "busybox", "sleep", "600")
    try:
        pictures = []
        for cli in ("docker", "orlop"):
            terminal = orlopd.terminal(cli, "stats")
            text = ""
            while "0B / 0B" not in text:  # docker draws before the first sample
                text = terminal.expect("\x1b[J")
            terminal.type("\x03")
            assert terminal.close()[1] == 130
            # docker may put the same lines before it without erasing: the last picture is compared
            text = "\x1b[H" + text.rpartition("\x1b[H")[2]
            pictures.append(re.sub(r"[\d.]+(%|[KM]iB)", r"0\1", text))
        first, second = ([re.sub(" +", " ", line) for line in p.split("\n")] for p in pictures)
        assert first == second
        assert pictures[1].startswith("\x1b[HCONTAINER ID ")
    finally:
        orlopd.docker("rm", "-f", "measured")
