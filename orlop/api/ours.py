"""`/orlop/…`: what Docker lacks. Documents as JSON, what comes in pieces as JSON lines."""

from __future__ import annotations

from orlop.api import encode
from orlop.api.answer import NO_CONTENT, TAR, Answer, Stream
from orlop.api.call import Call
from orlop.api.progress import progress
from orlop.container.check import check as checking
from orlop.container.exec_inspect import exec_list
from orlop.container.settle import settle
from orlop.container.signals import parse as signal_number
from orlop.errors import Conflict, NotFound, Unavailable
from orlop.image.chain import chain as chaining
from orlop.image.verify import verify as verifying


def verify(call: Call) -> Stream:
    """Rows {Kind, Digest, ChainID, OK, Error}."""
    return progress(verifying(call.engine.images, call.parameters["name"]))


def chain(call: Call) -> Answer:
    """[{ChainID, DiffID, Parent, CacheID, Size}], bottom first."""
    return encode.json(chaining(call.engine.images, call.parameters["name"]))


def bootstrap(call: Call) -> Stream:
    """Progress; `busybox`, or `debian?suite=bookworm`."""
    images, kind = call.engine.images, call.parameters["kind"]
    if kind == "busybox":
        from orlop.image.bootstrap_busybox import bootstrap_busybox

        return progress(bootstrap_busybox(images))
    if kind == "debian":
        from orlop.image.bootstrap_debian import bootstrap_debian

        return progress(bootstrap_debian(images, call.text("suite")))
    raise NotFound(f"no such bootstrap: {kind}")


def layers(call: Call) -> Stream:
    """Rows of the projection: which layer each path comes from, what it hides."""
    from orlop.container.projection import projection

    return progress(projection(call.engine.containers, call.parameters["name"]))


def rootfs(call: Call) -> Stream:
    """A tar of the image's files, layers merged."""
    from orlop.image.rootfs import rootfs as files_of

    return Stream(files_of(call.engine.images, call.parameters["name"]), TAR)


def execs(call: Call) -> Answer:
    """As `GET /exec/{id}/json`, of every exec that runs (`all=1`: ended ones too)."""
    found = exec_list(call.engine.containers, call.parameters["id"], all=call.flag("all"))
    return encode.json(found)


def exec_kill(call: Call) -> Answer:
    containers, id = call.engine.containers, call.parameters["id"]
    found = containers.execs.get(id)
    if not found.running:
        raise Conflict(f"exec process {id} is not running")
    containers.keeper.signal(
        found.container_id, id, signal_number(call.text("signal") or "SIGKILL"), all=False
    )
    return NO_CONTENT


def hand_back(call: Call) -> Answer:
    """End all containers (`force=1`), then the daemon; dockerd may have the data root after it."""
    engine = call.engine
    if engine.end is None:
        raise Unavailable("this engine is part of a program: close it there")
    settle(engine.containers, force=call.flag("force"))
    engine.handing_back = True
    engine.end()
    return NO_CONTENT


def check(call: Call) -> Stream:
    """Rows of `container.check`; `repair=1` mends."""
    return progress(checking(call.engine.containers, repair=call.flag("repair")))


def import_(call: Call) -> Stream:
    """Messages as those of load; `path` on this host, `image` (several), `quiet=1`."""
    from orlop.image.bring import bring

    found = bring(
        call.engine.images, call.text("path"), call.texts("image"), quiet=call.flag("quiet")
    )
    return progress(found)


def usage(call: Call) -> Stream:
    """Rows {Kind, ID, Owner, Bytes, Files} that add up to what the data root takes."""
    from orlop.container.usage import usage as measured

    return progress(measured(call.engine.containers))
