"""Linux capabilities by name: Docker's default fourteen, `--cap-add`, `--cap-drop`, ALL.

Source: linux/capability.h for names and order.
"""

from __future__ import annotations

from collections.abc import Sequence

from orlop.errors import InvalidArgument
from orlop.runtime.processplan import CAPABILITIES

KNOWN = CAPABILITIES

DEFAULT = tuple(
    "CAP_" + name
    for name in """
    CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE
    SYS_CHROOT KILL AUDIT_WRITE
    """.split()
)


def normal(names: Sequence[str], option: str) -> list[str]:
    """Upper case with prefix; "ALL" kept. Raises InvalidArgument (`option`: CapAdd or CapDrop)."""
    out = []
    for name in names:
        full = name.upper()
        if full == "ALL":
            out.append(full)
            continue
        if not full.startswith("CAP_"):
            full = "CAP_" + full
        if full not in KNOWN:
            raise InvalidArgument(f'invalid {option}: unknown capability: "{full}"')
        out.append(full)
    return out


def effective(
    add: Sequence[str], drop: Sequence[str], *, privileged: bool, available: Sequence[str] = KNOWN
) -> list[str]:
    """The capabilities a container gets. `available`: what the host's bounding set allows."""
    if privileged:
        return list(available)
    added, dropped = normal(add, "CapAdd"), normal(drop, "CapDrop")
    if "ALL" in added:
        return [c for c in available if c not in dropped]
    if "ALL" in dropped:
        return list(dict.fromkeys(c for c in added))
    base = [c for c in DEFAULT if c not in dropped]
    return base + [c for c in dict.fromkeys(added) if c not in base and c not in dropped]
