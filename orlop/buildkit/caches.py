"""`--cache-from`: images that answer for steps. One that is not here is fetched first; one that
cannot be had is no error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orlop.builder.base import auth_for
from orlop.buildkit.grpc import RpcFailure
from orlop.buildkit.jobs import Job
from orlop.buildkit.story import Told
from orlop.errors import NotFound, OrlopError
from orlop.image.images import Images
from orlop.image.pull import pull
from orlop.oci.reference import Reference, parse_any

_KINDS = ("registry", "local", "")  # local: of BuildKit's own, whose keys mean nothing here


def fetch(images: Images, job: Job, names: Iterable[str], auth: Mapping[str, Any]) -> None:
    """Raises RpcFailure for a client that has left."""
    for name in names:
        try:
            images.get(name)
        except NotFound:
            pass
        except OrlopError:
            continue
        else:
            continue
        told = Told(job, f"importing cache manifest from {name}")
        told.start()
        try:
            found = parse_any(name)
            if isinstance(found, Reference):
                _pull(images, job, found.with_default_tag(), auth)
        except RpcFailure:
            raise
        except OrlopError as error:
            told.complete(error=error.message)
        else:
            told.complete()


def tell_unknown(job: Job, kinds: Iterable[str]) -> None:
    """What no builder of dockerd can ask is said, and no error."""
    for kind in kinds:
        if kind not in _KINDS:
            told = Told(job, f"importing cache manifest from {kind}")
            told.start()
            told.complete(error=f"unknown cache importer: {kind}")


def _pull(images: Images, job: Job, name: Reference, auth: Mapping[str, Any]) -> None:
    for _ in pull(images, name, auth=auth_for(auth, name)):
        job.check()
