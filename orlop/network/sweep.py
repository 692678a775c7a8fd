"""After a daemon start: what no live container holds is taken down, what it needs stands again."""

from __future__ import annotations

import logging
import threading

from orlop.errors import OrlopError
from orlop.kernel import netlink
from orlop.network import bringup, called, publish
from orlop.network.detach import detach
from orlop.network.drivers import bridge, choose
from orlop.network.networks import Networks

_log = logging.getLogger(__name__)


def sweep(networks: Networks, live: set[str]) -> None:
    """`live`: IDs of the running containers, all restored. Quick when nothing of ours is there."""
    with networks.lock:
        for container_id in set(networks.sandboxes) - live:
            detach(networks, container_id)
        used = {id for s in networks.sandboxes.values() for id in s.endpoints}
        wanted = [n for n in networks.all() if n.driver in choose.MADE and n.id in used]
        try:
            for network in wanted:
                bringup.bring_up(networks, network)
            if not any(n.driver == "bridge" for n in wanted) and networks.marker.exists():
                _take_down_rules(networks)
        except OrlopError as error:
            _log.error("network: %s", error.message)
        _proxy(networks)
        networks.resolver.restore(
            called.document(networks, sandbox)
            for sandbox in networks.sandboxes.values()
            if called.needs_resolver(networks, sandbox)
        )
        if not networks.marker.exists():
            return
        ends = {e.host_interface for s in networks.sandboxes.values() for e in s.endpoints.values()}
    threading.Thread(
        target=_delete_stale, args=(networks, ends), name="stale-links", daemon=True
    ).start()


def _take_down_rules(networks: Networks) -> None:
    """Published ports of containers that ended while no daemon lived."""
    firewall = networks.firewall
    if networks.config.iptables and not firewall.applied and firewall.exists():
        firewall.remove()


def _proxy(networks: Networks) -> None:
    needing = {}
    for sandbox in networks.sandboxes.values():
        target = next(iter(sandbox.endpoints.values()), None)
        if target is not None and any(
            publish.carries(networks, target, p) for p in sandbox.published
        ):
            needing[sandbox.container_id] = (sandbox, target)
    carried = networks.carrier.restore(needing)
    for container_id, (sandbox, target) in needing.items():
        if container_id not in carried:
            publish.carry_again(networks, sandbox, target)


def _delete_stale(networks: Networks, live: set[str]) -> None:
    """Links whose namespace somebody keeps alive. Slow in the kernel, so beside the start."""
    try:
        for name in bridge.stale(networks.all(), live):
            with networks.lock:
                if name in {
                    e.host_interface
                    for s in networks.sandboxes.values()
                    for e in s.endpoints.values()
                }:
                    continue  # attached since
            netlink.run_ops([("delete", name)])
    except OSError as error:
        _log.warning("stale links: %s", error)
