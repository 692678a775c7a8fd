"""Which profile a container has."""

from __future__ import annotations

import pytest

from orlop.container import apparmor


@pytest.mark.parametrize(
    ("requested", "privileged", "user", "expected"),
    [
        ("", False, False, ("orlop-default", "orlop-default")),
        ("", True, False, ("unconfined", "")),
        ("mine", True, False, ("mine", "mine")),
        ("", False, True, ("unconfined", "")),
        ("mine", False, True, ("mine", "mine")),
    ],
)
def test_a_user_could_not_start_a_container_where_apparmor_is(
    requested: str,
    privileged: bool,
    user: bool,
    expected: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only root loads the default profile."""
    loads: list[str] = []
    monkeypatch.setattr(apparmor, "enabled", lambda: True)
    monkeypatch.setattr(apparmor, "load_default", lambda: loads.append("default"))
    monkeypatch.setattr(apparmor.namespace, "in_user_namespace", lambda: user)
    assert apparmor.profile(requested, privileged) == expected
    assert bool(loads) == (expected[0] == "orlop-default")
