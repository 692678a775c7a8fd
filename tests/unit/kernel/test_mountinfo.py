from __future__ import annotations

from pathlib import Path

import pytest

from orlop.kernel import mountinfo

TABLE = """\
1 0 8:1 / / rw,relatime - ext4 /dev/sda rw
2 1 0:5 / /srv rw shared:3 master:4 - tmpfs tmpfs rw,size=1k
3 2 0:6 / /srv rw - cgroup cgroup rw,cpu,name=x
4 1 0:7 / /a\\040b\\134c rw - xfs none rw
"""


def test_fields_and_escapes(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_text(TABLE)
    found = list(mountinfo.mounts(str(path)))
    assert [m.point for m in found] == ["/", "/srv", "/srv", "/a b\\c"]
    assert found[1].optional == ["shared:3", "master:4"]
    assert found[2].options == ["rw", "cpu", "name=x"]


def test_what_a_path_is_on(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_text(TABLE)
    kinds = {
        where: mountinfo.under(where, str(path))
        for where in ("/", "/srv/x", "/srv", "/srvother", "/a b\\c/d")
    }
    assert {where: m.kind if m else "" for where, m in kinds.items()} == {
        "/": "ext4",
        "/srv/x": "cgroup",  # the last one hides the others
        "/srv": "cgroup",
        "/srvother": "ext4",
        "/a b\\c/d": "xfs",
    }


def test_a_zfs_dataset_with_a_space_keeps_its_name() -> None:
    line = "5 1 0:8 / /p rw - zfs tank/my\\040data\\043\\1341 rw,xattr\n"
    assert mountinfo.Mount(line).source == "tank/my data#\\1"


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("3 2 0:5 /home /srv/home rw - tmpfs tmpfs rw", True),
        ("3 2 0:5 /other /srv/home rw - tmpfs tmpfs rw", False),
        ("3 2 0:6 /home /srv/home rw - tmpfs tmpfs rw", False),
        ("3 2 0:5 / /srv/home rw - tmpfs tmpfs rw", False),
        ("3 2 0:5 /home /srv/other rw - tmpfs tmpfs rw", False),
    ],
)
def test_what_is_bound_on_itself(tmp_path: Path, line: str, own: bool) -> None:
    path = tmp_path / "table"
    path.write_text(f"1 0 8:1 / / rw - ext4 a rw\n2 1 0:5 / /srv rw - tmpfs tmpfs rw\n{line}\n")
    assert mountinfo.is_bound_on_itself("/srv/home", str(path)) is own


def test_below_the_root_and_below_a_bound_directory(tmp_path: Path) -> None:
    path = tmp_path / "table"
    bound = "2 1 8:1 /deep/a /a rw - ext4 a rw\n3 2 8:1 /deep/a/b /a/b rw - ext4 a rw\n"
    path.write_text(f"1 0 8:1 / / rw - ext4 a rw\n{bound}4 1 8:1 /c /c rw - ext4 a rw\n")
    found = [mountinfo.is_bound_on_itself(place, str(path)) for place in ("/a", "/a/b", "/c", "/")]
    assert found == [False, True, True, False]
