"""`orlop bootstrap debian[:suite]`: a small Debian image through the host's package mirror."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orlop.errors import Forbidden
from orlop.image import progress
from orlop.image.create import child_document
from orlop.image.debian import Debian
from orlop.image.images import Images
from orlop.image.model import chains_of
from orlop.image.notify import notify
from orlop.image.staging import Stack, reader, stage_file
from orlop.image.stream import Emit, stream
from orlop.image.tag import set_name
from orlop.oci.reference import Reference
from orlop.paths import Root
from orlop.storage.pack import pack

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def bootstrap_debian(images: Images, suite: str = "") -> Iterator[dict[str, Any]]:
    """Messages; the last is `{"stream": "Loaded image: debian:<suite>\\n"}`.

    `suite` "" is the host's. Raises Forbidden without root.
    """
    if os.geteuid() != 0:
        raise Forbidden("bootstrap debian needs root: packages run their scripts in a chroot")
    return stream(lambda emit, cancel: _make(images, suite, emit, cancel), "bootstrap")


def _make(images: Images, suite: str, emit: Emit, cancel: threading.Event) -> None:
    with tempfile.TemporaryDirectory(dir=images.scratch, prefix="debian-") as folder:
        debian = Debian(Path(folder), suite, lambda text: emit(progress.message(text)))
        tree = debian.make()
        with Root(tree) as root, Stack(images, None) as stack:
            emit(progress.message("Storing the layer"))
            staged = stage_file(images.layers, reader(pack(root, b"", b"")), None, 0)
            stack.put(0, staged)
            with images.holding(chains_of([staged.diff_id])):
                stack.commit([staged.diff_id])
                raw = child_document(
                    None,
                    {"Env": [_PATH], "Cmd": ["bash"]},
                    staged.diff_id,
                    created_by=f"orlop bootstrap debian:{debian.suite}",
                )
                image = images.add(raw)
                name = Reference("docker.io", "library/debian", debian.suite)
                set_name(images, name, image)
    notify(images, "import", image, image.id, image.id)
    emit({"stream": f"Loaded image: {name.familiar}\n"})
