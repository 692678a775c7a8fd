"""New images: from a parent, a layer and one history entry, in dockerd's JSON.

Source: moby `image.NewChildImage` (facts: which fields, which order).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orlop.image import times
from orlop.image.images import Images
from orlop.image.model import Image, Layer
from orlop.oci import platform as platforms
from orlop.oci.digest import DiffID
from orlop.oci.image import go_json
from orlop.oci.platform import Platform

DOCKER_VERSION = "28.5.2"  # whose format and behaviour this is
EMPTY_LAYER = DiffID("sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef")

# Go's field order: (key, default written when unset) and keys left out when unset.
_FIELDS: tuple[tuple[str, Any], ...] = (
    ("Hostname", ""),
    ("Domainname", ""),
    ("User", ""),
    ("AttachStdin", False),
    ("AttachStdout", False),
    ("AttachStderr", False),
    ("ExposedPorts", ...),
    ("Tty", False),
    ("OpenStdin", False),
    ("StdinOnce", False),
    ("Env", None),
    ("Cmd", None),
    ("Healthcheck", ...),
    ("ArgsEscaped", ...),
    ("Image", ""),
    ("Volumes", None),
    ("WorkingDir", ""),
    ("Entrypoint", None),
    ("NetworkDisabled", ...),
    ("MacAddress", ...),
    ("OnBuild", None),
    ("Labels", None),
    ("StopSignal", ...),
    ("StopTimeout", ...),
    ("Shell", ...),
)
_SORTED_MAPS = ("ExposedPorts", "Volumes", "Labels")
_KNOWN = frozenset(key for key, _ in _FIELDS)


def ordered_config(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """A run config with Docker's keys, order and defaults; keys of others come last."""
    given = config or {}
    out: dict[str, Any] = {}
    for key, default in _FIELDS:
        value = given.get(key)
        if key in _SORTED_MAPS and value is not None:
            value = dict(sorted(value.items()))
        if default is ...:
            if value:
                out[key] = value
        else:
            out[key] = default if value is None else value
    out.update((key, value) for key, value in given.items() if key not in _KNOWN)
    return out


def child_document(
    parent: Image | None,
    config: Mapping[str, Any] | None,
    diff_id: DiffID,
    *,
    created: str = "",
    created_by: str = "",
    author: str = "",
    comment: str = "",
    container: str = "",
    container_config: Mapping[str, Any] | None = None,
    platform: Platform | None = None,
    top_comment: bool = False,
    keep_empty: bool = False,
) -> bytes:
    """The new image's config as bytes. An empty layer is noted in the history only.

    `import` keeps even an empty layer and says its comment at the top too.
    """
    above = parent.config if parent is not None else {}
    host = platform or platforms.default()
    created = created or times.now()
    empty = diff_id == EMPTY_LAYER and not keep_empty
    entry: dict[str, Any] = {"created": created}
    entry |= {"author": author} if author else {}
    entry |= {"created_by": created_by} if created_by else {}
    entry |= {"comment": comment} if comment else {}
    entry |= {"empty_layer": True} if empty else {}
    diffs = list(parent.diff_ids) if parent is not None else []
    document: dict[str, Any] = {
        "architecture": above.get("architecture") or host.architecture,
        "author": author,
        "comment": comment if top_comment else "",
        "config": ordered_config(config),
        "container": container,
        "container_config": ordered_config(container_config),
        "created": created,
        "docker_version": DOCKER_VERSION,
        "history": [*(above.get("history") or []), entry],
        "os": above.get("os") or host.os,
        "os.features": above.get("os.features"),
        "os.version": above.get("os.version"),
        "rootfs": {"type": "layers", "diff_ids": diffs if empty else [*diffs, diff_id]},
        "variant": above.get("variant") or (host.variant if parent is None else ""),
    }
    return go_json({key: value for key, value in document.items() if value not in ("", None)})


def create_from_layer(
    images: Images,
    parent_image: Image | None,
    config: Mapping[str, Any] | None,
    layer: Layer | None,
    *,
    comment: str = "",
    author: str = "",
    created_by: str = "",
    container: str = "",
    container_config: Mapping[str, Any] | None = None,
) -> Image:
    """Store the image that `commit` makes; `layer` None means nothing changed.

    The layer store has been synced here before the image's record is written.
    """
    diff_id = layer.diff_id if layer is not None else EMPTY_LAYER
    raw = child_document(
        parent_image,
        config,
        diff_id,
        comment=comment,
        author=author,
        created_by=created_by,
        container=container,
        container_config=container_config,
    )
    if layer is not None:
        images.layers.sync()
    parent = parent_image.id if parent_image is not None else None
    return images.add(raw, parent=parent, local=True)
