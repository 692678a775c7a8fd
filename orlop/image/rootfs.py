"""The files of an image as one archive, layers merged; nothing is added to them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from orlop.image.images import Images
from orlop.oci.digest import ChainID
from orlop.paths import Root
from orlop.storage.pack import END, pack


def rootfs(images: Images, ref: str) -> Iterator[bytes]:
    """Raises NotFound at once."""
    image = images.get(ref)
    return _archive(images, image.chains)


def _archive(images: Images, chains: tuple[ChainID, ...]) -> Iterator[bytes]:
    if not chains:
        yield END
        return
    with images.holding(chains):
        fd = images.layers.view(chains[-1])
        try:
            with Root(fd) as root:
                yield from pack(root, "", "")
        finally:
            os.close(fd)
