"""Which runtime a container names, and what another one is given."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orlop.container import foreign, validate
from orlop.errors import InvalidArgument, NotSupported
from orlop.runtime import seccomp

CONFIG = SimpleNamespace(
    runtimes={"kata": ("/bin/kata", "--x")}, default_runtime="kata", rootless=False
)
STATES = {"donor": SimpleNamespace(id="id7")}
CONTAINERS: Any = SimpleNamespace(config=CONFIG, get=STATES.__getitem__)


def host(runtime: str) -> dict[str, object]:
    from orlop.container.merge import host_config

    return host_config(
        {"Runtime": runtime},
        shm_size=1 << 26,
        ipc_mode="private",
        cgroupns_mode="host",
        runtime="orlop",
        log_driver="json-file",
        log_opts={},
    )


def test_unknown() -> None:
    with pytest.raises(InvalidArgument, match="unknown or invalid runtime name: kata"):
        validate.host_config(host("kata"), ("orlop",))
    with pytest.raises(InvalidArgument, match="unknown or invalid runtime name: gone"):
        foreign.command_of(CONTAINERS, {"Runtime": "gone"})


def test_own() -> None:
    assert validate.host_config(host(""), ("orlop",)) == []
    assert foreign.command_of(CONTAINERS, {"Runtime": "runc"}) == []


def test_another() -> None:
    assert validate.host_config(host("kata"), ("orlop", "kata")) == []
    assert foreign.command_of(CONTAINERS, {"Runtime": "kata"}) == ["/bin/kata", "--x"]
    assert foreign.command_of(CONTAINERS, {}) == ["/bin/kata", "--x"]  # a record without one


def document(**linux: Any) -> dict[str, Any]:
    return {
        "ociVersion": "1.2.0",
        "mounts": [
            {"destination": "/f", "source": "/etc/passwd", "options": ["rbind", "rro"]},
            {"destination": "/d", "source": "/etc", "options": ["rbind", "rro"]},
        ],
        "linux": {"cgroupsPath": "a-b.slice:orlop:x", "namespaces": [], **linux},
    }


def test_the_config_is_one_that_any_runtime_reads() -> None:
    given = document(
        namespaces=[
            {"type": "network", "path": "container:donor"},
            {"type": "pid"},
            {"type": "time"},
        ],
        resources={"devices": [{"allow": True, "access": "rwm", "type": "c"}]},
    )
    before = json.dumps(given)
    found = foreign.config(CONTAINERS, given, {"defaultAction": "SCMP_ACT_ERRNO"})
    linux = found["linux"]
    assert linux["namespaces"] == [
        {"type": "network", "path": "container:id7:net"},
        {"type": "pid"},
    ]
    assert linux["cgroupsPath"] == "/a.slice/a-b.slice/orlop-x.scope"
    assert linux["resources"]["devices"][0] == {"allow": False, "access": "rwm"}
    assert [m["options"][1] for m in found["mounts"]] == ["ro", "rro"]
    assert linux["seccomp"] == {"defaultAction": "SCMP_ACT_ERRNO"}
    assert json.dumps(given) == before


def test_a_user_namespace_is_refused() -> None:
    with pytest.raises(NotSupported, match="--userns=host"):
        foreign.config(CONTAINERS, document(uidMappings=[]), None)


def test_a_profile_is_decided_for_the_capabilities() -> None:
    def names(*caps: str) -> set[str]:
        rules = seccomp.oci(seccomp.default_profile(), caps)["syscalls"]
        return {name for rule in rules if "args" not in rule for name in rule["names"]}

    assert "bpf" in names("CAP_SYS_ADMIN")
    assert "bpf" not in names("CAP_CHOWN")
    found = seccomp.oci(seccomp.default_profile(), ())
    assert set(found) == {"defaultAction", "defaultErrnoRet", "architectures", "syscalls"}
    assert all("includes" not in rule for rule in found["syscalls"])


KEPT = ("id1", "id1_sandbox:id1.state")  # of runc and crun; of runsc


def left(folder: Path, kept: str, *runtimes: str) -> tuple[Any, Any]:
    """A container that has ended, its runtime's state still there."""
    program = folder / "program"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\n')
    program.chmod(0o755)
    config = SimpleNamespace(
        runtimes={name: (str(program),) for name in runtimes}, default_runtime="kata"
    )
    state = folder / "runtimes" / "kata" / kept
    state.parent.mkdir(parents=True)
    if kept == KEPT[0]:
        state.mkdir()
    else:
        state.touch()
    containers = SimpleNamespace(
        config=config,
        keeper=SimpleNamespace(exec_root=folder),
        exec_directory=lambda id: folder / "containers" / id,
    )
    container = SimpleNamespace(
        id="id1", host_config={}, lock=threading.RLock(), state=SimpleNamespace(running=False)
    )
    return containers, container


@pytest.mark.parametrize("kept", KEPT)
def test_what_a_runtime_keeps_in_files_was_not_deleted(tmp_path: Path, kept: str) -> None:
    foreign.end(*left(tmp_path, kept, "kata"))
    called = (tmp_path / "calls").read_text()
    assert called == f"--root {tmp_path}/runtimes/kata delete --force id1\n"


@pytest.mark.parametrize("kept", KEPT)
def test_the_state_of_a_runtime_that_is_configured_no_more_stayed(
    tmp_path: Path, kept: str
) -> None:
    foreign.end(*left(tmp_path, kept))
    assert list((tmp_path / "runtimes" / "kata").iterdir()) == []


def test_a_failed_restart_counted_as_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[str] = []
    monkeypatch.setattr(foreign.cgroups, "discard", lambda _c, id, _h: groups.append(id))
    containers, container = left(tmp_path, "id1", "kata")
    container.state.running = True
    foreign.end(containers, container)
    assert not (tmp_path / "calls").exists()
    foreign.abandon(containers, container)
    assert (tmp_path / "calls").read_text().endswith("delete --force id1\n")
    assert groups == ["id1"]
