from __future__ import annotations

import pytest

from orlop.container import times
from orlop.errors import InvalidArgument


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.45, "Less than a second"),
        (1, "1 second"),
        (45, "45 seconds"),
        (59.9, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (180, "3 minutes"),
        (2760, "46 minutes"),
        (3540, "59 minutes"),
        (5340, "About an hour"),
        (10800, "3 hours"),
        (12660, "4 hours"),
        (14340, "4 hours"),
        (172800, "2 days"),
        (1141200, "13 days"),
        (1555200, "2 weeks"),
        (2678400, "4 weeks"),
        (7776000, "3 months"),
        (62208000, "24 months"),
        (99792000, "3 years"),
    ],
)
def test_human_durations_are_dockers(seconds: float, text: str) -> None:
    assert times.human(seconds)[0] == text


@pytest.mark.parametrize("seconds", [0.5, 1.2, 30.0, 61.0, 200.0, 3599.0, 4000.0, 9000.0, 99999.0])
def test_text_holds_until_the_stated_moment(seconds: float) -> None:
    text, until = times.human(seconds)
    assert until > seconds
    if seconds < 20000:
        assert times.human(until - 0.001)[0] == text
        assert times.human(until + 0.001)[0] != text


def test_stamp_drops_trailing_zeros_and_comes_back() -> None:
    assert times.stamp(0) == times.NEVER
    assert times.stamp(1_700_000_000_000_000_000) == "2023-11-14T22:13:20Z"
    assert times.stamp(1_700_000_000_120_000_000) == "2023-11-14T22:13:20.12Z"
    for ns in (1, 999_999_999, 1_700_000_000_123_456_789, 4_200_000_000_000_000_001):
        assert times.nanoseconds(times.stamp(ns)) == ns


def test_offsets_and_never() -> None:
    assert times.nanoseconds(times.NEVER) == 0
    assert times.nanoseconds("2023-11-15T00:13:20+02:00") == 1_700_000_000_000_000_000


@pytest.mark.parametrize("text", ["", "now", "2023-11-14", "2023-11-14T22:13:20", "٢٠٢٣-11-14T0Z"])
def test_bad_times_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        times.nanoseconds(text)
