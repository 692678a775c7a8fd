"""The networks a container asks for at create, checked, in the shape of its record. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from orlop.container import merge
from orlop.container.model import joined
from orlop.errors import InvalidArgument
from orlop.network import endpoint
from orlop.network.model import Network

Json = dict[str, Any]

PREDEFINED = ("bridge", "host", "none")
_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.ASCII | re.IGNORECASE)


def build(
    config: Json,
    host: Json,
    networking: Json | None,
    named: Callable[[str], Network | None] = lambda name: None,
) -> Json:
    """NetworkSettings.Networks of a new record. `config`: the request's. `named`: a network that
    there is. Raises InvalidArgument."""
    mode = host["NetworkMode"]
    given: Json = dict((networking or {}).get("EndpointsConfig") or {})
    if "default" in given and mode == "bridge":
        given["bridge"] = given.pop("default")
    mac = config.get("MacAddress") or ""
    for name, settings in given.items():
        _check(name, settings or {}, named(name))
    if config.get("NetworkDisabled") or joined(mode):
        return {}
    if not given:
        given = {mode: {}}
    if mac:
        mine = given[mode] = dict(given.get(mode) or {})
        if not _MAC.fullmatch(mac):
            raise InvalidArgument(f"invalid config for network {mode}: invalid MAC address {mac}")
        own = mine.get("MacAddress")
        if own and own.lower() != mac.lower():
            raise InvalidArgument(
                "the container-wide MAC address must match the endpoint-specific MAC address "
                "for the main network, or be left empty"
            )
        mine["MacAddress"] = mac
    # As dockerd: those that are named, else the mode's. Which go together, start says.
    return {name: merge.endpoint(settings) for name, settings in given.items()}


def _check(name: str, settings: Json, network: Network | None) -> None:
    """Against the network, if there is one by that name yet."""
    prefix = f"invalid config for network {name}: "
    mac = settings.get("MacAddress")
    if mac and not _MAC.fullmatch(mac):
        raise InvalidArgument(f"{prefix}invalid MAC address {mac}")
    if network is not None:
        try:
            endpoint.check(network, settings)
        except InvalidArgument as error:
            raise InvalidArgument(prefix + error.message) from None
        return
    problems = endpoint.addresses(settings.get("IPAMConfig") or {})
    if problems:
        raise InvalidArgument(f"{prefix}invalid endpoint settings:\n" + "\n".join(problems))
