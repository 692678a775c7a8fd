"""Where a container's control groups are and what is written into them. Pure."""

from __future__ import annotations

from orlop.runtime.cgroup import v1, v2
from orlop.runtime.cgroup.devices import rules_of, v2_program
from orlop.runtime.cgroup.layout import Layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]
    Values = list[tuple[str, str]]


class Group:
    __slots__ = ("device_filter", "directories", "makes", "relative")

    def __init__(
        self,
        relative: str,
        directories: list[str],
        makes: list[tuple[str, str, str, Values]],
        device_filter: bytes | None,
    ) -> None:
        self.relative = relative  # path below each hierarchy's top
        self.directories = directories
        self.makes = makes  # top, relative, controllers, values
        self.device_filter = device_filter  # eBPF, where v1 has no devices controller


def group_of(layout: Layout, relative: str, resources: Json) -> Group:
    """Raises InvalidArgument for resources the hierarchy cannot express."""
    makes: list[tuple[str, str, str, Values]] = []
    for top, controllers in layout.tops().items():
        values: Values = []
        for controller in controllers:
            values += v1.values(resources, controller)
        special = "cpuset" if "cpuset" in controllers else ""
        makes.append((top, relative, special, values))
    device_filter = None
    if layout.unified:
        values = v2.values(resources, layout.unified_controllers)
        enable = "" if layout.v1 else " ".join(f"+{c}" for c in layout.unified_controllers)
        if layout.v1 and values:
            enable = " ".join(sorted({f"+{file.partition('.')[0]}" for file, _ in values}))
        makes.append((layout.unified, relative, enable, values))
        if "devices" not in layout.v1 and "devices" in resources:
            device_filter = v2_program(rules_of(resources["devices"] or []))
    return Group(relative, layout.directories(relative), makes, device_filter)


def cgroup_steps(group: Group) -> list[tuple[Any, ...]]:
    """Make them, then enter them."""
    steps: list[tuple[Any, ...]] = [("cgroup", *make) for make in group.makes]
    if group.directories:
        steps.append(("attach", group.directories, group.device_filter))
    return steps


def update_values(layout: Layout, relative: str, resources: Json) -> list[tuple[str, Values]]:
    """(directory, values) to write for `update` of a running container."""
    group = group_of(layout, relative, {k: v for k, v in resources.items() if k != "devices"})
    return [(f"{top}/{relative}", values) for top, _, _, values in group.makes if values]
