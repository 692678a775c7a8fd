"""Blobs down: verified while they are written, resumed with Range when the line breaks.

Source: OCI distribution-spec "Pulling blobs"; RFC 9110 section 14 (ranges).
"""

from __future__ import annotations

import hashlib
import os
import random
import re
from collections.abc import Callable
from threading import Event

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from orlop.oci.manifest import Descriptor
from orlop.oci.reference import Reference
from orlop.registry import wording
from orlop.registry.client import pull_scope
from orlop.registry.encoding import read_up_to, unpacked
from orlop.registry.failure import RegistryFailure
from orlop.registry.session import Session

CHUNK = 256 << 10
_PROGRESS = 64 << 10  # bytes that make a try count as one that got on
_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)


class Cancelled(Exception):
    """The caller went away."""


class Download:
    """One blob on its way into `fd`. Callbacks run on the downloading thread."""

    def __init__(
        self,
        session: Session,
        reference: Reference,
        blob: Descriptor,
        fd: int,
        *,
        attempts: int,
        cancel: Event,
        on_bytes: Callable[[int], None],
        on_retry: Callable[[float], None],
    ) -> None:
        self.session = session
        self.reference = reference
        self.blob = blob
        self.fd = fd
        self.attempts = attempts
        self.cancel = cancel
        self.on_bytes = on_bytes
        self.on_retry = on_retry
        self._hash = hashlib.sha256()
        self._have = 0

    def run(self) -> None:
        """Returns once every byte is there and verified. RegistryFailure, OSError, Cancelled."""
        self._take_over()
        tries = 0
        rotten = False
        while True:
            before = self._have
            try:
                if self._have < self.blob.size:
                    self._fetch()
                if "sha256:" + self._hash.hexdigest() == self.blob.digest:
                    return
                self._restart()
                failure = RegistryFailure(
                    f"filesystem layer verification failed for digest {self.blob.digest}"
                )
                if rotten or before == 0:
                    raise failure  # a whole fetch was wrong: so will be the next
                rotten = True
            except RegistryFailure as caught:
                failure = caught
                if not failure.temporary:
                    raise
            tries = 1 if self._have - before >= _PROGRESS else tries + 1
            if tries >= self.attempts:
                raise failure
            self._pause(failure, tries)

    def _take_over(self) -> None:
        """Bytes an earlier, broken pull left behind are hashed, not fetched."""
        size = os.fstat(self.fd).st_size
        if size > self.blob.size:
            os.ftruncate(self.fd, 0)
            return
        os.lseek(self.fd, 0, os.SEEK_SET)
        while self._have < size:
            data = os.read(self.fd, CHUNK)
            if not data:
                break
            self._hash.update(data)
            self._have += len(data)
        if self._have:
            self.on_bytes(self._have)

    def _restart(self) -> None:
        os.ftruncate(self.fd, 0)
        self._hash = hashlib.sha256()
        self._have = 0

    def _fetch(self) -> None:
        headers = {"Range": f"bytes={self._have}-"} if self._have else {}
        path = f"/v2/{self.reference.path}/blobs/{self.blob.digest}"
        with self.session.request(
            "GET", path, scopes=pull_scope(self.reference), headers=headers, ok=(200, 206, 404, 416)
        ) as answer:
            if answer.status == 404:
                raise RegistryFailure("unknown blob", code="BLOB_UNKNOWN", status=404)
            if self._have and not self._continues(answer):
                self._restart()
                if answer.status != 200:
                    raise RegistryFailure(
                        "the registry answered another range than asked for", temporary=True
                    )
            elif answer.status != (206 if self._have else 200):
                raise RegistryFailure(f"unexpected HTTP status {answer.status} for a blob")
            self._copy(answer)

    def _continues(self, answer: BaseHTTPResponse) -> bool:
        """It may give less than was asked for, but nothing else."""
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if answer.status != 206 or found is None or int(found[1]) != self._have:
            return False
        return int(found[2]) < self.blob.size and found[3] in ("*", str(self.blob.size))

    def _copy(self, answer: BaseHTTPResponse) -> None:
        os.lseek(self.fd, self._have, os.SEEK_SET)
        # Of the right length it is the blob, whatever a store says of its form; nor is a part
        # of something packed the continuation of anything.
        length = answer.headers.get("Content-Length")
        raw = answer.status == 206 or length == str(self.blob.size)
        read = answer.read if raw else unpacked(answer)
        while not self.cancel.is_set():
            try:
                data = read(CHUNK)
            except (HTTPError, OSError) as error:
                raise wording.read_failure(error) from None
            if not data:
                break
            if self._have + len(data) > self.blob.size:
                self._restart()
                raise RegistryFailure(f"blob {self.blob.digest} is larger than its manifest says")
            view = memoryview(data)
            while view:
                view = view[os.write(self.fd, view) :]
            self._hash.update(data)
            self._have += len(data)
            self.on_bytes(self._have)
        if self.cancel.is_set():
            raise Cancelled
        if self._have < self.blob.size:
            raise RegistryFailure("unexpected EOF", temporary=True)

    def _pause(self, failure: RegistryFailure, tries: int) -> None:
        wait = failure.retry_after
        if wait is None:
            wait = min(0.25 * 2**tries, 15.0) * (0.75 + random.random() / 2)
        self.on_retry(wait)
        if self.cancel.wait(min(wait, 120.0)):
            raise Cancelled


def get_small(session: Session, reference: Reference, blob: Descriptor, limit: int) -> bytes:
    """A config blob, in memory, verified. Raises RegistryFailure."""
    if blob.size > limit:
        raise RegistryFailure(f"blob {blob.digest} is too large: {blob.size} bytes")
    path = f"/v2/{reference.path}/blobs/{blob.digest}"
    with session.request("GET", path, scopes=pull_scope(reference)) as answer:
        try:
            raw = answer.headers.get("Content-Length") == str(blob.size)
            data = answer.read(blob.size) if raw else read_up_to(answer, blob.size + 1)
        except HTTPError as error:
            raise wording.read_failure(error) from None
    if len(data) < blob.size:
        raise RegistryFailure("unexpected EOF", temporary=True)
    if "sha256:" + hashlib.sha256(data).hexdigest() != blob.digest:
        raise RegistryFailure(f"image config verification failed for digest {blob.digest}")
    return data
