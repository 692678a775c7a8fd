"""The tiny init of `--init`: reaps zombies and forwards signals as PID 1.

Ours is none: a static docker-init, tini or catatonit of the host is bound into the container.
A dynamically linked one would look for its libraries inside the image, so it is not taken.
"""

from __future__ import annotations

import os
import shutil

from orlop.errors import SystemFailure

_NAMES = ("docker-init", "tini-static", "catatonit", "tini")
_MORE = "/usr/local/bin:/usr/bin:/usr/libexec/docker:/usr/libexec/podman"
_PT_INTERP = 3


def find(configured: str = "") -> str:
    """Host path. Raises SystemFailure that says what to install."""
    path = f"{os.environ.get('PATH', '')}:{_MORE}"
    for name in (configured,) if configured else _NAMES:
        found = name if "/" in name else shutil.which(name, path=path)
        if found and is_static(found):
            return os.path.realpath(found)
    wanted = configured or "docker-init"
    raise SystemFailure(
        f'exec: "{wanted}": executable file not found in $PATH '
        "(--init needs a static docker-init, tini or catatonit on the host)"
    )


def is_static(path: str) -> bool:
    """An ELF file for this machine that names no interpreter."""
    try:
        with open(path, "rb") as file:
            head = file.read(64)
            if len(head) < 64 or head[:5] != b"\x7fELF\x02":
                return False
            offset = int.from_bytes(head[32:40], "little")
            size = int.from_bytes(head[54:56], "little")
            count = int.from_bytes(head[56:58], "little")
            file.seek(offset)
            table = file.read(size * count)
    except OSError:
        return False
    kinds = (int.from_bytes(table[i * size : i * size + 4], "little") for i in range(count))
    return _PT_INTERP not in kinds
