"""A step's new layer: a writable one to fill, sealed into a layer on the stage's stack."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

from orlop.builder.cache import Hit
from orlop.builder.session import Session
from orlop.builder.state import State
from orlop.paths import Root
from orlop.storage.layers import Layers
from orlop.storage.seal import seal


@contextlib.contextmanager
def writable(session: Session, state: State) -> Iterator[tuple[str, Root]]:
    """(its name, the stage's files to be changed)."""
    layers: Layers = session.builder.layers
    name = f"build-{secrets.token_hex(28)}"
    layers.create_writable(name, state.chain, init=False, volatile=True)
    try:
        if state.chain is None:  # nothing to merge with: the tree itself
            path = str(layers.driver.tree(layers.writable(name).mount_id))
        else:
            path = layers.mount(name)
        with Root(path) as root:
            yield name, root
    finally:
        layers.remove_writable(name)


def sealed(session: Session, state: State, name: str) -> tuple[Hit, int]:
    """(outcome of the step that filled `name`, bytes of its files)."""
    layers = session.builder.layers
    with session.builder.images.holding([state.chain] if state.chain else []):
        staged = seal(layers, name, latest_ns=state.epoch * 10**9)
        if staged is None:
            return Hit(state.chain, None), 0
        size = staged.size
        made = layers.stack(state.chain, staged)
    session.hold(made.chain_id)
    return Hit(made.chain_id, made.diff_id), size
