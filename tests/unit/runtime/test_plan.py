"""What a config becomes: the steps of the launch."""

from __future__ import annotations

from typing import Any

import pytest

from orlop.errors import InvalidArgument
from orlop.kernel import mount, namespace
from orlop.runtime import mountoptions
from orlop.runtime.cgroup.layout import Layout
from orlop.runtime.oci.spec import document
from orlop.runtime.plan import make_plan

Json = dict[str, Any]
NONE = Layout({})
MAPS = [{"containerID": 0, "hostID": 100000, "size": 65536}]


def plan_of(**linux: Any) -> Json:
    spec = document(False)
    spec["mounts"] = spec["mounts"][:1]
    spec["linux"] |= linux
    return make_plan(spec, "x", NONE)


def steps(plan: Json, name: str) -> list[tuple[Any, ...]]:
    return [step for step in plan["steps"] if step[0] == name]


def test_namespaces_by_path_are_joined_that_of_the_user_last() -> None:
    kinds = {"user": "/u", "network": "/n", "pid": "/p", "mount": "/m"}
    plan = plan_of(namespaces=[{"type": kind, "path": path} for kind, path in kinds.items()])
    assert plan["join_first"] == [(namespace.CLONE_NEWNET, "/n"), (namespace.CLONE_NEWUSER, "/u")]
    assert plan["join_pid"] == "/p"
    assert plan["clone_flags"] == 0
    assert plan["user_namespace"] == {"uids": [], "gids": [], "new": False}
    order = [step[0] for step in plan["steps"]]
    assert order.index("open") < order.index("join") < order.index("root")


def test_user_namespace_gets_the_hosts_device_nodes() -> None:
    own = [{"type": "user"}, {"type": "mount"}]
    plan = plan_of(namespaces=own, uidMappings=MAPS, gidMappings=MAPS)
    assert plan["user_namespace"]["uids"] == [(0, 100000, 65536)]
    assert steps(plan, "device") == []
    assert "/dev/null" in {step[3] for step in steps(plan, "bind")}
    assert plan["clone_flags"] & namespace.CLONE_NEWUSER
    assert steps(plan_of(), "device")


def test_time_offsets() -> None:
    offsets = {"monotonic": {"secs": 5, "nanosecs": 7}, "boottime": {"secs": -5}}
    plan = plan_of(namespaces=[{"type": "time"}], timeOffsets=offsets)
    assert steps(plan, "time") == [("time", [("monotonic", 5, 7), ("boottime", -5, 0)])]
    assert steps(plan, "unshare") == [("unshare", namespace.CLONE_NEWTIME)]


def test_idmapped_mount_of_its_own_mappings() -> None:
    spec = document(False)
    spec["mounts"] = [
        {
            "destination": "/data",
            "type": "bind",
            "source": "/srv",
            "options": ["bind", "ridmap"],
            "uidMappings": MAPS,
            "gidMappings": MAPS,
        }
    ]
    plan = make_plan(spec, "x", NONE)
    ranges = [(0, 100000, 65536)]
    assert steps(plan, "idmap") == [("idmap", 1, ranges, ranges, True)]
    del spec["mounts"][0]["gidMappings"]
    with pytest.raises(InvalidArgument, match="idmap needs ID mappings"):
        make_plan(spec, "x", NONE)


def test_bind_without_a_source_is_refused() -> None:
    spec = document(False)
    spec["mounts"] = [{"destination": "/data", "options": ["rbind"]}]
    with pytest.raises(InvalidArgument, match="needs a source"):
        make_plan(spec, "x", NONE)


def test_user_without_an_id_is_root() -> None:
    """Found by fuzzing: a terminal for a user that names no uid."""
    spec = document(False)
    spec["process"]["user"] = {}
    (step,) = steps(make_plan(spec, "x", NONE), "terminal")
    assert step[1] == 0


def test_bind_behind_rbind_stays_recursive() -> None:
    assert mountoptions.parse(["rbind", "rprivate", "rw", "bind"]).recursive
    assert not mountoptions.parse(["bind"]).recursive


def test_recursive_attributes_and_propagation() -> None:
    found = mountoptions.parse(["rro", "rnosuid", "rslave", "noatime", "size=5m", "idmap"])
    assert found.set_all == mount.ATTR_RDONLY | mount.ATTR_NOSUID
    assert (found.propagation, found.propagation_recursive) == (mount.MS_SLAVE, True)
    assert found.set & mount.ATTR_ATIME == mount.ATTR_NOATIME
    assert found.data == [("size", "5m")]
    assert found.idmap == "idmap"


@pytest.mark.parametrize(
    ("policy", "mask"),
    [
        ({"mode": "MPOL_BIND", "nodes": "0"}, (2, 1)),
        ({"mode": "MPOL_INTERLEAVE", "nodes": "0-2,7"}, (3, 0b10000111)),
        ({"mode": "MPOL_PREFERRED", "nodes": "1", "flags": ["MPOL_F_STATIC_NODES"]}, (0x8001, 2)),
    ],
)
def test_memory_policy(policy: Json, mask: tuple[int, int]) -> None:
    assert plan_of(memoryPolicy=policy)["process"]["memory_policy"] == mask


@pytest.mark.parametrize(
    "policy",
    [
        {"mode": "X"},
        {"mode": "MPOL_BIND", "nodes": "2-1"},
        {"mode": "MPOL_BIND", "nodes": "1024"},
        {"mode": "MPOL_BIND", "nodes": "٣"},
        {"mode": "MPOL_BIND", "flags": ["X"]},
    ],
)
def test_wrong_memory_policy(policy: Json) -> None:
    with pytest.raises(InvalidArgument):
        plan_of(memoryPolicy=policy)
