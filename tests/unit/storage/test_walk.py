"""A container may nest deeper than a process may call or hold descriptors."""

import os
from pathlib import Path

from orlop.paths import remove_entry
from orlop.storage.changes import usage
from orlop.storage.footprint import Footprint


def test_a_tree_of_5000_levels_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(5000))
    os.link(tmp_path / "file", tmp_path / "again")
    (tmp_path / "link").symlink_to("/etc")
    at = os.open(tmp_path, os.O_RDONLY)
    top = os.dup(at)
    try:
        for _ in range(5000):
            os.mkdir("d", dir_fd=at)
            below = os.open("d", os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        before = len(os.listdir("/proc/self/fd"))
        assert usage(top) == 5000 + len("/etc")
        size, count = Footprint(os.fstat(top).st_dev).of(".", top)
        assert size >= 5000
        assert 1000 < count <= 5003
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        os.close(at)
        remove_entry(top, b"d")
        os.close(top)
