"""`registry serve`: the daemon listens, this process stays in the foreground."""

import posix

from orlop.cli.credentials import header
from orlop.cli.options import Options
from orlop.cli.ours import rows
from orlop.cli.out import err, out
from orlop.cli.session import Session
from orlop.client.transport import query


def serve(session: Session, options: Options) -> None:
    path = "/orlop/registry/serve" + query(
        {
            "addr": options.text("addr"),
            "htpasswd": _absolute(options.text("auth")),
            "insecure": options.flag("insecure"),
            "readonly": options.flag("read-only"),
            "tlscert": _absolute(options.text("tlscert")),
            "tlsclientca": _absolute(options.text("tlsclientca")),
            "tlskey": _absolute(options.text("tlskey")),
        }
    )
    headers = []
    proxy = options.text("proxy")
    if proxy:
        path += ("&" if "?" in path else "?") + query({"proxy": proxy})[1:]
        domain = proxy.partition("://")[2] or proxy
        headers = [header(session, domain.partition("/")[0])]
    scheme = "https" if options.text("tlscert") else "http"
    for row in rows(session, path, "POST", headers=headers):
        if row.get("address"):
            what = proxy or "the local images"
            out(f"Serving {what} at {scheme}://{row['address']}/v2/\n")
        elif not options.flag("quiet"):
            err(row["status"] + "\n")


def _absolute(path: str) -> str:
    """The daemon reads it, from another directory."""
    if not path or path.startswith("/"):
        return path
    return posix.getcwd() + "/" + path
