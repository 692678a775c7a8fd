"""What a source must be so that a bind mount can be shared or a slave, as dockerd checks it."""

from __future__ import annotations

import os

from orlop.errors import SystemFailure

_MOUNTINFO = "/proc/self/mountinfo"


def check(source: str, propagation: str, mountinfo: str = _MOUNTINFO) -> None:
    """Raises SystemFailure with Docker's text."""
    if propagation.lstrip("r") not in ("shared", "slave"):
        return
    shared = propagation.endswith("shared")
    point, options = source_mount(os.path.realpath(source), mountinfo)
    fits = ("shared:",) if shared else ("shared:", "master:")
    if any(option.startswith(fits) for option in options):
        return
    what = "a shared mount" if shared else "a shared or slave mount"
    raise SystemFailure(f"path {source} is mounted on {point} but it is not {what}")


def source_mount(path: str, mountinfo: str = _MOUNTINFO) -> tuple[str, list[str]]:
    """(mount point that `path` is on, its optional fields)."""
    best: tuple[str, list[str]] = ("/", [])
    with open(mountinfo, encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            fields = line.split(" ")
            point = fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
            above = point.rstrip("/") + "/"
            if (path + "/").startswith(above) and len(point) >= len(best[0]):
                best = point, fields[6 : fields.index("-")]
    return best
