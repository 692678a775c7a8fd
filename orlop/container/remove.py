"""Remove a container: unlist at once, take apart later."""

from __future__ import annotations

import os
import secrets
import shutil

from orlop.container import foreign, health, hostmounts, imagemounts, kill, links, logopts, volumes
from orlop.container.containers import Containers
from orlop.container.model import Container, Json
from orlop.container.wait import subscribe
from orlop.errors import Conflict, NotFound, OrlopError, SystemFailure

_LAST_RECORDS = 1.0  # seconds for the courier to take them


def remove(
    containers: Containers,
    ref: str,
    *,
    force: bool = False,
    volumes: bool = False,
    link: bool = False,
) -> None:
    """`volumes`: also anonymous volumes that nobody else uses. `link`: only the name
    `owner/alias` that `ref` is."""
    container = containers.get(ref)
    if link:
        links.unlink(containers, ref)
        return
    if logopts.is_remote(container) and not container.state.running:
        containers.couriers.finish(container.id, _LAST_RECORDS)
    while True:
        waiter = None
        with container.lock:
            if container.state.removing:
                if not force:
                    raise Conflict(f"removal of container {container.id} is already in progress")
                waiter = subscribe(container, "removed")
            elif not container.state.running:
                discard(containers, container, volumes=volumes)
                return
            elif not force:
                raise Conflict(f'cannot remove container "{ref}": {_why(container)}')
        if waiter is not None:
            waiter.result(60)
            return
        _kill(containers, container, ref)
        if containers.find(container.id) is not container:
            return  # AutoRemove was faster


def _kill(containers: Containers, container: Container, ref: str) -> None:
    try:
        kill.kill(containers, container.id)
    except Conflict:
        return  # it ended in between
    except OrlopError as error:
        raise SystemFailure(f'cannot remove container "{ref}": {error.message}') from error
    state = container.state
    if state.running and not state.restarting:
        raise SystemFailure(
            f'cannot remove container "{ref}": could not kill container: '
            "tried to kill container, but did not receive an exit event"
        )


def _why(container: Container) -> str:
    status = container.state.status
    if status == "paused":
        return "container is paused and must be unpaused first"
    return f"container is {status}: stop the container before removing or force remove"


def discard(containers: Containers, container: Container, *, volumes: bool) -> None:
    """Take a container that does not run out of the books. Idempotent.

    What makes it gone is one rename of its directory; everything after may be cut short by a
    crash and is swept at the next start.
    """
    with container.lock:
        state = container.state
        gone = containers.find(container.id) is not container
        if state.removing or state.running or gone:
            return
        state.removing = True
        container.touched()
        health.stop(container)
        if container.cancel_restart is not None:
            container.cancel_restart()
            container.cancel_restart = None
        record = container.record
        try:
            tomb = _entomb(containers, container)
        except OSError as error:
            state.removing = False
            raise SystemFailure(
                f"cannot remove container {container.id}: {error.strerror}"
            ) from error
        containers.discard(container)
        _release(containers, container, record, volumes)
    containers.publish(container, "destroy")
    container.removed((container.state.exit_code, ""))
    containers.cleanup.add(
        f"container {container.id[:12]}",
        lambda: _take_apart(containers, container, record, tomb),
    )


def _entomb(containers: Containers, container: Container) -> str:
    os.makedirs(containers.trash, 0o700, exist_ok=True)
    tomb = f"{containers.trash}/{container.id}-{secrets.token_hex(4)}"
    try:
        os.rename(container.directory, tomb)
    except FileNotFoundError:
        pass  # removed by hand: the rest still has to go
    except OSError as error:
        if error.errno != 16:  # EBUSY: our own shm mount is below it
            raise
        hostmounts.unmount_shm(container)
        os.rename(container.directory, tomb)
    return tomb


def _release(containers: Containers, container: Container, record: Json, anonymous: bool) -> None:
    try:
        volumes.release(containers, record, container.id, remove_anonymous=anonymous)
    except (NotFound, KeyError, AttributeError):
        pass  # a damaged record, or a volume that is gone
    containers.keeper.drop(container.id, "")
    containers.couriers.forget(container.id)


def _take_apart(containers: Containers, container: Container, record: Json, tomb: str) -> None:
    foreign.end(containers, container)  # whose daemon was killed before it came to that
    hostmounts.unmount_below(tomb)
    imagemounts.remove(containers, record)
    try:
        image_chain = containers.layers.writable(container.id).parent
        containers.layers.unmount(container.id)
        containers.layers.remove_writable(container.id)
        containers.images.release(image_chain)  # of an image that was removed meanwhile
    except NotFound:
        pass
    shutil.rmtree(tomb, ignore_errors=True)
    shutil.rmtree(containers.exec_directory(container.id), ignore_errors=True)
