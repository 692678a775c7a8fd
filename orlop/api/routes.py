"""Every route, in one table. Handlers are named `file:function`; a file is imported when one of its
routes is first asked for, so that an idle daemon holds no registry client."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING

from orlop.api.answer import Reply
from orlop.api.router import Handler, Router

if TYPE_CHECKING:
    from orlop.api.call import Call

ROUTES: tuple[tuple[str, str, str], ...] = (
    # system
    ("GET HEAD", "/_ping", "system:ping"),
    ("GET", "/version", "system:version"),
    ("GET", "/info", "system:info"),
    ("GET", "/system/df", "system:disk_usage"),
    ("GET", "/events", "events:events"),
    ("POST", "/auth", "transfer:auth"),
    # containers
    ("GET", "/containers/json", "containers:list_"),
    ("POST", "/containers/create", "containers:create"),
    ("POST", "/containers/prune", "containers:prune"),
    ("GET", "/containers/{id}/json", "containers:inspect"),
    ("GET", "/containers/{id}/top", "containers:top"),
    ("GET", "/containers/{id}/logs", "streams:logs"),
    ("GET", "/containers/{id}/changes", "containers:changes"),
    ("GET", "/containers/{id}/export", "archives:export"),
    ("GET", "/containers/{id}/stats", "streams:stats"),
    ("POST", "/containers/{id}/resize", "containers:resize"),
    ("POST", "/containers/{id}/start", "containers:start"),
    ("POST", "/containers/{id}/stop", "containers:stop"),
    ("POST", "/containers/{id}/restart", "containers:restart"),
    ("POST", "/containers/{id}/kill", "containers:kill"),
    ("POST", "/containers/{id}/update", "containers:update"),
    ("POST", "/containers/{id}/rename", "containers:rename"),
    ("POST", "/containers/{id}/pause", "containers:pause"),
    ("POST", "/containers/{id}/unpause", "containers:unpause"),
    ("POST", "/containers/{id}/attach", "streams:attach"),
    ("GET", "/containers/{id}/attach/ws", "websocket:attach"),
    ("POST", "/containers/{id}/wait", "containers:wait"),
    ("HEAD", "/containers/{id}/archive", "archives:stat"),
    ("GET", "/containers/{id}/archive", "archives:get"),
    ("PUT", "/containers/{id}/archive", "archives:put"),
    ("POST", "/containers/{id}/exec", "exec:create"),
    ("GET POST", "/containers/{id}/checkpoints", "unsupported:checkpoints"),
    ("DELETE", "/containers/{id}/checkpoints/{name}", "unsupported:checkpoints"),
    ("DELETE", "/containers/{id}", "containers:remove"),
    ("POST", "/commit", "containers:commit"),
    # exec
    ("POST", "/exec/{id}/start", "exec:start"),
    ("POST", "/exec/{id}/resize", "exec:resize"),
    ("GET", "/exec/{id}/json", "exec:inspect"),
    # images
    ("GET", "/images/json", "images:list_"),
    ("GET", "/images/search", "transfer:search"),
    ("GET", "/images/get", "archives:save"),
    ("POST", "/images/create", "transfer:create"),
    ("POST", "/images/load", "archives:load"),
    ("POST", "/images/prune", "images:prune"),
    ("GET", "/images/{name}/get", "archives:save"),
    ("GET", "/images/{name}/history", "images:history"),
    ("GET", "/images/{name}/json", "images:inspect"),
    ("POST", "/images/{name}/push", "transfer:push"),
    ("POST", "/images/{name}/tag", "images:tag"),
    ("DELETE", "/images/{name}", "images:remove"),
    ("GET", "/distribution/{name}/json", "transfer:distribution"),
    # build
    ("POST", "/build", "build:build"),
    ("POST", "/build/prune", "build:prune"),
    ("POST", "/build/cancel", "build:cancel"),
    # BuildKit
    ("POST", "/session", "buildkit:session"),
    ("POST", "/grpc", "buildkit:grpc"),
    # networks
    ("GET", "/networks", "networks:list_"),
    ("GET", "/networks/", "networks:list_"),
    ("POST", "/networks/create", "networks:create"),
    ("POST", "/networks/prune", "networks:prune"),
    ("GET", "/networks/{id}", "networks:inspect"),
    ("POST", "/networks/{id}/connect", "networks:connect"),
    ("POST", "/networks/{id}/disconnect", "networks:disconnect"),
    ("DELETE", "/networks/{id}", "networks:remove"),
    # volumes
    ("GET", "/volumes", "volumes:list_"),
    ("POST", "/volumes/create", "volumes:create"),
    ("POST", "/volumes/prune", "volumes:prune"),
    ("GET", "/volumes/{name}", "volumes:inspect"),
    ("PUT", "/volumes/{name}", "volumes:update"),
    ("DELETE", "/volumes/{name}", "volumes:remove"),
    # what one host without plugins and swarm does not have
    ("GET", "/plugins", "unsupported:plugins"),
    ("GET", "/plugins/privileges", "unsupported:plugin"),
    ("GET", "/plugins/{name}/json", "unsupported:plugin"),
    ("DELETE", "/plugins/{name}", "unsupported:plugin"),
    ("POST", "/plugins/{name}", "unsupported:plugin"),
    ("GET", "/swarm", "unsupported:swarm"),
    ("GET", "/swarm/unlockkey", "unsupported:swarm"),
    ("POST", "/swarm/init", "unsupported:swarm_start"),
    ("POST", "/swarm/join", "unsupported:swarm_start"),
    ("POST", "/swarm/leave", "unsupported:swarm_leave"),
    ("POST", "/swarm/update", "unsupported:swarm"),
    ("POST", "/swarm/unlock", "unsupported:swarm"),
    ("GET", "/nodes", "unsupported:swarm"),
    ("GET POST DELETE", "/nodes/{id}", "unsupported:swarm"),
    ("GET", "/services", "unsupported:swarm"),
    ("GET POST DELETE", "/services/{id}", "unsupported:swarm"),
    ("GET", "/tasks", "unsupported:swarm"),
    ("GET", "/tasks/{id}", "unsupported:swarm"),
    ("GET", "/secrets", "unsupported:swarm"),
    ("GET POST DELETE", "/secrets/{id}", "unsupported:swarm"),
    ("GET", "/configs", "unsupported:swarm"),
    ("GET POST DELETE", "/configs/{id}", "unsupported:swarm"),
    # ours: what Docker lacks
    ("GET", "/orlop/tags/{name}", "transfer:tags"),
    ("GET", "/orlop/images/{name}/verify", "ours:verify"),
    ("GET", "/orlop/images/{name}/chain", "ours:chain"),
    ("GET", "/orlop/images/{name}/rootfs", "ours:rootfs"),
    ("GET", "/orlop/layers/{name}", "ours:layers"),
    ("POST", "/orlop/bootstrap/{kind}", "ours:bootstrap"),
    ("GET", "/orlop/artifacts/{name}/content", "artifacts:content"),
    ("GET", "/orlop/artifacts/{name}", "artifacts:list_"),
    ("POST", "/orlop/artifacts/{name}", "artifacts:attach"),
    ("GET", "/orlop/manifests/{name}/entry", "artifacts:entry"),
    ("POST", "/orlop/manifests/{name}/push", "artifacts:push"),
    ("GET", "/orlop/manifests/{name}", "artifacts:manifest"),
    ("POST", "/orlop/build/context", "buildoffer:offer"),
    ("POST", "/orlop/build/bundle", "bundles:make"),
    ("POST", "/orlop/registry/serve", "registry.serve:serve"),
    ("GET", "/orlop/containers/{id}/exec", "ours:execs"),
    ("POST", "/orlop/exec/{id}/kill", "ours:exec_kill"),
    ("POST", "/orlop/hand-back", "ours:hand_back"),
    ("POST", "/orlop/import", "ours:import_"),
    ("GET", "/orlop/usage", "ours:usage"),
    ("POST", "/orlop/check", "ours:check"),
)  # fmt: skip

_importing = threading.Lock()


def build() -> Router:
    router = Router()
    for methods, path, name in ROUTES:
        router.add(methods, path, _lazy(name))
    return router


def resolve(name: str) -> Handler:
    """The handler of `file:function`."""
    module, _, function = name.partition(":")
    with _importing:
        found: Handler = getattr(importlib.import_module(f"orlop.api.{module}"), function)
    return found


def _lazy(name: str) -> Handler:
    handler: Handler | None = None

    def call(request: Call) -> Reply:
        nonlocal handler
        if handler is None:
            handler = resolve(name)
        return handler(request)

    return call
