"""New images: from a parent, a layer and one history entry, in dockerd's JSON.

Source: moby `image.NewChildImage` (facts: which fields, which order).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orlop.image import changes as changing
from orlop.image import times
from orlop.image.images import Images
from orlop.image.model import Image, chains_of
from orlop.image.notify import notify
from orlop.image.staging import Stack, reader, stage_file
from orlop.image.tag import parse_target, set_name
from orlop.oci import platform as platforms
from orlop.oci.digest import DiffID, ImageID
from orlop.oci.image import go_json
from orlop.oci.platform import Platform
from orlop.oci.reference import Reference

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
    *,
    parent: str,
    diff: Iterator[bytes],
    container: str = "",
    container_config: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    changes: Sequence[str] = (),
    comment: str = "",
    author: str = "",
    repo: str = "",
    tag: str = "",
) -> ImageID:
    """What `commit` makes: the image `parent` ("": none) with the layer archive `diff` on top.

    `config`, where given, is merged over the parent's; `changes` are applied last. A layer without
    any change adds only a history entry. Raises NotFound, InvalidArgument, OSError.
    """
    target = parse_target(repo, tag)
    above = images.get(parent) if parent else None
    run = merged_config(container_config, config, above)
    run = changing.apply(run, changes)
    words = (container_config or {}).get("Cmd") or []
    chains = above.chains if above is not None else ()
    with images.holding(chains), Stack(images, chains[-1] if chains else None) as stack:
        staged = stage_file(images.layers, reader(diff), None, 0)
        stack.put(0, staged)
        raw = child_document(
            above,
            run,
            staged.diff_id,
            comment=comment,
            author=author,
            created_by=" ".join(words),
            container=container,
            container_config=container_config,
        )
        if staged.diff_id == EMPTY_LAYER:
            return _keep(images, raw, above, target)
        with images.holding(chains_of([*(above.diff_ids if above else ()), staged.diff_id])):
            stack.commit([staged.diff_id])
            return _keep(images, raw, above, target)


def _keep(images: Images, raw: bytes, above: Image | None, target: Reference | None) -> ImageID:
    image = images.add(raw, parent=above.id if above is not None else None, local=True)
    notify(images, "create", image, image.id, image.id)
    if target is not None:
        set_name(images, target, image)
    return image.id


def merged_config(
    container_config: Mapping[str, Any] | None,
    given: Mapping[str, Any] | None,
    parent: Image | None,
) -> dict[str, Any]:
    """dockerd's merge at commit: what the request leaves empty comes from the container."""
    base = dict(container_config or (parent.run_config if parent is not None else {}))
    if not given:
        return base
    out = dict(given)
    for key in ("User", "Cmd", "Entrypoint", "WorkingDir", "StopSignal", "Shell", "Healthcheck"):
        if not out.get(key) and base.get(key) and not (key == "Cmd" and out.get("Entrypoint")):
            out[key] = base[key]
    for key in ("ExposedPorts", "Volumes", "Labels"):
        both = {**(base.get(key) or {}), **(out.get(key) or {})}
        if both or key == "Labels":
            out[key] = both
    names = {entry.partition("=")[0] for entry in out.get("Env") or []}
    kept = [e for e in base.get("Env") or [] if e.partition("=")[0] not in names]
    out["Env"] = [*(out.get("Env") or []), *kept]
    return out
