from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.rig import Rig

from orlop.container import cgroups, plans


def _spawn(containers: Any, id: str, plan: Any, **request: Any) -> tuple[int, int]:
    return containers.keeper.spawn(id, {"plan": plan, **request})


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr(plans, "for_container", lambda c, spec, *rest, **more: spec, raising=False)
    monkeypatch.setattr(plans, "host_capabilities", lambda: ("CAP_CHOWN",), raising=False)
    monkeypatch.setattr(plans, "apparmor", lambda name, privileged: "", raising=False)
    monkeypatch.setattr(plans, "spawn", _spawn, raising=False)
    monkeypatch.setattr(plans, "time_namespaces", lambda: False)  # dockerd 28 makes none
    frozen: list[tuple[str, bool]] = []
    monkeypatch.setattr(cgroups, "freeze", lambda c, id, host, frozen: None, raising=False)
    monkeypatch.setattr(cgroups, "oom_killed", lambda c, id, host: False, raising=False)
    monkeypatch.setattr(cgroups, "remove_if_idle", lambda c, container, host: None, raising=False)
    monkeypatch.setattr(cgroups, "update", lambda c, id, host, res: None, raising=False)
    made = Rig(tmp_path)
    assert not frozen
    try:
        yield made
    finally:
        made.containers.close()
