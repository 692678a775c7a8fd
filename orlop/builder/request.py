"""What a client wants built, decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orlop.builder.context import Context

Json = dict[str, Any]


@dataclass(slots=True)
class Request:
    context: Context
    dockerfile: str = "Dockerfile"
    text: str | None = None  # the Dockerfile itself, where it does not lie in the context
    tags: tuple[str, ...] = ()
    target: str = ""
    arguments: Mapping[str, str | None] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""
    no_cache: bool = False
    no_cache_stages: frozenset[str] = frozenset()
    cache_from: tuple[str, ...] = ()
    pull: bool = False
    remove: bool = True  # a step's container, once it succeeded
    force_remove: bool = False  # also when it failed
    squash: bool = False
    network: str = ""
    host: Json = field(default_factory=dict)  # of the steps' containers: limits, ExtraHosts, …
    auth: Mapping[str, Json] = field(default_factory=dict)  # by registry
    secrets: Mapping[str, bytes] = field(default_factory=dict)
    agents: Mapping[str, str] = field(default_factory=dict)  # ssh: id → the agent's socket
    explain: bool = False
    insecure: bool = False  # `RUN --security=insecure` is allowed
    host_network: bool = True  # `RUN --network=host` is allowed
    epoch: int | None = None  # SOURCE_DATE_EPOCH
    contexts: Mapping[str, Context | str] = field(default_factory=dict)  # as named.py reads them
    listed: bool = True  # what it comes to, and every step on the way, is an image
    id: str = ""  # what the client calls it, to cancel it
