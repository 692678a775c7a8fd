"""`--sysctl`: only those that the kernel keeps apart per namespace, and only in private ones.

A name is a path below /proc/sys, so nothing that could walk elsewhere is taken. Texts are runc's.
"""

from __future__ import annotations

import re
from typing import Any

from orlop.container.failures import spec_error

Json = dict[str, Any]

_NAME = re.compile(r"[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_:@-]+)*", re.ASCII)
_IPC = frozenset(
    "kernel." + name for name in ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni")
) | {"kernel.shm_rmid_forced"}


def check(sysctls: dict[str, str], host: Json, *, private_network: bool) -> None:
    """Raises SystemFailure."""
    for name, value in sysctls.items():
        if not _NAME.fullmatch(name) or "\0" in value:
            raise spec_error(f'sysctl "{name}" is not in a separate kernel namespace')
        plain = name.replace("/", ".")
        if plain in _IPC or plain.startswith("fs.mqueue."):
            if host["IpcMode"] == "host":
                raise spec_error(f'sysctl "{plain}" is not allowed in the hosts ipc namespace')
        elif plain.startswith("net."):
            if not private_network:
                raise spec_error(f'sysctl "{plain}" not allowed in host network namespace')
        elif plain == "kernel.domainname":
            if host["UTSMode"] == "host":
                raise spec_error(f'sysctl "{plain}" is not allowed in the hosts uts namespace')
        else:
            raise spec_error(f'sysctl "{plain}" is not in a separate kernel namespace')
