"""`pull` and `push`."""

from orlop.cli import reference
from orlop.cli.credentials import header
from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.progress import show
from orlop.cli.reference import Reference
from orlop.cli.session import Session
from orlop.client.transport import query, quote


def _reference(name: str, everything: bool, quiet: bool) -> Reference:
    try:
        ref = reference.parse(name)
    except ValueError as e:
        raise Failure(str(e)) from None
    bare = not ref.tag and not ref.digest
    if everything and not bare:
        raise Failure("tag can't be used with --all-tags/-a")
    if not everything and bare:
        ref = ref.tagged()
        if not quiet:
            out(f"Using default tag: {ref.tag}\n")
    return ref


def _pull(
    session: Session,
    ref: Reference,
    everything: bool,
    platform: str,
    fd: int | None,
    *,
    strict: bool = False,
) -> None:
    tag = "" if everything else ref.digest or ref.tag
    path = "/images/create" + query(
        {"fromImage": ref.familiar_name, "platform": platform.lower(), "tag": tag}
    )
    headers = [header(session, ref.domain, strict=strict)]
    response = session.client.open("POST", path, headers=headers)
    show(response, fd)
    session.client.release(response)


_ONE_PLATFORM = """
 Info -> Using --platform pushes only the specified platform manifest of a multi-platform image index.
         Other components, like attestations, will not be included.
         To push the complete multi-platform image, remove the --platform flag.
         
"""  # noqa: E501, W293


def pull(session: Session, options: Options) -> None:
    if options.changed("disable-content-trust"):
        from orlop.cli.trust import refuse_trust

        refuse_trust(options)
    everything, quiet = options.flag("all-tags"), options.flag("quiet")
    ref = _reference(options.args[0], everything, quiet)
    _pull(session, ref, everything, options.text("platform"), None if quiet else 1)
    out(f"{ref}\n")


def pull_for_run(session: Session, image: str, platform: str, quiet: bool) -> None:
    """Fetch what `run` lacks; progress goes to stderr, stdout is for the container."""
    ref = reference.parse(image).tagged()
    _pull(session, ref, False, platform, None if quiet else 2, strict=True)


def push(session: Session, options: Options) -> None:
    if options.changed("disable-content-trust"):
        from orlop.cli.trust import refuse_trust

        refuse_trust(options)
    everything, quiet = options.flag("all-tags"), options.flag("quiet")
    ref = _reference(options.args[0], everything, quiet)
    platform = ""
    if options.text("platform"):
        from orlop.cli.platform import to_json

        platform = to_json(options.text("platform"))
        out(_ONE_PLATFORM)
    path = f"/images/{quote(ref.familiar_name, b'/:')}/push" + query(
        {
            "compression": options.text("compression"),  # ours
            "platform": platform,
            "tag": "" if everything else ref.tag or ref.digest,
        }
    )
    response = session.client.open("POST", path, headers=[header(session, ref.domain)])
    show(response, None if quiet else 1)
    session.client.release(response)
    if quiet:
        out(f"{ref}\n")
