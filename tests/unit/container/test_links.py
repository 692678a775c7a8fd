"""Legacy links: a second name of the linked container, its variables, and how both go."""

from __future__ import annotations

import pytest
from fakes.rig import Rig

from orlop.container.create import create
from orlop.container.inspect import inspect
from orlop.container.links import environment
from orlop.container.list import list_
from orlop.container.load import load
from orlop.container.remove import remove
from orlop.container.rename import rename
from orlop.errors import InvalidArgument, NotFound, SystemFailure


@pytest.fixture
def pair(rig: Rig) -> tuple[str, str]:
    config = {"Image": "busybox", "Env": ["FOO=1", "HOME=/x", "PATH=/y", "EMPTY="]}
    child, _ = create(rig.containers, config, {}, name="lk1")
    owner, _ = create(
        rig.containers, {"Image": "busybox"}, {"Links": ["lk1:my-db", "/lk1"]}, name="lk2"
    )
    return child, owner


def names(rig: Rig) -> dict[str, list[str]]:
    return {row["Id"]: row["Names"] for row in list_(rig.containers, all=True)}


def test_a_link_is_a_name(rig: Rig, pair: tuple[str, str]) -> None:
    child, owner = pair
    assert names(rig) == {child: ["/lk1", "/lk2/lk1", "/lk2/my-db"], owner: ["/lk2"]}
    assert rig.containers.get("lk2/my-db").id == child
    assert rig.containers.get("/lk2/lk1").id == child
    with pytest.raises(NotFound, match="No such container: lk2/nope"):
        rig.containers.get("lk2/nope")
    assert inspect(rig.containers, "lk2")["HostConfig"]["Links"] == [
        "/lk1:/lk2/my-db",
        "/lk1:/lk2/lk1",
    ]


def test_variables_of_the_linked_container(rig: Rig, pair: tuple[str, str]) -> None:
    found = environment(rig.containers, rig.containers.get("lk2"))
    assert found == [
        "MY_DB_ENV_FOO=1", "MY_DB_ENV_EMPTY=", "LK1_ENV_FOO=1", "LK1_ENV_EMPTY=",
    ]  # fmt: skip


def test_remove_link_takes_the_name_only(rig: Rig, pair: tuple[str, str]) -> None:
    child, owner = pair
    with pytest.raises(SystemFailure, match="cannot remove the default link name"):
        remove(rig.containers, "lk2", link=True)
    remove(rig.containers, "lk2/my-db", link=True)
    assert names(rig) == {child: ["/lk1", "/lk2/lk1"], owner: ["/lk2"]}
    remove(rig.containers, "lk2/lk1", link=True)
    assert inspect(rig.containers, "lk2")["HostConfig"]["Links"] is None
    with pytest.raises(NotFound, match="No such container: lk2/lk1"):
        remove(rig.containers, "lk2/lk1", link=True)


def test_names_follow_a_rename(rig: Rig, pair: tuple[str, str]) -> None:
    child, _ = pair
    names(rig)
    rename(rig.containers, "lk2", "web")
    assert names(rig)[child] == ["/lk1", "/web/lk1", "/web/my-db"]
    rename(rig.containers, "lk1", "db")
    assert rig.containers.get("web/my-db").id == child


def test_the_owner_takes_its_names_along(rig: Rig, pair: tuple[str, str]) -> None:
    child, _ = pair
    names(rig)
    remove(rig.containers, "lk2")
    assert names(rig) == {child: ["/lk1"]}


def test_links_are_there_after_a_restart(rig: Rig, pair: tuple[str, str]) -> None:
    for container in rig.containers.all():
        rig.containers.discard(container)
    load(rig.containers)
    assert rig.containers.get("lk2/my-db").id == pair[0]


def test_unknown_target(rig: Rig) -> None:
    with pytest.raises(
        InvalidArgument, match="could not get container for nope: No such container: nope"
    ):
        create(rig.containers, {"Image": "busybox"}, {"Links": ["nope:x"]})
