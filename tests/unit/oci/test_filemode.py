"""Values as Go 1.24 prints them for the same files."""

from __future__ import annotations

import stat

import pytest

from orlop.oci.filemode import DIRECTORY, KINDS, SYMLINK, bits, to_go

KNOWN = {
    stat.S_IFREG | 0o644: 0x1A4, stat.S_IFREG | 0o4755: 0x8001ED, stat.S_IFREG | 0o2755: 0x4001ED,
    stat.S_IFDIR | 0o1777: 0x801001FF, stat.S_IFLNK | 0o777: 0x80001FF, stat.S_IFIFO: 0x2000000,
    stat.S_IFSOCK: 0x1000000, stat.S_IFBLK | 0o660: 0x40001B0, stat.S_IFCHR | 0o666: 0x42001B6,
}  # fmt: skip


@pytest.mark.parametrize(("mode", "go"), KNOWN.items())
def test_both_ways(mode: int, go: int) -> None:
    assert to_go(mode) == go
    assert bits(go) == stat.S_IMODE(mode)
    assert bool(go & KINDS) == (not stat.S_ISREG(mode))
    assert bool(go & DIRECTORY) == stat.S_ISDIR(mode)
    assert bool(go & SYMLINK) == stat.S_ISLNK(mode)
