"""`--squash`: the layers that a build added as one, the base's untouched."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from typing import BinaryIO, cast

from orlop.builder.session import Session
from orlop.builder.state import State
from orlop.paths import Root
from orlop.storage import changes, seal
from orlop.storage.compression import Reader
from orlop.storage.recordfile import nothing


def squash(session: Session, base: State, top: State) -> State:
    layers = session.builder.layers
    if top.chain is None or top.chain == base.chain:
        return top
    with ExitStack() as stack:
        upper = _opened(layers.view(top.chain), stack)
        below = nothing() if base.chain is None else layers.view(base.chain)
        found = changes.compare_whole(upper, _opened(below, stack))
        with Root(upper) as root:
            chunks = seal.archive(root, found, top.epoch * 10**9)
            staged = layers.stage(cast(BinaryIO, Reader(chunks)))
    made = layers.stack(base.chain, staged)
    session.hold(made.chain_id)
    layers.settle([made.chain_id])
    history = [
        *base.history,
        *({**entry, "empty_layer": True} for entry in top.history[len(base.history) :]),
    ]
    flat = replace(top, diff_ids=base.diff_ids, chain=base.chain, history=tuple(history))
    comment = f"merge {top.image_id} to {base.image_id if base.chain else 'scratch'}"
    return flat.stepped("", made.diff_id, comment=comment)


def _opened(fd: int, stack: ExitStack) -> int:
    """A readable descriptor of a directory in place of `fd`, closed with `stack`."""
    try:
        found = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
    finally:
        os.close(fd)
    stack.callback(os.close, found)
    return found
