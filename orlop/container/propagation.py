"""What a source must be so that a bind mount can be shared or a slave, as dockerd checks it."""

from __future__ import annotations

import os

from orlop.errors import SystemFailure
from orlop.kernel import mountinfo


def check(source: str, propagation: str, table: str = mountinfo.TABLE) -> None:
    """Raises SystemFailure with Docker's text."""
    if propagation.lstrip("r") not in ("shared", "slave"):
        return
    shared = propagation.endswith("shared")
    found = mountinfo.under(os.path.realpath(source), table)
    point, options = (found.point, found.optional) if found is not None else ("/", [])
    fits = ("shared:",) if shared else ("shared:", "master:")
    if any(option.startswith(fits) for option in options):
        return
    what = "a shared mount" if shared else "a shared or slave mount"
    raise SystemFailure(f"path {source} is mounted on {point} but it is not {what}")
