"""RUN: a container of the ordinary runtime over the stage's files; what it changed is the layer."""

from __future__ import annotations

import os
import socket
import time
from contextlib import ExitStack
from typing import Any

from orlop.builder import configure, heredoc
from orlop.builder import instructions as ins
from orlop.builder.cache import Hit
from orlop.builder.events import Log, Removed, Running, Vertex
from orlop.builder.layer import sealed
from orlop.builder.mountspec import parse_device
from orlop.builder.runmounts import Mounts, prepare
from orlop.builder.session import Session
from orlop.builder.state import State, bare_image
from orlop.container.create import TRANSIENT, create
from orlop.container.start import start
from orlop.container.wait import wait
from orlop.errors import Forbidden, InvalidArgument, NotSupported, OrlopError, SystemFailure
from orlop.oci import platform as platforms
from orlop.oci.platform import Platform
from orlop.paths import Root
from orlop.storage.layers import Layers
from orlop.wire import Frames

Json = dict[str, Any]
_HOSTNAME = "build"  # the same in every build: programs write it into files
_CHUNK = 1 << 16
_CANNOT_EXECUTE = 255  # exec format error


class StepFailed(OrlopError):
    """The step's program (`shown`) failed; `code` is its exit code."""

    def __init__(self, shown: str, code: int) -> None:
        super().__init__(f"The command '{shown}' returned a non-zero code: {code}")
        self.shown = shown
        self.code = code


def command_of(state: State, node: ins.Run) -> list[str]:
    """The program's words; heredocs are in them."""
    if not node.shell:
        return list(node.command)
    text = node.command[0] if node.command else ""
    if not node.heredocs:
        return [*state.shell, text]
    if heredoc.parse_word(text) is not None and len(node.heredocs) == 1:
        return _script(state, node.heredocs[0])
    for document in node.heredocs:
        text += f"\n{document.content}{document.name}"
    return [*state.shell, text]


def _script(state: State, document: heredoc.Heredoc) -> list[str]:
    """A lone `<<EOF`: the text is the script. One with `#!` is given to its interpreter."""
    first, _, _ = document.data.partition("\n")
    if not first.startswith("#!"):
        return [*state.shell, document.data]
    # As the kernel does it: the rest of the line is one argument, then comes the file.
    return [*first[2:].strip().split(None, 1), script_path(document)]


def script_path(document: heredoc.Heredoc) -> str:
    """Where the container sees the text of a script with an interpreter of its own."""
    return f"/dev/pipes/{document.name.replace('/', '_')}"


def script_of(node: ins.Run) -> heredoc.Heredoc | None:
    """The heredoc that is a script for an interpreter of its own."""
    text = node.command[0] if node.shell and node.command else ""
    if len(node.heredocs) != 1 or "<<" not in text or heredoc.parse_word(text) is None:
        return None
    return node.heredocs[0] if node.heredocs[0].data.startswith("#!") else None


def environment(session: Session, state: State) -> tuple[list[str], dict[str, str]]:
    """(Env of the container, the build arguments in it that the cache heeds)."""
    given = {k: v for k, v in session.request.arguments.items() if v is not None}
    set_by_env = {k: v for k, v in state.environment.items() if k not in state.winning}
    arguments = {k: v for k, v in state.arguments.items() if k not in set_by_env}
    proxies = {k: v for k, v in given.items() if k in configure.PROXIES and k not in set_by_env}
    heeded = {
        k: v for k, v in arguments.items() if k not in configure.PROXIES or k in state.declared
    }
    entries = {**proxies, **arguments}
    kept = [f"{k}={v}" for k, v in set_by_env.items()]
    return [*kept, *(f"{k}={v}" for k, v in entries.items())], heeded


def history_of(words: list[str], heeded: dict[str, str]) -> str:
    declared = {k: v for k, v in heeded.items() if k not in configure.PROXIES}
    if not declared:
        return " ".join(words)
    shown = " ".join(f"{k}={v}" for k, v in sorted(declared.items()))
    return f"|{len(declared)} {shown} " + " ".join(words)


def run(
    session: Session, state: State, node: ins.Run, vertex: Vertex, place: str, stage: str,
    mounts: Mounts,
) -> tuple[State, bool]:  # fmt: skip
    """(state after it, whether the cache had it). Raises StepFailed, OrlopError."""
    words = command_of(state, node)
    script = script_of(node)
    if script is not None:
        mounts.files[script_path(script)] = script.data.encode("utf-8", "surrogateescape")
    entries, heeded = environment(session, state)
    network = _network(session, node)
    inputs: Json = {
        "op": "run",
        "parent": state.chain or "",
        "command": words,
        "environment": state.environment,
        "arguments": heeded,
        "user": state.config.get("User") or "",
        "cwd": state.config.get("WorkingDir") or "/",
        "network": network,
        "security": node.security,
        "hosts": sorted(session.request.host.get("ExtraHosts") or ()),
        "mounts": mounts.inputs,
        "script": script.data if script is not None else "",
        "epoch": state.epoch,
        "platform": str(state.platform),
    }
    history = history_of(words, heeded)
    unsaid = (
        script is not None
        or any(one.content for one in mounts.planned)
        or node.network != "default"
        or node.security != "sandbox"
    )
    told = "" if unsaid else history  # history says nothing of files read, nor of these
    hit = session.look_up(vertex, stage, place, inputs, state, told)
    if hit is not None:
        return state.stepped(history, hit.diff), True
    config: Json = {
        "Image": state.image_id,
        "Hostname": _HOSTNAME,
        "Cmd": words,
        "Entrypoint": [],
        "Env": entries,
        "User": state.config.get("User") or "",
        "WorkingDir": state.config.get("WorkingDir") or "",
        "Labels": state.config.get("Labels") or {},
        "AttachStdout": True,
        "AttachStderr": True,
        "Healthcheck": {"Test": ["NONE"]},
    }
    # The client hears it all; a log on a full disk would hold the program up.
    log: Json = {"Type": "none", "Config": {}}
    host: Json = {**session.request.host, "NetworkMode": network, "LogConfig": log}
    if network == "host":
        host["UsernsMode"] = "host"  # a user namespace has no say in the host's network
    required = [text for text in node.devices if parse_device(text).required]
    if required:
        raise NotSupported(f"device {required[0]}: RUN --device finds no devices (CDI) here")
    if node.security == "insecure":
        if not session.request.insecure:
            raise Forbidden("granting entitlement security.insecure is not allowed by the client")
        host["Privileged"] = True
        host["UsernsMode"] = "host"
    found, size = _execute(session, state, vertex, config, host, mounts, words)
    session.made_step(inputs, found, vertex.text, size)
    return state.stepped(history, found.diff), False


def _network(session: Session, node: ins.Run) -> str:
    asked = node.network if node.network != "default" else session.request.network or "default"
    if asked == "host" and not session.request.host_network:
        raise InvalidArgument("network.host is not allowed")  # it may be a base's trigger
    return asked


def _execute(
    session: Session, state: State, vertex: Vertex, config: Json, host: Json, mounts: Mounts,
    words: list[str],
) -> tuple[Hit, int]:  # fmt: skip
    """Run the container, seal what it changed. Its end is the session's to see to."""
    containers = session.builder.containers
    session.check()
    with ExitStack() as stack:
        points, extra = prepare(session, mounts, stack)
        if points:
            host["Mounts"] = points
        id, _ = create(containers, config, host, on=bare_image(state), transient=True)
        stack.callback(_leave, session, id)
        if extra:
            containers.hidden_env[id] = tuple(extra)
            stack.callback(containers.hidden_env.pop, id, None)
        layers: Layers = session.builder.layers
        mountpoints(layers, id, [(p["Target"], not mounts.is_file(p)) for p in points])
        session.emit(Running(vertex, id))
        with session.running(id):
            code, error = _run_to_end(session, vertex, id)
        session.check()
        if code or error:
            if code == _CANNOT_EXECUTE and (hint := _foreign(state.platform)):
                session.note(vertex, hint)
            raise StepFailed(" ".join(words), code)
        outcome = sealed(session, state, id)
        if session.request.remove or session.request.force_remove:
            session.discard(id)
            session.emit(Removed(vertex, id))
        return outcome


def _leave(session: Session, id: str) -> None:
    """What becomes of a container that is still there: removed, or left for the user to look at."""
    containers = session.builder.containers
    container = containers.find(id)
    if container is None:
        return
    keep = not session.request.force_remove and not session.cancelled.is_set()
    if not keep:
        session.discard(id)
        return
    with container.changing() as record:
        record.pop(TRANSIENT, None)


def _run_to_end(session: Session, vertex: Vertex, id: str) -> tuple[int, str]:
    """(exit code, error); everything it printed was told before."""
    containers = session.builder.containers
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            containers.keeper.attach(
                id, "", theirs.fileno(), stdin=False, stdout=True, stderr=True, mux=True,
                detach_keys=b"", leftover=b"", stdin_once=False,
            )  # fmt: skip
        ended = wait(containers, id, "next-exit")
        try:
            start(containers, id)
        except SystemFailure as error:
            raise SystemFailure(error.message.removesuffix(": unknown")) from None
        frames = Frames()
        while data := ours.recv(_CHUNK):
            for stream, piece in frames.feed(data):
                session.emit(Log(vertex, stream, piece, time.time_ns()))
    return ended.result()


def _foreign(platform: Platform) -> str:
    """What to do about a program that could not be executed: "" on this machine's platform."""
    if platforms.satisfies(platform, platforms.default()):
        return ""
    return (
        f"{platform} is not this machine's platform: RUN needs binfmt_misc with qemu-user for it; "
        "or build in a stage FROM --platform=$BUILDPLATFORM and COPY the result\n"
    )


def mountpoints(layers: Layers, id: str, targets: list[tuple[str, bool]]) -> None:
    """Make where mounts go in the layer below the container's own, so that no layer shows them."""
    if not targets or layers.driver.whole:
        return
    made = layers.writable(id)
    if not made.init_id or made.parent is None:
        return
    fd = layers.driver.temporary(made.init_id)
    try:
        with Root(fd) as root:
            for target, directory in targets:
                _make(root, target, directory)
    finally:
        os.close(fd)
    layers.driver.settle(made.init_id)


def _make(root: Root, target: str, directory: bool) -> None:
    try:
        if directory:
            os.close(root.mkdir_all(target, 0o755))
            return
        if root.exists(target, follow=True):
            return
        parent, _, name = target.rstrip("/").rpartition("/")
        fd = root.mkdir_all(parent or "/", 0o755)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(name, flags, 0o644, dir_fd=fd))
        finally:
            os.close(fd)
    except OSError:
        pass  # there already, or the runtime says what is wrong with it
