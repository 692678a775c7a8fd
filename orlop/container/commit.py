"""`docker commit`: a container's changes as a new layer and image."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from orlop.container.containers import Containers
from orlop.container.pause import frozen
from orlop.errors import Conflict
from orlop.image.create import create_from_layer
from orlop.oci.digest import ImageID

Json = dict[str, Any]


def commit(
    containers: Containers,
    ref: str,
    *,
    repo: str = "",
    tag: str = "",
    comment: str = "",
    author: str = "",
    pause: bool = True,
    changes: Sequence[str] = (),
    config: Json | None = None,
) -> ImageID:
    """The new image's ID. A running container is frozen while its layer is read.

    `config` (a Config document) replaces fields of the container's; `changes` are Dockerfile
    instructions applied last. Raises Conflict while the container is being removed.
    """
    container = containers.get(ref)
    if container.state.dead or container.state.removing:
        raise Conflict(
            f"You cannot commit container {container.id} which is "
            + ("Dead" if container.state.dead else "being removed")
        )
    record = container.record
    with ExitStack() as stack:
        if pause and container.state.running and not container.state.paused:
            stack.enter_context(frozen(containers, container))
        image = create_from_layer(
            containers.images,
            parent=record["Image"],
            diff=containers.layers.diff_tar(container.id),
            container=container.id,
            container_config=record["Config"],
            config=config,
            changes=changes,
            comment=comment,
            author=author,
            repo=repo,
            tag=tag,
        )
    containers.publish(
        container, "commit", comment=comment, imageID=image, imageRef=_name(repo, tag)
    )
    return image


def _name(repo: str, tag: str) -> str:
    return f"{repo}:{tag or 'latest'}" if repo else ""
