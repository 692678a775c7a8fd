"""config.json is refused with the name of the field that is wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from orlop.errors import InvalidArgument, NotSupported
from orlop.runtime import sysctls
from orlop.runtime.oci import config
from orlop.runtime.oci.spec import document

Json = dict[str, Any]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "rootfs").mkdir()
    return tmp_path


def read(bundle: Path, spec: Json) -> Json:
    return config.container(json.dumps(spec).encode(), str(bundle))


def changed(path: str, value: Any) -> Json:
    spec: Any = copy.deepcopy(document(False))
    *where, last = path.split(".")
    place = spec
    for name in where:
        place = place[int(name)] if name.isdigit() else place.setdefault(name, {})
    if value is ...:
        del place[last]
    else:
        place[last] = value
    found: Json = spec
    return found


@pytest.mark.parametrize("rootless", [False, True])
def test_what_spec_writes_is_accepted(bundle: Path, rootless: bool) -> None:
    spec = read(bundle, document(rootless))
    assert spec["root"]["path"] == str(bundle / "rootfs")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("ociVersion", ..., "ociVersion is required"),
        ("ociVersion", "2.0.0", "ociVersion '2.0.0' is not supported"),
        ("root", ..., "root is required"),
        ("root.path", "nowhere", "root.path"),
        ("root.path", 5, "root.path must be a string"),
        ("process.args", [], "process.args must not be empty"),
        ("process.args", ["sh", 5], r"process.args\[1\] must be a string"),
        ("process.cwd", "tmp", "process.cwd must be an absolute path"),
        ("process.user.uid", -1, "process.user.uid must be an integer from 0 to 4294967295"),
        ("process.user.uid", True, "process.user.uid must be an integer"),
        ("process.user.uid", 1 << 32, "process.user.uid"),
        ("process.oomScoreAdj", 1001, "process.oomScoreAdj"),
        ("process.terminal", "yes", "process.terminal must be true or false"),
        ("process.env", ["A=\0"], r"process.env\[0\] must be a string without NUL"),
        ("process.rlimits", [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}], "soft > hard"),
        ("process.rlimits", [{"type": "RLIMIT_CORE", "soft": 2}], "hard is required"),
        ("mounts", [{"source": "x"}], r"mounts\[0\].destination is required"),
        ("linux.namespaces", [{"type": "moon"}], "'moon' does not exist"),
        ("linux.namespaces", [{"type": "pid"}, {"type": "pid"}], "pid is there twice"),
        ("linux.namespaces", [{"type": "mount"}], "hostname needs a uts namespace"),
        ("linux.uidMappings", [{"containerID": 0, "hostID": 0, "size": 1}], "user namespace"),
        ("linux.resources.memory", {"limit": "1g"}, "linux.resources.memory.limit"),
        ("linux.resources.cpu", {"shares": -1}, "linux.resources.cpu.shares"),
        ("linux.devices", [{"type": "q", "path": "/dev/x"}], "linux.devices: type"),
        ("linux.timeOffsets", {"monotonic": {"secs": 1}}, "linux.timeOffsets needs"),
        ("linux.sysctl", {"kernel.core_pattern": "|x"}, "kernel.core_pattern"),
        ("hooks", {"prestart": [{"args": ["x"]}]}, r"hooks.prestart\[0\].path is required"),
        ("hooks", {"prestart": [{"path": "x"}]}, "is not absolute"),
        ("annotations", {"a": 1}, "annotations.a must be a string"),
    ],
)
def test_wrong_field_is_named(bundle: Path, path: str, value: Any, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        read(bundle, changed(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("linux.intelRdt", {"closID": "x"}),
        ("linux.netDevices", {"eth0": {}}),
        ("process.selinuxLabel", "system_u:system_r:container_t:s0"),
    ],
)
def test_what_would_have_no_effect_is_refused(bundle: Path, path: str, value: Any) -> None:
    with pytest.raises(NotSupported, match=path):
        read(bundle, changed(path, value))


def test_an_empty_selinux_label_asks_for_nothing(bundle: Path) -> None:
    assert read(bundle, changed("process.selinuxLabel", ""))["process"]["selinuxLabel"] == ""


def test_nulls_are_absent_and_unknown_fields_ignored(bundle: Path) -> None:
    spec = read(bundle, {**changed("process.rlimits", None), "windows": {}, "future": 1})
    assert "rlimits" not in spec["process"]
    assert "future" not in spec


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"{" * 100_000, b'{"a":' * 5000])
def test_broken_json_is_an_error_of_ours(bundle: Path, data: bytes) -> None:
    with pytest.raises(InvalidArgument):
        config.container(data, str(bundle))


@pytest.mark.parametrize(
    "name",
    [
        "kernel.core_pattern",
        "kernel.shm_rmid_forced+kernel.core_pattern",
        "net/../kernel/core_pattern",
        "net.ipv4..ip_forward",
        "kernel.hostname",
        "vm.swappiness",
        "",
        "net",
        ".",
        "/proc/sys/net/x",
    ],
)
def test_sysctls_of_the_host_are_refused(name: str) -> None:
    every = dict.fromkeys(("network", "ipc", "uts", "user"), "")
    with pytest.raises(InvalidArgument):
        sysctls.check(name, "1", every)


def test_domainname_and_its_sysctl_must_agree() -> None:
    sysctls.check("kernel.domainname", "foo", {"uts": ""}, "foo")
    with pytest.raises(InvalidArgument, match="conflicts"):
        sysctls.check("kernel.domainname", "bar", {"uts": ""}, "foo")


def test_sysctls_need_their_namespace() -> None:
    sysctls.check("net.ipv4.ip_forward", "1", {"network": ""})
    with pytest.raises(InvalidArgument, match="network namespace"):
        sysctls.check("net.ipv4.ip_forward", "1", {})
    with pytest.raises(InvalidArgument, match="one line"):
        sysctls.check("net.ipv4.ip_forward", "1\n0", {"network": ""})


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/conf/eth0.1/rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
        ("net.ipv4.conf.eth0/1.rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
    ],
)
def test_sysctl_paths_with_dots_in_a_device(name: str, path: str) -> None:
    assert sysctls.path(name) == path
