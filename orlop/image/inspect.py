"""`docker image inspect`: the image in Docker 28's shape (API 1.50)."""

from __future__ import annotations

from typing import Any

from orlop.image import times
from orlop.image.images import Images
from orlop.image.model import Image

# What API 1.50 keeps of a config even when empty, and what only when set; in Go's map order.
_ALWAYS: tuple[tuple[str, Any], ...] = (
    ("Cmd", None),
    ("Entrypoint", None),
    ("Env", None),
    ("Labels", None),
    ("OnBuild", None),
    ("User", ""),
    ("Volumes", None),
    ("WorkingDir", ""),
)
_WHEN_SET = ("ArgsEscaped", "ExposedPorts", "Healthcheck", "Shell", "StopSignal")
_LEGACY = (
    ("AttachStderr", False),
    ("AttachStdin", False),
    ("AttachStdout", False),
    ("Domainname", ""),
    ("Hostname", ""),
    ("Image", ""),
    ("OpenStdin", False),
    ("StdinOnce", False),
    ("Tty", False),
)


def inspect(images: Images, ref: str, *, legacy: bool = False) -> dict[str, Any]:
    """`legacy`: the fuller shape of API < 1.50. Raises NotFound, InvalidArgument."""
    image = images.get(ref)
    document = image.config
    names = images.references.of(image.id)
    layers = [images.layers.get(chain) for chain in image.chains]
    out: dict[str, Any] = {
        "Id": image.id,
        "RepoTags": [n.familiar for n in names if not n.digest],
        "RepoDigests": [n.familiar for n in names if n.digest],
        "Parent": image.parent or "",
        "Comment": _comment(document),
        "Created": image.created or times.ZERO,
    }
    if legacy and document.get("container_config") is not None:
        out["ContainerConfig"] = document["container_config"]
    if legacy and document.get("container"):
        out["Container"] = document["container"]
    out |= {
        "DockerVersion": document.get("docker_version") or "",
        "Author": document.get("author") or "",
        "Architecture": document.get("architecture") or "",
    }
    if document.get("variant"):
        out["Variant"] = document["variant"]
    out["Os"] = document.get("os") or "linux"
    if document.get("os.version"):
        out["OsVersion"] = document["os.version"]
    out |= {
        "Size": sum(layer.size for layer in layers),
        "GraphDriver": graph_driver(images, image),
        "RootFS": {"Type": "layers"},
        "Metadata": {"LastTagTime": images.last_tagged(image.id)},
        "Config": shown_config(document.get("config"), legacy=legacy),
    }
    if image.diff_ids:
        out["RootFS"]["Layers"] = list(image.diff_ids)
    return out


def _comment(document: dict[str, Any]) -> str:
    """A config without a comment shows that of its last history entry."""
    comment = document.get("comment") or ""
    history = document.get("history") or []
    if not comment and history:
        comment = history[-1].get("comment") or ""
    return str(comment)


def shown_config(config: dict[str, Any] | None, *, legacy: bool = False) -> dict[str, Any] | None:
    if config is None:
        return None
    out = {key: config.get(key, default) for key, default in _ALWAYS}
    out = {key: value if value is not None else dict(_ALWAYS)[key] for key, value in out.items()}
    if legacy:
        out |= {key: config.get(key, default) for key, default in _LEGACY}
    out |= {key: config[key] for key in _WHEN_SET if config.get(key)}
    return dict(sorted(out.items()))


def graph_driver(images: Images, image: Image) -> dict[str, Any]:
    """Where the layers lie: paths below the data root, upper layers first."""
    name = images.root.name
    layers = [images.layers.get(chain) for chain in image.chains]
    if not layers or name not in ("overlay2", "fuse-overlayfs"):
        return {"Data": None, "Name": name}
    home = images.config.data_root / name
    top = home / layers[-1].cache_id
    data: dict[str, str] = {}
    if len(layers) > 1:
        data["LowerDir"] = ":".join(
            str(home / layer.cache_id / "diff") for layer in reversed(layers[:-1])
        )
    data |= {
        "MergedDir": str(top / "merged"),
        "UpperDir": str(top / "diff"),
        "WorkDir": str(top / "work"),
    }
    return {"Data": data, "Name": name}
