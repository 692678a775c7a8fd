"""`exec`: run a program in a running container."""

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import is_terminal
from orlop.cli.session import Session
from orlop.cli.stream import Detached
from orlop.client.transport import ApiError, Connection, query, quote
from orlop.errors import OrlopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


def _body(session: Session, options: Options) -> "Json":
    env: list[str] = []
    if options.changed("env-file"):
        from orlop.cli.values import read_variables

        for path in options.all("env-file"):
            try:
                env += read_variables(path, True)
            except ValueError as e:
                raise Failure(str(e)) from None
    env += options.all("env")
    attached = not options.flag("detach")
    return {
        "User": options.text("user"),
        "Privileged": options.flag("privileged"),
        "Tty": options.flag("tty"),
        "AttachStdin": attached and options.flag("interactive"),
        "AttachStderr": attached,
        "AttachStdout": attached,
        "DetachKeys": options.text("detach-keys") or str(session.config.get("detachKeys") or ""),
        "Env": env or None,
        "WorkingDir": options.text("workdir"),
        "Cmd": options.args[1:],
    }


def exec_(session: Session, options: Options) -> int:
    name = options.args[0]
    if name in ("ls", "kill"):
        ours = _ours(session, options)
        if ours is not None:
            return ours
    if len(options.args) < 2:
        from orlop.cli.main import _check_arity

        _check_arity(session.path, "2-", len(options.args))
    body = _body(session, options)
    client = session.client
    path = f"/containers/{quote(name)}"
    if body["Tty"] and body["AttachStdin"] and not is_terminal(0):
        # an unknown container is the more useful message
        client.call("GET", path + "/json")
        raise Failure("the input device is not a TTY")
    if body["Tty"]:
        from orlop.cli.terminal import size

        body["ConsoleSize"] = list(size(1))
    if options.flag("kill-on-disconnect"):
        path += "/exec?orlop-kill-on-disconnect=1"
    else:
        path += "/exec"
    ident = client.call("POST", path, body)["Id"]
    start: Json = {"Detach": options.flag("detach"), "Tty": body["Tty"]}
    if body["Tty"]:
        start["ConsoleSize"] = body["ConsoleSize"]
    if start["Detach"]:
        client.call("POST", f"/exec/{ident}/start", start)
        return 0
    _, conn = client.hijack("POST", f"/exec/{ident}/start", start)
    return _stream(session, ident, body, conn)


def _stream(session: Session, ident: str, body: "Json", conn: Connection) -> int:
    if body["Tty"]:
        from orlop.cli.follow import Follow

        follow = Follow(session, ident, body, body["DetachKeys"])
        follow.proxy = False
        follow.resize_to = lambda rows, columns: _resize(  # type: ignore[method-assign]
            session, ident, rows, columns
        )
        follow.use(conn)
        run = follow.stream
    else:
        from orlop.cli.stream import Pump

        outputs = {1: 1, 2: 2}
        run = Pump(conn, tty=False, stdin=body["AttachStdin"], outputs=outputs).run
    try:
        run()
    except Detached:
        raise Failure("read escape sequence") from None
    except KeyboardInterrupt:
        return 0  # as Docker's CLI: the program stays, the client is not taken to have failed
    conn.close()
    return int(session.client.call("GET", f"/exec/{ident}/json").get("ExitCode") or 0)


def _resize(session: Session, ident: str, rows: int, columns: int) -> None:
    try:
        session.client.call("POST", f"/exec/{ident}/resize" + query({"h": rows, "w": columns}))
    except OrlopError:
        pass


def _ours(session: Session, options: Options) -> int | None:
    """`exec ls` and `exec kill`, unless a container has that name."""
    try:
        session.client.call("GET", f"/containers/{quote(options.args[0])}/json")
        return None
    except ApiError as e:
        if e.status != 404:
            raise
    from orlop.cli.main import execute

    path = f"exec {options.args[0]}"
    session.path = path
    return execute(session, path, path, options.args[1:])
