"""The short verbs on containers: stop, kill, rm and so on. Several names at once; errors at the
end."""

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import err, out
from orlop.cli.session import Session
from orlop.client.transport import ApiError, query, quote
from orlop.errors import OrlopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _each(names: list[str], do: "Callable[[str], None]") -> None:
    """Do each in turn, print the name of what worked, raise all errors together."""
    errors = []
    for name in names:
        try:
            do(name)
        except OrlopError as e:
            errors.append(e.message)
        else:
            out(name + "\n")
    if errors:
        raise Failure("\n".join(errors))


def _each_at_once(
    session: Session, names: list[str], method: str, path: "Callable[[str], str]"
) -> "list[OrlopError | None]":
    """The same request for many containers: all are sent before the first answer is read."""
    results: list[OrlopError | None] = []
    client = session.client
    if len(names) == 1:
        try:
            client.call(method, path(names[0]))
        except OrlopError as e:
            return [e]
        return [None]
    from orlop.cli.parallel import call_all

    results += call_all(client, method, [path(n) for n in names])
    return results


def _report(names: list[str], results: "list[OrlopError | None]") -> None:
    errors = []
    for name, error in zip(names, results):
        if error is not None:
            errors.append(error.message)
        else:
            out(name + "\n")
    if errors:
        raise Failure("\n".join(errors))


def _stop_query(options: Options) -> str:
    return query(
        {
            "signal": options.text("signal"),
            "t": str(options.number("timeout")) if options.changed("timeout") else None,
        }
    )


def stop(session: Session, options: Options) -> None:
    tail = _stop_query(options)
    names = options.args
    _report(
        names, _each_at_once(session, names, "POST", lambda n: f"/containers/{quote(n)}/stop{tail}")
    )


def restart(session: Session, options: Options) -> None:
    tail = _stop_query(options)
    _each(
        options.args,
        lambda n: session.client.call("POST", f"/containers/{quote(n)}/restart{tail}"),
    )


def kill(session: Session, options: Options) -> None:
    tail = query({"signal": options.text("signal")})
    names = options.args
    _report(
        names, _each_at_once(session, names, "POST", lambda n: f"/containers/{quote(n)}/kill{tail}")
    )


def pause(session: Session, options: Options) -> None:
    names = options.args
    _report(names, _each_at_once(session, names, "POST", lambda n: f"/containers/{quote(n)}/pause"))


def unpause(session: Session, options: Options) -> None:
    names = options.args
    _report(
        names, _each_at_once(session, names, "POST", lambda n: f"/containers/{quote(n)}/unpause")
    )


def rm(session: Session, options: Options) -> None:
    force = options.flag("force")
    tail = query({"force": force, "link": options.flag("link"), "v": options.flag("volumes")})
    names = options.args
    good = [n for n in names if n.strip("/")]
    results = iter(
        _each_at_once(session, good, "DELETE", lambda n: f"/containers/{quote(n.strip('/'))}{tail}")
        if good
        else []
    )
    errors = []
    for name in names:
        error = next(results) if name.strip("/") else Failure("container name cannot be empty")
        if error is None:
            out(name + "\n")
        elif force and isinstance(error, ApiError) and error.status == 404:
            err(error.message + "\n")
        else:
            errors.append(error.message)
    if errors:
        raise Failure("\n".join(errors))


def rename(session: Session, options: Options) -> None:
    old, new = options.args[0].strip(), options.args[1].strip()
    if not old or not new:
        raise Failure("Error: Neither old nor new names may be empty")
    try:
        session.client.call("POST", f"/containers/{quote(old)}/rename" + query({"name": new}))
    except OrlopError as e:
        err(e.message + "\n")
        raise Failure(f"Error: failed to rename container named {old}") from None


def wait(session: Session, options: Options) -> None:
    errors = []
    for name in options.args:
        try:
            result = session.client.call("POST", f"/containers/{quote(name)}/wait")
        except OrlopError as e:
            errors.append(e.message)
        else:
            out(f"{result['StatusCode']}\n")
    if errors:
        raise Failure("\n".join(errors))


def top(session: Session, options: Options) -> None:
    from orlop.cli.table import align

    name, *args = options.args
    found = session.client.call(
        "GET", f"/containers/{quote(name)}/top" + query({"ps_args": " ".join(args)})
    )
    lines = [found.get("Titles") or [], *(found.get("Processes") or [])]
    out(align("\n".join("\t".join(line) for line in lines) + "\n", 20, 3))


def port(session: Session, options: Options) -> None:
    from orlop.cli.listing import natural
    from orlop.cli.ps import host_port

    name = options.args[0]
    record = session.client.call("GET", f"/containers/{quote(name)}/json")
    ports: dict[str, Any] = (record.get("NetworkSettings") or {}).get("Ports") or {}
    lines = []
    if len(options.args) > 1:
        wanted = options.args[1]
        number, _, proto = wanted.partition("/")
        _check_port(number)
        found = ports.get(f"{number}/{proto or 'tcp'}")
        if not found:
            raise Failure(f"Error: No public port '{wanted}' published for {name}")
        lines = [host_port(b["HostIp"], b["HostPort"]) for b in found]
    else:
        for inside, bindings in ports.items():
            for b in bindings or ():
                lines.append(f"{inside} -> {host_port(b['HostIp'], b['HostPort'])}")
    if lines:
        out("\n".join(sorted(lines, key=natural)) + "\n")


def _check_port(text: str) -> None:
    from orlop.cli.ports import parse_number

    try:
        parse_number(text)
    except ValueError as e:
        raise Failure(f"Error: invalid port ({text}): {e}") from None


def diff(session: Session, options: Options) -> None:
    name = options.args[0]
    if not name:
        raise Failure("Container name cannot be empty")
    changes = session.client.call("GET", f"/containers/{quote(name)}/changes")
    out("".join(f"{'CAD'[c['Kind']]} {c['Path']}\n" for c in changes or ()))


def commit(session: Session, options: Options) -> None:
    from orlop.cli import reference

    repo = tag = ""
    if len(options.args) > 1 and options.args[1]:
        try:
            ref = reference.parse(options.args[1])
        except ValueError as e:
            raise Failure(str(e)) from None
        if ref.digest:
            raise Failure("refusing to create a tag with a digest reference")
        ref = ref.tagged()
        repo, tag = ref.familiar_name, ref.tag
    found = session.client.call(
        "POST",
        "/commit"
        + query(
            {
                "author": options.text("author"),
                "changes": options.all("change"),
                "comment": options.text("message"),
                "container": options.args[0],
                "pause": None if options.flag("pause", True) else "0",
                "repo": repo,
                "tag": tag,
            }
        ),
    )
    out(f"{found['Id']}\n")
