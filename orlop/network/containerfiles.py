"""What hosts and resolv.conf of a container say: the host's files, flags, links, its addresses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orlop.errors import SystemFailure
from orlop.network import bringup, links, resolvconf, resolver
from orlop.network import hosts as hosts_file
from orlop.network.networks import Networks, Sandbox

_ETC_HOSTS = Path("/etc/hosts")
_NO_IPV6 = "net.ipv6.conf.all.disable_ipv6"


def hosts(
    networks: Networks,
    sandbox: Sandbox,
    host_config: Mapping[str, Any],
    config: Mapping[str, Any],
    *,
    host: bool,
) -> bytes:
    """/etc/hosts. With the host's network and no extra names it is the host's own."""
    given = host_config.get("ExtraHosts") or ()
    if host and not given:
        try:
            return _ETC_HOSTS.read_bytes()
        except OSError:
            pass
    lines = hosts_file.extra(given, host_gateways(networks) if given else ())
    lines += _links(networks, sandbox, host_config)
    own = hosts_file.own_names(sandbox.hostname, str(config.get("Domainname") or ""))
    for endpoint in sandbox.endpoints.values():
        lines += [f"{a}\t{own}" for a in (endpoint.ipv4, endpoint.ipv6) if a is not None]
    ipv6 = str((host_config.get("Sysctls") or {}).get(_NO_IPV6, "0")) != "1"
    return hosts_file.render(lines, ipv6=ipv6)


def host_gateways(networks: Networks) -> list[str]:
    """What `host-gateway` stands for: the default bridge's addresses."""
    network = bringup.standing_or_none(networks)
    blocks = network.active if network is not None else ()
    return [str(block.gateway) for block in blocks if block.gateway is not None]


def _links(networks: Networks, sandbox: Sandbox, host_config: Mapping[str, Any]) -> list[str]:
    out = []
    for child, alias in _linked(networks, sandbox, host_config):
        for endpoint in child.endpoints.values():
            if endpoint.ipv4 is not None and endpoint.network_id in sandbox.endpoints:
                out.append(hosts_file.link(str(endpoint.ipv4), alias, child.hostname, child.name))
    return out


def check_links(networks: Networks, sandbox: Sandbox, host_config: Mapping[str, Any]) -> list[str]:
    """The variables of the legacy links. Raises SystemFailure for one that does not run."""
    out: list[str] = []
    for child, alias in _linked(networks, sandbox, host_config):
        address = next((str(e.ipv4) for e in child.endpoints.values() if e.ipv4), "")
        found = dict.fromkeys((*child.exposed, *((p.port, p.protocol) for p in child.published)))
        out += links.environment(child.name, sandbox.name, alias, address, found)
    return out


def _linked(
    networks: Networks, sandbox: Sandbox, host_config: Mapping[str, Any]
) -> list[tuple[Sandbox, str]]:
    """Of the default bridge; on user-defined networks a link is a name that the resolver knows."""
    out: list[tuple[Sandbox, str]] = []
    if str(host_config.get("NetworkMode") or "bridge") not in ("bridge", "default"):
        return out
    for link in host_config.get("Links") or ():
        name, alias = links.parse(link)
        child = next(
            (
                s
                for s in networks.sandboxes.values()
                if name in (s.name, s.container_id)
                or (len(name) >= 12 and s.container_id.startswith(name))
            ),
            None,
        )
        if child is None:
            raise SystemFailure(
                f"Cannot link to a non running container: /{name} AS /{sandbox.name}/{alias}"
            )
        out.append((child, alias))
    return out


def resolv_conf(
    networks: Networks, host_config: Mapping[str, Any], *, host: bool, names: bool = False
) -> bytes:
    """/etc/resolv.conf: the host's with `--dns*` over it. With `names` our resolver stands there,
    without, resolvers on the host's loopback are dropped."""
    conf = _configured(networks, host_config)
    if names:
        conf = resolvconf.internal(conf, resolver.ADDRESS)
    elif not host:
        conf = resolvconf.legacy(conf, ipv6=networks.config.ipv6)
    return resolvconf.render(conf)


def _configured(networks: Networks, host_config: Mapping[str, Any]) -> resolvconf.ResolvConf:
    config = networks.config
    return resolvconf.override(
        read_host(),
        host_config.get("Dns") or config.dns,
        host_config.get("DnsSearch") or config.dns_search,
        host_config.get("DnsOptions") or config.dns_opts,
    )


def upstreams(networks: Networks, host_config: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Whom our resolver asks: (address, from the container's namespace)."""
    return resolvconf.external(_configured(networks, host_config))


def read_host() -> resolvconf.ResolvConf:
    """The host's resolver configuration; a missing file is an empty one."""
    read = {}
    for path in (resolvconf.ETC, resolvconf.SYSTEMD):
        try:
            read[path] = Path(path).read_text(errors="replace")
        except OSError:
            continue
    source = resolvconf.host_source(read)
    return resolvconf.parse(read.get(source, ""), source)
