"""SIGHUP: read daemon.json again and take over what may change while running, as dockerd does."""

from __future__ import annotations

import dataclasses
import json
import logging
import socket

from orlop.config import Config
from orlop.daemon import logfmt, settings
from orlop.daemon.flags import Flags
from orlop.engine import Engine
from orlop.errors import OrlopError

log = logging.getLogger(__name__)

_NOT_TOLD = ("blob_cache_size", "log_level", "push_compression")  # dockerd has no such attributes


def reload(engine: Engine, config: Config, flags: Flags) -> Config:
    """The Config in force afterwards. A bad file changes nothing."""
    try:
        wanted = settings.load(flags)
    except OrlopError as error:
        log.error("Error reconfiguring the daemon: %s", error.message)
        return config
    changes = {name: getattr(wanted, name) for name in settings.RELOADABLE}
    merged = dataclasses.replace(config, **changes)
    engine.config = merged
    for noun in (engine.containers, engine.images, engine.networks):
        noun.config = merged
    registries = getattr(engine.images, "registries", None)
    if registries is not None:
        registries.config = merged
    logfmt.set_level(merged.log_level, debug=merged.debug)
    shown = attributes(merged)
    log.info("Reloaded configuration: %s", shown)
    engine.events.publish("daemon", "reload", engine.id, shown)
    return merged


def attributes(config: Config) -> dict[str, str]:
    """Those of dockerd's event: lists in JSON, the rest as Go prints it."""
    shown: dict[str, str] = {"features": "map[]", "name": socket.gethostname()}
    for name in settings.RELOADABLE:
        value = getattr(config, name)
        key = name.replace("_", "-")
        if name in _NOT_TOLD:
            continue
        if name == "runtimes":
            shown[key] = " ".join(["runc:{runc}", *(f"{k}:{{{v[0]}}}" for k, v in value.items())])
        elif isinstance(value, tuple):
            shown[key] = json.dumps(value, separators=(",", ":"))
        elif isinstance(value, bool):
            shown[key] = str(value).lower()
        else:
            shown[key] = str(value)
    return dict(sorted(shown.items()))
