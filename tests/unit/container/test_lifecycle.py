from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from fakes.rig import Rig

from orlop.container.containers import Containers
from orlop.container.create import create
from orlop.container.inspect import inspect
from orlop.container.kill import kill
from orlop.container.pause import pause, unpause
from orlop.container.prune import prune
from orlop.container.remove import remove
from orlop.container.rename import rename
from orlop.container.restart import restart
from orlop.container.start import start
from orlop.container.stop import stop
from orlop.container.update import update
from orlop.container.wait import wait
from orlop.errors import Conflict, InvalidArgument, NotFound, NotModified, SystemFailure

BUSYBOX = {"Image": "busybox", "Cmd": ["sleep", "9"]}


def made(rig: Rig, name: str = "web", **host: Any) -> str:
    return create(rig.containers, BUSYBOX, host, name=name)[0]


def running(rig: Rig, name: str = "web", **host: Any) -> str:
    id = made(rig, name, **host)
    start(rig.containers, id)
    return id


def until(rig: Rig, action: str) -> Callable[[], None]:
    """Call it to wait for the next such event."""
    seen = threading.Event()
    rig.events.subscribe(lambda e: seen.set() if e.action == action else None)

    def wait_for() -> None:
        assert seen.wait(5), action

    return wait_for


def message(error: pytest.ExceptionInfo[Any]) -> str:
    return str(error.value.message)


def test_start_records_and_ends(rig: Rig) -> None:
    id = running(rig)
    state = inspect(rig.containers, "web")["State"]
    assert (state["Status"], state["Running"], state["ExitCode"]) == ("running", True, 0)
    assert state["Pid"] > 0
    assert (rig.config.data_root / "containers" / id / "hostname").read_text() == id[:12] + "\n"
    future = wait(rig.containers, "web", "next-exit")
    rig.keeper.end(id, 3 << 8)
    assert future.result(5) == (3, "")
    state = inspect(rig.containers, "web")["State"]
    assert (state["Status"], state["ExitCode"], state["Pid"]) == ("exited", 3, 0)
    assert wait(rig.containers, "web").result(0) == (3, "")
    rig.containers.cleanup.drain()
    assert rig.keeper.forgotten == [id]
    assert rig.networks.attached == {}
    assert rig.actions() == ["create", "start", "die"]
    assert rig.layers.mounted == set()


def test_a_signal_is_128_plus(rig: Rig) -> None:
    id = running(rig)
    future = wait(rig.containers, id)
    rig.keeper.end(id, 11 | 0x80)  # with a core dump
    assert future.result(5)[0] == 139


def test_starting_twice_is_not_modified(rig: Rig) -> None:
    running(rig)
    with pytest.raises(NotModified):
        start(rig.containers, "web")


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ('exec: "nosuch": executable file not found in $PATH', 127, InvalidArgument),
        ('exec: "/etc": is a directory: permission denied', 126, InvalidArgument),
        ("sethostname: invalid argument", 128, SystemFailure),
    ],
)
def test_a_failed_start_is_undone(rig: Rig, text: str, code: int, kind: type[Exception]) -> None:
    from orlop.container.failures import launch_error

    id = made(rig)
    rig.keeper.fail, expected = launch_error(text)
    assert expected == code
    with pytest.raises(kind):
        start(rig.containers, id)
    state = inspect(rig.containers, id)["State"]
    assert (state["Status"], state["ExitCode"]) == ("created", code)
    assert state["Error"].endswith(text)
    rig.containers.cleanup.drain()
    assert rig.networks.attached == {}
    assert rig.layers.mounted == set()
    assert rig.keeper.dropped == [id]
    rig.keeper.fail = None
    start(rig.containers, id)
    assert inspect(rig.containers, id)["State"]["Error"] == ""


def test_autoremove_goes_by_itself(rig: Rig) -> None:
    id = running(rig, AutoRemove=True)
    removed = wait(rig.containers, id, "removed")
    rig.keeper.end(id, 5 << 8)
    assert removed.result(5) == (5, "")
    with pytest.raises(NotFound):
        rig.containers.get(id)
    rig.containers.cleanup.drain()
    assert rig.layers.writable_of == {}
    assert rig.actions(id) == ["create", "start", "die", "destroy"]
    assert list((rig.config.data_root / "containers").iterdir()) == []
    assert list((rig.config.data_root / "orlop" / "trash").iterdir()) == []


def test_autoremove_after_a_failed_start(rig: Rig) -> None:
    id = made(rig, AutoRemove=True)
    rig.keeper.fail = SystemFailure("no")
    with pytest.raises(SystemFailure):
        start(rig.containers, id)
    with pytest.raises(NotFound):
        rig.containers.get(id)


def test_stop_then_not_modified(rig: Rig) -> None:
    id = running(rig)
    stop(rig.containers, "web", timeout=5)
    assert rig.keeper.signals == [(id, 15)]
    assert inspect(rig.containers, "web")["State"]["ExitCode"] == 143
    assert rig.actions()[1:] == ["start", "kill", "die", "stop"]
    with pytest.raises(NotModified):
        stop(rig.containers, "web")


def test_stop_kills_the_stubborn(rig: Rig) -> None:
    rig.keeper.stubborn = True
    id = running(rig)
    stop(rig.containers, "web", timeout=0)
    assert rig.keeper.signals == [(id, 15), (id, 9)]
    assert inspect(rig.containers, "web")["State"]["ExitCode"] == 137


def test_stop_uses_the_containers_signal_and_time(rig: Rig) -> None:
    asked = {**BUSYBOX, "StopSignal": "INT", "StopTimeout": 0}
    id, _ = create(rig.containers, asked, {}, name="web")
    start(rig.containers, id)
    stop(rig.containers, "web")
    assert rig.keeper.signals[0] == (id, 2)
    with pytest.raises(NotModified):
        stop(rig.containers, "web", signal="FOO")


def test_texts_of_stop_and_kill(rig: Rig) -> None:
    id = running(rig)
    with pytest.raises(SystemFailure) as caught:
        stop(rig.containers, "web", signal="FOO")
    assert message(caught) == "cannot stop container: web: invalid signal: FOO"
    with pytest.raises(InvalidArgument) as caught2:
        kill(rig.containers, "web", "FOO")
    assert message(caught2) == "cannot kill container: web: invalid signal: FOO"
    kill(rig.containers, "web")
    with pytest.raises(Conflict) as caught3:
        kill(rig.containers, "web")
    assert message(caught3) == f"cannot kill container: web: container {id} is not running"


def test_restart_policy_backs_off_and_ends_by_stop(rig: Rig) -> None:
    id = running(rig, RestartPolicy={"Name": "always"})
    again = until(rig, "start")
    rig.keeper.end(id, 0)
    again()
    assert inspect(rig.containers, id)["RestartCount"] == 1
    container = rig.containers.get(id)
    died = until(rig, "die")
    rig.keeper.end(id, 1 << 8)
    died()
    assert container.backoff == pytest.approx(0.2)
    assert inspect(rig.containers, id)["State"]["Status"] == "restarting"
    with pytest.raises(Conflict) as caught:
        remove(rig.containers, "web")
    assert "container is restarting: stop the container before" in message(caught)
    stop(rig.containers, id)
    state = inspect(rig.containers, id)["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 1)
    assert rig.actions()[-1] == "stop"


def test_on_failure_counts(rig: Rig) -> None:
    id = running(rig, RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 1})
    again = until(rig, "start")
    rig.keeper.end(id, 1 << 8)
    again()
    future = wait(rig.containers, id)
    rig.keeper.end(id, 1 << 8)
    assert future.result(5) == (1, "")
    assert inspect(rig.containers, id)["State"]["Status"] == "exited"


def test_a_manual_stop_ends_the_policy(rig: Rig) -> None:
    id = running(rig, RestartPolicy={"Name": "unless-stopped"})
    stop(rig.containers, id)
    assert inspect(rig.containers, id)["State"]["Status"] == "exited"
    assert rig.containers.get(id).record["HasBeenManuallyStopped"] is True
    start(rig.containers, id)
    assert rig.containers.get(id).record["HasBeenManuallyStopped"] is False


def test_restart_keeps_an_autoremove_container(rig: Rig) -> None:
    id = running(rig, AutoRemove=True)
    restart(rig.containers, id, timeout=1)
    assert inspect(rig.containers, id)["State"]["Running"]
    assert rig.actions(id)[-2:] == ["start", "restart"]


def test_an_autoremove_container_that_ends_right_after_its_restart_goes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = running(rig, AutoRemove=True)
    removed = wait(rig.containers, id, "removed")

    def start_and_end(containers: Containers, ref: str) -> None:
        start(containers, ref)
        ended = wait(containers, ref, "not-running")
        rig.keeper.end(id, 0)
        ended.result(5)

    monkeypatch.setattr("orlop.container.start.start", start_and_end)
    restart(rig.containers, id, timeout=1)
    assert removed.result(5) == (0, "")


def test_a_second_restart_does_not_let_autoremove_take_the_container(rig: Rig) -> None:
    id = running(rig, AutoRemove=True)
    container = rig.containers.get(id)
    container.restarts_under_way += 1  # another client's waits for the same end
    restart(rig.containers, id, timeout=1)
    assert container.restarts_under_way == 1
    rig.keeper.end(id, 0)
    wait(rig.containers, id, "not-running").result(5)
    assert rig.containers.get(id) is container


def test_pause_and_its_texts(rig: Rig) -> None:
    id = made(rig)
    with pytest.raises(Conflict) as caught:
        pause(rig.containers, id)
    assert message(caught) == f"container {id} is not running"
    start(rig.containers, id)
    pause(rig.containers, id)
    assert inspect(rig.containers, id)["State"]["Status"] == "paused"
    with pytest.raises(Conflict) as caught:
        pause(rig.containers, id)
    assert message(caught) == f"Container {id} is already paused"
    with pytest.raises(Conflict) as caught:
        remove(rig.containers, "web")
    assert message(caught) == (
        'cannot remove container "web": container is paused and must be unpaused first'
    )
    with pytest.raises(Conflict):
        start(rig.containers, id)
    unpause(rig.containers, id)
    with pytest.raises(SystemFailure) as caught2:
        unpause(rig.containers, id)
    assert message(caught2) == f"Container {id} is not paused"


def test_sigkill_thaws_a_paused_container(rig: Rig) -> None:
    id = running(rig)
    pause(rig.containers, id)
    kill(rig.containers, id)
    assert rig.actions()[-4:] == ["pause", "kill", "unpause", "die"]


def test_remove_texts_force_and_volumes(rig: Rig) -> None:
    id, _ = create(
        rig.containers,
        BUSYBOX,
        {"Binds": ["data:/data"], "Mounts": [{"Type": "volume", "Target": "/anon"}]},
        name="web",
    )
    start(rig.containers, id)
    with pytest.raises(Conflict) as caught:
        remove(rig.containers, "web")
    assert message(caught) == (
        'cannot remove container "web": container is running: '
        "stop the container before removing or force remove"
    )
    with pytest.raises(SystemFailure):
        remove(rig.containers, "web", link=True)
    remove(rig.containers, "web", force=True, volumes=True)
    assert list(rig.volumes.users) == ["data"]
    with pytest.raises(NotFound) as gone:
        remove(rig.containers, "web", force=True)
    assert message(gone) == "No such container: web"
    rig.containers.cleanup.drain()
    assert rig.actions(id)[-3:] == ["kill", "die", "destroy"]
    made(rig)  # the name is free


def test_rename_is_dockers(rig: Rig) -> None:
    id, other = made(rig), made(rig, "other")
    rename(rig.containers, "web", "new")
    assert rig.containers.get("new").id == id
    assert rig.containers.get("new").record["Name"] == "/new"
    assert rig.seen[-1].attributes["oldName"] == "/web"
    for name, text in (
        ("", "Neither old nor new names may be empty"),
        ("/new", "Renaming a container with the same name as its current name"),
        (
            "a*",
            "Error when allocating new name: Invalid container name (/a*), "
            "only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
        ),
        (
            "other",
            'Error when allocating new name: Conflict. The container name "/other" is already '
            f'in use by container "{other}". You have to remove (or rename) that container to '
            "be able to reuse that name.",
        ),
    ):
        with pytest.raises((InvalidArgument, Conflict)) as caught:
            rename(rig.containers, "new", name)
        assert message(caught) == text
    made(rig, "web")


def test_update_merges_and_refuses(rig: Rig) -> None:
    id = made(rig)
    assert update(rig.containers, id, {"NanoCpus": 500_000_000}) == []
    prefix = f"Cannot update container {id}: "
    for change, text in (
        ({"Memory": 1}, "Minimum memory limit allowed is 6MB"),
        (
            {"CpuPeriod": 50000},
            prefix + "Conflicting options: CPU Period cannot be updated as NanoCPUs has already "
            "been set",
        ),
        (
            {"Memory": 10_000_000},
            prefix + "Memory limit should be smaller than already set memoryswap limit, "
            "update the memoryswap at the same time",
        ),
        (
            {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 4}},
            "invalid restart policy: maximum retry count can only be used with 'on-failure'",
        ),
    ):
        with pytest.raises((InvalidArgument, Conflict)) as caught:
            update(rig.containers, id, change)
        assert message(caught) == text
    update(rig.containers, id, {"Memory": 20_000_000, "MemorySwap": 40_000_000, "PidsLimit": 9})
    update(rig.containers, id, {"PidsLimit": -1, "RestartPolicy": {"Name": "always"}})
    host = rig.containers.get(id).host_config
    assert (host["Memory"], host["PidsLimit"]) == (20_000_000, 0)
    assert host["RestartPolicy"]["Name"] == "always"
    gone, _ = create(rig.containers, BUSYBOX, {"AutoRemove": True})
    with pytest.raises(Conflict, match="Restart policy cannot be updated because AutoRemove"):
        update(rig.containers, gone, {"RestartPolicy": {"Name": "always"}})


def test_prune_takes_what_does_not_run(rig: Rig) -> None:
    running(rig)
    one, two = made(rig, "one"), made(rig, "two")
    with pytest.raises(InvalidArgument, match="invalid filter 'foo'"):
        prune(rig.containers, {"foo": ["x"]})
    with pytest.raises(InvalidArgument, match='failed to parse value as time or duration: "x"'):
        prune(rig.containers, {"until": ["x"]})
    assert prune(rig.containers, {"until": ["10m"]})["ContainersDeleted"] is None
    answer = prune(rig.containers)
    assert sorted(answer["ContainersDeleted"]) == sorted([one, two])
    assert answer["SpaceReclaimed"] == 14


def test_prune_of_a_container_whose_layer_is_gone(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build step that is kept gave its layer to the image."""
    gone, other = made(rig, "gone"), made(rig, "other")

    def measured(id: str) -> int:
        if id == gone:
            raise FileNotFoundError(2, "No such file or directory", "diff")
        return 7

    monkeypatch.setattr(rig.containers.layers, "size_writable", measured)
    answer = prune(rig.containers)
    assert sorted(answer["ContainersDeleted"]) == sorted([gone, other])
    assert answer["SpaceReclaimed"] == 7


def test_lookup_order_and_texts(rig: Rig) -> None:
    id = made(rig)
    other = made(rig, id[:6])
    assert rig.containers.get(id[:6]).id == other  # a name goes before a prefix
    assert rig.containers.get(id[:20]).id == id
    for ref, kind, text in (
        ("", InvalidArgument, 'invalid name or ID supplied: ""'),
        ("nope", NotFound, "No such container: nope"),
    ):
        with pytest.raises(kind) as caught:
            rig.containers.get(ref)
        assert message(caught) == text
    shared = {c.id[:1]: c.id for c in rig.containers.all()}
    while len(shared) == len(rig.containers):
        shared[made(rig, "").removeprefix("")[:1]] = ""
    doubles = [p for p in "0123456789abcdef" if sum(c.id[0] == p for c in rig.containers.all()) > 1]
    with pytest.raises(InvalidArgument) as caught:
        rig.containers.get(doubles[0])
    assert message(caught) == f"multiple IDs found with provided prefix: {doubles[0]}"


def test_a_cancelled_wait_is_forgotten(rig: Rig) -> None:
    id = running(rig)
    future = wait(rig.containers, id, "next-exit")
    assert future.cancel()
    assert rig.containers.get(id).waiters == []
    with pytest.raises(InvalidArgument, match='invalid condition: "foo"'):
        wait(rig.containers, id, "foo")


def test_many_threads_keep_the_books(rig: Rig) -> None:
    """Starts, stops and removals of the same few names never lose or double one."""
    names = [f"n{i:02}" for i in range(4)]

    def work(seed: int) -> None:
        for step in range(12):
            name = names[(seed + step) % 4]
            for verb in (
                lambda n: create(rig.containers, BUSYBOX, {}, name=n),
                lambda n: start(rig.containers, n),
                lambda n: kill(rig.containers, n),
                lambda n: remove(rig.containers, n, force=True),
            ):
                try:
                    verb(name)
                except (NotFound, Conflict, NotModified, SystemFailure):
                    pass

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    for container in rig.containers.all():
        remove(rig.containers, container.id, force=True)
    rig.containers.cleanup.drain()
    assert rig.layers.writable_of == {}
    assert rig.networks.attached == {}
    assert len(rig.containers) == 0
    for name in names:
        made(rig, name)


def test_update_notes_real_time_limits_for_the_next_start(rig: Rig) -> None:
    id = running(rig)
    update(rig.containers, id, {"CpuRealtimePeriod": 10_000, "CpuRealtimeRuntime": 50_000})
    host = rig.containers.get(id).host_config
    assert (host["CpuRealtimePeriod"], host["CpuRealtimeRuntime"]) == (10_000, 50_000)
