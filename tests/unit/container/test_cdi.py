"""Devices that vendors describe: what is found, what is asked for, what a spec becomes."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest

from orlop.container import cdi
from orlop.errors import SystemFailure

Json = dict[str, Any]
SPEC: Json = {
    "process": {"env": ["PATH=/bin", "A=0"], "user": {"uid": 0, "gid": 0}},
    "mounts": [],
    "linux": {"resources": {"devices": []}},
}
NULL: Json = {
    "env": ["A=1"],
    "deviceNodes": [{"path": "/dev/other", "hostPath": "/dev/null", "permissions": "rw"}],
    "mounts": [{"hostPath": "/lib/x", "containerPath": "/y", "options": ["ro", "nosuid"]}],
    "hooks": [{"hookName": "createContainer", "path": "/bin/h", "args": ["h", "1"]}],
    "additionalGids": [7],
}
DOCUMENT: Json = {
    "cdiVersion": "0.7.0",
    "kind": "un.example/dev",
    "containerEdits": {"env": ["ALL=1"]},
    "devices": [{"name": "null", "containerEdits": NULL}, {"name": "empty"}],
}


def write(directory: Path, name: str, **changes: Any) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(json.dumps({**DOCUMENT, **changes}))
    return directory


def test_found_in_json_and_yaml_the_later_directory_wins(tmp_path: Path) -> None:
    first = write(tmp_path / "a", "x.json")
    (first / "gpu.yaml").write_text(
        "---\ncdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: '0'\n- name: all\n"
    )
    second = write(tmp_path / "b", "y.json", containerEdits={"env": ["ALL=2"]})
    found = cdi.discover([str(first), str(second), str(tmp_path / "none")])
    names = [
        "nvidia.com/gpu=0",
        "nvidia.com/gpu=all",
        "un.example/dev=empty",
        "un.example/dev=null",
    ]
    assert sorted(found) == names
    assert found["un.example/dev=null"].common == {"env": ["ALL=2"]}


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"cdiVersion": "0.7.0", "kind": "x", "devices": []}',
             '{"cdiVersion": "9", "kind": "a/b", "devices": []}', "[" * 5000]
)  # fmt: skip
def test_what_cannot_be_read_takes_nothing_else_along(tmp_path: Path, text: str) -> None:
    directory = write(tmp_path, "good.json")
    (directory / "bad.json").write_text(text)
    (directory / "bad.yaml").write_text("a: [")
    assert set(cdi.discover([str(directory)])) == {"un.example/dev=null", "un.example/dev=empty"}


def test_a_name_described_twice_is_nobodys(tmp_path: Path) -> None:
    write(tmp_path, "a.json")
    write(tmp_path, "b.json", devices=[{"name": "null"}])
    assert set(cdi.discover([str(tmp_path)])) == {"un.example/dev=empty"}


def request(*ids: str, **more: Any) -> list[Json]:
    return [{"Driver": "cdi", "DeviceIDs": list(ids), **more}]


def test_requests(tmp_path: Path) -> None:
    known = cdi.discover([str(write(tmp_path, "a.json"))])
    name = "un.example/dev=null"
    assert cdi.wanted(request(name, name), known) == [name]
    gpus = [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]], "Options": {}}]
    for asked, text in (
        (request("a/b=c", name, "d/e=f"), "unresolvable CDI devices a/b=c, d/e=f"),
        (request(name, Count=1), "unexpected count in CDI device request"),
        (request(name, Options={"a": "b"}), "unexpected options in CDI device request"),
        (gpus, 'could not select device driver "" with capabilities: [[gpu]]'),
    ):
        with pytest.raises(SystemFailure) as found:
            cdi.wanted(asked, known)
        assert found.value.message.endswith(text)
    directory = write(tmp_path, "n.json", kind="nvidia.com/gpu",
                      devices=[{"name": n} for n in ("0", "1", "all")])  # fmt: skip
    known = cdi.discover([str(directory)])
    assert cdi.wanted(gpus, known) == ["nvidia.com/gpu=all"]
    assert cdi.wanted([{**gpus[0], "Count": 2}], known) == ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]
    chosen = [{**gpus[0], "Count": 0, "DeviceIDs": ["1"]}]
    assert cdi.wanted(chosen, known) == ["nvidia.com/gpu=1"]


def injected(*, bind_devices: bool = False, edits: Json = NULL) -> Json:
    spec = copy.deepcopy(SPEC)
    device = cdi.Device(edits, {"env": ["ALL=1"]}, "file")
    cdi.inject(spec, [device, device], bind_devices=bind_devices)
    return spec


def test_what_a_spec_becomes() -> None:
    spec = injected()
    assert spec["process"]["env"] == ["PATH=/bin", "ALL=1", "A=1"]
    assert spec["process"]["user"]["additionalGids"] == [7]
    (node,) = spec["linux"]["devices"]
    assert (node["path"], node["type"], node["major"], node["minor"]) == ("/dev/other", "c", 1, 3)
    rule = {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rw"}
    assert spec["linux"]["resources"]["devices"] == [rule]
    (mount,) = spec["mounts"]
    assert mount["options"] == ["ro", "nosuid", "bind"]
    assert spec["hooks"] == {"createContainer": [{"path": "/bin/h", "args": ["h", "1"]}]}


def test_in_a_user_namespace_the_node_is_bound() -> None:
    spec = injected(bind_devices=True)
    assert not spec["linux"].get("devices")
    assert spec["mounts"][0]["source"] == "/dev/null"
    assert spec["mounts"][0]["destination"] == "/dev/other"


@pytest.mark.parametrize(
    ("edits", "text"),
    [
        ({"deviceNodes": [{"path": "/dev/nosuch"}]},
         'failed to inject devices: failed to stat CDI host device "/dev/nosuch": no such file'),
        ({"deviceNodes": [{"path": os.devnull + "/x"}]}, "failed to stat"),
        ({"deviceNodes": [{"path": "/etc/passwd"}]}, "is not a device node"),
        ({"hooks": [{"hookName": "poststop", "path": "/x"}]}, "hooks of kind poststop are not run"),
        ({"mounts": [{}]}, "failed to inject devices"),
    ],
)  # fmt: skip
def test_what_cannot_be_injected(edits: Json, text: str) -> None:
    with pytest.raises(SystemFailure, match="CDI device injection failed") as found:
        injected(edits=edits)
    assert text in found.value.message
