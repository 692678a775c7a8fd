"""`attach` and `start`: join a container that is there."""

from orlop.cli.failure import Failure
from orlop.cli.follow import Follow
from orlop.cli.options import Options
from orlop.cli.out import err, is_terminal, out
from orlop.cli.session import Session
from orlop.cli.stream import Detached
from orlop.client.transport import quote
from orlop.errors import OrlopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


def _running(session: Session, name: str) -> "Json":
    """The container's record. Raises Failure when it cannot be attached to."""
    record: Json = session.client.call("GET", f"/containers/{quote(name)}/json")
    state = record["State"]
    if not state["Running"]:
        raise Failure("You cannot attach to a stopped container, start it first")
    if state["Paused"]:
        raise Failure("You cannot attach to a paused container, unpause it first")
    if state["Restarting"]:
        raise Failure("You cannot attach to a restarting container, wait until it is running")
    return record


def attach(session: Session, options: Options) -> int:
    record = _running(session, options.args[0])
    config = record["Config"]
    wants = not options.flag("no-stdin")
    if wants and config["Tty"] and not is_terminal(0):
        raise Failure("the input device is not a TTY")
    follow = Follow(
        session,
        record["Id"],
        {
            "Tty": config["Tty"],
            "AttachStdin": wants and config["OpenStdin"],
            "AttachStdout": True,
            "AttachStderr": True,
        },
        options.text("detach-keys"),
    )
    follow.proxy = options.flag("sig-proxy", True) and not config["Tty"]
    follow.wait("")
    follow.attach()
    _running(session, options.args[0])
    if config["Tty"] and is_terminal(1):
        # a size that differs makes the program draw its prompt again
        from orlop.cli.terminal import size

        rows, columns = size(1)
        follow.resize_to(rows + 1, columns + 1)
    try:
        follow.stream()
    except Detached:
        raise Failure("read escape sequence") from None
    return follow.status()


def start(session: Session, options: Options) -> int:
    wrong = [
        f'"--{name}" is only supported on a Docker daemon with experimental features enabled'
        for name in ("checkpoint", "checkpoint-dir")
        if options.changed(name)
    ]
    if wrong:
        raise Failure("\n".join(wrong))
    if options.flag("attach") or options.flag("interactive"):
        if len(options.args) > 1:
            raise Failure("you cannot start and attach multiple containers at once")
        return _start_attached(session, options)
    failed = []
    for name in options.args:
        try:
            session.client.call("POST", f"/containers/{quote(name)}/start")
        except OrlopError as e:
            err(e.message + "\n")
            failed.append(name)
        else:
            out(name + "\n")
    if failed:
        raise Failure("Error: failed to start containers: " + ", ".join(failed))
    return 0


def _start_attached(session: Session, options: Options) -> int:
    record = session.client.call("GET", f"/containers/{quote(options.args[0])}/json")
    config = record["Config"]
    follow = Follow(
        session,
        record["Id"],
        {
            "Tty": config["Tty"],
            "AttachStdin": options.flag("interactive") and config["OpenStdin"],
            "AttachStdout": True,
            "AttachStderr": True,
        },
        options.text("detach-keys"),
    )
    follow.proxy = not config["Tty"]
    follow.attach()
    removed = bool(record["HostConfig"]["AutoRemove"])
    follow.wait("removed" if removed else "next-exit")
    try:
        session.client.call("POST", f"/containers/{record['Id']}/start")
    except OrlopError:
        follow.abandon(removed)
        raise
    return follow.until_exit()
