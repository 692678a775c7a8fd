"""A daemon that comes after another one: what it finds, what it makes of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.rig import Rig

from orlop.container.create import create
from orlop.container.inspect import inspect
from orlop.container.list import list_
from orlop.container.remove import remove
from orlop.container.start import start
from orlop.container.wait import wait
from orlop.errors import NotFound, SystemFailure

BUSYBOX = {"Image": "busybox", "Cmd": ["sleep", "9"]}


def made(rig: Rig, name: str, run: bool = True, **host: Any) -> str:
    id, _ = create(rig.containers, BUSYBOX, host, name=name)
    if run:
        start(rig.containers, id)
    return id


def state(rig: Rig, ref: str) -> dict[str, Any]:
    found: dict[str, Any] = inspect(rig.containers, ref)["State"]
    return found


def test_running_ones_go_on(rig: Rig) -> None:
    id = made(rig, "web")
    pid = state(rig, id)["Pid"]
    next_one = rig.again()
    assert (state(next_one, "web")["Status"], state(next_one, "web")["Pid"]) == ("running", pid)
    assert id in next_one.networks.attached
    ended = wait(next_one.containers, id)
    next_one.keeper.end(id, 4 << 8)
    assert ended.result(5)[0] == 4
    next_one.containers.close()


def test_an_end_in_between_has_its_code_and_time(rig: Rig) -> None:
    id = made(rig, "web")
    rig.keeper.on_exit = None
    rig.keeper.end(id, 6 << 8)
    at = rig.keeper.tasks[id]["exited_ns"]
    next_one = rig.again()
    from orlop.container.times import nanoseconds

    assert state(next_one, id)["ExitCode"] == 6
    assert nanoseconds(state(next_one, id)["FinishedAt"]) == at
    assert next_one.keeper.forgotten == [id]
    next_one.containers.close()


def test_a_lost_one_is_255_never_0(rig: Rig) -> None:
    id = made(rig, "web")
    del rig.keeper.tasks[id]
    next_one = rig.again()
    assert state(next_one, id)["Status"] == "exited"
    assert state(next_one, id)["ExitCode"] == 255
    assert "not seen" in state(next_one, id)["Error"]
    next_one.containers.close()


def test_a_start_that_was_not_recorded_is_adopted(rig: Rig) -> None:
    id = made(rig, "web")
    container = rig.containers.get(id)
    container.state.running = False
    container.state.pid = 0
    container.save()
    next_one = rig.again()
    assert state(next_one, id)["Status"] == "running"
    next_one.containers.close()


def test_a_task_without_a_record_is_ended(rig: Rig) -> None:
    id = made(rig, "web")
    import shutil

    shutil.rmtree(rig.containers.get(id).directory)
    next_one = rig.again()
    assert (id, 9) in next_one.keeper.signals
    with pytest.raises(NotFound):
        next_one.containers.get("web")
    next_one.containers.close()


def test_policies_hold_over_a_restart(rig: Rig) -> None:
    from orlop.container.stop import stop

    always = made(rig, "always", RestartPolicy={"Name": "always"})
    unless = made(rig, "unless", RestartPolicy={"Name": "unless-stopped"})
    never = made(rig, "never")
    failed = made(rig, "failed", RestartPolicy={"Name": "on-failure"})  # 143 is a failure
    stop(rig.containers, failed)
    stop(rig.containers, always)
    stop(rig.containers, unless)
    stop(rig.containers, never)
    next_one = rig.again()
    assert state(next_one, always)["Status"] in ("restarting", "running")
    assert state(next_one, failed)["Status"] in ("restarting", "running")
    assert state(next_one, unless)["Status"] == "exited"
    assert state(next_one, never)["Status"] == "exited"
    next_one.containers.close()


def test_a_death_right_after_an_unrecorded_restart_does_not_end_the_policy(rig: Rig) -> None:
    """The record says "between two lives", the keeper has a life that is over already."""
    id = made(rig, "web", RestartPolicy={"Name": "always"})
    rig.keeper.on_exit = None
    rig.keeper.end(id, 1 << 8)
    container = rig.containers.get(id)
    container.state.restarting = True
    container.save()
    next_one = rig.again()
    assert next_one.keeper.forgotten == [id]
    assert next_one.containers.get(id).cancel_restart is not None  # the next start is under way
    next_one.containers.close()


def test_orphaned_layers_are_swept(rig: Rig) -> None:
    id = made(rig, "web", run=False)
    import shutil

    shutil.rmtree(rig.containers.get(id).directory)
    next_one = rig.again()
    next_one.containers.cleanup.drain()
    assert next_one.layers.writable_of == {}
    next_one.containers.close()


def test_unknown_fields_survive_a_rewrite(rig: Rig) -> None:
    id = made(rig, "web", run=False)
    path = rig.containers.get(id).directory / "config.v2.json"
    record = json.loads(path.read_text())
    record["FromTheFuture"] = {"x": [1]}
    record["Config"]["Novelty"] = True
    path.write_text(json.dumps(record))
    next_one = rig.again()
    start(next_one.containers, id)
    after = json.loads(path.read_text())
    assert after["FromTheFuture"] == {"x": [1]}
    assert after["Config"]["Novelty"] is True
    next_one.containers.close()


def _set(name: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        document = json.loads((directory / name).read_text())
        change(document)
        (directory / name).write_text(json.dumps(document))

    return damage


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda d: (d / "config.v2.json").write_bytes(b""),
    "zeros": lambda d: (d / "config.v2.json").write_bytes(b"\0" * 2000),
    "cut": lambda d: (d / "config.v2.json").write_bytes(
        (d / "config.v2.json").read_bytes()[:300]
    ),
    "list": lambda d: (d / "config.v2.json").write_text("[]"),
    "nested": lambda d: (d / "config.v2.json").write_text("[" * 100_000),
    "not utf-8": lambda d: (d / "config.v2.json").write_bytes(b'{"ID": "\xff\xfe"}'),
    "missing": lambda d: (d / "config.v2.json").unlink(),
    "a fifo": lambda d: ((d / "config.v2.json").unlink(), os.mkfifo(d / "config.v2.json")),
    "a directory": lambda d: ((d / "config.v2.json").unlink(), (d / "config.v2.json").mkdir()),
    "another's": _set("config.v2.json", lambda r: r.update(ID="0" * 64)),
    "no state": _set("config.v2.json", lambda r: r.pop("State")),
    "state a list": _set("config.v2.json", lambda r: r.update(State=[])),
    "pid a text": _set("config.v2.json", lambda r: r["State"].update(Pid="7")),
    "config null": _set("config.v2.json", lambda r: r.update(Config=None)),
    "env a text": _set("config.v2.json", lambda r: r["Config"].update(Env="A=1")),
    "mounts a list": _set("config.v2.json", lambda r: r.update(MountPoints=[1])),
    "created a number": _set("config.v2.json", lambda r: r.update(Created=7)),
    "created nonsense": _set("config.v2.json", lambda r: r.update(Created="yesterday")),
    "started nonsense": _set("config.v2.json", lambda r: r["State"].update(StartedAt="x")),
    "networks a text": _set("config.v2.json", lambda r: r.update(NetworkSettings="x")),
    "host empty": lambda d: (d / "hostconfig.json").write_bytes(b""),
    "host missing": lambda d: (d / "hostconfig.json").unlink(),
    "host mode": _set("hostconfig.json", lambda h: h.update(NetworkMode=7)),
    "host policy": _set("hostconfig.json", lambda h: h.update(RestartPolicy="always")),
    "host memory": _set("hostconfig.json", lambda h: h.update(Memory="1g")),
    "host binds": _set("hostconfig.json", lambda h: h.update(Binds="x")),
}  # fmt: skip


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_damage_is_isolated_shown_and_removable(rig: Rig, damage: str) -> None:
    good = made(rig, "good", run=False)
    bad = made(rig, "bad", run=False)
    DAMAGES[damage](rig.containers.get(bad).directory)
    next_one = rig.again()
    shown = {c["Id"]: c for c in list_(next_one.containers, all=True)}
    assert shown[good]["State"] == "created"
    assert (shown[bad]["State"], shown[bad]["Status"]) == ("dead", "Dead")
    assert state(next_one, bad)["Error"]
    with pytest.raises(SystemFailure, match="is damaged"):
        start(next_one.containers, bad)
    start(next_one.containers, good)
    remove(next_one.containers, bad)
    next_one.containers.cleanup.drain()
    assert bad not in next_one.layers.writable_of
    next_one.containers.close()


def test_foreign_entries_are_left_alone(rig: Rig) -> None:
    (rig.containers.root / "notes").mkdir()
    (rig.containers.root / ("a" * 64)).write_text("a file")
    next_one = rig.again()
    assert (rig.containers.root / "notes").is_dir()
    assert len(next_one.containers) <= 1
    next_one.containers.close()
