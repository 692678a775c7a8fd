"""Go's os.FileMode, which clients and daemons exchange, and st_mode. Pure. Source: Go, io/fs."""

from __future__ import annotations

import stat

DIRECTORY, SYMLINK = 1 << 31, 1 << 27
_DEVICE, _PIPE, _SOCKET, _CHARACTER = 1 << 26, 1 << 25, 1 << 24, 1 << 21
_IRREGULAR = 1 << 19
KINDS = DIRECTORY | SYMLINK | _DEVICE | _PIPE | _SOCKET | _CHARACTER | _IRREGULAR
_OF = {
    stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK, stat.S_IFIFO: _PIPE, stat.S_IFSOCK: _SOCKET,
    stat.S_IFBLK: _DEVICE, stat.S_IFCHR: _DEVICE | _CHARACTER,
}  # fmt: skip
_BITS = ((stat.S_ISUID, 1 << 23), (stat.S_ISGID, 1 << 22), (stat.S_ISVTX, 1 << 20))


def to_go(mode: int) -> int:
    """st_mode → os.FileMode."""
    out = mode & 0o777 | _OF.get(stat.S_IFMT(mode), 0)
    for ours, theirs in _BITS:
        if mode & ours:
            out |= theirs
    return out


def bits(mode: int) -> int:
    """os.FileMode → the bits that chmod(2) takes."""
    out = mode & 0o777
    for ours, theirs in _BITS:
        if mode & theirs:
            out |= ours
    return out
