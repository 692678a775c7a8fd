from __future__ import annotations

import json
import os
import stat

import pytest
from fakes.rig import Rig

from orlop.container.create import create
from orlop.container.inspect import inspect
from orlop.errors import Conflict, InvalidArgument, NotFound, OrlopError, SystemFailure

BUSYBOX = {"Image": "busybox", "Cmd": ["true"]}


def test_files_and_modes_are_dockers(rig: Rig) -> None:
    id, warnings = create(rig.containers, BUSYBOX, {}, name="web")
    assert warnings == []
    directory = rig.config.data_root / "containers" / id
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in directory.iterdir()}
    assert modes == {
        "config.v2.json": 0o600,
        "hostconfig.json": 0o600,
        "checkpoints": 0o700,
        "mounts": 0o710,
    }
    assert stat.S_IMODE(directory.stat().st_mode) == 0o710
    record = json.loads((directory / "config.v2.json").read_text())
    assert record["Name"] == "/web"
    assert record["State"]["Running"] is False
    assert record["Config"]["Hostname"] == id[:12]
    assert record["Config"]["Env"] == ["PATH=/bin"]
    assert rig.actions() == ["create"]
    assert rig.seen[0].attributes == {"image": "busybox", "name": "web"}


def test_record_keys_are_those_of_docker_28(rig: Rig) -> None:
    id, _ = create(rig.containers, BUSYBOX, {})
    record = rig.containers.get(id).record
    assert (
        list(record)
        == (
            "StreamConfig State ID Created Managed Path Args Config Image ImageManifest "
            "NetworkSettings LogPath Name Driver OS ImagePlatform RestartCount HasBeenStartedBefore "
            "HasBeenManuallyStopped MountPoints SecretReferences ConfigReferences MountLabel "
            "ProcessLabel AppArmorProfile SeccompProfile NoNewPrivileges WritableCgroups HostnamePath "
            "HostsPath ShmPath ResolvConfPath LocalLogCacheMeta"
        ).split()
    )
    assert (
        list(record["State"])
        == (
            "Running Paused Restarting OOMKilled Dead Pid ExitCode Error StartedAt FinishedAt Health"
        ).split()
    )


def test_names_conflict_with_dockers_text(rig: Rig) -> None:
    id, _ = create(rig.containers, BUSYBOX, name="web")
    with pytest.raises(Conflict) as caught:
        create(rig.containers, BUSYBOX, name="/web")
    assert caught.value.message == (
        f'Conflict. The container name "/web" is already in use by container "{id}". You have to '
        "remove (or rename) that container to be able to reuse that name."
    )


def test_a_failed_create_leaves_nothing(rig: Rig) -> None:
    rig.layers.fail_create = True
    with pytest.raises(OSError, match="No space"):
        create(rig.containers, BUSYBOX, {"Binds": ["data:/data"]}, name="web")
    rig.layers.fail_create = False
    assert rig.containers.all() == []
    assert os.listdir(rig.config.data_root / "containers") == []
    assert rig.volumes.users["data"] == set()
    assert create(rig.containers, BUSYBOX, name="web")


def test_a_record_that_cannot_be_written_leaves_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orlop import files

    def full(*a: object, **k: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_new", full)
    with pytest.raises(OSError, match="No space"):
        create(rig.containers, BUSYBOX, {"Mounts": [{"Type": "volume", "Target": "/v"}]})
    monkeypatch.undo()
    assert rig.containers.all() == []
    assert rig.layers.writable_of == {}
    assert rig.volumes.users == {}
    assert os.listdir(rig.config.data_root / "containers") == []


def test_config_is_merged_with_the_images(rig: Rig) -> None:
    rig.images.config["config"] = {
        "Env": ["PATH=/bin", "A=image"],
        "Entrypoint": ["/entry"],
        "Cmd": ["image-cmd"],
        "Labels": {"a": "image", "b": "image"},
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/data": {}},
        "User": "web",
        "WorkingDir": "/srv",
        "StopSignal": "SIGQUIT",
        "Healthcheck": {"Test": ["CMD", "x"], "Interval": 5_000_000},
    }
    asked = {
        "Image": "busybox",
        "Env": ["A=mine", "B"],
        "Labels": {"a": "mine"},
        "ExposedPorts": {"81/tcp": {}},
        "Healthcheck": {"Retries": 7},
    }
    id, _ = create(rig.containers, asked, {})
    config = rig.containers.get(id).record["Config"]
    assert config["Env"] == ["A=mine", "B", "PATH=/bin"]
    assert config["Entrypoint"] == ["/entry"]
    assert config["Cmd"] == ["image-cmd"]
    assert config["Labels"] == {"a": "mine", "b": "image"}
    assert config["ExposedPorts"] == {"80/tcp": {}, "81/tcp": {}}
    assert config["User"] == "web"
    assert config["WorkingDir"] == "/srv"
    assert config["StopSignal"] == "SIGQUIT"
    assert config["Healthcheck"] == {"Test": ["CMD", "x"], "Interval": 5_000_000, "Retries": 7}
    points = rig.containers.get(id).record["MountPoints"]
    assert points["/data"]["Type"] == "volume"
    assert (rig.layers.merged(id) / "srv").is_dir()


@pytest.mark.parametrize(
    ("asked", "path", "args"),
    [
        ({}, "/entry", ["image-cmd"]),
        ({"Cmd": ["mine"]}, "/entry", ["mine"]),
        ({"Entrypoint": ["/e"]}, "/e", ["image-cmd"]),
        ({"Entrypoint": ["/e"], "Cmd": ["c"]}, "/e", ["c"]),
        ({"Entrypoint": [""], "Cmd": ["c"]}, "c", []),
    ],
)
def test_entrypoint_and_cmd(rig: Rig, asked: dict[str, object], path: str, args: list[str]) -> None:
    rig.images.config["config"] = {"Entrypoint": ["/entry"], "Cmd": ["image-cmd"]}
    if asked.get("Entrypoint") == ["/e"] and "Cmd" not in asked:
        args = []  # a new entrypoint takes the image's Cmd away
    id, _ = create(rig.containers, {"Image": "busybox", **asked}, {})
    record = rig.containers.get(id).record
    assert (record["Path"], record["Args"]) == (path, args)


def test_volumes_from_and_copy_up(rig: Rig) -> None:
    first, _ = create(
        rig.containers, BUSYBOX, {"Binds": ["data:/data", "/tmp:/h:ro"]}, name="donor"
    )
    second, _ = create(rig.containers, BUSYBOX, {"VolumesFrom": ["donor:ro"]})
    points = rig.containers.get(second).record["MountPoints"]
    assert points["/data"]["Name"] == "data"
    assert points["/data"]["RW"] is False
    assert rig.volumes.users["data"] == {first, second}
    shown = {m["Destination"]: m for m in inspect(rig.containers, second)["Mounts"]}
    assert shown["/h"]["Mode"] == "ro"
    assert shown["/h"]["Propagation"] == "rprivate"


def test_network_settings_before_the_start(rig: Rig) -> None:
    id, _ = create(rig.containers, BUSYBOX, {"NetworkMode": "none"})
    shown = inspect(rig.containers, id)["NetworkSettings"]
    assert list(shown["Networks"]) == ["none"]
    assert shown["Ports"] == {}
    assert "IPAMOperational" not in shown["Networks"]["none"]


def test_joining_by_name_is_recorded_by_id(rig: Rig) -> None:
    donor, _ = create(rig.containers, BUSYBOX, name="donor")
    modes = dict.fromkeys(("NetworkMode", "PidMode", "IpcMode"), "container:donor")
    id, _ = create(rig.containers, BUSYBOX, modes)
    host = rig.containers.get(id).host_config
    assert {host[k] for k in modes} == {f"container:{donor}"}


def test_platform_mismatch(rig: Rig) -> None:
    with pytest.raises(NotFound) as caught:
        create(rig.containers, BUSYBOX, platform="linux/arm64")
    assert caught.value.message == (
        "image with reference busybox was found but its platform (linux/amd64) does not match "
        "the specified platform (linux/arm64)"
    )


@pytest.mark.parametrize("bad", ["\0", "a\0b"])
def test_nul_is_refused(rig: Rig, bad: str) -> None:
    for config in ({"Cmd": [bad]}, {"Env": [f"A={bad}"]}, {"User": bad}, {"WorkingDir": f"/{bad}"}):
        with pytest.raises((InvalidArgument, SystemFailure)):
            create(rig.containers, {**BUSYBOX, **config})
    with pytest.raises(OrlopError):
        create(rig.containers, BUSYBOX, {"Binds": [f"/tmp:/{bad}"]})
