"""The OCI spec of a container against the one a real dockerd 28.5.2 gave to runc.

Ours differs by intent in three things, taken out before the comparison: HOME is set here already
(runc sets it), the domain name is the spec's own field (dockerd uses a sysctl), and a container
has a time namespace of its own (later dockerds make one).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fakes.rig import Rig

from orlop.container import devices, plans, process, specmounts
from orlop.container.create import create
from orlop.container.start import start
from orlop.errors import SystemFailure

Json = dict[str, Any]
CASES: list[Json] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "container-create" / "specs.json").read_text()
)
PRIVILEGED = next(c for c in CASES if c["host_config"].get("Privileged"))
HOST = PRIVILEGED["spec"]["process"]["capabilities"]["bounding"]


def ours(rig: Rig, case: Json) -> Json:
    config = {"Image": "busybox", "Cmd": ["sleep", "100"], **case["config"]}
    id, _ = create(rig.containers, config, case["host_config"])
    start(rig.containers, id)
    text = json.dumps(rig.keeper.spawned[-1]["plan"])
    text = text.replace(id, "<ID>").replace(id[:12], "<SHORT>")
    text = text.replace(str(rig.config.data_root), "<ROOT>").replace("/orlop/<ID>", "/docker/<ID>")
    text = re.sub(r'"[^"]*/overlay2/<ID>/merged"', '"<ROOT>/overlay2/<MOUNT>/merged"', text)
    text = text.replace(str(rig.path / "volumes"), "<ROOT>/volumes")
    text = text.replace("/opt/docker-init", "/usr/bin/docker-init")
    found: Json = json.loads(text)
    found["process"]["env"] = [e for e in found["process"]["env"] if not e.startswith("HOME=")]
    return found


def normal(document: Json) -> Json:
    """Duplicates of rules out (dockerd repeats its own), -1 as "any", orders that mean nothing."""
    out: Json = json.loads(json.dumps(document))
    rules: list[Json] = []
    for rule in out["linux"]["resources"]["devices"]:
        plain = {k: v for k, v in rule.items() if v != -1}
        if plain not in rules:
            rules.append(plain)
    out["linux"]["resources"]["devices"] = rules
    for node in out["linux"].get("devices") or ():
        node.pop("gid"), node.pop("uid"), node.pop("fileMode")
    for key in ("bounding", "effective", "permitted"):
        out["process"]["capabilities"][key].sort()
    # dockerd's sort is not stable; what must hold is that a parent comes before what is below it.
    out["mounts"].sort(key=lambda m: (m["destination"].count("/"), m["destination"]))
    for key in ("hostname", "has_seccomp"):
        out.pop(key, None)
    return out


@pytest.mark.parametrize("case", CASES, ids=lambda c: json.dumps(c["host_config"])[:60])
def test_specs_are_dockers(rig: Rig, case: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    from orlop.container import initbinary

    monkeypatch.setattr(plans, "host_capabilities", lambda: tuple(HOST))
    monkeypatch.setattr(initbinary, "find", lambda configured: "/opt/docker-init")
    monkeypatch.setattr(devices, "block_number", lambda path: (254, 0))
    rig.images.config["config"] = {}
    theirs, mine = normal(case["spec"]), normal(ours(rig, case))
    if case["host_config"].get("Privileged"):
        mine["linux"].pop("devices", None)  # the recorder's host had its own
    if case["host_config"].get("NetworkMode") == "host":
        theirs["process"]["env"] = mine["process"]["env"]  # the recorder's host name
    for key in theirs | mine:
        assert mine.get(key) == theirs.get(key), key


def test_environment_last_one_counts_and_bare_names_unset() -> None:
    made = process.environment(
        ["A=1", "B=2", "A=3", "PATH=/x", "TERM"], hostname="h", tty=True, home="/h"
    )
    assert made == ["PATH=/x", "HOSTNAME=h", "B=2", "A=3", "HOME=/h"]
    assert process.environment(["HOME=/z"], hostname="", tty=False, home="/")[-1] == "HOME=/z"


@pytest.mark.parametrize(
    ("words", "merged"),
    [
        (["noexec", "nosuid", "exec"], ["nosuid", "exec"]),
        (["size=1m", "size=2m"], ["size=2m"]),
        (["ro", "rw", "defaults"], ["rw"]),
        (["rprivate", "shared", ""], ["shared"]),
    ],
)
def test_tmpfs_options_merge(words: list[str], merged: list[str]) -> None:
    assert specmounts.merge_tmpfs(words) == merged


@pytest.mark.parametrize("word", ["foo", "foo=1", "bind=1", "size"])
def test_unknown_tmpfs_options(word: str) -> None:
    with pytest.raises(SystemFailure, match="invalid tmpfs option"):
        specmounts.merge_tmpfs([word])


BAD = [
    "foo", "kernel.core_pattern", "kernel.core_pattern+", "net", "net..", "net/../kernel/x",
    "kernel.shm_rmid_forced+x", "net.ipv4.ip_forward=1", "fs.mqueue", "vm.swappiness", "net.a\n",
    "", "/net.x",
    "kernel/../fs.mqueue.x", "user.max_user_namespaces", "kernel.hostname", "net.x/../../y", "١.x",
    "kernel.yama.ptrace_scope", "fs.file-max", "dev.cdrom.debug", "abi.vsyscall32", "sunrpc.debug",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_sysctls_of_the_host_are_refused(name: str) -> None:
    from orlop.container import sysctls

    host = {"IpcMode": "private", "UTSMode": ""}
    with pytest.raises(SystemFailure):
        sysctls.check({name: "1"}, host, private_network=True)


@pytest.mark.parametrize(
    ("name", "host", "network", "text"),
    [
        ("net.ipv4.ip_forward", {}, False, "not allowed in host network namespace"),
        ("kernel.shmmax", {"IpcMode": "host"}, True, "is not allowed in the hosts ipc namespace"),
        ("fs.mqueue.msg_max", {"IpcMode": "host"}, True, "is not allowed in the hosts ipc"),
    ],
)
def test_sysctls_of_shared_namespaces(name: str, host: Json, network: bool, text: str) -> None:
    from orlop.container import sysctls

    full = {"IpcMode": "private", "UTSMode": "", **host}
    with pytest.raises(SystemFailure, match=text):
        sysctls.check({name: "1"}, full, private_network=network)
    full["IpcMode"] = "private"
    sysctls.check({name: "1"}, full, private_network=True)


@pytest.mark.parametrize(
    "text", ["bad", "c 1:3", "c 1:3 x", "c -1:3 r", "c 1 r", "u 1:3 r", "c 1:٣ r"]
)
def test_bad_device_rules(text: str) -> None:
    with pytest.raises(SystemFailure, match="invalid device cgroup rule format"):
        devices.cgroup_rule(text)
