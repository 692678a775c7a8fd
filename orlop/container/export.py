"""`docker export`: the container's whole filesystem as one tar, without its volumes."""

from __future__ import annotations

from collections.abc import Iterator

from orlop.container.containers import Containers
from orlop.container.view import layer_view
from orlop.storage.pack import pack


def export(containers: Containers, ref: str) -> Iterator[bytes]:
    """Chunks of the tar; closing the iterator ends it and releases the mount."""
    container = containers.get(ref)
    with layer_view(containers, container) as root:
        yield from pack(root, "/", "", container.rootfs_map)
    containers.publish(container, "export")
