"""Sizes, durations, ulimits: docker/go-units' cases."""

from typing import Any

import pytest
from vectors import params

from orlop.cli import units

_NS = {"ns": 1e-9, "bytes": 1.0}
_SIZES = {
    "HumanSize": units.human_size,
    "BytesSize": units.bytes_size,
}
_PARSERS = {"FromHumanSize": units.from_human_size, "RAMInBytes": units.ram_in_bytes}


@pytest.mark.parametrize("case", params("cli/units.json", "fn", "HumanSize", "BytesSize"))
def test_sizes(case: dict[str, Any]) -> None:
    assert _SIZES[case["fn"]](case["input"]) == case["output"]


@pytest.mark.parametrize("case", params("cli/units.json", "fn", "HumanDuration"))
def test_human_duration(case: dict[str, Any]) -> None:
    assert units.human_duration(case["input"] * 1e-9) == case["output"]


@pytest.mark.parametrize("case", params("cli/units.json", "fn", *_PARSERS))
def test_parse_size(case: dict[str, Any]) -> None:
    parse = _PARSERS[case["fn"]]
    if "error" in case:
        with pytest.raises(ValueError) as e:
            parse(case["input"])
        # 28.2.2 cuts at the last blank, the release of the cases at the first: other words
        if " " not in case["input"].strip(" ") and case["input"].strip(" ") == case["input"]:
            assert str(e.value) == case["error"]
    else:
        assert parse(case["input"]) == case["output"]


@pytest.mark.parametrize("case", params("cli/units.json", "fn", "ParseUlimit"))
def test_ulimit(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(ValueError) as e:
            units.parse_ulimit(case["input"])
        assert str(e.value) == case["error"]
    else:
        name, soft, hard = units.parse_ulimit(case["input"])
        assert (name, soft, hard) == (case["name"], case["soft"], case["hard"])
        assert f"{name}={soft}:{hard}" == case["string"]


@pytest.mark.parametrize("case", params("cli/units.json", "fn", "GetRlimit"))
def test_rlimit(case: dict[str, Any]) -> None:
    limit = case["ulimit"]
    if "error" in case:
        with pytest.raises(ValueError) as e:
            units.rlimit(**limit)
        assert str(e.value) == case["error"]
    else:
        wanted = case["rlimit"]
        assert units.rlimit(**limit) == (wanted["type"], wanted["soft"], wanted["hard"])


@pytest.mark.parametrize(
    ("text", "nanoseconds", "shown"),
    [
        ("0", 0, "0s"),
        ("1h15m30.918s", 4530918000000, "1h15m30.918s"),
        ("300ms", 300000000, "300ms"),
        ("-1.5h", -5400000000000, "-1h30m0s"),
        ("1us", 1000, "1µs"),
        ("2m", 120000000000, "2m0s"),
        (".5s", 500000000, "500ms"),
    ],
)
def test_duration(text: str, nanoseconds: int, shown: str) -> None:
    assert units.parse_duration(text) == nanoseconds
    assert units.duration_text(nanoseconds) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("5", 'time: missing unit in duration "5"'),
        ("5y", 'time: unknown unit "y" in duration "5y"'),
        ("x", 'time: invalid duration "x"'),
        (".s", 'time: invalid duration ".s"'),
    ],
)
def test_bad_duration(text: str, message: str) -> None:
    with pytest.raises(ValueError) as e:
        units.parse_duration(text)
    assert str(e.value) == message


@pytest.mark.parametrize(
    ("text", "value"), [("10", 10), ("-3", -3), ("0x1F", 31), ("010", 8), ("1_000", 1000)]
)
def test_go_int(text: str, value: int) -> None:
    assert units.go_int(text) == value


@pytest.mark.parametrize("text", ["", "x", "1.5", " 1", "--1", "_1"])
def test_go_int_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="invalid syntax"):
        units.go_int(text)


def test_go_int_range() -> None:
    with pytest.raises(ValueError, match="value out of range"):
        units.go_int("70000", 16, 0, "ParseUint")
