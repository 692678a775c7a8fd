"""Another keeper took over from one that died: give it back what only the dead one held.

Containers, their output and their exits are the keeper's and the scribe's business; the sockets
that keep published ports taken went with the process that held them.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable
from contextlib import ExitStack

from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import OrlopError
from orlop.network import ports

log = logging.getLogger(__name__)


def keeper_restarted(containers: Containers) -> None:
    hold_ports(containers, containers.running())


def hold_ports(containers: Containers, running: Iterable[Container]) -> None:
    """Bind their host ports again. What another process took is logged."""
    for container in running:
        published = containers.networks.published(container.id)
        if not published:
            continue
        with ExitStack() as opened:
            fds = []
            for entry in published:
                sock = _bind(entry)
                if sock is not None:
                    fds.append(opened.enter_context(sock).fileno())
            try:
                containers.keeper.hold(container.id, fds)
            except OrlopError as error:
                log.warning("ports of container %s: %s", container.id[:12], error.message)


def _bind(entry: ports.Published) -> socket.socket | None:
    try:
        return ports.bind(entry.protocol, entry.host_ip, entry.host_port)
    except OSError as error:
        # Our proxy may listen there already: then the port is held all the same.
        log.info("host port %s:%s: %s", entry.host_ip, entry.host_port, error.strerror)
        return None
