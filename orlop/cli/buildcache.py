"""`--cache-from` and `--cache-to` beyond this machine: a registry or a directory.

An image is its own cache: its history says what each layer came of. So a cache is an image that is
pushed or saved under another name; `type=inline` needs nothing at all.
"""

import os

from orlop.cli.buildnamed import loaded
from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.reference import parse
from orlop.cli.session import Session
from orlop.client.transport import query, quote
from orlop.errors import OrlopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE = "cache.tar"
_BLOCK = 1 << 18


def fetch(session: Session, name: str) -> None:
    """Pull quietly; a cache that is not there yet is no error."""
    from orlop.cli.pull import pull_for_run

    try:
        pull_for_run(session, name, "", True)
    except (Failure, OrlopError):
        pass


def load(session: Session, folder: str) -> list[str]:
    path = os.path.join(folder, _FILE)
    if not os.path.exists(path):
        return []
    with open(path, "rb") as file:

        def blocks() -> "Iterator[bytes]":
            while data := file.read(_BLOCK):
                yield data

        answer = session.client.raw(
            "POST",
            "/images/load" + query({"quiet": "1"}),
            headers=[("Content-Type", "application/x-tar")],
            stream=blocks(),
        )
    return loaded(answer)


def store(session: Session, where: dict[str, str], image: str) -> None:
    kind = where.get("type", "registry")
    if kind == "inline":
        return
    if kind == "registry":
        if not where.get("ref"):
            raise Failure("ref is required for registry cache")
        ref = parse(where["ref"]).tagged()
        session.client.call(
            "POST",
            f"/images/{quote(image, b':')}/tag"
            + query({"repo": ref.familiar_name, "tag": ref.tag}),
        )
        from orlop.cli.pull import push

        options = Options()
        options.args = [where["ref"]]
        options.values["quiet"] = True
        push(session, options)
        return
    if kind != "local":
        raise Failure(f"unknown cache exporter: {kind}")
    folder = where.get("dest", "")
    if not folder:
        raise Failure("dest is required for local cache")
    os.makedirs(folder, exist_ok=True)
    response = session.client.open("GET", "/images/get" + query({"names": [image]}))
    temporary = os.path.join(folder, f".{_FILE}.{os.getpid()}")
    with open(temporary, "wb") as file:
        for data in response.chunks():
            file.write(data)
    os.rename(temporary, os.path.join(folder, _FILE))
