"""`docker login`, the daemon's half."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orlop.image.images import Images
from orlop.registry.login import login as registry_login


def login(images: Images, auth: Mapping[str, Any]) -> dict[str, str]:
    """`{"Status": "Login Succeeded", "IdentityToken": ""}`. Raises Unauthorized."""
    return registry_login(images.registries, auth)
