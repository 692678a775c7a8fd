"""`rmi` and `tag`."""

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import err, out
from orlop.cli.reference import parse, parse_any
from orlop.cli.session import Session
from orlop.client.transport import ApiError, query, quote
from orlop.errors import OrlopError


def rm(session: Session, options: Options) -> None:
    force = options.flag("force")
    platforms: list[str] = []
    if options.changed("platform"):
        from orlop.cli.platform import to_json

        platforms = [to_json(p) for p in options.all("platform")]
    tail = query({"force": force, "noprune": options.flag("no-prune"), "platforms": platforms})
    errors, fatal = [], False
    for name in options.args:
        try:
            removed = session.client.call("DELETE", f"/images/{quote(name, b'/:@')}{tail}")
        except OrlopError as e:
            fatal = fatal or not (isinstance(e, ApiError) and e.status == 404)
            errors.append(e.message)
            continue
        for one in removed or ():
            if one.get("Deleted"):
                out(f"Deleted: {one['Deleted']}\n")
            else:
                out(f"Untagged: {one.get('Untagged', '')}\n")
    if errors:
        if not force or fatal:
            raise Failure("\n".join(errors))
        err("\n".join(errors) + "\n")


def tag(session: Session, options: Options) -> None:
    source, target = options.args
    try:
        parse_any(source)
    except ValueError as e:
        raise Failure(
            f'Error parsing reference: "{source}" is not a valid repository/tag: {e}'
        ) from None
    try:
        ref = parse(target)
    except ValueError as e:
        raise Failure(
            f'Error parsing reference: "{target}" is not a valid repository/tag: {e}'
        ) from None
    if ref.digest:
        raise Failure("refusing to create a tag with a digest reference")
    ref = ref.tagged()
    session.client.call(
        "POST",
        f"/images/{quote(source, b'/:@')}/tag" + query({"repo": ref.familiar_name, "tag": ref.tag}),
    )
