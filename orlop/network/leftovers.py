"""Tables of daemons that are no more: their bridges are gone, their rules would still drop.

A daemon that was removed without a word leaves its table; once its bridge is deleted, another's may
take the same subnet, and the old table would close it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any

from orlop.errors import SystemFailure
from orlop.kernel import netlink
from orlop.kernel.nft import Nft

_log = logging.getLogger(__name__)
_TABLE = re.compile(r"orlop-[0-9a-f]{8}", re.ASCII)


def drop_tables(nft: Nft, own: str) -> list[str]:
    """Delete the tables of which no bridge exists; their names. Failures are logged."""
    dropped = []
    try:
        owners = {link.name: link.alias for link in netlink.links()}
        for entry in nft.query("list tables"):
            table = entry.get("table", {})
            name = str(table.get("name"))
            if table.get("family") != "inet" or name == own or not _TABLE.fullmatch(name):
                continue
            bridges = guarded(nft.query(f"list chain inet {name} raw"))
            if bridges and not any(_stands(bridge, name, owners) for bridge in bridges):
                nft.run(f"delete table inet {name}\n")
                dropped.append(name)
    except (SystemFailure, OSError) as error:
        _log.warning("leftover tables: %s", error)
    if dropped:
        _log.info("deleted tables without bridges: %s", " ".join(dropped))
    return dropped


def _stands(bridge: str, table: str, owners: dict[str, str]) -> bool:
    """It exists, and is not marked (bridge.up's alias) as another daemon's."""
    alias = owners.get(bridge)
    if alias is None:
        return False
    return not alias.startswith("orlop:") or alias == table.replace("orlop-", "orlop:")


def guarded(listing: Iterable[dict[str, Any]]) -> set[str]:
    """The bridges whose way to 127/8 the listed raw chain closes."""
    for entry in listing:
        for expression in entry.get("rule", {}).get("expr", []):
            match = expression.get("match", {})
            if match.get("op") == "==" and match.get("left") == {"meta": {"key": "iifname"}}:
                right = match.get("right")
                return {right} if isinstance(right, str) else set(right.get("set", ()))
    return set()
