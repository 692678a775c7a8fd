"""`orlop tags REPOSITORY`: what Docker lacks. All tags of a repository, and what is behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from orlop.errors import OrlopError
from orlop.image.images import Images
from orlop.image.pull import translated
from orlop.oci import platform as platforms
from orlop.oci.image import parse_config
from orlop.oci.manifest import MAX_CONFIG, Descriptor, Index, Manifest, select
from orlop.oci.reference import Reference, parse_normalized
from orlop.registry.blobs import get_small
from orlop.registry.client import another_may_serve
from orlop.registry.failure import RegistryFailure
from orlop.registry.manifests import get_manifest
from orlop.registry.retry import retrying
from orlop.registry.session import Session
from orlop.registry.tags import list_tags

_ABREAST = 8


def tags(
    images: Images, repository: str, *, auth: Mapping[str, Any] | None = None, detail: bool = False
) -> Iterator[dict[str, Any]]:
    """`{"Name"}`, with `detail` also `Digest`, `Size`, `Created`, `Platforms` (or `Error`)."""
    reference = parse_normalized(repository).repository
    return _rows(images, reference, auth, detail)


def _rows(
    images: Images, reference: Reference, auth: Mapping[str, Any] | None, detail: bool
) -> Iterator[dict[str, Any]]:
    session, names = on_some_endpoint(
        images, reference, auth, lambda s: (s, sorted(set(list_tags(s, reference))))
    )
    if not detail:
        yield from ({"Name": name} for name in names)
        return
    with ThreadPoolExecutor(_ABREAST, "tags") as pool:
        try:
            yield from pool.map(lambda name: _detail(session, reference, name), names)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def on_some_endpoint(
    images: Images,
    reference: Reference,
    auth: Mapping[str, Any] | None,
    ask: Callable[[Session], Any],
    *,
    insecure: bool = False,
) -> Any:
    """The first answer of the registry's endpoints. Raises as pull does.

    `insecure`: plain http and unchecked certificates will do for this one question.
    """
    last: RegistryFailure | None = None
    for session in images.registries.sessions(reference.domain, auth, insecure=insecure):
        try:
            return retrying(lambda s=session: ask(s))  # type: ignore[misc]
        except RegistryFailure as failure:
            last = failure
            if not another_may_serve(session, failure):
                break
    assert last is not None
    raise translated(last, reference) from None


def _detail(session: Session, reference: Reference, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"Name": name}
    try:
        top = retrying(lambda: get_manifest(session, reference, name))
        row["Digest"] = top.digest
        if isinstance(top.manifest, Index):
            known = [e for e in top.manifest.manifests if e.platform and e.platform.os != "unknown"]
            row["Platforms"] = [str(entry.platform) for entry in known]
            chosen = select(top.manifest, None) or (known[0] if known else None)
            manifest = _manifest(session, reference, chosen) if chosen is not None else None
        else:
            manifest = top.manifest
        if manifest is not None:
            row["Size"] = sum(layer.size for layer in manifest.layers)
            config = parse_config(get_small(session, reference, manifest.config, MAX_CONFIG))
            row["Created"] = config.get("created") or ""
            row.setdefault("Platforms", [str(platforms.from_dict(config))])
    except OrlopError as error:
        row["Error"] = error.message
    return row


def _manifest(session: Session, reference: Reference, entry: Descriptor) -> Manifest | None:
    found = retrying(lambda: get_manifest(session, reference, entry.digest)).manifest
    return found if isinstance(found, Manifest) else None
