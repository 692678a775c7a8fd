"""A program: show a stopped container's tree with its volumes, in a mount namespace of its own.

    python -I -S viewer.py MERGED [SOURCE SUBPATH DESTINATION ro|rw]...

Stands in the tree, prints "ready" and leaves when its standard input closes. Destinations are
resolved inside the tree and mounted on by descriptor, so a link in the image leads nowhere else;
a subpath ("" for none) is resolved inside its volume.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from orlop.kernel import mount, namespace
from orlop.kernel.openat2 import openat2


def main(merged: str, mounts: list[str]) -> None:
    namespace.unshare(namespace.CLONE_NEWNS)
    mount.mount(None, "/", None, mount.MS_REC | mount.MS_SLAVE)
    root = os.open(merged, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for source, subpath, destination, access in zip(*(mounts[i::4] for i in range(4))):
        try:
            target = openat2(root, os.fsencode(destination), os.O_PATH)
        except FileNotFoundError:
            continue  # start makes mount points; a container never started has none
        tree = _open(source, subpath)
        if access == "ro":
            mount.mount_setattr(tree, set=mount.ATTR_RDONLY)
        mount.move_mount(tree, target, path=destination)
        os.close(tree)
        os.close(target)
    os.fchdir(root)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()


def _open(source: str, subpath: str) -> int:
    if not subpath:
        return mount.open_tree(-100, source)
    volume = os.open(source, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    place = openat2(volume, os.fsencode(subpath), os.O_PATH)
    try:
        return mount.open_tree(place)
    finally:
        os.close(place)
        os.close(volume)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
