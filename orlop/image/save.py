"""`docker save`: the archive dockerd 25 and later write, an OCI layout and Docker's own in one.

`blobs/sha256/<hex>` (configs, plain layers, OCI manifests), `index.json`, `manifest.json`,
`oci-layout`, `repositories`. The same images give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from orlop.errors import InvalidArgument, NotFound
from orlop.image import times
from orlop.image.images import Images
from orlop.image.model import Image
from orlop.image.notify import notify
from orlop.image.tarsize import archive_size
from orlop.oci import platform as platforms
from orlop.oci.digest import ChainID, DiffID, ImageID, digest_of, hex_of, parse_digest
from orlop.oci.image import go_json
from orlop.oci.manifest import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from orlop.oci.reference import Reference, parse_any
from orlop.storage.pack import DIRECTORY, END, Header, padding

_LAYOUT = b'{"imageLayoutVersion": "1.0.0"}'


@dataclass(slots=True)
class _Chosen:
    image: Image
    tags: list[Reference] = field(default_factory=list)


def save(images: Images, refs: Sequence[str], *, platform: str | None = None) -> Iterator[bytes]:
    """The archive in pieces. Names are resolved at once: NotFound, InvalidArgument."""
    wanted = platforms.parse(platform) if platform else None
    chosen: dict[ImageID, _Chosen] = {}
    for ref in refs:
        for image, tag in _resolve(images, ref):
            have = platforms.from_dict(image.config)
            if wanted is not None and not platforms.satisfies(have, wanted):
                raise NotFound(f"no suitable export target found for platform {wanted}")
            item = chosen.setdefault(image.id, _Chosen(image))
            if tag is not None and tag not in item.tags:
                item.tags.append(tag)
    for item in chosen.values():
        notify(images, "save", item.image, item.image.id, item.image.id)
    return _archive(images, list(chosen.values()))


def _resolve(images: Images, ref: str) -> list[tuple[Image, Reference | None]]:
    """An ID, a tag, or every tag of a bare repository name."""
    parsed = parse_any(ref)
    if isinstance(parsed, str):
        return [(images.get(ref), None)]
    if parsed.familiar_name == "sha256" or not parsed.name_only:
        try:
            image = images.get(ref)
        except NotFound:
            if parsed.digest or parsed.familiar_name == "sha256":
                raise
            raise NotFound("reference does not exist") from None
        named = images.references.get(parsed) == image.id and not parsed.digest
        return [(image, parsed.with_default_tag() if named else None)]
    held = images.references.in_repository(parsed)
    out = [(i, n if not n.digest else None) for n, d in held if (i := images.find(d)) is not None]
    if out:
        return [(image, name) for image, name in out]
    try:
        return [(images.get(ref), None)]
    except NotFound:
        raise NotFound(f"No such image: {ref}") from None


class _Contents:
    """Everything that goes into `blobs/sha256`, by hex digest."""

    def __init__(self, images: Images) -> None:
        self.images = images
        self.small: dict[str, tuple[bytes, int]] = {}  # data, mtime in ns
        self.layers: dict[str, tuple[ChainID, int, int]] = {}  # chain, size, mtime in ns

    def add(self, data: bytes, mtime_ns: int) -> str:
        digest = digest_of(data)
        self.small.setdefault(hex_of(digest), (data, mtime_ns))
        return digest

    def add_layer(self, chain: ChainID, diff: DiffID, mtime_ns: int) -> dict[str, Any]:
        """The layer's OCI descriptor."""
        key = hex_of(diff)
        if key not in self.layers:
            size = archive_size(self.images.layers, chain)
            self.layers[key] = (chain, size, mtime_ns)
        return {"mediaType": OCI_LAYER, "digest": diff, "size": self.layers[key][1]}


def _archive(images: Images, chosen: list[_Chosen]) -> Iterator[bytes]:
    chains = [chain for item in chosen for chain in item.image.chains]
    with images.holding(chains):
        contents = _Contents(images)
        index: list[dict[str, Any]] = []
        manifests: list[dict[str, Any]] = []
        repositories: dict[str, dict[str, str]] = {}
        for item in chosen:
            _describe(item, contents, index, manifests, repositories)
        newest = max((times.parse_ns(item.image.created) for item in chosen), default=0)
        yield _directory("blobs", newest) + _directory("blobs/sha256", newest)
        for key in sorted([*contents.small, *contents.layers]):
            yield from _blob(images, contents, key)
        yield _file("index.json", go_json(_index(index)))
        yield _file("manifest.json", go_json(manifests) + b"\n")
        yield _file("oci-layout", _LAYOUT)
        if repositories:
            ordered = {name: dict(sorted(tags.items())) for name, tags in repositories.items()}
            yield _file("repositories", go_json(dict(sorted(ordered.items()))) + b"\n")
        yield END


def _index(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}


def _describe(
    item: _Chosen,
    contents: _Contents,
    index: list[dict[str, Any]],
    manifests: list[dict[str, Any]],
    repositories: dict[str, dict[str, str]],
) -> None:
    image = item.image
    created = times.parse_ns(image.created)
    config = contents.add(image.raw, created)
    layers = [
        contents.add_layer(chain, diff, created)
        for chain, diff in zip(image.chains, image.diff_ids)
    ]
    manifest = go_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": config, "size": len(image.raw)},
            "layers": layers,
        }
    )
    digest = contents.add(manifest, 0)
    entry: dict[str, Any] = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(manifest)}
    for tag in item.tags:
        names = {"io.containerd.image.name": str(tag), "org.opencontainers.image.ref.name": tag.tag}
        index.append({**entry, "annotations": names})
        if image.diff_ids:
            top = hex_of(image.diff_ids[-1])
            repositories.setdefault(tag.familiar_name, {})[tag.tag] = top
    if not item.tags:
        index.append(entry)
    legacy: dict[str, Any] = {
        "Config": f"blobs/sha256/{hex_of(config)}",
        "RepoTags": [tag.familiar for tag in item.tags] or None,
        "Layers": [f"blobs/sha256/{hex_of(layer['digest'])}" for layer in layers],
    }
    sources = {layer["digest"]: _source(layer) for layer in layers}
    if sources:
        legacy["LayerSources"] = dict(sorted(sources.items()))
    manifests.append(legacy)


def _source(layer: dict[str, Any]) -> dict[str, Any]:
    return {key: layer[key] for key in ("mediaType", "size", "digest")}


def _blob(images: Images, contents: _Contents, key: str) -> Iterator[bytes]:
    name = f"blobs/sha256/{key}"
    if key in contents.small:
        data, mtime = contents.small[key]
        yield _file(name, data, mtime)
        return
    chain, size, mtime = contents.layers[key]
    yield Header(name.encode(), size=size, mtime_ns=_whole(mtime)).encode()
    sent = 0
    for piece in images.layers.open_tar(chain):
        sent += len(piece)
        yield piece
    if sent != size:
        raise InvalidArgument(f"layer {parse_digest('sha256:' + key)} changed while it was saved")
    if size % 512:
        yield padding(size)


def _file(name: str, data: bytes, mtime_ns: int = 0) -> bytes:
    header = Header(name.encode(), size=len(data), mtime_ns=_whole(mtime_ns))
    return header.encode() + data + padding(len(data))


def _directory(name: str, mtime_ns: int) -> bytes:
    header = Header(name.encode() + b"/", mode=0o755, mtime_ns=_whole(mtime_ns), type=DIRECTORY)
    return header.encode()


def _whole(ns: int) -> int:
    """Whole seconds, never before 1970: ustar holds no more."""
    return max(0, ns // 10**9) * 10**9
