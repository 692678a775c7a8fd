"""Where a registry sends us, from an address that may be none."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from orlop.registry.failure import RegistryFailure


def joined(url: str, target: str) -> str:
    """`target` as the answer of `url` means it. Raises RegistryFailure for what is no address."""
    try:
        found = urljoin(url, target)
        urlsplit(found)
    except ValueError:
        raise RegistryFailure(f"invalid address from the registry: {target[:200]!r}") from None
    return found
