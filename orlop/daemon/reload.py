"""SIGHUP: read daemon.json again and take over what may change while running, as dockerd does."""

from __future__ import annotations

import dataclasses
import logging

from orlop.config import Config
from orlop.daemon import logfmt, settings
from orlop.daemon.flags import Flags
from orlop.engine import Engine
from orlop.errors import OrlopError

log = logging.getLogger(__name__)


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
    shown = {name: str(value) for name, value in changes.items()}
    log.info("Reloaded configuration: %s", shown)
    engine.events.publish("daemon", "reload", engine.id, {"name": "orlop", **shown})
    return merged
