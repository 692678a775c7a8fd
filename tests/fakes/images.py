"""Small images and stores for tests."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fakes.layers import FakeLayers
from orlop.config import Config
from orlop.events import Events
from orlop.image.images import Images
from orlop.image.model import Image
from orlop.image.staging import Stack, stage_file
from orlop.image.tag import set_name
from orlop.oci.digest import digest_of
from orlop.oci.reference import parse_normalized
from orlop.registry.client import Registries
from orlop.registry.transport import Transport


def layer_tar(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def document(layers: list[bytes], **extra: Any) -> dict[str, Any]:
    """A config document over plain layer archives."""
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "2024-01-02T03:04:05Z",
        "config": {"Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]},
        "history": [{"created": "2024-01-02T03:04:05Z", "created_by": "x"} for _ in layers],
        **extra,
    }


def gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def fake_images(folder: Path, layers: Any = None, **config: Any) -> Images:
    root = folder / "image" / "overlay2"
    root.mkdir(parents=True, exist_ok=True)
    settings = Config(data_root=folder, **config)
    images = Images(root, layers or FakeLayers(), Events(), settings)
    transport = Transport(user_agent="t", stall_timeout=2.0, environ={})
    images.registries = Registries(settings, transport=transport)
    return images


def put_image(
    images: Images, *names: str, layers: list[bytes] | None = None, **extra: Any
) -> Image:
    """Store an image, give it names."""
    layers = layers if layers is not None else [layer_tar({"a": b"1"})]
    parent = extra.pop("parent", None)
    raw = json.dumps(document(layers, **extra)).encode()
    with Stack(images, None) as stack:
        for index, data in enumerate(layers):
            stack.put(index, stage_file(images.layers, io.BytesIO(data), None, index))
        stack.commit(json.loads(raw)["rootfs"]["diff_ids"])
    image = images.add(raw, parent=parent)
    for name in names:
        set_name(images, parse_normalized(name).with_default_tag(), image)
    return image
