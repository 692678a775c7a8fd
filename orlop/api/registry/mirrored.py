"""The built-in registry as a mirror: manifests and blobs of another one, nothing else."""

from __future__ import annotations

import re

from orlop.api.answer import Reply, Stream
from orlop.api.registry import blobs
from orlop.api.registry.manifests import shown
from orlop.api.registry.problem import Problem
from orlop.api.registry.request import digest, repository
from orlop.errors import InvalidArgument, NotFound
from orlop.image.mirror import Mirror
from orlop.oci.digest import parse_digest
from orlop.registry.failure import RegistryFailure

_PATH = re.compile(r"/v2/(.+)/(manifests|blobs)/([^/]+)", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)


def mirrored(mirror: Mirror, method: str, path: str, span: str) -> Reply:
    """`span`: the Range header. Raises Problem."""
    found = _PATH.fullmatch(path)
    if method not in ("GET", "HEAD") or found is None:
        raise Problem("UNSUPPORTED", "this is a mirror: it serves manifests and blobs")
    name, kind, rest = found.groups()
    repository(name)  # its grammar
    try:
        if kind == "manifests":
            if ":" in rest:
                parse_digest(rest)
            elif not _TAG.fullmatch(rest):
                raise Problem("MANIFEST_INVALID", "invalid tag")
            return shown(mirror.manifest(name, rest))
        if method == "HEAD":
            size = mirror.size(name, digest(rest))
            if size is None:
                raise Problem("BLOB_UNKNOWN")
            return blobs.described(digest(rest), size)
        return _sent(mirror, name, rest, span)
    except (NotFound, InvalidArgument) as error:
        raise Problem(_unknown(kind), error.message) from None
    except RegistryFailure as failure:
        if failure.unreachable or failure.temporary:
            raise Problem("UNAVAILABLE", failure.message) from None
        raise Problem(_unknown(kind), failure.message) from None


def _sent(mirror: Mirror, name: str, rest: str, span: str) -> Stream:
    return blobs.sent(mirror.blob(name, digest(rest)), digest(rest), span)


def _unknown(kind: str) -> str:
    return "MANIFEST_UNKNOWN" if kind == "manifests" else "BLOB_UNKNOWN"
