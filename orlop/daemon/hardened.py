"""`--hardened`: stricter defaults. What a flag or daemon.json says besides wins over each of them.

A root file system that is read-only by default is not among them: neither the Docker API nor its
clients can tell "not asked for" from "no", so that nobody could ask for a writable one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from orlop.config import Config

_FILES = ("json-file", "local")  # log drivers whose files grow
LOG_OPTS: Mapping[str, str] = MappingProxyType({"max-size": "10m", "max-file": "3"})
PRESET: Mapping[str, Any] = MappingProxyType(
    {
        "default_userns_mode": "auto",
        "default_pids_limit": 2048,
        "no_new_privileges": True,
        "seccomp_profile": "hardened",
        "icc": False,
        "userland_proxy": False,
    }
)


def harden(base: Config, named: Mapping[str, Any]) -> Config:
    """`named`: keys of daemon.json that flags and file have."""
    preset = dict(PRESET)
    if named.get("userns-remap"):
        del preset["default_userns_mode"]  # a mapping for all was asked for instead
    if named.get("log-driver", base.log_driver) in _FILES and "log-opts" not in named:
        preset["log_opts"] = LOG_OPTS
    return dataclasses.replace(base, **preset)
