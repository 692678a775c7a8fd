from __future__ import annotations

import pytest

from orlop.container import signals
from orlop.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("KILL", 9), ("SIGKILL", 9), ("sigkill", 9), ("kill", 9), ("9", 9), ("15", 15),
        ("HUP", 1), ("SIGRTMIN", 34), ("RTMIN+3", 37), ("rtmin+15", 49), ("RTMAX", 64),
        ("RTMAX-14", 50), ("SIGUSR1", 10), ("WINCH", 28), ("99", 99), ("POLL", 29), ("CLD", 17),
    ],
)  # fmt: skip
def test_names_and_numbers(text: str, number: int) -> None:
    assert signals.parse(text) == number


@pytest.mark.parametrize(
    "text", ["0", "-1", "FOO", "SIG", "", "RTMIN-1", "RTMAX+1", "RTMIN+99", "١", "1_0", " 9", "9 "]
)
def test_bad_signals(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^invalid signal: "):
        signals.parse(text)
