"""`docker load`.

Source: dockerd 28's messages (`Loading layer`, `Loaded image: x`) and checks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import wait
from typing import Any, BinaryIO

from orlop.errors import InvalidArgument, SystemFailure
from orlop.image import progress
from orlop.image.archive import Entry, entries
from orlop.image.images import Images
from orlop.image.model import Image, chains_of
from orlop.image.notify import notify
from orlop.image.spool import Member, Spool, take_staged
from orlop.image.staging import Stack, missing_from, stage_file
from orlop.image.stream import Emit, stream
from orlop.oci import platform as platforms
from orlop.oci.digest import DiffID
from orlop.oci.image import diff_ids, parse_config
from orlop.oci.platform import Platform
from orlop.oci.reference import Reference
from orlop.registry.blobs import Cancelled


def load(
    images: Images, source: BinaryIO, *, platform: str | None = None, quiet: bool = False
) -> Iterator[dict[str, Any]]:
    """Messages: progress dicts and `{"stream": "Loaded image: x\\n"}`."""
    wanted = platforms.parse(platform) if platform else None

    def work(emit: Emit, cancel: threading.Event) -> None:
        _load(images, source, wanted, quiet, emit, cancel)

    return stream(work, "load")


def _load(
    images: Images,
    source: BinaryIO,
    platform: Platform | None,
    quiet: bool,
    emit: Emit,
    cancel: threading.Event,
) -> None:
    def check() -> None:
        if cancel.is_set():
            raise Cancelled

    with Spool(images) as spool:
        spool.read(source, check)
        untagged = ""
        tagged = 0
        for entry in entries(spool, platform):
            check()
            if platform is not None and not _suits(entry, platform):
                continue
            image = _Loading(images, spool, entry, quiet, emit).run()
            for name in entry.tags:
                name_loaded(images, name, image, emit)
                tagged += 1
            untagged += f"Loaded image ID: {image.id}\n"
            notify(images, "load", image, image.id, image.id)
        if not tagged and untagged:
            emit({"stream": untagged})
        elif not tagged and platform is not None:
            emit({})  # nothing was of that platform


def _suits(entry: Entry, platform: Platform) -> bool:
    return platforms.satisfies(platforms.from_dict(parse_config(entry.config)), platform)


def name_loaded(images: Images, name: Reference, image: Image, emit: Emit) -> None:
    before = images.references.get(name)
    if before is not None and before != image.id:
        text = f"The image {name.familiar} already exists, renaming the old one with ID {before}"
        emit({"stream": f"{text} to empty string\n"})
    with images.locked(image):
        images.references.set_tag(name, image.id)  # as dockerd: no tag event, no LastTagTime
    emit({"stream": f"Loaded image: {name.familiar}\n"})


class _Loading:
    def __init__(self, images: Images, spool: Spool, entry: Entry, quiet: bool, emit: Emit) -> None:
        self.images = images
        self.spool = spool
        self.entry = entry
        self.quiet = quiet
        self.emit = emit

    def run(self) -> Image:
        document = parse_config(self.entry.config)
        diffs = diff_ids(document)
        if len(diffs) != len(self.entry.layers):
            raise InvalidArgument(
                "invalid manifest, layers length mismatch: expected "
                f"{len(self.entry.layers)}, got {len(diffs)}"
            )
        if document.get("os") not in (None, "", "linux"):
            raise SystemFailure(f"cannot load {document['os']} image on linux")
        chains = chains_of(diffs)
        with self.images.holding(chains):
            there = missing_from(self.images.layers, chains)
            base = chains[there - 1] if there else None
            with Stack(self.images, base) as stack:
                self._stage(diffs, there, stack)
                stack.commit(diffs[there:])
            parent = self.entry.parent
            if parent is not None and self.images.find(parent) is None:
                parent = None
            return self.images.add(self.entry.config, parent=parent)

    def _stage(self, diffs: tuple[DiffID, ...], there: int, stack: Stack) -> None:
        members = [self._member(name) for name in self.entry.layers[there:]]
        for member in members:
            self.spool.unpack(member)  # those not started ahead
        for index, member in enumerate(members):
            diff = diffs[there + index]
            if member.job is None:  # the same member serves two layers
                with member.open() as again:
                    stack.put(index, stage_file(self.images.layers, again, diff, there + index))
                continue
            self._show(member, diff)
            staged = take_staged(member)
            stack.put(index, staged)
            if staged.diff_id != diff:
                raise InvalidArgument(
                    f'invalid diffID for layer {there + index}: expected "{diff}", got '
                    f'"{staged.diff_id}"'
                )

    def _member(self, name: str) -> Member:
        member = self.spool.find(name)
        if member is None:
            raise SystemFailure(f"open {name[:200]}: no such file or directory")
        return member

    def _show(self, member: Member, diff: DiffID) -> None:
        """`Loading layer` lines while the worker reads on."""
        job = member.job
        while job is not None and not wait([job], timeout=0.1).done:
            if not self.quiet and 0 < member.offset <= member.size:
                self._line(diff, member.offset, member.size)
        if not self.quiet:
            self._line(diff, member.size, member.size)

    def _line(self, diff: DiffID, at: int, size: int) -> None:
        self.emit(progress.moving("Loading layer", diff[7:19], at, size))
