"""--userns and userns-remap: words, ranges, and what a spec becomes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from fakes.rig import Rig

from orlop import subids
from orlop.container import idranges, userns
from orlop.container.create import create
from orlop.container.idranges import IDRanges
from orlop.container.users import highest_id
from orlop.errors import InvalidArgument, SystemFailure
from orlop.oci.idmap import IDMap
from orlop.paths import Root

MAP = IDMap(((0, 100000, 65536),), ((0, 100000, 65536),))
Json = dict[str, Any]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "subuid", tmp_path / "subgid"
    for path in paths:
        path.write_text("# none\nroot:1:1\norlop:1000:100\norlop:5000:50\nbad:x:1\n\nroot:10:5\n")
    return paths


def test_ranges_are_first_fit_and_freed(files: tuple[Path, Path]) -> None:
    ranges = IDRanges(*files)
    assert ranges.claim("a", 40).uids == ((0, 1000, 40),)
    assert ranges.claim("b", 60).uids == ((0, 1040, 60),)
    assert ranges.claim("c", 50).gids == ((0, 5000, 50),)
    with pytest.raises(SystemFailure, match="no 1 IDs in a row are free"):
        ranges.claim("d", 1)
    ranges.release("a")
    ranges.hold("x", IDMap(((0, 1010, 5),), ((0, 1030, 10),)))
    found = ranges.claim("d", 25)
    assert (found.uids, found.gids) == (((0, 1015, 25),), ((0, 1000, 25),))


def test_without_a_range_the_error_says_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(SystemFailure, match="add a line such as orlop:"):
        IDRanges(tmp_path / "u", tmp_path / "g").claim("a", 1)
    assert idranges.USERS == ("orlop", "containers")


def test_remap_by_dockerds_rules(files: tuple[Path, Path]) -> None:
    assert subids.remap("", *files) is None
    assert subids.remap("root", *files) is None  # to itself
    for text, part in (
        ("nosuch", 'Error during uid lookup for "nosuch": getent unable to find entry'),
        ("daemon:nosuch", 'Error during groupname lookup for "nosuch"'),
        ("4242424", "Uid 4242424 has no entry in /etc/passwd"),
        ("daemon", 'Can\'t create ID mappings: no subuid ranges found for user "daemon"'),
        ("a:b:c", 'Invalid user/group specification in --userns-remap: "a:b:c"'),
    ):
        with pytest.raises((SystemFailure, InvalidArgument)) as found:
            subids.remap(text, *files)
        assert part in found.value.message
    for path in files:
        path.write_text("daemon:10:5\n1:100:7\ndaemon:50:9\n")
    expected = ((0, 10, 5), (5, 50, 9))
    assert subids.remap("daemon", *files) == IDMap(expected, expected)
    assert subids.remap("1:daemon", *files) == IDMap(expected, expected)
    files[0].write_text("1:100:7\n")
    assert subids.remap("daemon", *files) == IDMap(((0, 100, 7),), expected)


def test_words() -> None:
    for mode in ("", "host", "auto", "auto:size=5"):
        userns.check({"UsernsMode": mode})
    for mode in ("autox", "auto:", "auto:size=0", "auto:size=x", "auto:uidmapping=1:2:3", "bad"):
        with pytest.raises(InvalidArgument, match="invalid user namespace mode"):
            userns.check({"UsernsMode": mode})


def test_room_for_the_users_of_an_image(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("a:x:5:6::/:\nnobody:x:65534:65534::/:\nb:x:9:7000::/:\n")
    (tmp_path / "etc/group").write_text("g:x:300:\nbad\n")
    with Root(tmp_path) as root:
        assert highest_id(root) == 7000


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def made(rig: Rig, **host: Any) -> str:
    config = {"Image": "", "Cmd": ["true"]}
    return create(rig.containers, config, host)[0]


def test_a_range_ends_with_its_container(rig: Rig, files: tuple[Path, Path]) -> None:
    from orlop.container.remove import remove

    rig.containers.ranges = IDRanges(*files)
    id = made(rig, UsernsMode="auto:size=70")
    record = rig.containers.get(id).record
    assert record[userns.RECORD] == {"UIDs": [[0, 1000, 70]], "GIDs": [[0, 1000, 70]]}
    with pytest.raises(SystemFailure):
        made(rig, UsernsMode="auto:size=70")
    remove(rig.containers, id)
    made(rig, UsernsMode="auto:size=70")
    next_one = rig.again()
    with pytest.raises(SystemFailure):
        next_one.containers.ranges.claim("x", 70)
    next_one.containers.close()


def test_a_create_that_fails_gives_its_range_back(rig: Rig, files: tuple[Path, Path]) -> None:
    rig.containers.ranges = IDRanges(*files)
    rig.layers.fail_create = True
    with pytest.raises(OSError, match="No space"):
        made(rig, UsernsMode="auto:size=70")
    rig.containers.ranges.claim("x", 70)


@pytest.mark.parametrize(
    "host", [{"Privileged": True}, {"NetworkMode": "host"}, {"PidMode": "host"}], ids=str
)
def test_conflicts_only_with_a_mapping(rig: Rig, host: Json) -> None:
    made(rig, **host)
    with pytest.raises(InvalidArgument, match="user namespaces"):
        made(rig, **host, UsernsMode="auto")
    rig.containers.remap = MAP
    with pytest.raises(InvalidArgument, match="user namespaces"):
        made(rig, **host)
    made(rig, **host, UsernsMode="host")


def test_defaults_of_the_daemon_are_for_who_names_none(rig: Rig, files: tuple[Path, Path]) -> None:
    rig.containers.ranges = IDRanges(*files)
    config = dataclasses.replace(
        rig.config, default_userns_mode="auto:size=5", default_pids_limit=100
    )
    rig.containers.config = config
    for host, userns_mode, limit in (
        ({}, "auto:size=5", 100),
        ({"PidsLimit": 0}, "auto:size=5", 100),  # what clients send
        ({"PidsLimit": 7, "UsernsMode": "host"}, "host", 7),
        ({"PidsLimit": -1, "UsernsMode": "host", "Privileged": True}, "host", None),
    ):
        found = rig.containers.get(made(rig, **host)).host_config
        assert (found["UsernsMode"], found["PidsLimit"]) == (userns_mode, limit)
    with pytest.raises(InvalidArgument, match="privileged mode is incompatible"):
        made(rig, Privileged=True)
    rig.containers.config = dataclasses.replace(config, userns_remap="bob")
    assert rig.containers.get(made(rig)).host_config["UsernsMode"] == ""


def test_without_control_groups_limits_are_discarded_with_dockers_words() -> None:
    from fakes.rig import INFO

    from orlop.container import resources

    host: Json = {"Memory": 1 << 26, "NanoCpus": 1, "CpusetCpus": "0", "PidsLimit": 5, "ShmSize": 1}
    warnings = resources.check(host, dataclasses.replace(INFO, cgroups=False))
    text = "Your kernel does not support {} limit capabilities or the cgroup is not mounted."
    expected = [text.format(what) for what in ("memory", "CPU", "PIDs")]
    assert [w.removesuffix(" Limitation discarded.") for w in warnings] == expected
    assert [host[k] for k in ("Memory", "NanoCpus", "CpusetCpus", "PidsLimit")] == [0, 0, "", 0]
    assert resources.check({"ShmSize": 1}, dataclasses.replace(INFO, cgroups=False)) == []
