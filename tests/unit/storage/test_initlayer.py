"""The init layer made again from a template is the one that merging makes."""

from __future__ import annotations

import os
from pathlib import Path

from orlop.storage.initlayer import apply_template, populate, read_template


def shape(tree: Path) -> dict[str, tuple[int, int, int, str]]:
    out = {}
    for base, directories, names in os.walk(tree):
        for name in [*directories, *names]:
            path = Path(base) / name
            status = path.lstat()
            target = os.readlink(path) if path.is_symlink() else ""
            where = str(path.relative_to(tree))
            out[where] = (status.st_mode, status.st_uid, status.st_gid, target)
    return out


def test_a_template_gives_the_same_tree(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    (first / "etc").mkdir(mode=0o700)
    (first / "etc").chmod(0o2751)
    fd = os.open(first, os.O_RDONLY | os.O_DIRECTORY)
    populate(fd)
    os.close(fd)
    template = read_template(first)
    assert template is not None
    apply_template(second, template)
    assert shape(second) == shape(first)
    assert {"dev/console", "etc/hosts", "etc/mtab", ".dockerenv", "proc", "sys"} <= set(
        shape(second)
    )


def test_a_tree_that_is_more_than_mount_points_is_no_template(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    assert read_template(tmp_path) is None
    (tmp_path / "file").unlink()
    for number in range(80):
        (tmp_path / f"f{number}").touch()
    assert read_template(tmp_path) is None
