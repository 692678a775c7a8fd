"""ExecConfig of the API → OCI process: as the container's own, except for what is asked for."""

from __future__ import annotations

from typing import Any

from orlop.container import apparmor, caps, plans, process, security, users
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.paths import Root

Json = dict[str, Any]


def exec_process(containers: Containers, container: Container, config: Json, root: Root) -> Json:
    """`root`: the running container's root. Raises SystemFailure for an unknown user."""
    own = container.config
    host = container.host_config
    privileged = bool(config.get("Privileged"))
    found = security.parse(host, no_new_privileges=containers.config.no_new_privileges)
    identity = users.resolve(
        root, config.get("User") or own.get("User") or "", host.get("GroupAdd") or ()
    )
    names = caps.effective(
        host.get("CapAdd") or (),
        host.get("CapDrop") or (),
        privileged=privileged or bool(host.get("Privileged")),
        available=plans.host_capabilities(),
    )
    _, confined = apparmor.profile(found.apparmor, bool(host.get("Privileged")))
    return process.build(
        args=config["Cmd"],
        env=process.environment(
            [*(own.get("Env") or ()), *(config.get("Env") or ())],
            hostname=own.get("Hostname") or "",
            tty=bool(config.get("Tty")),
            home=identity.home,
        ),
        cwd=config.get("WorkingDir") or own.get("WorkingDir") or "/",
        identity=identity,
        caps=names,
        tty=bool(config.get("Tty")),
        no_new_privileges=found.no_new_privileges,
        oom_score_adj=host.get("OomScoreAdj"),
        limits=process.rlimits(host.get("Ulimits") or (), containers.config.default_ulimits),
        apparmor="" if privileged else confined,
        console=config.get("ConsoleSize") or (0, 0),
    )
