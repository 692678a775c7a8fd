"""Make a network stand on the host: forwarding, bridge, firewall. Idempotent, once a boot."""

from __future__ import annotations

from orlop.errors import OrlopError, SystemFailure
from orlop.network import defaultbridge, hostnet, leftovers, policy
from orlop.network.drivers import bridge, choose, sublink
from orlop.network.model import Network
from orlop.network.networks import Networks


def bring_up(networks: Networks, network: Network) -> Network:
    """The network as it stands now. Raises SystemFailure with the cause."""
    with networks.lock:
        if network.id in networks.up and _stands(network):
            return network
        if network.name == "bridge":
            found = _settled(networks)
            if found is None:
                raise SystemFailure("the default network is disabled (--bridge=none)")
            network = found
        with hostnet.host_lock():
            if network.name == "bridge" and defaultbridge.conflicts(networks, network):
                network = defaultbridge.redefine(networks) or network
            links_up(networks, network)
        networks.up.add(network.id)
        if network.driver == "bridge":
            _forward(networks, network)
            apply_firewall(networks)
        return network


def links_up(networks: Networks, network: Network) -> None:
    """Its bridge, or the parent of its containers' links."""
    choose.of(network).up(network, networks.alias, networks.config.mtu)


def links_down(networks: Networks, network: Network) -> None:
    choose.of(network).down(network, networks.alias)


def apply_firewall(networks: Networks) -> None:
    """Write the rules of every network that stands."""
    if not networks.config.iptables:
        return
    standing = [n for n in networks.all() if n.id in networks.up and n.driver == "bridge"]
    networks.marker.parent.mkdir(parents=True, exist_ok=True)
    networks.marker.touch()
    if not networks.firewall.applied:
        leftovers.drop_tables(networks.firewall.nft, networks.firewall.table)
    networks.firewall.apply([bridge.rules(n) for n in standing])
    names = [n.bridge for n in standing]
    networks.firewall.changed = lambda: _check_policy(networks, names)
    _check_policy(networks, names)


def _check_policy(networks: Networks, names: list[str]) -> None:
    """Another engine's or a firewall's FORWARD policy may drop what our rules accept."""
    networks.warnings = policy.let_through(networks.firewall.nft, networks.firewall.table, names)


def _settled(networks: Networks) -> Network | None:
    try:
        return defaultbridge.define(networks)
    except OSError as error:
        raise SystemFailure(
            f"cannot read the host's network: {(error.strerror or '').lower()}"
        ) from None


def _stands(network: Network) -> bool:
    return sublink.exists(choose.of(network).link(network))


def _forward(networks: Networks, network: Network) -> None:
    if networks.config.ip_forward:
        names = hostnet.enable_forwarding(networks.config.exec_root / "network" / "forwarding")
        # Only what was there before us: later links are others' business.
        networks.firewall.uplinks = tuple(n for n in names if n != network.bridge)
        if network.ipv6:
            hostnet.enable_forwarding6()


def standing_or_none(networks: Networks) -> Network | None:
    """The default network for reading: settled if the host can be asked, else as last known."""
    try:
        return defaultbridge.define(networks)
    except (OSError, OrlopError):
        return networks.named("bridge")
