"""What orlop-runtime makes of the keeper's plan."""

from __future__ import annotations

from typing import Any

import pytest

from orlop.runtime.cgroup.layout import Layout
from orlop.runtime.oci.planning import plan_of
from orlop.runtime.oci.spec import document

Json = dict[str, Any]
HOOK = [{"path": "/bin/true"}]


def plan(run: bool, hooks: Json | None = None, **linux: Any) -> Json:
    spec = document(False)
    spec["mounts"] = spec["mounts"][:1]
    spec["linux"] |= linux
    spec["hooks"] = hooks or {}
    return plan_of(spec, "x", Layout({}), keyring=False, pivot=True, run=run)


def waits(made: Json) -> bool:
    return any(step[0] == "hooks" for step in made["steps"])


def test_a_run_without_hooks_waits_for_nothing() -> None:
    made = plan(True)
    assert made["straight"]
    assert not waits(made)


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "createContainer", "startContainer"])
def test_a_hook_on_the_way_is_waited_for(kind: str) -> None:
    made = plan(True, {kind: HOOK})
    assert not made["straight"]
    assert waits(made)


@pytest.mark.parametrize("kind", ["poststart", "poststop"])
def test_hooks_of_a_running_container_need_no_wait(kind: str) -> None:
    assert plan(True, {kind: HOOK})["straight"]


def test_a_created_container_waits_to_be_started() -> None:
    made = plan(False)
    assert not made["straight"]
    assert waits(made)


def test_who_joins_namespaces_first_is_known_late() -> None:
    assert not plan(True, namespaces=[{"type": "user", "path": "/u"}])["straight"]
