"""`features`: what this runtime can do. Source: OCI runtime-spec, features.md."""

from __future__ import annotations

import os

import orlop
from orlop.runtime import mountoptions
from orlop.runtime.oci import filters
from orlop.runtime.oci.output import show
from orlop.runtime.oci.pretty import pretty
from orlop.runtime.oci.schema import CONFIG
from orlop.runtime.plan import NAMESPACES
from orlop.runtime.processplan import CAPABILITIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.oci.command import Command


def features(command: Command) -> int:
    show(pretty(document()) + "\n")
    return 0


def document() -> dict[str, Any]:
    from orlop.kernel import libseccomp

    return {
        "ociVersionMin": "1.0.0",
        "ociVersionMax": "1.2.1",
        "hooks": list(CONFIG["hooks"]),
        "mountOptions": mountoptions.known(),
        "linux": {
            "namespaces": sorted(NAMESPACES),
            "capabilities": list(CAPABILITIES),
            "cgroup": {
                "v1": True, "v2": True, "systemd": False, "systemdUser": False, "rdma": True,
            },
            "seccomp": {
                "enabled": True,
                "actions": sorted(libseccomp.ACTIONS),
                "operators": sorted(libseccomp.OPERATORS),
                "archs": sorted(libseccomp.ARCHES),
                "knownFlags": sorted(filters.FLAGS),
                "supportedFlags": sorted(filters.FLAGS),
            },
            "apparmor": {"enabled": os.path.exists("/sys/kernel/security/apparmor")},
            "selinux": {"enabled": False},
            "intelRdt": {"enabled": False},
            "mountExtensions": {"idmap": {"enabled": True}},
        },
        "annotations": {
            "org.opencontainers.runtime-spec.features": "true",
            "io.orlop.version": orlop.__version__,
        },
        "potentiallyUnsafeConfigAnnotations": [],
    }  # fmt: skip
