"""`--security-opt` values taken apart, with Docker's texts for bad ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orlop.errors import SystemFailure

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


@dataclass(frozen=True, slots=True)
class Security:
    seccomp: str = ""  # "": the default profile, "unconfined", or a profile's JSON text
    apparmor: str = ""
    no_new_privileges: bool = False
    writable_cgroups: bool | None = None
    labels: tuple[str, ...] = ()


def parse(host_config: dict[str, Any], *, no_new_privileges: bool = False) -> Security:
    """Raises SystemFailure (Docker answers 500)."""
    seccomp = apparmor = ""
    nnp, cgroups = no_new_privileges, None
    labels = []
    for option in host_config.get("SecurityOpt") or ():
        if option == "no-new-privileges":
            nnp = True
            continue
        if option == "disable":
            labels.append(option)
            continue
        key, separator, value = option.partition("=")
        if not separator:
            key, separator, value = option.partition(":")  # the old spelling
        if not separator:
            raise SystemFailure(f'invalid --security-opt 1: "{option}"')
        if key == "label":
            labels.append(value)
        elif key == "apparmor":
            apparmor = value
        elif key == "seccomp":
            seccomp = "" if value == "builtin" else value
        elif key == "no-new-privileges" and value in _TRUE + _FALSE:
            nnp = value in _TRUE
        elif key == "writable-cgroups" and value in _TRUE + _FALSE:
            cgroups = value in _TRUE
        else:
            raise SystemFailure(f'invalid --security-opt 2: "{option}"')
    return Security(seccomp, apparmor, nnp, cgroups, tuple(labels))
