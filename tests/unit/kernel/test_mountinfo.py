from __future__ import annotations

from pathlib import Path

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
