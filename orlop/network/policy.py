"""Other firewalls' forward policies: where they drop by default, let our bridges through.

Our table's `accept` ends only its own chain; another table's drop still counts. Docker and ufw set
the policy of `filter FORWARD` to drop (iptables over nftables, or legacy): there the engine adds
two accepts per bridge, into DOCKER-USER if it exists, which Docker leaves alone. Unpublished ports
stay closed: our own table drops them. What it cannot mend it says, with the commands that would.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterable
from typing import Any

from orlop.errors import SystemFailure
from orlop.kernel.nft import Nft

_log = logging.getLogger(__name__)
_LEGACY_TABLES = {"ip": "/proc/net/ip_tables_names", "ip6": "/proc/net/ip6_tables_names"}
_LEGACY_COMMAND = {"ip": "iptables-legacy", "ip6": "ip6tables-legacy"}
_TIMEOUT = 10


def let_through(nft: Nft, own_table: str, bridges: Iterable[str]) -> list[str]:
    """Returns warnings: what still drops the traffic of `bridges`, and what to do about it."""
    names = list(bridges)
    warnings: list[str] = []
    if not names:
        return warnings
    try:
        chains = [o["chain"] for o in nft.query("list chains") if "chain" in o]
    except SystemFailure as error:
        _log.warning("cannot list nftables chains: %s", error.message)
        chains = []
    for chain in dropping(chains, own_table):
        if chain["table"] == "filter" and chain["name"] == "FORWARD":
            _insert(nft, chain, chains, names, warnings)
        else:
            warnings += [advice(chain, name) for name in names]
    for family in _LEGACY_TABLES:
        warnings += _legacy(family, names)
    if any(c["family"] == "inet" and c["table"] == "firewalld" for c in chains):
        warnings += _firewalld(names)
    for warning in warnings:
        _log.warning("%s", warning)
    return warnings


def dropping(chains: Iterable[dict[str, Any]], own_table: str) -> list[dict[str, Any]]:
    """Base chains of others that drop forwarded packets by policy."""
    return [
        chain
        for chain in chains
        if chain.get("hook") == "forward"
        and chain.get("policy") == "drop"
        and chain.get("family") in ("ip", "ip6", "inet")
        and chain.get("table") != own_table
    ]


def advice(chain: dict[str, Any], bridge: str) -> str:
    where = f"{chain['family']} {chain['table']} {chain['name']}"
    return (
        f"nftables chain {where} drops forwarded packets by default: containers on {bridge} reach "
        f"nothing. Let them through: nft insert rule {where} iifname {bridge} accept; "
        f"nft insert rule {where} oifname {bridge} accept"
    )


def _insert(
    nft: Nft,
    chain: dict[str, Any],
    chains: list[dict[str, Any]],
    bridges: list[str],
    warnings: list[str],
) -> None:
    family = chain["family"]
    user = any(
        c["family"] == family and c["table"] == "filter" and c["name"] == "DOCKER-USER"
        for c in chains
    )
    target = "DOCKER-USER" if user else "FORWARD"
    try:
        present = accepted(nft.query(f"list chain {family} filter {target}"))
        commands = [
            f'insert rule {family} filter {target} {key} "{bridge}" counter accept\n'
            for bridge in bridges
            for key in ("iifname", "oifname")
            if (key, bridge) not in present
        ]
        if commands:
            nft.run("".join(commands))
    except SystemFailure as error:
        _log.warning("cannot add rules to %s filter %s: %s", family, target, error.message)
        warnings += [advice(chain, bridge) for bridge in bridges]


def accepted(listing: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    """(iifname|oifname, link) of the plain accept rules in a listed chain."""
    found = set()
    for entry in listing:
        expressions = entry.get("rule", {}).get("expr", [])
        matches = [e["match"] for e in expressions if "match" in e]
        if len(matches) == 1 and any("accept" in e for e in expressions):
            left = matches[0].get("left")
            key = left.get("meta", {}).get("key") if isinstance(left, dict) else None
            if key in ("iifname", "oifname") and matches[0].get("op") == "==":
                found.add((str(key), str(matches[0].get("right"))))
    return found


def _legacy(family: str, bridges: list[str]) -> list[str]:
    try:
        with open(_LEGACY_TABLES[family]) as file:
            if "filter" not in file.read().split():
                return []
    except OSError:
        return []
    command = _LEGACY_COMMAND[family]
    listing = _run(command, "-w", "-S")
    if listing is None:
        return [f"legacy iptables rules exist, but {command} does not: cannot check FORWARD"]
    rules = listing.splitlines()
    if "-P FORWARD DROP" not in rules:
        return []
    target = "DOCKER-USER" if "-N DOCKER-USER" in rules else "FORWARD"
    failed = []
    for bridge in bridges:
        for flag in ("-i", "-o"):
            rule = f"-A {target} {flag} {bridge} -j ACCEPT"
            if rule in rules:
                continue
            if _run(command, "-w", "-I", target, flag, bridge, "-j", "ACCEPT") is None:
                failed.append(
                    f"{command}'s FORWARD policy is DROP. Let {bridge} through: "
                    f"{command} -I {target} {flag} {bridge} -j ACCEPT"
                )
    return failed


def _firewalld(bridges: list[str]) -> list[str]:
    """firewalld rejects what no zone accepts: our bridges belong into the trusted zone."""
    failed = []
    for bridge in bridges:
        query = _run("firewall-cmd", "--zone=trusted", f"--query-interface={bridge}")
        if query is not None:
            continue
        if _run("firewall-cmd", "--zone=trusted", f"--change-interface={bridge}") is None:
            failed.append(
                f"firewalld may drop the traffic of {bridge}. Trust it: "
                f"firewall-cmd --zone=trusted --change-interface={bridge} --permanent; "
                "firewall-cmd --reload"
            )
    return failed


def _run(command: str, *arguments: str) -> str | None:
    """Its output; None when it is missing or fails."""
    path = shutil.which(command)
    if path is None:
        return None
    try:
        done = subprocess.run(
            [path, *arguments], capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
