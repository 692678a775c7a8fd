"""A checked config → the launch plan of `orlop-runtime`: the keeper's, with hooks and a gate. Pure
but for the seccomp cache.
"""

from __future__ import annotations

from orlop.kernel import process as kernel
from orlop.kernel.namespace import CLONE_NEWNET
from orlop.runtime.cgroup.layout import Layout
from orlop.runtime.oci import filters
from orlop.runtime.plan import make_plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_ON_THE_WAY = ("prestart", "createRuntime", "createContainer", "startContainer")
DENY_ALL = {"allow": False, "access": "rwm"}


def plan_of(
    spec: Json, id: str, layout: Layout, *, keyring: bool, pivot: bool, run: bool = False
) -> Json:
    """`run`: nobody starts it later. Its plan is "straight" where no word of ours is needed on the
    way: the process goes from birth to execve without a wait. Raises InvalidArgument.
    """
    linux = spec["linux"]
    _complete(linux, id)
    program, flags = filters.program(linux.get("seccomp"))
    plan = make_plan(
        spec, id, layout, seccomp=program, seccomp_flags=flags, keyring=keyring, pivot=pivot
    )
    hooks = spec.get("hooks") or {}
    steps = plan["steps"]
    here = steps.index(("wait",))
    plan["straight"] = run and not plan["join_first"] and not _needs_words(spec)
    steps[here : here + 1] = (
        [] if plan["straight"] else [("hooks", hooks.get("createContainer") or [])]
    )
    if plan["clone_flags"] & CLONE_NEWNET:
        steps.insert(here, ("loopback",))
    plan["process"]["find_home"] = True
    keep_available(plan["process"])
    plan["gate"] = {"hooks": hooks.get("startContainer") or []}
    return plan


def _needs_words(spec: Json) -> bool:
    """A hook wants a state of the container that is true, a listener to be there first."""
    hooks = spec.get("hooks") or {}
    listener = (spec["linux"].get("seccomp") or {}).get("listenerPath")
    return bool(listener) or any(hooks.get(kind) for kind in _ON_THE_WAY)


def keep_available(process: Json) -> None:
    """Capabilities that we do not have ourselves cannot be given: as runc, left out."""
    sets = process["capabilities"]
    if sets is not None:
        available = kernel.bounding_set() & kernel.capabilities()[1]
        for name in sets:
            sets[name] &= available


def _complete(linux: Json, id: str) -> None:
    """What the OCI leaves to the runtime."""
    linux["cgroupsPath"] = linux.get("cgroupsPath") or f"/{id}"
    resources = linux.setdefault("resources", {})
    rules = resources.get("devices") or []
    resources["devices"] = [DENY_ALL, *rules]
