"""Subvolumes of btrfs by ioctl, and sharing of file contents (linux/btrfs.h, linux/fs.h)."""

from __future__ import annotations

import errno
import fcntl
import struct

# _IOW(0x94, n, struct): vol_args is 4096 bytes, vol_args_v2 as well
_SUBVOL_CREATE = 0x5000940E
_SNAP_DESTROY = 0x5000940F
_SNAP_CREATE_V2 = 0x50009417
_FICLONE = 0x40049409

_MISSING = (errno.EOPNOTSUPP, errno.EXDEV, errno.ENOTTY, errno.EINVAL, errno.EPERM, errno.ETXTBSY)


def create_subvolume(directory: int, name: bytes) -> None:
    """A new, empty subvolume `name` in the open directory."""
    fcntl.ioctl(directory, _SUBVOL_CREATE, bytearray(struct.pack("=q4088s", 0, name)))


def snapshot(directory: int, name: bytes, source: int) -> None:
    """A writable snapshot of the open subvolume `source`."""
    fcntl.ioctl(
        directory, _SNAP_CREATE_V2, bytearray(struct.pack("=qQQ32x4040s", source, 0, 0, name))
    )


def destroy_subvolume(directory: int, name: bytes) -> None:
    """Raises OSError ENOTEMPTY while it holds subvolumes."""
    fcntl.ioctl(directory, _SNAP_DESTROY, bytearray(struct.pack("=q4088s", 0, name)))


def share_contents(source: int, target: int) -> bool:
    """Let file `target` share the blocks of `source`; False where the filesystem cannot."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _MISSING:
            return False
        raise
    return True
