"""-p and --expose: docker/go-connections' cases.

The cases come from a later release; where its error text differs from that of Docker CLI 28.2.2,
which is ours, only the failure is checked.
"""

from typing import Any

import pytest
from vectors import params

from orlop.cli import ports

_LATER = ("value is empty", "invalid syntax", "out of range")


def _check_error(error: ValueError, case: dict[str, Any]) -> None:
    if not any(text in case["error"] for text in _LATER):
        assert str(error) == case["error"]


@pytest.mark.parametrize("case", params("cli/ports.json", "kind", "spec"))
def test_spec(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(ValueError) as e:
            ports.parse_spec(case["spec"])
        _check_error(e.value, case)
        return
    found = [(p, b["HostIp"], b["HostPort"]) for p, b in ports.parse_spec(case["spec"])]
    assert found == [(m["container"], m["host_ip"], m["host_port"]) for m in case["mappings"]]


@pytest.mark.parametrize("case", params("cli/ports.json", "kind", "specs"))
def test_specs(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(ValueError) as e:
            ports.parse_specs(case["specs"])
        _check_error(e.value, case)
        return
    exposed, bindings = ports.parse_specs(case["specs"])
    assert sorted(exposed) == case["exposed"]
    assert bindings == case["bindings"]


@pytest.mark.parametrize("case", params("cli/ports.json", "kind", "split"))
def test_split(case: dict[str, Any]) -> None:
    assert ports.split_port(case["input"]) == (case["port"], case["proto"])


@pytest.mark.parametrize("case", params("cli/ports.json", "kind", "range"))
def test_range(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(ValueError) as e:
            ports.parse_range(case["input"])
        _check_error(e.value, case)
        return
    assert ports.parse_range(case["input"]) == (case["begin"], case["end"])


@pytest.mark.parametrize("case", params("cli/ports.json", "kind", "number", "port"))
def test_number(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(ValueError):
            ports.parse_number(case["input"])
        return
    if case["input"]:
        assert ports.parse_number(case["input"]) == case["port"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("::1", "::1"), ("::ffff:1.2.3.4", "1.2.3.4"), ("0:0::1", "::1"), ("01.2.3.4", None),
     ("localhost", None), ("1.2.3", None), ("fe80::1%eth0", None)],
)  # fmt: skip
def test_canonical_ip(text: str, shown: str | None) -> None:
    assert ports.canonical_ip(text) == shown
